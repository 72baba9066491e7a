"""A scan of .xls: which cells there are, of what kind and format. [MS-XLS], and BIFF5 before it.

Strings are left to calamine; what stands here are the records that say what it throws away.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

from ttcli.cells import Cell, Kind
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook import ole
from ttcli.workbook.biff import ERRORS, GENERAL_STYLE, Style, decode_rk, number_cell, styles_of
from ttcli.workbook.blocks import Row, by_row
from ttcli.workbook.calamine import ASK

_BOF, _EOF = 0x0809, 0x000A
_FILEPASS, _DATEMODE, _BOUNDSHEET, _FORMAT, _XF = 0x002F, 0x0022, 0x0085, 0x041E, 0x00E0
_NUMBER, _RK, _MULRK, _BOOLERR = 0x0203, 0x027E, 0x00BD, 0x0205
_TEXTS = (0x0204, 0x00FD, 0x00D6)  # LABEL, LABELSST, RSTRING
_FORMULAS = (0x0006, 0x0206, 0x0406)
_STATES = ("visible", "hidden", "very-hidden")
_DENSE_BYTES = 32  # what calamine spends on each place of the rectangle that holds all cells


class _Record(NamedTuple):
    code: int
    at: int
    size: int


class _Extent(NamedTuple):
    """How far a sheet's cells reach."""

    cells: int
    rows: int
    columns: int
    ascending: bool


