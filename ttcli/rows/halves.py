"""Half of a large sheet converted by a second process: the same rows in half the time.

The second process writes what `sheet.Output` takes into files of its own, which are added behind
the rows of the first. Whatever it stumbles over is nobody's verdict: the first one then converts
that half too, and says what is wrong with it.
"""

from __future__ import annotations

import pickle
from contextlib import nullcontext
from io import TextIOWrapper
from typing import (
    Any,
    BinaryIO,
    Callable,
    ContextManager,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
)

from ttcli.cells import Block, Divisible, Half
from ttcli.rows.lines import PIECE
from ttcli.rows.rejects import Rejects
from ttcli.rows.search import Searched
from ttcli.rows.serials import SerialColumn
from ttcli.rows.sheet import Account, Output, SheetRows


class Process(Protocol):
    """A second process at work."""

    def succeeded(self) -> bool:
        """Waits for its end; whether it did all it should."""

    def end(self) -> None:
        """Ends it at once, if it has not ended."""


class Beside(Protocol):
    """How another process is begun."""

    def has_room(self) -> bool:
        """Whether what was read so far leaves enough memory for two."""

    def file(self) -> BinaryIO:
        """An empty file without a name, for both processes."""

    def begin(self, work: Callable[[], None]) -> Process:
        """Forks one that does this work."""


class _Noted:
    """A digest that is made later."""

    def __init__(self, file: BinaryIO) -> None:
        self.update = file.write


class _KeysNoted:
    """Keys that are compared later."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, keys: Sequence[bytes]) -> None:
        """See `Keys.add`."""
        pickle.dump(list(keys), self._file, pickle.HIGHEST_PROTOCOL)


class _Files(NamedTuple):
    """What the second process leaves."""

    rows: BinaryIO
    said: BinaryIO
    keys: BinaryIO
    rejects: BinaryIO
    end: BinaryIO


class _End(NamedTuple):
    """What it says last."""

    half: Half
    account: Account
    serials: Sequence[Optional[bool]]


class SecondHalf:
    """The second half of a sheet, converted by another process from now on."""

    def __init__(self, beside: Beside, blocks: Divisible, rows: SheetRows) -> None:
        self._blocks = blocks
        self._files = _Files(*(beside.file() for _ in _Files._fields))
        self._rows = rows
        self._process = beside.begin(self._convert)

    def __enter__(self) -> SecondHalf:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()
        for file in self._files:
            file.close()

    def _convert(self) -> None:
        """In the other process."""
        files, serials = self._files, self._rows.output.serials
        rejects = TextIOWrapper(files.rejects, "utf-8", newline="")
        output = Output(
            files.rows,
            _Noted(files.said),
            _KeysNoted(files.keys),
            Rejects(rejects, head=False),
            serials,
        )
        rows = self._rows.beside(output)
        for block in self._blocks.second():
            rows.take(block)
        end = _End(self._blocks.half(), rows.account(), [column.taken for column in serials])
        pickle.dump(end, files.end)
        rejects.flush()
        for file in files:
            file.flush()

    def join(self) -> bool:
        """In the first one, behind its own rows: adds the other's, if these are what follows.

        Raises:
            BadItem: Both halves together are over a limit.
        """
        if not self._process.succeeded():
            return False
        files, output = self._files, self._rows.output
        files.end.seek(0)
        end: _End = pickle.load(files.end)  # noqa: S301 (our own fork wrote it)
        if not _agree(output.serials, end.serials) or not self._blocks.joins(end.half):
            return False
        self._rows.add(end.account)
        for piece in _pieces(files.rows):
            output.rows.write(piece)
        for piece in _pieces(files.said):
            output.digest.update(piece)
        for keys in _pickled(files.keys):
            output.keys.add(keys)
        files.rejects.seek(0)
        rejects = TextIOWrapper(files.rejects, "utf-8", newline="")
        for text in iter(lambda: rejects.read(PIECE), ""):
            output.rejects.append(text)
        return True


def _agree(columns: Sequence[SerialColumn], others: Sequence[Optional[bool]]) -> bool:
    """Settles what only one half could tell; false if they told different things."""
    for column, other in zip(columns, others):
        if column.taken is None:
            column.taken = other
        elif other not in (None, column.taken):
            return False
    return True


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(lambda: file.read(PIECE), b"")


def _pickled(file: BinaryIO) -> Iterator[List[bytes]]:
    file.seek(0)
    while True:
        try:
            yield pickle.load(file)  # noqa: S301
        except EOFError:
            return


def take_all(one: Searched, rows: SheetRows, beside: Optional[Beside]) -> None:
    """Converts the blocks of a sheet, with another process beside if that is worth it."""
    _take(one.seen, rows)  # so both processes begin with what these blocks tell of the columns
    blocks: Any = one.blocks
    divisible = beside is not None and beside.has_room() and hasattr(blocks, "divide")
    if beside is None or not divisible or not blocks.divide():
        _take(blocks, rows)
        return
    with _begun(beside, blocks, rows) as second:
        _take(blocks, rows)
        if not second or not second.join():
            _take(blocks.rest(), rows)


def _begun(
    beside: Beside, blocks: Divisible, rows: SheetRows
) -> ContextManager[Optional[SecondHalf]]:
    try:
        return SecondHalf(beside, blocks, rows)
    except OSError:  # no process or file to be had: one process does, only slower
        return nullcontext()


def _take(blocks: Iterable[Block], rows: SheetRows) -> None:
    for block in blocks:
        rows.take(block)
