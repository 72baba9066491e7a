"""Whole columns of dates: serial numbers through three memos, and texts in ISO 8601.

A serial is looked up in three parts, the day, the minute and the rest of it: so few texts that
they stay in the processor's cache, which matters more than the number of look-ups.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Dict, List, Sequence, Tuple

from ttcli.cells import Kind
from ttcli.rows.columns.proof import Planned, Proof, blanks_as_null
from ttcli.rows.scalars import dates
from ttcli.rows.scalars.datetext import DAY_MS
from ttcli.rows.scalars.rule import NULL, Rule

_MINUTE_MS = 60_000
_DAY_MINUTES = 1440
_DAYS_KEPT = 10_000  # beyond, and for odd milliseconds, texts are made each time
_RESTS_KEPT = 10_000
_FIGURES = b"0123456789.eE+-"


class _Days(Dict[int, bytes]):
    """Days since the epoch → `2025-11-13`; a KeyError for days that want a closer look."""

    def __init__(self, first: int, last: int, date_1904: bool) -> None:
        super().__init__()
        self._first, self._last, self._date_1904 = first, last, date_1904

    def __missing__(self, serial: int) -> bytes:
        date = dates.day(serial, self._date_1904) if self._first <= serial <= self._last else None
        if date is None:
            raise KeyError(serial)
        text = date.isoformat().encode()
        if len(self) < _DAYS_KEPT:
            self[serial] = text
        return text


class _Rests(Dict[int, bytes]):
    """Milliseconds since the full minute → `:10`."""

    def __missing__(self, rest: int) -> bytes:
        text = dates.clock(rest)[5:].encode()
        if len(self) < _RESTS_KEPT:
            self[rest] = text
        return text


_days = lru_cache(maxsize=4)(_Days)
_MINUTES = [f" {minute // 60:02d}:{minute % 60:02d}".encode() for minute in range(_DAY_MINUTES)]
_RESTS = _Rests()


class SerialPlan:
    """Dates as Excel stores them, and bare numbers that may be dates.

    Every cell must be an ordinary number within the days that need no correction; else the
    whole block goes the scalar way.
    """

    def __init__(self, kind: Kind, rule: Rule) -> None:
        self._days = _days(*_bounds(kind, rule), rule.date_1904)
        self._has_time = rule.column.type != "date"
        self._zone = dates.zone_suffix(rule).encode()

    def convert(self, raw: Sequence[bytes]) -> Planned:
        """See plans.Plan."""
        try:
            return self._fields(raw), (), {}
        except (KeyError, ValueError, OverflowError):
            return [NULL] * len(raw), [index for index, value in enumerate(raw) if value], {}

    def _fields(self, raw: Sequence[bytes]) -> List[bytes]:
        # float() also takes 1_0, nan and blanks around, which no workbook means.
        if b"".join(raw).translate(None, _FIGURES):
            raise ValueError
        moments = [round(float(value) * DAY_MS) if value else None for value in raw]
        days, minutes, rests, zone = self._days, _MINUTES, _RESTS, self._zone
        if not self._has_time:
            return [NULL if ms is None else days[ms // DAY_MS] for ms in moments]
        fields = [
            NULL
            if ms is None
            else days[ms // DAY_MS]
            + minutes[ms // _MINUTE_MS % _DAY_MINUTES]
            + rests[ms % _MINUTE_MS]
            for ms in moments
        ]
        return [field if field is NULL else field + zone for field in fields] if zone else fields


def _bounds(kind: Kind, rule: Rule) -> Tuple[int, int]:
    """The first and last serial day that the plan may take."""
    base = dates.BASE_1904 if rule.date_1904 else dates.BASE
    if kind is Kind.DATE:
        return dates.first_day(rule), 4_000_000
    return (dates.EARLIEST - base).days, (dates.latest(rule) - base).days


_ISO = Proof(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?",
)


class IsoPlan:
    """Texts like `2025-11-13` and `2025-11-13 14:05:00`, as programs write them."""

    def __init__(self, rule: Rule) -> None:
        self._has_time = rule.column.type != "date"
        self._zone = dates.zone_suffix(rule).encode()

    def convert(self, raw: Sequence[bytes]) -> Planned:
        """See plans.Plan."""
        doubtful = _ISO.doubtful(raw)
        bad = {day for day in {value[:10] for value in raw} if day and not _is_day(day)}
        if bad:
            never = [index for index, value in enumerate(raw) if value[:10] in bad]
            doubtful = sorted({*doubtful, *never})
        return self._fields(raw), doubtful, {}

    def _fields(self, raw: Sequence[bytes]) -> Sequence[bytes]:
        if not self._has_time:
            return blanks_as_null([value[:10] for value in raw])
        after = self._zone
        return [
            value[:10] + b" " + (value[11:] or b"00:00:00") + after if value else NULL
            for value in raw
        ]


def _is_day(text: bytes) -> bool:
    try:
        datetime.date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        return False
    return True
