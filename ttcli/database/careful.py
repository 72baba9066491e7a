"""The careful way, taken when PostgreSQL refused a row: the others load, and it says why not.

The rows are staged as texts, which nothing refuses. Then, in one statement each, PL/pgSQL blocks
convert them to the target's types and merge them, chunk by chunk; a chunk that fails is taken row
by row, and a row that fails is noted with PostgreSQL's own message. So the number of round trips
does not depend on how many rows are bad.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Sequence, Tuple

from psycopg2 import sql

from ttcli.database.faults import MISSING_RIGHT, NOT_A_ROWS
from ttcli.database.sample import key_text, place
from ttcli.database.serials import moment_of
from ttcli.database.staging import LINE, ORIGIN, REJECT
from ttcli.database.target import quoted
from ttcli.database.upsert import Part, Upsert, listed, of
from ttcli.table import TargetTable

_CHUNK = 200  # rows; one bad row costs this many statements of one row

_BLOCK = """
DECLARE
  ttcli_low bigint; ttcli_high bigint; ttcli_why text; ttcli_detail text;
  ttcli_some bigint; ttcli_more bigint; ttcli_updated bigint := 0; ttcli_inserted bigint := 0;
  ttcli_one {stage}%ROWTYPE;
BEGIN
  FOR ttcli_chunk IN 0 .. {last} LOOP
    ttcli_low := ttcli_chunk::bigint * {size} + 1;
    ttcli_high := ttcli_low + {size} - 1;
    BEGIN
      {work}
    EXCEPTION WHEN OTHERS THEN
      IF {not_a_rows} THEN RAISE; END IF;
      FOR ttcli_row IN ttcli_low .. ttcli_high LOOP
        ttcli_low := ttcli_row;
        ttcli_high := ttcli_row;
        BEGIN
          {work}
        EXCEPTION WHEN OTHERS THEN
          IF {not_a_rows} THEN RAISE; END IF;
          GET STACKED DIAGNOSTICS ttcli_why = MESSAGE_TEXT, ttcli_detail = PG_EXCEPTION_DETAIL;
          IF SQLSTATE IN ('23503', '23505', '23P01') THEN
            ttcli_why := ttcli_why || ': ' || ttcli_detail;
          END IF;
          {blame}
          UPDATE {raw} SET {reject} = ttcli_why WHERE {line} = ttcli_row;
        END;
      END LOOP;
    END;
  END LOOP;
  PERFORM set_config('ttcli.updated', ttcli_updated::text, true);
  PERFORM set_config('ttcli.inserted', ttcli_inserted::text, true);
END
"""

# The counts are added last: a variable keeps its value when the block's changes are undone.
_MERGE = """
{update};
GET DIAGNOSTICS ttcli_some = ROW_COUNT;
{insert};
GET DIAGNOSTICS ttcli_more = ROW_COUNT;
ttcli_updated := ttcli_updated + ttcli_some;
ttcli_inserted := ttcli_inserted + ttcli_more;
"""

# An explicit cast to varchar(5) would cut silently; without the length, the assignment checks it.
_TYPES = """
WITH RECURSIVE base AS (
    SELECT attname, atttypid AS typid FROM pg_attribute WHERE attrelid = {}::regclass AND attnum > 0
  UNION ALL
    SELECT b.attname, t.typbasetype
      FROM base b JOIN pg_type t ON t.oid = b.typid WHERE t.typtype = 'd'
)
SELECT b.attname, format_type(b.typid, -1)
  FROM base b JOIN pg_type t ON t.oid = b.typid WHERE t.typtype <> 'd'
