"""Whole columns at once, for the same result as `kinds.convert_cell` gives cell by cell."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence, Union

from ttcli.cells import Cell, Column, Kind, MixedColumn
from ttcli.rows.kinds import convert_cell, value_of
from ttcli.rows.rule import NULL, Noted, Rejected, Rule
from ttcli.rows.text import copy_text

AnyColumn = Union[Column, MixedColumn]


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
    if isinstance(column, MixedColumn):
        return column.cells[index]
    raw = column.raw[index]
    if not raw:
        return None
    text = copy_text(raw) if column.kind is Kind.TEXT else raw.decode("utf-8", "replace")
    return Cell(column.kind, text, column.format)


def part(column: AnyColumn, start: int) -> AnyColumn:
    """A column from a row on."""
    if isinstance(column, MixedColumn):
        return MixedColumn(column.cells[start:])
    return Column(column.kind, column.raw[start:], column.format)


def convert_column(column: AnyColumn, rule: Rule) -> Converted:
    """Converts a column of a block by the rule of its target column."""
    length = len(column.cells if isinstance(column, MixedColumn) else column.raw)
    done = Converted([NULL] * length, {}, {})
    _convert_cells(column, range(length), rule, done)
    return done


def _convert_cells(column: AnyColumn, indexes: Sequence[int], rule: Rule, done: Converted) -> None:
    """The scalar way, for the cells named."""
    values = done.values
    assert isinstance(values, list)
    for index in indexes:
        cell = cell_at(column, index)
        if cell is None:
            continue
        outcome = convert_cell(cell, rule)
        values[index] = value_of(outcome)
        if isinstance(outcome, Rejected):
            done.rejected[index] = outcome
        elif isinstance(outcome, Noted):
            done.notes.setdefault(outcome.note, []).append(index)
