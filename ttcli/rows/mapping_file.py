"""Reads and checks mapping.toml; every mistake is named at once, with its place in the file.

ignore_headings, hidden_sheets, password, [defaults], [headings], [columns.NAME]
[[sender]] match, expect, expect_rows, expect_zone, and all of the above again for that sender
[[mailbox]] is for fetch, see ttcli/mailboxes.py
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any, Callable, Collection, Dict, List, NamedTuple, Optional, Tuple

from ttcli.config import Secret
from ttcli.errors import ConfigError
from ttcli.rows.expect import Expected, read_rows, read_schedule
from ttcli.rows.mapping import ColumnSettings, Heading, Mapping, Profile, Sender

Check = Callable[[Any], Any]


class _Place(NamedTuple):
    """Where in the file we are, and where mistakes go."""

    path: str
    mistakes: List[str]

    def at(self, name: str) -> _Place:
        return _Place(f"{self.path}.{name}" if self.path else name, self.mistakes)

    def mistake(self, sentence: str) -> None:
        self.mistakes.append(f"{self.path}: {sentence}" if self.path else sentence)


def load_mapping(text: str) -> Mapping:
    """Reads the text of a mapping.toml.

    Raises:
        ConfigError: Every mistake in it at once, each with its place.
    """
    mistakes: List[str] = []
    place = _Place("", mistakes)
    written = _parse(text)
    senders = written.pop("sender", [])
    written.pop("mailbox", None)  # what fetch reads: ttcli/mailboxes.py
    mapping = Mapping(_profile(written, place), _senders(senders, place))
    if mistakes:
        raise ConfigError(
            f"{len(mistakes)} mistake(s) in mapping.toml:",
            "docs/mapping.md lists what is allowed",
            mistakes,
        )
    return mapping


def _parse(text: str) -> Dict[str, Any]:
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        written: Dict[str, Any] = toml.loads(text)
    except toml.TOMLDecodeError as error:
        raise ConfigError(
            "mapping.toml is not TOML:", "see https://toml.io", [str(error)]
        ) from None
    return written


def _senders(written: Any, place: _Place) -> Tuple[Sender, ...]:
    if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
        place.at("sender").mistake("expected [[sender]] sections")
        return ()
    return tuple(_sender(dict(one), place.at(f"sender {n}")) for n, one in enumerate(written, 1))


def _sender(written: Dict[str, Any], place: _Place) -> Sender:
    match = _checked(written.pop("match", None), _addresses, place.at("match"))
    return Sender(match or (), expected=_expected(written, place), profile=_profile(written, place))


def _expected(written: Dict[str, Any], place: _Place) -> Expected:
    """Takes out what is said of a sender's reports."""
    found = {
        member: _checked(written.pop(name), check, place.at(name))
        for member, (name, check) in _EXPECT.items()
        if name in written
    }
    if "zone" in found and "schedule" not in found:
        place.at("expect_zone").mistake("whose clock it is goes with expect")
    return Expected(**found)


def _profile(written: Dict[str, Any], place: _Place) -> Profile:
    """One layer of settings; unknown names are mistakes."""
    values: Dict[str, Any] = {}
    for name, value in written.items():
        check = _PROFILE.get(name)
        if check:
            values[name] = check(value, place.at(name))
        else:
            known = {**_PROFILE, **_NAMES} if place.path.startswith("sender ") else _PROFILE
            place.at(name).mistake("no such setting" + _near(name, known))
    return Profile(**{name: value for name, value in values.items() if value is not None})


def _headings(written: Any, place: _Place) -> Dict[str, Tuple[Heading, ...]]:
    found: Dict[str, Tuple[Heading, ...]] = {}
    taken: Dict[Heading, str] = {}
    for field, value in _table(written, place).items():
        headings = _checked(value, _heading_list, place.at(field)) or ()
        for heading in headings:
            other = taken.setdefault(heading, field)
            if other != field:
                place.at(field).mistake(f"{heading.text!r} already means {other}")
        found[field] = headings
    return found


def _columns(written: Any, place: _Place) -> Dict[str, ColumnSettings]:
    tables = _table(written, place)
    return {field: _settings(value, place.at(field)) for field, value in tables.items()}


def _settings(written: Any, place: _Place) -> ColumnSettings:
    """A column's settings."""
    values: Dict[str, Any] = {}
    for name, value in _table(written, place).items():
        check = _SETTINGS.get(name)
        if check:
            values[name] = _checked(value, check, place.at(name))
        else:
            place.at(name).mistake("no such setting" + _near(name, _SETTINGS))
    settings = ColumnSettings(**values)
    if settings.policy == "monotonic" and not settings.order:
        place.mistake('policy = "monotonic" needs order = [first, …, last]')
    if settings.order and settings.policy not in (None, "monotonic"):
        place.mistake('order goes with policy = "monotonic"')
    if settings.policy == "keep" and settings.blank == "null":
        place.mistake('policy = "keep" and blank = "null" contradict each other')
    return settings


