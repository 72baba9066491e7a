"""The target table as the catalog describes it: PostgreSQL 12 and up."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import psycopg2.extensions
from psycopg2 import sql

from ttcli.config import DatabaseSettings
from ttcli.database.faults import translated
from ttcli.errors import AccessDenied, ConfigError
from ttcli.table import TableColumn, TargetTable

_FIND = """
SELECT c.oid, n.nspname, c.relname, c.relkind
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = to_regclass(%s)
"""

_ELSEWHERE = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE lower(c.relname) = lower(%s) AND c.relkind IN ('r', 'p')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY 1 LIMIT 3
"""

# `base` walks from a domain to the type beneath it; a length may stand at any step.
_COLUMNS = """
WITH RECURSIVE base AS (
    SELECT a.attnum, a.atttypid AS typid, a.atttypmod AS typmod, a.attnotnull AS filled,
           a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' AS given
      FROM pg_attribute a
     WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT b.attnum, t.typbasetype, CASE WHEN b.typmod = -1 THEN t.typtypmod ELSE b.typmod END,
           b.filled OR t.typnotnull, b.given OR t.typdefault IS NOT NULL
      FROM base b JOIN pg_type t ON t.oid = b.typid WHERE t.typtype = 'd'
)
SELECT a.attname, t.typname, format_type(a.atttypid, a.atttypmod),
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND b.typmod > 4 THEN b.typmod - 4 END,
       b.filled AND NOT b.given,
       a.attgenerated = '' AND a.attidentity <> 'a',
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
       CASE WHEN b.filled AND a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '')
            ELSE '' END,
       t.typname = 'citext' OR coalesce(NOT l.collisdeterministic, false)
  FROM base b
  JOIN pg_type t ON t.oid = b.typid AND t.typtype <> 'd'
  JOIN pg_attribute a ON a.attrelid = %(oid)s AND a.attnum = b.attnum
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
 ORDER BY a.attnum
"""

_UNIQUE = """
SELECT i.indexrelid::regclass::text,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k(attnum, place)
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
              WHERE k.place <= i.indnkeyatts),
       i.indpred IS NOT NULL, i.indexprs IS NOT NULL, NOT i.indisvalid, NOT i.indimmediate
  FROM pg_index i WHERE i.indrelid = %s AND i.indisunique
"""


# Without that right the operators of a type are not found, and citext compares as text does.
_CLOSED_SCHEMAS = """
SELECT DISTINCT quote_ident(n.nspname) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
   AND NOT has_schema_privilege(n.oid, 'USAGE')
"""


class Unique(NamedTuple):
    """A unique index of the target, and what keeps ON CONFLICT from using it."""

    name: str
    columns: Sequence[str]
    partial: bool
    expression: bool
    invalid: bool
    deferrable: bool

    @property
    def obstacle(self) -> str:
        """Why the index does not do, or nothing."""
        words = ("partial", "an expression index", "invalid", "deferrable")
        flags = (self.partial, self.expression, self.invalid, self.deferrable)
        return " and ".join(word for word, flag in zip(words, flags) if flag)


def quoted(*names: str) -> str:
    """Names as SQL text, joined by dots, for messages and statements shown to people.

    An empty one, the schema of a table that is yet to be made, is left out.
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)


def identifier(table: TargetTable) -> sql.Identifier:
    """The table as part of a statement."""
    return sql.Identifier(table.schema, table.name)


def read_table(
    connection: psycopg2.extensions.connection, settings: DatabaseSettings
) -> TargetTable:
    """Reads the target table's columns and makes sure that its key is a key.

    Names are taken exactly as configured, else in lower case, as SQL folds unquoted names; a name
    without a schema is looked for along the role's search_path.

    Raises:
        ConfigError: The table or a key column is missing, or no unique index covers the key.
        AccessDenied, Temporary: As the server says.
    """
    with translated(), connection.cursor() as cursor:
        oid, schema, name = _find(cursor, settings)
        cursor.execute(_COLUMNS, {"oid": oid})
        columns = tuple(_column(*row) for row in cursor.fetchall())
        key = _key(columns, settings.key, quoted(schema, name))
        _check_types(cursor, oid, quoted(schema, name))
        cursor.execute(_UNIQUE, (oid,))
        _check_key(key, [Unique(*row) for row in cursor.fetchall()], quoted(schema, name))
        # Only the catalog was read: nothing is to be committed, and no snapshot kept.
        connection.rollback()
    return TargetTable(schema, name, key, columns)


def _column(*row: Any) -> TableColumn:
    return TableColumn(**dict(zip(TableColumn._fields, row)))._replace(labels=tuple(row[6]))


def is_there(cursor: Any, settings: DatabaseSettings) -> bool:
    """Whether anything has the target's name, fit to be loaded or not."""
    return _look_up(cursor, settings) is not None


