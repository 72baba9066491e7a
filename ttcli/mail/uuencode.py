"""Files in uuencode inside a text, as mailers sent them before MIME."""

from __future__ import annotations

import binascii
import re
from typing import BinaryIO, Iterator, Optional, Tuple

from ttcli.mail import headers
from ttcli.mail.content import Content, Growing, Store

_BEGIN = re.compile(rb"begin(-base64)? [0-7]{3,4} ([^\r\n]+)\r?\n\Z")
_END = re.compile(rb"(?:end|====)\s*\Z")
_LONGEST_LINE = 1 << 16


def uuencoded(text: Content, store: Store) -> Iterator[Tuple[str, Content]]:
    """Name and bytes of each file that has a beginning and an end."""
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
    """The file whose first line comes next; None, and nothing read, where its end is missing."""
    began, growing = lines.tell(), store.growing()
    while True:
        line = lines.readline(_LONGEST_LINE)
        if not line:
            growing.close()
            lines.seek(began)
            return None
        if _END.match(line):
            return growing.content()
        _add(growing, line, base64)


def _add(growing: Growing, line: bytes, base64: bool) -> None:
    growing.write(headers.decode_base64(line) if base64 else _line(line.rstrip(b"\r\n")))


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