def _table(written: Any, place: _Place) -> Dict[str, Any]:
    if isinstance(written, dict):
        return written
    place.mistake("expected a section")
    return {}


def _checked(value: Any, check: Check, place: _Place) -> Any:
    """The checked value; a mistake and None if it is not allowed."""
    try:
        return check(value)
    except ValueError as error:
        place.mistake(f"{value!r}: {error}")
        return None


def _near(name: str, known: Collection[str]) -> str:
    import difflib  # only mistakes need it

    near = difflib.get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


def _choice(*allowed: str) -> Check:
    def check(value: Any) -> str:
        if value not in allowed or not isinstance(value, str):
            raise ValueError("expected one of " + ", ".join(allowed))
        return value

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a text")
    return value


def _texts(value: Any) -> Tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise ValueError("expected a text or a list of texts")
    return tuple(map(_text, values))


def _words(value: Any) -> Tuple[str, ...]:
    return tuple(word.strip().casefold() for word in _texts(value))


def _yes_or_no(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise ValueError("expected true or false")


def _width(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 64:
        raise ValueError("expected a whole number from 1 to 64")
    return value


def _pattern(value: Any) -> str:
    try:
        re.compile(_text(value))
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return _text(value)


def _zone(value: Any) -> str:
    """A time zone's name; held against the system's list where there is one (not in 3.8)."""
    if not re.fullmatch(r"[A-Za-z0-9_+\-/]{1,64}", _text(value)):
        raise ValueError("expected a time zone such as Asia/Ho_Chi_Minh")
    if _has_zone("UTC") and not _has_zone(value):
        raise ValueError("no such time zone, expected one such as Asia/Ho_Chi_Minh")
    return _text(value)


def _has_zone(name: str) -> bool:
    try:
        from zoneinfo import ZoneInfo
    except ImportError:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _addresses(value: Any) -> Tuple[str, ...]:
    if value is None:
        raise ValueError("expected addresses or @domains: for whom is this?")
    addresses = _texts(value)
    if not all(re.fullmatch(r"[^@\s<>]*@[^@\s<>]+", address) for address in addresses):
        raise ValueError("expected addresses (ops@acme.example) or domains (@acme.example)")
    return addresses


def _heading_list(value: Any) -> Tuple[Heading, ...]:
    values = value if isinstance(value, list) and value else [value]
    return tuple(map(_heading, values))


def _heading(value: Any) -> Heading:
    if not isinstance(value, dict):
        return Heading(_text(value))
    nth = value.get("nth", 0)
    if set(value) - {"heading", "nth"} or not isinstance(nth, int) or not 0 <= nth <= 1000:
        raise ValueError('expected a text or { heading = "AWBNO.", nth = 2 }')
    return Heading(_text(value.get("heading")), nth)


_SETTINGS: Dict[str, Check] = {
    "date_order": _choice("dmy", "mdy", "ymd"),
    "decimal": _choice(".", ","),
    "unit": _texts,
    "null_words": _words,
    "pattern": _pattern,
    "blank": _choice("null", "keep"),
    "pad": _width,
    "case": _choice("upper", "lower"),
    "form": _choice("hawb", "mawb", "text"),
    "check_digit": _choice("warn", "reject", "ignore"),
    "zone": _zone,
    "offset": _choice("drop"),
    "policy": _choice("overwrite", "keep", "fill", "newest", "monotonic"),
    "order": _texts,
    "ignore": _yes_or_no,
}


def _simple(check: Check) -> Callable[[Any, _Place], Any]:
    return lambda value, place: _checked(value, check, place)


def _password(value: Any) -> Secret:
    return Secret(_text(value))


def _clock(value: Any) -> str:
    """A time zone that we can count in, which Python 3.8 cannot."""
    name = _zone(value)
    if not _has_zone(name):
        raise ValueError(
            "needs Python 3.9 and the system's tzdata; without it this machine's clock"
        )
    return name


_EXPECT: Dict[str, Tuple[str, Check]] = {
    "schedule": ("expect", lambda value: read_schedule(_text(value))),
    "rows": ("expect_rows", lambda value: read_rows(_text(value))),
    "zone": ("expect_zone", _clock),
}
_NAMES = dict(_EXPECT.values())

_PROFILE: Dict[str, Callable[[Any, _Place], Optional[Any]]] = {
    "headings": _headings,
    "columns": _columns,
    "defaults": _settings,
    "ignore_headings": _simple(_texts),
    "hidden_sheets": _simple(_yes_or_no),
    "password": _simple(_password),
}
