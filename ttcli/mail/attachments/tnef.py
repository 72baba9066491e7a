"""Outlook's winmail.dat: the files in a TNEF stream (MS-OXTNEF).

Only slices of what was received are taken: nothing is decompressed, and no length is believed
beyond the bytes that are there, so a small stream stays small.
"""

from __future__ import annotations

import struct
from typing import Iterator, List, Optional, Tuple

from ttcli.mail.mime.content import Content, Store, Window
from ttcli.mail.mime.headers import clean, decode_bytes

_SIGNATURE = b"\x78\x9f\x3e\x22"
_ATTRIBUTE = struct.Struct("<BII")
_NEW_FILE, _TITLE, _DATA, _PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_LONGEST_TEXT = 4096
_LONG_NAME, _OBJECT = 0x3707, 0x3701
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = (0x1E, 0x1F, 0x0D, 0x102)


class _File:
    """One attached file, while its attributes come in."""

    def __init__(self) -> None:
        self.name = ""
        self.data: Optional[Window] = None


def is_tnef(data: Content) -> bool:
    """The bytes are a TNEF stream, whatever name or type they came under."""
    return data.first(4) == _SIGNATURE


def files(stream: Content, store: Store) -> Iterator[Tuple[str, Content]]:
    """Name and bytes of each attached file; of a stream cut short, those that are whole."""
    current = _File()
    for attribute, value in _attributes(Window(stream)):
        if attribute == _NEW_FILE:
            if current.data is not None:
                yield current.name, store.keep(current.data.pieces())
            current = _File()
        elif attribute == _TITLE:
            current.name = current.name or _text(value[:_LONGEST_TEXT])
        elif attribute == _DATA:
            current.data = value
        elif attribute == _PROPERTIES:
            _read_properties(current, value)
    if current.data is not None:
        yield current.name, store.keep(current.data.pieces())


def _attributes(stream: Window) -> Iterator[Tuple[int, Window]]:
    position = 6  # signature and key
    while position + _ATTRIBUTE.size <= len(stream):
        head = stream[position : position + _ATTRIBUTE.size]
        _, attribute, length = _ATTRIBUTE.unpack(head)
        position += _ATTRIBUTE.size
        if position + length > len(stream):
            return
        yield attribute, stream.sub(position, position + length)
        position += length + 2  # a checksum that several writers get wrong


def _read_properties(current: _File, value: Window) -> None:
    """The long file name, which the title may lack, and a mail attached as an object."""
    try:
        for identifier, kind, content in _properties(value):
            if identifier == _LONG_NAME:
                current.name = _text(content[:_LONGEST_TEXT], kind) or current.name
            elif identifier == _OBJECT and kind == 0x0D and content[16:20] == _SIGNATURE:
                current.data = content.sub(16)  # after the 16 bytes of an interface's id
    except struct.error:
        return  # cut short: the title and the data stand


def _number(value: Window, position: int) -> int:
    """Four bytes as a number; struct.error where they are not there."""
    (number,) = struct.unpack("<I", value[position : position + 4])
    return int(number)


def _properties(value: Window) -> Iterator[Tuple[int, int, Window]]:
    """Identifier, type and first value of each MAPI property."""
    count = _number(value, 0)
    position = 4
    for _ in range(min(count, len(value) // 8)):
        kind, identifier = struct.unpack("<HH", value[position : position + 4])
        position = _after_name(value, position + 4) if identifier >= 0x8000 else position + 4
        values, position = _values(value, position, kind)
        if values is None:
            return
        yield identifier, kind & 0x0FFF, values[0] if values else value.sub(0, 0)


def _after_name(value: Window, position: int) -> int:
    """Past the name of a named property: a GUID, then a number or a string."""
    kind, length = _number(value, position + 16), _number(value, position + 20)
    return position + 24 + (_padded(length) if kind else 0)


def _values(value: Window, position: int, kind: int) -> Tuple[Optional[List[Window]], int]:
    """The values of one property and where the next begins; None for an unknown type."""
    plain, several = kind & 0x0FFF, kind & 0x1000
    if plain in _FIXED and not several:
        return [value.sub(position, position + _FIXED[plain])], position + _FIXED[plain]
    if plain not in _FIXED and plain not in _VARIABLE:
        return None, position
    count = _number(value, position)
    position += 4
    if plain in _FIXED:
        return [], position + count * _FIXED[plain]
    found = []
    for _ in range(min(count, len(value) // 4)):
        length = _number(value, position)
        found.append(value.sub(position + 4, position + 4 + length))
        position += 4 + _padded(length)
    return found, position


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _text(value: bytes, kind: int = 0x1E) -> str:
    if kind == 0x1F:
        return clean(value.decode("utf-16-le", "replace").split("\0")[0])
    return clean(decode_bytes(value.split(b"\0")[0]))
