"""Looks for the header row of every sheet before anything is written.

All sheets share the columns of one rows.tsv, so these must be known first. A sheet can be read
only once: what was read while looking is kept and comes first when the rows are read.
"""

from __future__ import annotations

from functools import partial
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ttcli.cells import Block, Cell, Kind, MixedColumn, Sheet, Workbook
from ttcli.errors import BadItem
from ttcli.rows.columns.converter import AnyColumn, cell_at
from ttcli.rows.header.headings import Headings
from ttcli.rows.header.row import SEARCHED_ROWS, Header, NoHeader, Row, find_header


class Searched(NamedTuple):
    """A sheet after the search: either its header and its blocks, or why it is not taken.

    Attributes:
        rows: Its first rows, as they were searched.
        seen: The blocks that these are in; `blocks` has those behind them.
    """

    number: int
    sheet: Sheet
    header: Optional[Header] = None
    missing: Optional[NoHeader] = None
    blocks: Iterator[Block] = iter(())
    rows: Sequence[Row] = ()
    seen: Sequence[Block] = ()


def search(
    workbook: Workbook, headings: Headings, key: Sequence[str], hidden: bool
) -> List[Searched]:
    """Every sheet of a workbook, in order; hidden ones are not opened unless asked for."""
    return [
        _search_sheet(number, sheet, headings, key)
        if hidden or sheet.state == "visible"
        else Searched(number, sheet, missing=NoHeader("hidden", f"the sheet is {sheet.state}"))
        for number, sheet in enumerate(workbook.sheets, 1)
    ]


def _search_sheet(number: int, sheet: Sheet, headings: Headings, key: Sequence[str]) -> Searched:
    blocks = sheet.blocks()
    rows, seen = _first_rows(blocks)
    found = find_header(rows, headings, key)
    if isinstance(found, Header):
        return Searched(number, sheet, header=found, blocks=blocks, rows=rows, seen=seen)
    close = getattr(blocks, "close", None)
    if close:
        close()
    return Searched(number, sheet, missing=found, rows=rows)


def _first_rows(blocks: Iterator[Block]) -> Tuple[List[Row], List[Block]]:
    """The first rows that hold anything, one more than are searched, and the blocks they are in."""
    rows: List[Row] = []
    seen: List[Block] = []
    for block in blocks:
        seen.append(block)
        rows += _rows(block, SEARCHED_ROWS + 1 - len(rows))
        if len(rows) > SEARCHED_ROWS:
            break
    return rows, seen


def _rows(block: Block, most: int) -> List[Row]:
    rows: List[Row] = []
    possible = {n: _possible(column) for n, column in block.columns.items()}
    for start in range(0, len(block.rows) if possible else 0, SEARCHED_ROWS + 1):
        part = slice(start, start + SEARCHED_ROWS + 1)
        columns = {n: _kinds(column, part) for n, column in block.columns.items()}
        filled = [any(kinds) for kinds in zip(*columns.values())]
        for index, number in enumerate(block.rows[part]):
            if len(rows) == most:
                return rows
            if filled[index]:
                kinds = partial(_kinds_at, columns, index)
                cells = partial(_cells, block, start + index, kinds)
                rows.append(Row(number, cells, kinds, possible))
    return rows


def _possible(column: AnyColumn) -> Kind:
    return Kind.TEXT if isinstance(column, MixedColumn) else column.kind


def _kinds_at(columns: Dict[int, Sequence[Optional[Kind]]], index: int) -> Dict[int, Kind]:
    pairs = ((n, kinds[index]) for n, kinds in columns.items())
    return {n: kind for n, kind in pairs if kind}


def _kinds(column: AnyColumn, part: slice) -> Sequence[Optional[Kind]]:
    """The kinds of a part of a column; None for what is blank."""
    if isinstance(column, MixedColumn):
        return [cell.kind if cell and cell.text.strip() else None for cell in column.cells[part]]
    return [column.kind if raw else None for raw in column.raw[part]]


def _cells(block: Block, index: int, filled: Callable[[], Iterable[int]]) -> Dict[int, Cell]:
    cells = ((n, cell_at(block.columns[n], index)) for n in filled())
    return {n: cell for n, cell in cells if cell}


_KINDS = ("heading-twice", "no-key-column", "no-header-row")
_MOST_NAMED = 12


def refusal(searched: Sequence[Searched], key: Sequence[str]) -> BadItem:
    """The error for a workbook of which no sheet can be taken, naming each sheet's best row."""
    reasons = [(one.sheet.name, one.missing) for one in searched if one.missing]
    kinds = {missing.kind for _, missing in reasons}
    kind = next((kind for kind in _KINDS if kind in kinds), "no-header-row")
    said = "; ".join(f"sheet {name!r}: {_described(missing)}" for name, missing in reasons)
    hints = {
        "heading-twice": "name the heading that counts under [headings] in mapping.toml",
        "no-key-column": f"add the heading for {', '.join(key)} under [headings] in mapping.toml",
        "no-header-row": "add the headings to mapping.toml; `ttcli inspect` shows what was found",
    }
    what = {
        "heading-twice": "two headings mean the same field",
        "no-key-column": f"no key column ({', '.join(key)})",
        "no-header-row": "no header row",
    }
    message = f"{what[kind]}: {said or 'the workbook has no sheets'}"
    sheets = [{**named(one), **not_taken(one.missing)} for one in searched if one.missing]
    return BadItem(message, hints[kind], kind, {"rows": {"sheets": sheets}})


def named(one: Searched) -> Dict[str, Any]:
    """How a report on a sheet begins."""
    return {"name": one.sheet.name, "state": one.sheet.state, "taken": one.header is not None}


def not_taken(missing: NoHeader) -> Dict[str, Any]:
    """What a report says of a sheet that is not taken."""
    if not missing.row:
        return {"reason": missing.reason}
    known, unknown = list(missing.known), list(missing.unknown)
    return {"reason": missing.reason, "best_row": missing.row, "known": known, "unknown": unknown}


def _described(missing: NoHeader) -> str:
    if not missing.row:
        return missing.reason
    parts = [missing.reason, f"best candidate is row {missing.row}"]
    if missing.unknown:
        shown = ", ".join(repr(heading[:60]) for heading in missing.unknown[:_MOST_NAMED])
        more = len(missing.unknown) - _MOST_NAMED
        parts.append(f"unknown there: {shown}" + (f" and {more} more" if more > 0 else ""))
    return ", ".join(parts)
