"""report: what the HTML page tells, from the spool alone; the ledger adds what left the spool."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import ttcli
from ttcli.config import Config
from ttcli.errors import from_os_error
from ttcli.spool import durable
from ttcli.spool.item import FAILED, LOADED, PENDING, PROCESSED, STATES, Item, read_time
from ttcli.spool.rejects import records
from ttcli.spool.store import Spool
from ttcli.stages.health.repairing import repair
from ttcli.stages.past.reaching import reached
from ttcli.stages.status import status

DAYS = 30
_MOST_LINKS = 20
FIGURES = ("inserted", "updated", "unchanged", "stale", "rejected")
_LATENCIES = (
    ("under 1 minute", 60),
    ("1 to 5 minutes", 300),
    ("5 to 15 minutes", 900),
    ("15 to 60 minutes", 3600),
    ("1 to 4 hours", 4 * 3600),
    ("4 to 24 hours", 86400),
    ("over a day", float("inf")),
)


def report(spool: Spool, config: Config, folder: Optional[Path] = None) -> Dict[str, Any]:
    """Everything on the page.

    Args:
        folder: Where the page will lie: links to reject files go out from there.
    """
    now = datetime.now(timezone.utc)
    kept = _Kept(now, folder)
    for state in (LOADED, FAILED):
        for item in spool.items(state):
            kept.add(item)
    asked = reached(config, lambda link, table: _ledger(link, table, now))
    days, senders = kept.days, list(kept.senders.values())
    if asked.found:
        days, senders = _merged_days(days, asked.found), _merged_senders(senders, asked.found)
    return {
        "version": ttcli.__version__,
        "generated": now,
        "base_dir": str(spool.base),
        "states": {state: len(spool.ids(state)) for state in STATES},
        "waiting_since": _oldest(spool),
        "failed": kept.failed,
        "problems": _problems(spool, config, now),
        "senders": sorted(senders, key=lambda each: each["as_of"], reverse=True),
        "days": days,
        "rejects": kept.rejects(),
        "links": kept.links[-_MOST_LINKS:][::-1],
        "latency": _latency(kept.latencies),
        "ledger": asked.trouble or None,
    }


def write(file: Path, page: str) -> None:
    """Writes the page; whoever looks meanwhile sees the old one or the new one.

    Raises:
        OutsideFault: The file cannot be written.
    """
    try:
        durable.replace_file(file, page.encode("utf-8", "replace"))
    except OSError as error:
        raise from_os_error(error) from error


def _problems(spool: Spool, config: Config, now: datetime) -> List[Dict[str, Any]]:
    """What `ttcli status --check` says besides: the failed items have a section of their own."""
    found = status(spool, config, now)["problems"]
    return [problem for problem in found if problem["kind"] != "failed-items"]


def _oldest(spool: Spool) -> Optional[datetime]:
    waiting = sorted([*spool.ids(PENDING), *spool.ids(PROCESSED)])
    stamp = waiting[0].split("-")[0] if waiting else None
    return _utc(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")) if stamp else None


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=timezone.utc)


def address_of(sender: str) -> str:
    """What tells senders apart: the address, without the name that stands before it."""
    return sender.rpartition("<")[2].rstrip("> ").strip().lower()


class _Kept:
    """What the kept items add up to."""

    def __init__(self, now: datetime, folder: Optional[Path]) -> None:
        self._folder = folder
        self._reasons: Counter[str] = Counter()
        self._examples: Dict[str, str] = {}
        self.days = {_day(now - timedelta(days=back)): _nothing() for back in range(DAYS)}
        self.senders: Dict[str, Dict[str, Any]] = {}
        self.latencies: List[float] = []
        self.failed: List[Dict[str, Any]] = []
        self.links: List[Dict[str, Any]] = []

    def add(self, item: Item) -> None:
        """One more."""
        rows, load = item.record.get("rows") or {}, item.record.get("load") or {}
        figures = {name: int(load.get(name) or 0) for name in FIGURES}
        figures["rejected"] = int(rows.get("rejected") or 0) + int(load.get("rejects") or 0)
        figures["reports"] = 1
        bad = bool(figures["rejected"] or rows.get("cells_rejected"))
        self._count_sender(item, figures)
        if bad:
            self._count_rejects(item)
        if item.state == FAILED:
            self.failed.append(_failed(item, self._link(item) if bad else ""))
            return
        for at in _times(item, LOADED):
            day = self.days.get(_day(at))
            if day is not None:
                _add(day, figures)
            self._count_latency(item, at)
            break
        if bad:
            self.links.append(self._linked(item, figures["rejected"], rows))

    def rejects(self) -> List[Dict[str, Any]]:
        """Reasons, the most frequent first."""
        return [
            {"rule": rule, "count": count, "example": self._examples[rule]}
            for rule, count in self._reasons.most_common()
        ]

    def _count_sender(self, item: Item, figures: Dict[str, int]) -> None:
        address = address_of(str(item.record["source"].get("sender") or ""))
        known = self.senders.setdefault(address, _sender(address, item.as_of))
        known["as_of"] = max(known["as_of"], item.as_of)
        known["failed"] += item.state == FAILED
        _add(known, figures)

    def _count_rejects(self, item: Item) -> None:
        for record in records(item.rejects):
            self._reasons[record["rule"]] += 1
            self._examples.setdefault(record["rule"], record["reason"])

    def _count_latency(self, item: Item, loaded: datetime) -> None:
        """Only of mails out of a mailbox: what was added by hand was under way for no time."""
        source = item.record["source"]
        if source.get("uid") and source.get("internaldate"):
            came = read_time(source["internaldate"])
            self.latencies.append(max(0.0, (loaded - came).total_seconds()))

    def _linked(self, item: Item, rejected: int, rows: Dict[str, Any]) -> Dict[str, Any]:
        return {
            "item": item.id,
            "name": item.name,
            "sender": address_of(str(item.record["source"].get("sender") or "")),
            "rejected": rejected,
            "cells": rows.get("cells_rejected") or 0,
            "link": self._link(item),
        }

    def _link(self, item: Item) -> str:
        if self._folder is None:
            return str(item.rejects)
        return os.path.relpath(item.rejects, self._folder)


def _failed(item: Item, link: str) -> Dict[str, Any]:
    error = item.error or {}
    return {
        "item": item.id,
        "name": item.name,
        "sender": item.record["source"].get("sender") or "",
        "subject": item.record["source"].get("subject") or "",
        "message": error.get("message") or "",
        "hint": error.get("hint") or "",
        "at": error.get("at") or "",
        "repair": repair(item),
        "link": link,
    }


def _times(item: Item, event: str) -> Iterator[datetime]:
    for each in item.record.get("history", []):
        if each.get("event") == event:
            yield read_time(each["at"])


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"


def _nothing() -> Dict[str, int]:
    return dict.fromkeys((*FIGURES, "reports"), 0)


def _sender(address: str, as_of: datetime) -> Dict[str, Any]:
    return {"sender": address, "as_of": as_of, "failed": 0, **_nothing()}


def _add(figures: Dict[str, Any], more: Dict[str, int]) -> None:
    for name, count in more.items():
        figures[name] += count


def _latency(seconds: Sequence[float]) -> Dict[str, Any]:
    ranked = sorted(seconds)
    buckets = Counter(next(n for n, (_, end) in enumerate(_LATENCIES) if s < end) for s in ranked)
    return {
        "count": len(ranked),
        "median": ranked[len(ranked) // 2] if ranked else None,
        "p95": ranked[int(len(ranked) * 0.95)] if ranked else None,
        "longest": ranked[-1] if ranked else None,
        "buckets": [(name, buckets[n]) for n, (name, _) in enumerate(_LATENCIES)],
    }


def _ledger(connection: Any, table: Any, now: datetime) -> Dict[str, Any]:
    from ttcli.database import lookup

    return {
        "days": lookup.days(connection, table, now - timedelta(days=DAYS - 1)),
        "senders": lookup.senders(connection, table),
    }


def _merged_days(kept: Dict[str, Any], ledger: Dict[str, Any]) -> Dict[str, Any]:
    """The ledger knows of every load, also of those that left the spool."""
    known = {row["day"]: row for row in ledger["days"]}
    return {
        day: {name: known[day][name] for name in _nothing()} if day in known else figures
        for day, figures in kept.items()
    }


def _merged_senders(kept: List[Dict[str, Any]], ledger: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Figures of the ledger where it has a sender; what failed only the spool knows."""
    by_address = {each["sender"]: each for each in kept}
    found: Dict[str, Dict[str, Any]] = {}
    for row in ledger["senders"]:
        address = address_of(row["sender"] or "")
        each = found.setdefault(address, _sender(address, row["as_of"]))
        each["as_of"] = max(each["as_of"], row["as_of"])
        _add(each, {name: row[name] for name in _nothing()})
    for address, each in by_address.items():
        known = found.setdefault(address, each)
        known["failed"] = each["failed"]
        known["as_of"] = max(known["as_of"], each["as_of"])
    return list(found.values())