"""


class Reject(NamedTuple):
    """A row that the database refused; `origin` is `<sheet>:<row>`."""

    origin: str
    key: str
    message: str


class Tables(NamedTuple):
    """What the careful way works on.

    Attributes:
        raw: The staging table of texts, with a number and room for a reject in each row.
        stage: The typed one.
        rows: How many rows `raw` has.
        hides_rows: Whether row-level security applies, so that "insufficient privilege" may be
            about a row.
    """

    raw: sql.Identifier
    stage: sql.Identifier
    rows: int
    hides_rows: bool


def row_security(cursor: Any, table: TargetTable) -> bool:
    """Whether row-level security applies to us, and every right to the table is there."""
    cursor.execute(
        "SELECT row_security_active(c) AND has_any_column_privilege(c, 'INSERT')"
        " AND has_any_column_privilege(c, 'UPDATE') FROM CAST(%s AS regclass) AS c",
        (quoted(table.schema, table.name),),
    )
    return bool(cursor.fetchone()[0])


def convert(
    cursor: Any, tables: Tables, columns: Sequence[str], serials: Mapping[str, str]
) -> None:
    """Fills the typed staging table with all rows whose values fit its types."""
    types = _types(cursor, tables.stage)
    casts = [_cast(name, types[name], serials.get(name)) for name in columns]
    fit = sql.SQL("{} AND {} IS NULL").format(_in_chunk("r"), of("r", REJECT))
    work = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS r WHERE {};").format(
        tables.stage,
        listed(map(sql.Identifier, [*columns, ORIGIN, LINE])),
        listed([*casts, of("r", ORIGIN), of("r", LINE)]),
        tables.raw,
        fit,
    )
    blame = [_blame(tables, name, cast) for name, cast in zip(columns, casts)]
    _run(cursor, tables, work, sql.SQL("").join(blame))
    cursor.execute(sql.SQL("CREATE INDEX ON {} ({})").format(tables.stage, sql.Identifier(LINE)))


def _types(cursor: Any, stage: sql.Identifier) -> Any:
    cursor.execute(sql.SQL(_TYPES).format(sql.Literal(stage.as_string(cursor))))
    return dict(cursor.fetchall())


def _cast(name: str, declared: str, serial: Optional[str]) -> Part:
    value = of("r", name)
    if serial:
        value = moment_of(sql.SQL("CAST({} AS float8)").format(value), serial)
    return sql.SQL("CAST({} AS {})").format(value, sql.SQL(declared))


def _blame(tables: Tables, name: str, cast: Part) -> Part:
    """Tries one column alone, because the message of a failed cast does not name it."""
    return sql.SQL(
        "BEGIN SELECT {cast} INTO ttcli_one.{column} FROM {raw} AS r WHERE r.{line} = ttcli_low;"
        " EXCEPTION WHEN OTHERS THEN ttcli_why := {name} || SQLERRM; END;\n"
    ).format(
        cast=cast,
        column=sql.Identifier(name),
        raw=tables.raw,
        line=sql.Identifier(LINE),
        name=sql.Literal(f"{name}: "),
    )


def reject_keyless_and_twins(cursor: Any, tables: Tables, upsert: Upsert) -> None:
    """Rejects rows without a key, and all but the last of those whose keys the type calls equal."""
    _reject(cursor, tables, sql.SQL("'a part of the key is empty'"), upsert.keyless())
    key = listed(of("s", name) for name in upsert.table.key)
    twin = sql.SQL(
        "EXISTS (SELECT FROM (SELECT {line}, max({line}) OVER (PARTITION BY {key}) AS last"
        " FROM {stage} AS s) AS d WHERE d.{line} = s.{line} AND d.last > s.{line})"
    ).format(line=sql.Identifier(LINE), key=key, stage=tables.stage)
    _reject(cursor, tables, sql.SQL("'a later row of the file has the same key'"), twin)


def _reject(cursor: Any, tables: Tables, why: Part, condition: Part) -> None:
    cursor.execute(
        sql.SQL(
            "UPDATE {raw} AS r SET {reject} = {why} FROM {stage} AS s"
            " WHERE r.{line} = s.{line} AND {condition}"
        ).format(
            raw=tables.raw,
            reject=sql.Identifier(REJECT),
            why=why,
            stage=tables.stage,
            line=sql.Identifier(LINE),
            condition=condition,
        )
    )
    forget_rejected(cursor, tables)


def forget_rejected(cursor: Any, tables: Tables) -> None:
    """Takes rejected rows out of the typed staging table."""
    cursor.execute(
        sql.SQL(
            "DELETE FROM {stage} AS s USING {raw} AS r"
            " WHERE r.{line} = s.{line} AND r.{reject} IS NOT NULL"
        ).format(
            stage=tables.stage,
            raw=tables.raw,
            line=sql.Identifier(LINE),
            reject=sql.Identifier(REJECT),
        )
    )


def merge(cursor: Any, tables: Tables, upsert: Upsert) -> Tuple[int, int]:
    """Updates and inserts what the target takes; returns both counts."""
    # Each statement is about few rows: without statistics the planner might read all of both.
    cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
    update = upsert.update(_in_chunk("s")) if upsert.settable else sql.SQL("PERFORM 1 LIMIT 0")
    work = sql.SQL(_MERGE).format(update=update, insert=upsert.insert(_CHUNK, only=_in_chunk("s")))
    _run(cursor, tables, work, sql.SQL(""))
    cursor.execute("SELECT current_setting('ttcli.updated'), current_setting('ttcli.inserted')")
    updated, inserted = cursor.fetchone()
    return int(updated), int(inserted)


def rejects(cursor: Any, tables: Tables, upsert: Upsert) -> Tuple[Reject, ...]:
    """The rejected rows, in the file's order."""
    cursor.execute(
        sql.SQL("SELECT {}, {}, {} FROM {} AS s WHERE {} IS NOT NULL ORDER BY {}").format(
            place(),
            key_text(upsert),
            sql.Identifier(REJECT),
            tables.raw,
            sql.Identifier(REJECT),
            sql.Identifier(LINE),
        )
    )
    return tuple(Reject(*row) for row in cursor.fetchall())


def _in_chunk(alias: str) -> Part:
    return sql.SQL("{} BETWEEN ttcli_low AND ttcli_high").format(of(alias, LINE))


def _not_a_rows(tables: Tables) -> Part:
    """The condition under which an error is no row's doing and ends the load."""
    classes = sql.SQL("left(SQLSTATE, 2) = ANY ({})").format(sql.Literal(list(NOT_A_ROWS)))
    if tables.hides_rows:
        return sql.SQL("SQLSTATE <> {} AND {}").format(sql.Literal(MISSING_RIGHT), classes)
    return classes


def _run(cursor: Any, tables: Tables, work: Part, blame: Part) -> None:
    body = sql.SQL(_BLOCK).format(
        stage=tables.stage,
        raw=tables.raw,
        last=sql.Literal(max(tables.rows - 1, 0) // _CHUNK),
        size=sql.Literal(_CHUNK),
        work=work,
        blame=blame,
        not_a_rows=_not_a_rows(tables),
        reject=sql.Identifier(REJECT),
        line=sql.Identifier(LINE),
    )
    cursor.execute(sql.SQL("DO {}").format(sql.Literal(body.as_string(cursor))))
