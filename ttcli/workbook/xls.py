"""A scan of .xls: which cells there are, of what kind and format. [MS-XLS], and BIFF5 before it.

Strings are left to calamine; what stands here are the records that say what it throws away.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from ttcli.cells import Cell, Kind, Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook import ole
from ttcli.workbook.biff import (
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
from ttcli.workbook.blocks import Row, by_row, plain
from ttcli.workbook.calamine import open_scanned
from ttcli.workbook.scan import ASK, Unshared

_BOF, _EOF = 0x0809, 0x000A
_FILEPASS, _DATEMODE, _BOUNDSHEET, _FORMAT, _XF = 0x002F, 0x0022, 0x0085, 0x041E, 0x00E0
_NUMBER, _RK, _MULRK, _BOOLERR = 0x0203, 0x027E, 0x00BD, 0x0205
_TEXTS = (0x0204, 0x00FD, 0x00D6)  # LABEL, LABELSST, RSTRING
_FORMULA = 0x0006
_FORMULAS = (_FORMULA, 0x0206, 0x0406)  # the others are of Excel 3 and 4; Excel reads them
_STRING, _CONTINUE = 0x0207, 0x003C
_CELLS = frozenset([*_TEXTS, *_FORMULAS, _NUMBER, _RK, _MULRK, _BOOLERR])
_STATES = ("visible", "hidden", "very-hidden")

_head = struct.Struct("<HH").unpack_from
_place = struct.Struct("<HH").unpack_from
_number = struct.Struct("<HHHd").unpack_from
_rk = struct.Struct("<HHHI").unpack_from
_bool_or_error = struct.Struct("<HHHBB").unpack_from
_formula = struct.Struct("<HHHBxB3xH").unpack_from

_Record = Tuple[int, bytes]
_PlacedCell = Tuple[int, int, Cell]


class _Extent(NamedTuple):
    """How far a sheet's cells reach."""

    cells: int
    rows: int
    columns: int
    ascending: bool
    has_long_texts: bool


def open_xls(path: Path, limits: Limits, passwords: Sequence[str] = ()) -> Workbook:
    """Opens an Excel 5 to 2003 workbook.

    Raises:
        BadItem: Damaged, protected, over a limit, or python-calamine is missing.
    """
    scan = XlsScan(path, limits)
    if not scan.encrypted:
        return open_scanned("xls", path, limits, scan)
    from ttcli.workbook.encrypted import decrypt

    opened = decrypt(path, limits, passwords)
    workbook = open_scanned("xls", opened.path, limits, XlsScan(opened.path, limits))
    return opened.kept_by(workbook)


