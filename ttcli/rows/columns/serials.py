"""Columns of dates that stay as Excel stores them: days since 30 December 1899, read by the server.

Making a text of each serial number and having PostgreSQL read it again is the dearest part of a
whole conversion. So a column that begins with dates is written as serials as a whole, and the
staging table says how they become dates (`database.staging`): by the same double, rounded to the
same milliseconds as in `dates.py`. A date that comes otherwise, as a text or of a day that wants a
closer look, is converted as everywhere and becomes its serial then.
"""

from __future__ import annotations

import datetime
import re
from typing import Callable, Dict, Mapping, Optional, Sequence

from ttcli.cells import Column, Kind, MixedColumn
from ttcli.rows.columns.converter import AnyColumn, Converted, cells_of_column
from ttcli.rows.columns.proof import Proof, blanks_as_null
from ttcli.rows.scalars import dates
from ttcli.rows.scalars.datetext import DAY_MS
from ttcli.rows.scalars.rule import NULL, Rule

# Five digits are the years 1927 to 2173, in which a serial needs no correction.
_PLAIN = Proof(rb"[1-9][0-9]{4}(?:\.[0-9]{1,20})?")
_DECLARED = re.compile(r"date|timestamp(?:\([0-6]\))?(?: without time zone)?")


class SerialColumn:
    """One target column of a workbook; its first cell decides for all of its sheets.

    A key is text that people compare, a domain may refuse what its type takes, and with a time
    zone a text may bring an offset of its own, which no serial can hold: these stay as they are.
    """

    def __init__(self, rule: Rule) -> None:
        fits = bool(_DECLARED.fullmatch(rule.column.declared)) and not rule.date_1904
        self.taken: Optional[bool] = None if fits and not rule.key else False

    def convert(self, column: AnyColumn, convert: Callable[[AnyColumn], Converted]) -> Converted:
        """One block's part of the column; `convert` gives its fields as texts."""
        if self.taken is None:
            self.taken = _begins_with_date(column)
        if not self.taken:
            return convert(column)
        if isinstance(column, Column) and _is_plain(column):
            return Converted(blanks_as_null(column.raw), {}, {})
        done = convert(column)
        return done._replace(values=[*map(_as_serial, _plain_serials(column), done.values)])


def _is_plain(column: Column) -> bool:
    return column.kind is Kind.DATE and not _PLAIN.doubtful(column.raw)


def _begins_with_date(column: AnyColumn) -> Optional[bool]:
    """Whether the first cell is a date; None if all are blank."""
    if not isinstance(column, MixedColumn):
        return column.kind is Kind.DATE if any(column.raw) else None
    first = next((cell for cell in column.cells if cell and cell.text.strip()), None)
    return first.kind is Kind.DATE if first else None


def _plain_serials(column: AnyColumn) -> Sequence[bytes]:
    """The cells that may stay as they are, b"" for the others: so it does not matter which cells
    a reader gives together."""
    raw = [
        cell.text.encode() if cell and cell.kind is Kind.DATE and cell.text.isascii() else b""
        for cell in cells_of_column(column, slice(None))
    ]
    doubtful = {*_PLAIN.doubtful(raw)}
    return [b"" if index in doubtful else value for index, value in enumerate(raw)]


def _as_serial(serial: bytes, field: bytes) -> bytes:
    return serial or to_serial(field)


def to_serial(field: bytes) -> bytes:
    """`2025-11-13`, with or without a time of day, as days since 30 December 1899."""
    if field == NULL:
        return field
    day, _, clock = field.decode().partition(" ")
    whole = (datetime.date.fromisoformat(day) - dates.BASE).days
    rest = _milliseconds(clock) if clock else 0
    return repr((whole * DAY_MS + rest) / DAY_MS).encode() if rest else b"%d" % whole


def _milliseconds(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


def from_serial(field: str, type_: str) -> str:
    """The reverse, as text that people read."""
    whole, rest = divmod(round(float(field) * DAY_MS), DAY_MS)
    day = (dates.BASE + datetime.timedelta(whole)).isoformat()
    return day if type_ == "date" else f"{day} {dates.clock(rest)}"


def shown(
    fields: Mapping[str, Optional[str]], serials: Mapping[str, str]
) -> Dict[str, Optional[str]]:
    """A row's fields by column, with texts for the columns that are written as serials."""
    return {
        name: from_serial(value, serials[name]) if value is not None and name in serials else value
        for name, value in fields.items()
    }


def taken(columns: Sequence[SerialColumn], rules: Sequence[Rule]) -> Mapping[str, str]:
    """The columns that are written as serials, and their types."""
    return {
        rule.column.name: rule.column.type for column, rule in zip(columns, rules) if column.taken
    }
