"""Outlook's winmail.dat: the files in a TNEF stream (MS-OXTNEF).

Only slices of what was received are taken: nothing is decompressed, and no length is believed
beyond the bytes that are there, so a small stream stays small.
"""

from __future__ import annotations

import struct
from typing import Iterator, List, Optional, Tuple

from ttcli.mail.headers import clean, decode_bytes

_SIGNATURE = b"\x78\x9f\x3e\x22"
_ATTRIBUTE = struct.Struct("<BII")
_NEW_FILE, _TITLE, _DATA, _PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_LONG_NAME, _OBJECT = 0x3707, 0x3701
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = (0x1E, 0x1F, 0x0D, 0x102)


class _File:
    """One attached file, while its attributes come in."""

    def __init__(self) -> None:
        self.name = ""
        self.data: Optional[bytes] = None


def is_tnef(data: bytes) -> bool:
    """The bytes are a TNEF stream, whatever name or type they came under."""
    return data[:4] == _SIGNATURE


def files(stream: bytes) -> Iterator[Tuple[str, bytes]]:
    """Name and bytes of each attached file; of a stream cut short, those that are whole."""
    current = _File()
    for attribute, value in _attributes(stream):
        if attribute == _NEW_FILE:
            if current.data is not None:
                yield current.name, current.data
            current = _File()
        elif attribute == _TITLE:
            current.name = current.name or _text(value)
        elif attribute == _DATA:
            current.data = value
        elif attribute == _PROPERTIES:
            _read_properties(current, value)
    if current.data is not None:
        yield current.name, current.data


def _attributes(stream: bytes) -> Iterator[Tuple[int, bytes]]:
    position = 6  # signature and key
    while position + _ATTRIBUTE.size <= len(stream):
        _, attribute, length = _ATTRIBUTE.unpack_from(stream, position)
        position += _ATTRIBUTE.size
        value = stream[position : position + length]
        if len(value) < length:
            return
        yield attribute, value
        position += length + 2  # a checksum that several writers get wrong


def _read_properties(current: _File, value: bytes) -> None:
    """The long file name, which the title may lack, and a mail attached as an object."""
    try:
        for identifier, kind, content in _properties(value):
            if identifier == _LONG_NAME:
                current.name = _text(content, kind) or current.name
            elif identifier == _OBJECT and kind == 0x0D and is_tnef(content[16:]):
                current.data = content[16:]  # after the 16 bytes of an interface's id
    except struct.error:
        return  # cut short: the title and the data stand


def _properties(value: bytes) -> Iterator[Tuple[int, int, bytes]]:
    """Identifier, type and first value of each MAPI property."""
    (count,) = struct.unpack_from("<I", value, 0)
    position = 4
    for _ in range(min(count, len(value) // 8)):
        kind, identifier = struct.unpack_from("<HH", value, position)
        position = _after_name(value, position + 4) if identifier >= 0x8000 else position + 4
        values, position = _values(value, position, kind)
        if values is None:
            return
        yield identifier, kind & 0x0FFF, values[0] if values else b""


def _after_name(value: bytes, position: int) -> int:
    """Past the name of a named property: a GUID, then a number or a string."""
    kind, length = struct.unpack_from("<II", value, position + 16)
    return position + 24 + (_padded(length) if kind else 0)


def _values(value: bytes, position: int, kind: int) -> Tuple[Optional[List[bytes]], int]:
    """The values of one property and where the next begins; None for an unknown type."""
    plain, several = kind & 0x0FFF, kind & 0x1000
    if plain in _FIXED and not several:
        return [value[position : position + _FIXED[plain]]], position + _FIXED[plain]
    if plain not in _FIXED and plain not in _VARIABLE:
        return None, position
    (count,) = struct.unpack_from("<I", value, position)
    position += 4
    if plain in _FIXED:
        return [], position + count * _FIXED[plain]
    found = []
    for _ in range(min(count, len(value) // 4)):
        (length,) = struct.unpack_from("<I", value, position)
        found.append(value[position + 4 : position + 4 + length])
        position += 4 + _padded(length)
    return found, position


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _text(value: bytes, kind: int = 0x1E) -> str:
    if kind == 0x1F:
        return clean(value.decode("utf-16-le", "replace").split("\0")[0])
    return clean(decode_bytes(value.split(b"\0")[0]))