class XlsScan:
    """See `ttcli.workbook.scan.Scan`.

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
        self._extents: List[_Extent] = []
        self._long_texts: Dict[Tuple[int, int], str] = {}
        with whole_records(".xls"):
            self._read_globals()
            if not self.encrypted:
                self._look_ahead(limits)

    def rows(self, sheet: int) -> Iterator[Row]:
        """The rows of a sheet; texts are `ASK`."""
        if self._extents[sheet].has_long_texts:
            self._long_texts = self._find_long_texts(self._starts[sheet])
        cells = self._cells(sheet)
        in_order = cells if self._extents[sheet].ascending else iter(sorted(cells, key=_by_place))
        with whole_records(".xls"):
            yield from by_row(in_order)

    def _read_globals(self) -> None:
        codes: Dict[int, str] = {}
        format_ids: List[int] = []
        for code, data in self._records(0):
            if code == _FILEPASS:
                self.encrypted = True
                return
            if code == _DATEMODE:
                self.date_1904 = struct.unpack_from("<H", data) == (1,)
            elif code == _BOUNDSHEET:
                start, state = struct.unpack_from("<IB", data)
                self._starts.append(start)
                self.states.append(_STATES[min(state & 3, 2)])
            elif code == _FORMAT:
                codes.update([self._format(data)])
            elif code == _XF:
                format_ids.append(struct.unpack_from("<HH", data)[1])
        self._styles = styles_of(format_ids, codes)

    def _format(self, data: bytes) -> Tuple[int, str]:
        """BIFF8 counts characters in two bytes and flags wide ones; BIFF5 has one byte."""
        number, count = struct.unpack_from("<HB", data)
        if struct.unpack_from("<H", self._stream, 4)[0] < 0x0600:
            return number, data[3 : 3 + count].decode("cp1252", "replace")
        count, flags = struct.unpack_from("<HB", data, 2)
        if flags & 1:
            return number, data[5 : 5 + 2 * count].decode("utf-16-le", "replace")
        return number, data[5 : 5 + count].decode("latin-1")

    def _look_ahead(self, limits: Limits) -> None:
        """A first look at the places of all cells; calamine reads every sheet when it opens."""
        for number, start in enumerate(self._starts, 1):
            extent = self._extent(start)
            reach = (extent.rows, extent.columns)
            check_density(f"sheet {number}", extent.cells, reach, limits)
            self._extents.append(extent)

    def _extent(self, start: int) -> _Extent:
        cells = rows = columns = before = 0
        ascending, has_long_texts = True, False
        for code, data in self._records(start):
            if code in _CELLS:
                row, column = _place(data)
                if code == _MULRK:
                    column += (len(data) - 6) // 6 - 1
                if row + 1 < rows:
                    ascending = False
                else:
                    rows = row + 1
                if column >= columns:
                    columns = column + 1
                cells += 1
            elif code == _CONTINUE and before == _STRING:
                has_long_texts = True
            before = code
        return _Extent(cells, rows, columns, ascending, has_long_texts)

    def _find_long_texts(self, start: int) -> Dict[Tuple[int, int], str]:
        """Texts of formulas that go on in further records, which calamine cuts off, by place."""
        found: Dict[Tuple[int, int], List[bytes]] = {}
        place, pieces = (0, 0), [b""]
        for code, data in self._records(start):
            if code in _FORMULAS:
                place = _place(data)
            elif code == _STRING:
                pieces = [data[2:]]
            elif code == _CONTINUE and pieces[0]:
                pieces.append(data)
                found[place] = pieces
            else:
                pieces = [b""]
        return {place: plain("".join(map(_piece, pieces))) for place, pieces in found.items()}

    def _records(self, start: int) -> Iterator[_Record]:
        """The records of one substream; a chart embedded in a sheet is a substream inside it."""
        stream, at, depth = self._stream, start, 0
        while at + 4 <= len(stream):
            code, size = _head(stream, at)
            end = at + 4 + size
            if code == _BOF:
                depth += 1
            elif depth == 1 and code != _EOF:
                yield code, stream[at + 4 : end]
            elif code == _EOF and depth > 0:
                depth -= 1
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

    def _cells(self, sheet: int) -> Iterator[_PlacedCell]:
        for code, data in self._records(self._starts[sheet]):
            if code in _TEXTS:
                row, column = _place(data)
                yield row + 1, column + 1, ASK
            elif code == _NUMBER:
                row, column, xf, value = _number(data)
                yield row + 1, column + 1, number_cell(value, self._style(xf))
            elif code == _RK:
                row, column, xf, rk = _rk(data)
                yield row + 1, column + 1, number_cell(decode_rk(rk), self._style(xf))
            elif code == _MULRK:
                yield from self._many(data)
            elif code == _BOOLERR:
                row, column, _, value, is_error = _bool_or_error(data)
                yield row + 1, column + 1, bool_or_error(value, bool(is_error))
            elif code in _FORMULAS:
                found = self._formula(data)
                yield from found if code == _FORMULA else map(_unshared, found)

    def _many(self, data: bytes) -> Iterator[_PlacedCell]:
        row, first = _place(data)
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
            text = self._long_texts.get((row, column))
            yield row + 1, column + 1, Unshared(Kind.TEXT, text) if text else ASK
        elif kind in (1, 2):
            yield row + 1, column + 1, bool_or_error(value, kind == 2)

    def _style(self, xf: int) -> Style:
        return self._styles[xf] if xf < len(self._styles) else GENERAL_STYLE


def _piece(data: bytes) -> str:
    """A part of a text in BIFF8; each begins by saying whether its characters are wide."""
    if data[:1] and data[0] & 1:
        return data[1:].decode("utf-16-le", "replace")
    return data[1:].decode("latin-1")


def _unshared(placed: _PlacedCell) -> _PlacedCell:
    """A text is then one that nobody reads, so that its formula counts as not calculated."""
    row, column, cell = placed
    return row, column, Unshared(Kind.FORMULA, "=") if cell is ASK else Unshared(*cell)


def _by_place(cell: _PlacedCell) -> Tuple[int, int]:
    return cell[:2]


def _workbook_stream(path: Path, limits: Limits) -> bytes:
    with path.open("rb") as file:
        container = ole.Container(file)
        name = "Workbook" if "WORKBOOK" in container.entries else "Book"
        stream = container.read(name, limits.memory_mb << 19)
    if len(stream) < 8:
        raise damaged(".xls", "its workbook stream is empty")
    return stream
