"""Files in uuencode inside a text, as mailers sent them before MIME."""

from __future__ import annotations

import binascii
import re
from typing import Iterator, Tuple

from ttcli.mail import headers

_FILE = re.compile(
    rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]+)\r?\n(.*?)^(?:end|====)\s*?$", re.S | re.M
)


def uuencoded(text: bytes) -> Iterator[Tuple[str, bytes]]:
    """Name and bytes of each file."""
    for match in _FILE.finditer(text):
        base64 = match[0].startswith(b"begin-base64")
        data = headers.decode_base64(match[2]) if base64 else _decode(match[2])
        yield headers.decoded(match[1]), data


def _decode(body: bytes) -> bytes:
    return b"".join(_line(line) for line in body.splitlines() if line)


def _line(line: bytes) -> bytes:
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
