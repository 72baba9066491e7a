"""From the staging table `s` into the target `t`: the statements, built for one load.

An UPDATE of the rows that differ and an INSERT of the new ones, each only where a census of the
staging table says that it is needed, so that a reload of equal rows writes nothing at all. (One
INSERT … ON CONFLICT would check NOT NULL columns that the workbook does not bring even for rows
that only change, and would lock equal rows.) ON CONFLICT remains on the INSERT for what another
writer adds in between.

No statement takes parameters: names may hold a percent sign.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from psycopg2 import sql

from ttcli.database import policy
from ttcli.database.staging import ORIGIN
from ttcli.database.target import identifier
from ttcli.table import Policy, TableColumn, TargetTable

Part = sql.Composable

_OVERWRITE = Policy()
EVERY_ROW = sql.SQL("true")
SORTED_AT_MOST = 10_000


class Census(NamedTuple):
    """How the rows of a staging table stand to the target; `refused` counts cells."""

    stored: int
    stale: int
    changed: int
    refused: int


class Upsert(NamedTuple):
    """What the statements are made of.

    Attributes:
        columns: The columns that the workbook brought and that may be written, the key's too.
        filled: Column → expression of what is filled in by us: file name, times.
        source_time: The column of the as-of time, or nothing.
        as_of: This load's as-of time.
        untouched: Column → its position as rows name it that want the stored value left alone.
        policies: Column → how old and new become one, where that is not overwriting.
        kept: A further condition under which a stored row counts as newer.
    """

    table: TargetTable
    stage: sql.Identifier
    columns: Sequence[TableColumn]
    filled: Dict[str, Part]
    source_time: str
    as_of: Part
    untouched: Dict[str, int]
    policies: Mapping[str, Policy]
    kept: Optional[Part] = None

    @property
    def settable(self) -> List[TableColumn]:
        """The brought columns outside the key."""
        return [column for column in self.columns if column.name not in self.table.key]

    @property
    def key(self) -> List[TableColumn]:
        """The key's columns."""
        return [column for column in self.columns if column.name in self.table.key]

    def census(self) -> Part:
        """Counts stored, stale and changed rows, and refused cells.

        An inner join, from which the number of new rows follows: a distributed target would be
        fetched whole for an outer one.
        """
        return sql.SQL(
            "SELECT count(*), count(*) FILTER (WHERE {stale}),"
            " count(*) FILTER (WHERE NOT {stale} AND {differs}),"
            " {refused} FROM {stage} AS s JOIN {target} AS t ON {match}"
        ).format(
            stale=self.stale(),
            differs=self.differs(),
            refused=self._count_refused(),
            stage=self.stage,
            target=identifier(self.table),
            match=self.match(),
        )

    def update(self, only: Part = EVERY_ROW) -> Part:
        """Writes the rows that differ and are not stale."""
        values = {column.name: self.proposed(column) for column in self.settable}
        return sql.SQL(
            "UPDATE {target} AS t SET {sets} FROM {stage} AS s"
            " WHERE {match} AND {only} AND NOT {stale} AND {differs}"
        ).format(
            target=identifier(self.table),
            sets=_assignments({**values, **self.filled}),
            stage=self.stage,
            match=self.match(),
            only=only,
            stale=self.stale(),
            differs=self.differs(),
        )

    def insert(
        self,
        all_new: bool = False,
        in_order: bool = True,
        alone: bool = False,
        only: Part = EVERY_ROW,
    ) -> Part:
        """Adds the rows whose key the target has not.

        Args:
            in_order: Of the key, so that two writers do not wait for each other crosswise;
                sorting many rows was measured to cost an eighth of the load.
            alone: Rely on no other writer adding one of the keys now; it would be an error.
        """
        brought = {column.name: _for_a_new_row(column) for column in self.columns}
        values = {**brought, **self.filled}
        return sql.SQL(
            "INSERT INTO {target} AS t ({names}) SELECT {values} FROM {stage} AS s"
            " WHERE {only}{new}{order}{conflict}"
        ).format(
            target=identifier(self.table),
            names=listed(map(sql.Identifier, values)),
            values=listed(values.values()),
            stage=self.stage,
            only=only,
            new=sql.SQL("") if all_new else self._not_there(),
            order=self._order() if in_order else sql.SQL(""),
            conflict=sql.SQL("") if alone else self._conflict(),
        )

    def _order(self) -> Part:
        return sql.SQL(" ORDER BY {}").format(listed(of("s", name) for name in self.table.key))

    def _not_there(self) -> Part:
        return sql.SQL(" AND NOT EXISTS (SELECT FROM {target} AS t WHERE {match})").format(
            target=identifier(self.table), match=self.match()
        )

    def _conflict(self) -> Part:
        key = listed(map(sql.Identifier, self.table.key))
        if not self.settable:
            return sql.SQL(" ON CONFLICT ({}) DO NOTHING").format(key)
        values = {column.name: self._met(column) for column in self.settable}
        filled = {name: of("excluded", name) for name in self.filled}
        return sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {} WHERE NOT {}").format(
            key, _assignments({**values, **filled}), self.stale()
        )

    def _met(self, column: TableColumn) -> Part:
        """What another writer's row, which came in between, would hold after this load.

        Which of its cells are to be left alone is known no more, so a blank leaves them all.
        """
        stored, brought = of("t", column.name), of("excluded", column.name)
        value = policy.merged(column, self._policy(column), stored, brought)
        if column.name not in self.untouched:
            return value
        return sql.SQL("CASE WHEN {} IS NULL THEN {} ELSE {} END").format(brought, stored, value)

    def keyless(self) -> Part:
        """Whether a part of the key is missing: no such row could ever be found again."""
        return any_of(_null("s", name) for name in self.table.key)

    def match(self) -> Part:
        """The join of `s` and `t`."""
        pairs = [sql.SQL("{} = {}").format(of("t", k), of("s", k)) for k in self.table.key]
        return sql.SQL(" AND ").join(pairs)

    def stale(self) -> Part:
        """Whether the stored row is newer than this load; one without a time is not."""
        kept = [] if self.kept is None else [self.kept]
        if self.source_time:
            kept.append(sql.SQL("{} > {}").format(of("t", self.source_time), self.as_of))
        return sql.SQL("coalesce({}, false)").format(any_of(kept)) if kept else sql.SQL("false")

    def differs(self) -> Part:
        """Whether anything would be written."""
        return any_of(
            policy.differ(column, self.proposed(column), of("t", column.name))
            for column in self.settable
        )

    def proposed(self, column: TableColumn) -> Part:
        """What a stored row would hold after this load."""
        stored, brought = of("t", column.name), of("s", column.name)
        value = policy.merged(column, self._policy(column), stored, brought)
        if column.name not in self.untouched:
            return value
        return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(
            self._is_untouched(column.name), stored, value
        )

    def refusing(self) -> List[Any]:
        """Pairs of a column and the condition under which its policy refuses the change."""
        pairs = [(column, self._refusal(column)) for column in self.settable]
        return [(column, part) for column, part in pairs if part is not None]

    def _refusal(self, column: TableColumn) -> Optional[Part]:
        stored, brought = of("t", column.name), of("s", column.name)
        return policy.refusal(column, self._policy(column), stored, brought)

    def _count_refused(self) -> Part:
        counts: List[Part] = [
            sql.SQL("count(*) FILTER (WHERE NOT {} AND {})").format(self.stale(), part)
            for _, part in self.refusing()
        ]
        return sql.SQL(" + ").join(counts or [sql.SQL("0")])

    def _policy(self, column: TableColumn) -> Policy:
        return self.policies.get(column.name, _OVERWRITE)

    def _is_untouched(self, name: str) -> Part:
        return sql.SQL("{} = ANY (string_to_array(split_part({}, ' ', 2), ','))").format(
            sql.Literal(str(self.untouched[name])), of("s", ORIGIN)
        )


