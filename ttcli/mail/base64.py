"""Base64, piece by piece, as far as it can be decoded.

Of the CPU of a fetch binascii takes a fifth, so pybase64, where it is installed, does the bulk.
"""

from __future__ import annotations

import binascii
import functools
import re
from typing import Callable, List, Union

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_TELLING = 64  # bytes that show whether a line is base64
# A line of base64, and no word of a text that somebody has put below it.
_MORE_BASE64 = re.compile(
    rb"[A-Za-z0-9+/]{16,}\s*\Z|(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)"
)
_BLANK = re.compile(rb"[= \t\r\n]*")


@functools.lru_cache(maxsize=None)
def _decode() -> Callable[[Union[bytes, memoryview]], bytes]:
    """What decodes letters with their padding, if any, at the end.

    Both leave out what is no letter and raise binascii.Error where a group is not whole; a test
    compares them. Asked for late: most runs of an hourly timer fetch nothing.
    """
    try:
        from pybase64 import b64decode
    except ImportError:
        return binascii.a2b_base64
    return b64decode  # type: ignore[no-any-return]


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
            found = _decode()(text)
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
                begun = _decode()(self._left + stretch if self._left else stretch)
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
