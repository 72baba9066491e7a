"""The texts of an .xls that calamine cannot hold: [MS-XLS] 2.5.293, 2.5.294, and BIFF5 before it.

calamine makes room for the whole rectangle between a sheet's cells. Where that is more than there
is memory, these texts are read here.
"""

from __future__ import annotations

import codecs
import struct
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from ttcli.errors import BadItem
from ttcli.workbook.biff.xls_records import (
    CODEPAGE,
    CONTINUE,
    FORMULAS,
    LABELSST,
    SST,
    STRING,
    Record,
    place,
)
from ttcli.workbook.blocks import plain

_WIDE, _PHONETIC, _RICH = 1, 4, 8
_APPLE_ROMAN, _WINDOWS_LATIN = 0x8000, 0x8001


class XlsTexts:
    """The shared strings of a workbook, and how its other texts are to be read.

    Args:
        records: Those of the workbook's own substream.
        is_biff8: Excel 97 or later; before it texts were in a code page, and none shared.
    """

    def __init__(self, records: Iterable[Record], is_biff8: bool) -> None:
        self._is_biff8 = is_biff8
        self._codec = "cp1252"
        self._shared: Optional[List[str]] = None
        self._pieces: List[bytes] = []
        before = 0
        for code, data in records:
            if code == CODEPAGE:
                self._codec = _codec(struct.unpack_from("<H", data)[0])
            elif code == SST:
                self._pieces = [data[8:]]
            elif code == CONTINUE and before == SST:
                self._pieces.append(data)
                continue  # more of them may follow
            before = code

    def of_cell(self, code: int, data: bytes) -> str:
        """The text of a LABEL, LABELSST or RSTRING record."""
        if code != LABELSST:
            return self.of_pieces([data[6:]])
        if self._shared is None:
            self._shared = list(_strings(_Pieces(self._pieces)))
        index: int = struct.unpack_from("<I", data, 6)[0]
        if index >= len(self._shared):
            raise BadItem(f"there is no shared string {index}", kind="damaged")
        return self._shared[index]

    def of_pieces(self, pieces: List[bytes]) -> str:
        """A text with its length before it, which may go on in further records."""
        if self._is_biff8:
            return plain(_Pieces(pieces).string())
        count = struct.unpack_from("<H", pieces[0])[0]
        return plain(b"".join(pieces)[2 : 2 + count].decode(self._codec, "replace"))

    def of_name(self, data: bytes) -> str:
        """A name with its length in one byte."""
        if not self._is_biff8:
            return data[1 : 1 + data[0]].decode(self._codec, "replace")
        codec, width = ("utf-16-le", 2) if data[1] & _WIDE else ("latin-1", 1)
        return data[2 : 2 + data[0] * width].decode(codec, "replace")


def formula_texts(records: Iterable[Record]) -> Dict[Tuple[int, int], List[bytes]]:
    """The STRING records of formulas, and those in which they go on, by place."""
    found: Dict[Tuple[int, int], List[bytes]] = {}
    where, before = (0, 0), 0
    for code, data in records:
        if code in FORMULAS:
            where = place(data)
        elif code == STRING:
            found[where] = [data]
        elif code == CONTINUE and before == STRING:
            found[where].append(data)
            continue
        before = code
    return found


class _Pieces:
    """The bytes of records that continue each other."""

    def __init__(self, pieces: List[bytes]) -> None:
        self._pieces = pieces
        self._piece = 0
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether there is nothing more."""
        while self._piece < len(self._pieces) and self._at >= len(self._pieces[self._piece]):
            self._piece, self._at = self._piece + 1, 0
        return self._piece >= len(self._pieces)

    def take(self, count: int) -> bytes:
        """So many bytes; struct.error if there are fewer."""
        taken = b""
        while len(taken) < count:
            if self.is_at_end:
                raise struct.error("a text longer than its records")
            piece = self._pieces[self._piece][self._at : self._at + count - len(taken)]
            taken += piece
            self._at += len(piece)
        return taken

    def string(self) -> str:
        """An XLUnicodeRichExtendedString: the characters alone."""
        count, flags = struct.unpack("<HB", self.take(3))
        runs = struct.unpack("<H", self.take(2))[0] if flags & _RICH else 0
        phonetic = struct.unpack("<I", self.take(4))[0] if flags & _PHONETIC else 0
        text = self._characters(count, flags)
        self._skip(4 * runs + phonetic)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _characters(self, count: int, flags: int) -> str:
        """Where they go on in the next record, that says anew whether they are wide."""
        found: List[str] = []
        while count:
            if self.is_at_end:
                raise struct.error("a text longer than its records")
            if found or self._at == 0:
                flags = self.take(1)[0]
            width = 2 if flags & _WIDE else 1
            there = min(count, (len(self._pieces[self._piece]) - self._at) // width)
            if not there:
                raise struct.error("half a character")
            codec = "utf-16-le" if flags & _WIDE else "latin-1"
            found.append(self.take(there * width).decode(codec, "surrogatepass"))
            count -= there
        return "".join(found)

    def _skip(self, count: int) -> None:
        while count and not self.is_at_end:
            step = min(count, len(self._pieces[self._piece]) - self._at)
            self._at += step
            count -= step


def _strings(pieces: _Pieces) -> Iterator[str]:
    while not pieces.is_at_end:
        yield plain(pieces.string())


def _codec(page: int) -> str:
    """Python's name for a Windows code page; 1252 where that is none."""
    known = {_APPLE_ROMAN: "mac-roman", 10000: "mac-roman", _WINDOWS_LATIN: "cp1252", 367: "ascii"}
    name = known.get(page, "utf-16-le" if page == 1200 else f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"
