"""From the staging table `s` into the target `t`: the statements, built for one load.

An UPDATE of the rows that differ and an INSERT of the new ones, each only where a census of the
staging table says that it is needed, so that a reload of equal rows writes nothing at all. (One
INSERT … ON CONFLICT would check NOT NULL columns that the workbook does not bring even for rows
that only change, and would lock equal rows.) ON CONFLICT remains on the INSERT for what another
writer adds in between.

No statement takes parameters: names may hold a percent sign.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, NamedTuple, Sequence

from psycopg2 import sql

from ttcli.database.staging import ORIGIN
from ttcli.database.target import identifier
from ttcli.table import TableColumn, TargetTable

Part = sql.Composable

# Types without an equality, or with one that calls different values equal.
_COMPARED_AS_TEXT = {
    "json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "citext",
}  # fmt: skip
_TEXT = {"text", "varchar"}


class Census(NamedTuple):
    """How the rows of a staging table stand to the target."""

    keyless: int
    new: int
    stale: int
    changed: int


class Upsert(NamedTuple):
    """What the statements are made of.

    Attributes:
        columns: The columns that the workbook brought and that may be written, the key's too.
        filled: Column → expression of what is filled in by us: file name, times.
        untouched: 1-based positions of cells that rows may ask to be left alone, by column.
    """

    table: TargetTable
    stage: sql.Identifier
    columns: Sequence[TableColumn]
    filled: Dict[str, Part]
    source_time: str
    as_of: Part
    untouched: Dict[str, int]

    @property
    def settable(self) -> List[TableColumn]:
        """The brought columns outside the key."""
        return [column for column in self.columns if column.name not in self.table.key]

    def census(self) -> Part:
        """Counts keyless, new, stale and changed rows."""
        return sql.SQL(
            "SELECT count(*) FILTER (WHERE {keyless}), count(*) FILTER (WHERE {new}),"
            " count(*) FILTER (WHERE NOT {new} AND {stale}),"
            " count(*) FILTER (WHERE NOT {new} AND NOT {stale} AND {differs})"
            " FROM {stage} AS s LEFT JOIN {target} AS t ON {match}"
        ).format(
            keyless=_any(_null("s", name) for name in self.table.key),
            new=_null("t", self.table.key[0]),
            stale=self._stale(),
            differs=self._differs(),
            stage=self.stage,
            target=identifier(self.table),
            match=self._match(),
        )

    def update(self) -> Part:
        """Writes the rows that differ and are not stale."""
        values = {column.name: self._proposed(column) for column in self.settable}
        return sql.SQL(
            "UPDATE {target} AS t SET {sets} FROM {stage} AS s"
            " WHERE {match} AND NOT {stale} AND {differs}"
        ).format(
            target=identifier(self.table),
            sets=_assignments({**values, **self.filled}),
            stage=self.stage,
            match=self._match(),
            stale=self._stale(),
            differs=self._differs(),
        )

    def insert(self, all_new: bool) -> Part:
        """Adds the rows whose key the target has not; in the key's order, which suits its index."""
        brought = {column.name: _of("s", column.name) for column in self.columns}
        values = {**brought, **self.filled}
        return sql.SQL(
            "INSERT INTO {target} AS t ({names}) SELECT {values} FROM {stage} AS s{new}"
            " ORDER BY {order} ON CONFLICT ({key}) {action}"
        ).format(
            target=identifier(self.table),
            names=_list(map(sql.Identifier, values)),
            values=_list(values.values()),
            stage=self.stage,
            new=sql.SQL("") if all_new else self._not_there(),
            order=_list(_of("s", name) for name in self.table.key),
            key=_list(map(sql.Identifier, self.table.key)),
            action=self._conflict(),
        )

    def _not_there(self) -> Part:
        return sql.SQL(" WHERE NOT EXISTS (SELECT FROM {target} AS t WHERE {match})").format(
            target=identifier(self.table), match=self._match()
        )

    def _conflict(self) -> Part:
        names = [column.name for column in self.settable]
        if not names:
            return sql.SQL("DO NOTHING")
        sets = _assignments({name: _of("excluded", name) for name in [*names, *self.filled]})
        return sql.SQL("DO UPDATE SET {} WHERE NOT {}").format(sets, self._stale())

    def _match(self) -> Part:
        pairs = [sql.SQL("{} = {}").format(_of("t", k), _of("s", k)) for k in self.table.key]
        return sql.SQL(" AND ").join(pairs)

    def _stale(self) -> Part:
        if not self.source_time:
            return sql.SQL("false")
        stored = _of("t", self.source_time)
        return sql.SQL("coalesce({} > {}, false)").format(stored, self.as_of)

    def _differs(self) -> Part:
        return _any(
            sql.SQL("{} IS DISTINCT FROM {}").format(
                comparable(column, self._proposed(column)),
                comparable(column, _of("t", column.name)),
            )
            for column in self.settable
        )

    def _proposed(self, column: TableColumn) -> Part:
        """What the row would hold after this load."""
        value: Part = _of("s", column.name)
        if column.name not in self.untouched:
            return value
        return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(
            self._is_untouched(column.name), _of("t", column.name), value
        )

    def _is_untouched(self, name: str) -> Part:
        return sql.SQL("{} = ANY (string_to_array(split_part({}, ' ', 2), ','))").format(
            sql.Literal(str(self.untouched[name])), _of("s", ORIGIN)
        )


def comparable(column: TableColumn, value: Part) -> Part:
    """The value in a form whose equality means that nothing needs to be written."""
    if column.type in _COMPARED_AS_TEXT:
        return sql.SQL("({})::text").format(value)
    if column.type in _TEXT:
        # A nondeterministic collation calls different texts equal.
        return sql.SQL('({}) COLLATE "C"').format(value)
    return value


def untouched_positions(cursor: Any, stage: sql.Identifier) -> FrozenSet[int]:
    """The 1-based positions that any row of the staging table asks to be left alone."""
    cursor.execute(
        sql.SQL(
            "SELECT DISTINCT unnest(string_to_array(split_part({origin}, ' ', 2), ','))::int"
            " FROM {stage} s WHERE strpos({origin}, ' ') > 0"
        ).format(origin=_of("s", ORIGIN), stage=stage)
    )
    return frozenset(position for (position,) in cursor.fetchall())


def _of(alias: str, name: str) -> Part:
    return sql.Identifier(alias, name)


def _null(alias: str, name: str) -> Part:
    return sql.SQL("{} IS NULL").format(_of(alias, name))


def _list(parts: Any) -> Part:
    return sql.SQL(", ").join(list(parts))


def _any(parts: Any) -> Part:
    """OR of conditions; false of none."""
    return sql.SQL("({})").format(sql.SQL(" OR ").join(list(parts) or [sql.SQL("false")]))


def _assignments(values: Dict[str, Part]) -> Part:
    return _list(sql.SQL("{} = {}").format(sql.Identifier(n), v) for n, v in values.items())
