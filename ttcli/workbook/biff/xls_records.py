"""The records of an .xls: which they are, where a substream ends, how far a sheet's cells reach.

[MS-XLS] 2.3 and 2.4; BIFF5 has the same with other texts.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Iterable, Iterator, NamedTuple, Tuple

from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook import ole
from ttcli.workbook.biff.records import damaged

BOF, EOF = 0x0809, 0x000A
FILEPASS, CODEPAGE, DATEMODE = 0x002F, 0x0042, 0x0022
BOUNDSHEET, FORMAT, XF = 0x0085, 0x041E, 0x00E0
SST, CONTINUE, STRING = 0x00FC, 0x003C, 0x0207
LABEL, LABELSST, RSTRING = 0x0204, 0x00FD, 0x00D6
NUMBER, RK, MULRK, BOOLERR = 0x0203, 0x027E, 0x00BD, 0x0205
FORMULA = 0x0006
TEXTS = (LABEL, LABELSST, RSTRING)
FORMULAS = (FORMULA, 0x0206, 0x0406)  # the others are of Excel 3 and 4; Excel reads them
GLOBALS = b"\x05\x00"  # what a BOF of the workbook itself says it begins

_CELLS = frozenset([*TEXTS, *FORMULAS, NUMBER, RK, MULRK, BOOLERR])
_SIZES = {LABELSST: 10, NUMBER: 14, RK: 10}  # bytes; another has swallowed what follows it
# Records of kind 0: of 875 files of others two have some, single ones, above the first cell.
_HOLE = bytes(8)
_ZEROS = "zeros stand where cells should"

place = struct.Struct("<HH").unpack_from  # row and column of a cell's record, from 0
_head = struct.Struct("<HH").unpack_from

Record = Tuple[int, bytes]


class Extent(NamedTuple):
    """How far a sheet's cells reach."""

    rows: int
    columns: int
    ascending: bool
    has_long_texts: bool


def workbook_stream(path: Path, limits: Limits) -> Tuple[bytes, bool]:
    """All records of a workbook, as its OLE container holds them.

    Names in a container are the same whatever their case ([MS-CFB] 2.6.4). calamine knows but one
    spelling, and takes the older `Book` that Excel 97 wrote beside a `WORKBOOK`, or nothing.

    Returns:
        The records, and whether calamine may read others, or none.

    Raises:
        BadItem: Damaged, or larger than memory allows.
    """
    with path.open("rb") as file:
        container = ole.Container(file)
        name = "Workbook" if "WORKBOOK" in container.entries else "Book"
        stream = container.read(name, limits.memory_mb << 19)
    if len(stream) < 8:
        raise damaged(".xls", "its workbook stream is empty")
    return stream, container.entries[name.upper()].name != name


def substream(stream: bytes, start: int) -> Iterator[Record]:
    """The records of one substream; a chart embedded in a sheet is a substream inside it.

    Raises:
        BadItem: It does not begin there, has no end, or a hole of zeros.
    """
    at, depth = start, 0
    while at + 4 <= len(stream):
        code, size = _head(stream, at)
        end = at + 4 + size
        if code == BOF:
            depth += 1
        elif depth == 1 and code != EOF:
            if not code and stream[at : at + 8] == _HOLE:
                raise damaged(".xls", _ZEROS)
            yield code, stream[at + 4 : end]
        elif code == EOF and depth > 0:
            depth -= 1
            if size or not (depth or _may_end(stream, end)):
                raise damaged(".xls", "what seems to be the end of a sheet is none")
            if not depth:
                return
        elif not depth:
            raise damaged(".xls", f"no sheet begins at byte {start}, as its list says")
        at = end
    raise BadItem(
        "the workbook was cut short: a sheet in it has no end",
        "send it again, complete",
        kind="truncated",
    )


def _may_end(stream: bytes, end: int) -> bool:
    """Behind a sheet stands another, or what fills the file: in all of 875 files of others."""
    return stream[end : end + 2] in (BOF.to_bytes(2, "little"), b"\0\0", b"\0", b"")


def extent_of(records: Iterable[Record]) -> Extent:
    """A first look at the places of a sheet's cells.

    Raises:
        BadItem: A cell has another size than its kind has, or zeros stand below the first one.
    """
    rows = columns = before = 0
    ascending, has_long_texts = True, False
    for code, data in records:
        if code in _CELLS:
            if len(data) != _SIZES.get(code, len(data)):
                raise damaged(".xls", f"a cell in it has {len(data)} bytes")
            row, column = place(data)
            if code == MULRK:
                column += (len(data) - 6) // 6 - 1
            if row + 1 < rows:
                ascending = False
            else:
                rows = row + 1
            if column >= columns:
                columns = column + 1
        elif code == CONTINUE and before == STRING:
            has_long_texts = True
        elif not code and rows:
            raise damaged(".xls", _ZEROS)
        before = code
    return Extent(rows, columns, ascending, has_long_texts)
