"""One item into the target table: all of it or nothing, once, and never over newer rows."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple

import psycopg2
import tenacity
from psycopg2 import sql

from ttcli import __version__
from ttcli.config import DatabaseSettings
from ttcli.database import ledger, staging
from ttcli.database.connect import Connection, transaction
from ttcli.database.target import quoted
from ttcli.database.upsert import Census, Upsert, untouched_positions
from ttcli.errors import BadItem, ConfigError, Temporary
from ttcli.table import TableColumn, TargetTable

_ADVISORY = 0x7474636C  # "ttcl": our half of the lock's key, the table's oid is the other
_ATTEMPTS = 4


class Load(NamedTuple):
    """One item, read and ready.

    Attributes:
        source_at: The as-of time, aware.
        rows_read, rejected: As the rows room counted them.
        columns: The columns of rows.tsv in its order, without the trailing origin.
        rows: rows.tsv: COPY text format, unique by key, with a trailing field
            `<sheet>:<row>[ <position>,…]`, where the positions (1-based, in `columns`) are
            cells whose stored values stay as they are.
        untouched: How many rows have such positions.
    """

    item_id: str
    file_sha256: str
    rows_sha256: str
    file_name: str
    message_id: str
    sender: str
    subject: str
    source_at: datetime
    rows_read: int
    rejected: int
    columns: Tuple[str, ...]
    rows: Path
    untouched: int = 0


class Loaded(NamedTuple):
    """What became of an item's rows; the first four add up to the rows of rows.tsv.

    Attributes:
        stale: Rows left alone because the target holds newer ones.
        duplicate_of: The item id of the load that this one repeats; nothing was done then.
        already: The ledger had this very item; the numbers are those of its load.
    """

    inserted: int
    updated: int
    unchanged: int
    stale: int
    duplicate_of: Optional[str] = None
    already: bool = False
    duration_ms: int = 0


def load_item(
    connection: Connection, settings: DatabaseSettings, table: TargetTable, load: Load
) -> Loaded:
    """Loads one item in one transaction; deadlocks and serialization failures are tried again.

    Raises:
        BadItem: The database refuses a value.
        Temporary, AccessDenied, ConfigError: As the server says; nothing was changed.
    """
    _check_columns(table, load)
    staging.ensure_schema(connection, settings)
    ledger.ensure(connection, table)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_worth_another_try),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    return retrying(_load, connection, settings, table, load)


def _worth_another_try(error: BaseException) -> bool:
    """Deadlock (40P01) or serialization failure (40001): the same connection can go on."""
    cause = error.__cause__
    state = cause.pgcode if isinstance(cause, psycopg2.Error) else None
    return isinstance(error, Temporary) and (state or "").startswith("40")


def _check_columns(table: TargetTable, load: Load) -> None:
    unknown = [name for name in load.columns if table.column(name) is None]
    lacking = [name for name in table.key if name not in load.columns]
    if unknown or lacking:
        where = quoted(table.schema, table.name)
        words = [f"{where} has no column {name}" for name in unknown]
        words += [f"the rows have no key column {name}" for name in lacking]
        raise ConfigError(
            f"{load.file_name}: " + "; ".join(words), "read the item again: `ttcli retry`"
        )


def _load(
    connection: Connection, settings: DatabaseSettings, table: TargetTable, load: Load
) -> Loaded:
    began = time.monotonic()
    with transaction(connection), connection.cursor() as cursor:
        _serialise(cursor, table)
        mine, latest = ledger.entries(cursor, table, load.item_id)
        if mine:
            return _already(mine)
        original = _repeats(load, latest)
        if original:
            loaded = Loaded(0, 0, staging.count_rows(load.rows), 0, original)
        else:
            loaded = _apply(cursor, settings, table, load)
        loaded = loaded._replace(duration_ms=int((time.monotonic() - began) * 1000))
        ledger.write(cursor, table, _ledger_row(load, loaded))
    return loaded


def _serialise(cursor: Any, table: TargetTable) -> None:
    """One load of this table at a time, on however many hosts; other writers are not hindered."""
    name = sql.Literal(quoted(table.schema, table.name))
    cursor.execute(
        sql.SQL("SELECT pg_advisory_xact_lock({}, {}::regclass::oid::int4)").format(
            sql.Literal(_ADVISORY), name
        )
    )


def _already(entry: ledger.Entry) -> Loaded:
    counts = (entry.inserted, entry.updated, entry.unchanged, entry.stale)
    return Loaded(*counts, entry.duplicate_of, True, entry.duration_ms)


def _repeats(load: Load, latest: Optional[ledger.Entry]) -> Optional[str]:
    """The load that this one repeats: the latest, so that A, B, A ends as A.

    Stale rows in that load are no reason to leave out this one, which may be newer; nor is the
    same file that now reads differently, because somebody corrected the mapping.
    """
    if latest is None or latest.stale or latest.rows_sha256 != load.rows_sha256:
        return None
    if list(load.columns) != latest.columns:
        return None
    return latest.duplicate_of or latest.item_id


def _apply(cursor: Any, settings: DatabaseSettings, table: TargetTable, load: Load) -> Loaded:
    stage = staging.stage(settings)
    staging.create(cursor, stage, table, load.columns)
    try:
        rows = staging.copy(cursor, stage, load.rows, table.key)
        loaded = _merge(cursor, _upsert(cursor, settings, table, load, stage), rows)
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        raise BadItem(
            f"{load.file_name}: PostgreSQL refuses a row: {error.diag.message_primary}",
            error.diag.context or error.diag.message_detail or "",
            kind="refused",
        ) from error
    staging.drop(cursor, stage)
    return loaded


def _upsert(
    cursor: Any, settings: DatabaseSettings, table: TargetTable, load: Load, stage: sql.Identifier
) -> Upsert:
    source_time = _column(table, settings.source_time_column)
    filled = _filled(table, source_time, load)
    brought = [table.column(name) for name in load.columns if name not in filled]
    positions = untouched_positions(cursor, stage) if load.untouched else ()
    return Upsert(
        table=table,
        stage=stage,
        columns=[column for column in brought if column and column.writable],
        filled=filled,
        source_time=source_time.name if source_time else "",
        as_of=sql.Literal(load.source_at),
        untouched={load.columns[position - 1]: position for position in positions},
    )


def _column(table: TargetTable, name: str) -> Optional[TableColumn]:
    """A column that we fill, found in any case, if it may be written and is not the key."""
    for column in table.columns:
        if name and column.name.lower() == name.lower() and column.name not in table.key:
            return column if column.writable else None
    return None


def _filled(
    table: TargetTable, source_time: Optional[TableColumn], load: Load
) -> Dict[str, sql.Composable]:
    """What we fill in by ourselves, where the target has the column."""
    filled: Dict[str, sql.Composable] = {}
    processed = _column(table, "processed_at")
    if processed:
        filled[processed.name] = sql.SQL("now()")
    source = _column(table, "file_source")
    if source:
        filled[source.name] = sql.Literal(ledger.clean(load.file_name)[: source.length])
    if source_time:
        filled[source_time.name] = sql.Literal(load.source_at)
    return filled


def _merge(cursor: Any, upsert: Upsert, rows: int) -> Loaded:
    """Takes a census and does what it calls for."""
    cursor.execute(upsert.census())
    census = Census(*cursor.fetchone())
    if census.keyless:
        raise BadItem(f"{census.keyless} row(s) without a key", "", kind="refused")
    updated = _run(cursor, upsert.update()) if census.changed else 0
    inserted = _run(cursor, upsert.insert(census.new == rows)) if census.new else 0
    # Exact whatever a trigger swallows or another writer does between the statements.
    return Loaded(inserted, updated, rows - inserted - updated - census.stale, census.stale)


def _run(cursor: Any, statement: sql.Composable) -> int:
    cursor.execute(statement)
    return int(cursor.rowcount)


def _ledger_row(load: Load, loaded: Loaded) -> Dict[str, Any]:
    row = {name: getattr(load, name) for name in _FROM_LOAD}
    row.update(zip(("inserted", "updated", "unchanged", "stale", "duplicate_of"), loaded))
    return {
        **row,
        "columns": list(load.columns),
        "duration_ms": loaded.duration_ms,
        "ttcli_version": __version__,
    }


_FROM_LOAD = (
    "item_id", "file_sha256", "rows_sha256", "file_name", "message_id", "sender", "subject",
    "source_at", "rows_read", "rejected",
)  # fmt: skip
