"""OpenDocument spreadsheets (.ods): their sheets, and the way to each one's rows.

A package as .xlsx is one, with all sheets in one part. That part is read once for what sheets there
are, and once more for their rows if they are asked for in order: in constant memory.
"""

from __future__ import annotations

import weakref
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

from ttcli.cells import Block, Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.blocks import Budget, ReadSheet, ReadWorkbook, Row, blocks_of
from ttcli.workbook.ods.sheet import SheetReading
from ttcli.workbook.ods.styles import TABLE, Attributes, OdsStyles
from ttcli.workbook.ooxml.package import Package
from ttcli.workbook.ooxml.xml import Parser, check_depth

_CONTENT = "content.xml"
_SHEET, _LINKS = TABLE + "table", TABLE + "dde-links"
_MOST_SHEETS = 10_000


def open_ods(path: Path, limits: Limits) -> Workbook:
    """Opens an OpenDocument spreadsheet; raises BadItem: damaged, hostile, or over a limit."""
    listing = _Listing()
    _read_styles(path, limits, "styles.xml", listing.styles)
    _read(path, limits, listing)
    if not listing.sheets:
        raise BadItem("the workbook has no sheet", "send a file with rows in it", "no-sheet")
    budget, document = Budget(limits), _Document(path, limits, listing.styles)

    def blocks(index: int) -> Iterator[Block]:
        return blocks_of(document.rows(index), listing.sheets[index].name, budget)

    sheets = [
        ReadSheet(
            listed.name,
            "hidden" if listing.styles.is_hidden(listed.style) else "visible",
            partial(blocks, index),
        )
        for index, listed in enumerate(listing.sheets)
    ]
    return ReadWorkbook("ods", False, sheets)  # dates are written out, the epoch is ours to choose


class _Listed(NamedTuple):
    name: str
    style: str


class _Listing:
    """Handlers for expat: the styles, then the sheets; a table inside a table is none."""

    def __init__(self) -> None:
        self.styles = OdsStyles()
        self.sheets: List[_Listed] = []
        self._depth = 0  # of tables
        self._level = 0  # of elements

    def start(self, name: str, attributes: Attributes) -> None:
        self._level += 1
        check_depth(self._level)
        if not self.styles.done:
            self.styles.start(name, attributes)
        elif name in (_SHEET, _LINKS):
            if self._depth == 0 and name == _SHEET:
                self._add(attributes)
            self._depth += 1

    def end(self, name: str) -> None:
        self._level -= 1
        if not self.styles.done:
            self.styles.end(name)
        elif name in (_SHEET, _LINKS):
            self._depth -= 1

    def _add(self, attributes: Attributes) -> None:
        number = len(self.sheets) + 1
        if number > _MOST_SHEETS:
            raise BadItem(f"the workbook has more than {_MOST_SHEETS:,} sheets", kind="limit")
        name = attributes.get(TABLE + "name", f"Sheet{number}")
        self.sheets.append(_Listed(name, attributes.get(TABLE + "style-name", "")))


def _read_styles(path: Path, limits: Limits, part: str, styles: OdsStyles) -> None:
    parser = Parser(part, styles.start, styles.end)
    with closing(Package(path, limits)) as package:
        for chunk in package.chunks(part) if part in package else ():
            parser.feed(chunk)
    styles.done = False


def _read(path: Path, limits: Limits, listing: _Listing) -> None:
    parser = Parser(_CONTENT, listing.start, listing.end)
    with closing(Package(path, limits)) as package:
        for chunk in package.chunks(_CONTENT):
            parser.feed(chunk)
    parser.close()


class _Document:
    """The content, read from its beginning, and on from there when the next sheet is asked for."""

    def __init__(self, path: Path, limits: Limits, styles: OdsStyles) -> None:
        self._path = path
        self._limits = limits
        self._styles = styles
        self._pass: Optional[_Pass] = None

    def rows(self, sheet: int) -> Iterator[Row]:
        """The rows of a sheet, repeated ones as often as they are; raises BadItem."""
        current = self._pass
        if current is None or not current.is_free or current.through > sheet:
            reading = SheetReading(sheet, self._styles, Budget(self._limits))
            current = self._pass = _Pass(self._path, self._limits, reading)
        return current.rows(sheet)


class _Pass:
    """One way through the content.

    Attributes:
        through: The sheets that cannot be had any more.
        is_free: Nobody is reading a sheet.
    """

    def __init__(self, path: Path, limits: Limits, reading: SheetReading) -> None:
        self.through = 0
        self.is_free = True
        self._reading = reading
        self._parser = Parser(_CONTENT, reading.start, reading.end, reading.text)
        package = Package(path, limits)
        weakref.finalize(self, package.close)
        self._chunks = package.chunks(_CONTENT)

    def rows(self, sheet: int) -> Iterator[Row]:
        self.is_free = False
        self.through = sheet + 1
        self._reading.first = sheet
        try:
            yield from self._rows(sheet)
        finally:
            self.is_free = True

    def _rows(self, sheet: int) -> Iterator[Row]:
        yield from self._reading.take(sheet)
        while not self._reading.is_past(sheet):
            chunk = next(self._chunks, b"")
            if not chunk:
                self._parser.close()
                return
            self._parser.feed(chunk)
            yield from self._reading.take(sheet)
