"""What the database knows of one key, and of past loads: only read, and nothing is made."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import psycopg2
from psycopg2 import sql

from ttcli.database.connect import Connection, transaction
from ttcli.database.given import REPLAY
from ttcli.database.ledger import SHOWN, ledger_of, name_of
from ttcli.database.target import identifier, quoted
from ttcli.table import TargetTable


def row(
    connection: Connection, table: TargetTable, values: Sequence[str]
) -> Optional[Dict[str, Optional[str]]]:
    """The row of a key, as texts by column, or None."""
    key = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in zip(table.key, values)
    ]
    columns = [sql.SQL("{}::text").format(sql.Identifier(c.name)) for c in table.columns]
    with transaction(connection), connection.cursor() as cursor:
        try:
            cursor.execute(
                sql.SQL("SELECT {} FROM {} WHERE {}").format(
                    sql.SQL(", ").join(columns), identifier(table), sql.SQL(" AND ").join(key)
                )
            )
        except psycopg2.DataError:  # `abc` for a key of numbers: no such row
            connection.rollback()
            return None
        found = cursor.fetchone()
    return dict(zip([c.name for c in table.columns], found)) if found else None


class Refused(NamedTuple):
    """A row that the database refused, as the ledger remembers it."""

    item: str
    loaded_at: datetime
    file_name: str
    message: str


def refused(connection: Connection, table: TargetTable, key: str) -> List[Refused]:
    """Loads in which the database refused the row of this key, oldest first."""
    return [
        Refused(*found)
        for found in _asked(
            connection,
            table,
            sql.SQL(
                "SELECT split_part(item_id, {mark}, 1), loaded_at, file_name, r ->> 2"
                " FROM {ledger}, jsonb_array_elements(rejects) AS r"
                " WHERE rejects IS NOT NULL AND r ->> 1 = {key} ORDER BY number"
            ).format(mark=sql.Literal(REPLAY), ledger=ledger_of(table), key=sql.Literal(key)),
        )
    ]


def loads_before(connection: Connection, table: TargetTable, item_id: str) -> int:
    """How many loads the ledger has of items older than this one."""
    counted = _asked(
        connection,
        table,
        sql.SQL('SELECT count(*) FROM {} WHERE item_id COLLATE "C" < {}').format(
            ledger_of(table), sql.Literal(item_id)
        ),
    )
    return int(counted[0][0]) if counted else 0


class Wanted(NamedTuple):
    """Which loads are asked for; None and empty ask for all.

    Attributes:
        sender: A part of the sender, in any case.
        since, until: Of the time of loading; `until` itself is left out.
        result: `loaded`, `duplicate`, `rejected`, `stale`, `replayed`.
    """

    sender: str = ""
    since: Optional[datetime] = None
    until: Optional[datetime] = None
    result: str = ""
    limit: int = 50


_RESULTS = {
    "loaded": "duplicate_of IS NULL",
    "duplicate": "duplicate_of IS NOT NULL",
    "rejected": "rejected > 0",
    "stale": "stale > 0",
    "replayed": f"strpos(item_id, '{REPLAY}') > 0",
}


def loads(connection: Connection, table: TargetTable, wanted: Wanted) -> List[Dict[str, Any]]:
    """Rows of the ledger, newest first, as dicts of its documented columns."""
    conditions: List[sql.Composable] = [sql.SQL("true")]
    if wanted.sender:
        conditions.append(
            sql.SQL("strpos(lower(sender), lower({})) > 0").format(sql.Literal(wanted.sender))
        )
    if wanted.since:
        conditions.append(sql.SQL("loaded_at >= {}").format(sql.Literal(wanted.since)))
    if wanted.until:
        conditions.append(sql.SQL("loaded_at < {}").format(sql.Literal(wanted.until)))
    if wanted.result:
        conditions.append(sql.SQL(_RESULTS[wanted.result]))
    statement = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY number DESC LIMIT {}").format(
        sql.SQL(", ").join(map(sql.Identifier, SHOWN)),
        ledger_of(table),
        sql.SQL(" AND ").join(conditions),
        sql.Literal(wanted.limit),
    )
    return [dict(zip(SHOWN, found)) for found in _asked(connection, table, statement)]


def _asked(connection: Connection, table: TargetTable, statement: sql.Composable) -> List[Any]:
    """The rows of a query of the ledger; none where no ledger is yet."""
    with transaction(connection), connection.cursor() as cursor:
        where = quoted(table.schema, name_of(table))
        cursor.execute("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", (where,))
        if not cursor.fetchone():
            return []
        cursor.execute(statement)
        return list(cursor.fetchall())


_SUMS = ", ".join(
    f"coalesce(sum({name}), 0)::bigint AS {name}"
    for name in ("inserted", "updated", "unchanged", "stale", "rejected")
)


def days(connection: Connection, table: TargetTable, since: datetime) -> List[Dict[str, Any]]:
    """What was loaded on each day (UTC), from the day of `since` on."""
    statement = sql.SQL(
        "SELECT to_char(loaded_at, 'YYYY-MM-DD') AS day, count(*) AS reports, {sums}"
        " FROM {ledger} WHERE loaded_at >= date_trunc('day', {since}::timestamptz)"
        " GROUP BY 1 ORDER BY 1"
    ).format(sums=sql.SQL(_SUMS), ledger=ledger_of(table), since=sql.Literal(since))
    names = ("day", "reports", "inserted", "updated", "unchanged", "stale", "rejected")
    return [dict(zip(names, found)) for found in _asked(connection, table, statement)]


def senders(connection: Connection, table: TargetTable) -> List[Dict[str, Any]]:
    """What each sender ever brought, and the time of his latest report."""
    statement = sql.SQL(
        "SELECT sender, max(source_at) AS as_of, count(*) AS reports, {sums}"
        " FROM {ledger} WHERE source_at IS NOT NULL GROUP BY 1"
    ).format(sums=sql.SQL(_SUMS), ledger=ledger_of(table))
    names = ("sender", "as_of", "reports", "inserted", "updated", "unchanged", "stale", "rejected")
    return [dict(zip(names, found)) for found in _asked(connection, table, statement)]
