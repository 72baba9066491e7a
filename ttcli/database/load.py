"""One item into the target table: all of it or nothing, once, and never over newer rows."""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple, TypeVar

import psycopg2
import tenacity
from psycopg2 import sql

from ttcli import __version__
from ttcli.config import DatabaseSettings
from ttcli.database import ledger, merge, staging
from ttcli.database.careful import Reject
from ttcli.database.connect import Connection, savepoint, transaction
from ttcli.database.faults import MISSING_RIGHT, refuses_a_row
from ttcli.database.given import Given, Load
from ttcli.database.merge import Merged, RowRefused
from ttcli.database.sample import Difference, Refusal
from ttcli.database.target import quoted
from ttcli.errors import BadItem, ConfigError, Temporary
from ttcli.table import Policy, TargetTable

_ADVISORY = 0x7474636C  # "ttcl": our half of the lock's key, the table's oid is the other
_ATTEMPTS = 4


class Loaded(NamedTuple):
    """What became of an item's rows.

    inserted + updated + unchanged + stale + len(rejects) is the number of rows in rows.tsv.

    Attributes:
        stale: Rows left alone because the target holds newer ones.
        duplicate_of: The item id of the load that this one repeats; nothing was done then.
        already: The ledger had this very item; the numbers are those of its load.
        rejects: Rows that the database refused, with its own message.
        refused: Number of cells whose change a column's policy refused.
        refusals: The first of them.
    """

    inserted: int
    updated: int
    unchanged: int
    stale: int
    duplicate_of: Optional[str] = None
    already: bool = False
    duration_ms: int = 0
    rejects: Tuple[Reject, ...] = ()
    refused: int = 0
    refusals: Tuple[Refusal, ...] = ()


class DryRun(NamedTuple):
    """What a load would do, and the first rows that it would write."""

    loaded: Loaded
    differences: Tuple[Difference, ...]


def load_item(
    connection: Connection,
    settings: DatabaseSettings,
    table: TargetTable,
    load: Load,
    policies: Optional[Mapping[str, Policy]] = None,
) -> Loaded:
    """Loads one item in one transaction; deadlocks and serialization failures are tried again.

    Args:
        policies: Column → how stored and new value become one, where that is not overwriting.

    Raises:
        BadItem: rows.tsv cannot be read by the database at all.
        Temporary, AccessDenied, ConfigError: As the server says; nothing was changed.
    """
    given = Given(settings, table, load, policies or {})
    _check_columns(given)
    _prepare(connection, given)
    stage = staging.kept(connection, given)
    given = given._replace(stage=stage)
    return _persistently(lambda way: _load(connection, given, way))


def dry_run(
    connection: Connection,
    settings: DatabaseSettings,
    table: TargetTable,
    load: Load,
    policies: Optional[Mapping[str, Policy]] = None,
    limit: int = 20,
    keep: bool = False,
) -> DryRun:
    """What `load_item` would do: the same statements, rolled back. Raises the same.

    Args:
        limit: How many differences are shown.
        keep: Leave the transaction open, so that the next item meets what this one would have
            written; closing the connection rolls all of it back.
    """
    given = Given(settings, table, load, policies or {}, limit)
    _check_columns(given)
    told = _persistently(lambda way: _rehearse(connection, given, way))
    if not keep:
        connection.rollback()
    return told


Way = Callable[[Any, Given], Merged]
Result = TypeVar("Result")


