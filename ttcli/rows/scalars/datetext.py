"""Dates and times that stand as text: ISO 8601, names of months, else the declared order.

`13-11-2025` decides itself and so does `05/05/2025`; `03/04/2025` without a declared order is
refused, because half the world reads it the other way.
"""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple, Optional, Tuple, Union

from ttcli.patterns import late
from ttcli.rows.scalars.rule import NULL, Outcome, Rejected, Rule

DAY_MS = 86_400_000


class Moment(NamedTuple):
    """A day and a time of day.

    Attributes:
        rest: Milliseconds since midnight.
        offset: The UTC offset, if the text had one.
        ordered: The text was numbers in an order, like 13/11/2025.
    """

    date: datetime.date
    rest: int
    offset: str = ""
    ordered: bool = False


_TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?\s*(?P<half>[aApP]\.?[mM]\.?)?"
)
_OFFSET = r"\s*(?P<offset>Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_AFTER = rf"(?:(?:[T ]|, )\s*{_TIME}{_OFFSET})?"
_YEAR_FIRST = late(rf"(?P<y>[0-9]{{4}})([-/.])(?P<m>[0-9]{{1,2}})\2(?P<d>[0-9]{{1,2}}){_AFTER}")
_BASIC = late(rf"(?P<y>[0-9]{{4}})(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}}){_AFTER}")
_DAY_MONTH = late(
    rf"(?P<d>[0-9]{{1,2}})[- /.]?(?P<m>[A-Za-z]{{3,9}})\.?[- /.,]*"
    rf"(?P<y>[0-9]{{4}}|[0-9]{{2}}){_AFTER}"
)
_MONTH_DAY = late(
    rf"(?P<m>[A-Za-z]{{3,9}})\.?[- ](?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<y>[0-9]{{4}}){_AFTER}"
)
_NUMBERS = late(
    rf"(?P<a>[0-9]{{1,2}})([-/.])(?P<b>[0-9]{{1,2}})\2(?P<c>[0-9]{{4}}|[0-9]{{2}}){_AFTER}"
)
_CLOCK = late(_TIME)
_LONG = "january february march april may june july august september october november december"
_MONTHS = {name: number for number, name in enumerate(_LONG.split(), 1)}
_MONTHS.update({name[:3]: number for name, number in _MONTHS.items()}, sept=9)


def moment(text: str, rule: Rule) -> Union[Moment, Rejected, None]:
    """The date a text says; None for a text of blanks."""
    text = " ".join(text.split())
    if not text:
        return None
    for pattern in (_YEAR_FIRST, _BASIC, _DAY_MONTH, _MONTH_DAY):
        match = pattern.fullmatch(text)
        if match:
            return _named(match, rule)
    match = _NUMBERS.fullmatch(text)
    found = _ordered(match, rule) if match else _no_date(text)
    return found._replace(ordered=True) if isinstance(found, Moment) else found


def _no_date(text: str) -> Rejected:
    return Rejected("date-text", f"{text[:40]!r} is no date: write it as 2025-11-13")


def _named(match: re.Match[str], rule: Rule) -> Union[Moment, Rejected]:
    """A date whose parts say which is which."""
    month = match["m"]
    number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
    return _moment(match, (match["y"], number, int(match["d"])), rule)


def _ordered(match: re.Match[str], rule: Rule) -> Union[Moment, Rejected]:
    """`a/b/c` by the declared order, else only if there is one way to read it."""
    a, b, c = match["a"], match["b"], match["c"]
    order = rule.settings.date_order
    if order == "ymd" and len(c) == 2:
        return _moment(match, (a.zfill(2), int(b), int(c)), rule)
    if order in ("dmy", "mdy"):
        month, day = (int(b), int(a)) if order == "dmy" else (int(a), int(b))
        return _moment(match, (c, month, day), rule)
    readings = {
        (month, day) for month, day in ((int(a), int(b)), (int(b), int(a))) if 1 <= month <= 12
    }
    if len(c) == 4 and len(readings) == 1:
        return _moment(match, (c, *readings.pop()), rule)
    return Rejected(
        "date-ambiguous",
        f"{match[0][:40]!r} can be read in two ways: set `date_order` for the column or the sender,"
        " or write it year first, like 2025-11-13",
    )


def _moment(
    match: re.Match[str], parts: Tuple[str, int, int], rule: Rule
) -> Union[Moment, Rejected]:
    year, month, day = parts
    rest = _milliseconds(match) if match["hour"] else 0
    try:
        date = datetime.date(_year(year, rule), month, day)
    except ValueError:
        return _no_date(match[0])
    return _no_date(match[0]) if rest is None else Moment(date, rest, _offset(match["offset"]))


def _year(text: str, rule: Rule) -> int:
    """Two digits mean a year from 1990 to five years ahead; anything else is an error."""
    if len(text) == 4:
        return int(text)
    year = 2000 + int(text)
    if year > rule.today.year + 5:
        year -= 100
    if year < 1990:
        raise ValueError(text)
    return year


def _offset(text: Optional[str]) -> str:
    return "" if not text else "+00" if text[0] not in "+-" else text


def _milliseconds(match: re.Match[str]) -> Optional[int]:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    thousandths = round(float("0." + (match["part"] or "0")) * 1000)
    return ((hour * 60 + minute) * 60 + second) * 1000 + min(thousandths, 999)


def time_of_day(text: str) -> Union[int, Rejected, None]:
    """Milliseconds since midnight; None for a text of blanks."""
    text = " ".join(text.split())
    match = _CLOCK.fullmatch(text)
    found = _milliseconds(match) if match else None
    if found is None and text:
        return Rejected("time-text", f"{text[:40]!r} is no time of day: write it as 13:45")
    return found


_HOURS = late(r"(-?[0-9]{1,6}):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,6})?))?")
_ISO_DURATION = late(
    r"P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+S)?)?"
)


def to_interval(text: str) -> Outcome:
    """A duration as `26:30`, `26:30:15` or ISO 8601 (`P1DT2H30M`)."""
    text = " ".join(text.split())
    if not text:
        return NULL
    match = _HOURS.fullmatch(text)
    if match:
        return f"{match[1]}:{match[2]}:{match[3] or '00'}".encode()
    if len(text) < 60 and _ISO_DURATION.fullmatch(text):
        return text.encode()
    return Rejected(
        "duration-text", f"{text[:40]!r} is no duration: write it as 26:30 (hours:minutes)"
    )
