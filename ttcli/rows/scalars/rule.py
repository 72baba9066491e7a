"""What a conversion must know of a column, and what it answers for a cell."""

from __future__ import annotations

import datetime
from typing import NamedTuple, Union

from ttcli.cells import Cell, Kind
from ttcli.rows.mapping import ColumnSettings
from ttcli.table import TableColumn

NULL = b"\\N"


class Rejected(NamedTuple):
    """A cell that cannot be taken.

    Attributes:
        rule: A stable short word for counting: `date-ambiguous`, `key-blank`, …
        reason: One sentence for the sender, with what to do where that is known.
    """

    rule: str
    reason: str


class Noted(NamedTuple):
    """A value that was taken, with something to count: a word of `REPAIRS` or of `WARNINGS`."""

    value: bytes
    note: str


Outcome = Union[bytes, Rejected, Noted]

REPAIRS = frozenset({"zero-padded", "mawb-leading-zero"})
UNMAPPED_ROW = "unmapped-row"
WARNINGS = frozenset({"mawb-check-digit", "number-precision", "date-as-text", UNMAPPED_ROW})


class Rule(NamedTuple):
    """All that decides how the cells of one column are converted.

    Attributes:
        column: The target column.
        settings: What mapping.toml says of it.
        today: The day that bounds which bare numbers may be dates.
        key: The column is part of the unique key.
        form: `hawb`, `mawb` or `text`: how texts are brought into canonical form.
        date_1904: The workbook counts days from 1904-01-01.
        plain_text: The workbook is text without cell types (csv), so a decimal point is one.
    """

    column: TableColumn
    settings: ColumnSettings
    today: datetime.date
    key: bool = False
    form: str = "text"
    date_1904: bool = False
    plain_text: bool = False


_ARTICLE = {Kind.ERROR: "an error", Kind.BOOL: "true or false"}


def wrong_kind(cell: Cell, rule: Rule) -> Rejected:
    """The answer to a cell whose kind the column's type has no use for."""
    found = _ARTICLE.get(cell.kind, f"a {cell.kind.value}")
    return Rejected("wrong-kind", f"{found} in a column of type {rule.column.declared}")
