"""The staging table: where rows.tsv lands before it meets the target.

It is made and dropped inside the item's own transaction, so that nothing of it is ever left
behind, and is UNLOGGED, so that its rows cost no WAL. Keeping one for the whole session was
measured slower for small items: emptied by DELETE it bloats, by TRUNCATE it costs what making it
costs.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Sequence

from psycopg2 import sql

from ttcli.config import DatabaseSettings
from ttcli.database.connect import Connection, transaction
from ttcli.database.target import identifier, quoted
from ttcli.errors import AccessDenied, from_os_error
from ttcli.table import TargetTable

ORIGIN = "ttcli origin"  # a name that no workbook's column has
_READ_BYTES = 1 << 20
_WORTH_ANALYZING = 1000  # rows; below, the planner's guess from the table's size does


def ensure_schema(connection: Connection, settings: DatabaseSettings) -> None:
    """Creates DB_TEMP_SCHEMA where it is missing, once a connection.

    Raises:
        AccessDenied: It is missing and the role may not create it.
    """
    schema = settings.temp_schema
    if ("schema", schema) in connection.prepared:
        return
    try:
        with transaction(connection), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))
            if not cursor.fetchone():
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ttcli schema'))")
                cursor.execute(
                    sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
                )
    except AccessDenied as error:
        raise AccessDenied(
            f"Schema {quoted(schema)} for the staging tables is missing: {error.message}",
            f"as the database's owner: CREATE SCHEMA {quoted(schema)} AUTHORIZATION "
            f"{quoted(settings.username)};",
        ) from error
    connection.prepared[("schema", schema)] = True


def stage(settings: DatabaseSettings) -> sql.Identifier:
    """A name that no other session uses, on this host or another."""
    return sql.Identifier(settings.temp_schema, f"stage_{secrets.token_hex(8)}")


def create(cursor: Any, name: sql.Identifier, table: TargetTable, columns: Sequence[str]) -> None:
    """Makes the staging table with the target's own types, so that COPY converts and checks."""
    cursor.execute(
        sql.SQL(
            "CREATE UNLOGGED TABLE {stage} AS"
            " SELECT {columns}, ''::text AS {origin} FROM {target} WITH NO DATA"
        ).format(
            stage=name,
            origin=sql.Identifier(ORIGIN),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            target=identifier(table),
        )
    )


def copy(cursor: Any, name: sql.Identifier, rows: Path, key: Sequence[str]) -> int:
    """Streams rows.tsv into the staging table, 1 MB at a time; returns the number of rows."""
    statement = sql.SQL("COPY {} FROM STDIN").format(name)
    with _open(rows) as file:
        cursor.copy_expert(statement, file, size=_READ_BYTES)
    count = int(cursor.rowcount)
    if count >= _WORTH_ANALYZING:
        # Only the key: the join needs no more, and every column costs a sort of the sample.
        names = sql.SQL(", ").join(map(sql.Identifier, key))
        cursor.execute(sql.SQL("ANALYZE {} ({})").format(name, names))
    return count


def _open(rows: Path) -> Any:
    try:
        return rows.open("rb")
    except OSError as error:
        raise from_os_error(error) from error


def count_rows(rows: Path) -> int:
    """The number of rows in rows.tsv: COPY's text format has one line a row."""
    with _open(rows) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_READ_BYTES), b""))


def drop(cursor: Any, name: sql.Identifier) -> None:
    """Removes the staging table."""
    cursor.execute(sql.SQL("DROP TABLE {}").format(name))
