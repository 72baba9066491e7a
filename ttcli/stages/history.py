"""history: past loads from the ledger, and what failed from the spool.

While the database is away the spool tells what it has kept, and it is said so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, Iterator, List, Optional

from ttcli.config import Config
from ttcli.spool.item import FAILED, LOADED, Item
from ttcli.spool.store import Spool
from ttcli.stages.past.brought import when
from ttcli.stages.past.reaching import reached

RESULTS = ("loaded", "duplicate", "rejected", "stale", "replayed", "failed")
_FIGURES = ("inserted", "updated", "unchanged", "stale", "duplicate_of", "duration_ms")


def history(
    spool: Spool,
    config: Config,
    sender: str = "",
    since: Optional[datetime] = None,
    until: Optional[datetime] = None,
    result: str = "",
    limit: int = 50,
) -> Dict[str, Any]:
    """The newest first; the members are documented in docs/json.md.

    Args:
        since, until: Days; the last one counts.
    """
    end = until + timedelta(days=1) if until else None
    loads: List[Dict[str, Any]] = []
    trouble = ""
    if result != FAILED:
        asked = reached(config, lambda c, t: _ledger(c, t, sender, since, end, result, limit))
        loads, trouble = asked.found or [], asked.trouble
        if trouble:
            loads = [_of_item(item) for item in spool.items(LOADED)]
    if result in ("", FAILED):
        loads += [_of_item(item) for item in spool.items(FAILED)]
    chosen = [each for each in loads if _matches(each, sender, since, end, result)]
    chosen.sort(key=lambda each: (each["at"] or "", each["item"]), reverse=True)
    return {
        "source": "spool" if trouble else "ledger",
        "trouble": trouble or None,
        "loads": chosen[:limit],
    }


def _ledger(
    connection: Any,
    table: Any,
    sender: str,
    since: Optional[datetime],
    until: Optional[datetime],
    result: str,
    limit: int,
) -> List[Dict[str, Any]]:
    from ttcli.database.lookup import Wanted, loads

    wanted = Wanted(sender, since, until, result, limit)
    return [_of_ledger(row) for row in loads(connection, table, wanted)]


def _of_ledger(row: Dict[str, Any]) -> Dict[str, Any]:
    item, _, replay = row["item_id"].partition("~")
    return {
        "item": item,
        "at": _text(row["loaded_at"]),
        "result": "duplicate" if row["duplicate_of"] else "loaded",
        "replay": replay or None,
        "name": row["file_name"] or "",
        "sender": row["sender"] or "",
        "subject": row["subject"] or "",
        "as_of": _text(row["source_at"]),
        "read": row["rows_read"],
        "rejected": row["rejected"],
        **{name: row[name] for name in _FIGURES},
        "reason": None,
    }


def _of_item(item: Item) -> Dict[str, Any]:
    rows, load, source = (item.record.get(name) or {} for name in ("rows", "load", "source"))
    duplicate = "duplicate" if load.get("duplicate_of") else LOADED
    return {
        "item": item.id,
        "at": _text(when(item)),
        "result": FAILED if item.state == FAILED else duplicate,
        "replay": item.replay or None,
        "name": item.name,
        "sender": source.get("sender") or "",
        "subject": source.get("subject") or "",
        "as_of": _text(item.as_of),
        "read": rows.get("read"),
        "rejected": (rows.get("rejected") or 0) + (load.get("rejects") or 0),
        **{name: load.get(name) for name in _FIGURES},
        "reason": (item.error or {}).get("message") if item.state == FAILED else None,
    }


def _text(time: Optional[datetime]) -> Optional[str]:
    from ttcli.spool.item import time_text

    return time_text(time) if time else None


def _matches(
    load: Dict[str, Any],
    sender: str,
    since: Optional[datetime],
    until: Optional[datetime],
    result: str,
) -> bool:
    return all(_tests(load, sender, since, until, result))


def _tests(
    load: Dict[str, Any],
    sender: str,
    since: Optional[datetime],
    until: Optional[datetime],
    result: str,
) -> Iterator[bool]:
    at = load["at"] or ""
    yield sender.lower() in load["sender"].lower()
    yield not since or at >= (_text(since) or "")
    yield not until or at < (_text(until) or "")
    if result in ("loaded", "duplicate", "failed"):
        yield load["result"] == result
    elif result == "replayed":
        yield bool(load["replay"])
    elif result:
        yield bool(load[result])
