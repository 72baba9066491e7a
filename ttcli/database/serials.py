"""Days since 30 December 1899, as rows.tsv holds whole columns of dates, in a staging table.

A column of their own takes the numbers, and the date is generated from it: so COPY is all that
reads them, and the statements behind it know nothing of serials. The expressions round to
milliseconds, as `rows/scalars/dates.py` does: a double times a number, to the nearest, half to
even, and the last cast takes away what the sum cannot hold of them, far beyond the years of any
shipment.
"""

from __future__ import annotations

from typing import Dict, Mapping, Sequence

from psycopg2 import sql

from ttcli.table import TargetTable

_MOMENTS: Dict[str, str] = {
    "date": "date '1899-12-30' + CAST(floor(round({days} * 86400000) / 86400000) AS integer)",
    "timestamp": "CAST(timestamp '1899-12-30' + round({days} * 86400000)"
    " * interval '1 millisecond' AS timestamp(3))",
}


def moment_of(days: sql.Composable, type_: str) -> sql.Composable:
    """The date, or date and time, of an expression in days; `type_` is the name of the type."""
    return sql.SQL(_MOMENTS[type_]).format(days=days)


def numbers_of(names: Sequence[str], serials: Mapping[str, str]) -> Dict[str, str]:
    """Columns with serials → the columns that take the numbers, which no target has."""
    return {name: f"ttcli serial {n}" for n, name in enumerate(names, 1) if name in serials}


def generated(
    table: TargetTable, serials: Mapping[str, str], numbers: Mapping[str, str]
) -> sql.Composable:
    """`ADD COLUMN`s for the dates, with the target's own types."""
    return sql.SQL(", ").join(
        sql.SQL("ADD COLUMN {} {} GENERATED ALWAYS AS ({}) STORED").format(
            sql.Identifier(name),
            sql.SQL(column.declared),
            moment_of(sql.Identifier(number), serials[name]),
        )
        for name, number in numbers.items()
        for column in [table.column(name)]
        if column
    )
