"""The sender's own rows with their bad cells coloured and a reason beside them, to mail back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ttcli.cells import Cell, Sheet, cells_of
from ttcli.config import Limits
from ttcli.spool.item import Item
from ttcli.spool.rejects import records
from ttcli.workbook.limited import child

Reasons = Dict[int, Dict[str, str]]
"""Row number → column letters, or nothing for the whole row → reason."""

_ADDRESS = re.compile(r"([A-Z]*)(\d+)")


def write(item: Item, out: Path, limits: Limits, passwords: Sequence[str]) -> int:
    """Writes an .xlsx with a sheet for each sheet that has rejects; returns how many rows.

    Raises:
        BadItem: The payload cannot be read (again); or the item has no rejects.
        OSError: The file cannot be written.
    """
    writing = child.start(_write, item.payload, item.rejects, _headers(item), out, limits,
                          list(passwords), limits=limits)  # fmt: skip
    return int(writing.result())


def _headers(item: Item) -> Dict[str, int]:
    """Sheet name → number of its header row."""
    sheets = (item.record.get("rows") or {}).get("sheets", [])
    return {sheet["name"]: int(sheet.get("header_row") or 0) for sheet in sheets}


def _write(
    payload: Path,
    rejects: Path,
    headers: Dict[str, int],
    out: Path,
    limits: Limits,
    passwords: Sequence[str],
) -> int:
    """In the child."""
    import openpyxl

    from ttcli.workbook.open import open_workbook

    reasons = _reasons(rejects)
    book = openpyxl.Workbook(write_only=True)
    count = 0
    for sheet in open_workbook(payload, limits, passwords).sheets:
        if reasons.get(sheet.name):
            target = book.create_sheet(sheet.name)
            count += _write_sheet(target, sheet, headers.get(sheet.name, 0), reasons[sheet.name])
    if not count:
        book.create_sheet("nothing rejected")
    book.save(out)
    return count


def _reasons(rejects: Path) -> Dict[str, Reasons]:
    found: Dict[str, Reasons] = {}
    for reject in records(rejects):
        match = _ADDRESS.match(reject["cell"])
        if match:
            row = found.setdefault(reject["sheet"], {}).setdefault(int(match[2]), {})
            row[match[1]] = reject["reason"]
    return found


def _write_sheet(target: Any, sheet: Sheet, header: int, reasons: Reasons) -> int:
    """The header row, then the rejected rows in their order; returns how many."""
    count = 0
    for number, cells in _rows(sheet):
        if number == header:
            target.append(_row(target, cells, {}, ["Row", "Why it was not accepted"]))
        elif number in reasons:
            why = "; ".join(dict.fromkeys(reasons[number].values()))
            target.append(_row(target, cells, reasons[number], [number, why]))
            count += 1
    return count


def _rows(sheet: Sheet) -> Iterator[Tuple[int, Dict[int, Cell]]]:
    """Row number and its cells, by row."""
    for block in sheet.blocks():
        rows: Dict[int, Dict[int, Cell]] = {}
        for row, column, cell in cells_of(block):
            rows.setdefault(row, {})[column] = cell
        yield from sorted(rows.items())


def _row(
    target: Any, cells: Dict[int, Cell], bad: Dict[str, str], last: Sequence[Any]
) -> List[Any]:
    """The reasons come first: a sheet may be wide."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import PatternFill

    from ttcli.cells import column_letters

    red = PatternFill("solid", start_color="FFFFC7CE")
    row: List[Any] = list(last)
    for column in range(1, max(cells, default=0) + 1):
        shown = WriteOnlyCell(target, cells[column].text if column in cells else None)
        if shown.value is not None:
            # What the sender wrote is text here, never a formula of ours to be run (`=HYPERLINK`).
            shown.data_type = "s"
        if column_letters(column) in bad:
            shown.fill = red
        row.append(shown)
    return row
