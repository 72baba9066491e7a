"""Whole columns at once, for the same result as `kinds.convert_cell` gives cell by cell.

A `plans.Plan` converts what it can prove; the cells it doubts go the scalar way, one by one.
"""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from ttcli.cells import Block, Cell, Column, Format, Kind, MixedColumn, from_copy, to_copy
from ttcli.rows.columns.plans import Plan, plan_for
from ttcli.rows.scalars.kinds import convert_cell, value_of
from ttcli.rows.scalars.rule import NULL, Noted, Outcome, Rejected, Rule

AnyColumn = Union[Column, MixedColumn]

_REMEMBERED = 4096
"""Cells whose outcome a converter remembers: a status or a port comes again and again."""


class Converted(NamedTuple):
    """A column of a block as COPY fields.

    Attributes:
        values: One field a row; NULL where the cell is blank or rejected.
        rejected: Index of the row → why.
        notes: Repair or warning → indexes of the rows.
    """

    values: Sequence[bytes]
    rejected: Dict[int, Rejected]
    notes: Dict[str, List[int]]


def cell_at(column: Optional[AnyColumn], index: int) -> Optional[Cell]:
    """One cell of a column of a block; None if it is blank."""
    if column is None:
        return None
    return cells_of_column(column, slice(index, index + 1))[0]


def holds_something(column: AnyColumn, index: int) -> bool:
    """Whether there is a cell of a column of a block; a text of blanks only is none."""
    if isinstance(column, MixedColumn):
        cell = column.cells[index]
        return bool(cell and cell.text.strip())
    return bool(column.raw[index])


def cells_of_column(column: AnyColumn, part: slice) -> Sequence[Optional[Cell]]:
    """The cells of a part of a block's column; None where one is blank."""
    if isinstance(column, MixedColumn):
        return column.cells[part]
    kind, shown = column.kind, column.format
    text = from_copy if kind is Kind.TEXT else _lenient
    return [Cell(kind, text(raw), shown) if raw else None for raw in column.raw[part]]


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def below(block: Block, row: int) -> Block:
    """The rows of a block that stand below a row of the sheet."""
    if not block.rows or block.rows[0] > row:
        return block
    if block.rows[-1] <= row:
        return Block([], {})
    return _rows(block, slice(sum(number <= row for number in block.rows), None))


def head(block: Block, count: int) -> Block:
    """The first rows of a block."""
    return _rows(block, slice(count))


def _rows(block: Block, part: slice) -> Block:
    return Block(
        block.rows[part],
        {
            number: MixedColumn(column.cells[part])
            if isinstance(column, MixedColumn)
            else Column(column.kind, column.raw[part], column.format)
            for number, column in block.columns.items()
        },
    )


class ColumnConverter:
    """Converts the blocks of one sheet column by the rule of its target column."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._plans: Dict[Tuple[Kind, Format], Optional[Plan]] = {}
        self._known: Dict[Tuple[Kind, Format], Dict[bytes, Outcome]] = {}

    def convert(self, column: AnyColumn) -> Converted:
        """One block's part of the column."""
        if isinstance(column, Column):
            return self._uniform(column, lambda index: cell_at(column, index))
        done = Converted([NULL] * len(column.cells), {}, {})
        for indexes in _alike(column.cells):
            self._scatter(column.cells, indexes, done)
        return done

    def _uniform(self, column: Column, cell: Callable[[int], Optional[Cell]]) -> Converted:
        shape = (column.kind, column.format)
        if shape not in self._plans:
            self._plans[shape] = plan_for(column.kind, column.format, self._rule)
        plan = self._plans[shape]
        if plan is None:
            doubtful: Sequence[int] = [i for i, raw in enumerate(column.raw) if raw]
            done = Converted([NULL] * len(column.raw), {}, {})
        else:
            values, doubtful, notes = plan.convert(column.raw)
            done = Converted(list(values) if doubtful else values, {}, notes)
        if doubtful:
            known = self._known.setdefault(shape, {})
            self._one_by_one(column.raw, doubtful, cell, known, done)
        return done

    def _one_by_one(
        self,
        raw: Sequence[bytes],
        indexes: Sequence[int],
        cell: Callable[[int], Optional[Cell]],
        known: Dict[bytes, Outcome],
        done: Converted,
    ) -> None:
        """The scalar way, for the cells that no plan could prove."""
        assert isinstance(done.values, list)
        for index in indexes:
            outcome = known.get(raw[index])
            if outcome is None:
                found = cell(index)
                outcome = convert_cell(found, self._rule) if found else NULL
                if len(known) < _REMEMBERED:
                    known[raw[index]] = outcome
            done.values[index] = value_of(outcome)
            if isinstance(outcome, Rejected):
                done.rejected[index] = outcome
            elif isinstance(outcome, Noted):
                done.notes.setdefault(outcome.note, []).append(index)

    def _scatter(
        self, cells: Sequence[Optional[Cell]], indexes: Sequence[int], done: Converted
    ) -> None:
        """Converts the cells of one kind and format as a column of their own."""
        alike = [cells[index] for index in indexes]
        first = alike[0]
        assert first
        assert isinstance(done.values, list)
        column = Column(first.kind, [_raw(cell) for cell in alike if cell], first.format)
        found = self._uniform(column, alike.__getitem__)
        for index, value in zip(indexes, found.values):
            done.values[index] = value
        done.rejected.update((indexes[i], fault) for i, fault in found.rejected.items())
        for note, places in found.notes.items():
            done.notes.setdefault(note, []).extend(indexes[i] for i in places)


def _alike(cells: Sequence[Optional[Cell]]) -> List[List[int]]:
    """Indexes of the cells that are not blank, by kind and format.

    By identity, which is quicker than equality; two formats that are equal but not one object
    only make two groups.
    """
    groups: Dict[Tuple[int, int], List[int]] = {}
    for index, cell in enumerate(cells):
        if cell is not None:
            groups.setdefault((id(cell.kind), id(cell.format)), []).append(index)
    return list(groups.values())


def _raw(cell: Cell) -> bytes:
    return to_copy(cell.text) if cell.kind is Kind.TEXT else cell.text.encode("utf-8", "replace")
