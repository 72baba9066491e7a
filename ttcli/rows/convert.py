"""From a workbook to rows.tsv and rejects.csv, and the report that proves nothing disappeared."""

from __future__ import annotations

import datetime
from typing import Any, BinaryIO, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, TextIO

from ttcli.cells import Workbook, address, from_copy
from ttcli.rows.columns.serials import SerialColumn, taken
from ttcli.rows.fates.duplicates import Dropped, Keys, drop_doubles
from ttcli.rows.fates.fate import Headed, Target
from ttcli.rows.fates.keys import key_reader
from ttcli.rows.fates.lines import content_digest, digest_of, told
from ttcli.rows.fates.rejects import Rejects
from ttcli.rows.halves import Beside, take_all
from ttcli.rows.header.headings import Headings
from ttcli.rows.header.layout import closed_columns, mapping_mistakes, refuse, rule_for, unsupported
from ttcli.rows.header.search import Searched, named, not_taken, refusal, search
from ttcli.rows.mapping import Mapping, Profile
from ttcli.rows.sheet import Output, SheetRows
from ttcli.table import TableColumn, TargetTable

Report = Dict[str, Any]
COUNTS = (
    "read", "written", "rejected", "duplicates", "totals", "blank",
    "repaired", "cells_rejected", "untouched",
)  # fmt: skip


def convert_workbook(
    workbook: Workbook,
    table: TargetTable,
    mapping: Mapping,
    rows_out: BinaryIO,
    rejects_out: TextIO,
    reserved: FrozenSet[str] = frozenset(),
    beside: Optional[Beside] = None,
) -> Report:
    """Converts every sheet that has a header row.

    Args:
        workbook: Each visible sheet's blocks are asked for once, before any of them is read on.
        table: The target table; its columns and types are the schema.
        mapping: Already `for_sender`.
        rows_out: An empty file open for reading and writing ("w+b"): COPY text lines, `lines.py`.
        rejects_out: An empty text file: CSV, `rejects.py`.
        reserved: Columns that ttcli fills itself; no heading is mapped to them.
        beside: Begins a second process, which converts half of a large sheet.

    Returns:
        The report that item.json holds as `rows`. For each sheet and in all
        read = written + rejected + duplicates + totals + blank.

    Raises:
        BadItem: No sheet has a header row with the key (`no-header-row`, `no-key-column`,
            `heading-twice`), or the reader found the workbook damaged.
        ConfigError: The mapping and the table do not fit; every mistake is named.
    """
    searched = search_workbook(workbook, table, mapping, reserved)
    return convert_searched(searched, workbook, table, mapping, rows_out, rejects_out, beside)


def search_workbook(
    workbook: Workbook, table: TargetTable, mapping: Mapping, reserved: FrozenSet[str]
) -> List[Searched]:
    """The first half: every sheet's header row, or why it has none."""
    headings = _headings(table, mapping, reserved)
    return search(workbook, headings, table.key, bool(mapping.profile.hidden_sheets))


class _Asked(NamedTuple):
    """The headings that were asked for last, and for what."""

    table: TargetTable
    profile: Profile
    reserved: FrozenSet[str]
    headings: Headings


_last_asked: List[_Asked] = []


def _headings(table: TargetTable, mapping: Mapping, reserved: FrozenSet[str]) -> Headings:
    """Made once for many workbooks: whoever reads them holds one table and one mapping."""
    for last in _last_asked:
        same = last.table is table and last.profile is mapping.profile
        if same and last.reserved == reserved:
            return last.headings
    refuse(mapping_mistakes(mapping, table, reserved), table)
    headings = Headings(table, mapping, closed_columns(table, mapping, reserved))
    _last_asked[:] = [_Asked(table, mapping.profile, reserved, headings)]
    return headings


