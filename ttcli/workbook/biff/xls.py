"""A scan of .xls: which cells there are, of what kind and format. [MS-XLS], and BIFF5 before it.

Strings are left to calamine; what stands here are the records that say what it throws away.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ttcli.cells import Block, Cell, Kind, Workbook
from ttcli.config import Limits
from ttcli.workbook.biff.calamine import open_scanned
from ttcli.workbook.biff.records import (
    GENERAL_STYLE,
    Style,
    bool_or_error,
    damaged,
    decode_rk,
    is_sparse,
    number_cell,
    styles_of,
    whole_records,
)
from ttcli.workbook.biff.scan import ASK, Unshared
from ttcli.workbook.biff.xls_records import (
    BOOLERR,
    BOUNDSHEET,
    DATEMODE,
    FILEPASS,
    FORMAT,
    FORMULA,
    FORMULAS,
    GLOBALS,
    MULRK,
    NUMBER,
    RK,
    TEXTS,
    XF,
    Extent,
    Record,
    extent_of,
    place,
    substream,
    workbook_stream,
)
from ttcli.workbook.biff.xls_texts import XlsTexts, formula_texts
from ttcli.workbook.blocks import Budget, ReadSheet, ReadWorkbook, Row, blocks_of, by_row

_STATES = ("visible", "hidden", "very-hidden")

_number = struct.Struct("<HHHd").unpack_from
_rk = struct.Struct("<HHHI").unpack_from
_bool_or_error = struct.Struct("<HHHBB").unpack_from
_formula = struct.Struct("<HHHBxB3xH").unpack_from

_PlacedCell = Tuple[int, int, Cell]


def open_xls(path: Path, limits: Limits, passwords: Sequence[str] = ()) -> Workbook:
    """Opens an Excel 5 to 2003 workbook.

    Raises:
        BadItem: Damaged, protected, over a limit, or python-calamine is missing.
    """
    scan = XlsScan(path, limits)
    if not scan.encrypted:
        return _open(path, limits, scan)
    from ttcli.workbook.encrypted import decrypt

    opened = decrypt(path, limits, passwords)
    return opened.kept_by(_open(opened.path, limits, XlsScan(opened.path, limits)))


def _open(path: Path, limits: Limits, scan: XlsScan) -> Workbook:
    if scan.is_sparse or scan.is_missed or not scan.is_biff8:
        return _open_alone(limits, scan)
    return open_scanned("xls", path, limits, scan)


def _open_alone(limits: Limits, scan: XlsScan) -> Workbook:
    """Without calamine, which lacks the memory, or reads Latin-1 or another stream."""
    scan.read_texts()
    budget = Budget(limits)

    def sheet(index: int, name: str) -> ReadSheet:
        def blocks() -> Iterator[Block]:
            rows = scan.rows(index)
            filled = ((row, {n: c for n, c in cells.items() if c.text}) for row, cells in rows)
            return blocks_of(filled, name, budget)

        return ReadSheet(name, scan.states[index], blocks)

    sheets = [sheet(index, name) for index, name in scan.worksheets()]
    return ReadWorkbook("xls", scan.date_1904, sheets)


class XlsScan:
    """See `ttcli.workbook.biff.scan.Scan`.

    Attributes:
        encrypted: Nothing else is known before it is decrypted.
        is_sparse: Its cells lie too far apart for calamine.
        is_missed: calamine may read another, older stream of the same file, or none.

    Raises:
        BadItem: Damaged or cut short.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._stream, self.is_missed = workbook_stream(path, limits)
        self.encrypted = self.is_sparse = False
        self.date_1904 = False
        self.states: List[str] = []
        self._starts: List[int] = []
        self._styles: List[Style] = []
        self._extents: List[Extent] = []
        self._names: List[bytes] = []
        self._texts: Optional[XlsTexts] = None
        self._formula_texts: Dict[Tuple[int, int], str] = {}
        with whole_records(".xls"):
            self._read_globals()
            if not self.encrypted:
                self._look_ahead(limits)

    def rows(self, sheet: int) -> Iterator[Row]:
        """The rows of a sheet; texts are `ASK`, unless `read_texts` was called."""
        if self._texts or self._extents[sheet].has_long_texts:
            self._find_formula_texts(self._starts[sheet])
        cells = self._cells(sheet)
        in_order = cells if self._extents[sheet].ascending else iter(sorted(cells, key=_by_place))
        with whole_records(".xls"):
            yield from by_row(in_order)

    def _read_globals(self) -> None:
        codes: Dict[int, str] = {}
        format_ids: List[int] = []
        for code, data in self._records(0):
            if code == FILEPASS:
                self.encrypted = True
                return
            if code == DATEMODE:
                self.date_1904 = struct.unpack_from("<H", data) == (1,)
            elif code == BOUNDSHEET:
                start, state = struct.unpack_from("<IB", data)
                self._starts.append(start)
                self.states.append(_STATES[min(state & 3, 2)])
                self._names.append(data[5:])
            elif code == FORMAT:
                codes.update([self._format(data)])
            elif code == XF:
                format_ids.append(struct.unpack_from("<HH", data)[1])
        self._styles = styles_of(format_ids, codes)

    def _format(self, data: bytes) -> Tuple[int, str]:
        """BIFF8 counts characters in two bytes and flags wide ones; BIFF5 has one byte."""
        number, count = struct.unpack_from("<HB", data)
        if not self.is_biff8:
            return number, data[3 : 3 + count].decode("cp1252", "replace")
        count, flags = struct.unpack_from("<HB", data, 2)
        if flags & 1:
            return number, data[5 : 5 + 2 * count].decode("utf-16-le", "replace")
        return number, data[5 : 5 + count].decode("latin-1")

    def _look_ahead(self, limits: Limits) -> None:
        """A first look at the places of all cells; calamine reads every sheet when it opens."""
        if len(set(self._starts)) < len(self._starts):
            raise damaged(".xls", "two of its sheets begin at the same byte")
        for start in self._starts:
            if self._stream[start + 6 : start + 8] == GLOBALS:
                raise damaged(".xls", f"no sheet begins at byte {start}, as its list says")
            extent = extent_of(self._records(start))
            self.is_sparse |= is_sparse((extent.rows, extent.columns), limits)
            self._extents.append(extent)

    def read_texts(self) -> None:
        """Has texts read here, and not asked for."""
        self._texts = self._own_texts()

    def worksheets(self) -> List[Tuple[int, str]]:
        """Index and name of the sheets that are neither charts nor programs."""
        texts = self._own_texts()
        with whole_records(".xls"):
            return [
                (n, texts.of_name(data[1:])) for n, data in enumerate(self._names) if not data[0]
            ]

    def _own_texts(self) -> XlsTexts:
        return XlsTexts(self._records(0), self.is_biff8)

    @property
    def is_biff8(self) -> bool:
        """Whether it was written by Excel 97 or later."""
        version: int = struct.unpack_from("<H", self._stream, 4)[0]
        return version >= 0x0600

    def _find_formula_texts(self, start: int) -> None:
        """Of formulas: all, or those that go on in further records, which calamine cuts off."""
        texts = self._texts or self._own_texts()
        with whole_records(".xls"):
            found = formula_texts(self._records(start))
            self._formula_texts = {
                place: texts.of_pieces(pieces)
                for place, pieces in found.items()
                if self._texts or len(pieces) > 1
            }

    def _records(self, start: int) -> Iterator[Record]:
        return substream(self._stream, start)

    def _cells(self, sheet: int) -> Iterator[_PlacedCell]:
        for code, data in self._records(self._starts[sheet]):
            if code in TEXTS:
                row, column = place(data)
                yield row + 1, column + 1, self._text(code, data)
            elif code == NUMBER:
                row, column, xf, value = _number(data)
                yield row + 1, column + 1, number_cell(value, self._style(xf))
            elif code == RK:
                row, column, xf, rk = _rk(data)
                yield row + 1, column + 1, number_cell(decode_rk(rk), self._style(xf))
            elif code == MULRK:
                yield from self._many(data)
            elif code == BOOLERR:
                row, column, _, value, is_error = _bool_or_error(data)
                yield row + 1, column + 1, bool_or_error(value, bool(is_error))
            elif code in FORMULAS:
                found = self._formula(data)
                yield from found if code == FORMULA else map(_unshared, found)

    def _many(self, data: bytes) -> Iterator[_PlacedCell]:
        row, first = place(data)
        for index in range((len(data) - 6) // 6):
            xf, rk = struct.unpack_from("<HI", data, 4 + 6 * index)
            yield row + 1, first + index + 1, number_cell(decode_rk(rk), self._style(xf))

    def _formula(self, data: bytes) -> Iterator[_PlacedCell]:
        """The cached result: a double, or 0xFFFF at its end and the kind at its beginning."""
        row, column, xf, kind, value, mark = _formula(data)
        if mark != 0xFFFF:
            number = struct.unpack_from("<d", data, 6)[0]
            yield row + 1, column + 1, number_cell(number, self._style(xf))
        elif kind == 0:
            text = self._formula_texts.get((row, column))
            none = Cell(Kind.TEXT, "") if self._texts else ASK
            yield row + 1, column + 1, Unshared(Kind.TEXT, text) if text else none
        elif kind in (1, 2):
            yield row + 1, column + 1, bool_or_error(value, kind == 2)

    def _text(self, code: int, data: bytes) -> Cell:
        return Cell(Kind.TEXT, self._texts.of_cell(code, data)) if self._texts else ASK

    def _style(self, xf: int) -> Style:
        return self._styles[xf] if xf < len(self._styles) else GENERAL_STYLE


def _unshared(placed: _PlacedCell) -> _PlacedCell:
    """A text that nobody could read leaves its formula one that was not calculated."""
    row, column, cell = placed
    return row, column, Unshared(*cell) if cell.text else Unshared(Kind.FORMULA, "=")


def _by_place(cell: _PlacedCell) -> Tuple[int, int]:
    return cell[:2]
