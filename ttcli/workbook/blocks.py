"""From rows of cells to blocks of columns, within the limits."""

from __future__ import annotations

import re
from typing import (
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    Sequence,
    Tuple,
    Union,
)

from ttcli.cells import (
    NO_BLANKS,
    Block,
    Cell,
    Column,
    Kind,
    MixedColumn,
    Sheet,
    column_letters,
    to_copy,
)
from ttcli.config import Limits
from ttcli.errors import BadItem

Row = Tuple[int, Mapping[int, Cell]]
"""A 1-based row number, and its cells that are not empty by 1-based column number."""

_BLOCK_ROWS = 1000
_CHECK = "delete what is not needed in Excel and send the workbook again, or raise {}"


class ReadSheet:
    """A sheet whose blocks are made while they are asked for; see `ttcli.cells.Sheet`."""

    totals_rows: FrozenSet[int] = frozenset()

    def __init__(self, name: str, state: str, blocks: Callable[[], Iterator[Block]]) -> None:
        self.name = name
        self.state = state
        self.blocks = blocks


class ReadWorkbook:
    """An opened workbook; see `ttcli.cells.Workbook`."""

    def __init__(self, kind: str, date_1904: bool, sheets: Sequence[Sheet]) -> None:
        self.kind = kind
        self.date_1904 = date_1904
        self.sheets = sheets


class Budget:
    """What one workbook may still have of rows, columns and cells."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cells_left = limits.cells

    def check_row(self, sheet: str, row: int) -> None:
        """Raises BadItem for a row number beyond the limit."""
        if row > self._limits.rows:
            most = f"{self._limits.rows:,}"
            raise _over(
                f"the sheet {sheet!r} goes on to row {row:,}, of at most {most}", "LIMIT_ROWS"
            )

    def check_column(self, sheet: str, column: int) -> None:
        """Raises BadItem for a column number beyond the limit."""
        if column > self._limits.columns:
            where = f"column {column_letters(column)} ({column:,})"
            most = f"{self._limits.columns:,}"
            raise _over(f"the sheet {sheet!r} reaches {where}, of at most {most}", "LIMIT_COLUMNS")

    def within_columns(self, sheet: str, cells: Mapping[int, Cell]) -> Mapping[int, Cell]:
        """A row's cells; texts of blanks beyond the last column are nobody's loss.

        Raises:
            BadItem: Something else stands there.
        """
        if max(cells) > self._limits.columns:
            cells = {
                column: cell
                for column, cell in cells.items()
                if column <= self._limits.columns or cell.text.strip()
            }
            self.check_column(sheet, max(cells, default=0))
        return cells

    def spend(self, cells: int) -> None:
        """Counts cells that are not empty, of all sheets together."""
        self._cells_left -= cells
        if self._cells_left < 0:
            raise _over(f"the workbook has more than {self._limits.cells:,} cells", "LIMIT_CELLS")


def _over(what: str, variable: str) -> BadItem:
    return BadItem(what, _CHECK.format(variable), kind="limit")


def blocks_of(rows: Iterable[Row], sheet: str, budget: Budget) -> Iterator[Block]:
    """Gathers rows, in ascending order and without the empty ones, into blocks.

    Raises:
        BadItem: A limit is passed.
    """
    gathered: List[Row] = []
    for row in rows:
        number, cells = row
        budget.check_row(sheet, number)
        if cells:
            cells = budget.within_columns(sheet, cells)
            budget.spend(len(cells))
            gathered.append((number, cells))
        if len(gathered) >= _BLOCK_ROWS:
            yield _block(gathered)
            gathered = []
    if gathered:
        yield _block(gathered)


def _block(rows: Sequence[Row]) -> Block:
    numbers = sorted({number for _, cells in rows for number in cells})
    columns = {number: _column([cells.get(number) for _, cells in rows]) for number in numbers}
    return Block([number for number, _ in rows], columns)


def _column(cells: Sequence[Union[Cell, None]]) -> Union[Column, MixedColumn]:
    """A uniform column where that is true; kinds are compared by identity, as hashing is slow."""
    kind, _, shape = next(cell for cell in cells if cell is not None)
    for cell in cells:
        if cell is not None and (cell[0] is not kind or cell[2] != shape):
            return MixedColumn(cells)
    if kind is Kind.TEXT:
        raw = [b"" if cell is None else to_copy(cell[1]) for cell in cells]
        return Column(kind, raw, shape, _blanks(raw, cells))
    return Column(kind, [b"" if cell is None else cell[1].encode() for cell in cells], shape)


def _blanks(raw: Sequence[bytes], cells: Sequence[Union[Cell, None]]) -> Mapping[int, str]:
    if raw.count(b"") == cells.count(None):
        return NO_BLANKS
    return {index: cell[1] for index, cell in enumerate(cells) if cell and not raw[index]}


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")


def plain(text: str) -> str:
    """Drops what no field wants and PostgreSQL refuses: C0 controls other than tab and newline."""
    return text if text.isprintable() else _CONTROL.sub("", text)


def by_row(cells: Iterable[Tuple[int, int, Cell]]) -> Iterator[Row]:
    """Groups (row, column, cell) by row; the rows must ascend."""
    current = 0
    row: Dict[int, Cell] = {}
    for number, column, cell in cells:
        if number != current:
            if row:
                yield current, row
            current, row = number, {}
        row[column] = cell
    if row:
        yield current, row
