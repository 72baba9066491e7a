"""The target table as the stages need it: from the database, or from the spool's snapshot."""

from __future__ import annotations

import logging
from typing import FrozenSet, List, Optional, Sequence

from ttcli import table as tables
from ttcli.config import DatabaseSettings
from ttcli.errors import AccessDenied, Temporary, TtcliError
from ttcli.spool.store import Spool
from ttcli.table import TargetTable

log = logging.getLogger(__name__)

SNAPSHOT = "table"
_PATIENCE = 4  # without a snapshot nothing can be read: worth the 7 seconds that load waits too


def current_table(spool: Spool, settings: DatabaseSettings, keep: bool = True) -> TargetTable:
    """The table's columns and types; while the database is away, as they were last seen.

    Raises:
        OutsideFault: The database is away and was never seen, or the table does not fit.
    """
    from ttcli.database.connect import connect
    from ttcli.database.target import read_table

    try:
        connection = connect(settings, attempts=_PATIENCE if _never_seen(spool, settings) else 1)
        try:
            table = read_table(connection, settings)
        finally:
            connection.close()
    except (Temporary, AccessDenied) as error:
        known = known_table(spool, settings)
        if known is None:
            raise
        log.warning("%s; workbooks are read for the table as it was last seen", error.message)
        return known
    if keep:
        keep_snapshot(spool, table)
    return table


def _never_seen(spool: Spool, settings: DatabaseSettings) -> bool:
    return known_table(spool, settings) is None


def known_table(spool: Spool, settings: DatabaseSettings) -> Optional[TargetTable]:
    """The table that the settings name, as it was last seen; None if it never was."""
    snapshot = spool.read_state(SNAPSHOT)
    table = tables.from_json(snapshot) if snapshot else None
    return table if table and _same_target(table, settings) else None


def table_if_known(spool: Spool, settings: DatabaseSettings) -> Optional[TargetTable]:
    """The same for a command that needs no spool: one that is not there, or not ours, is none."""
    try:
        return known_table(spool, settings)
    except (OSError, TtcliError):
        return None


def keep_snapshot(spool: Spool, table: TargetTable) -> None:
    """Remembers the table for the time the database is away."""
    snapshot = tables.to_json(table)
    stored = spool.read_state(SNAPSHOT)
    if stored is None or tables.from_json(stored) != table:
        spool.write_state(SNAPSHOT, snapshot)


def _same_target(table: TargetTable, settings: DatabaseSettings) -> bool:
    """Whether a snapshot is of the table that the settings name today."""
    seen = (table.schema, table.name)[-len(settings.target) :]
    return _folded(seen, table.key) == _folded(settings.target, settings.key)


def _folded(target: Sequence[str], key: Sequence[str]) -> List[List[str]]:
    return [[name.lower() for name in names] for names in (target, key)]


def reserved_columns(settings: DatabaseSettings) -> FrozenSet[str]:
    """The columns that ttcli fills itself, where the table has them."""
    return frozenset({"processed_at", "file_source", settings.source_time_column} - {""})
