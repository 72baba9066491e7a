"""What a reader sees, a cell at a time: `ttcli inspect FILE --cells`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Dict, Iterator, Union

from ttcli.cells import Cell, Kind, Workbook, cells_of

_WRITTEN_OUT = "ISO 8601"  # the format of a moment that is no serial number in the file
_LAST_DAY = date(9999, 12, 31).toordinal()
_EPOCH_1900, _EPOCH_1904 = date(1899, 12, 30).toordinal(), date(1904, 1, 1).toordinal()


def cells_json(workbook: Workbook) -> Iterator[Dict[str, Any]]:
    """Each cell that is not empty, by sheet, row and column; then `{"end": true, "cells": n}`.

    Members: `sheet`, `row` and `column` from 1, `type` (`ttcli.cells.Kind`), and `value`: a text,
    a number, a date in ISO 8601, a time or duration in seconds, true or false, an error as Excel
    shows it, or null for a formula that was never calculated.

    Raises:
        BadItem: A sheet is damaged or over a limit.
    """
    count = 0
    for sheet in workbook.sheets:
        cells = (cell for block in sheet.blocks() for cell in cells_of(block))
        for row, column, cell in cells:
            count += 1
            yield {
                "sheet": sheet.name,
                "row": row,
                "column": column,
                **_shown(cell, workbook.date_1904),
            }
    yield {"end": True, "cells": count}


def _shown(cell: Cell, date_1904: bool) -> Dict[str, Any]:
    """Type and value; whether there is a day in a moment, its number says, not how it is shown.

    A day formatted as `hh:mm` is still that day, and day 0 is none but in a 1904 calendar.
    """
    if cell.kind in (Kind.DATE, Kind.TIME) and cell.format.code != _WRITTEN_OUT:
        serial = float(cell.text)
        is_day_0 = date_1904 and cell.kind is Kind.DATE and serial == 0
        is_time = 0 <= serial < 1 and not is_day_0
        cell = cell._replace(kind=Kind.TIME if is_time else Kind.DATE)
    return {"type": cell.kind.value, "value": _value(cell, date_1904)}


def _value(cell: Cell, date_1904: bool) -> Any:
    if cell.kind is Kind.NUMBER:
        return _number(cell.text)
    if cell.kind is Kind.BOOL:
        return cell.text == "1"
    if cell.kind is Kind.DATE:
        return _iso(float(cell.text), date_1904)
    if cell.kind in (Kind.TIME, Kind.DURATION):
        seconds = float(cell.text) * 86400
        return _number(repr(round(seconds, 3)))
    return None if cell.kind is Kind.FORMULA else cell.text


def _number(text: str) -> Union[int, float]:
    """Whole numbers without a point, so that JSON shows the digits of a key."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _iso(serial: float, date_1904: bool) -> Union[str, float]:
    """A serial number as ISO 8601, without the time at midnight; exact to the millisecond.

    Excel's 1900 has a 29 February (ECMA-376 part 1, 18.17.4.1): serial 60, which ISO 8601 can
    write and Python cannot. A serial that is no date at all is given as it is.
    """
    days, milliseconds = divmod(round(serial * 86_400_000), 86_400_000)
    if not date_1904 and days == 60:
        return "1900-02-29" + _clock(milliseconds)
    epoch = _EPOCH_1904 if date_1904 else _EPOCH_1900 + (0 <= days < 60)
    if not 1 <= epoch + days <= _LAST_DAY:
        return serial
    return date.fromordinal(epoch + days).isoformat() + _clock(milliseconds)


def _clock(milliseconds: int) -> str:
    if not milliseconds:
        return ""
    moment = datetime(2000, 1, 1) + timedelta(milliseconds=milliseconds)
    return moment.strftime("T%H:%M:%S") + (
        f".{milliseconds % 1000:03}" if milliseconds % 1000 else ""
    )
