"""What a workbook reader says of cells, and what the rows room hears.

A reader yields a sheet as `Block`s of consecutive rows, each column of a block either

* uniform (`Column`): every cell that is not blank has the same kind and number format, and is
  given as bytes, so that a whole column is converted at once; or
* mixed (`MixedColumn`): one `Cell` each. Always correct, and slower.

The same sheet read either way must convert to the same rows: a test compares them cell by cell.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import (
    Dict,
    FrozenSet,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Tuple,
    Union,
)


class Kind(Enum):
    """What a cell holds; the values are the words `ttcli inspect --cells` prints."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    BOOL = "bool"
    ERROR = "error"
    FORMULA = "formula"  # a formula whose result was never calculated


class Format(NamedTuple):
    """What a cell's number format means to us.

    Attributes:
        zeros: How many digits a pure zero format (`00000000000`) pads a number to, else 0.
        percent: The number is shown times 100 with a percent sign.
        code: The format code as the workbook has it, for messages.
    """

    zeros: int = 0
    percent: bool = False
    code: str = "General"


GENERAL = Format()


class Cell(NamedTuple):
    """One cell that is not blank.

    `text` is what the file says, as a person would quote it, by kind:
    TEXT the text itself, entities and `_x000D_` escapes decoded, rich runs joined, C0 controls
    other than tab and newline dropped · NUMBER the number's digits as in the file (`1.5E3`) ·
    DATE, TIME and DURATION the serial number as in the file, days since the workbook's epoch ·
    BOOL `0` or `1` · ERROR `#N/A` · FORMULA the formula, or `=` where the
    file does not say it. No other kind than TEXT has an empty text.
    """

    kind: Kind
    text: str
    format: Format = GENERAL


NO_BLANKS: Mapping[int, str] = {}


class Column:
    """A column of a block in which all cells that are not blank are of one kind and format.

    Attributes:
        raw: One entry a row of the block, `b""` where the cell is blank. For TEXT it is UTF-8 as
            a line of PostgreSQL's COPY text format wants it: backslash, tab, newline and return
            escaped, and a text of blanks only given as `b""`. For other kinds see `Cell.text`.
        blanks: The texts of blanks only, by their index in `raw`: NULL to the rows room, and
            still something that stands in the file.
    """

    __slots__ = ("blanks", "format", "kind", "raw")

    def __init__(
        self,
        kind: Kind,
        raw: Sequence[bytes],
        format: Format = GENERAL,
        blanks: Mapping[int, str] = NO_BLANKS,
    ) -> None:
        self.kind = kind
        self.raw = raw
        self.format = format
        self.blanks = blanks


class MixedColumn:
    """A column of a block whose cells differ in kind; None where there is no cell.

    A text of blanks only is a cell here, and NULL to the rows room.
    """

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Union[Cell, None]]) -> None:
        self.cells = cells


class Block:
    """Some consecutive rows of a sheet.

    Attributes:
        rows: The 1-based row numbers as Excel shows them, ascending; rows without any cell may
            be left out by the reader.
        columns: By 1-based column number; a column without any cell in the block is left out.
    """

    __slots__ = ("columns", "rows")

    def __init__(self, rows: Sequence[int], columns: Dict[int, Union[Column, MixedColumn]]) -> None:
        self.rows = rows
        self.columns = columns


_TO_COPY = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_COPY_SPECIAL = re.compile("[\\\\\t\n\r]")
_FROM_COPY = {b"\\\\": b"\\", b"\\t": b"\t", b"\\n": b"\n", b"\\r": b"\r"}
_COPY_ESCAPE = re.compile(rb"\\[\\tnr]")


def to_copy(text: str) -> bytes:
    """Text as a line of COPY text wants it; `b""` for a text of blanks only."""
    if not text.strip():
        return b""
    if _COPY_SPECIAL.search(text):
        text = text.translate(_TO_COPY)
    return text.encode()


