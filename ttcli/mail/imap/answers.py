"""IMAP's answers as Python values (RFC 3501, 9): strings, atoms, NIL and lists.

Servers get BODYSTRUCTURE wrong in many ways; whatever does not parse raises `Garbled` and
nothing else, and the mail is then fetched whole.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Sequence, Union

_DEEPEST = 220  # MIME nested 100 deep is about twice as many brackets
_TOKEN = re.compile(
    rb"""\s*(?: (\() | (\)) | "((?:[^"\\]|\\.)*)" | ([^\s()"\[]+(?:\[[^\]]*\](?:<\d+>)?)?) )""",
    re.S | re.X,
)
_OPENING, _QUOTED, _ATOM = 1, 3, 4  # its groups
_ESCAPED = re.compile(rb"\\(.)", re.S)
_LITERAL_AHEAD = re.compile(rb"~?\{\d+\+?\}\Z")
_MONTHS = {
    name: n for n, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}
_INTERNALDATE = re.compile(
    rb"\s*(\d\d?)-([A-Za-z]{3})-(\d{4})\s+(\d\d):(\d\d):(\d\d)(?:\s+([+-])(\d\d)(\d\d))?\s*\Z"
)

# bytes: a string · str: an atom or number · None: NIL · list: in parentheses
Value = Union[bytes, str, None, List[Any]]


class Garbled(ValueError):
    """The answer is not what RFC 3501 allows."""


def fetched(pieces: Sequence[Any]) -> Dict[str, Value]:
    """One FETCH answer as item name → value.

    Args:
        pieces: As imaplib2 collects them: (text, literal) tuples, and a text at the end.
    """
    values = _parse(pieces)
    if len(values) != 2 or not isinstance(values[1], list) or len(values[1]) % 2:
        raise Garbled("not a FETCH answer")
    items = values[1]
    names = items[::2]
    if not all(isinstance(name, str) for name in names):
        raise Garbled("a FETCH item without a name")
    return {name.upper(): value for name, value in zip(names, items[1::2])}


def _parse(pieces: Sequence[Any]) -> List[Any]:
    stack: List[List[Any]] = [[]]
    for piece in pieces:
        text, literal = piece if isinstance(piece, tuple) else (piece, None)
        end = _LITERAL_AHEAD.search(text) if literal is not None else None
        _scan(text, end.start() if end else len(text), stack)
        if literal is not None:
            stack[-1].append(literal)
    if len(stack) != 1:
        raise Garbled("an unclosed bracket")
    return stack[0]


def _scan(text: bytes, end: int, stack: List[List[Any]]) -> None:
    """Adds the tokens of a text to the innermost open list."""
    position, inner = 0, stack[-1]
    while position < end:
        token = _TOKEN.match(text, position, end)
        if token is None:
            if text[position:end].strip():
                raise Garbled("an unreadable token")
            return
        position, kind = token.end(), token.lastindex
        if kind == _ATOM:
            atom = token[kind]
            inner.append(None if atom.upper() == b"NIL" else atom.decode("latin-1"))
        elif kind == _QUOTED:
            quoted = token[kind]
            inner.append(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)
        else:
            inner = _opened(stack) if kind == _OPENING else _closed(stack)


def _opened(stack: List[List[Any]]) -> List[Any]:
    if len(stack) > _DEEPEST:
        raise Garbled("nested too deep")
    stack.append([])
    return stack[-1]


def _closed(stack: List[List[Any]]) -> List[Any]:
    if len(stack) < 2:
        raise Garbled("a bracket too many")
    inner = stack.pop()
    stack[-1].append(inner)
    return stack[-1]


def number(value: Value) -> Optional[int]:
    """A number no larger than the protocol's 32 or 63 bits; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
        return int(value)
    return None


def time_of(value: Value) -> Optional[datetime]:
    """An INTERNALDATE as an aware UTC time; None where it is none."""
    match = _INTERNALDATE.match(value) if isinstance(value, bytes) else None
    month = _MONTHS.get(match[2].lower()) if match else None
    if not match or not month:
        return None
    offset = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0))
    try:
        day, year, hour, minute, second = (int(match[n]) for n in (1, 3, 4, 5, 6))
        local = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
        return local + offset if match[7] == b"-" else local - offset
    except (ValueError, OverflowError):
        return None
