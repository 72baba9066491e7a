"""rows.tsv into the staging table and from there into the target, inside the load's transaction."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import psycopg2.errors
from psycopg2 import sql

from ttcli.database import careful, ledger, staging
from ttcli.database.careful import Reject, Tables
from ttcli.database.confirm import confirm, drop_confirmed_later
from ttcli.database.encoding import clean, codec_of
from ttcli.database.given import Given, Load
from ttcli.database.sample import Difference, Refusal, differences, refusals
from ttcli.database.upsert import SORTED_AT_MOST, Census, Upsert, listed, of, untouched_positions
from ttcli.table import TableColumn, TargetTable

# Key types of which different texts may be one key: what the rows room tells apart may meet here.
_ONE_TEXT_A_KEY = {"text", "varchar"}
_TEXTS = {"text", "varchar", "bpchar", "citext", "name"}


class RowRefused(Exception):
    """A row cannot be loaded: which one, only the careful way tells."""


class Merged(NamedTuple):
    """What was done; `staged` are the tables to drop, `confirmed` is for the ledger's row."""

    inserted: int
    updated: int
    unchanged: int
    stale: int
    staged: Sequence[sql.Identifier] = ()
    confirmed: Mapping[str, Any] = {}
    rejects: Tuple[Reject, ...] = ()
    refused: int = 0
    refusals: Tuple[Refusal, ...] = ()
    differences: Tuple[Difference, ...] = ()


def quickly(cursor: Any, given: Given) -> Merged:
    """The ordinary way: one refused row refuses the whole.

    Raises:
        psycopg2.Error: As PostgreSQL says.
    """
    stage, rows = _staged(cursor, given)
    upsert = upsert_of(cursor, given, stage)
    _refuse_twins(cursor, given.table, upsert)
    late = drop_confirmed_later(cursor, upsert, given.load.source_at)
    return _merged(cursor, given, upsert, rows, late)


def carefully(cursor: Any, given: Given) -> Merged:
    """The same with refused rows left out, each with its reason.

    Raises:
        psycopg2.Error: What no row is to blame for.
    """
    load, table = given.load, given.table
    raw, stage = staging.new_name(given.settings), staging.new_name(given.settings)
    staging.create_raw(cursor, raw, load.columns)
    staging.create_plain(cursor, stage, table, load.columns)
    rows = staging.copy_raw(cursor, raw, load.rows, load.columns)
    tables = Tables(raw, stage, rows, careful.row_security(cursor, table))
    careful.convert(cursor, tables, load.columns, load.serials)
    upsert = upsert_of(cursor, given, stage)
    careful.reject_keyless_and_twins(cursor, tables, upsert)
    late = drop_confirmed_later(cursor, upsert, load.source_at)
    return _merged(cursor, given, upsert, rows, late, tables)


def repeat(cursor: Any, given: Given, newer: bool) -> Merged:
    """Rows that are all there already: nothing to do, but to confirm them as of a newer time."""
    if not (newer and _column(given.table, given.settings.source_time_column)):
        return Merged(0, 0, staging.count_rows(given.load.rows), 0)
    stage, rows = _staged(cursor, given)
    upsert = upsert_of(cursor, given, stage)
    return Merged(0, 0, rows, 0, _to_drop(given, stage), _confirm(cursor, given, upsert))


def _staged(cursor: Any, given: Given) -> Tuple[sql.Identifier, int]:
    stage = given.stage or staging.new_name(given.settings)
    if not given.stage:
        staging.create(cursor, stage, given)
    rows = staging.copy(cursor, stage, given.load)
    staging.analyze(cursor, stage, rows, given.table.key)
    return stage, rows


def _to_drop(given: Given, stage: sql.Identifier) -> Sequence[sql.Identifier]:
    return [] if given.stage else [stage]


