"""TOTAL rows: known by the word in them, dropped, and held against what was read."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, BinaryIO, Dict, Iterable, List, NamedTuple, Optional, Sequence

from ttcli.rows.lines import read_lines
from ttcli.rows.rule import NULL, Rejected

_TOTAL = re.compile(
    r"(?:(?:grand|sub|over ?all|net|final)[ -]?)?(?:totals?|sum)\b|summe\b|gesamt(?:summe)?\b"
    r"|total g[eé]n[eé]ral\b|tổng(?: cộng| số)?\b|jumlah\b|合计|总计|小计|總計|合計|小計",
    re.IGNORECASE,
)
_REST = re.compile(r"[\s:=.,()0-9]*")

TOTAL = Rejected("total", "a row of totals, not a shipment")

MOST_ROWS = 1000
"""Totals rows of one sheet whose numbers are kept; all are counted."""


def is_total(text: str) -> bool:
    """Whether a cell says that its row is one of totals: `TOTAL`, `Grand total: 45`, `合计`."""
    match = _TOTAL.match(text)
    return bool(match and _REST.fullmatch(text, match.end()))


class Said(NamedTuple):
    """A totals row.

    Attributes:
        row: Its number.
        numbers: What it says, by field.
        rejected: What rejected rows above it hold, by field.
        group: The MAWB in it, whose rows alone it may count; NULL in a row for all.
    """

    row: int
    numbers: Dict[str, Decimal]
    rejected: Dict[str, float]
    group: bytes = NULL


class Sums:
    """What is gathered while rows are read.

    Attributes:
        said: The totals rows, the first ones.
        groups: MAWB → what all its rows hold, by field; without the rows written.
        rejected: What all rejected rows hold, by field.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        self.said: List[Said] = []
        self.groups: Dict[bytes, Dict[str, float]] = {}
        self.rejected = dict.fromkeys(fields, 0.0)

    def group(self, mawb: bytes) -> Dict[str, float]:
        """The sums of a MAWB's rows."""
        return self.groups.setdefault(mawb, dict.fromkeys(self.rejected, 0.0))

    def add(self, below: Sums) -> None:
        """Adds what was gathered from the rows below."""
        for said in below.said[: MOST_ROWS - len(self.said)]:
            self.said.append(said._replace(rejected=_added(self.rejected, said.rejected)))
        for mawb, sums in below.groups.items():
            self.groups[mawb] = _added(self.group(mawb), sums)
        self.rejected = _added(self.rejected, below.rejected)


def _added(some: Dict[str, float], more: Dict[str, float]) -> Dict[str, float]:
    return {field: number + more[field] for field, number in some.items()}


class Totals:
    """The totals rows of one sheet, and the check against its rows.

    Args:
        sheet: The sheet's number, as in the origins of rows.tsv.
        start: Where the sheet's rows begin in rows.tsv.
        fields: Numeric field → its 0-based place in a line.
        group: The place of the MAWB, if there is one.
    """

    def __init__(
        self, sheet: int, start: int, fields: Dict[str, int], group: Optional[int] = None
    ) -> None:
        self._prefix = b"%d:" % sheet
        self._start = start
        self._fields = fields
        self._group = group
        self.sums = Sums(fields)

    def add(self, row: int, line: Sequence[bytes]) -> None:
        """Keeps the numbers of a totals row."""
        if len(self.sums.said) < MOST_ROWS:
            numbers = {
                f: Decimal(line[i].decode()) for f, i in self._fields.items() if line[i] != NULL
            }
            group = self._group_of(line)
            self.sums.said.append(Said(row, numbers, dict(self.sums.rejected), group))

    def add_rejected(self, line: Sequence[bytes]) -> None:
        """The sender's sum holds the numbers of rows that we have rejected, too."""
        self._add_to_group(line)
        for field, index in self._fields.items():
            if line[index] != NULL:
                self.sums.rejected[field] += float(line[index])

    def check(self, rows: BinaryIO) -> List[Dict[str, Any]]:
        """Holds what the totals rows say against the rows written, read again if there are any.

        Returns:
            One object for each number of each totals row: `row`, `field`, `said`, `sum` (of the
            rows above it, of those since the totals row before, or of those of the `mawb` that
            it names) and `agrees`.
        """
        if not any(said.numbers for said in self.sums.said):
            return []
        above, since = dict.fromkeys(self._fields, 0.0), dict.fromkeys(self._fields, 0.0)
        waiting, found = list(self.sums.said), []
        for lines in read_lines(rows, self._start):
            for line in lines:
                *values, origin = line.split(b"\t")
                if not origin.startswith(self._prefix):
                    continue
                row = int(origin[len(self._prefix) :].partition(b" ")[0])
                while waiting and waiting[0].row < row:
                    found.append((waiting.pop(0), dict(above), since))
                    since = dict.fromkeys(self._fields, 0.0)
                self._add_to_group(values)
                for field, index in self._fields.items():
                    if values[index] != NULL:
                        number = float(values[index])
                        above[field] += number
                        since[field] += number
        for said in waiting:
            found.append((said, above, since))
            since = dict.fromkeys(self._fields, 0.0)
        return [each for said, *sums in found for each in self._compared(said, *sums)]

    def _group_of(self, line: Sequence[bytes]) -> bytes:
        return NULL if self._group is None else line[self._group]

    def _add_to_group(self, line: Sequence[bytes]) -> None:
        """A total by MAWB may stand anywhere: above its rows, below them, below all."""
        group = self._group_of(line)
        if group != NULL:
            sums = self.sums.group(group)
            for field, index in self._fields.items():
                if line[index] != NULL:
                    sums[field] += float(line[index])

    def _compared(
        self, said: Said, above: Dict[str, float], since: Dict[str, float]
    ) -> List[Dict[str, Any]]:
        group = self.sums.groups.get(said.group, {})
        named = {} if said.group == NULL else {"mawb": said.group.decode()}
        found = []
        for field, number in said.numbers.items():
            sums = [above[field] + said.rejected[field], above[field], since[field]]
            sums += [group[field]] if group else []
            nearest = min(sums, key=lambda total: abs(total - float(number)))
            found.append(
                {
                    "row": said.row,
                    "field": field,
                    "said": str(number),
                    "sum": f"{nearest:.6f}".rstrip("0").rstrip("."),
                    "agrees": _agree(number, nearest),
                    **named,
                }
            )
        return found


def _agree(said: Decimal, total: float) -> bool:
    """Equal to the last digit said, and to what adding floats loses."""
    exponent = said.as_tuple().exponent
    last = 10.0 ** min(int(exponent), 0) if isinstance(exponent, int) else 0.0
    return abs(float(said) - total) <= 0.5 * last + 1e-9 * abs(total)
