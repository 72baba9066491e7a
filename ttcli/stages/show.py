"""show: one item's whole life, from its directory alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

from ttcli.config import Config
from ttcli.errors import ConfigError, UsageError
from ttcli.spool.item import Item
from ttcli.spool.rejects import records
from ttcli.spool.store import Spool

MOST_REJECTS = 50


def show(spool: Spool, identity: str) -> Dict[str, Any]:
    """The item's record, state and first rejects.

    Raises:
        UsageError: No such item.
    """
    item = _found(spool, identity)
    rejects, in_all = read_rejects(item)
    return {
        "state": item.state,
        "path": str(item.path),
        "item": item.record,
        "rejects": rejects,
        "rejects_in_all": in_all,
    }


def write_rejects(spool: Spool, identity: str, out: Path, config: Config) -> int:
    """Writes the rejected rows as a workbook to mail back; returns how many.

    Raises:
        UsageError: No such item.
        ConfigError: None of its rows was rejected.
    """
    from ttcli.stages.answers import reject_workbook

    item = _found(spool, identity)
    if not read_rejects(item, 1)[1]:
        raise ConfigError(f"{identity}: no row was rejected", "there is nothing to mail back")
    return reject_workbook.write(item, out, config.limits, config.passwords)


def _found(spool: Spool, identity: str) -> Item:
    item = spool.find(identity)
    if item is None:
        raise UsageError(
            f"{identity}: no such item in the spool",
            "`ttcli status` lists items; of a pruned one the ledger alone still knows",
        )
    return item


def read_rejects(item: Item, most: int = MOST_REJECTS) -> Tuple[List[Dict[str, str]], int]:
    """The first rejects, and how many there are."""
    first: List[Dict[str, str]] = []
    count = 0
    for reject in records(item.rejects):
        count += 1
        if len(first) < most:
            first.append(reject)
    return first, count
