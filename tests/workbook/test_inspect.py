"""The stream of cells that readers are compared by."""

from __future__ import annotations

import datetime
import json
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904, to_excel

from ttcli.cells import Block, Cell, Column, Format, Kind, MixedColumn, to_copy
from ttcli.workbook.blocks import ReadSheet, ReadWorkbook
from ttcli.workbook.inspect import cells_json


def lines(*blocks: Block, date_1904: bool = False) -> List[Dict[str, Any]]:
    sheet = ReadSheet("S", "hidden", lambda: iter(blocks))
    return list(cells_json(ReadWorkbook("xlsx", date_1904, [sheet])))


def value(kind: Kind, text: str, date_1904: bool = False) -> Any:
    return lines(Block([1], {1: MixedColumn([Cell(kind, text)])}), date_1904=date_1904)[0]["value"]


def test_order_and_end() -> None:
    """Cells come by sheet, row and column, hidden sheets too, and the last line counts them."""
    block = Block(
        [3, 9],
        {
            2: Column(Kind.NUMBER, [b"1.50", b""], Format()),
            1: MixedColumn([None, Cell(Kind.ERROR, "#N/A")]),
            4: Column(Kind.TEXT, [to_copy("a\tb\\\n"), to_copy("c")], Format()),
        },
    )
    found = lines(block)
    assert found == [
        {"sheet": "S", "row": 3, "column": 2, "type": "number", "value": 1.5},
        {"sheet": "S", "row": 3, "column": 4, "type": "text", "value": "a\tb\\\n"},
        {"sheet": "S", "row": 9, "column": 1, "type": "error", "value": "#N/A"},
        {"sheet": "S", "row": 9, "column": 4, "type": "text", "value": "c"},
        {"end": True, "cells": 4},
    ]


@pytest.mark.parametrize(
    ("kind", "text", "date_1904", "expected"),
    [
        (Kind.TIME, "46024.25", False, ("date", "2026-01-02T06:00:00")),
        (Kind.TIME, "0.25", True, ("time", 21600)),
        (Kind.DATE, "0.25", False, ("time", 21600)),
        (Kind.DATE, "0", False, ("time", 0)),
        (Kind.DATE, "0", True, ("date", "1904-01-01")),
        (Kind.DATE, "1", False, ("date", "1900-01-01")),
    ],
)
def test_the_number_says_whether_there_is_a_day(
    kind: Kind, text: str, date_1904: bool, expected: Any
) -> None:
    """A moment formatted as `hh:mm` keeps its day, as other readers give it; day 0 is none."""
    found = lines(Block([1], {1: MixedColumn([Cell(kind, text)])}), date_1904=date_1904)[0]
    assert (found["type"], found["value"]) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Kind.NUMBER, "123456789.0", "123456789"),
        (Kind.NUMBER, "1.5E3", "1500"),
        (Kind.NUMBER, "0.1", "0.1"),
        (Kind.BOOL, "1", "true"),
        (Kind.DATE, "46024", '"2026-01-02"'),
        (Kind.DATE, "46024.354340277778", '"2026-01-02T08:30:15"'),
        (Kind.DATE, "46024.35434032", '"2026-01-02T08:30:15.004"'),
        (Kind.DATE, "46024.9999999999", '"2026-01-03"'),
        (Kind.DATE, "1", '"1900-01-01"'),
        (Kind.DATE, "59", '"1900-02-28"'),
        (Kind.DATE, "60.5", '"1900-02-29T12:00:00"'),
        (Kind.DATE, "61", '"1900-03-01"'),
        (Kind.DATE, "1e9", "1000000000.0"),
        (Kind.TIME, "0.25", "21600"),
        (Kind.DURATION, "1.75", "151200"),
        (Kind.FORMULA, "1+1", "null"),
    ],
)
def test_values(kind: Kind, text: str, expected: str) -> None:
    """Each kind of cell has its JSON: whole numbers without a point, dates in ISO 8601."""
    assert json.dumps(value(kind, text)) == expected


@given(
    moment=st.datetimes(datetime.datetime(1904, 1, 2), datetime.datetime(9999, 1, 1)),
    date_1904=st.booleans(),
)
def test_dates_are_those_of_an_independent_writer(
    moment: datetime.datetime, date_1904: bool
) -> None:
    """What openpyxl writes for a moment is read as that moment, in either epoch."""
    moment = moment.replace(microsecond=0)
    serial = to_excel(moment, CALENDAR_MAC_1904) if date_1904 else to_excel(moment)
    found = value(Kind.DATE, repr(serial), date_1904)
    assert datetime.datetime.fromisoformat(found) == moment
