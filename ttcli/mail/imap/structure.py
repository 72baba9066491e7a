"""BODYSTRUCTURE (RFC 3501, 7.4.2) as the sections of a mail that are worth a look."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ttcli.mail.imap.answers import Garbled, Value, number
from ttcli.mail.mime import headers


class Section(NamedTuple):
    """A part that is not made of parts, as the server describes it.

    Attributes:
        part: Its section number.
        name: Its file name, decoded.
        size: In bytes as transferred, so with base64 a third more than the file.
    """

    part: str
    name: str
    content_type: str
    encoding: str
    size: int


def sections(structure: Value) -> List[Section]:
    """The sections in the mail's order; forwarded messages are looked into.

    Raises:
        Garbled: The server's answer cannot be relied on: fetch the mail whole.
    """
    try:
        return list(_sections(_body(structure), ""))
    except (IndexError, TypeError, AttributeError, RecursionError):
        raise Garbled("not a BODYSTRUCTURE") from None


def _sections(body: List[Any], above: str) -> Iterator[Section]:
    if not isinstance(body[0], list):
        yield from _single(body, above or "1")
        return
    children = [each for each in body if isinstance(each, list)]
    for position, child in enumerate(body[: len(children)], 1):
        if not isinstance(child, list):
            break  # the subtype; lists behind it are parameters and the like
        yield from _sections(_body(child), f"{above}.{position}" if above else str(position))
    else:
        raise Garbled("a multipart without a subtype")


def _single(body: List[Any], part: str) -> Iterator[Section]:
    kind = f"{_text(body[0])}/{_text(body[1])}".lower()
    encoding, size = _text(body[5]).lower(), number(body[6])
    if size is None:
        raise Garbled("a part without a size")
    forwarded = kind in ("message/rfc822", "message/global") and "base64" not in encoding
    if forwarded and len(body) > 8 and isinstance(body[8], list) and body[8]:
        nested = isinstance(body[8][0], list)
        yield from _sections(body[8], part if nested else f"{part}.1")
        return
    name = _disposition(body).get("filename") or _parameters(body[2]).get("name", "")
    yield Section(part, name, kind, encoding, size)


def _body(value: Any) -> List[Any]:
    if not isinstance(value, list) or not value:
        raise Garbled("a part that is no list")
    return value


def _disposition(body: List[Any]) -> Dict[str, str]:
    """The parameters of the disposition, wherever behind the size the server put it."""
    for each in body[7:]:
        if isinstance(each, list) and len(each) == 2 and isinstance(each[0], bytes):
            if isinstance(each[1], list):
                return _parameters(each[1])
            if each[1] is None:
                return {}
    return {}


def _parameters(value: Optional[List[Any]]) -> Dict[str, str]:
    if value is None:
        return {}
    pairs: List[Tuple[bytes, bytes]] = []
    for name, content in zip(value[::2], value[1::2]):
        pairs.append((_raw(name), _raw(content)))
    return headers.parameters(pairs)


def _raw(value: Value) -> bytes:
    """A string; some servers send atoms, or NIL for the empty one."""
    if isinstance(value, list):
        raise Garbled("a list for a string")
    return value.encode("latin-1") if isinstance(value, str) else value or b""


def _text(value: Value) -> str:
    return _raw(value).decode("latin-1").strip()
