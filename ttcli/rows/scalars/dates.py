"""Dates and times from serial numbers; texts are read by `datetext.py`.

A serial counts days from the workbook's epoch, its fraction the time of day. The 1900 system
holds 29 February 1900, which never was (Lotus 1-2-3's error, kept by Excel), as day 60, so days
before it are one off. A serial is rounded to milliseconds before anything else: a double has
about a microsecond to spare there, and arithmetic in a sheet leaves less.
"""

from __future__ import annotations

import datetime
import re
from typing import Optional, Union

from ttcli.cells import Cell, Kind
from ttcli.rows.scalars import datetext
from ttcli.rows.scalars.datetext import DAY_MS, Moment
from ttcli.rows.scalars.rule import NULL, Noted, Outcome, Rejected, Rule, wrong_kind

BASE = datetime.date(1899, 12, 30)
BASE_1904 = datetime.date(1904, 1, 1)
HOLE = 60
EARLIEST = datetime.date(1990, 1, 1)
LEEWAY_YEARS = 5

_SERIAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def milliseconds(text: str) -> Optional[int]:
    """A serial number in milliseconds since the epoch; None if it is no number or absurd."""
    value = float(text) if _SERIAL.fullmatch(text) else float("inf")
    return round(value * DAY_MS) if abs(value) < 1e7 else None


def first_day(rule: Rule) -> int:
    """The first serial day whose date needs no correction."""
    return 1 if rule.date_1904 else HOLE + 1


def day(serial: int, date_1904: bool) -> Optional[datetime.date]:
    """The date of a whole serial; None for the hole and for days beyond the year 9999."""
    if not date_1904 and serial <= HOLE:
        serial = serial + 1 if serial < HOLE else -1
    try:
        return (
            (BASE_1904 if date_1904 else BASE) + datetime.timedelta(serial) if serial >= 0 else None
        )
    except OverflowError:
        return None


def latest(rule: Rule) -> datetime.date:
    """The last day that a bare number may mean."""
    year = min(rule.today.year + LEEWAY_YEARS, 9999)
    return rule.today.replace(year=year, day=min(rule.today.day, 28))


def moment(cell: Cell, rule: Rule) -> Union[Moment, Rejected, None]:
    """The date and time of day of a cell; None for a text of blanks."""
    if cell.kind is Kind.TEXT:
        return datetext.moment(cell.text, rule)
    if cell.kind not in (Kind.DATE, Kind.TIME, Kind.NUMBER):
        return wrong_kind(cell, rule)
    found = _from_serial(cell, rule)
    if cell.kind is Kind.TIME:
        # The format shows hours only; whether there is a day, the number says.
        is_day = isinstance(found, Moment) and _plausible(found.date, rule)
        return found if is_day else _no_day(cell.text)
    if cell.kind is Kind.NUMBER and isinstance(found, Moment) and not _plausible(found.date, rule):
        return _no_date(cell.text)
    return (
        _no_date(cell.text) if cell.kind is Kind.NUMBER and isinstance(found, Rejected) else found
    )


def _from_serial(cell: Cell, rule: Rule) -> Union[Moment, Rejected]:
    total = milliseconds(cell.text)
    if total is None or total < 0:
        return Rejected("date-range", f"{cell.text[:40]} is no day of Excel's calendar")
    serial, rest = divmod(total, DAY_MS)
    if serial == 0 and (rest or not rule.date_1904):
        return _no_day(cell.text)
    date = day(serial, rule.date_1904)
    if date is None:
        what = "29 February 1900, which never was" if serial == HOLE else "beyond the year 9999"
        return Rejected("date-range", f"{cell.text[:40]} is {what}")
    return Moment(date, rest)


def _no_day(text: str) -> Rejected:
    return Rejected("time-without-date", f"{text[:40]} is a time of day without a date")


def _plausible(date: datetime.date, rule: Rule) -> bool:
    return EARLIEST <= date <= latest(rule)


