"""TOTAL rows, known by a word (`text.is_total`): dropped, and held against what was read."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any, BinaryIO, Dict, Iterable, List, NamedTuple, Optional, Sequence

from ttcli.rows.fates.lines import read_lines
from ttcli.rows.scalars.rule import NULL

MOST_ROWS = 1000
"""Totals rows of one sheet whose numbers are kept; all are counted."""


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
    rejected: Dict[str, Decimal]
    group: bytes = NULL


class Sums:
    """What is gathered while rows are read.

    Attributes:
        said: The totals rows, the first ones.
        groups: MAWB → what its rejected rows hold, by field.
        rejected: What all rejected rows hold, by field.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        self.said: List[Said] = []
        self.groups: Dict[bytes, Dict[str, Decimal]] = {}
        self.rejected = dict.fromkeys(fields, _ZERO)

    def reject(self, numbers: Dict[str, Decimal], mawb: bytes) -> None:
        """Adds a rejected row."""
        self.rejected = _added(self.rejected, numbers)
        if mawb != NULL:
            self._add_to_group(mawb, numbers)

    def add(self, below: Sums) -> None:
        """Adds what was gathered from the rows below."""
        for said in below.said[: MOST_ROWS - len(self.said)]:
            self.said.append(said._replace(rejected=_added(self.rejected, said.rejected)))
        for mawb, numbers in below.groups.items():
            self._add_to_group(mawb, numbers)
        self.rejected = _added(self.rejected, below.rejected)

    def _add_to_group(self, mawb: bytes, numbers: Dict[str, Decimal]) -> None:
        """A total by MAWB may stand anywhere: above its rows, below them, below all."""
        before = self.groups.get(mawb) or dict.fromkeys(self.rejected, _ZERO)
        self.groups[mawb] = _added(before, numbers)


_ZERO = Decimal(0)
_EXACT = Context(prec=1000)  # of numbers that a double can hold, so no order of them matters


def _added(some: Dict[str, Decimal], more: Dict[str, Decimal]) -> Dict[str, Decimal]:
    return {field: _EXACT.add(number, more.get(field, _ZERO)) for field, number in some.items()}


def _floats(numbers: Dict[str, Decimal]) -> Dict[str, float]:
    return {field: float(number) for field, number in numbers.items()}


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
        """Keeps the numbers of a totals row; one of words alone parts nothing."""
        numbers = self._numbers(line)
        if numbers and len(self.sums.said) < MOST_ROWS:
            said = Said(row, numbers, self.sums.rejected, self._group_of(line))
            self.sums.said.append(said)

    def add_rejected(self, line: Sequence[bytes]) -> None:
        """The sender's sum holds the numbers of rows that we have rejected, too."""
        self.sums.reject(self._numbers(line), self._group_of(line))

    def _numbers(self, line: Sequence[bytes]) -> Dict[str, Decimal]:
        fields = self._fields.items()
        return {field: Decimal(line[i].decode()) for field, i in fields if line[i] != NULL}

    def check(self, rows: BinaryIO) -> List[Dict[str, Any]]:
        """Holds what the totals rows say against the rows written, read again if there are any.

        Returns:
            One object for each number of each totals row: `row`, `field`, `said`, `sum` (of the
            rows above it, of those since the totals row before, or of those of the `mawb` that
            it names) and `agrees`.
        """
        if not self.sums.said:
            return []
        above, since = self._nothing(), self._nothing()
        groups = {mawb: _floats(numbers) for mawb, numbers in self.sums.groups.items()}
        waiting, found = list(self.sums.said), []
        for lines in read_lines(rows, self._start):
            for line in lines:
                *values, origin = line.split(b"\t")
                if not origin.startswith(self._prefix):
                    continue
                row = int(origin[len(self._prefix) :].partition(b" ")[0])
                while waiting and waiting[0].row < row:
                    found.append((waiting.pop(0), dict(above), since))
                    since = self._nothing()
                self._count(values, above, since)
                mawb = self._group_of(values)
                if mawb != NULL:
                    self._count(values, groups.setdefault(mawb, self._nothing()))
        for said in waiting:
            found.append((said, above, since))
            since = self._nothing()
        return [
            each
            for said, all_of_them, some in found
            for each in _compared(said, all_of_them, some, groups.get(said.group, {}))
        ]

    def _nothing(self) -> Dict[str, float]:
        return dict.fromkeys(self._fields, 0.0)

    def _count(self, values: Sequence[bytes], *sums: Dict[str, float]) -> None:
        for field, index in self._fields.items():
            if values[index] != NULL:
                number = float(values[index])
                for each in sums:
                    each[field] += number

    def _group_of(self, line: Sequence[bytes]) -> bytes:
        return NULL if self._group is None else line[self._group]


def _compared(
    said: Said, above: Dict[str, float], since: Dict[str, float], group: Dict[str, float]
) -> List[Dict[str, Any]]:
    named = {} if said.group == NULL else {"mawb": said.group.decode()}
    found = []
    for field, number in said.numbers.items():
        sums = [above[field] + float(said.rejected[field]), above[field], since[field]]
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
