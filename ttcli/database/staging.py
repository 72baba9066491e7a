"""The staging table: where rows.tsv lands before it meets the target.

A large file gets one in DB_TEMP_SCHEMA, made and dropped inside the item's own transaction, so that
nothing of it is ever left behind, and UNLOGGED, so that its rows cost no WAL. Making one costs
three fsyncs at the server and 24 kB of WAL in its catalog, which is more than the rest of loading
a small file. So small files share a temporary table that the session keeps and COMMIT empties.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterable, List, Mapping, Optional, Sequence

import psycopg2.errors
from psycopg2 import sql

from ttcli.config import DatabaseSettings
from ttcli.database.connect import Connection, transaction
from ttcli.database.encoding import Marked, codec_of
from ttcli.database.given import Given, Load
from ttcli.database.serials import generated, numbers_of
from ttcli.database.target import identifier, quoted
from ttcli.errors import AccessDenied, from_os_error
from ttcli.table import TargetTable

# Names that no target column has.
ORIGIN, LINE, REJECT = "ttcli origin", "ttcli line", "ttcli reject"
OWN = "pg_temp"
"""The schema of the session's own staging tables."""
_READ_BYTES = 1 << 20
_SMALL = 1 << 20  # bytes of rows.tsv; twice that, and making a table is a tenth of the load
_UNLOGGED = sql.SQL("CREATE UNLOGGED TABLE {}")
_TEMPORARY = sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DELETE ROWS")
_WORTH_ANALYZING = 1000  # rows; below, the planner's guess from the table's size does


def ensure_schema(cursor: Any, settings: DatabaseSettings) -> None:
    """Creates DB_TEMP_SCHEMA where it is missing.

    Raises:
        AccessDenied: It is missing and the role may not create it.
    """
    schema = settings.temp_schema
    cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))
    if cursor.fetchone():
        return
    try:
        # Two hosts that both find none would collide even in CREATE SCHEMA IF NOT EXISTS.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ttcli schema'))")
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    except psycopg2.errors.InsufficientPrivilege as error:
        raise AccessDenied(
            f"Schema {quoted(schema)} for the staging tables is missing and may not be created",
            f"as the database's owner: CREATE SCHEMA {quoted(schema)} AUTHORIZATION "
            f"{quoted(settings.username)};",
        ) from error


def new_name(settings: DatabaseSettings) -> sql.Identifier:
    """A name that no other session uses, on this host or another."""
    return sql.Identifier(settings.temp_schema, f"stage_{os.urandom(8).hex()}")


def kept(connection: Connection, given: Given) -> Optional[sql.Identifier]:
    """The session's own staging table for a small file; None for a large one.

    Where the role may make no temporary tables, every file is taken for a large one.
    """
    if _size(given.load.rows) > _SMALL:
        return None
    asked = (given.table, given.load.columns, tuple(given.load.serials.items()))
    if asked not in connection.stages:
        connection.stages[asked] = _keep(connection, given)
    return connection.stages[asked]


def _keep(connection: Connection, given: Given) -> Optional[sql.Identifier]:
    name = f"ttcli_stage_{len(connection.stages)}"
    with transaction(connection), connection.cursor() as cursor:
        cursor.execute("SELECT 1 WHERE has_database_privilege(current_database(), 'TEMPORARY')")
        if not cursor.fetchone():
            return None
        create(cursor, sql.Identifier(name), given, _TEMPORARY)
    return sql.Identifier(OWN, name)


def create(cursor: Any, stage: sql.Identifier, given: Given, head: sql.SQL = _UNLOGGED) -> None:
    """Makes the staging table with the target's own types, so that COPY converts and checks."""
    _create(cursor, head.format(stage), given.table, given.load.columns, given.load.serials)
    _complete(cursor, stage, given)


def _complete(cursor: Any, stage: sql.Identifier, given: Given) -> None:
    """Adds the dates; and that COPY refuses a row without a key saves looking for one."""
    serials, columns = given.load.serials, given.load.columns
    changes: List[sql.Composable] = [
        sql.SQL("ALTER COLUMN {} SET NOT NULL").format(sql.Identifier(name))
        for name in given.table.key
    ]
    if serials:
        changes.insert(0, generated(given.table, serials, numbers_of(columns, serials)))
    cursor.execute(sql.SQL("ALTER TABLE {} {}").format(stage, sql.SQL(", ").join(changes)))


