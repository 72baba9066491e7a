"""A scan of .xlsb: which cells there are, of what kind and format. [MS-XLSB]

Strings are left to calamine; see `xls.py`, whose younger sister this is.
"""

from __future__ import annotations

import struct
from contextlib import closing
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

from ttcli.cells import Cell, Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.biff.calamine import open_scanned
from ttcli.workbook.biff.records import (
    GENERAL_STYLE,
    Style,
    bool_or_error,
    check_density,
    damaged,
    decode_rk,
    number_cell,
    styles_of,
    whole_records,
)
from ttcli.workbook.biff.scan import ASK
from ttcli.workbook.blocks import Row
from ttcli.workbook.ooxml.package import Package, Relationship

_ROW, _RK, _ERROR, _BOOL, _REAL = 0, 2, 3, 4, 5
_TEXTS = (6, 7, 8, 62)  # BrtCellSt, BrtCellIsst, BrtFmlaString, BrtCellRString
_FORMULA_NUMBER, _FORMULA_BOOL, _FORMULA_ERROR = 9, 10, 11
_SHEET_DATA, _SHEET_DATA_END = 145, 146
_FORMAT, _XF, _CELL_XFS, _CELL_XFS_END = 44, 47, 617, 618
_WORKBOOK_PROPERTIES, _SHEET = 153, 156
_STATES = ("visible", "hidden", "very-hidden")
_LONGEST_RECORD = 1 << 24
_CELL_RECORDS = frozenset([_RK, _ERROR, _BOOL, _REAL, *_TEXTS, 9, 10, 11])
_LOOK_AHEAD = 1 << 20  # a sheet of more bytes than that is no pair of far cells

_place = struct.Struct("<II").unpack_from  # of a cell: column and style; of a row: its number
_rk = struct.Struct("<I").unpack_from
_real = struct.Struct("<d").unpack_from

Record = Tuple[int, bytes]


class _Sheet(NamedTuple):
    state: str
    part: str


def open_xlsb(path: Path, limits: Limits) -> Workbook:
    """Opens a binary Excel workbook; raises BadItem as `xls.open_xls` does."""
    return open_scanned("xlsb", path, limits, XlsbScan(path, limits))


