"""Saved workbooks of several writers: fast equals exact, and exact equals openpyxl."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils.datetime import from_excel

from ttcli.cells import Column, Kind, cells_of
from ttcli.config import Limits
from ttcli.workbook.ooxml.workbook import open_ooxml

FOLDER = Path(__file__).parents[1] / "data" / "workbooks"
SAMPLES = sorted(FOLDER.glob("*.xlsx"))
LARGE = [sample for sample in SAMPLES if "report" in sample.name or "xlsxwriter" in sample.name]


@pytest.fixture(params=SAMPLES, ids=lambda sample: sample.stem)
def workbook(request):
    """Each sample, opened."""
    opened = open_ooxml(request.param, Limits())
    opened.path = request.param
    yield opened
    opened.package.close()


def cells(blocks):
    """Cells by row and column."""
    return {(row, column): cell for block in blocks for row, column, cell in cells_of(block)}


def test_fast_equals_exact_on_samples(workbook):
    """What real writers spell is read alike by both readers."""
    for sheet in workbook.sheets:
        assert cells(sheet.blocks()) == cells(sheet.exact_blocks())


def as_openpyxl(cell, epoch):
    """The value that openpyxl gives for a cell."""
    if cell.kind is Kind.TEXT or cell.kind is Kind.ERROR:
        return cell.text
    if cell.kind is Kind.FORMULA:
        return None
    if cell.kind is Kind.BOOL:
        return cell.text == "1"
    if cell.kind is Kind.NUMBER:
        return float(cell.text)
    return from_excel(float(cell.text), epoch, timedelta=cell.kind is Kind.DURATION)


def test_exact_equals_openpyxl(workbook):
    """An independent reader sees the same values in the same places."""
    theirs = openpyxl.load_workbook(workbook.path, data_only=True)
    for sheet in workbook.sheets:
        other = {
            (cell.row, cell.column): cell.value
            for row in theirs[sheet.name].iter_rows()
            for cell in row
            if cell.value is not None and str(cell.value).strip()
        }
        ours = {
            place: as_openpyxl(cell, theirs.epoch)
            for place, cell in cells(sheet.exact_blocks()).items()
            if cell.kind is not Kind.FORMULA
        }

        assert ours == other
        assert sheet.state.replace("-h", "H") == theirs[sheet.name].sheet_state
    theirs.close()


@pytest.mark.parametrize("sample", LARGE, ids=lambda sample: sample.stem)
def test_the_rows_of_real_writers_go_the_fast_way(sample):
    """Only headings and oddities are left to the exact reader."""
    opened = open_ooxml(sample, Limits())
    rows = {True: 0, False: 0}
    for block in opened.sheets[0].blocks():
        fast = any(isinstance(column, Column) for column in block.columns.values())
        rows[fast] += len(block.rows)
    opened.package.close()

    assert rows[True] >= 35
    assert rows[False] <= 5


def test_totals_rows_of_a_real_table_are_known():
    """XlsxWriter's table ends with a totals row."""
    opened = open_ooxml(FOLDER / "xlsxwriter-shared.xlsx", Limits())
    opened.package.close()

    assert opened.sheets[0].totals_rows == {81}
