"""Files in uuencode inside a text, as mailers sent them before MIME."""

from __future__ import annotations

import binascii
import re
from typing import BinaryIO, Iterator, Optional, Tuple

from ttcli.mail.mime import headers
from ttcli.mail.mime.content import Content, Store

_BEGIN = re.compile(rb"begin(-base64)? [0-7]{3,4} ([^\r\n]+)\r?\n")
_BEGINS = re.compile(rb"begin(?:-base64)? [0-7]{3,4} [^\r\n]")
_END = re.compile(rb"(?:end|====)\s*\Z")
_LONGEST_LINE = 1 << 16
_LETTERS = re.compile(rb"[A-Za-z0-9+/]+={0,2}\s*\Z")


def begins(text: bytes) -> bool:
    """A text that begins like this is a file in uuencode."""
    return bool(_BEGINS.match(text))


def uuencoded(text: Content, store: Store) -> Iterator[Tuple[str, Content]]:
    """Name and bytes of each file that has a beginning; one without an end as far as it goes."""
    with text.open() as lines:
        while True:
            line = lines.readline(_LONGEST_LINE)
            if not line:
                return
            begin = _BEGIN.match(line)
            found = _file(lines, bool(begin[1]), store) if begin else None
            if begin and found is not None:
                yield headers.decoded(begin[2]), found


def _file(lines: BinaryIO, base64: bool, store: Store) -> Optional[Content]:
    """The file whose first line comes next; None, and nothing read, where none does."""
    began, growing = lines.tell(), store.growing()
    while True:
        line = lines.readline(_LONGEST_LINE)
        if _END.match(line):
            return growing.content()
        if not line or _BEGIN.match(line):
            growing.remove()
            lines.seek(began)
            return _without_end(lines, base64, store)
        growing.write(_bytes(line, base64))


def _without_end(lines: BinaryIO, base64: bool, store: Store) -> Optional[Content]:
    """The file up to the first line that cannot be one of it: its mailer lost the end."""
    growing = store.growing()
    while True:
        began = lines.tell()
        line = lines.readline(_LONGEST_LINE)
        if not (_LETTERS.match(line) if base64 else _is_sound(line.rstrip(b"\r\n"))):
            lines.seek(began)
            return growing.content() if growing.size else None
        growing.write(_bytes(line, base64))


def _bytes(line: bytes, base64: bool) -> bytes:
    return headers.decode_base64(line) if base64 else _line(line.rstrip(b"\r\n"))


def _is_sound(line: bytes) -> bool:
    """The line has as many letters as its first one says."""
    if not line or not all(32 <= letter <= 96 for letter in line):
        return False
    groups = (((line[0] - 32) & 63) + 2) // 3
    return 0 < 4 * groups <= len(line) - 1 <= 4 * groups + 2


def _line(line: bytes) -> bytes:
    if not line:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # encoders that count wrong at the line's end; the rule is that of RFC-less tradition:
        # four characters for three bytes, as many as the first character says
        length = (((line[0] - 32) & 63) * 4 + 5) // 3
        try:
            return binascii.a2b_uu(line[:length])
        except binascii.Error:
            return b""