def create_plain(
    cursor: Any, stage: sql.Identifier, table: TargetTable, columns: Sequence[str]
) -> None:
    """Makes the staging table of the careful way, which converts and fills it by itself."""
    _create(cursor, _UNLOGGED.format(stage), table, columns, {})


def _create(
    cursor: Any,
    head: sql.Composable,
    table: TargetTable,
    columns: Sequence[str],
    serials: Mapping[str, str],
) -> None:
    """The lines' numbers are there for the careful way only."""
    numbers = numbers_of(columns, serials)
    fields = [
        sql.SQL("0::float8 AS {}").format(sql.Identifier(numbers[name]))
        if name in numbers
        else sql.Identifier(name)
        for name in columns
    ]
    cursor.execute(
        sql.SQL(
            "{head} AS SELECT {columns}, ''::text AS {origin},"
            " 0::bigint AS {line} FROM {target} WITH NO DATA"
        ).format(
            head=head,
            columns=sql.SQL(", ").join(fields),
            origin=sql.Identifier(ORIGIN),
            line=sql.Identifier(LINE),
            target=identifier(table),
        )
    )


def create_raw(cursor: Any, stage: sql.Identifier, columns: Sequence[str]) -> None:
    """Makes a staging table of texts, which takes any value; rejects are noted in it."""
    texts = [sql.SQL("{} text").format(sql.Identifier(n)) for n in (*columns, ORIGIN, REJECT)]
    cursor.execute(
        sql.SQL(
            "CREATE UNLOGGED TABLE {} ({} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {})"
        ).format(stage, sql.Identifier(LINE), sql.SQL(", ").join(texts))
    )


def copy(cursor: Any, stage: sql.Identifier, load: Load) -> int:
    """Streams rows.tsv into a staging table, 1 MB at a time; returns the number of rows."""
    numbers = numbers_of(load.columns, load.serials)
    names = [numbers.get(name, name) for name in load.columns]
    with _open(load.rows) as file:
        return _copy(cursor, stage, file, [*names, ORIGIN])


def copy_raw(cursor: Any, stage: sql.Identifier, rows: Path, columns: Sequence[str]) -> int:
    """The same into a table of texts; what the server's encoding has not is rejected at once."""
    codec = codec_of(cursor.connection)
    with _open(rows) as file:
        if not codec:
            return _copy(cursor, stage, file, [*columns, ORIGIN])
        return _copy(cursor, stage, Marked(file, codec), [*columns, ORIGIN, REJECT])


def _copy(cursor: Any, stage: sql.Identifier, file: Any, names: Sequence[str]) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(stage, _names(names))
    cursor.copy_expert(statement, file, size=_READ_BYTES)
    return int(cursor.rowcount)


def analyze(cursor: Any, stage: sql.Identifier, rows: int, key: Sequence[str]) -> None:
    """Tells the planner the size of a large staging table.

    Only of the key: the join needs no more, and every column costs a sort of the sample. Of that a
    tenth of the usual size tells a key from what repeats, for a third of the time.
    """
    if rows >= _WORTH_ANALYZING:
        statement = "SET LOCAL default_statistics_target = 10; ANALYZE {} ({})"
        cursor.execute(sql.SQL(statement).format(stage, _names(key)))


def _names(columns: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _open(rows: Path) -> Any:
    try:
        return rows.open("rb")
    except OSError as error:
        raise from_os_error(error) from error


def _size(rows: Path) -> int:
    try:
        return rows.stat().st_size
    except OSError as error:
        raise from_os_error(error) from error


def count_rows(rows: Path) -> int:
    """The number of rows in rows.tsv: COPY's text format has one line a row."""
    with _open(rows) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_READ_BYTES), b""))


def drop(cursor: Any, stage: sql.Identifier) -> None:
    """Removes a staging table."""
    cursor.execute(sql.SQL("DROP TABLE {}").format(stage))
