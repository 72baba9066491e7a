"""A block's columns, of what the spellings of their cells hold."""

from __future__ import annotations

from typing import List, Mapping, NamedTuple, Sequence, TypeVar, Union

from ttcli.cells import Column, MixedColumn, column_cells
from ttcli.workbook.ooxml.shape import Capture

_Value = TypeVar("_Value")


class Variant(NamedTuple):
    """What the cells of one spelling hold in a block; `b""` where another one stands."""

    capture: Capture
    values: Sequence[bytes]
    blanks: Mapping[int, str]


def column_of(variants: List[Variant]) -> Union[Column, MixedColumn]:
    """One column of what its spellings hold, each blank where another one stands."""
    meanings = {(v.capture.meaning.kind, v.capture.meaning.format) for v in variants}
    columns = [_uniform(variant) for variant in variants]
    if len(columns) == 1:
        return columns[0]
    if len(meanings) > 1:
        return MixedColumn(_merged([column_cells(column) for column in columns]))
    kind, shown = meanings.pop()
    blanks = {index: text for column in columns for index, text in column.blanks.items()}
    return Column(kind, _merged([column.raw for column in columns]), shown, blanks)


def _uniform(variant: Variant) -> Column:
    meaning = variant.capture.meaning
    return Column(meaning.kind, variant.values, meaning.format, variant.blanks)


def _merged(sequences: List[Sequence[_Value]]) -> Sequence[_Value]:
    merged = sequences[0]
    for other in sequences[1:]:
        merged = [one or another for one, another in zip(merged, other)]
    return merged


def cell_count(column: Union[Column, MixedColumn]) -> int:
    """How many cells are not empty."""
    if isinstance(column, MixedColumn):
        return len(column.cells) - list(column.cells).count(None)
    return len(column.raw) - column.raw.count(b"") + len(column.blanks)
