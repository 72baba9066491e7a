"""Columns of serial numbers as dates and timestamps, through two memos: the hour, and the rest."""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, List, Sequence, Tuple

from ttcli.cells import Kind
from ttcli.rows import dates
from ttcli.rows.datetext import DAY_MS
from ttcli.rows.rule import NULL, Rule

_HOUR_MS = 3_600_000
_HOURS_KEPT = 60_000  # seven years; beyond, and for odd milliseconds, texts are made each time
_RESTS_KEPT = 10_000
_FIGURES = b"0123456789.eE+-"


class _Hours(Dict[int, bytes]):
    """Hours since the epoch → `2025-11-13 07`; a KeyError for days that want a closer look."""

    def __init__(self, first_day: int, last_day: int, date_1904: bool) -> None:
        super().__init__()
        self._first, self._last, self._date_1904 = first_day, last_day, date_1904

    def __missing__(self, hours: int) -> bytes:
        serial, hour = divmod(hours, 24)
        date = dates.day(serial, self._date_1904) if self._first <= serial <= self._last else None
        if date is None:
            raise KeyError(hours)
        text = f"{date.isoformat()} {hour:02d}".encode()
        if len(self) < _HOURS_KEPT:
            self[hours] = text
        return text


class _Rests(Dict[int, bytes]):
    """Milliseconds since the full hour → `:45:10`."""

    def __missing__(self, rest: int) -> bytes:
        text = dates.clock(rest)[2:].encode()
        if len(self) < _RESTS_KEPT:
            self[rest] = text
        return text


_hours = lru_cache(maxsize=4)(_Hours)
_RESTS = _Rests()


class SerialPlan:
    """Dates as Excel stores them, and bare numbers that may be dates.

    Every cell must be an ordinary number within the days that need no correction; else the
    whole block goes the scalar way.
    """

    def __init__(self, kind: Kind, rule: Rule) -> None:
        self._hours = _hours(*_bounds(kind, rule), rule.date_1904)
        self._has_time = rule.column.type != "date"
        self._zone = dates.zone_suffix(rule).encode()

    def convert(
        self, raw: Sequence[bytes]
    ) -> Tuple[Sequence[bytes], Sequence[int], Dict[str, List[int]]]:
        """See plans.Plan."""
        try:
            return self._fields(raw), (), {}
        except (KeyError, ValueError, OverflowError):
            return [NULL] * len(raw), [index for index, value in enumerate(raw) if value], {}

    def _fields(self, raw: Sequence[bytes]) -> List[bytes]:
        # float() also takes 1_0, nan and blanks around, which no workbook means.
        if b"".join(raw).translate(None, _FIGURES):
            raise ValueError
        if all(raw):
            return self._spelled([round(float(value) * DAY_MS) for value in raw])
        fields = iter(self._spelled([round(float(value) * DAY_MS) for value in raw if value]))
        return [next(fields) if value else NULL for value in raw]

    def _spelled(self, moments: List[int]) -> List[bytes]:
        hours, rests, zone = self._hours, _RESTS, self._zone
        if not self._has_time:
            return [hours[ms // DAY_MS * 24][:10] for ms in moments]
        if zone:
            return [hours[ms // _HOUR_MS] + rests[ms % _HOUR_MS] + zone for ms in moments]
        return [hours[ms // _HOUR_MS] + rests[ms % _HOUR_MS] for ms in moments]


def _bounds(kind: Kind, rule: Rule) -> Tuple[int, int]:
    """The first and last serial day that the plan may take."""
    base = dates.BASE_1904 if rule.date_1904 else dates.BASE
    if kind is Kind.DATE:
        return dates.first_day(rule), 4_000_000
    return (dates.EARLIEST - base).days, (dates.latest(rule) - base).days