def from_copy(raw: bytes) -> str:
    """Undoes `to_copy`."""
    if b"\\" in raw:
        raw = _COPY_ESCAPE.sub(lambda match: _FROM_COPY[match[0]], raw)
    return raw.decode()


def cells_of(block: Block) -> Iterator[Tuple[int, int, Cell]]:
    """Row, column and cell of every cell that is not empty, row by row."""
    columns = [(number, column_cells(block.columns[number])) for number in sorted(block.columns)]
    for place, row in enumerate(block.rows):
        for number, cells in columns:
            cell = cells[place]
            if cell is not None:
                yield row, number, cell


def column_cells(column: Union[Column, MixedColumn]) -> Sequence[Optional[Cell]]:
    """The cells of a column, texts of blanks only among them; None where there is no cell."""
    if isinstance(column, MixedColumn):
        return column.cells
    kind, shown = column.kind, column.format
    text = from_copy if kind is Kind.TEXT else bytes.decode
    cells = [Cell(kind, text(raw), shown) if raw else None for raw in column.raw]
    for index, blank in column.blanks.items():
        cells[index] = Cell(Kind.TEXT, blank)
    return cells


def column_letters(number: int) -> str:
    """The letters of a 1-based column number: 1 → A, 27 → AA."""
    letters: List[str] = []
    while number:
        number, rest = divmod(number - 1, 26)
        letters.append(chr(65 + rest))
    return "".join(reversed(letters))


def address(row: int, column: int) -> str:
    """The address Excel shows for a cell: (7, 2) → B7."""
    return f"{column_letters(column)}{row}"


class Half(NamedTuple):
    """What a reader found in the second half of a sheet.

    Attributes:
        first_row: The number of its first row.
        cells: How many cells it has.
        names: How many names of elements its reader knows.
        size: How many bytes the sheet has, both halves together.
    """

    first_row: int
    cells: int
    names: int
    size: int


class Divisible(Protocol):
    """Blocks of a sheet of which two processes can read half each.

    Attributes:
        size: How many bytes the whole sheet has in its file: more than its rows will take.

    The first process says `divide`, forks, and goes on reading: now the blocks end at the cut. The
    second one reads those of `second` and hands over `half`. Once both are done, the first one asks
    whether the halves join, and reads the `rest` itself if not.
    """

    @property
    def size(self) -> int: ...

    def __iter__(self) -> Iterator[Block]: ...

    def divide(self) -> bool:
        """Cuts what is left of the sheet in two, if that is worth a process."""

    def second(self) -> Iterator[Block]:
        """In the second process: the blocks behind the cut. Whatever it raises is no verdict."""

    def half(self) -> Half:
        """In the second process, after the last block."""

    def joins(self, half: Half) -> bool:
        """In the first one, after the last block: whether its own rows end where those begin.

        Nor do they join if both together are over a limit: one process says so, as it always does.
        """

    def rest(self) -> Iterator[Block]:
        """In the first one: the blocks behind the cut, if it came there."""


class Sheet(Protocol):
    """A sheet as every reader offers it.

    Attributes:
        name: As on its tab.
        state: `visible`, `hidden` or `very-hidden`.
        totals_rows: 1-based numbers of rows that the workbook itself declares to be totals.
    """

    name: str
    state: str
    totals_rows: FrozenSet[int]

    def blocks(self) -> Iterator[Block]:
        """The sheet's rows, in order, read while iterated; may be called once.

        Raises:
            BadItem: The sheet is damaged or over a limit.
        """


class Workbook(Protocol):
    """A workbook opened by one of the readers.

    Attributes:
        kind: What the bytes are: `xlsx`, `xls`, `xlsb`, `ods`, `csv`, `html`.
        date_1904: Serial numbers count from 1904-01-01 instead of 1899-12-30.
        sheets: In the workbook's order, hidden ones too.
    """

    kind: str
    date_1904: bool

    @property
    def sheets(self) -> Sequence[Sheet]: ...
