"""Figures of what was loaded: rows per day, rate, latency."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Dict, Iterable, List, Optional, Sequence

from ttcli.spool.item import read_time
from ttcli.stages.health.loads import Load

DAYS = 14
_SPAN = timedelta(days=1)
_LATENCY_OF = timedelta(days=7)
_COUNTS = ("read", "inserted", "updated", "unchanged", "stale", "rejected")


def per_day(loads: Iterable[Load], now: datetime) -> List[Dict[str, Any]]:
    """Loads and rows of each of the last days by this machine's calendar, oldest first."""
    today = now.astimezone().date()
    days = {today - timedelta(days=n): _nothing() for n in range(DAYS - 1, -1, -1)}
    begin = (now - timedelta(days=DAYS + 1)).isoformat()
    for load in loads:
        if load.at >= begin:  # both ISO 8601 in UTC; most lines are older
            _add(days, read_time(load.at).astimezone().date(), load)
    return [{"day": day.isoformat(), **counts} for day, counts in days.items()]


def _nothing() -> Dict[str, int]:
    return dict.fromkeys(("loads", *_COUNTS), 0)


def _add(days: Dict[date, Dict[str, int]], day: date, load: Load) -> None:
    counts = days.get(day)
    if counts:
        counts["loads"] += 1
        for name in _COUNTS:
            counts[name] += getattr(load, name)


def rates(loads: Sequence[Load], now: datetime) -> Dict[str, Any]:
    """What the last day's loads came to, and how long a mail took to become rows.

    Latency is counted over a week, from the mail's arrival to the commit of its rows; None where
    nothing was loaded.
    """
    day, week = (_since(loads, now - span) for span in (_SPAN, _LATENCY_OF))
    spent = sum(load.ms for load in day) / 1000
    rows = sum(load.read for load in day)
    took = sorted(load.waited for load in week if load.waited is not None)
    return {
        "loads_last_day": len(day),
        "rows_last_day": rows,
        "rows_per_second": round(rows / spent, 1) if spent else None,
        "latency_median_seconds": _quantile(took, 0.5),
        "latency_p95_seconds": _quantile(took, 0.95),
    }


def _since(loads: Iterable[Load], limit: datetime) -> List[Load]:
    text = limit.isoformat()
    return [load for load in loads if load.at >= text]


def _quantile(ordered: Sequence[float], part: float) -> Optional[float]:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1) if ordered else None
