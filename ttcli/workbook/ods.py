"""OpenDocument spreadsheets (.ods): their sheets, and the way to each one's rows.

A package as .xlsx is one, with all sheets in one part. That part is read once for what sheets there
are, and once more, as far as needed, for each sheet: in constant memory, whatever a sheet holds.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Iterator, List, NamedTuple

from ttcli.cells import Block, Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.blocks import Budget, ReadSheet, ReadWorkbook, Row, blocks_of
from ttcli.workbook.ods_sheet import SheetReading
from ttcli.workbook.ods_styles import TABLE, Attributes, OdsStyles
from ttcli.workbook.ooxml_package import Package
from ttcli.workbook.ooxml_xml import Parser, check_depth

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
    budget = Budget(limits)

    def blocks(index: int) -> Iterator[Block]:
        rows = _rows(path, limits, SheetReading(index, listing.styles, Budget(limits)))
        return blocks_of(rows, listing.sheets[index].name, budget)

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


def _rows(path: Path, limits: Limits, reading: SheetReading) -> Iterator[Row]:
    """The rows of a sheet, repeated ones as often as they are."""
    parser = Parser(_CONTENT, reading.start, reading.end, reading.text)
    with closing(Package(path, limits)) as package:
        for chunk in package.chunks(_CONTENT):
            parser.feed(chunk)
            yield from reading.take()
            if reading.done:
                return
    parser.close()
