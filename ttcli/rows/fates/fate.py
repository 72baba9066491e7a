"""What becomes of the rows that cannot simply be written: blank, unmapped, totals, rejected.

Most rows are never looked at here: only where a key or a required value is missing or rejected,
or where a row looks like a heading, a note or a total.
"""

from __future__ import annotations

from typing import (
    AbstractSet,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ttcli.cells import Block, Kind
from ttcli.rows.columns.converter import AnyColumn, Converted, cell_at, holds_something
from ttcli.rows.scalars.rule import NULL, Rejected, Rule
from ttcli.rows.scalars.text import TOTAL, canonical, copy_bytes, is_total


class Target(NamedTuple):
    """A field of rows.tsv in one sheet.

    Attributes:
        position: Its 1-based place in a line.
        source: The sheet's column that fills it; 0 if the sheet has none.
        heading: What stands over that column.
    """

    position: int
    rule: Rule
    source: int = 0
    heading: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether a row without this value is no row."""
        return self.rule.key or self.rule.column.required


class Batch(NamedTuple):
    """A block of rows and its fields, converted; one of `fields` for each of `targets`."""

    block: Block
    targets: Sequence[Target]
    fields: Sequence[Converted]

    def raw(self, target: Target, index: int) -> str:
        """What stands in the sheet."""
        cell = cell_at(self.block.columns.get(target.source), index)
        return cell.text if cell and cell.text.strip() else ""

    def rejected(self, index: int) -> Iterator[Tuple[Target, Rejected]]:
        """The cells of a row that were not taken."""
        for target, field in zip(self.targets, self.fields):
            if index in field.rejected:
                yield target, field.rejected[index]


class Headed(NamedTuple):
    """The columns of a sheet that have a heading and are not mapped, each with its heading.

    Attributes:
        ignored: Those that the mapping says mean nothing.
    """

    unknown: Mapping[int, str]
    ignored: Mapping[int, str]


class Fate(NamedTuple):
    """What becomes of a row.

    Attributes:
        word: `blank`, `unmapped` (something stands in it, but in no mapped column), `totals` or
            `rejected`.
        faults: The cells for which it was rejected.
        column: Of an unmapped row, the first that holds something.
    """

    word: str
    faults: Sequence[Tuple[Target, Rejected]] = ()
    column: int = 0


BLANK, TOTALS = Fate("blank"), Fate("totals")
_KEY_BLANK = Rejected("key-blank", "the key is blank")
_REQUIRED_BLANK = Rejected("required-blank", "blank, and the table needs a value here")
_REPEATED = Rejected("repeated-header", "the header row once more")
_NOTE = Rejected("note", "only the key column is filled, and with words: a note, not a key")


def fates(batch: Batch, totals_rows: AbstractSet[int], headings: Headed) -> Dict[int, Fate]:
    """Index of a row → what becomes of it, for the rows that are not to be written.

    Args:
        totals_rows: Row numbers that the workbook itself declares to be totals.
    """
    found = {}
    suspects = sorted(_suspects(batch, totals_rows))
    unmapped = _unmapped(batch, headings) if suspects else []
    for index in suspects:
        fate = _fate(batch, index, totals_rows, unmapped)
        if fate:
            found[index] = fate
    return found


def _suspects(batch: Batch, totals_rows: AbstractSet[int]) -> Set[int]:
    suspects: Set[int] = set()
    for target, field in zip(batch.targets, batch.fields):
        if target.is_needed:
            suspects.update(field.rejected)
            suspects.update(_indexes(field.values, NULL))
        if target.rule.key:
            suspects.update(_indexes(field.values, copy_bytes(canonical(target.heading))))
            suspects.update(_words(field.values))
    if totals_rows:
        suspects.update(i for i, row in enumerate(batch.block.rows) if row in totals_rows)
    return suspects


def _indexes(values: Sequence[bytes], wanted: bytes) -> List[int]:
    return [i for i, value in enumerate(values) if value == wanted] if wanted in values else []


def _words(values: Sequence[bytes]) -> List[int]:
    """What reads like words: blanks between, or nothing but letters."""
    return [i for i, value in enumerate(values) if value.isalpha() or b" " in value]


def _unmapped(batch: Batch, headings: Headed) -> List[Tuple[int, AnyColumn]]:
    """Those under a heading first: what stands there may be data."""
    left_out = {target.source for target in batch.targets} | headings.ignored.keys()
    columns = batch.block.columns
    order = sorted(columns.keys() - left_out, key=lambda n: (n not in headings.unknown, n))
    return [(number, columns[number]) for number in order]


def _first_filled(columns: Sequence[Tuple[int, AnyColumn]], index: int) -> int:
    """The first of these columns that holds something in a row; 0 if none does."""
    return next((number for number, column in columns if holds_something(column, index)), 0)


def _fate(
    batch: Batch,
    index: int,
    totals_rows: AbstractSet[int],
    unmapped: Sequence[Tuple[int, AnyColumn]],
) -> Optional[Fate]:
    faults = list(batch.rejected(index))
    filled = [t for t, field in zip(batch.targets, batch.fields) if field.values[index] != NULL]
    declared = batch.block.rows[index] in totals_rows
    if not faults and not filled:
        column = 0 if declared else _first_filled(unmapped, index)
        return Fate("unmapped", column=column) if column else BLANK
    if declared or says_total(batch, index, faults):
        return TOTALS
    faults += _blank_faults(batch, index, faults) or _other_faults(batch, index, filled)
    at_fault = any(target.is_needed for target, _ in faults)
    return Fate("rejected", faults) if at_fault else None


def says_total(batch: Batch, index: int, faults: Sequence[Tuple[Target, Rejected]] = ()) -> bool:
    """Whether a row is one of totals.

    The word stands in the key, or in any cell of a row without a key."""
    if any(fault is TOTAL for _, fault in faults):
        return True
    if any(t.rule.key and f.values[index] != NULL for t, f in zip(batch.targets, batch.fields)):
        return False
    cells = (cell_at(column, index) for column in batch.block.columns.values())
    return any(cell and cell.kind is Kind.TEXT and is_total(cell.text.strip()) for cell in cells)


def _blank_faults(
    batch: Batch, index: int, faults: Sequence[Tuple[Target, Rejected]]
) -> List[Tuple[Target, Rejected]]:
    known = {target.position for target, _ in faults}
    return [
        (target, _KEY_BLANK if target.rule.key else _REQUIRED_BLANK)
        for target, field in zip(batch.targets, batch.fields)
        if target.is_needed and field.values[index] == NULL and target.position not in known
    ]


def _other_faults(
    batch: Batch, index: int, filled: Sequence[Target]
) -> List[Tuple[Target, Rejected]]:
    """A key that is the heading again, or a line of words under the table."""
    for target in filled:
        if target.rule.key and batch.raw(target, index).strip() == target.heading.strip():
            return [(target, _REPEATED)]
    lonely = len(filled) == 1 and len(batch.targets) > 1 and filled[0].rule.key
    words = lonely and _words([batch.fields[filled[0].position - 1].values[index]])
    return [(filled[0], _NOTE)] if words else []