def _look_up(cursor: Any, settings: DatabaseSettings) -> Any:
    configured = settings.target
    for names in (configured, tuple(name.lower() for name in configured)):
        cursor.execute(_FIND, (quoted(*names),))
        row = cursor.fetchone()
        if row:
            return row
    return None


def _find(cursor: Any, settings: DatabaseSettings) -> Tuple[int, str, str]:
    row = _look_up(cursor, settings)
    if row:
        return _ordinary(*row)
    configured = settings.target
    cursor.execute(_ELSEWHERE, (configured[-1],))
    others = [other for (other,) in cursor.fetchall()]
    hint = (
        f"set DB_TARGET_TABLE={others[0]}"
        if others
        else "correct DB_TARGET_TABLE, or create it: `ttcli init` writes the CREATE TABLE"
    )
    raise ConfigError(
        f"Table {'.'.join(configured)} does not exist in database {settings.name}", hint
    )


def _ordinary(oid: int, schema: str, name: str, kind: str) -> Tuple[int, str, str]:
    """Tables and partitioned tables only: the others know no ON CONFLICT."""
    if kind not in ("r", "p"):
        words: Dict[str, str] = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}
        raise ConfigError(
            f"{quoted(schema, name)} is {words.get(kind, 'not a table')}",
            "set DB_TARGET_TABLE to the table beneath it",
        )
    return oid, schema, name


def _key(columns: Sequence[TableColumn], configured: Sequence[str], where: str) -> Tuple[str, ...]:
    """The key columns by their names in the catalog."""
    by_name = {column.name: column for column in columns}
    found: List[str] = []
    for name in configured:
        column = by_name.get(name) or by_name.get(name.lower())
        if column is None:
            raise ConfigError(
                f"Table {where} has no column {name}",
                f"correct DB_UNIQUE_KEY; the table has {', '.join(by_name)}",
            )
        if not column.writable:
            raise ConfigError(
                f"Column {quoted(column.name)} of {where} is generated and cannot be the key",
                "set DB_UNIQUE_KEY to a column that the workbooks bring",
            )
        found.append(column.name)
    return tuple(found)


def _check_types(cursor: Any, oid: int, where: str) -> None:
    cursor.execute(_CLOSED_SCHEMAS, (oid,))
    closed = ", ".join(name for (name,) in cursor.fetchall())
    if closed:
        role = quoted(cursor.connection.info.user)
        raise AccessDenied(
            f"Types of table {where} are in schema {closed}, which is closed to the role",
            f"as its owner: GRANT USAGE ON SCHEMA {closed} TO {role};",
        )


def _check_key(key: Sequence[str], indexes: Sequence[Unique], where: str) -> None:
    """Without a unique index on exactly the key, one key could stand in two rows."""
    exact = [index for index in indexes if set(index.columns) == set(key)]
    if any(not index.obstacle for index in exact):
        return
    names = ", ".join(quoted(name) for name in key)
    because = "".join(f"; {index.name} is {index.obstacle}" for index in exact)
    raise ConfigError(
        f"Table {where} has no unique index on exactly ({names}){because}",
        f"CREATE UNIQUE INDEX ON {where} ({names}); or correct DB_UNIQUE_KEY",
    )
