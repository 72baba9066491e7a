"""Transfer encodings, removed from a part while it comes in, piece by piece.

Senders misspell and mix them up, so whatever comes is decoded as far as it goes, and the
workbook's own checks decide. However a part is cut into pieces, the bytes are the same.
"""

from __future__ import annotations

import binascii
import re
from typing import Iterable, Iterator, List, Optional, Protocol

from ttcli.mail import uuencode
from ttcli.mail.content import Content, Store

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_LONGEST_LINE = 1 << 20
_TELLING = 64  # bytes that show what a part is
# A line of base64, and no word of a text that somebody has put below it.
_MORE_BASE64 = re.compile(
    rb"[A-Za-z0-9+/]{16,}\s*\Z|(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)"
)
_BLANK = re.compile(rb"[= \t\r\n]*")
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


class Base64:
    """Base64 with stray bytes, any line length, wrong padding or a cut end.

    Behind the padding more of it may come: scripts encode a file piece by piece. What is no
    base64 there does not count: it is a signature, or an advertisement.
    """

    def __init__(self) -> None:
        self._left = b""  # letters of a group that is not whole
        self._padded = False  # what comes next must show what it is
        self._held = b""  # behind a padding: too little to show it
        self._over = False

    def feed(self, piece: bytes) -> bytes:
        """The whole bytes so far."""
        text, self._held = (self._held + piece if self._held else piece), b""
        whole = self._at_once(text)
        if whole:
            return whole
        found: List[bytes] = []
        at = 0
        while at < len(text) and not self._over:
            if self._padded:
                at = self._behind(text, at)
                continue
            sign = text.find(b"=", at)
            end = sign if sign >= 0 else len(text)
            found.append(self._plain(text, at, end))
            at = end + 1
            if sign >= 0 and len(self._left) >= 2:  # a group ends here; else it is a stray byte
                self._padded = True
                found.append(_lenient(self._left))
                self._left = b""
        return found[0] if len(found) == 1 else b"".join(found)

    def _at_once(self, text: bytes) -> bytes:
        """All of it in one call, and uncopied, where the padding is right and the last thing."""
        if self._left or self._padded or self._over:
            return b""
        padding = text.find(b"=")
        if padding < 0 or text[padding : padding + 8].strip() not in (b"=", b"=="):
            return b""
        if len(text) - padding > 8:
            return b""
        try:
            found = binascii.a2b_base64(text)
        except binascii.Error:
            return b""
        self._padded = len(found) % 3 > 0
        return found if self._padded else b""  # else the sign was a stray byte

    def _plain(self, text: bytes, first: int, last: int) -> bytes:
        """The whole groups of a stretch without padding."""
        # most of it is lines of whole groups of four: one call does them
        cut = text.rfind(b"\n", first, last) + 1
        begun = b""
        if cut:
            stretch = memoryview(text)[first:cut]
            try:
                begun = binascii.a2b_base64(self._left + stretch if self._left else stretch)
                self._left = b""
            except binascii.Error:  # groups that go across the cut, or stray letters
                cut = 0
        letters = self._left + text[cut or first : last].translate(None, _OTHERS)
        whole = len(letters) - len(letters) % 4
        self._left = letters[whole:]
        more = binascii.a2b_base64(letters[:whole])
        return begun + more if begun and more else begun or more

    def _behind(self, text: bytes, at: int) -> int:
        """Where it goes on behind a padding, as soon as that shows; or that it is over."""
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        line = text[at : at + _TELLING].partition(b"\n")[0]
        if len(text) - at < _TELLING and len(line) == len(text) - at:
            self._held = text[at:]
            return len(text)
        self._padded, self._over = False, not _MORE_BASE64.match(line)
        return at

    def end(self) -> bytes:
        """The last group, padded or not."""
        early = b""
        while self._held and _MORE_BASE64.match(self._held):
            held, self._held, self._padded = self._held, b"", False
            early += self.feed(held)
        rest, self._left = self._left, b""
        return early + _lenient(rest)


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
