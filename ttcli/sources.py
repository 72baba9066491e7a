"""Where settings are looked for: the environment, one file, and for secrets their own files.

The file's syntax is that of systemd's EnvironmentFile= (systemd.exec(5)), so that a unit can read
the same file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ttcli.settings import Variable
from ttcli.variables import VARIABLES

DEFAULT_FILE = Path("/etc/trackandtrace/config.env")
_OURS = re.compile(r"(EMAIL|DB|APP|REPLY|REPORT)_[A-Z0-9_]+\Z")


class Found(NamedTuple):
    """A raw value and where it stood, for messages."""

    text: str
    where: str


class Sources(NamedTuple):
    """What was found.

    Attributes:
        file: The configuration file that was read, or None.
        found: Raw values by variable name.
        mistakes: One sentence each.
        find: Looks up a variable that is not on the list, as those on it are; adds mistakes.
        names: Of all that was set and looks like ours.
    """

    file: Optional[Path]
    found: Dict[str, Found]
    mistakes: List[str]
    find: Callable[[Variable, List[str]], Optional[Found]]
    names: List[str]


def collect(environ: Mapping[str, str], file: Optional[Path]) -> Sources:
    """Every raw value, environment before file, and every mistake in finding them."""
    mistakes: List[str] = []
    path, lines = _read_file(environ, file, mistakes)

    def find(variable: Variable, mistakes: List[str]) -> Optional[Found]:
        return _find(variable, ((environ, "environment"), (lines, str(path))), environ, mistakes)

    every = ((variable.name, find(variable, mistakes)) for variable in VARIABLES)
    found = {name: value for name, value in every if value is not None}
    ours = [name for name in [*environ, *lines] if _OURS.match(name)]
    return Sources(path, found, mistakes, find, [*found, *ours])


def _read_file(
    environ: Mapping[str, str], file: Optional[Path], mistakes: List[str]
) -> Tuple[Optional[Path], Dict[str, str]]:
    """The configuration file and its lines; a file that was asked for must be readable."""
    asked = file or (Path(environ["TTCLI_CONFIG"]) if environ.get("TTCLI_CONFIG") else None)
    path = asked or DEFAULT_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if asked:
            mistakes.append(f"{path}: no such file")
        return None, {}
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}")
        return None, {}
    return path, parse_file(text, str(path), mistakes)


_LINE = re.compile(r"""\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*\Z""", re.S)


def parse_file(text: str, where: str, mistakes: List[str]) -> Dict[str, str]:
    """`NAME=value` lines as systemd.exec(5) reads an EnvironmentFile=.

    Lines that are blank or begin with `#` or `;` are comments, a backslash before the line's end
    continues it, and a value may stand in single or double quotes.
    """
    values: Dict[str, str] = {}
    for number, line in enumerate(text.replace("\\\n", "").splitlines(), 1):
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        match = _LINE.match(line)
        if match:
            values[match[1]] = _unquote(match[2])
        else:
            mistakes.append(f"{where}, line {number}: expected NAME=value")
    return values


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r'\\(["\\`$])', r"\1", value[1:-1])
    return value


def _find(
    variable: Variable,
    places: Sequence[Tuple[Mapping[str, str], str]],
    environ: Mapping[str, str],
    mistakes: List[str],
) -> Optional[Found]:
    """A raw value, environment before file, a secret's own sources beside both."""
    for source, where in places:
        value = _from_source(variable, source, where, mistakes)
        if value is not None:
            return value
    return _from_credentials(variable, environ, mistakes)


def _from_source(
    variable: Variable, source: Mapping[str, str], where: str, mistakes: List[str]
) -> Optional[Found]:
    direct = source.get(variable.name)
    pointer = source.get(f"{variable.name}_FILE") if variable.secret else None
    if direct and pointer:
        mistakes.append(
            f"{variable.name} and {variable.name}_FILE are both set in {where}: keep one"
        )
    if pointer:
        return from_secret_file(Path(pointer), f"{variable.name}_FILE", mistakes)
    return Found(direct, where) if direct is not None else None


def _from_credentials(
    variable: Variable, environ: Mapping[str, str], mistakes: List[str]
) -> Optional[Found]:
    """systemd's LoadCredential= (systemd.exec(5)): a file of the variable's name."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not (variable.secret and directory):
        return None
    path = Path(directory) / variable.name
    return from_secret_file(path, "CREDENTIALS_DIRECTORY", mistakes) if path.exists() else None


def from_secret_file(path: Path, name: str, mistakes: List[str]) -> Optional[Found]:
    """The secret in a file of its own."""
    try:
        return Found(path.read_text(encoding="utf-8").rstrip("\r\n"), name)
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(
            f"{name}={path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        )
        return Found("unreadable", name)  # named once; not reported as missing too


def report_unknown(names: Sequence[str], mistakes: List[str], also: Sequence[str] = ()) -> None:
    """Names that look like ours and are none; `also` are known for another reason."""
    known = {variable.name for variable in VARIABLES} | set(also)
    known |= {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    known |= {f"{name}_FILE" for name in also}
    for name in sorted(set(names) - known):
        import difflib

        near = difflib.get_close_matches(name, known, 1)
        mistakes.append(
            f"{name}: no such variable" + (f", did you mean {near[0]}?" if near else "")
        )
