"""What the database says of the target table, and what the rows room hears.

The target table is the user's own: its columns and types, read from the catalog, are the schema
of a workbook's rows. A snapshot is kept in the spool's state/, so that workbooks can be read
while the database is away.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple


class TableColumn(NamedTuple):
    """A column of the target table.

    Attributes:
        name: As in the catalog, unquoted, case kept.
        type: The base type's name as PostgreSQL's pg_type.typname (`text`, `int4`, `numeric`,
            `timestamptz`, `date`, …), a domain's underlying type, never an alias.
        declared: The type as format_type() shows it, for messages: `numeric(10,2)`.
        length: The n of varchar(n) or char(n), else None.
        required: NOT NULL without a default: a row needs a value.
        writable: False for generated columns and GENERATED ALWAYS identities.
        labels: The labels of an enum type, in order; empty otherwise.
        fallback: SQL of the default of a NOT NULL column: what a blank becomes in a new row.
        loose: Its equality calls different texts equal: citext, a nondeterministic collation.
    """

    name: str
    type: str
    declared: str
    length: Optional[int] = None
    required: bool = False
    writable: bool = True
    labels: Tuple[str, ...] = ()
    fallback: str = ""
    loose: bool = False


class Policy(NamedTuple):
    """How the stored value of a column and a newer row's become one.

    Attributes:
        kind: `overwrite`: the newer row's value, a blank clears · `keep`: the same, but a blank
            changes nothing · `fill`: set once, never changed · `newest`: the later time or greater
            number stays · `monotonic`: never back in `order`. Only with `overwrite` a blank clears.
        order: The values of a monotonic column, first to last; one that is not among them never
            replaces one that is.
    """

    kind: str = "overwrite"
    order: Tuple[str, ...] = ()


class TargetTable(NamedTuple):
    """The target table as found in the catalog.

    Attributes:
        schema, name: As in the catalog, unquoted, case kept.
        key: The unique-key columns (DB_UNIQUE_KEY), names as in the catalog.
        columns: In the table's order.
    """

    schema: str
    name: str
    key: Tuple[str, ...]
    columns: Tuple[TableColumn, ...]

    def column(self, name: str) -> Optional[TableColumn]:
        """The column of that exact name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def to_json(table: TargetTable) -> Dict[str, Any]:
    """The snapshot as it stands in the spool."""
    return {**table._asdict(), "columns": [column._asdict() for column in table.columns]}


def from_json(snapshot: Mapping[str, Any]) -> TargetTable:
    """The reverse of `to_json`; raises KeyError or TypeError for anything else."""
    columns = tuple(
        TableColumn(**{**column, "labels": tuple(column["labels"])})
        for column in snapshot["columns"]
    )
    return TargetTable(snapshot["schema"], snapshot["name"], tuple(snapshot["key"]), columns)
