"""The exact reader: sheet XML through expat, cell by cell, in constant memory.

It takes every spelling the standard allows and says of the rest what is wrong. The fast reader
must give what this one gives, and hands it whatever it can't account for.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Tuple, Union

from ttcli.cells import Block, Cell, Column, MixedColumn, address
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml.cell import CellReader, RawCell, reference
from ttcli.workbook.ooxml.text import TextPieces
from ttcli.workbook.ooxml.xml import LocalNames, Parser, check_depth

Row = Tuple[int, Dict[int, Cell]]

_MACROSHEET = "http://schemas.microsoft.com/office/excel/2006/main macrosheet"
# What may stand where; anything else, and all that stands in it, is not data (extLst, phonetics).
_CHILDREN = {
    "": ("worksheet", _MACROSHEET),
    "worksheet": ("sheetData",),
    _MACROSHEET: ("sheetData",),
    "sheetData": ("row",),
    "row": ("c",),
    "c": ("v", "f", "is"),
    "is": ("t", "r"),
    "r": ("t",),
}
_TEXTS = ("v", "f", "t")
_IN_ROW = ("row", "c", "is", "r", *_TEXTS)
# A block is handed over at that many rows or cells, whichever comes first.
_BLOCK_ROWS = 512
_BLOCK_CELLS = 1 << 14
_REPAIR = "open it in Excel, let it repair the file, and save it"


class Tally:
    """Counts the cells of a whole workbook against the limit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.cells = 0

    def count(self, cells: int) -> None:
        """Adds cells; raises BadItem beyond the limit."""
        self.cells += cells
        if self.cells > self.limits.cells:
            raise BadItem(
                f"the workbook has more than {self.limits.cells} cells",
                "raise LIMIT_CELLS if the file is honest",
                "limit",
            )

    def admits(self, row: int, column: int, cell: Cell) -> bool:
        """Whether a cell counts: texts of blanks beyond the limits are nobody's loss.

        Raises:
            BadItem: Something else lies beyond them.
        """
        if column <= self.limits.columns and row <= self.limits.rows:
            return True
        if not cell.text.strip():
            return False
        if column > self.limits.columns:
            raise self._refusal(f"column {self.limits.columns}", "COLUMNS")
        raise self._refusal(f"row {self.limits.rows}", "ROWS")

    @staticmethod
    def _refusal(border: str, variable: str) -> BadItem:
        return BadItem(
            f"it is not blank and lies beyond {border}",
            f"delete what stands there, or raise LIMIT_{variable}",
            "limit",
        )


class SheetSource(NamedTuple):
    """What reading one sheet needs beside its XML."""

    name: str
    part: str
    cells: CellReader
    tally: Tally


