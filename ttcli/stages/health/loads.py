"""loads.jsonl: a line for each load, a JSON array, kept when the item itself is pruned.

It holds nothing that loaded/ does not say: what a crash keeps from it is added later, from the
items, as long as they are there. `status` makes its figures of it.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

from ttcli.errors import OutsideFault
from ttcli.spool import durable
from ttcli.spool.item import LOADED, Item, read_time, time_text
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)

USUAL_OF = 20  # loads of a sender that say what is usual
KEEP_DAYS = 92
_WORTH_IT = 1000  # lines, before the file is written anew


class Load(NamedTuple):
    """What is remembered of a loaded item; members are only ever added, at the end.

    Attributes:
        at: When it was loaded.
        arrived: When its mail arrived.
        sender: The bare address, in lower case.
        rejected: By the mapping and by the database.
        ms: How long its transaction took.
        waited: Seconds from the mail's arrival to its rows; None for what was added by hand.
        totals: Each total that the workbook itself says and its rows do not, in words.
    """

    id: str
    at: str
    arrived: str
    sender: str
    name: str
    read: int = 0
    rejected: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    duplicate_of: Optional[str] = None
    ms: int = 0
    totals: Sequence[str] = ()
    waited: Optional[float] = None


class Loads:
    """The loads that are remembered, oldest first."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._path = spool.base / "state" / "loads.jsonl"

    def read(self) -> List[Load]:
        """Every load; of an item that stands there twice, what was last said."""
        lines = self._content().splitlines()
        try:  # all at once is twice as fast as one by one
            found = [Load(*fields) for fields in json.loads(b"[" + b",".join(lines) + b"]")]
        except (ValueError, TypeError):
            found = [load for line in lines for load in _read(line)]
        return list({load.id: load for load in found}.values())

    def catch_up(self) -> int:
        """Adds what stands in loaded/ and not here; returns how many."""
        known = {load.id for load in self.read()}
        missing = [i for i in self._spool.ids(LOADED) if i not in known]
        items = (self._spool.get(identity, LOADED) for identity in missing)
        loads = sorted((summary(item) for item in items if item), key=lambda load: load.at)
        if loads:
            durable.append_line(self._path, b"\n".join(map(_line, loads)))
        return len(loads)

    def compact(self, now: datetime) -> None:
        """Forgets what is old and needed neither for `usual` nor for an item still there."""
        loads = self.read()
        kept = _worth_keeping(loads, set(self._spool.ids(LOADED)), now)
        if len(loads) - len(kept) >= _WORTH_IT:
            durable.replace_file(self._path, b"".join(_line(load) + b"\n" for load in kept))

    def _content(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""


def remember(spool: Spool, compact: bool = False) -> None:
    """Notes what was loaded; where the disk is full, the stage goes on, and a later run does it."""
    try:
        loads = Loads(spool)
        loads.catch_up()
        if compact:
            loads.compact(datetime.now(timezone.utc))
    except (OSError, OutsideFault) as error:
        log.warning("what was loaded could not be noted for `ttcli status`: %s", error)


def _worth_keeping(loads: Iterable[Load], present: Set[str], now: datetime) -> List[Load]:
    limit = time_text(now - timedelta(days=KEEP_DAYS))
    seen: Dict[str, int] = {}
    kept = []
    for load in sorted(loads, key=lambda load: load.at, reverse=True):
        seen[load.sender] = seen.get(load.sender, 0) + 1
        if load.at >= limit or load.id in present or seen[load.sender] <= USUAL_OF:
            kept.append(load)
    return kept[::-1]


def _line(load: Load) -> bytes:
    return json.dumps(load, ensure_ascii=False).encode("utf-8", "replace")


def _read(line: bytes) -> List[Load]:
    """The load in a line; none in what a crash left of one, which is added anew."""
    try:
        return [Load(*json.loads(line)[: len(Load._fields)])]
    except (ValueError, TypeError):
        log.debug("not a load: %r", line)
        return []


def summary(item: Item) -> Load:
    """What is remembered of a loaded item."""
    source, rows = item.record["source"], item.record.get("rows") or {}
    load = item.record.get("load") or {}
    return Load(
        id=item.id,
        at=time_text(loaded_at(item)),
        arrived=source.get("internaldate") or time_text(item.as_of),
        sender=address(source.get("sender") or ""),
        name=item.name,
        read=rows.get("read") or 0,
        rejected=(rows.get("rejected") or 0) + (load.get("rejects") or 0),
        inserted=load.get("inserted") or 0,
        updated=load.get("updated") or 0,
        unchanged=load.get("unchanged") or 0,
        stale=load.get("stale") or 0,
        duplicate_of=load.get("duplicate_of"),
        ms=load.get("duration_ms") or 0,
        totals=disagreements(rows),
        waited=_waited(item) if source.get("uid") else None,
    )


def _waited(item: Item) -> Optional[float]:
    try:
        arrived = read_time(item.record["source"]["internaldate"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, round((loaded_at(item) - arrived).total_seconds(), 1))


def disagreements(rows: Dict[str, Any]) -> List[str]:
    """Each total that the workbook itself says and its rows do not, in words."""
    return [
        f"{sheet.get('name')}: row {check['row']} says {check['said']} {check['field']}"
        f"{_of(check)}, the rows hold {check['sum']}"
        for sheet in rows.get("sheets") or []
        for check in sheet.get("totals_check") or []
        if not check["agrees"]
    ]


def _of(check: Dict[str, Any]) -> str:
    return f" for {check['mawb']}" if check.get("mawb") else ""


def loaded_at(item: Item) -> datetime:
    """When the item came to loaded/; its as-of time if its history does not say."""
    for event in reversed(item.record.get("history", [])):
        if event.get("event") == "loaded":
            return read_time(event["at"])
    return item.as_of


def address(sender: str) -> str:
    """The bare address of a sender, in lower case."""
    return sender.rpartition("<")[2].rstrip("> ").strip().lower()