class XlsbScan:
    """See `ttcli.workbook.biff.scan.Scan`.

    Raises:
        BadItem: Damaged or over a limit.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self.date_1904 = False
        self._sheets: List[_Sheet] = []
        workbook = self._target("", "officedocument")
        with whole_records(".xlsb"):
            self._read_workbook(workbook)
            self._styles = self._read_styles(workbook)

    @property
    def states(self) -> List[str]:
        """The state of each sheet, in the workbook's order."""
        return [sheet.state for sheet in self._sheets]

    def rows(self, sheet: int) -> Iterator[Row]:
        """The rows of a sheet; texts are `ASK`."""
        part = self._sheets[sheet].part
        with whole_records(".xlsb"):
            self._check_density(part)
        return self._rows(part)

    def _target(self, part: str, kind: str) -> str:
        return next((link.target for link in self._links(part).values() if link.type == kind), "")

    def _links(self, part: str) -> Dict[str, Relationship]:
        with closing(Package(self._path, self._limits)) as package:
            return package.relationships(part)

    def _read_workbook(self, part: str) -> None:
        links = self._links(part)
        for code, data in self._records(part):
            if code == _WORKBOOK_PROPERTIES:
                self.date_1904 = bool(struct.unpack_from("<I", data)[0] & 1)
            elif code == _SHEET:
                state = struct.unpack_from("<I", data)[0]
                relation, _ = _wide_string(data, 8)
                target = links[relation].target if relation in links else ""
                self._sheets.append(_Sheet(_STATES[min(state, 2)], target))

    def _read_styles(self, workbook: str) -> List[Style]:
        part = self._target(workbook, "styles")
        codes: Dict[int, str] = {}
        format_ids: List[int] = []
        inside = False
        for code, data in self._records(part) if part else ():
            if code in (_CELL_XFS, _CELL_XFS_END):
                inside = code == _CELL_XFS
            elif code == _FORMAT:
                codes[struct.unpack_from("<H", data)[0]] = _wide_string(data, 2)[0]
            elif code == _XF and inside:
                format_ids.append(struct.unpack_from("<HH", data)[1])
        return styles_of(format_ids, codes)

    def _rows(self, part: str) -> Iterator[Row]:
        number = 0
        row: Dict[int, Cell] = {}
        with whole_records(".xlsb"):
            for code, data in self._sheet_records(part):
                if code in _CELL_RECORDS:
                    column, style = _place(data)
                    row[column + 1] = self._cell(code, data, style & 0xFFFFFF)
                elif code == _ROW:
                    if row:
                        yield number, row
                    number, row = self._next_row(data, number), {}
            if row:
                yield number, row

    @staticmethod
    def _next_row(data: bytes, before: int) -> int:
        number: int = struct.unpack_from("<I", data)[0] + 1
        if number <= before:
            raise damaged(".xlsb", f"row {number} comes after row {before}")
        return number

    def _cell(self, code: int, data: bytes, style: int) -> Cell:
        if code in _TEXTS:
            return ASK
        if code == _RK:
            return number_cell(decode_rk(_rk(data, 8)[0]), self._style(style))
        if code in (_REAL, _FORMULA_NUMBER):
            return number_cell(_real(data, 8)[0], self._style(style))
        return bool_or_error(data[8], code in (_ERROR, _FORMULA_ERROR))

    def _style(self, index: int) -> Style:
        return self._styles[index] if index < len(self._styles) else GENERAL_STYLE

    def _check_density(self, part: str) -> None:
        """A first look at the places of all cells of a small sheet."""
        cells = rows = columns = size = 0
        for code, data in self._sheet_records(part):
            size += len(data)
            if size > _LOOK_AHEAD:
                return
            if code == _ROW:
                rows = _place(data)[0] + 1
            elif code in _CELL_RECORDS:
                cells, columns = cells + 1, max(columns, _place(data)[0] + 1)
        check_density(part, cells, (rows, columns), self._limits)

    def _sheet_records(self, part: str) -> Iterator[Record]:
        inside = False
        for code, data in self._records(part):
            if code in (_SHEET_DATA, _SHEET_DATA_END):
                inside = code == _SHEET_DATA
            elif inside:
                yield code, data

    def _records(self, part: str) -> Iterator[Record]:
        """A part's records: [MS-XLSB] 2.1.4, both numbers in groups of seven bits."""
        buffer, at = b"", 0
        with closing(Package(self._path, self._limits)) as package:
            for chunk in package.chunks(part):
                buffer, at = buffer[at:] + chunk, 0
                while True:
                    code, size, start = _header(buffer, at)
                    if start + size > len(buffer):
                        break
                    at = start + size
                    yield code, buffer[start:at]
        if at != len(buffer):
            raise BadItem(f"{part} is cut short", "send it again, complete", kind="truncated")


def _header(buffer: bytes, at: int) -> Tuple[int, int, int]:
    """Code and size of a record, and where it starts: beyond the buffer if it is cut off."""
    if at + 6 <= len(buffer) and buffer[at] < 128 and buffer[at + 1] < 128:
        return buffer[at], buffer[at + 1], at + 2  # nearly all records of a sheet
    code, at = _seven_bits(buffer, at, 2)
    size, at = _seven_bits(buffer, at, 4)
    if size > _LONGEST_RECORD:
        raise damaged(".xlsb", f"a record of {size:,} bytes")
    return code, size, at


def _seven_bits(buffer: bytes, at: int, most: int) -> Tuple[int, int]:
    """A number in groups of seven bits, and where it ends: beyond the buffer if it is cut off."""
    number = 0
    for shift in range(0, 7 * most, 7):
        if at >= len(buffer):
            return 0, len(buffer) + 1
        byte = buffer[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            break
    return number, at


def _wide_string(data: bytes, at: int) -> Tuple[str, int]:
    """XLWideString: a count of UTF-16 units, and these; and where it ends."""
    count = struct.unpack_from(f"<{at}xI", data)[0] if len(data) >= at + 4 else 0
    if count == 0xFFFFFFFF:
        return "", at + 4
    end = at + 4 + 2 * count
    if end > len(data):
        raise damaged(".xlsb", "a text longer than its record")
    return data[at + 4 : end].decode("utf-16-le", "replace"), end
