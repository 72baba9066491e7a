"""Transfer encodings, removed from a part while it comes in, piece by piece.

Senders misspell and mix them up, so whatever comes is decoded as far as it goes, and the
workbook's own checks decide. However a part is cut into pieces, the bytes are the same.
"""

from __future__ import annotations

import binascii
from typing import Iterable, Iterator, Optional, Protocol

from ttcli.mail import uuencode
from ttcli.mail.base64 import Base64
from ttcli.mail.content import Content, Store

_LONGEST_LINE = 1 << 20
_TELLING = 64  # bytes that show what a part is
AS_IT_IS = "as it is"  # no encoding that a sender can state: nothing is guessed


class Decoder(Protocol):
    """Takes a part in pieces and gives its bytes."""

    def feed(self, piece: bytes) -> bytes:
        """What can be told of it by now."""

    def end(self) -> bytes:
        """The rest, once all has been fed."""


class AsMeant:
    """The stated encoding, or the one that the first bytes of a zip, OLE or uuencoded file show.

    Scripts that build mails by hand forget the declaration, or state another one than they use.
    """

    def __init__(self, stated: Decoder) -> None:
        self._begin = b""
        self._inner: Optional[Decoder] = None
        self._stated = stated

    def feed(self, piece: bytes) -> bytes:
        """The bytes, once the first ones show what they are."""
        if self._inner is not None:
            return self._inner.feed(piece)
        self._begin += piece
        return b"" if len(self._begin) < _TELLING else self._decide()

    def end(self) -> bytes:
        """The rest."""
        early = self._decide() if self._inner is None else b""
        return early + (self._inner or self._stated).end()

    def _decide(self) -> bytes:
        begin, self._begin = self._begin, b""
        first = begin[:_TELLING].lstrip()
        self._inner = self._stated
        if uuencode.begins(first):
            self._inner = _AsItIs()  # whatever is stated: no other encoding leaves such a line
        elif first.startswith((b"UEsDB", b"0M8R4KGx")):
            self._inner = Base64()
        elif first.upper().startswith((b"PK=03=04", b"=D0=CF=11=E0")):
            self._inner = QuotedPrintable()
        elif isinstance(self._stated, Base64) and first.startswith(
            (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
        ):
            self._inner = _AsItIs()
        return self._inner.feed(begin)


class _AsItIs:
    def feed(self, piece: bytes) -> bytes:
        return piece

    def end(self) -> bytes:
        return b""


class QuotedPrintable:
    """Quoted-printable, line by line; of lines without end, as much as can be told."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, piece: bytes) -> bytes:
        """The lines so far."""
        text = self._left + piece
        cut = text.rfind(b"\n") + 1
        if not cut and len(text) > _LONGEST_LINE:
            cut = len(text) - 2 if b"=" in text[-2:] else len(text)
        self._left = text[cut:]
        return binascii.a2b_qp(text[:cut])

    def end(self) -> bytes:
        """The last line."""
        return binascii.a2b_qp(self._left)


def decoder(encoding: str) -> Decoder:
    """The decoder for a Content-Transfer-Encoding as stated, in lower case."""
    if "uue" in encoding or encoding == AS_IT_IS:
        return _AsItIs()
    if "base64" in encoding.replace("-", ""):
        return AsMeant(Base64())
    return AsMeant(QuotedPrintable() if "quoted-printable" in encoding else _AsItIs())


def decode(pieces: Iterable[bytes], encoding: str, store: Store) -> Content:
    """A part's bytes without its transfer encoding."""
    return finished(store.keep(_decoded(pieces, decoder(encoding))), encoding, store)


def _decoded(pieces: Iterable[bytes], decoding: Decoder) -> Iterator[bytes]:
    for piece in pieces:
        yield decoding.feed(piece)
    yield decoding.end()


def finished(content: Content, encoding: str, store: Store) -> Content:
    """What came through the decoder; of uuencode, which needs all of it, the first file."""
    if "uue" not in encoding:
        return content
    return next((inner for _, inner in uuencode.uuencoded(content, store)), content)
