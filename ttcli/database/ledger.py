"""The ledger `<target>_loads`: one row an item, written in the transaction that loads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import psycopg2.errors
from psycopg2 import sql

from ttcli.config import DatabaseSettings
from ttcli.database.connect import Connection, transaction
from ttcli.database.encoding import clean, codec_of
from ttcli.database.given import REPLAY
from ttcli.database.target import quoted
from ttcli.errors import AccessDenied, ConfigError
from ttcli.table import TargetTable

# `number` tells which load came last: a clock can be set back.
_COLUMNS: Tuple[Tuple[str, str], ...] = (
    ("item_id", "text PRIMARY KEY"),
    ("number", "bigint GENERATED ALWAYS AS IDENTITY UNIQUE"),
    ("file_sha256", "text"),
    ("rows_sha256", "text"),
    ("columns", "text[]"),
    ("file_name", "text"),
    ("message_id", "text"),
    ("sender", "text"),
    ("subject", "text"),
    ("source_at", "timestamptz"),
    ("rows_read", "bigint"),
    ("inserted", "bigint"),
    ("updated", "bigint"),
    ("unchanged", "bigint"),
    ("stale", "bigint"),
    ("rejected", "bigint"),
    ("duplicate_of", "text"),
    ("loaded_at", "timestamptz DEFAULT now()"),
    ("duration_ms", "bigint"),
    ("ttcli_version", "text"),
    # Rows that the database refused, so that nothing is forgotten when we die after COMMIT.
    ("rejects", "jsonb"),
    # What confirm.py keeps for items that come late.
    ("keys", "text[]"),
    ("keys_digest", "text"),
    ("keys_until", "timestamptz"),
    # How values were merged: with other policies the same rows may change something.
    ("policies", "text"),
    ("keys_hashed", "bigint[]"),
)
SHOWN = tuple(name for name, _ in _COLUMNS if not name.startswith(("keys", "rejects", "policies")))
_LONGEST_NAME = 63  # bytes, PostgreSQL's NAMEDATALEN - 1


class Entry(NamedTuple):
    """What a load needs to know of an earlier one.

    Attributes:
        confirmed_later: Whether any load confirmed rows as of a time later than asked for.
        rejects: Only of the item asked for.
    """

    item_id: str
    rows_sha256: str
    columns: List[str]
    source_at: datetime
    inserted: int
    updated: int
    unchanged: int
    stale: int
    duplicate_of: Optional[str]
    duration_ms: int
    policies: Optional[str]
    refused: bool
    confirmed_later: bool
    rejects: Optional[List[List[str]]]


def item_of(ledger_id: str) -> str:
    """The item that a row of the ledger is about."""
    return ledger_id.partition(REPLAY)[0]


def name_of(table: TargetTable) -> str:
    """The ledger's name; a long target's is cut, and then tells by a hash whose ledger it is."""
    room = _LONGEST_NAME - len("_loads_keys")
    name = table.name.encode()
    if len(name) <= room:
        return table.name + "_loads"
    import hashlib

    mark = "_" + hashlib.sha256(name).hexdigest()[:8]
    return name[: room - len(mark)].decode(errors="ignore") + mark + "_loads"


def ledger_of(table: TargetTable) -> sql.Identifier:
    """The ledger as part of a statement."""
    return sql.Identifier(table.schema, name_of(table))


def statements(table: TargetTable) -> List[str]:
    """The DDL that makes the ledger, or completes one of an older version."""
    where = quoted(table.schema, name_of(table))
    body = ",\n    ".join(f"{name} {declared}" for name, declared in _COLUMNS)
    return [f"CREATE TABLE IF NOT EXISTS {where} (\n    {body}\n)", _index(table)]


def grant(table: TargetTable, role: str) -> str:
    """The rights to the ledger; UPDATE moves on the time of confirmed keys."""
    return f"GRANT SELECT, INSERT, UPDATE ON {quoted(table.schema, name_of(table))} TO {role};"


def _index(table: TargetTable) -> str:
    """Keeps the look for later confirmations, which every load has, off the whole ledger."""
    where = quoted(table.schema, name_of(table))
    name = quoted(name_of(table) + "_keys")
    return f"CREATE INDEX IF NOT EXISTS {name} ON {where} (keys_until) WHERE keys_until IS NOT NULL"


def ensure(cursor: Any, table: TargetTable) -> None:
    """Creates the ledger where it is missing.

    Raises:
        AccessDenied: The ledger is missing and the role may not create it.
        ConfigError: Another table has its name.
    """
    missing = _missing(cursor, table)
    if not missing:
        return
    try:
        # Two hosts that both find no ledger would collide even in CREATE TABLE IF NOT EXISTS.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ttcli ledger'))")
        for statement in _cure(table, missing):
            cursor.execute(statement)
    except psycopg2.errors.InsufficientPrivilege as error:
        role = quoted(cursor.connection.info.user)
        hint = "as the table's owner: " + "; ".join([*_cure(table, missing), grant(table, role)])
        where = quoted(table.schema, name_of(table))
        raise AccessDenied(f"Ledger {where} is missing and may not be created", hint) from error


def _missing(cursor: Any, table: TargetTable) -> List[str]:
    """The ledger's columns that are not there; all of them without a ledger."""
    where = quoted(table.schema, name_of(table))
    cursor.execute(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0",
        (where,),
    )
    there = {name for (name,) in cursor.fetchall()}
    if there and "item_id" not in there:
        raise ConfigError(
            f"Table {where} is not a ledger of ttcli",
            "rename it: ttcli keeps its ledger under this name",
        )
    return [name for name, _ in _COLUMNS if name not in there]


