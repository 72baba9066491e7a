"""Which kept items brought a key: its line in their rows.tsv, its lines in their rejects.csv."""

from __future__ import annotations

import contextlib
import mmap
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence

from ttcli.rows.fates import find
from ttcli.spool.item import (
    FAILED,
    LOADED,
    PENDING,
    PROCESSED,
    REJECTS,
    ROWS,
    Item,
    read_time,
)
from ttcli.spool.rejects import records
from ttcli.spool.store import Spool

_READ_WHOLE = 1 << 20  # bytes; a map pays for itself above
_ROW = re.compile(r"[A-Z]*([0-9]+)\Z")
Reject = Dict[str, str]


class Brought(NamedTuple):
    """What one item has of a key.

    Attributes:
        fields: Its row, as texts by column; None where it has rejects only.
        where: `Sheet!17`, or nothing.
        untouched: Columns whose stored value the row leaves alone.
        rejects: Its cells, or the whole row, that were not taken.
        at: When it was loaded, or failed; None while it waits.
    """

    item: Item
    fields: Optional[Dict[str, Optional[str]]]
    where: str
    untouched: FrozenSet[str]
    rejects: List[Reject]
    at: Optional[datetime]


class Search(NamedTuple):
    """What was found, in the order in which it met the table.

    Attributes:
        unread: Ids of items that hold no rows, and so may or may not have brought the key.
        oldest: The oldest item id that is kept.
    """

    brought: List[Brought]
    unread: List[str]
    oldest: Optional[str]


def search(spool: Spool, key: Sequence[str], values: Sequence[str]) -> Search:
    """Looks into every item's rows and rejects; opens item.json only where the key stands.

    Args:
        key: The key's columns, in any case, and `values` what they hold.
    """
    brought: List[Brought] = []
    unread: List[str] = []
    identities: List[str] = []
    for state in (LOADED, PROCESSED, FAILED, PENDING):
        for identity in spool.ids(state):
            identities.append(identity)
            folder = spool.base / state / identity
            if state == PENDING or not (folder / ROWS).exists():
                found = _rejected_only(spool, folder, key, values)
                unread += [] if found else [identity]
            else:
                found = _in_rows(spool, folder, key, values)
            brought += found
    brought.sort(key=_order)
    return Search(brought, sorted(unread), min(identities, default=None))


def _order(found: Brought) -> Any:
    """As loaded; then what waits, oldest first."""
    return (found.at is None, found.at or found.item.as_of, found.item.id)


def _in_rows(
    spool: Spool, folder: Path, key: Sequence[str], values: Sequence[str]
) -> List[Brought]:
    lines = list(_lines(folder / ROWS, max(values, key=len)))
    refused = _speaks_of(folder, values)
    if not (lines or refused):
        return []
    item = spool.get(folder.name, folder.parent.name)
    if item is None:
        return []
    for line in lines:
        fields = find.named(line, item.record.get("rows") or {})
        if fields and _is_key(fields, key, values):
            return [_brought(item, fields, line[-1].decode(), key, values)]
    return _only_rejects(item, key, values) if refused else []


def _rejected_only(
    spool: Spool, folder: Path, key: Sequence[str], values: Sequence[str]
) -> List[Brought]:
    """An item without rows may still have a reject that names the key."""
    item = spool.get(folder.name, folder.parent.name) if _speaks_of(folder, values) else None
    return _only_rejects(item, key, values) if item else []


def _only_rejects(item: Item, key: Sequence[str], values: Sequence[str]) -> List[Brought]:
    found = [each for each in records(item.rejects) if _names_key(item, each, key, values)]
    return [Brought(item, None, "", frozenset(), found, when(item))] if found else []


def _lines(path: Path, value: str) -> Iterator[List[bytes]]:
    with path.open("rb") as file:
        size = path.stat().st_size
        if size <= _READ_WHOLE:
            yield from find.candidates(file.read(), value)
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield from find.candidates(content, value)


def _speaks_of(folder: Path, values: Sequence[str]) -> bool:
    with contextlib.suppress(FileNotFoundError):
        content = (folder / REJECTS).read_bytes()
        return all(find.may_reject(content, value) for value in values)
    return False


def _is_key(fields: Dict[str, Optional[str]], key: Sequence[str], values: Sequence[str]) -> bool:
    by_name = {name.lower(): value for name, value in fields.items()}
    return [by_name.get(name.lower()) for name in key] == list(values)


def _brought(
    item: Item,
    fields: Dict[str, Optional[str]],
    origin: str,
    key: Sequence[str],
    values: Sequence[str],
) -> Brought:
    place, _, positions = origin.partition(" ")
    sheet, row = (int(number) for number in place.split(":"))
    columns = list(fields)
    name = item.record["rows"]["sheets"][sheet - 1]["name"]
    rejects = [
        each
        for each in records(item.rejects)
        if _at(each, name, row) or _names_key(item, each, key, values)
    ]
    untouched = frozenset(columns[int(p) - 1] for p in positions.split(",") if p)
    return Brought(item, fields, f"{name}!{row}", untouched, rejects, when(item))


def _at(reject: Reject, sheet: str, row: int) -> bool:
    match = _ROW.match(reject["cell"])
    return reject["sheet"] == sheet and bool(match) and int(match[1]) == row  # type: ignore[index]


def _names_key(item: Item, reject: Reject, key: Sequence[str], values: Sequence[str]) -> bool:
    """Whether a reject is about this key: as its cell, as the whole row, or in its reason."""
    whole = ", ".join(values)
    if reject["reason"].endswith(find.LEFT_OUT.format(whole)):
        return True
    raw = reject["raw text"].strip()
    if reject["rule"] in ("duplicate-in-file", "refused-by-database"):
        return raw == whole
    field = _field_of(item, reject)
    return any(field == name.lower() and raw == value for name, value in zip(key, values))


def _field_of(item: Item, reject: Reject) -> str:
    """The column that a reject's heading fills."""
    for sheet in (item.record.get("rows") or {}).get("sheets", []):
        if sheet["name"] == reject["sheet"]:
            return str((sheet.get("columns") or {}).get(reject["heading"], "")).lower()
    return ""


def when(item: Item) -> Optional[datetime]:
    """When it was loaded, or failed, last."""
    for event in reversed(item.record.get("history", [])):
        if event.get("event") == item.state and item.state in (LOADED, FAILED):
            return read_time(event["at"])
    return None
