"""Tables as text: comma, semicolon, tab or bar between the fields, RFC 4180 quotes.

Every cell is a text; which texts are numbers and dates, the rows room decides by its rules. What
cannot be told for certain (characters, separator, a stray quote) refuses the file: a guess here
would shift or garble columns without a trace.
"""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence

from ttcli.cells import Block, Cell, Kind, Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.blocks import Budget, ReadSheet, ReadWorkbook, Row, blocks_of, plain
from ttcli.workbook.encoding import encoding_of

_SEPARATORS = "\t;,|"
_SAMPLE_ROWS = 100
_DECLARED = re.compile(r'"?sep=(.)"?\s*\Z', re.I)
_LONGEST_FIELD = 1 << 20
_NAMES = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar"}
_AS_TEXT = re.compile(r'="(.*)"\Z', re.S)


class _Layout(NamedTuple):
    """How the text is cut: `skip` lines first, then fields, of which a row has at most `width`."""

    encoding: str
    separator: str
    skip: int
    width: int


def open_delimited(path: Path, limits: Limits) -> Workbook:
    """Opens a table as text; its one sheet is named after its separator.

    Raises:
        BadItem: Its characters or its separator cannot be told, or a limit is passed.
    """
    _check_size(path, limits)
    layout = _layout(path, encoding_of(path))
    name = _NAMES.get(layout.separator, "table")
    Budget(limits).check_column(name, layout.width)  # before there are that many cells

    def blocks() -> Iterator[Block]:
        return blocks_of(_rows(path, layout, limits), name, Budget(limits))

    return ReadWorkbook("csv", False, [ReadSheet(name, "visible", blocks)])


def _check_size(path: Path, limits: Limits) -> None:
    if path.stat().st_size > limits.inflated_mb << 20:
        raise BadItem(
            f"it is larger than {limits.inflated_mb} MB", "send less at once", kind="limit"
        )


def _layout(path: Path, encoding: str) -> _Layout:
    lines = _first_lines(path, encoding)
    declared = _DECLARED.match(lines[0]) if lines else None
    if declared:  # Excel's own way to say it
        rows = _cut(lines[1:], declared[1])
        return _Layout(encoding, declared[1], 1, _width(rows))
    separator = _separator(lines)
    return _Layout(encoding, separator, 0, _width(_cut(lines, separator)))


def _first_lines(path: Path, encoding: str) -> List[str]:
    with path.open(encoding=encoding, newline="") as text:
        lines = list(islice(_bounded(text), _SAMPLE_ROWS))
    return [line for line in lines if line.strip()]


def _bounded(text: Iterable[str]) -> Iterator[str]:
    for line in text:
        if len(line) > 16 * _LONGEST_FIELD:
            raise BadItem("a line of more than 16 million characters", kind="limit")
        yield line


def _cut(lines: Sequence[str], separator: str) -> List[List[str]]:
    """Rows of a sample; what is malformed near its end may only be cut off."""
    rows: List[List[str]] = []
    with contextlib.suppress(csv.Error):
        for row in csv.reader(lines, delimiter=separator, strict=True):
            rows.append(row)  # those before the malformed one count
    return [row for row in rows if any(field.strip() for field in row)]


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many fields the table has: as most rows do, or as its first row of that width does."""
    widths = [_used(row) for row in rows]
    usual = _most_frequent(widths) if widths else 1
    return next((width for width in widths if width >= usual), usual)


def _used(row: Sequence[str]) -> int:
    """The number of fields without the blank ones at the end."""
    return next((n for n in range(len(row), 0, -1) if row[n - 1].strip()), 0)


def _most_frequent(widths: Sequence[int]) -> int:
    counted = Counter(widths)
    return max(counted, key=lambda width: (counted[width], width))


def _separator(lines: Sequence[str]) -> str:
    """The separator that cuts most of the rows into the same number of fields.

    Raises:
        BadItem: Two of them do it equally well.
    """
    scores = {separator: _score(_cut(lines, separator)) for separator in _SEPARATORS}
    best = max(scores.values())
    if best == _NO_TABLE:
        return ","  # one column
    winners = [separator for separator, score in scores.items() if score == best]
    if len(winners) > 1:
        raise BadItem(
            f"its fields may be separated by {' or '.join(_NAMES[w] for w in winners)}",
            "send it as .xlsx",
            kind="ambiguous",
        )
    return winners[0]


class _Score(NamedTuple):
    consistency: float
    width: int


_NO_TABLE = _Score(0.0, 1)


def _score(rows: Sequence[Sequence[str]]) -> _Score:
    """How table-like the rows are; titles above and totals below may be narrower."""
    widths = [len(row) for row in rows]
    tables = [width for width in widths if width > 1]
    if not tables:
        return _NO_TABLE
    usual = _most_frequent(tables)
    return _Score(round(tables.count(usual) / len(widths), 3), usual)


def _rows(path: Path, layout: _Layout, limits: Limits) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding=layout.encoding, newline="") as text:
        lines = _bounded(text)
        for _ in islice(lines, layout.skip):
            pass
        reader = csv.reader(lines, delimiter=layout.separator, strict=True)
        for number in range(1, limits.rows + 2):
            fields = _next(reader, layout.skip)
            if fields is None:
                return
            yield number, _cells(fields, layout.width)


def _next(reader: Iterator[List[str]], skipped: int) -> Optional[List[str]]:
    try:
        return next(reader, None)
    except csv.Error as error:
        line = skipped + int(getattr(reader, "line_num", 0))
        raise BadItem(
            f"line {line} is no row of fields: {error}",
            'a field with a quote in it must stand in quotes, with the quote doubled: "2"" pipe"',
            kind="damaged",
        ) from error


def _cells(fields: Sequence[str], width: int) -> Dict[int, Cell]:
    """The cells of a row; a row with more fields than the table says nothing for certain.

    An unquoted separator inside a text moves everything after it to the right, so no field of
    such a row is given as a value.
    """
    used = _used(fields)
    if used > width:
        trouble = Cell(Kind.ERROR, f"#FIELDS! ({used} instead of {width})")
        return dict.fromkeys(range(1, width + 1), trouble)
    texts = ((column, _text(field)) for column, field in enumerate(fields, 1) if field)
    return {column: Cell(Kind.TEXT, text) for column, text in texts if text}


def _text(field: str) -> str:
    """A field's text; `="0123"` is how one keeps Excel from taking it for a number."""
    match = _AS_TEXT.match(field)
    return plain(match[1].replace('""', '"') if match else field)