def _cure(table: TargetTable, missing: List[str]) -> List[str]:
    if len(missing) == len(_COLUMNS):
        return statements(table)
    where = quoted(table.schema, name_of(table))
    declared = dict(_COLUMNS)
    add = [f"ALTER TABLE {where} ADD COLUMN IF NOT EXISTS {n} {declared[n]}" for n in missing]
    return [*add, _index(table)]


def entries(
    cursor: Any, table: TargetTable, item_id: str, at: datetime, before: sql.Composable
) -> Tuple[Optional[Entry], Optional[Entry]]:
    """The row of this load (`Load.ledger_id`), and the latest row of all.

    Args:
        at: The load's as-of time.
        before: Sent ahead in the same round trip; what follows sees what was committed till then.
    """
    shown = [sql.Identifier(name) for name in Entry._fields[:-3]]
    cursor.execute(
        sql.SQL(
            "{before} SELECT {fields}, rejects FROM {ledger} WHERE item_id = {item}"
            " UNION ALL (SELECT {fields}, NULL FROM {ledger} ORDER BY number DESC LIMIT 1)"
        ).format(
            before=before,
            fields=sql.SQL(
                "{}, rejects IS NOT NULL, EXISTS (SELECT FROM {} WHERE keys_until > {})"
            ).format(sql.SQL(", ").join(shown), ledger_of(table), sql.Literal(at)),
            ledger=ledger_of(table),
            item=sql.Literal(item_id),
        )
    )
    found = [Entry(*row) for row in cursor.fetchall()]
    mine = next((entry for entry in found if entry.item_id == item_id), None)
    return mine, found[-1] if found else None


def loaded_before(cursor: Any, table: TargetTable, item_id: str) -> Tuple[bool, bool]:
    """Whether this item was loaded ever, and whether another one was since it first was."""
    cursor.execute(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM {ledger} WHERE item_id = {item}), EXISTS ("
            "SELECT FROM {ledger} WHERE split_part(item_id, {mark}, 1) <> {item}"
            " AND number > (SELECT number FROM {ledger} WHERE item_id = {item}))"
        ).format(ledger=ledger_of(table), item=sql.Literal(item_id), mark=sql.Literal(REPLAY))
    )
    ever, other_since = cursor.fetchone()
    return ever, other_since


def write(cursor: Any, table: TargetTable, row: Dict[str, Any]) -> None:
    """Adds a row; what no text column of this database takes is replaced."""
    codec = codec_of(cursor.connection)
    values = [
        value if isinstance(value, sql.Composable) else sql.Literal(clean(value, codec))
        for value in row.values()
    ]
    cursor.execute(
        sql.SQL("INSERT INTO {ledger} ({names}) VALUES ({values})").format(
            ledger=ledger_of(table),
            names=sql.SQL(", ").join(map(sql.Identifier, row)),
            values=sql.SQL(", ").join(values),
        )
    )


def last_loads(
    connection: Connection,
    settings: DatabaseSettings,  # noqa: ARG001 - the same first arguments everywhere in this room
    table: TargetTable,
    limit: int,
) -> List[Dict[str, Any]]:
    """The latest rows of the ledger, newest first, as dicts of its documented columns.

    An empty list where no ledger is yet.
    """
    where = quoted(table.schema, name_of(table))
    with transaction(connection), connection.cursor() as cursor:
        cursor.execute("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", (where,))
        if not cursor.fetchone():
            return []
        cursor.execute(
            sql.SQL("SELECT {} FROM {} ORDER BY number DESC LIMIT {}").format(
                sql.SQL(", ").join(map(sql.Identifier, SHOWN)),
                ledger_of(table),
                sql.Literal(limit),
            )
        )
        return [dict(zip(SHOWN, row)) for row in cursor.fetchall()]
