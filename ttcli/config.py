"""Settings: environment variables first, then one file of `NAME=value` lines.

The file is `--config`, else `$TTCLI_CONFIG`, else /etc/trackandtrace/config.env; its syntax is
that of systemd's EnvironmentFile= (systemd.exec(5)), so that a unit can read the same file.
`settings.py` holds the list of variables; this module finds their values and reports every
mistake at once.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ttcli.errors import ConfigError
from ttcli.settings import VARIABLES, Variable

DEFAULT_FILE = Path("/etc/trackandtrace/config.env")
_OURS = re.compile(r"(EMAIL|DB|APP)_[A-Z0-9_]+\Z")


class Secret:
    """A value that no repr, log line or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself; call it only where a server is given it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


class MailboxSettings(NamedTuple):
    """One folder of one account, and how to reach it; `timeout` in seconds."""

    host: str
    port: int
    username: str
    password: Secret
    tls: bool
    ca_file: Optional[Path]
    folder: str
    subject_filter: str
    timeout: int


class DatabaseSettings(NamedTuple):
    """Server, role, and the names of what is loaded; identifiers are unquoted, case kept.

    Attributes:
        target: `(table,)` or `(schema, table)`.
        key: The unique-key columns.
        source_time_column: Column for the as-of time, or nothing.
    """

    host: str
    port: int
    name: str
    username: str
    password: Secret
    sslmode: str
    sslrootcert: Optional[Path]
    temp_schema: str
    target: Tuple[str, ...]
    key: Tuple[str, ...]
    source_time_column: str


class Limits(NamedTuple):
    """What reading one workbook may cost before it is refused."""

    memory_mb: int = 512
    cpu_seconds: int = 300
    wall_seconds: int = 600
    inflated_mb: int = 4096
    rows: int = 1_048_576
    columns: int = 1024
    cells: int = 100_000_000


def _is_local(host: str) -> bool:
    """Whether a connection to this host stays on this machine."""
    return host.startswith(("/", "127.")) or host in ("localhost", "::1")


class Config:
    """Every setting by its variable's name in lower case: `config.email_host`.

    Attributes:
        file: The configuration file that was read, or None.
        values: Variable name → parsed value; secrets are `Secret`.
        given: The names that were set by environment, file or credential.
    """

    def __init__(
        self, values: Mapping[str, Any], given: Sequence[str], file: Optional[Path]
    ) -> None:
        self.values = dict(values)
        self.given = frozenset(given)
        self.file = file

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name.upper()]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def mailbox(self) -> MailboxSettings:
        """What the mail room needs."""
        return MailboxSettings(
            host=self.email_host,
            port=self.email_port,
            username=self.email_username,
            password=self.email_password,
            tls=self.email_use_ssl,
            ca_file=self.email_tls_ca_file,
            folder=self.email_folder,
            subject_filter=self.email_subject_filter,
            timeout=self.email_timeout,
        )

    @property
    def database(self) -> DatabaseSettings:
        """What the database room needs."""
        local = _is_local(self.db_host)
        safe = "verify-full" if self.db_sslrootcert else "require"
        return DatabaseSettings(
            host=self.db_host,
            port=self.db_port,
            name=self.db_name,
            username=self.db_username,
            password=self.db_password,
            sslmode=self.db_sslmode or ("prefer" if local else safe),
            sslrootcert=self.db_sslrootcert,
            temp_schema=self.db_temp_schema,
            target=self.db_target_table,
            key=self.db_unique_key,
            source_time_column=self.db_source_time_column,
        )

    @property
    def limits(self) -> Limits:
        """What one workbook may cost."""
        return Limits(
            memory_mb=self.limit_memory_mb,
            cpu_seconds=self.limit_cpu_seconds,
            wall_seconds=self.limit_wall_seconds,
            inflated_mb=self.limit_inflated_mb,
            rows=self.limit_rows,
            columns=self.limit_columns,
            cells=self.limit_cells,
        )

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in sorted(self.values.items()))
        return f"Config({shown})"


class _Found(NamedTuple):
    """A raw value and where it stood, for messages."""

    text: str
    where: str


def load(
    environ: Optional[Mapping[str, str]] = None,
    file: Optional[Path] = None,
    needs: Sequence[str] = ("EMAIL", "DB"),
) -> Config:
    """Reads, checks and returns the settings.

    Args:
        environ: The process environment; `os.environ` by default.
        file: The configuration file; without it the search order of this module's docstring.
        needs: The groups of variables (`EMAIL`, `DB`) whose required ones must be set.

    Raises:
        ConfigError: One error that names every mistake.
    """
    environ = os.environ if environ is None else environ
    mistakes: List[str] = []
    path, lines = _read_file(environ, file, mistakes)
    found = _collect(environ, lines, path, mistakes)
    _report_unknown([*found, *(n for n in [*environ, *lines] if _OURS.match(n))], mistakes)
    values = {v.name: _value_of(v, found.get(v.name), needs, mistakes) for v in VARIABLES}
    if mistakes:
        raise ConfigError(
            f"{len(mistakes)} mistake(s) in the configuration:",
            f"correct them in the environment or in {path or DEFAULT_FILE}",
            mistakes,
        )
    return Config(values, list(found), path)


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
) -> Dict[str, _Found]:
    """Raw values by variable, environment before file, a secret's own sources beside both."""
    found: Dict[str, _Found] = {}
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
) -> Optional[_Found]:
    direct = source.get(variable.name)
    pointer = source.get(f"{variable.name}_FILE") if variable.secret else None
    if direct and pointer:
        mistakes.append(
            f"{variable.name} and {variable.name}_FILE are both set in {where}: keep one"
        )
    if pointer:
        return _from_secret_file(Path(pointer), f"{variable.name}_FILE", mistakes)
    return _Found(direct, where) if direct is not None else None


def _from_credentials(
    variable: Variable, environ: Mapping[str, str], mistakes: List[str]
) -> Optional[_Found]:
    """systemd's LoadCredential= (systemd.exec(5)): a file of the variable's name."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not (variable.secret and directory):
        return None
    path = Path(directory) / variable.name
    return _from_secret_file(path, "CREDENTIALS_DIRECTORY", mistakes) if path.exists() else None


def _from_secret_file(path: Path, name: str, mistakes: List[str]) -> Optional[_Found]:
    try:
        return _Found(path.read_text(encoding="utf-8").rstrip("\r\n"), name)
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(
            f"{name}={path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        )
        return _Found("unreadable", name)  # named once; not reported as missing too


def _report_unknown(names: Sequence[str], mistakes: List[str]) -> None:
    known = {variable.name for variable in VARIABLES}
    known |= {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    for name in sorted(set(names) - known):
        near = difflib.get_close_matches(name, known, 1)
        mistakes.append(
            f"{name}: no such variable" + (f", did you mean {near[0]}?" if near else "")
        )


def _value_of(
    variable: Variable, found: Optional[_Found], needs: Sequence[str], mistakes: List[str]
) -> Any:
    """The parsed value, or the parsed default; a missing required one is a mistake and empty."""
    if found and (found.text or variable.may_be_empty):
        try:
            value = variable.parse(found.text)
        except ValueError as error:
            shown = "(secret)" if variable.secret else repr(found.text)
            mistakes.append(f"{variable.name}={shown} ({found.where}): {error}")
            return None
    elif variable.default is not None:
        value = variable.parse(variable.default)
    else:
        value = ""
        if variable.name.split("_")[0] in needs:
            mistakes.append(f"{variable.name} is not set: {variable.help}")
    return Secret(value) if variable.secret else value
