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
from ttcli.rows.columns.serials import SerialColumn
from ttcli.rows.fates.lines import PIECE
from ttcli.rows.fates.rejects import Rejects
from ttcli.rows.header.search import Searched
from ttcli.rows.sheet import Account, Output, SheetRows


class Process(Protocol):
    """A second process at work."""

    def succeeded(self) -> bool:
        """Waits for its end; whether it did all it should."""

    def end(self) -> None:
        """Ends it at once, if it has not ended."""


class Beside(Protocol):
    """How another process is begun."""

    def has_room(self, size: int) -> bool:
        """Whether memory and disk have room for two, with a sheet of so many bytes."""

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


class _End(NamedTuple):
    """What the second process says last."""

    half: Half
    account: Account
    serials: Sequence[Optional[bool]]


class _Files:
    """What the second process leaves."""

    def __init__(self, beside: Beside) -> None:
        files = [beside.file() for _ in range(5)]
        self.rows, self.said, self.keys, self.end, self._rejects = files
        self.rejects = TextIOWrapper(self._rejects, "utf-8", newline="")
        self._all = (self.rows, self.said, self.keys, self.end, self.rejects)

    def output(self, serials: Sequence[SerialColumn]) -> Output:
        """For the second process."""
        rejects = Rejects(self.rejects, head=False)
        return Output(self.rows, _Noted(self.said), _KeysNoted(self.keys), rejects, serials)

    def flush(self) -> None:
        """Nothing is kept back."""
        for file in self._all:
            file.flush()

    def add_to(self, output: Output) -> None:
        """In the first process: all but the end goes where it would have gone."""
        for file in self._all:
            file.seek(0)
        for piece in iter(lambda: self.rows.read(PIECE), b""):
            output.rows.write(piece)
        for piece in iter(lambda: self.said.read(PIECE), b""):
            output.digest.update(piece)
        for keys in _pickled(self.keys):
            output.keys.add(keys)
        for records in iter(lambda: self.rejects.read(PIECE), ""):
            output.rejects.append(records)

    def close(self) -> None:
        """Ends them, and what stands in them."""
        for file in self._all:
            file.close()


class SecondHalf:
    """The second half of a sheet, converted by another process from now on."""

    def __init__(self, beside: Beside, blocks: Divisible, rows: SheetRows) -> None:
        self._blocks = blocks
        self._rows = rows
        self._files = _Files(beside)
        try:
            self._process = beside.begin(self._convert)
        except BaseException:
            self._files.close()
            raise

    def __enter__(self) -> SecondHalf:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()
        self._files.close()

    def _convert(self) -> None:
        """In the other process."""
        serials = self._rows.output.serials
        rows = self._rows.beside(self._files.output(serials))
        for block in self._blocks.second():
            rows.take(block)
        taken = [column.taken for column in serials]
        pickle.dump(_End(self._blocks.half(), rows.account(), taken), self._files.end)
        self._files.flush()

    def join(self) -> bool:
        """In the first one, behind its own rows: adds the other's, if these are what follows."""
        if not self._process.succeeded():
            return False
        self._files.end.seek(0)
        end: _End = pickle.load(self._files.end)  # noqa: S301 (our own fork wrote it)
        output = self._rows.output
        if not _agree(output.serials, end.serials) or not self._blocks.joins(end.half):
            return False
        for column, taken in zip(output.serials, end.serials):
            column.taken = taken if column.taken is None else column.taken
        self._files.add_to(output)
        self._rows.add(end.account)
        return True


def _agree(columns: Sequence[SerialColumn], others: Sequence[Optional[bool]]) -> bool:
    """Whether the halves tell the same of the columns, or only one of them anything."""
    return all(
        None in (column.taken, other) or column.taken == other
        for column, other in zip(columns, others)
    )


def _pickled(file: BinaryIO) -> Iterator[List[bytes]]:
    while True:
        try:
            yield pickle.load(file)  # noqa: S301
        except EOFError:
            return


def take_all(one: Searched, rows: SheetRows, beside: Optional[Beside]) -> None:
    """Converts the blocks of a sheet, with another process beside if that is worth it."""
    _take(one.seen, rows)  # so both processes begin with what these blocks tell of the columns
    blocks: Any = one.blocks
    if not beside or not hasattr(blocks, "divide") or not _is_divided(blocks, beside):
        _take(blocks, rows)
        return
    with _begun(beside, blocks, rows) as second:
        _take(blocks, rows)
        joined = second is not None and second.join()
    if not joined:
        _take(blocks.rest(), rows)


def _is_divided(blocks: Divisible, beside: Beside) -> bool:
    return beside.has_room(blocks.size) and blocks.divide()


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
