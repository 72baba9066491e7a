"""Who sent what: freshness of each sender, and the reports that are missing or odd."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ttcli.rows import expect
from ttcli.rows.mapping import Sender
from ttcli.spool.item import Item, read_time, time_text
from ttcli.stages.health.loads import USUAL_OF, Load, address

NAMED_FOR = timedelta(days=3)
"""So long an odd report is a finding, unless the sender's next one comes before."""

MOST = 100
"""Senders without a profile that are listed, those heard of last."""


class Report(NamedTuple):
    """One report of a sender: an item, loaded or not."""

    id: str
    sender: str
    arrived: str
    load: Optional[Load] = None


def of_loads(loads: Iterable[Load]) -> List[Report]:
    """The reports that were loaded."""
    return [Report(load.id, load.sender, load.arrived, load) for load in loads]


def of_items(items: Iterable[Item]) -> List[Report]:
    """The reports that arrived and are not loaded, or failed."""
    found = ((item, item.record["source"]) for item in items)
    return [
        Report(item.id, address(source.get("sender") or ""), _arrived(item, source))
        for item, source in found
    ]


def _arrived(item: Item, source: Mapping[str, Any]) -> str:
    return str(source.get("internaldate") or time_text(item.as_of))


def senders(
    profiles: Sequence[Sender], reports: Sequence[Report], now: datetime
) -> List[Dict[str, Any]]:
    """First each profile that expects something, then every other sender that was heard of."""
    by_sender: Dict[str, List[Report]] = {}
    for report in sorted(reports, key=lambda report: report.arrived):
        by_sender.setdefault(report.sender, []).append(report)
    found, taken = [], set()
    for profile in profiles:
        if profile.expected.schedule or profile.expected.rows:
            ours = [sender for sender in by_sender if sender not in taken and profile.fits(sender)]
            taken.update(ours)
            found.append(_profile(profile, [r for s in ours for r in by_sender[s]], now))
    others = [sender for sender in by_sender if sender and sender not in taken]
    others.sort(key=lambda sender: by_sender[sender][-1].arrived, reverse=True)
    return found + [_seen(sender, by_sender[sender]) for sender in others[:MOST]]


def _seen(name: str, reports: Sequence[Report]) -> Dict[str, Any]:
    """What is known of any sender; `rows` and `usual_rows` of what was loaded."""
    loads = [report.load for report in reports if report.load]
    rows = [load.read for load in loads][-USUAL_OF - 1 :]
    return {
        "sender": name,
        "last_report": reports[-1].arrived if reports else None,
        "last_loaded": max((load.at for load in loads), default=None),
        "item": loads[-1].id if loads else None,
        "rows": rows[-1] if rows else None,
        "usual_rows": expect.usual(rows[:-1]),
    }


def _profile(profile: Sender, reports: List[Report], now: datetime) -> Dict[str, Any]:
    reports = sorted(reports, key=lambda report: report.arrived)
    schedule, rows, zone = profile.expected
    seen = _seen(", ".join(profile.match), reports)
    due = _due(profile.expected, reports, now) if schedule else {}
    return {
        **seen,
        "expect": schedule.text if schedule else None,
        "expect_rows": rows.text if rows else None,
        "zone": zone,
        "due": due.get("due"),
        "next_due": due.get("next_due"),
        "missing": due.get("missing", False),
        "odd": bool(rows and _odd(rows, seen, now)),
    }


def _due(expected: expect.Expected, reports: Sequence[Report], now: datetime) -> Dict[str, Any]:
    assert expected.schedule
    *passed, following = expect.deadlines(expected.schedule, expect.zone_of(expected.zone), now)
    arrived = [read_time(report.arrived) for report in reports]
    return {
        "due": time_text(passed[-1]),
        "next_due": time_text(following),
        "missing": expect.is_missing(passed, arrived, now),
    }


def _odd(rows: expect.Rows, seen: Mapping[str, Any], now: datetime) -> bool:
    if seen["usual_rows"] is None or read_time(seen["last_loaded"]) < now - NAMED_FOR:
        return False
    return expect.is_odd(rows, seen["rows"], seen["usual_rows"])
