"""Where settings are looked for: the environment, one file, and for secrets their own files.

The file's syntax is that of systemd's EnvironmentFile= (systemd.exec(5)), so that a unit can read
the same file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ttcli.settings import Variable
from ttcli.variables import VARIABLES

DEFAULT_FILE = Path("/etc/trackandtrace/config.env")
_OURS = re.compile(r"(EMAIL|DB|APP)_[A-Z0-9_]+\Z")


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
    """

    file: Optional[Path]
    found: Dict[str, Found]
    mistakes: List[str]


def collect(environ: Mapping[str, str], file: Optional[Path]) -> Sources:
    """Every raw value, environment before file, and every mistake in finding them."""
    mistakes: List[str] = []
    path, lines = _read_file(environ, file, mistakes)
    found = _collect(environ, lines, path, mistakes)
    _report_unknown([*found, *(n for n in [*environ, *lines] if _OURS.match(n))], mistakes)
    return Sources(path, found, mistakes)


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


def _collect(
    environ: Mapping[str, str], lines: Mapping[str, str], path: Optional[Path], mistakes: List[str]
) -> Dict[str, Found]:
    """Raw values by variable, environment before file, a secret's own sources beside both."""
    found: Dict[str, Found] = {}
    for variable in VARIABLES:
        for source, where in ((environ, "environment"), (lines, str(path))):
            value = _from_source(variable, source, where, mistakes)
            if value is not None:
                found[variable.name] = value
                break
        else:
            credential = _from_credentials(variable, environ, mistakes)
            if credential is not None:
                found[variable.name] = credential
    return found


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
        return _from_secret_file(Path(pointer), f"{variable.name}_FILE", mistakes)
    return Found(direct, where) if direct is not None else None


def _from_credentials(
    variable: Variable, environ: Mapping[str, str], mistakes: List[str]
) -> Optional[Found]:
    """systemd's LoadCredential= (systemd.exec(5)): a file of the variable's name."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not (variable.secret and directory):
        return None
    path = Path(directory) / variable.name
    return _from_secret_file(path, "CREDENTIALS_DIRECTORY", mistakes) if path.exists() else None


def _from_secret_file(path: Path, name: str, mistakes: List[str]) -> Optional[Found]:
    try:
        return Found(path.read_text(encoding="utf-8").rstrip("\r\n"), name)
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(
            f"{name}={path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        )
        return Found("unreadable", name)  # named once; not reported as missing too


def _report_unknown(names: Sequence[str], mistakes: List[str]) -> None:
    known = {variable.name for variable in VARIABLES}
    known |= {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    for name in sorted(set(names) - known):
        import difflib

        near = difflib.get_close_matches(name, known, 1)
        mistakes.append(
            f"{name}: no such variable" + (f", did you mean {near[0]}?" if near else "")
        )