class SheetParser:
    """Takes sheet XML in pieces and hands out finished rows.

    Args:
        source: The sheet.
        last_row: Rows up to here were read before by someone else.
    """

    def __init__(self, source: SheetSource, last_row: int = 0) -> None:
        self.rows: List[Row] = []
        self.last_row = last_row
        self._had_rows = False
        self.parser = Parser(source.part, self._start, self._end, self._text)
        self._source = source
        self._names = LocalNames()
        self._path = [""]
        self._numbered = False
        self._cells: Dict[int, Cell] = {}
        self._column = 0
        self._pieces = TextPieces()
        self._attributes: Dict[str, str] = {}
        self._found: Dict[str, str] = {}

    def feed(self, data: bytes) -> None:
        """Parses some more; finished rows are appended to `rows`.

        Raises:
            BadItem: The sheet is damaged or over a limit; the sheet, and any cell, is named.
        """
        try:
            self.parser.feed(data)
        except BadItem as error:
            raise self._placed(error) from error

    def close(self) -> None:
        """Ends the sheet; raises BadItem if it ended too early."""
        self.parser.close()

    @property
    def names(self) -> int:
        """How many names of elements were met."""
        return len(self._names)

    @property
    def between_rows(self) -> bool:
        """Whether a row may begin at this place."""
        return self._path[-1] == "sheetData" and self.parser.is_settled

    def take_rows(self) -> List[Row]:
        """The rows finished since the last call."""
        rows = self.rows[:]
        self.rows.clear()
        return rows

    def _placed(self, error: BadItem) -> BadItem:
        where = f"sheet {self._source.name!r}"
        if self._column and self._path[-1] in _IN_ROW:
            where += f", cell {address(self.last_row, self._column)}"
        return BadItem(f"{where}: {error.message}", error.hint, error.kind)

    def _start(self, name: str, attributes: Dict[str, str]) -> None:
        path = self._path
        short = self._names[name]
        if short not in _CHILDREN.get(path[-1], ()):
            self._refuse_root(short)
            path.append("-")
            check_depth(len(path))
            return
        if short == "c":
            self._start_cell(attributes)
        elif short == "row":
            self._start_row(attributes)
        elif short == "sheetData":
            self._start_rows()
        elif short in ("v", "f") and short in self._found:
            raise BadItem(f"two <{short}> in one cell", _REPAIR, "damaged")
        path.append(short)

    def _refuse_root(self, name: str) -> None:
        if len(self._path) == 1:
            raise BadItem(f"{self._source.part} is no worksheet but {name}", _REPAIR, "damaged")

    def _start_rows(self) -> None:
        if self._had_rows:
            raise BadItem("the rows of the sheet stand in two places", _REPAIR, "damaged")
        self._had_rows = True

    def _start_row(self, attributes: Dict[str, str]) -> None:
        number = attributes.get("r")
        self._numbered = number is not None
        if number is None:
            self._enter_row(self.last_row + 1)
        elif number.isascii() and number.isdigit() and len(number) < 9 and int(number):
            self._enter_row(int(number))
        else:
            raise BadItem(f"a row is numbered {number[:20]!r}", _REPAIR, "damaged")

    def _enter_row(self, number: int) -> None:
        if number <= self.last_row:
            raise BadItem(f"row {number} comes after row {self.last_row}", _REPAIR, "damaged")
        self.last_row = number
        self._column = 0
        self._cells = {}

    def _start_cell(self, attributes: Dict[str, str]) -> None:
        self._attributes = attributes
        self._found.clear()
        name = attributes.get("r")
        if name is None:
            self._column += 1
            return
        place = reference(name)
        if place is None:
            raise BadItem(f"a cell is called {name[:20]!r}", _REPAIR, "damaged")
        self._check_row(name, place[0])
        self._column = place[1]

    def _check_row(self, name: str, row: int) -> None:
        """A row without number takes that of its first cell; all cells must agree with it."""
        if not self._numbered and not self._column:
            if row != self.last_row:
                self.last_row -= 1
                self._enter_row(row)
            self._numbered = True
        if row != self.last_row:
            raise BadItem(f"row {self.last_row} holds a cell {name}", _REPAIR, "damaged")

    def _text(self, piece: str) -> None:
        if self._path[-1] in _TEXTS:
            self._pieces.append(piece)

    def _end(self, _name: str) -> None:
        name = self._path.pop()
        if name in ("v", "f", "is"):
            self._found[name] = self._pieces.take()
        elif name == "c":
            self._end_cell()
        elif name == "row" and self._cells:
            self._source.tally.count(len(self._cells))
            self.rows.append((self.last_row, self._cells))

    def _end_cell(self) -> None:
        if not self._found:
            return
        attributes, found = self._attributes, self._found
        cell = self._source.cells.cell(
            RawCell(
                attributes.get("t", "n"),
                attributes.get("s"),
                found.get("v"),
                found.get("f"),
                found.get("is"),
            )
        )
        if cell is None or not self._source.tally.admits(self.last_row, self._column, cell):
            return
        if self._cells.setdefault(self._column, cell) is not cell:
            raise BadItem("the cell stands there twice", _REPAIR, "damaged")


def exact_blocks(source: SheetSource, chunks: Iterable[bytes]) -> Iterator[Block]:
    """The blocks of a sheet, all of them read here.

    Raises:
        BadItem: The sheet is damaged or over a limit.
    """
    parser = SheetParser(source)
    for chunk in chunks:
        parser.feed(chunk)
        yield from blocks_of(parser.take_rows())
    parser.close()
    yield from blocks_of(parser.take_rows())


def blocks_of(rows: List[Row]) -> Iterator[Block]:
    """Rows as blocks that are neither too long nor, for wide sheets, too large."""
    first = cells = 0
    for end, row in enumerate(rows, 1):
        cells += len(row[1])
        if end - first >= _BLOCK_ROWS or cells >= _BLOCK_CELLS:
            yield _block(rows[first:end])
            first, cells = end, 0
    if first < len(rows):
        yield _block(rows[first:])


def _block(rows: List[Row]) -> Block:
    columns = sorted({column for _, cells in rows for column in cells})
    mixed: Dict[int, Union[Column, MixedColumn]] = {
        column: MixedColumn([cells.get(column) for _, cells in rows]) for column in columns
    }
    return Block([number for number, _ in rows], mixed)