def _persistently(attempt: Callable[[Way], Result]) -> Result:
    """The quick way, then the careful one if a row was refused; each again after a deadlock."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_worth_another_try),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    try:
        return retrying(attempt, merge.quickly)
    except RowRefused:
        return retrying.copy()(attempt, merge.carefully)


def _worth_another_try(error: BaseException) -> bool:
    """Deadlock (40P01) or serialization failure (40001): the same connection can go on."""
    cause = error.__cause__
    state = cause.pgcode if isinstance(cause, psycopg2.Error) else None
    return isinstance(error, Temporary) and (state or "").startswith("40")


def _check_columns(given: Given) -> None:
    table, load = given.table, given.load
    unknown = [name for name in load.columns if table.column(name) is None]
    lacking = [name for name in table.key if name not in load.columns]
    if unknown or lacking:
        where = quoted(table.schema, table.name)
        words = [f"{where} has no column {name}" for name in unknown]
        words += [f"the rows have no key column {name}" for name in lacking]
        raise ConfigError(f"{load.file_name}: {'; '.join(words)}", "have the item read again")


def _prepare(connection: Connection, given: Given) -> None:
    """Makes sure of staging schema and ledger, once a connection."""
    key = (given.settings.temp_schema, given.table.schema, given.table.name)
    if key in connection.prepared:
        return
    with transaction(connection), connection.cursor() as cursor:
        _ensure(cursor, given)
    connection.prepared.add(key)


def _ensure(cursor: Any, given: Given) -> None:
    staging.ensure_schema(cursor, given.settings)
    ledger.ensure(cursor, given.table)


def _load(connection: Connection, given: Given, way: Way) -> Loaded:
    with transaction(connection), connection.cursor() as cursor:
        return _in_transaction(cursor, given, way)[0]


def _rehearse(connection: Connection, given: Given, way: Way) -> DryRun:
    with savepoint(connection) as cursor:
        _ensure(cursor, given)
        loaded, merged = _in_transaction(cursor, given, way)
    return DryRun(loaded, merged.differences if merged else ())


def _in_transaction(cursor: Any, given: Given, way: Way) -> Tuple[Loaded, Optional[Merged]]:
    began = time.monotonic()
    lock = _serialising(given.table)
    mine, latest = ledger.entries(cursor, given.table, given.load.ledger_id, lock)
    if mine:
        return _already(mine), None
    original = latest if latest and _repeats(given, latest) else None
    if original:
        merged = merge.repeat(cursor, given, given.load.source_at > original.source_at)
    else:
        merged = _merge(cursor, given, way)
    loaded = _loaded(merged, original, began)
    ledger.write(cursor, given.table, {**_ledger_row(given, loaded), **merged.confirmed})
    for name in merged.staged:
        staging.drop(cursor, name)
    return loaded, merged


def _serialising(table: TargetTable) -> sql.Composable:
    """One load of this table at a time, on however many hosts; other writers are not hindered.

    A constraint checked only at COMMIT could no longer reject one row, so none is.
    """
    name = sql.Literal(quoted(table.schema, table.name))
    return sql.SQL(
        "SET CONSTRAINTS ALL IMMEDIATE; SELECT pg_advisory_xact_lock({}, {}::regclass::oid::int4);"
    ).format(sql.Literal(_ADVISORY), name)


def _already(entry: ledger.Entry) -> Loaded:
    counts = (entry.inserted, entry.updated, entry.unchanged, entry.stale)
    rejects = tuple(Reject(*reject) for reject in entry.rejects or ())
    return Loaded(*counts, entry.duplicate_of, True, entry.duration_ms, rejects)


def _repeats(given: Given, latest: ledger.Entry) -> bool:
    """Whether the latest load already did all that this one would; so A, B, A ends as A.

    Rows of it that were stale, or that the database refused, are a reason to load them again:
    this item may be newer, and somebody may have corrected the table. A file that reads
    differently, or is merged differently, since somebody corrected the mapping is no repetition
    either, and a replay is asked for because something may have changed: the table, for one.
    """
    load = given.load
    if load.replay:
        return False
    same = latest.rows_sha256 == load.rows_sha256 and latest.columns == list(load.columns)
    as_then = latest.policies == _policies(given)
    return same and as_then and not latest.stale and not latest.refused


def _policies(given: Given) -> str:
    """The policies of the columns that the item brings, as the ledger keeps them."""
    brought = {n: p for n, p in given.policies.items() if n in given.load.columns}
    return json.dumps(brought, sort_keys=True) if brought else ""


def _merge(cursor: Any, given: Given, way: Way) -> Merged:
    try:
        return way(cursor, given)
    except psycopg2.Error as error:
        if not refuses_a_row(error):
            raise
        if way is not merge.carefully:
            raise RowRefused from error
        if error.pgcode == MISSING_RIGHT:
            raise
        why = error.diag.message_primary
        raise BadItem(
            f"{given.load.file_name}: PostgreSQL cannot take the rows: {why}",
            error.diag.context or error.diag.message_detail or "",
            kind="refused",
        ) from error


def _loaded(merged: Merged, original: Optional[ledger.Entry], began: float) -> Loaded:
    return Loaded(
        inserted=merged.inserted,
        updated=merged.updated,
        unchanged=merged.unchanged,
        stale=merged.stale,
        duplicate_of=ledger.item_of(original.duplicate_of or original.item_id)
        if original
        else None,
        duration_ms=int((time.monotonic() - began) * 1000),
        rejects=merged.rejects,
        refused=merged.refused,
        refusals=merged.refusals,
    )


_FROM_LOAD = (
    "file_sha256", "rows_sha256", "file_name", "message_id", "sender", "subject",
    "source_at", "rows_read",
)  # fmt: skip
_FROM_LOADED = ("inserted", "updated", "unchanged", "stale", "duplicate_of", "duration_ms")


def _ledger_row(given: Given, loaded: Loaded) -> Dict[str, Any]:
    load = given.load
    rejects = [list(reject) for reject in loaded.rejects]
    return {
        "item_id": load.ledger_id,
        **{name: getattr(load, name) for name in _FROM_LOAD},
        **{name: getattr(loaded, name) for name in _FROM_LOADED},
        "columns": list(load.columns),
        "policies": _policies(given),
        "rejected": load.rejected + len(rejects),
        "rejects": json.dumps(rejects, ensure_ascii=False) if rejects else None,
        "ttcli_version": __version__,
    }
