"""explain: every item that brought a key, what each changed, and what the table holds now."""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ttcli.config import Config
from ttcli.errors import TtcliError, UsageError
from ttcli.spool.store import Spool
from ttcli.stages.past import brought
from ttcli.stages.past.reaching import Reached, reached
from ttcli.stages.past.story import Rules, same, tell
from ttcli.stages.target.mapping import current_mapping
from ttcli.stages.target.table import known_table
from ttcli.table import TargetTable

log = logging.getLogger(__name__)


def explain(spool: Spool, config: Config, given: Sequence[str]) -> Dict[str, Any]:
    """The members are documented in docs/json.md and only ever added to.

    Args:
        given: The key's values; one text with commas where there are several columns.

    Raises:
        UsageError: Too few or too many values.
    """
    settings = config.database
    values = key_values(given, settings.key)
    found = brought.search(spool, settings.key, values)
    if not found.brought and [value.upper() for value in values] != values:
        # HAWBs stand in capitals; nobody types them so
        capitals = [value.upper() for value in values]
        again = brought.search(spool, settings.key, capitals)
        values, found = (capitals, again) if again.brought else (values, found)
    table = known_table(spool, settings)
    entries = tell(found.brought, _rules(config, table))
    asked = reached(config, lambda link, kept: _asked(link, kept, values, found))
    if asked.found:
        entries += _refused_elsewhere(entries, asked.found["refused"])
    return {
        "key": dict(zip(settings.key, values)),
        "items": entries,
        "unread": found.unread,
        "database": _database(asked, table, entries),
    }


def key_values(given: Sequence[str], key: Sequence[str]) -> List[str]:
    """One value a key column: the arguments as they are, or one argument cut at its commas."""
    if len(given) == len(key):
        return list(given)
    cut = [part.strip() for part in given[0].split(",")] if len(given) == 1 else list(given)
    if len(cut) != len(key):
        raise UsageError(
            f"the key is {', '.join(key)}: {len(key)} values, of which {len(cut)} came",
            "give one value for each, with commas between them or as arguments of their own",
        )
    return cut


def _rules(config: Config, table: Optional[TargetTable]) -> Rules:
    settings = config.database
    timed = table is None or any(
        column.name.lower() == settings.source_time_column.lower() for column in table.columns
    )
    return Rules(table, settings.key, timed, _policies(config, table))


def _policies(config: Config, table: Optional[TargetTable]) -> Any:
    """Sender → policies; without any where mapping.toml is broken, which `check` says."""
    try:
        mapping = current_mapping(config)
    except TtcliError as error:
        log.warning("policies are left out: %s", error.message)
        return lambda _: {}
    return lambda sender: mapping.for_sender(sender).policies(table) if table else {}


def _asked(
    connection: Any, table: TargetTable, values: Sequence[str], found: brought.Search
) -> Dict[str, Any]:
    from ttcli.database import lookup

    return {
        "row": lookup.row(connection, table, values),
        "refused": lookup.refused(connection, table, ", ".join(values)),
        "pruned": lookup.loads_before(connection, table, found.oldest or "~"),
    }


def _refused_elsewhere(
    entries: Sequence[Mapping[str, Any]], refused: Sequence[Any]
) -> List[Dict[str, Any]]:
    """Rows of items that left the spool, which the database refused: the ledger has them."""
    known = {entry["item"] for entry in entries}
    return [
        {
            "item": each.item,
            "state": "gone",
            "name": each.file_name,
            "at": each.loaded_at.isoformat(timespec="milliseconds"),
            "effect": "rejected",
            "reason": each.message,
            "changes": [],
            "refused": [],
            "rejects": [],
        }
        for each in refused
        if each.item not in known
    ]


def _database(
    asked: Reached, table: Optional[TargetTable], entries: Sequence[Mapping[str, Any]]
) -> Dict[str, Any]:
    found = asked.found or {}
    row = found.get("row")
    return {
        "reachable": asked.found is not None,
        "trouble": asked.trouble or None,
        "row": row,
        "other": _other(row, table, entries) if row else [],
        "pruned": found.get("pruned"),
    }


def _other(
    row: Mapping[str, Optional[str]],
    table: Optional[TargetTable],
    entries: Sequence[Mapping[str, Any]],
) -> List[Dict[str, Any]]:
    """Columns that hold something else than what the kept items left there."""
    left: Dict[str, Optional[str]] = {}
    for entry in entries:
        if entry["effect"] in ("inserted", "updated", "brought"):
            left.update({change["column"]: change["new"] for change in entry["changes"]})
    return [
        {"column": name, "expected": value, "stored": row[name]}
        for name, value in left.items()
        if name in row and not same(table.column(name) if table else None, value, row[name])
    ]
