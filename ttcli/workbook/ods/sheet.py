"""A sheet of an .ods: OpenDocument 1.2 part 1, sections 9 and 19; cells carry type and value.

Rows and cells are run-length coded, and a sheet usually ends in a million repeated empty ones.
"""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ttcli.cells import Cell, Format, Kind
from ttcli.errors import BadItem
from ttcli.workbook.biff.records import number_text
from ttcli.workbook.blocks import Budget, Row, plain
from ttcli.workbook.ods.styles import OFFICE, TABLE, Attributes, OdsStyles
from ttcli.workbook.ooxml.cell import iso_cell
from ttcli.workbook.ooxml.text import LONGEST_TEXT

_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
_CELL, _COVERED = TABLE + "table-cell", TABLE + "covered-table-cell"
_ROW, _COLUMN, _SHEET = TABLE + "table-row", TABLE + "table-column", TABLE + "table"
_LINKS = TABLE + "dde-links"
_PARAGRAPHS = (_TEXT + "p", _TEXT + "h")
_DAY_0 = "1899-12-30"
_RUBY = _TEXT + "ruby-text"  # how a name is spoken, in small letters above it
_NUMBERS = ("float", "currency", "percentage")
_PERCENT = Format(0, True, "0%")
_DIGITS = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_LAYOUT = str.maketrans("\t\n", "\r\r")
_CLOCK = re.compile(
    r"(-?)P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d+)?)S)?)?\Z",
    re.ASCII,
)
_ERROR = re.compile(r"(?:#[A-Z/0]+[!?]?|Err:\d{3})\Z", re.ASCII)


class _RepeatedRow(NamedTuple):
    sheet: int
    first: int
    times: int
    cells: Dict[int, Cell]


