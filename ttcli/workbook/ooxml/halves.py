"""A sheet in two halves, which two processes read at the same time.

Deflate has no places to begin at, so both inflate from the start; but that is a seventh of the
work. At the cut the second process takes for granted what the first one knows only when it comes
there: that one row ends and another one may begin. If that was wrong, or if anything odd happened
to the second process, the first one just reads on.
"""

from __future__ import annotations

from typing import Iterator, NamedTuple

from ttcli.cells import Block, Half
from ttcli.workbook.ooxml.exact import SheetSource
from ttcli.workbook.ooxml.fast import FastReader
from ttcli.workbook.ooxml.package import CHUNK, Chunks, Package
from ttcli.workbook.ooxml.xml import MOST_NAMES

# Of what is left, the first process takes a little more than half: it passes over nothing.
_FIRST, _OF = 17, 32
_WORTH = 4 << 20
"""Of fewer bytes that are left a second process costs what it saves."""


class Part(NamedTuple):
    """A sheet's part of a package."""

    package: Package
    name: str

    @property
    def size(self) -> int:
        """See `Package.size`."""
        return self.package.size(self.name)

    def chunks(self) -> Iterator[bytes]:
        """See `Package.chunks`."""
        return self.package.chunks(self.name)

    def chunks_again(self) -> Iterator[bytes]:
        """The same in a forked process."""
        return self.package.reopened().chunks(self.name)


class SheetBlocks:
    """The blocks of one sheet; see `ttcli.cells.Divisible`."""

    def __init__(self, source: SheetSource, part: Part) -> None:
        self._part = part
        self._tally = source.tally
        self._reader = FastReader(source, Chunks(part.chunks()))
        self._blocks = self._reader.blocks()
        self._cells_before = 0
        self._first_row = 0

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        return next(self._blocks)

    @property
    def size(self) -> int:
        """See `ttcli.cells.Divisible`."""
        return self._part.size

    def close(self) -> None:
        """Reads no more."""
        self._blocks.close()

    def divide(self) -> bool:
        """See `ttcli.cells.Divisible`."""
        reader = self._reader
        left = self._part.size - reader.chunks.size
        if left < _WORTH or not reader.is_amid_rows:
            return False
        reader.cut = reader.chunks.taken + left // CHUNK * _FIRST // _OF
        return True

    def second(self) -> Iterator[Block]:
        """See `ttcli.cells.Divisible`."""
        self._cells_before = self._tally.cells
        self._first_row = self._reader.skip_to_cut(Chunks(self._part.chunks_again()))
        self._blocks = self._reader.blocks()
        return self

    def half(self) -> Half:
        """See `ttcli.cells.Divisible`."""
        cells = self._tally.cells - self._cells_before
        return Half(self._first_row, cells, self._reader.names, self._reader.chunks.size)

    def joins(self, half: Half) -> bool:
        """See `ttcli.cells.Divisible`."""
        reader, tally = self._reader, self._tally
        size = half.size - reader.chunks.size
        return (
            reader.at_cut
            and half.first_row > reader.last_row
            and half.names + reader.names <= MOST_NAMES
            and tally.cells + half.cells <= tally.limits.cells
            and size <= self._part.package.left
        )

    def rest(self) -> Iterator[Block]:
        """See `ttcli.cells.Divisible`."""
        if not self._reader.at_cut:
            return iter(())
        self._blocks = self._reader.blocks()
        return self
