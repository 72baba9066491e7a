"""Texts of blanks only: they stand in the file, so `--cells` shows them; a row has NULL there."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Callable, Dict, List

import openpyxl
import pytest
import xlsxwriter
import xlwt

from tests.rows.made import column
from tests.workbook import xlsb_writer
from tests.workbook.reading import cells, close
from ttcli.cells import cells_of
from ttcli.config import Limits
from ttcli.rows.convert import convert_workbook
from ttcli.rows.mapping_file import load_mapping
from ttcli.table import TargetTable
from ttcli.workbook.open import open_workbook

BLANKS = [" ", "\u00a0 ", "\u3000", "  "]
TABLE: List[List[Any]] = [
    ["HAWB", "Status", "Remarks", "MAWB"],
    *([f"H{n}", BLANKS[n % 4], "x" if n % 2 else None, 5 if n % 3 else " "] for n in range(60)),
    [" ", "  ", None, None],
]


def as_openpyxl(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in TABLE:
        book.active.append(row)
    book.save(path)


def as_inline(path: Path) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(TABLE):
            sheet.write_row(number, 0, row)


def as_xls(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    for number, row in enumerate(TABLE):
        for place, value in enumerate(row):
            if value is not None:
                sheet.write(number, place, value)
    book.save(str(path))


def as_xlsb(path: Path) -> None:
    rows = b""
    for number, row in enumerate(TABLE):
        written = b""
        for place, value in enumerate(row):
            if isinstance(value, str):
                written += xlsb_writer.inline(place, value)
            elif value is not None:
                written += xlsb_writer.rk(place, value)
        rows += xlsb_writer.row(number, written)
    path.write_bytes(xlsb_writer.xlsb([("S", 0, rows)], [], []))


def as_csv(path: Path) -> None:
    lines = (";".join("" if value is None else str(value) for value in row) for row in TABLE)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def expected(first_type: Callable[[Any], Any]) -> Dict[Any, Any]:
    return {
        (row, place): first_type(value)
        for row, line in enumerate(TABLE, 1)
        for place, value in enumerate(line, 1)
        if value is not None
    }


@pytest.mark.parametrize("write", [as_openpyxl, as_inline, as_xls, as_xlsb, as_csv])
def test_blanks_are_shown_and_loaded_as_null(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """Whatever the format, blanks are cells of their text; in rows.tsv they are NULL."""
    path = tmp_path / "payload"
    write(path)
    shown = str if write is as_csv else (lambda value: value)
    found = {place[1:]: value for place, (_, value) in cells(path).items()}
    assert found == expected(shown)

    target = TargetTable("public", "t", ("hawb",), tuple(map(column, ("hawb", "status"))))
    out = io.BytesIO()
    workbook = open_workbook(path, Limits())
    report = convert_workbook(workbook, target, load_mapping(""), out, io.StringIO())
    close(workbook)

    assert (report["written"], report["rejected"]) == (60, 0)
    assert {line.split(b"\t")[1] for line in out.getvalue().splitlines()} == {b"\\N"}


@pytest.mark.parametrize("exact", [True, False])
def test_blanks_beyond_the_limits_are_nobodys_loss(tmp_path: Path, exact: bool) -> None:
    """A stray blank far to the right refuses no workbook; it is left out."""
    path = tmp_path / "payload"
    book = openpyxl.Workbook()
    for row in range(1, 9):
        book.active.cell(row, 1, "a")
        book.active.cell(row, 9, "  ")
    book.save(path)
    workbook = open_workbook(path, Limits(columns=5))
    sheet: Any = workbook.sheets[0]
    blocks = sheet.exact_blocks() if exact else sheet.blocks()
    assert {place for block in blocks for _, place, _ in cells_of(block)} == {1}
    close(workbook)


def test_blanks_beyond_the_limits_in_other_formats(tmp_path: Path) -> None:
    """The same, where rows come cell by cell."""
    path = tmp_path / "payload"
    path.write_text("a;b; \nc;d; \n")
    workbook = open_workbook(path, Limits(columns=2))
    assert sum(len(list(cells_of(block))) for block in workbook.sheets[0].blocks()) == 4
