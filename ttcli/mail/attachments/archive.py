"""Zip archives in mails: what is in them, and unpacking within limits."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from typing import Iterator, List, Optional, Tuple, Union

from ttcli.mail.mime.content import PIECE, Content, Store

MOST_ENTRIES = 1000
MOST_BYTES = 256 << 20
_LARGEST_DIRECTORY = 4 << 20  # of an archive's entries: more than any workbook or parcel needs


def is_zip(data: Content) -> bool:
    """The bytes begin like a zip archive, whole or not."""
    return data.first(4) == b"PK\x03\x04"


def names(data: Content) -> Optional[List[str]]:
    """The names of the entries; None where the archive's directory cannot be read."""
    with _opened(data) as opened:
        return opened.namelist() if opened else None


def unpack(
    data: Content, store: Store, room: int = MOST_BYTES
) -> Iterator[Tuple[str, Union[Content, str]]]:
    """Each file in the archive by name, and its bytes, or why they cannot be had.

    Args:
        room: How many bytes may come out, whatever the archive announces.
    """
    with _opened(data) as opened:
        if opened is None:
            yield "", "the zip archive is damaged or has too many entries"
            return
        for number, entry in enumerate(opened.infolist()):
            if number >= MOST_ENTRIES:
                yield "", f"the zip archive has more than {MOST_ENTRIES} entries"
                return
            if entry.is_dir():
                continue
            content = _read(opened, entry, store, room)
            room -= len(content) if isinstance(content, Content) else 0
            yield entry.filename, content


@contextlib.contextmanager
def _opened(data: Content) -> Iterator[Optional[zipfile.ZipFile]]:
    tail = data.last(65557)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or int.from_bytes(tail[end + 12 : end + 16], "little") > _LARGEST_DIRECTORY:
        yield None
        return
    with data.open() as file:
        try:
            opened: Optional[zipfile.ZipFile] = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
            opened = None
        yield opened


def _read(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, store: Store, room: int
) -> Union[Content, str]:
    """One file's bytes, or why not; never more than `room` bytes are inflated."""
    if entry.flag_bits & 1:
        return "it is encrypted with a password inside the zip archive"
    pieces = _Pieces(opened, entry, room)
    content = store.keep(pieces)
    return pieces.trouble or content


class _Pieces:
    """One file as it is inflated.

    Attributes:
        trouble: Afterwards: why it cannot be had; empty where all is well.
    """

    def __init__(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> None:
        self._opened, self._entry, self._room = opened, entry, room
        self.trouble = ""

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._opened.open(self._entry) as stream:
                while True:
                    piece = stream.read(PIECE)
                    if not piece:
                        return
                    self._room -= len(piece)
                    if self._room < 0:
                        self.trouble = f"the zip archive holds more than {MOST_BYTES >> 20} MB"
                        return
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
                RuntimeError) as error:  # fmt: skip
            self.trouble = f"it cannot be unpacked from the zip archive: {error}"
