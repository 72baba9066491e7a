"""[[mailbox]] in mapping.toml: one more place where EMAIL_* settings stand, for each mailbox.

Each table may set any EMAIL_* variable, in lower case and without its prefix; what it leaves out
comes from the variable. `name` and `folders` are the only words beside.
"""

from __future__ import annotations

import datetime
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ttcli.settings import Variable
from ttcli.sources import Found, from_secret_file
from ttcli.values import value_of
from ttcli.variables import VARIABLES

Find = Callable[[Variable, List[str]], Optional[Found]]

_PREFIX = "EMAIL_"
_OWN = {v.name[len(_PREFIX) :].lower(): v for v in VARIABLES if v.name.startswith(_PREFIX)}
_LISTS = ("allow_senders",)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")  # of a variable; it may become a file name


class Table(NamedTuple):
    """One [[mailbox]].

    Attributes:
        place: For messages.
        name: As given; empty where it is not.
        folders: Empty where `folder` or EMAIL_FOLDER says it.
        found: Raw values by variable name.
        named: Variables outside of the list in which its secrets lie.
    """

    place: str
    name: str
    folders: Tuple[str, ...]
    found: Dict[str, Found]
    named: List[str]


def read_tables(path: Path, find: Find, mistakes: List[str]) -> List[Table]:
    """The [[mailbox]] tables of a mapping.toml; none where there is no such file.

    Args:
        find: Looks up a variable as those of the list are looked up.
    """
    written = _parse(path, mistakes).get("mailbox", [])
    if not isinstance(written, list) or not all(isinstance(each, dict) for each in written):
        mistakes.append(f"{path}: mailbox: expected [[mailbox]] sections")
        return []
    return [_Reading(path, n, find, mistakes).table(each) for n, each in enumerate(written, 1)]


def _parse(path: Path, mistakes: List[str]) -> Dict[str, Any]:
    """The whole file; what else is in it is not looked at here."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if not isinstance(error, FileNotFoundError):
            mistakes.append(f"{path}: cannot be read: {getattr(error, 'strerror', '') or error}")
        return {}
    if "mailbox" not in text:
        return {}  # TOML or not, that is the process stage's business
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return dict(toml.loads(text))
    except toml.TOMLDecodeError as error:
        mistakes.append(f"{path} is not TOML: {error}")
        return {}


def values_of(
    table: Table,
    values: Mapping[str, Any],
    need_a_login: Callable[[Mapping[str, Any], List[str]], Any],
    mistakes: List[str],
) -> Dict[str, Any]:
    """All values as they hold for one [[mailbox]]."""
    own = dict(values)
    for variable in VARIABLES:
        if variable.name in table.found:
            named = variable._replace(name=f"{table.place}: {variable.name}")
            own[variable.name] = value_of(named, table.found[variable.name], (), mistakes)
    missing: List[str] = []
    if own["EMAIL_USERNAME"] == "":
        missing.append("neither username nor EMAIL_USERNAME is set")
    need_a_login(own, missing)
    mistakes += [f"{table.place}: {sentence}" for sentence in missing]
    return own


def report_same(
    what: str, keys: Sequence[Tuple[str, ...]], places: Sequence[str], mistakes: List[str]
) -> None:
    """Two tables that have the same of something that each must have to itself."""
    taken: Dict[Tuple[str, ...], str] = {}
    for key, place in zip(keys, places):
        other = taken.setdefault(key, place)
        if other != place:
            mistakes.append(f"{place}: {what} {' '.join(key)!r} is that of {other}, too")


class _Reading:
    """Reads one table; `mistakes` gets a sentence each."""

    def __init__(self, path: Path, number: int, find: Find, mistakes: List[str]) -> None:
        self._path = path
        self._place = f"{path}, mailbox {number}"
        self._find = find
        self._mistakes = mistakes
        self._named: List[str] = []

    def table(self, written: Dict[str, Any]) -> Table:
        """The table; the values themselves are parsed by whoever asked."""
        name, folders = self._name(written.pop("name", "")), self._folders(written)
        found: Dict[str, Found] = {}
        for key, value in written.items():
            variable, way = _meant(key)
            if variable is None:
                self._mistake(key, "no such setting" + _near(key))
                continue
            text = self._ways[way](self, variable, key, value)
            if text is not None and variable.name in found:
                self._mistake(key, "set twice, keep one")
            elif text is not None:
                found[variable.name] = text
        return Table(self._place, name, folders, found, self._named)

    def _mistake(self, key: str, sentence: str) -> None:
        self._mistakes.append(f"{self._place}: {key}: {sentence}")

    def _name(self, value: Any) -> str:
        if isinstance(value, str) and value.isprintable():
            name = value.strip()
            self._place += f" ({name})" if name else ""
            return name
        self._mistake("name", "expected a text")
        return ""

    def _folders(self, written: Dict[str, Any]) -> Tuple[str, ...]:
        if "folders" not in written:
            return ()
        value = written.pop("folders")
        if "folder" in written:
            self._mistake("folders", "folder is set, too: keep one")
        if not isinstance(value, list) or not value or not all(map(_is_text, value)):
            self._mistake("folders", "expected a list of texts")
            return ()
        return tuple(dict.fromkeys(value))

    def _plain(self, variable: Variable, key: str, value: Any) -> Optional[Found]:
        if variable.secret and self._path.stat().st_mode & 0o027:
            fix = f"chmod 640 {self._path}, or use {key}_file or {key}_variable"
            self._mistake(key, f"a secret in a file that others may read: {fix}")
        text = _text(value, key in _LISTS)
        if text is None:
            many = " or a list of texts" if key in _LISTS else ""
            self._mistake(key, f"expected a text, a number, true or false, or a day{many}")
            return None
        return Found(text, str(self._path))

    def _by_file(self, variable: Variable, key: str, value: Any) -> Optional[Found]:  # noqa: ARG002
        if not _is_text(value) or not value.startswith("/"):
            self._mistake(key, "expected an absolute path")
            return None
        return from_secret_file(Path(value), f"{self._place}: {key}", self._mistakes)

    def _by_variable(self, variable: Variable, key: str, value: Any) -> Optional[Found]:
        if not _is_text(value) or not _NAME.match(value):
            self._mistake(key, "expected the name of a variable or credential")
            return None
        self._named.append(value)
        found = self._find(variable._replace(name=value), self._mistakes)
        if found is None or not found.text:
            where = "in the environment, the configuration file or the credentials"
            self._mistake(key, f"there is no {value} {where}")
            return None
        return found

    _ways = {"": _plain, "_file": _by_file, "_variable": _by_variable}  # noqa: RUF012


def _meant(key: str) -> Tuple[Optional[Variable], str]:
    """The variable that a key sets, and how: by value, or for secrets by another place."""
    if key in _OWN:
        return _OWN[key], ""
    for way in ("_file", "_variable"):
        variable = _OWN.get(key[: -len(way)]) if key.endswith(way) else None
        if variable and variable.secret:
            return variable, way
    return None, ""


def _near(key: str) -> str:
    known = ["name", "folders", *_OWN]
    known += [
        f"{key}{way}" for key, v in _OWN.items() if v.secret for way in ("_file", "_variable")
    ]
    import difflib

    near = difflib.get_close_matches(key, known, 1)
    return f", did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: Any, may_be_list: bool) -> Optional[str]:
    """A value of TOML as it would stand in the variable."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if may_be_list and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return None
