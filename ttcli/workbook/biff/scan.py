"""What a scanner of ours says of the cells that calamine reads; see `calamine.py` for why."""

from __future__ import annotations

from typing import Iterator, Protocol, Sequence

from ttcli.cells import Cell, Kind
from ttcli.workbook.blocks import Row

ASK = Cell(Kind.TEXT, "")
"""A scanner's word for a text that only calamine can read."""


class Unshared(Cell):
    """A scanner's word for a cell in a spelling that calamine leaves out, or a text it cuts."""

    __slots__ = ()


class Scan(Protocol):
    """What a scanner of ours knows of a workbook; sheets are counted as calamine does.

    Attributes:
        date_1904: Serial numbers count from 1904.
        states: The state of each sheet.
    """

    @property
    def date_1904(self) -> bool: ...
    @property
    def states(self) -> Sequence[str]: ...

    def rows(self, sheet: int) -> Iterator[Row]:
        """The rows of the sheet of that index, ascending; texts may be `ASK`."""
