"""Rows picked out for people: what a policy refused, what a dry run would change."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Tuple

from psycopg2 import sql

from ttcli.database.staging import ORIGIN
from ttcli.database.target import identifier
from ttcli.database.upsert import Part, Upsert, listed, of
from ttcli.table import TableColumn

MOST_REFUSALS = 100


class Refusal(NamedTuple):
    """A cell whose change the column's policy refused; values as text."""

    origin: str
    key: str
    column: str
    stored: str
    refused: str


class Difference(NamedTuple):
    """A row that a load would write; `changes` are (column, old, new), old None in a new row."""

    origin: str
    key: str
    new: bool
    changes: Tuple[Tuple[str, Optional[str], Optional[str]], ...]


def refusals(cursor: Any, upsert: Upsert) -> Tuple[Refusal, ...]:
    """The first refused changes; to be asked before anything is written."""
    selects = [_refused(upsert, column, part) for column, part in upsert.refusing()]
    cursor.execute(
        sql.SQL("{} LIMIT {}").format(
            sql.SQL(" UNION ALL ").join(selects), sql.Literal(MOST_REFUSALS)
        )
    )
    return tuple(Refusal(*row) for row in cursor.fetchall())


def _refused(upsert: Upsert, column: TableColumn, refused: Part) -> Part:
    return sql.SQL(
        "SELECT {origin}, {key}, {name}, ({old})::text, ({new})::text"
        " FROM {stage} AS s JOIN {target} AS t ON {match} WHERE NOT {stale} AND {refused}"
    ).format(
        origin=place(),
        key=key_text(upsert),
        name=sql.Literal(column.name),
        old=of("t", column.name),
        new=of("s", column.name),
        stage=upsert.stage,
        target=identifier(upsert.table),
        match=upsert.match(),
        stale=upsert.stale(),
        refused=refused,
    )


def differences(cursor: Any, upsert: Upsert, limit: int) -> Tuple[Difference, ...]:
    """The first rows, in the file's order, that would be written; asked before the write."""
    pairs = [
        sql.SQL("({})::text, ({})::text").format(of("t", c.name), upsert.proposed(c))
        for c in upsert.settable
    ]
    cursor.execute(
        sql.SQL(
            "SELECT {fields} FROM {stage} AS s LEFT JOIN {target} AS t ON {match}"
            " WHERE {new} OR (NOT {stale} AND {differs}) ORDER BY s.ctid LIMIT {limit}"
        ).format(
            fields=listed([place(), key_text(upsert), _is_new(upsert), *pairs]),
            stage=upsert.stage,
            target=identifier(upsert.table),
            match=upsert.match(),
            new=_is_new(upsert),
            stale=upsert.stale(),
            differs=upsert.differs(),
            limit=sql.Literal(limit),
        )
    )
    names = [column.name for column in upsert.settable]
    return tuple(_difference(names, *row) for row in cursor.fetchall())


def _difference(names: List[str], origin: str, key: str, new: bool, *values: Any) -> Difference:
    changes = zip(names, values[::2], values[1::2])
    return Difference(origin, key, new, tuple(each for each in changes if each[1] != each[2]))


def _is_new(upsert: Upsert) -> Part:
    return sql.SQL("({} IS NULL)").format(of("t", upsert.table.key[0]))


def place() -> Part:
    """Where a row stood in the workbook: `<sheet>:<row>`."""
    return sql.SQL("split_part({}, ' ', 1)").format(of("s", ORIGIN))


def key_text(upsert: Upsert) -> Part:
    """The key as people write it; a composite one with commas."""
    return sql.SQL("concat_ws(', ', {})").format(listed(of("s", k) for k in upsert.table.key))
