"""xls and xlsb: calamine reads the texts, a scan of ours says what it leaves out.

python-calamine (0.4 to 0.9, measured) gives an error cell as an empty one, a date as a
datetime, a zero-padded number without its zeros, and a formula without a value as nothing. So
each format has a scanner that walks the cells on its own and says their kind, format and exact
number; calamine says what the texts are, which is the part with the code pages and the shared
strings. Where both know the value they must agree, or the workbook is refused.
"""

from __future__ import annotations

import sys
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, Tuple

from ttcli.cells import Block, Cell, Kind, Workbook, address
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.biff.scan import ASK, Scan, Unshared
from ttcli.workbook.blocks import Budget, ReadSheet, ReadWorkbook, Row, blocks_of, plain

_VENDOR = "/usr/lib/ttcli/vendor"  # where the Debian package ttcli-calamine puts it
_AS_XLSX = "open it in Excel, save it as .xlsx and send that"
_MOMENTS = (date, time, timedelta)
_NO_ROW: Tuple[Any, ...] = ()


def open_scanned(kind: str, path: Path, limits: Limits, scan: Scan) -> Workbook:
    """Opens a workbook of which `scan` knows what calamine does not say.

    Raises:
        BadItem: Damaged, over a limit, or python-calamine is missing.
    """
    book = _guarded(_package().CalamineWorkbook.from_path, str(path))
    budget = Budget(limits)
    known = list(book.sheets_metadata)
    if len(known) != len(scan.states):
        raise BadItem(
            f"it lists {len(scan.states)} sheets, but python-calamine finds {len(known)}",
            _AS_XLSX,
            kind="damaged",
        )
    sheets = [
        _sheet(book, scan, index, sheet, budget)
        for index, sheet in enumerate(known)
        if str(sheet.typ).endswith(".WorkSheet")
    ]
    return ReadWorkbook(kind, scan.date_1904, sheets)


def _sheet(book: Any, scan: Scan, index: int, known: Any, budget: Budget) -> ReadSheet:
    def blocks() -> Iterator[Block]:
        rows = scan.rows(index)  # first: it may refuse what calamine would not survive
        texts = _Texts(_guarded(book.get_sheet_by_index, index))
        return blocks_of(_agreed(known.name, rows, texts, budget), known.name, budget)

    return ReadSheet(known.name, scan.states[index], blocks)


def _package() -> Any:
    """python_calamine, from Python's own path or from the Debian package's folder."""
    try:
        import python_calamine
    except ImportError:
        if _VENDOR in sys.path:
            raise _needs_formats() from None
        sys.path.append(_VENDOR)  # last, so that it can hide nothing
        return _package()
    return python_calamine


def _needs_formats() -> BadItem:
    return BadItem(
        ".xls and .xlsb are read with python-calamine, which is not installed",
        "apt install ttcli-calamine, or pip install 'ttcli[formats]', then `ttcli retry`",
        kind="needs-formats",
    )


def _guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls calamine; its panics are no Exception, and its errors have many classes."""
    try:
        return function(*arguments)
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise BadItem(
            f"it is damaged: python-calamine says {said!r}", _AS_XLSX, kind="damaged"
        ) from error


class _Texts:
    """A sheet's values as calamine has them, row after row."""

    def __init__(self, sheet: Any) -> None:
        # Rows come from the first one on, but columns only from the first used one.
        self._rows = iter(_guarded(sheet.iter_rows)) if sheet.start else iter(())
        self._first_column = sheet.start[1] + 1 if sheet.start else 1
        self._next = 1

    def take(self, number: int) -> Sequence[Any]:
        """The values of a row; rows are asked in order, and those left out must be blank."""
        while self._next < number:
            self._expect_blank(self._row())
        return self._row()

    def finish(self) -> None:
        """Says that there are no more rows with a value."""
        while True:
            row = self._row()
            if row is _NO_ROW:
                return
            self._expect_blank(row)

    def _row(self) -> Sequence[Any]:
        self._next += 1
        row: Sequence[Any] = _guarded(next, self._rows, _NO_ROW)
        return row

    def _expect_blank(self, row: Sequence[Any]) -> None:
        if self.count(row):
            raise _Disagreement(self._next - 1, _unexpected({}, row, self))

    def value(self, row: Sequence[Any], column: int) -> Any:
        """A row's value in a 1-based column; `""` is calamine's word for none."""
        index = column - self._first_column
        return row[index] if 0 <= index < len(row) else ""

    def count(self, row: Sequence[Any]) -> int:
        """How many values of a row are not blank."""
        return len(row) - row.count("")


class _Disagreement(Exception):
    """Our scan and calamine see different things in a cell."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__(row, column)
        self.cell = address(row, column)


def _agreed(sheet: str, rows: Iterator[Row], texts: _Texts, budget: Budget) -> Iterator[Row]:
    """The scan's rows with calamine's texts in them.

    Raises:
        BadItem: The two do not agree on what a cell holds, so neither is believed.
    """
    try:
        for number, cells in rows:
            budget.check_row(sheet, number)  # before walking there
            values = texts.take(number)
            yield number, _agree(number, cells, values, texts)
        texts.finish()
    except _Disagreement as error:
        raise BadItem(
            f"two readers disagree about the cell {error.cell} of the sheet {sheet!r}",
            _AS_XLSX,
            kind="damaged",
        ) from None


def _agree(
    number: int, cells: Mapping[int, Cell], values: Sequence[Any], texts: _Texts
) -> Mapping[int, Cell]:
    row, seen = {}, 0
    for column, cell in cells.items():
        value = texts.value(values, column)
        if value != "":
            seen += 1
        agreed = _cell(cell, value)
        if agreed is None:
            raise _Disagreement(number, column)
        if agreed.text:
            row[column] = agreed
    if seen != texts.count(values):
        raise _Disagreement(number, _unexpected(cells, values, texts))
    return row


def _unexpected(cells: Mapping[int, Cell], values: Sequence[Any], texts: _Texts) -> int:
    """The first column in which only calamine sees something."""
    columns = range(1, len(values) + texts._first_column)
    return next(n for n in columns if n not in cells and texts.value(values, n) != "")


def _cell(cell: Cell, value: Any) -> Optional[Cell]:
    """What both say, or None."""
    if isinstance(cell, Unshared) and _is_part(value, cell):
        return cell
    if cell is ASK:
        return Cell(Kind.TEXT, plain(value)) if isinstance(value, str) else None
    if cell.kind is Kind.NUMBER:
        return cell if _same_number(cell.text, value) else None
    return cell


def _is_part(value: Any, cell: Cell) -> bool:
    return isinstance(value, str) and cell.text.startswith(plain(value))


def _same_number(text: str, value: Any) -> bool:
    """calamine may take a number for a date where it reads a number format otherwise than we."""
    return isinstance(value, _MOMENTS) or (isinstance(value, (int, float)) and float(text) == value)