def untouched_positions(cursor: Any, stage: sql.Identifier) -> FrozenSet[int]:
    """The 1-based positions that any row of the staging table asks to be left alone."""
    cursor.execute(
        sql.SQL(
            "SELECT DISTINCT unnest(string_to_array(split_part({origin}, ' ', 2), ','))::int"
            " FROM {stage} s WHERE strpos({origin}, ' ') > 0"
        ).format(origin=of("s", ORIGIN), stage=stage)
    )
    return frozenset(position for (position,) in cursor.fetchall())


def _for_a_new_row(column: TableColumn) -> Part:
    """The cell, or for a blank in a column that cannot be NULL, the column's default."""
    if not column.fallback:
        return of("s", column.name)
    return sql.SQL("coalesce({}, {})").format(of("s", column.name), sql.SQL(column.fallback))


def of(alias: str, name: str) -> Part:
    """A column of `s`, `t` or `excluded`."""
    return sql.Identifier(alias, name)


def listed(parts: Iterable[Part]) -> Part:
    """Parts with commas between them."""
    return sql.SQL(", ").join(list(parts))


def any_of(parts: Iterable[Part]) -> Part:
    """OR of conditions; false of none."""
    return sql.SQL("({})").format(sql.SQL(" OR ").join(list(parts) or [sql.SQL("false")]))


def _null(alias: str, name: str) -> Part:
    return sql.SQL("{} IS NULL").format(of(alias, name))


def _assignments(values: Dict[str, Part]) -> Part:
    return listed(sql.SQL("{} = {}").format(sql.Identifier(n), v) for n, v in values.items())
