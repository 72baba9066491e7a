"""What a setting is, and how the text of each kind of setting is read."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional, Tuple

Parse = Callable[[str], Any]


class Variable(NamedTuple):
    """One environment variable.

    Attributes:
        name: As an operator writes it.
        default: Its text when unset; None means required by the commands that need its group.
        parse: Text → value; raises ValueError that says what is allowed.
        help: One line for the README and the example configuration.
        secret: May also come from NAME_FILE or systemd's credentials, and is never shown.
        may_be_empty: Set to nothing is a value of its own, not the default.
    """

    name: str
    default: Optional[str]
    parse: Parse
    help: str
    secret: bool = False
    may_be_empty: bool = False


def text(value: str) -> str:
    """Any text on one line."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("control characters are not allowed")
    return value


def boolean(value: str) -> bool:
    """true or false, as people write it."""
    words = {"true": True, "yes": True, "on": True, "1": True}
    words.update({"false": False, "no": False, "off": False, "0": False})
    try:
        return words[value.strip().lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def whole(low: int, high: int) -> Parse:
    """A whole number from low to high."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", value.strip()) or not low <= int(value) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(value)

    return parse


def choice(*allowed: str) -> Parse:
    """One of a few words, in any case."""

    def parse(value: str) -> str:
        by_lower = {word.lower(): word for word in allowed}
        if value.strip().lower() not in by_lower:
            raise ValueError("expected one of " + ", ".join(word or '""' for word in allowed))
        return by_lower[value.strip().lower()]

    return parse


def path(value: str) -> Path:
    """An absolute path: a timer and a shell do not share a working directory."""
    if not value.startswith("/"):
        raise ValueError("expected an absolute path")
    return Path(value)


def optional_path(value: str) -> Optional[Path]:
    """An absolute path, or nothing."""
    return path(value) if value else None


def optional_prom_file(value: str) -> Optional[Path]:
    """An absolute path that the textfile collector reads, or nothing."""
    if value and not value.endswith(".prom"):
        raise ValueError("expected a path that ends in .prom: the collector reads no other")
    return optional_path(value)


def optional_day(value: str) -> Optional[datetime]:
    """Midnight of a day, by this machine's clock, or nothing."""
    if not value.strip():
        return None
    try:
        return aware(datetime.strptime(value.strip(), "%Y-%m-%d"))
    except ValueError:
        raise ValueError("expected a date like 2026-08-31, from 1970 on") from None


def aware(time: datetime) -> datetime:
    """A local time as an aware one; ValueError before 1970, where time zones end."""
    if time.year < 1970:
        raise ValueError("expected a time from 1970 on")
    return time.astimezone()


def domain(value: str) -> str:
    """An id or a domain name, or nothing; it becomes a part of an address."""
    if not re.fullmatch(r"[A-Za-z0-9._-]*", value):
        raise ValueError("expected an id like 72f988bf-… or a domain")
    return value


def web_address(value: str) -> str:
    """An https address, or nothing; what stays on this machine may go over http."""
    pattern = (
        r"https://[\w.:\[\]-]+(/\S*)?|http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/\S*)?"
    )
    if value and not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError("expected an address that begins with https://")
    return value


def mail_action(value: str) -> Tuple[str, str]:
    """What is done to a mail: nothing, seen, flag, or move and the folder to move to."""
    kind, _, folder = (part.strip() for part in value.partition(":"))
    if kind.lower() == "move" and text(folder):
        return "move", folder
    if kind.lower() in ("nothing", "seen", "flag") and not folder:
        return kind.lower(), ""
    raise ValueError("expected nothing, seen, flag or move:FOLDER")


def senders(value: str) -> Tuple[str, ...]:
    """Addresses and whole domains, in lower case; none where nothing is given."""
    found = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    if not all(re.fullmatch(r"[^@\s<>,;]*@[^@\s<>,;]+", each) for each in found):
        raise ValueError("expected addresses (ops@acme.example) or domains (@acme.example)")
    return found


def one_address(value: str) -> str:
    """One mail address without a name, or nothing."""
    if not re.fullmatch(r"([^@\s<>,;\"]+@[^@\s<>,;\"]+)?", value.strip()):
        raise ValueError("expected an address, such as reports@example.com")
    return value.strip()


def authserv_id(value: str) -> str:
    """The word with which a server begins its Authentication-Results, or nothing."""
    if not re.fullmatch(r'[^\s;"()]*', value.strip()):
        raise ValueError("expected one word, such as mx.example.com")
    return value.strip().lower()


_IDENTIFIER = re.compile(r'\s*("(?:[^"]|"")+"|[^".,\s]+)\s*')


def identifiers(separator: str, most: int) -> Parse:
    """One to `most` SQL identifiers; one with a separator or a quote in it stands in quotes."""

    def parse(value: str) -> Tuple[str, ...]:
        names, position = [], 0
        while True:
            match = _IDENTIFIER.match(value, position)
            if not match:
                break
            name = match[1]
            names.append(name[1:-1].replace('""', '"') if name[0] == '"' else name)
            position = match.end()
            if not value.startswith(separator, position):
                break
            position += 1
        if position != len(value) or not 1 <= len(names) <= most or len(set(names)) != len(names):
            many = f"1 to {most} different names with {separator!r} between them"
            quotes = "a name with blanks or dots stands in double quotes"
            raise ValueError(f"expected {many if most > 1 else 'one name'}; {quotes}")
        return tuple(names)

    return parse


def one_identifier(value: str) -> str:
    """One SQL identifier, quoted or not."""
    name: str = identifiers(".", 1)(value)[0]
    return name


def optional_identifier(value: str) -> str:
    """One SQL identifier, or nothing."""
    return one_identifier(value) if value.strip() else ""
