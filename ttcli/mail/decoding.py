"""Transfer encodings, removed from a part while it comes in, piece by piece.

Senders misspell and mix them up, so whatever comes is decoded as far as it goes, and the
workbook's own checks decide. However a part is cut into pieces, the bytes are the same.
"""

from __future__ import annotations

import binascii
from typing import Iterable, Iterator, Optional, Protocol

from ttcli.mail.content import Content, Store
from ttcli.mail.uuencode import uuencoded

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_LONGEST_LINE = 1 << 20
_TELLING = 64  # bytes that show what a part is
_NOT_BASE64 = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
AS_IT_IS = "as it is"  # no encoding that a sender can state: nothing is guessed


class Decoder(Protocol):
    """Takes a part in pieces and gives its bytes."""

    def feed(self, piece: bytes) -> bytes:
        """What can be told of it by now."""

    def end(self) -> bytes:
        """The rest, once all has been fed."""


class AsMeant:
    """The stated encoding, or the one that the first bytes of a zip or OLE file show.

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
        if first.startswith((b"UEsDB", b"0M8R4KGx")):
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


class Base64:
    """Base64 with stray bytes, any line length, wrong padding or a cut end.

    Behind the padding nothing counts: it is a signature, or an advertisement.
    """

    def __init__(self) -> None:
        self._left = b""
        self._over = False

    def feed(self, piece: bytes) -> bytes:
        """The whole bytes so far."""
        if self._over:
            return b""
        text, self._left = (self._left + piece if self._left else piece), b""
        # most of it is lines of whole groups of four without padding: one call does them
        padding = text.find(b"=")
        if padding >= 0 and len(text) - padding <= 8:
            whole = self._to_its_end(text, padding)
            if whole:
                return whole
        cut = text.rfind(b"\n", 0, len(text) if padding < 0 else padding) + 1
        try:
            found = binascii.a2b_base64(memoryview(text)[:cut]) if cut else b""
        except binascii.Error:  # groups that go across the cut, or stray letters
            return self._slowly(text)
        if cut and padding < 0:
            self._left = text[cut:]
            return found
        return found + self._slowly(text[cut:])

    def _to_its_end(self, text: bytes, padding: int) -> bytes:
        """All of it in one call, and uncopied, where the padding is right and the last thing."""
        if text[padding:].strip() not in (b"=", b"=="):
            return b""
        try:
            found = binascii.a2b_base64(text)
        except binascii.Error:
            return b""
        self._over = len(found) % 3 > 0
        return found if self._over else b""  # else the sign was a stray byte

    def _slowly(self, text: bytes) -> bytes:
        letters = text.translate(None, _OTHERS)
        at = letters.find(b"=")
        while at >= 0:
            if at % 4 >= 2:  # a group ends here; elsewhere the sign is a stray byte
                self._over = True
                return _lenient(letters[:at])
            letters = letters[:at] + letters[at + 1 :]
            at = letters.find(b"=", at)
        whole = len(letters) - len(letters) % 4
        self._left = letters[whole:]
        return binascii.a2b_base64(letters[:whole])

    def end(self) -> bytes:
        """The last group, padded or not."""
        rest, self._left = self._left, b""
        letters = b"" if self._over else rest.translate(None, _OTHERS)
        return _lenient(letters.split(b"=", 1)[0])


def _lenient(letters: bytes) -> bytes:
    """Letters of the alphabet; a last lone letter holds no whole byte."""
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


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
    if "base64" in encoding:
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
    return next((inner for _, inner in uuencoded(content, store)), content)
