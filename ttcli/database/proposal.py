"""The database's part that `ttcli init` proposes: target table, staging schema, ledger, rights.

Everything is text that a person can read, and psql can run. Nothing alters or drops what is there.
"""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from ttcli.config import DatabaseSettings
from ttcli.database import ledger
from ttcli.database.connect import Connection, transaction
from ttcli.database.target import is_there, quoted, read_table
from ttcli.table import TableColumn, TargetTable


class Standing(NamedTuple):
    """What is there already; nothing, where no database was asked.

    Attributes:
        table: The target table.
        schema: The target's own schema, where DB_TARGET_TABLE names one.
        staging: DB_TEMP_SCHEMA.
        ledger: The ledger.
        needed: What else the role must have: rights to sequences and schemas, as GRANT has them.
    """

    table: Optional[TargetTable] = None
    schema: bool = False
    staging: bool = False
    ledger: bool = False
    needed: Tuple[str, ...] = ()


def standing(connection: Connection, settings: DatabaseSettings) -> Standing:
    """Looks into the catalog.

    Raises:
        ConfigError: The target is there and cannot be loaded, with what helps.
    """
    with transaction(connection), connection.cursor() as cursor:
        there = is_there(cursor, settings)
    table = read_table(connection, settings) if there else None
    target = table or table_to_be(settings)
    with transaction(connection), connection.cursor() as cursor:
        return Standing(
            table,
            _has_schema(cursor, target.schema),
            _has_schema(cursor, settings.temp_schema),
            _has_ledger(cursor, target),
            _needed(cursor, table) if table else (),
        )


# A serial column's default asks for its sequence as the role; an identity's does not.
_NEEDED = """
SELECT 'USAGE ON SEQUENCE ' || s.oid::regclass FROM pg_class s
  JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
 WHERE s.relkind = 'S' AND d.refobjid = %(table)s::regclass
UNION
SELECT 'USAGE ON SCHEMA ' || quote_ident(n.nspname) FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND n.nspname <> 'pg_catalog'
 ORDER BY 1
"""


def _needed(cursor: Any, table: TargetTable) -> Tuple[str, ...]:
    cursor.execute(_NEEDED, {"table": quoted(table.schema, table.name)})
    return tuple(right for (right,) in cursor.fetchall())


def table_to_be(settings: DatabaseSettings) -> TargetTable:
    """The target that is not there yet: its names, and no column."""
    schema, name = ("", *settings.target)[-2:]
    return TargetTable(schema, name, settings.key, ())


def _has_schema(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (name,))
    return cursor.fetchone() is not None


def _has_ledger(cursor: Any, table: TargetTable) -> bool:
    where = quoted(table.schema, ledger.name_of(table))
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (where,))
    return bool(cursor.fetchone()[0])


def filled_columns(settings: DatabaseSettings) -> List[TableColumn]:
    """The columns that ttcli fills in by itself, with their defaults as `fallback`."""
    source_time = settings.source_time_column
    columns = [TableColumn(source_time, "timestamptz", "timestamptz")] if source_time else []
    return [
        *columns,
        TableColumn("processed_at", "timestamp", "timestamp", fallback="current_timestamp"),
        TableColumn("file_source", "varchar", "varchar(255)", 255),
    ]


def creating(
    settings: DatabaseSettings, table: TargetTable, there: Standing, comments: Sequence[str] = ()
) -> List[str]:
    """The statements that make what is not there, in their order.

    Args:
        table: As it is to be, or as it is.
        comments: For each column of a new table where it comes from; without an end of line.
    """
    statements: List[str] = []
    if table.schema and not there.schema:
        statements.append(f"CREATE SCHEMA IF NOT EXISTS {quoted(table.schema)}")
    if not there.table:
        statements.append(_create_table(table, comments))
    if not there.staging:
        statements.append(f"CREATE SCHEMA IF NOT EXISTS {quoted(settings.temp_schema)}")
    if not there.ledger:
        statements += ledger.statements(table)
    return statements


def _create_table(table: TargetTable, comments: Sequence[str]) -> str:
    alone = table.key[0] if len(table.key) == 1 else ""
    lines = [_declared(column, alone) for column in table.columns]
    if not alone:
        lines.append(f"PRIMARY KEY ({', '.join(map(quoted, table.key))})")
    last = len(lines) - 1
    body = "\n".join(
        f"    {line}{',' if number < last else ''}{_comment(comments, number)}"
        for number, line in enumerate(lines)
    )
    return f"CREATE TABLE IF NOT EXISTS {quoted(table.schema, table.name)} (\n{body}\n)"


def _comment(comments: Sequence[str], number: int) -> str:
    return f"  -- {comments[number]}" if number < len(comments) and comments[number] else ""


def _declared(column: TableColumn, key: str = "") -> str:
    default = f" DEFAULT {column.fallback}" if column.fallback else ""
    primary = " PRIMARY KEY" if column.name == key else ""
    return f"{quoted(column.name)} {column.declared}{default}{primary}"


def adding(table: TargetTable, columns: Sequence[TableColumn]) -> List[str]:
    """The statements that give a table the columns which it lacks; never run by ttcli."""
    where = quoted(table.schema, table.name)
    names = {column.name.lower() for column in table.columns}
    lacking = [column for column in columns if column.name.lower() not in names]
    return [f"ALTER TABLE {where} ADD COLUMN {_declared(column)}" for column in lacking]


def granting(
    settings: DatabaseSettings, table: TargetTable, there: Standing, role: str
) -> List[str]:
    """The rights of the role that loads, and no more: docs/database.md has them too."""
    to, where = quoted(role), quoted(table.schema, table.name)
    return [
        f"GRANT USAGE, CREATE ON SCHEMA {quoted(settings.temp_schema)} TO {to}",
        f"GRANT USAGE ON SCHEMA {quoted(table.schema or 'public')} TO {to}",
        f"GRANT SELECT, INSERT, UPDATE ON {where} TO {to}",
        ledger.grant(table, to).rstrip(";"),
        *(f"GRANT {right} TO {to}" for right in there.needed),
    ]


def create(connection: Connection, statements: Sequence[str]) -> None:
    """Runs the statements in one transaction; two hosts do so one after the other.

    Raises:
        AccessDenied: The role may not create one of them; nothing was created.
    """
    with transaction(connection), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ttcli ledger'))")
        for statement in statements:
            cursor.execute(statement)
