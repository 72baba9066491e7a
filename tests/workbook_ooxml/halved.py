"""A reader that reads each sheet in two halves, in two processes, wherever it can be cut."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path
from typing import Iterator, List
from unittest import mock

from ttcli.cells import Block
from ttcli.config import Limits
from ttcli.workbook.limited.beside import Beside
from ttcli.workbook.ooxml import halves
from ttcli.workbook.ooxml.exact import SheetSource
from ttcli.workbook.ooxml.halves import SheetBlocks


class Pieces:
    """A sheet's part as tests give it."""

    def __init__(self, pieces: List[bytes]) -> None:
        self.pieces = pieces
        self.size = sum(map(len, pieces))

    def chunks(self) -> Iterator[bytes]:
        return iter(self.pieces)

    chunks_again = chunks

    @property
    def package(self) -> Pieces:
        return self

    left = 1 << 30


class Halved:
    """Counts how many sheets were read so.

    Args:
        seen: How many blocks are read before the sheet is cut.
    """

    def __init__(self, seen: int = 1) -> None:
        self.joined = self.cut = 0
        self._seen = seen

    def __call__(self, source: SheetSource, chunks: Iterator[bytes]) -> List[Block]:
        pieces = list(chunks)
        longest = max(map(len, pieces), default=1)
        with mock.patch.multiple(halves, _WORTH=0, CHUNK=longest):
            return self.read(SheetBlocks(source, Pieces(pieces)))

    def read(self, blocks: SheetBlocks) -> List[Block]:
        """All blocks, in halves if possible."""
        found = list(islice(blocks, self._seen))
        if not blocks.divide():
            return [*found, *blocks]
        self.cut += 1
        beside = Beside(Path("/tmp"), Limits())
        with beside.file() as file:

            def work() -> None:
                theirs = list(map(_packed, blocks.second()))
                pickle.dump((theirs, blocks.half()), file)
                file.flush()

            process = beside.begin(work)
            try:
                found += blocks
                return found + self._second(blocks, process.succeeded(), file)
            finally:
                process.end()

    def _second(self, blocks, succeeded, file) -> List[Block]:
        if succeeded:
            file.seek(0)
            theirs, half = pickle.load(file)
            if blocks.joins(half):
                self.joined += 1
                return [Block(*packed) for packed in theirs]
        return list(blocks.rest())


def _packed(block: Block):
    return block.rows, block.columns
