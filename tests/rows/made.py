"""Workbooks made in memory, cell by cell."""

from __future__ import annotations

import csv
import datetime
import io
from typing import Any, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence

from ttcli.cells import Block, Cell, Column, Format, Kind, MixedColumn, to_copy
from ttcli.rows.convert import convert_workbook
from ttcli.rows.kinds import convert_cell
from ttcli.rows.layout import form_of
from ttcli.rows.mapping import ColumnSettings, Mapping
from ttcli.rows.rule import Outcome, Rule
from ttcli.table import TableColumn, TargetTable

TODAY = datetime.date(2025, 6, 1)


def text(value: str) -> Cell:
    return Cell(Kind.TEXT, value)


def number(value: str, zeros: int = 0) -> Cell:
    return Cell(Kind.NUMBER, value, Format(zeros, False, "0" * zeros or "General"))


def date(value: str) -> Cell:
    return Cell(Kind.DATE, value, Format(code="yyyy-mm-dd"))


_DECLARED = {"int4": "integer", "varchar": "character varying", "bpchar": "character"}


def column(name: str, type_: str = "text", **more: Any) -> TableColumn:
    """A table column; `numeric(10,2)` and `varchar(5)` may be written as declared."""
    base, _, rest = type_.partition("(")
    length = int(rest[:-1]) if base in ("varchar", "bpchar") and rest else None
    declared = _DECLARED.get(base, base) + ("(" + rest if rest else "")
    return TableColumn(name, base, declared, length, **more)


def rule(type_: str = "text", settings: Optional[Dict[str, Any]] = None, **more: Any) -> Rule:
    """A rule for a column called `field`, or what `name` says."""
    name = more.pop("name", "field")
    target = column(name, type_, labels=more.pop("labels", ()))
    said = ColumnSettings(**(settings or {}))
    form = more.pop("form", None) or form_of(target, said, more.get("key", False))
    return Rule(target, said, more.pop("today", TODAY), form=form, **more)


def converted(cell: Cell, type_: str = "text", **more: Any) -> Outcome:
    """What the scalar truth makes of a cell."""
    return convert_cell(cell, rule(type_, **more))


def word(outcome: Outcome) -> str:
    """The rule by which a cell was rejected."""
    return getattr(outcome, "rule", f"taken: {outcome!r}")


class MadeSheet:
    """A sheet of rows given as {row number: cells from column `left` on}."""

    def __init__(
        self,
        rows: Dict[int, Sequence[Optional[Cell]]],
        name: str = "Sheet1",
        state: str = "visible",
        totals_rows: FrozenSet[int] = frozenset(),
        left: int = 1,
        block: int = 3,
        uniform: bool = True,
    ) -> None:
        self.name, self.state, self.totals_rows = name, state, totals_rows
        self._rows, self._left, self._block, self._uniform = rows, left, block, uniform

    def blocks(self) -> Iterator[Block]:
        numbers = list(self._rows)
        for start in range(0, len(numbers), self._block):
            some = numbers[start : start + self._block]
            width = max(len(self._rows[row]) for row in some)
            columns = {}
            for index in range(width):
                cells = [
                    self._rows[row][index] if index < len(self._rows[row]) else None for row in some
                ]
                if any(cells):
                    columns[self._left + index] = as_column(cells, self._uniform)
            yield Block(some, columns)


def as_column(cells: Sequence[Optional[Cell]], uniform: bool = True) -> Any:
    """The column a reader would make of cells: uniform if they are alike."""
    shapes = {(cell.kind, cell.format) for cell in cells if cell}
    if len(shapes) != 1 or not uniform:
        return MixedColumn(list(cells))
    ((kind, shape),) = shapes
    return Column(kind, [raw(cell) if cell else b"" for cell in cells], shape)


def raw(cell: Cell) -> bytes:
    return to_copy(cell.text) if cell.kind is Kind.TEXT else cell.text.encode()


class MadeWorkbook:
    def __init__(self, *sheets: MadeSheet, kind: str = "xlsx", date_1904: bool = False) -> None:
        self.sheets, self.kind, self.date_1904 = sheets, kind, date_1904


def table(*columns: TableColumn, key: Sequence[str] = ("hawb",)) -> TargetTable:
    return TargetTable("public", "tracking_data", tuple(key), columns)


class Result(NamedTuple):
    """What convert_workbook gave and wrote."""

    report: Dict[str, Any]
    lines: List[List[str]]
    rejects: List[Dict[str, str]]

    @property
    def sheet(self) -> Dict[str, Any]:
        return self.report["sheets"][0]

    @property
    def rules(self) -> List[str]:
        return [reject["rule"] for reject in self.rejects]


def convert(
    target: TargetTable, *sheets: MadeSheet, mapping: Optional[Mapping] = None, **more: Any
) -> Result:
    """Converts a workbook of these sheets."""
    reserved = more.pop("reserved", frozenset())
    rows, rejects = io.BytesIO(), io.StringIO()
    workbook = MadeWorkbook(*sheets, **more)
    said = mapping or Mapping.default()
    report = convert_workbook(workbook, target, said, rows, rejects, reserved)
    lines = [line.split("\t") for line in rows.getvalue().decode().split("\n")[:-1]]
    records = list(csv.DictReader(io.StringIO(rejects.getvalue())))
    return Result(report, lines, records)


def sheet(headings: str, *rows: Sequence[Optional[Cell]], **more: Any) -> MadeSheet:
    """A sheet with one header row in row 1, its headings separated by `|`."""
    header = [text(heading) if heading else None for heading in headings.split("|")]
    return MadeSheet(dict(enumerate([header, *rows], 1)), **more)


TABLE = table(
    column("hawb", "varchar(50)", required=True),
    column("mawb"),
    column("pieces", "int4"),
    column("weight", "numeric(10,2)"),
    column("eta", "timestamp"),
    column("status"),
    column("processed_at", "timestamp"),
)