class XlsScan:
    """See `ttcli.workbook.calamine.Scan`.

    Attributes:
        encrypted: Nothing else is known before it is decrypted.

    Raises:
        BadItem: Damaged, cut short, or its cells lie too far apart for calamine.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._stream = _workbook_stream(path, limits)
        self.encrypted = False
        self.date_1904 = False
        self.states: List[str] = []
        self._starts: List[int] = []
        self._styles: List[Style] = []
        self._read_globals()
        if not self.encrypted:
            self._extents = [self._extent(index) for index in range(len(self._starts))]
            self._check_density(limits)

    def rows(self, sheet: int) -> Iterator[Row]:
        """The rows of a sheet; texts are `ASK`."""
        cells = self._cells(sheet)
        return by_row(cells if self._extents[sheet].ascending else sorted(cells, key=_place))

    def _read_globals(self) -> None:
        codes: Dict[int, str] = {}
        format_ids: List[int] = []
        for record in self._records(0):
            if record.code == _FILEPASS:
                self.encrypted = True
                return
            if record.code == _DATEMODE:
                self.date_1904 = self._unpack("<H", record) == (1,)
            elif record.code == _BOUNDSHEET:
                start, state = self._unpack("<IB", record)
                self._starts.append(start)
                self.states.append(_STATES[min(state & 3, 2)])
            elif record.code == _FORMAT:
                number, code = self._format(record)
                codes[number] = code
            elif record.code == _XF:
                format_ids.append(self._unpack("<HH", record)[1])
        self._styles = styles_of(format_ids, codes)

    def _format(self, record: _Record) -> Tuple[int, str]:
        """BIFF8 counts characters in two bytes and flags wide ones; BIFF5 has one byte."""
        number, first = self._unpack("<HB", record)
        data = self._stream[record.at + 2 : record.at + record.size]
        if self._version() < 0x0600:
            return number, data[1 : 1 + first].decode("cp1252", "replace")
        count, flags = struct.unpack_from("<HB", data.ljust(3, b"\0"))
        if flags & 1:
            return number, data[3 : 3 + 2 * count].decode("utf-16-le", "replace")
        return number, data[3 : 3 + count].decode("latin-1")

    def _version(self) -> int:
        version: int = struct.unpack_from("<H", self._stream, 4)[0]
        return version

    def _records(self, start: int) -> Iterator[_Record]:
        """The records of one substream; a chart embedded in a sheet is a substream inside it."""
        at, depth = start, 0
        while at + 4 <= len(self._stream):
            code, size = struct.unpack_from("<HH", self._stream, at)
            if at + 4 + size > len(self._stream):
                break
            depth += (code == _BOF) - (code == _EOF)
            if at == start and code != _BOF:
                raise _damaged(f"no sheet begins at byte {start}, where the list of sheets says so")
            if depth == 0:
                return
            if depth == 1:
                yield _Record(code, at + 4, size)
            at += 4 + size
        raise BadItem(
            "the workbook was cut short: a sheet in it has no end",
            "send it again, complete",
            kind="truncated",
        )

    def _unpack(self, shape: str, record: _Record) -> Tuple[int, ...]:
        if struct.calcsize(shape) > record.size:
            raise _damaged(f"a record 0x{record.code:04X} of {record.size} bytes is too short")
        return struct.unpack_from(shape, self._stream, record.at)

    def _extent(self, sheet: int) -> _Extent:
        cells = rows = columns = last = 0
        ascending = True
        for row, column, _ in self._cells(sheet):
            ascending = ascending and row >= last
            last = row
            cells, rows, columns = cells + 1, max(rows, row), max(columns, column)
        return _Extent(cells, rows, columns, ascending)

    def _check_density(self, limits: Limits) -> None:
        for sheet, extent in enumerate(self._extents, 1):
            if extent.rows * extent.columns * _DENSE_BYTES > limits.memory_mb << 20:
                raise BadItem(
                    f"sheet {sheet} has {extent.cells:,} cells, but they reach to row "
                    f"{extent.rows:,} and column {extent.columns:,}: too far apart to be read "
                    f"in {limits.memory_mb} MB",
                    "delete the far cells in Excel, or save it as .xlsx",
                    kind="limit",
                )

    def _cells(self, sheet: int) -> Iterator[Tuple[int, int, Cell]]:
        for record in self._records(self._starts[sheet]):
            code = record.code
            if code in _TEXTS:
                row, column = self._unpack("<HH", record)
                yield row + 1, column + 1, ASK
            elif code == _NUMBER:
                row, column, xf, value = self._unpack("<HHHd", record)
                yield row + 1, column + 1, number_cell(value, self._style(xf))
            elif code == _RK:
                row, column, xf, rk = self._unpack("<HHHI", record)
                yield row + 1, column + 1, number_cell(decode_rk(rk), self._style(xf))
            elif code == _MULRK:
                yield from self._many(record)
            elif code == _BOOLERR:
                row, column, _, value, is_error = self._unpack("<HHHBB", record)
                yield row + 1, column + 1, _bool_or_error(value, bool(is_error))
            elif code in _FORMULAS:
                yield from self._formula(record)

    def _many(self, record: _Record) -> Iterator[Tuple[int, int, Cell]]:
        row, first = self._unpack("<HH", record)
        for index in range((record.size - 6) // 6):
            xf, rk = struct.unpack_from("<HI", self._stream, record.at + 4 + 6 * index)
            yield row + 1, first + index + 1, number_cell(decode_rk(rk), self._style(xf))

    def _formula(self, record: _Record) -> Iterator[Tuple[int, int, Cell]]:
        """The cached result: a double, or 0xFFFF at its end and the kind at its beginning."""
        row, column, xf, kind, value, mark = self._unpack("<HHHBxB3xH", record)
        if mark != 0xFFFF:
            number = struct.unpack_from("<d", self._stream, record.at + 6)[0]
            yield row + 1, column + 1, number_cell(number, self._style(xf))
        elif kind == 0:
            yield row + 1, column + 1, ASK
        elif kind in (1, 2):
            yield row + 1, column + 1, _bool_or_error(value, kind == 2)

    def _style(self, xf: int) -> Style:
        return self._styles[xf] if xf < len(self._styles) else GENERAL_STYLE


def _place(cell: Tuple[int, int, Cell]) -> Tuple[int, int]:
    return cell[:2]


def _bool_or_error(value: int, is_error: bool) -> Cell:
    if is_error:
        return Cell(Kind.ERROR, ERRORS.get(value, f"error {value}"))
    return Cell(Kind.BOOL, "1" if value else "0")


def _workbook_stream(path: Path, limits: Limits) -> bytes:
    with path.open("rb") as file:
        container = ole.Container(file)
        name = "Workbook" if "Workbook" in container.entries else "Book"
        stream = container.read(name, limits.memory_mb << 19)
    if len(stream) < 8:
        raise _damaged("its workbook stream is empty")
    return stream


def _damaged(why: str) -> BadItem:
    return BadItem(
        f"the .xls is damaged: {why}", "open it in Excel and save it as .xlsx", kind="damaged"
    )
