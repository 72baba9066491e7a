"""What ttcli makes of a workbook, explained: for `ttcli inspect` and for a first mapping.toml."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Sequence

from ttcli.cells import Block, Sheet, Workbook, address
from ttcli.rows.columns.converter import head
from ttcli.rows.convert import COUNTS, convert_searched, search_workbook
from ttcli.rows.fates import find
from ttcli.rows.header.headings import Headings
from ttcli.rows.header.layout import closed_columns
from ttcli.rows.header.row import Header, candidates
from ttcli.rows.header.search import Searched, named, not_taken, refusal
from ttcli.rows.header.synonyms import TYPE_OF
from ttcli.rows.mapping import Mapping
from ttcli.table import TableColumn, TargetTable

_DECLARED = {"int4": "integer", "timestamp": "timestamp without time zone"}
_MOST_RIVALS = 3


def known_fields(mapping: Mapping) -> TargetTable:
    """A table of the fields everybody has and those mapping.toml names, where none is known yet."""
    named_there = [*mapping.profile.headings, *mapping.profile.columns]
    types = {**dict.fromkeys(named_there, "text"), **TYPE_OF}
    columns = [
        TableColumn(name, type_, _DECLARED.get(type_, type_), required=name == "hawb")
        for name, type_ in types.items()
    ]
    return TargetTable("", "", ("hawb",), tuple(columns))


def sample(
    workbook: Workbook,
    table: Optional[TargetTable] = None,
    mapping: Optional[Mapping] = None,
    reserved: FrozenSet[str] = frozenset(),
    rows: int = 10_000,
    shown: int = 10,
) -> Dict[str, Any]:
    """Explains how a workbook is understood, and converts its first rows.

    Args:
        table: The target table; without one, `known_fields`.
        mapping: Already `for_sender`.
        reserved: Columns that ttcli fills itself.
        rows: How many rows of each sheet are converted.
        shown: How many converted rows and rejects are shown.

    Returns:
        JSON-able: `table` (its name or null), `sheets` (as in item.json's `rows`, and for each
        sheet taken `why`, `headings` with the cell, field and type of each, and `rivals`: other
        rows with known headings), the counts of the rows converted, `more` if there were more
        rows, `columns`, `rows` (`sheet`, `row` and `fields`, which are texts or null),
        `rejects`; and instead of all but the sheets `refused`, `kind` and `hint` if no sheet
        can be taken.

    Raises:
        BadItem: A sheet is damaged or over a limit.
        ConfigError: Mapping and table do not fit.
    """
    mapping = mapping or Mapping.default()
    target = table or known_fields(mapping)
    first = FirstRows(workbook, rows)
    searched = search_workbook(first, target, mapping, reserved)
    headings = Headings(target, mapping, closed_columns(target, mapping, reserved))
    explained = [_explained(one, target, headings) for one in searched]
    report = {"table": f"{table.schema}.{table.name}" if table else None, "sheets": explained}
    if not any(one.header for one in searched):
        error = refusal(searched, target.key)
        return {**report, "refused": error.message, "kind": error.kind, "hint": error.hint}
    rows_out, rejects_out = io.BytesIO(), io.StringIO()
    found = convert_searched(searched, first, target, mapping, rows_out, rejects_out)
    rejects_out.seek(0)
    return {
        **report,
        "sheets": [{**counted, **said} for said, counted in zip(explained, found["sheets"])],
        **{word: found[word] for word in COUNTS},
        "more": first.more,
        "columns": found["columns"],
        "rows": _shown(rows_out, found, searched, shown),
        "rejects": list(islice(csv.DictReader(rejects_out), shown)),
    }


def _explained(one: Searched, table: TargetTable, headings: Headings) -> Dict[str, Any]:
    """How a sheet's header row was found, and what each heading means."""
    if one.header is None:
        assert one.missing
        return {**named(one), **not_taken(one.missing)}
    found = one.header.found
    described = []
    for column, (heading, field) in sorted(found.columns.items()):
        target = table.column(field)
        cell = address(one.header.last, column)
        declared = target.declared if target else ""
        described.append({"cell": cell, "heading": heading, "field": field, "type": declared})
    single = [c for c in candidates(one.rows, headings, table.key) if c.first == c.last]
    rivals = sorted(
        (
            c
            for c in single
            if c.found.columns and not one.header.first <= c.first <= one.header.last
        ),
        key=lambda c: len(c.found.fields),
        reverse=True,
    )
    return {
        **named(one),
        "why": _why(one.header, rivals, table.key),
        "headings": described,
        "rivals": [
            {"row": rival.first, "known": [heading for heading, _ in rival.found.columns.values()]}
            for rival in rivals[:_MOST_RIVALS]
        ],
    }


def _why(header: Header, rivals: Sequence[Header], key: Sequence[str]) -> str:
    known = len(header.found.fields)
    rows = "rows" if header.first != header.last else "row"
    said = f"{rows} {header.shown}: {known} known headings, {', '.join(key)} among them"
    if not rivals:
        return f"{said}; no other row has any"
    return f"{said}; row {rivals[0].shown} has {len(rivals[0].found.fields)}"


def _shown(
    rows_out: io.BytesIO, found: Dict[str, Any], searched: Sequence[Searched], most: int
) -> List[Dict[str, Any]]:
    """The first rows as objects, what is left untouched left out."""
    shown = []
    for line in rows_out.getvalue().split(b"\n", most)[:most]:
        if not line:
            break
        *fields, origin = line.split(b"\t")
        place, _, untouched = origin.partition(b" ")
        number, row = map(int, place.split(b":"))
        left = set(map(int, untouched.split(b","))) if untouched else set()
        texts = find.named([*fields, origin], found) or {}
        values = {name: text for n, (name, text) in enumerate(texts.items(), 1) if n not in left}
        shown.append({"sheet": searched[number - 1].sheet.name, "row": row, "fields": values})
    return shown


class FirstRows:
    """A workbook whose sheets end after so many rows."""

    def __init__(self, workbook: Workbook, rows: int) -> None:
        self.kind, self.date_1904 = workbook.kind, workbook.date_1904
        self.sheets: Sequence[_FirstRowsOfSheet] = [
            _FirstRowsOfSheet(sheet, rows) for sheet in workbook.sheets
        ]

    @property
    def more(self) -> bool:
        """Whether any sheet had more rows."""
        return any(sheet.more for sheet in self.sheets)


class _FirstRowsOfSheet:
    def __init__(self, sheet: Sheet, rows: int) -> None:
        self.name, self.state, self.totals_rows = sheet.name, sheet.state, sheet.totals_rows
        self.more = False
        self._sheet = sheet
        self._left = rows

    def blocks(self) -> Iterator[Block]:
        """See ttcli.cells.Sheet."""
        for block in self._sheet.blocks():
            self.more = len(block.rows) > self._left
            yield head(block, self._left) if self.more else block
            self._left -= len(block.rows)
            if self.more:
                return
