"""OLE2, the container of .xls files and of encrypted workbooks, as [MS-CFB] describes it.

Only what is needed to say what a file is and to fetch one stream. Every chain of sectors is
walked with a bound, for a chain that bites its own tail is how a kilobyte stops a reader.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Dict, List, NamedTuple, Sequence

from ttcli.errors import BadItem

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_SECTOR = 0xFFFFFFFA  # this and above: end of chain, free, FAT, DIFAT, and one reserved
_NO_ENTRY = 0xFFFFFFFF
_ENTRY_BYTES = 128
_STREAM, _ROOT = 2, 5


class Entry(NamedTuple):
    """A stream or storage of the root storage."""

    name: str
    type: int
    left: int
    right: int
    child: int
    start: int
    size: int


class Container:
    """An OLE2 file.

    Attributes:
        entries: What stands directly in the root storage, by its name in capitals, for names
            differ by more than case (2.6.4); an embedded document's own streams are not among
            them.

    Raises:
        BadItem: Kind `truncated` where the file ends too early, `damaged` otherwise.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        header = self._bytes_at(0, 512)
        shift, mini_shift = struct.unpack_from("<HH", header, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise _damaged(f"its sectors of 2^{shift} bytes are none of OLE2")
        self._sector = 1 << shift
        self._mini_cutoff = struct.unpack_from("<I", header, 56)[0]
        self._fat = self._read_fat(header)
        directory = self._chain(struct.unpack_from("<I", header, 48)[0])
        self._directory = _parse_entries(b"".join(self._sector_at(n) for n in directory))
        self._mini_fat_start = struct.unpack_from("<I", header, 60)[0]
        self.entries = self._root_entries()

    def read(self, name: str, most: int) -> bytes:
        """A stream of the root storage.

        Args:
            most: Bytes that it may have at most.

        Raises:
            KeyError: No such stream.
            BadItem: It is damaged, cut short or too long.
        """
        entry = self.entries[name.upper()]
        if entry.size > most:
            raise BadItem(f"its stream {name} has {entry.size} bytes", kind="limit")
        if entry.size < self._mini_cutoff:
            return self._read_mini(entry)
        chain = self._chain(entry.start)
        if len(chain) * self._sector < entry.size:
            raise _damaged(f"its stream {name} is shorter than its directory says")
        return b"".join(map(self._sector_at, chain))[: entry.size]

    def _bytes_at(self, offset: int, count: int) -> bytes:
        self._file.seek(offset)
        found = self._file.read(count)
        if len(found) < count and offset + len(found) >= self._size:
            raise BadItem(
                f"an OLE2 container (.xls is one) cut short at byte {self._size:,}",
                "send it again, complete",
                kind="truncated",
            )
        return found

    def _sector_at(self, number: int) -> bytes:
        """A whole sector; some writers leave out the unused end of the last one."""
        offset = (number + 1) * self._sector
        there = min(self._sector, self._size - offset)
        last = there > 0 and offset + there == self._size
        found = self._bytes_at(offset, there if last else self._sector)
        return found.ljust(self._sector, b"\0")

    def _read_fat(self, header: bytes) -> Sequence[int]:
        """The file allocation table: for each sector, the next one of its chain."""
        count, difat, difat_count = struct.unpack_from("<I20xII", header, 44)
        most = self._size // self._sector + 1
        places = list(struct.unpack_from("<109I", header, 76))
        for _ in range(min(difat_count, most)):
            if difat >= _NO_SECTOR:
                break
            numbers = self._numbers_in(self._sector_at(difat))
            places.extend(numbers[:-1])
            difat = numbers[-1]
        if count > most:
            raise BadItem("an OLE2 container (.xls is one) cut short", kind="truncated")
        fat: List[int] = []
        for place in places[:count]:
            if place < _NO_SECTOR:
                fat.extend(self._numbers_in(self._sector_at(place)))
        return fat

    @staticmethod
    def _numbers_in(data: bytes) -> Sequence[int]:
        return struct.unpack(f"<{len(data) // 4}I", data)

    def _chain(self, start: int) -> List[int]:
        return _follow(self._fat, start)

    def _root_entries(self) -> Dict[str, Entry]:
        """The children of the root: a binary tree of siblings below its `child`."""
        if not self._directory or self._directory[0].type != _ROOT:
            raise _damaged("its directory has no root")
        found: Dict[str, Entry] = {}
        waiting, seen = [self._directory[0].child], set()
        while waiting:
            number = waiting.pop()
            if number == _NO_ENTRY or number in seen:
                continue
            if number >= len(self._directory):
                raise _damaged("its directory refers to an entry that is not there")
            seen.add(number)
            entry = self._directory[number]
            found[entry.name.upper()] = entry
            waiting += [entry.left, entry.right]
        return found

    def _read_mini(self, entry: Entry) -> bytes:
        """A short stream: sectors of 64 bytes inside the root entry's own stream."""
        root = self._directory[0]
        container = b"".join(map(self._sector_at, self._chain(root.start)))
        mini_fat: List[int] = []
        for number in self._chain(self._mini_fat_start):
            mini_fat.extend(self._numbers_in(self._sector_at(number)))
        pieces = [container[n * 64 : n * 64 + 64] for n in _follow(mini_fat, entry.start)]
        found = b"".join(pieces)[: entry.size]
        if len(found) < entry.size:
            raise _damaged(f"its stream {entry.name} is shorter than its directory says")
        return found


def _follow(table: Sequence[int], start: int) -> List[int]:
    chain: List[int] = []
    number = start
    while number < _NO_SECTOR:
        if number >= len(table):
            raise _damaged("a chain of its sectors leads out of the file")
        if len(chain) > len(table):
            raise _damaged("a chain of its sectors is a loop")
        chain.append(number)
        number = table[number]
    return chain


def _parse_entries(directory: bytes) -> List[Entry]:
    entries = []
    for offset in range(0, len(directory) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        name_bytes, kind = struct.unpack_from("<HB", directory, offset + 64)
        name = directory[offset : offset + max(0, min(name_bytes, 64) - 2)]
        left, right, child = struct.unpack_from("<III", directory, offset + 68)
        start, size = struct.unpack_from("<II", directory, offset + 116)
        text = name.decode("utf-16-le", "replace")
        entries.append(Entry(text, kind, left, right, child, start, size))
    return entries


def _damaged(why: str) -> BadItem:
    return BadItem(
        f"a damaged OLE2 container: {why}",
        "open it in Excel, save it as .xlsx and send that",
        kind="damaged",
    )