def _merged(
    cursor: Any,
    given: Given,
    upsert: Upsert,
    rows: int,
    late: int,
    tables: Optional[Tables] = None,
) -> Merged:
    """Takes a census, shows what is asked for, and does what the census calls for."""
    cursor.execute(upsert.census())
    census = Census(*cursor.fetchone())
    if census.keyless:
        raise RowRefused("a part of the key is empty")
    shown = differences(cursor, upsert, given.sample) if given.sample else ()
    refused = refusals(cursor, upsert) if census.refused else ()
    if tables:
        updated, inserted = careful.merge(cursor, tables, upsert)
        rejects = careful.rejects(cursor, tables, upsert)
        careful.forget_rejected(cursor, tables)
    else:
        updated, inserted = _write(cursor, upsert, census, rows, late)
        rejects = ()
    stale = census.stale + late
    # Exact whatever a trigger swallows or another writer does between the statements.
    unchanged = rows - inserted - updated - stale - len(rejects)
    return Merged(
        inserted=inserted,
        updated=updated,
        unchanged=unchanged,
        stale=stale,
        staged=[tables.raw, tables.stage] if tables else _to_drop(given, upsert.stage),
        confirmed=_confirm(cursor, given, upsert) if unchanged else {},
        rejects=rejects,
        refused=census.refused,
        refusals=refused,
        differences=shown,
    )


def _write(cursor: Any, upsert: Upsert, census: Census, rows: int, late: int) -> Tuple[int, int]:
    """Updates and inserts, each only where there is something to; returns both counts."""
    updated = inserted = 0
    if census.changed:
        cursor.execute(upsert.update())
        updated = cursor.rowcount
    new = rows - late - census.stored
    if new:
        _insert(cursor, upsert, new, all_new=not census.stored)
        inserted = cursor.rowcount
    return updated, inserted


def _insert(cursor: Any, upsert: Upsert, new: int, all_new: bool) -> None:
    """Adds the new rows; ON CONFLICT costs many rows a fifth, so it waits until there is one."""
    if new <= SORTED_AT_MOST:
        cursor.execute(upsert.insert(new, all_new))
        return
    cursor.execute("SAVEPOINT alone")
    try:
        cursor.execute(upsert.insert(new, all_new, alone=True))
    except psycopg2.errors.UniqueViolation:
        # Another writer was quicker with a key, or it is another constraint, which says so again.
        cursor.execute("ROLLBACK TO alone")
        cursor.execute(upsert.insert(new, all_new))


def _confirm(cursor: Any, given: Given, upsert: Upsert) -> Dict[str, Any]:
    sender = clean(given.load.sender, codec_of(cursor.connection))
    return confirm(cursor, upsert, given.load.source_at, sender)


def _refuse_twins(cursor: Any, table: TargetTable, upsert: Upsert) -> None:
    """Two texts may be one key to the key's type (citext, numbers): one of them would get lost."""
    if all(column.type in _ONE_TEXT_A_KEY and not column.loose for column in upsert.key):
        return
    names = listed(of("s", name) for name in table.key)
    cursor.execute(
        sql.SQL("SELECT 1 FROM {} AS s GROUP BY {} HAVING count(*) > 1 LIMIT 1").format(
            upsert.stage, names
        )
    )
    if cursor.fetchone():
        raise RowRefused("two rows have one key")


def upsert_of(cursor: Any, given: Given, stage: sql.Identifier) -> Upsert:
    """The statements for this load."""
    table, load = given.table, given.load
    source_time = _column(table, given.settings.source_time_column)
    codec = codec_of(cursor.connection)
    filled = _filled(table, source_time, load._replace(file_name=clean(load.file_name, codec)))
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
        policies=given.policies,
        kept=_kept(cursor, given, source_time, filled) if load.replay else None,
    )


def _kept(
    cursor: Any,
    given: Given,
    source_time: Optional[TableColumn],
    filled: Mapping[str, sql.Composable],
) -> Optional[sql.Composable]:
    """What a replay leaves alone although it is not of a newer time.

    Of two files with the very same time the one loaded later wins; a replay would always be that
    one. And without a column for the time nothing tells what is newer than the replayed item.
    """
    ever, other_since = ledger.loaded_before(cursor, given.table, given.load.item_id)
    if source_time is None:
        return sql.SQL("true") if other_since else None
    source = _column(given.table, "file_source")
    if source is None or not ever:
        return None
    return sql.SQL("({} = {} AND {} <> {})").format(
        of("t", source_time.name), filled[source_time.name],
        of("t", source.name), filled[source.name],
    )  # fmt: skip


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
    if source and source.type in _TEXTS:
        filled[source.name] = sql.Literal(load.file_name[: source.length])
    if source_time:
        filled[source_time.name] = sql.Literal(load.source_at)
    return filled
