"""Workbooks made in memory whose sheets can be cut, and second halves that end in every way."""

from __future__ import annotations

import io
import os
import signal
import tempfile
from pathlib import Path
from typing import Any, Iterator, List, Sequence
from unittest import mock

from tests.rows.made import TABLE, MadeSheet, MadeWorkbook, as_column, sheet, text
from ttcli.cells import Block, Half
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.rows.convert import convert_workbook
from ttcli.rows.header import search
from ttcli.rows.mapping_file import load_mapping
from ttcli.workbook.limited.beside import Beside

HEADINGS = "HAWB|MAWB|Pcs|ETA|Status"
KEYS = [text(f"H{n}") for n in range(10)]


class Divided:
    """The blocks of a made sheet, cut after some of them."""

    def __init__(self, blocks: Sequence[Block], first: int) -> None:
        self._blocks = list(blocks)
        self._first = first
        self._all = len(blocks)
        self.joined = 0

    def __iter__(self) -> Divided:
        return self

    def __next__(self) -> Block:
        if len(self._blocks) == self._all - self._first or not self._blocks:
            raise StopIteration
        return self._blocks.pop(0)

    size = 1

    def divide(self) -> bool:
        self._all, self._first = len(self._blocks), min(self._first, len(self._blocks))
        return True

    def second(self) -> Iterator[Block]:
        yield from self._blocks[self._first :]

    def half(self) -> Half:
        return Half(1, 0, 0, 0)

    def joins(self, half: Half) -> bool:
        self.joined += 1
        return True

    def rest(self) -> List[Block]:
        return self._blocks


class DividedSheet(MadeSheet):
    """A made sheet that is cut after `first` blocks below those that were searched."""

    first = 1
    kind = Divided

    def blocks(self) -> Any:
        made = list(super().blocks())
        self.divided = self.kind(made, len(made))
        self.divided._first = self.first
        self.divided._all = 1 << 30  # nothing is cut before it is divided
        return self.divided


def result(sheets: Sequence[MadeSheet], divided: bool, target=TABLE, mapping="") -> Any:
    """All that is written and told."""
    rows, rejects = io.BytesIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(search, "SEARCHED_ROWS", 0):
        beside = Beside(Path(folder), Limits()) if divided else None
        try:
            report = convert_workbook(
                MadeWorkbook(*sheets), target, load_mapping(mapping), rows, rejects, beside=beside
            )
        except BadItem as refusal:
            return refusal.kind, refusal.message
    return report, rows.getvalue(), rejects.getvalue()


def halved(first: int, *rows: Any, headings: str = HEADINGS, kind=Divided, **more) -> DividedSheet:
    """A sheet that is cut after some blocks of one row."""
    made = sheet(headings, *rows, block=1, **more)
    made.__class__ = DividedSheet
    made.first, made.kind = first, kind
    return made


def as_block(row: int, *cells: Any) -> Block:
    """One row."""
    return Block([row], {n: as_column([cell]) for n, cell in enumerate(cells, 1) if cell})


class Raising(Divided):
    """The second half is damaged for its reader alone."""

    def second(self) -> Iterator[Block]:
        yield self._blocks[self._first]
        raise BadItem("damaged", "")


class Killed(Divided):
    """Its reader is killed."""

    def second(self) -> Iterator[Block]:
        yield self._blocks[self._first]
        os.kill(os.getpid(), signal.SIGKILL)


class Apart(Divided):
    """The halves do not join: what the other one has read was not what follows."""

    def second(self) -> Iterator[Block]:
        yield as_block(9, KEYS[9], None, None, text("no date"))

    def joins(self, half: Half) -> bool:
        return False