class SheetReading:
    """Handlers for expat that gather the rows of one sheet after another.

    Sheets are the tables that stand in no other one, and in no link's copy.

    Attributes:
        sheet: The index of the sheet that is being read, or was read last.
        first: The first sheet whose rows are wanted.
    """

    def __init__(self, first: int, styles: OdsStyles, budget: Budget) -> None:
        self.sheet = -1
        self.first = first
        self._styles = styles
        self._budget = budget
        self._name = ""
        self._depth = 0
        self._ready: List[_RepeatedRow] = []
        self._column_styles: List[Tuple[int, str]] = []
        self._row = 0
        self._row_attributes: Attributes = {}
        self._cells: Dict[int, Cell] = {}
        self._column = 0
        self._cell: Optional[Attributes] = None
        self._silent = self._after = 0
        self._pieces: List[str] = []
        self._length = 0

    def take(self, sheet: int) -> Iterator[Row]:
        """The complete rows of that sheet; they are then forgotten, as those before it are."""
        ready = [repeated for repeated in self._ready if repeated.sheet == sheet]
        self._ready = [repeated for repeated in self._ready if repeated.sheet > sheet]
        for repeated in ready:
            for number in range(repeated.first, repeated.first + repeated.times):
                yield number, repeated.cells

    def is_past(self, sheet: int) -> bool:
        """Whether that sheet has ended."""
        return self.sheet > sheet or (self.sheet == sheet and self._depth == 0)

    def start(self, name: str, attributes: Attributes) -> None:
        """Handles the start of an element."""
        if self._cell is not None:
            self._start_in_cell(name, attributes)
        elif name == _SHEET:
            self._start_sheet(attributes)
        elif name == _LINKS:
            self._depth += 1
        elif self._depth != 1 or self.sheet < self.first:
            return  # another sheet, or a table within the sheet
        elif name in (_CELL, _COVERED):
            self._cell, self._pieces, self._length, self._silent = attributes, [], 0, 0
        elif name == _ROW:
            self._row_attributes, self._cells, self._column = attributes, {}, 0
        elif name == _COLUMN:
            self._start_column(attributes)

    def end(self, name: str) -> None:
        """Handles the end of an element."""
        if self._cell is not None:
            self._end_in_cell(name)
        elif name in (_SHEET, _LINKS):
            self._depth -= 1
        elif name == _ROW and self._depth == 1 and self.sheet >= self.first:
            self._end_row()

    def text(self, piece: str) -> None:
        """Tabs and line breaks that count are elements; literal ones become `\\r` for now."""
        if self._cell is not None and self._silent == 1:
            self._append(piece.translate(_LAYOUT))

    def _start_sheet(self, attributes: Attributes) -> None:
        if self._depth == 0:
            self.sheet += 1
            self._name = attributes.get(TABLE + "name", "")
            self._row, self._column_styles = 0, []
        self._depth += 1

    def _start_column(self, attributes: Attributes) -> None:
        before = self._column_styles[-1][0] if self._column_styles else 0
        last = before + _count(attributes, "number-columns-repeated")
        style = attributes.get(TABLE + "default-cell-style-name", "")
        self._column_styles.append((last, style))

    def _start_in_cell(self, name: str, attributes: Attributes) -> None:
        """`_silent` is 1 inside a paragraph of the cell itself, more or less elsewhere."""
        if self._silent >= 10:
            self._silent += 1  # inside a comment, a shape, a form
        elif name in _PARAGRAPHS:
            if self._pieces:
                self._pieces.append("\n")
            self._pieces.append("")
            self._silent = 1
        elif self._silent == 1:
            self._inline(name, attributes)
        else:
            self._silent, self._after = 10, 0

    def _inline(self, name: str, attributes: Attributes) -> None:
        if name == _TEXT + "s":
            count = attributes.get(_TEXT + "c", "1")
            self._append(" " * (int(count) if count.isdigit() and len(count) < 6 else 1))
        elif name == _TEXT + "tab":
            self._pieces.append("\t")
        elif name == _TEXT + "line-break":
            self._pieces.append("\n")
        elif name == _RUBY:
            self._silent, self._after = 10, 1

    def _append(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > LONGEST_TEXT:
            raise BadItem("a cell holds more than a million characters", kind="limit")

    def _end_in_cell(self, name: str) -> None:
        if self._silent >= 10:
            self._silent = self._silent - 1 if self._silent > 10 else self._after
        elif name in _PARAGRAPHS:
            self._silent = 0
        elif name in (_CELL, _COVERED):
            self._end_cell()

    def _end_cell(self) -> None:
        attributes, self._cell = self._cell or {}, None
        first = self._column + 1
        self._column += _count(attributes, "number-columns-repeated")
        text = plain(_tidy("".join(self._pieces)))
        # LibreOffice says of a formula that gives no text only that it shows an empty paragraph.
        calculated = bool(self._pieces) or TABLE + "formula" not in attributes
        if not text.strip() and OFFICE + "value-type" not in attributes and calculated:
            return
        cell = self._typed(attributes, text, self._style(attributes, first))
        if cell is not None:
            self._budget.check_column(self._name, self._column)
            self._cells.update(dict.fromkeys(range(first, self._column + 1), cell))

    def _typed(self, attributes: Attributes, text: str, style: str) -> Optional[Cell]:
        """A moment shown as `hh:mm` is written as the hours since day 0, as many as they are."""
        shape = self._styles.shape(style)
        cell = _cell(attributes, text, shape.format)
        if cell is None or cell.kind not in (Kind.TIME, Kind.DURATION):
            return cell
        if shape.is_duration:
            return cell._replace(kind=Kind.DURATION)
        has_day = shape.is_clock and not cell.text.startswith("-")
        return cell._replace(kind=Kind.TIME) if has_day else cell

    def _style(self, attributes: Attributes, column: int) -> str:
        """The cell's own style, else its row's, else its column's."""
        style = attributes.get(TABLE + "style-name") or self._row_attributes.get(
            TABLE + "default-cell-style-name"
        )
        if style is not None:
            return style
        return next((name for last, name in self._column_styles if column <= last), "")

    def _end_row(self) -> None:
        count = _count(self._row_attributes, "number-rows-repeated")
        if self._cells:
            self._budget.check_row(self._name, self._row + count)
            self._budget.spend(count * len(self._cells))  # before they are taken one by one
            self._ready.append(_RepeatedRow(self.sheet, self._row + 1, count, self._cells))
        self._row += count


def _tidy(text: str) -> str:
    """Takes out how the XML is laid out; blanks in a row count, for LibreOffice shows them.

    By 6.1.2 they would count once, but LibreOffice writes them as they are within a span.
    """
    return "\n".join(map(_tidy_line, text.split("\n"))) if "\r" in text else text


def _tidy_line(line: str) -> str:
    first, *more = line.split("\r")
    if not more:
        return line
    inner = [part.strip(" ") for part in more[:-1]]
    return " ".join(filter(None, [first.rstrip(" "), *inner, more[-1].lstrip(" ")]))


def _count(attributes: Attributes, name: str) -> int:
    text = attributes.get(TABLE + name, "1")
    return int(text) if text.isdigit() and len(text) < 10 and int(text) else 1


def _cell(attributes: Attributes, text: str, shape: Format) -> Optional[Cell]:
    """What a cell's type, value and shown text mean together."""
    kind = attributes.get(OFFICE + "value-type", "")
    calculated = TABLE + "formula" in attributes
    # Of an array formula's cells only the first has the formula, and the error's number is 0.
    of_numbers = calculated or kind in _NUMBERS
    if attributes.get(_CALC + "value-type") == "error" or (of_numbers and _ERROR.match(text)):
        return Cell(Kind.ERROR, text)
    if kind in _NUMBERS:
        return _number(attributes, _PERCENT if kind == "percentage" else shape)
    if kind == "boolean":
        return Cell(Kind.BOOL, "1" if attributes.get(OFFICE + "boolean-value") == "true" else "0")
    if kind == "date":
        value = attributes.get(OFFICE + "date-value", "")
        moment = iso_cell(value, False) or _on_day_0(value)
        return moment or _text(value or text)  # before 1900, after 9999
    if kind == "time":
        value = attributes.get(OFFICE + "time-value", "")
        return _time(value) or _text(value or text)
    if calculated and not kind:
        return Cell(Kind.FORMULA, attributes[TABLE + "formula"] or "=")
    return _text(text or attributes.get(OFFICE + "string-value", ""))


def _on_day_0(value: str) -> Optional[Cell]:
    """LibreOffice's day 0, an empty cell referred to as a date: none, and a time of day at most."""
    if not value.startswith(_DAY_0):
        return None
    return iso_cell(value[len(_DAY_0) + 1 :] or "00:00:00", False)


def _text(text: str) -> Optional[Cell]:
    return Cell(Kind.TEXT, text) if text else None


def _number(attributes: Attributes, shape: Format) -> Cell:
    value = attributes.get(OFFICE + "value", "")
    if not _DIGITS.match(value):
        raise BadItem(f"content.xml has a number {value[:40]!r}, which is none", kind="damaged")
    return Cell(Kind.NUMBER, value, shape)


def _time(value: str) -> Optional[Cell]:
    """An XML Schema duration as days: a time of day, or a duration from 24 hours on."""
    match = _CLOCK.match(value)
    if not match:
        return None
    sign, days, hours, minutes, seconds = match.groups()
    exact = float((seconds or "0").replace(",", "."))
    total = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + exact
    of_day = total < 86400 and not sign
    serial = number_text((-total if sign else total) / 86400)
    return Cell(Kind.TIME if of_day else Kind.DURATION, serial)