def _no_date(text: str) -> Rejected:
    return Rejected(
        "date-implausible",
        f"{text[:40]} is a number, and as a date not between 1990 and {LEEWAY_YEARS} years"
        " from now: format the column as a date",
    )


def clock(rest: int) -> str:
    """Milliseconds as `HH:MM:SS`, with `.mmm` only where there are any; hours may exceed 24."""
    seconds, thousandths = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    return f"{text}.{thousandths:03d}" if thousandths else text


def to_date(cell: Cell, rule: Rule) -> Outcome:
    """date: the day; a time of day beside it is not kept, as in the server's own cast."""
    found = moment(cell, rule)
    if found is None:
        return NULL
    if isinstance(found, Rejected):
        return found
    return _noted(found.date.isoformat().encode(), found, rule)


def to_timestamp(cell: Cell, rule: Rule) -> Outcome:
    """timestamp and timestamptz: local time as the workbook says it, with the declared zone."""
    found = moment(cell, rule)
    if found is None:
        return NULL
    if isinstance(found, Rejected):
        return found
    zoned = rule.column.type == "timestamptz"
    if found.offset and not zoned and rule.settings.offset != "drop":
        return Rejected(
            "date-offset",
            f"the time has the offset {found.offset} and the column no time zone:"
            ' make it timestamptz, or set offset = "drop" for the column',
        )
    zone = (found.offset or zone_suffix(rule)) if zoned else ""
    return _noted(f"{found.date.isoformat()} {clock(found.rest)}{zone}".encode(), found, rule)


def _noted(field: bytes, found: Moment, rule: Rule) -> Outcome:
    """Where some dates of a workbook are texts like 13/11/2025, Excel has mostly read the others
    in its own order, day and month swapped: worth a look, though nothing proves it."""
    return Noted(field, "date-as-text") if found.ordered and not rule.plain_text else field


def zone_suffix(rule: Rule) -> str:
    """The declared time zone as it follows a local time in a timestamptz field."""
    zoned = rule.column.type == "timestamptz" and rule.settings.zone
    return f" {rule.settings.zone}" if zoned else ""


def to_time(cell: Cell, rule: Rule) -> Outcome:
    """time: a time of day; a date beside it makes it doubtful and is refused."""
    if cell.kind is Kind.TEXT:
        found = datetext.time_of_day(cell.text)
        return (
            NULL
            if found is None
            else found
            if isinstance(found, Rejected)
            else clock(found).encode()
        )
    total = (
        milliseconds(cell.text) if cell.kind in (Kind.TIME, Kind.DURATION, Kind.NUMBER) else None
    )
    if total is None or not 0 <= total < DAY_MS:
        return wrong_kind(cell, rule)
    return clock(total).encode()


def to_interval(cell: Cell, rule: Rule) -> Outcome:
    """interval: a duration, or a time of day read as one."""
    if cell.kind is Kind.TEXT:
        return datetext.to_interval(cell.text)
    total = milliseconds(cell.text) if cell.kind in (Kind.TIME, Kind.DURATION) else None
    if total is None:
        return wrong_kind(cell, rule)
    return (("-" if total < 0 else "") + clock(abs(total))).encode()


def as_text(cell: Cell, rule: Rule) -> Union[str, Rejected]:
    """A date, time or duration in a text column: ISO 8601, a date without time if it has none."""
    total = milliseconds(cell.text)
    if total is None:
        return Rejected("date-range", f"{cell.text[:40]} is no day of Excel's calendar")
    if cell.kind is Kind.DURATION:
        return ("-" if total < 0 else "") + clock(abs(total))
    if cell.kind is Kind.TIME or (cell.kind is Kind.DATE and 0 < total < DAY_MS):
        return clock(total % DAY_MS)
    found = _from_serial(cell, rule)
    if isinstance(found, Rejected):
        return found
    return found.date.isoformat() + (f" {clock(found.rest)}" if found.rest else "")
