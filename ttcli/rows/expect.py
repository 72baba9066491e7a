"""What a sender is expected to send: `expect`, `expect_rows`, `expect_zone` of [[sender]].

expect = "daily by 18:00"              one report a day
expect = "weekdays by 08:00, 14:00"    two, Monday to Friday
expect = "mon, thu by 9:30"            on these days
expect_rows = "-80%..+300%"            of what is usual: the median of the sender's last loads
expect_zone = "Asia/Ho_Chi_Minh"       whose clock; without it this machine's
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ttcli.patterns import late

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SETS = {"daily": tuple(range(7)), "weekdays": tuple(range(5))}
_TIME = late(r"([01]?\d|2[0-3]):([0-5]\d)\Z")
_RANGE = late(r"[-−](\d{1,3})\s*%\s*(?:\.\.|…)\s*\+(\d{1,5})\s*%\Z")
_LEAST_LOADS = 3  # fewer say nothing of what is usual


class Schedule(NamedTuple):
    """When reports are due.

    Attributes:
        text: As it was written.
        days: 0 is Monday.
        times: By when, each of these days, earliest first.
    """

    text: str
    days: Tuple[int, ...]
    times: Tuple[time, ...]


class Rows(NamedTuple):
    """How many rows a report may have, as parts of what is usual: 0.2 to 4.0."""

    text: str
    least: float
    most: float


class Expected(NamedTuple):
    """What is expected of one sender; None where nothing is said."""

    schedule: Optional[Schedule] = None
    rows: Optional[Rows] = None
    zone: Optional[str] = None


def read_schedule(written: str) -> Schedule:
    """The value of `expect`; ValueError says what is allowed."""
    days, by, times = written.strip().lower().partition(" by ")
    if not by:
        raise ValueError('expected days and times: "daily by 18:00", "mon, thu by 8:00, 14:00"')
    return Schedule(written.strip(), _read_days(days), _read_times(times))


def _read_days(written: str) -> Tuple[int, ...]:
    if written.strip() in _SETS:
        return _SETS[written.strip()]
    words = [word.strip() for word in written.split(",")]
    wrong = [word for word in words if word not in _DAYS + _FULL]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no day: daily, weekdays, or {', '.join(_DAYS)}")
    return tuple(sorted({_DAYS.index(word[:3]) for word in words}))


def _read_times(written: str) -> Tuple[time, ...]:
    found = [(word.strip(), _TIME.match(word.strip())) for word in written.split(",")]
    wrong = [word for word, match in found if not match]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no time of the day such as 18:00")
    return tuple(sorted({time(int(match[1]), int(match[2])) for _, match in found if match}))


def read_rows(written: str) -> Rows:
    """The value of `expect_rows`; ValueError says what is allowed."""
    match = _RANGE.match(written.strip())
    if not match or int(match[1]) > 100:
        raise ValueError('expected a range around what is usual, such as "-80%..+300%"')
    return Rows(written.strip(), 1 - int(match[1]) / 100, 1 + int(match[2]) / 100)


def zone_of(name: Optional[str]) -> Optional[tzinfo]:
    """The time zone of that name; None means this machine's."""
    if name is None:
        return None
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def deadlines(schedule: Schedule, zone: Optional[tzinfo], now: datetime) -> List[datetime]:
    """The last three that have passed and the next one, in order."""
    today = now.astimezone(zone).date()
    around = (today + timedelta(days=number) for number in range(-22, 9))
    due = [day for day in around if day.weekday() in schedule.days]
    each = [_moment(day, at, zone) for day in due for at in schedule.times]
    after = next(number for number, moment in enumerate(each) if moment > now)
    return each[after - 3 : after + 1]


def _moment(day: date, at: time, zone: Optional[tzinfo]) -> datetime:
    """By the clock on the wall, whichever side of summer time the day is on."""
    local = datetime.combine(day, at)
    aware = local.replace(tzinfo=zone) if zone else local.astimezone()
    return aware.astimezone(timezone.utc)


def is_missing(passed: Sequence[datetime], arrived: Iterable[datetime], now: datetime) -> bool:
    """Whether no report came for the last deadline.

    A report may come any time after the deadline before, and late. But where that one had been
    missed, what came in the first half of the time since was that one's report, and late.

    Args:
        passed: The last three deadlines that have passed.
    """
    earlier, before, last = passed
    came = sorted(arrived)
    kept = any(earlier < moment <= before for moment in came)
    is_new = not any(moment <= before for moment in came)
    begin = before if kept or is_new else before + (last - before) / 2
    return not any(begin < moment <= now for moment in came)


def usual(rows: Sequence[int]) -> Optional[int]:
    """The middle one of earlier reports' rows; None where there are too few to say."""
    return sorted(rows)[len(rows) // 2] if len(rows) >= _LEAST_LOADS else None


def is_odd(expected: Rows, rows: int, usually: int) -> bool:
    """Whether a report has far fewer or far more rows than usual."""
    return not expected.least * usually <= rows <= expected.most * usually
