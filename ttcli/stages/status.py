"""status: what is in the spool and how the last runs went; asks no server and changes nothing."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import ttcli
from ttcli.spool import lock
from ttcli.spool.item import FAILED, LOADED, PENDING, PROCESSED, STATES, Item
from ttcli.spool.store import Spool
from ttcli.stages.run import STAGES

LAST_LOADS = 10


def status(spool: Spool) -> Dict[str, Any]:
    """The members are documented in docs/json.md and only ever added to."""
    return {
        "version": ttcli.__version__,
        "base_dir": str(spool.base),
        "exists": spool.base.is_dir(),
        "locked_by": lock.holder(spool.base),
        "states": {state: _state(spool, state) for state in STATES},
        "stages": _stages(spool),
        "failed": [_failed(item) for item in spool.items(FAILED)],
        "waiting": [_waiting(item) for item in _troubled(spool)],
        "last_loads": [_loaded(item) for item in _latest_loaded(spool)],
    }


def _stages(spool: Spool) -> Dict[str, Any]:
    """Of acknowledge only where it ever had something to do."""
    acknowledged = spool.read_state("run-acknowledge")
    stages: Dict[str, Any] = {stage: spool.read_state(f"run-{stage}") for stage in STAGES}
    return {**stages, "acknowledge": acknowledged} if acknowledged else stages


def _state(spool: Spool, state: str) -> Dict[str, Any]:
    identities = spool.ids(state)
    return {"count": len(identities), "oldest": _as_of(identities[0]) if identities else None}


def _as_of(identity: str) -> str:
    """20260822T131500Z-… → 2026-08-22T13:15:00Z."""
    day, time = identity[:8], identity[9:15]
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"


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
        "repair": f"ttcli retry {item.id}",
    }


def _troubled(spool: Spool) -> List[Item]:
    """Items between two tries."""
    items = [item for state in (PENDING, PROCESSED) for item in spool.items(state)]
    return [item for item in items if item.error or item.attempts]


def _waiting(item: Item) -> Dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "state": item.state,
        "attempts": item.attempts,
        "next_attempt_at": item.record.get("next_attempt_at"),
        "message": (item.error or {}).get("message"),
    }


def _latest_loaded(spool: Spool) -> List[Item]:
    """By as-of time, newest first."""
    found: List[Optional[Item]] = []
    for identity in reversed(spool.ids(LOADED)[-LAST_LOADS:]):
        found.append(spool.get(identity, LOADED))
    return [item for item in found if item is not None]


def _loaded(item: Item) -> Dict[str, Any]:
    rows = item.record.get("rows") or {}
    return {
        "id": item.id,
        "name": item.name,
        "sender": item.record["source"].get("sender") or "",
        "read": rows.get("read"),
        "rejected": rows.get("rejected"),
        **(item.record.get("load") or {}),
    }
