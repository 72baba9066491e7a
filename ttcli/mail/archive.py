"""Zip archives in mails: what is in them, and unpacking within limits."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Iterator, List, Optional, Tuple, Union

MOST_ENTRIES = 1000
MOST_BYTES = 256 << 20
_LARGEST_DIRECTORY = 4 << 20  # of an archive's entries: more than any workbook or parcel needs


def is_zip(data: bytes) -> bool:
    """The bytes begin like a zip archive, whole or not."""
    return data[:4] == b"PK\x03\x04"


def names(data: bytes) -> Optional[List[str]]:
    """The names of the entries; None where the archive's directory cannot be read."""
    opened = _open(data)
    return opened.namelist() if opened else None


def unpack(data: bytes, room: int = MOST_BYTES) -> Iterator[Tuple[str, Union[bytes, str]]]:
    """Each file in the archive by name, and its bytes, or why they cannot be had.

    Args:
        room: How many bytes may come out, whatever the archive announces.
    """
    opened = _open(data)
    if opened is None:
        yield "", "the zip archive is damaged or has too many entries"
        return
    for number, entry in enumerate(opened.infolist()):
        if number >= MOST_ENTRIES:
            yield "", f"the zip archive has more than {MOST_ENTRIES} entries"
            return
        if entry.is_dir():
            continue
        content = _read(opened, entry, room)
        room -= len(content) if isinstance(content, bytes) else 0
        yield entry.filename, content


def _open(data: bytes) -> Optional[zipfile.ZipFile]:
    end = data.rfind(b"PK\x05\x06", -65557)
    if end < 0 or int.from_bytes(data[end + 12 : end + 16], "little") > _LARGEST_DIRECTORY:
        return None
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        return None


def _read(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> Union[bytes, str]:
    """One file's bytes, or why not; never more than `room` bytes are inflated."""
    if entry.flag_bits & 1:
        return "it is encrypted with a password inside the zip archive"
    try:
        with opened.open(entry) as stream:
            content = stream.read(room + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
            RuntimeError) as error:  # fmt: skip
        return f"it cannot be unpacked from the zip archive: {error}"
    if len(content) > room:
        return f"the zip archive holds more than {MOST_BYTES >> 20} MB"
    return content
