"""S/MIME (RFC 8551): the mail inside an opaque signature; of an encrypted one only the word.

The signature is not checked: it says who signed, not whether the workbook is one. A few bytes of
BER (X.690) are all that stands between the mail and us.
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple

from ttcli.mail.attachments.kinds import tidy
from ttcli.mail.mime.content import Content, Window

_TYPE = re.compile(r"application/(?:x-)?pkcs7-mime\Z")
_SIGNED = bytes.fromhex("2a864886f70d010702")
_ENVELOPED = (bytes.fromhex("2a864886f70d010703"), bytes.fromhex("2a864886f70d0109100117"))
_DEEPEST = 32
_SEQUENCE, _OCTETS, _OCTETS_IN_PIECES, _EXPLICIT = 0x30, 0x04, 0x24, 0xA0


class NotSigned(ValueError):
    """No readable mail in it; the text says why."""


class _Element(NamedTuple):
    tag: int
    first: int
    last: int
    after: int


def by_name_or_type(name: str, content_type: str) -> bool:
    """Name or type says S/MIME."""
    return bool(_TYPE.match(content_type)) or tidy(name).lower().endswith(".p7m")


def signed_content(content: Content) -> Iterator[bytes]:
    """The MIME entity inside a SignedData (RFC 5652, 5), in pieces.

    Raises:
        NotSigned: It is encrypted, or damaged.
    """
    data = Window(content)
    try:
        outer = list(_children(data, _element(data, 0)))
        kind = data[outer[0].first : outer[0].last]
        if kind in _ENVELOPED:
            raise NotSigned("the mail is encrypted with S/MIME")
        if kind != _SIGNED:
            raise NotSigned("the S/MIME part is neither signed nor encrypted")
        signed = next(_children(data, outer[1]))
        parts = [each for each in _children(data, signed) if each.tag == _SEQUENCE]
        explicit = next(e for e in _children(data, parts[0]) if e.tag == _EXPLICIT)
        yield from _octets(data, next(_children(data, explicit)), 0)
    except (IndexError, StopIteration, RuntimeError):
        raise NotSigned("the S/MIME part is damaged") from None


def _element(data: Window, at: int, depth: int = 0) -> _Element:
    """One tag-length-value; an indefinite length ends with two zero bytes."""
    if depth > _DEEPEST:
        raise IndexError
    tag, length, first = data.byte(at), data.byte(at + 1), at + 2
    if length == 0x80:
        position = first
        while data.byte(position) or data.byte(position + 1):
            position = _element(data, position, depth + 1).after
        return _Element(tag, first, position, position + 2)
    if length > 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[first : first + size], "big")
        first += size
    last = first + length
    if last > len(data):
        raise IndexError
    return _Element(tag, first, last, last)


def _children(data: Window, element: _Element) -> Iterator[_Element]:
    position = element.first
    while position < element.last:
        child = _element(data, position)
        yield child
        position = child.after


def _octets(data: Window, element: _Element, depth: int) -> Iterator[bytes]:
    """An OCTET STRING, in one piece or constructed of several."""
    if element.tag == _OCTETS:
        yield from data.sub(element.first, element.last).pieces()
    elif element.tag == _OCTETS_IN_PIECES and depth < _DEEPEST:
        for piece in _children(data, element):
            yield from _octets(data, piece, depth + 1)
    else:
        raise IndexError
