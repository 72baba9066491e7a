"""status: what is in the spool and how the last runs went; asks no server and changes nothing.

It looks at names, at the last lines of what is remembered, and at few items: with 50,000 of them in
the spool it answers within a second.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from itertools import islice
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import ttcli
from ttcli.config import Config
from ttcli.errors import OK, OutsideFault, worst
from ttcli.rows.mapping import Mapping
from ttcli.spool import lock
from ttcli.spool.item import FAILED, LOADED, PENDING, PROCESSED, STATES, Item, read_time, time_text
from ttcli.spool.store import Spool
from ttcli.stages import STAGES
from ttcli.stages.health import deaths, figures, verdict
from ttcli.stages.health.loads import Loads
from ttcli.stages.health.next_run import next_run
from ttcli.stages.health.repairing import repair
from ttcli.stages.health.senders import of_items, of_loads, senders
from ttcli.stages.health.verdict import Limits, Problem

log = logging.getLogger(__name__)

LAST_LOADS = 10
MOST_READ = 200
"""Items of a state that are read: the oldest, which have waited longest and were tried first."""


class _Found(NamedTuple):
    """The items that were read: those that wait and those that failed, the newest first."""

    waiting: List[Item]
    failed: List[Item]
    damaged: List[OutsideFault]


def status(
    spool: Spool, config: Optional[Config] = None, now: Optional[datetime] = None
) -> Dict[str, Any]:
    """The members are documented in docs/json.md and only ever added to.

    Args:
        config: Whose thresholds and mapping say what needs a person; without it the defaults do.
    """
    now = now or datetime.now(timezone.utc)
    loads = Loads(spool).read()
    items = _items(spool)
    profiles, mistaken = _profiles(config)
    reports = of_loads(loads) + of_items([*items.waiting, *items.failed])
    found = {
        "version": ttcli.__version__,
        "at": time_text(now),
        "base_dir": str(spool.base),
        "exists": spool.base.is_dir(),
        "locked_by": lock.holder(spool.base),
        "killed": deaths.known(spool),
        "states": {state: _state(spool, state, items, now) for state in STATES},
        "stages": _stages(spool),
        "next_run": next_run(spool, config),
        "failed": [_failed(item) for item in items.failed],
        "waiting": [_waiting(item) for item in items.waiting if item.error or item.attempts],
        "last_loads": [_loaded(item) for item in _latest_loaded(spool, items.damaged)],
        "days": figures.per_day(loads, now),
        "rates": figures.rates(loads, now),
        "senders": senders(profiles.senders, reports, now),
    }
    limits = verdict.limits_of(config) if config else Limits()
    damaged = [Problem("damaged", f.exit_code, f.message, f.hint) for f in items.damaged]
    problems = [*mistaken, *damaged, *verdict.problems(found, loads, limits, now)]
    code = worst([OK, *(problem.exit_code for problem in problems)])
    told = [problem._asdict() for problem in problems]
    return {**found, "ok": not code, "exit_code": code, "problems": told}


def _profiles(config: Optional[Config]) -> Tuple[Mapping, List[Problem]]:
    """What mapping.toml says of senders; a mistake in it is told and hides nothing else."""
    if config is None:
        return Mapping.default(), []
    from ttcli.stages.target.mapping import current_mapping

    try:
        return current_mapping(config), []
    except OutsideFault as fault:
        said = fault.message.replace("\n ", ",")
        return Mapping.default(), [Problem("mapping", fault.exit_code, said, fault.hint)]


def _stages(spool: Spool) -> Dict[str, Any]:
    """Of acknowledge only where it ever had something to do."""
    acknowledged = spool.read_state("run-acknowledge")
    stages: Dict[str, Any] = {stage: spool.read_state(f"run-{stage}") for stage in STAGES}
    return {**stages, "acknowledge": acknowledged} if acknowledged else stages


def _state(spool: Spool, state: str, items: _Found, now: datetime) -> Dict[str, Any]:
    identities = spool.ids(state)
    shown: Dict[str, Any] = {"count": len(identities), "oldest": None, "oldest_seconds": None}
    if identities:
        oldest = _as_of(identities[0])
        age = (now - read_time(oldest)).total_seconds()
        shown.update(oldest=oldest, oldest_seconds=max(0, round(age)))
    if state in (PENDING, PROCESSED):
        since = min((_since(item) for item in items.waiting if item.state == state), default=None)
        shown["waiting_since"] = time_text(since) if since else None
        shown["waiting_seconds"] = max(0, round((now - since).total_seconds())) if since else None
    return shown


def _as_of(identity: str) -> str:
    """20260822T131500Z-… → 2026-08-22T13:15:00Z."""
    day, time = identity[:8], identity[9:15]
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"


def _since(item: Item) -> datetime:
    """When an item came to its state: the last thing that its history tells."""
    history = item.record.get("history") or []
    return read_time(history[-1]["at"]) if history else item.as_of


def _items(spool: Spool) -> _Found:
    found = _Found([], [], [])
    for state in (PENDING, PROCESSED):
        found.waiting.extend(_read(spool, state, spool.ids(state)[:MOST_READ], found.damaged))
    newest = spool.ids(FAILED)[::-1][:MOST_READ]
    found.failed.extend(_read(spool, FAILED, newest, found.damaged))
    return found


def _read(
    spool: Spool, state: str, identities: Sequence[str], damaged: List[OutsideFault]
) -> Iterator[Item]:
    """The items of these ids, but for those that a stage has just taken further."""
    for identity in identities:
        try:
            item = spool.get(identity, state)
        except OutsideFault as fault:
            damaged.append(fault)
        else:
            if item is not None:
                yield item


def _failed(item: Item) -> Dict[str, Any]:
    error = item.error or {}
    return {
        "id": item.id,
        "name": item.name,
        "sender": item.record["source"].get("sender") or "",
        "kind": error.get("kind"),
        "message": error.get("message"),
        "hint": error.get("hint"),
        "at": error.get("at"),
        "repair": repair(item),
    }


def _waiting(item: Item) -> Dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "state": item.state,
        "attempts": item.attempts,
        "next_attempt_at": item.record.get("next_attempt_at"),
        "message": (item.error or {}).get("message"),
    }


def _latest_loaded(spool: Spool, damaged: List[OutsideFault]) -> Iterator[Item]:
    """By as-of time, newest first."""
    newest = spool.ids(LOADED)[::-1][: 2 * LAST_LOADS]
    return islice(_read(spool, LOADED, newest, damaged), LAST_LOADS)


def _loaded(item: Item) -> Dict[str, Any]:
    rows, load = item.record.get("rows") or {}, item.record.get("load") or {}
    return {
        "id": item.id,
        "name": item.name,
        "sender": item.record["source"].get("sender") or "",
        "read": rows.get("read"),
        "rejected": (rows.get("rejected") or 0) + (load.get("rejects") or 0),
        "cells_rejected": rows.get("cells_rejected") or 0,
        **load,
    }