def convert_searched(
    searched: Sequence[Searched],
    workbook: Workbook,
    table: TargetTable,
    mapping: Mapping,
    rows_out: BinaryIO,
    rejects_out: TextIO,
    beside: Optional[Beside] = None,
) -> Report:
    """The second half: the rows below the header rows."""
    columns = _columns(searched, table)
    if not columns:
        raise refusal(searched, table.key)
    refuse(unsupported(columns), table)
    names = [column.name for column in columns]
    today = datetime.date.today()
    rules = [rule_for(column, table, mapping, workbook, today) for column in columns]
    serials = [*map(SerialColumn, rules)]
    digest, keys = digest_of(names), Keys()
    output = Output(rows_out, digest, keys, Rejects(rejects_out), serials)
    layouts = [_targets(one, rules) for one in searched]
    # What is read behind a sheet would have to know what the other process has used up.
    last = max(one.number for one in searched if one.header)
    sheets = [
        _convert_sheet(one, targets, output, beside if one.number == last else None)
        for one, targets in zip(searched, layouts)
    ]
    dropped = _drop_doubles(searched, layouts, sheets, output, keys)
    digest = content_digest(rows_out, names) if dropped else digest
    in_days = taken(serials, rules)
    totals = {word: sum(sheet[word] for sheet in sheets) for word in COUNTS}
    kept = {"columns": names, "serials": in_days, "sha256": told(digest, in_days)}
    return {"sheets": sheets, **totals, **kept}


def _columns(searched: Sequence[Searched], table: TargetTable) -> List[TableColumn]:
    """The target columns that any sheet brings, in the table's order."""
    brought = {field for one in searched if one.header for field in one.header.found.fields}
    return [column for column in table.columns if column.name in brought]


def _targets(one: Searched, rules: Sequence[Any]) -> List[Target]:
    """Where a sheet's fields come from; empty for a sheet that is not taken."""
    if one.header is None:
        return []
    source = {field: (n, heading) for n, (heading, field) in one.header.found.columns.items()}
    return [
        Target(position, rule, *source.get(rule.column.name, (0, "")))
        for position, rule in enumerate(rules, 1)
    ]


def _convert_sheet(
    one: Searched, targets: Sequence[Target], output: Output, beside: Optional[Beside]
) -> Report:
    report: Report = named(one)
    if one.header is None:
        assert one.missing
        return {**report, **not_taken(one.missing), **dict.fromkeys(COUNTS, 0)}
    found = one.header.found
    headings = Headed(found.unknown, found.ignored)
    rows = SheetRows(one.number, one.sheet, one.header.last, targets, output, headings)
    take_all(one, rows, beside)
    return {**report, **_described(one), **rows.report()}


def _described(one: Searched) -> Report:
    """What of the header row goes into the report."""
    assert one.header
    found = one.header.found
    headings: Dict[str, str] = {}
    for column, (heading, field) in found.columns.items():
        shown = (
            heading
            if heading not in headings
            else f"{heading} ({address(one.header.last, column)})"
        )
        headings[shown] = field
    return {
        "header_row": one.header.first,
        "header_rows": one.header.last - one.header.first + 1,
        "columns": headings,
        "unknown": list(found.unknown.values()),
        "ignored": list(found.ignored.values()),
    }


def _drop_doubles(
    searched: Sequence[Searched],
    layouts: Sequence[List[Target]],
    sheets: List[Report],
    output: Output,
    keys: Keys,
) -> int:
    """Leaves the last row of each key, and moves the others from `written` to `duplicates`."""
    dropped = 0
    targets = next(targets for targets in layouts if targets)
    for double in drop_doubles(output.rows, keys, key_reader(targets)):
        dropped += 1
        number, row = _place(double.origin)
        sheet = sheets[number - 1]
        sheet["duplicates"] += 1
        sheet["written"] -= 1
        sheet["untouched"] -= b" " in double.origin
        _reject_double(double, row, searched, layouts[number - 1], output.rejects)
    return dropped


def _place(origin: bytes) -> List[int]:
    return [int(part) for part in origin.partition(b" ")[0].split(b":")]


def _reject_double(
    double: Dropped,
    row: int,
    searched: Sequence[Searched],
    targets: Sequence[Target],
    rejects: Rejects,
) -> None:
    number = _place(double.origin)[0]
    kept_sheet, kept_row = _place(double.kept_origin)
    key = [target for target in targets if target.rule.key]
    fields = double.fields.split(b"\t")
    where = (
        f"row {kept_row}"
        if kept_sheet == number
        else (f"row {kept_row} of sheet {searched[kept_sheet - 1].sheet.name!r}")
    )
    verdict = "and the two contradict each other" if double.contradicts else "and says the same"
    rejects.add(
        searched[number - 1].sheet.name,
        address(row, key[0].source),
        ", ".join(target.heading for target in key),
        ", ".join(from_copy(fields[target.position - 1]) for target in key),
        "duplicate-in-file",
        f"the same key stands in {where} again, which counts, {verdict}",
    )
