"""Web pages that are called .xls: each table is a sheet, every cell a text.

Reporting tools write them because Excel opens them without a word. A page has no types; Excel's
own `x:num`, `x:str` and number formats are hints for Excel, what is shown is what counts here.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, Iterator, List, Optional, TextIO, Tuple

from ttcli.cells import Block, Cell, Kind, Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook import encoding
from ttcli.workbook.blocks import Budget, ReadSheet, ReadWorkbook, blocks_of, plain

_CHUNK = 1 << 16
_LONGEST_PIECE = 1 << 24  # of what is held back until a tag or comment ends
_LONGEST_BEGUN = 1 << 18  # of a tag with > in its quotes, which the parser begins over and over
_DECLARED = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{1,40})""", re.I)
_NOTE = "comment"  # LibreOffice's, within a cell
_SILENT = ("script", "style", "title", "template")
_BREAKS = ("br", "p", "div", "li")
_SPACES = re.compile(" +")
_BLANKS = re.compile(r"[ \t\r\n\f]+")

Attributes = List[Tuple[str, Optional[str]]]


class _Table:
    """A table's rows: text by 1-based column, by 1-based row."""

    def __init__(self) -> None:
        self.rows: List[Dict[int, Cell]] = []
        self.taken: Dict[int, int] = {}  # columns that a cell above spans, and for how many rows
        self.column = 0
        self.cells = 0


def open_html(path: Path, limits: Limits) -> Workbook:
    """Opens a web page; its tables are the sheets, in their order, empty ones left out.

    Raises:
        BadItem: Its characters cannot be told, it holds no table, or a limit is passed.
    """
    if path.stat().st_size > limits.memory_mb << 17:
        raise BadItem(
            f"a web page of more than {limits.memory_mb // 8} MB", "send .xlsx", kind="limit"
        )
    page = _Page(Budget(limits))
    with path.open(encoding=_encoding_of(path), newline="") as text:
        for piece in _pieces(text):
            page.feed(piece)
            _check(page.rawdata, page.longest())
    _check(page.rawdata, _CHUNK)  # the parser takes ages to give up on more
    page.close()
    tables = [table for table in page.tables if table.cells]
    if not tables:
        raise BadItem(
            "it is a web page without a table", "send the report as .xlsx", kind="unsupported"
        )
    budget = Budget(limits)
    sheets = [_sheet(f"table {n}", table, budget) for n, table in enumerate(tables, 1)]
    return ReadWorkbook("html", False, sheets)


def _pieces(text: TextIO) -> Iterator[str]:
    """The text, no tag in two pieces: the parser begins such a one anew with each piece of it.

    Raises:
        BadItem: A tag goes on for too long.
    """
    held = ""
    for chunk in iter(lambda: text.read(_CHUNK), ""):
        whole, end, rest = chunk.rpartition(">")
        if end:
            yield held + whole + end
            held = ""
        held += rest
        _check(held, _LONGEST_PIECE)
    _check(held, _CHUNK)
    yield held


def _check(unread: str, most: int) -> None:
    """Raises BadItem for a tag or comment that has gone on for longer than that."""
    if len(unread) > most and "<" in unread:
        raise BadItem(
            f"a tag or comment of the web page goes on for over {most:,} characters",
            "send the report as .xlsx",
            kind="limit",
        )


def _sheet(name: str, table: _Table, budget: Budget) -> ReadSheet:
    def blocks() -> Iterator[Block]:
        return blocks_of(enumerate(table.rows, 1), name, budget)

    return ReadSheet(name, "visible", blocks)


def _encoding_of(path: Path) -> str:
    """A byte order mark, then what the page declares, if it is true, then as for any text."""
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    declared = _DECLARED.search(head)
    if encoding.by_mark(head) or not declared:
        return encoding.encoding_of(path)
    return encoding.checked(path, _as_browsers_read(declared[1].decode("ascii", "replace").lower()))


def _as_browsers_read(declared: str) -> str:
    """The WHATWG encoding standard: Latin-1 means Windows-1252, GB2312 its superset."""
    if declared in ("iso-8859-1", "latin1", "us-ascii", "ascii"):
        return "cp1252"
    return "gb18030" if declared in ("gb2312", "gbk", "x-gbk") else declared


class _Page(HTMLParser):
    """Gathers the tables; a table inside a table's cell is a table of its own."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: List[_Table] = []
        self._open: List[_Table] = []
        self._cell: Optional[List[str]] = None
        self._spans = (1, 1)
        self._silent: List[str] = []
        self._note: Optional[List[str]] = None
        self._budget = budget

    def longest(self) -> int:
        """Characters of what it may hold back now: comments and scripts may go on."""
        goes_on = self._silent or self.rawdata.startswith("<!")
        return _LONGEST_PIECE if goes_on else _LONGEST_BEGUN

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag == _NOTE:
            self._note = []
        elif tag == "table":
            self._end_cell()
            self._open.append(_Table())
            self.tables.append(self._open[-1])
        elif tag == "tr" and self._open:
            self._start_row()
        elif tag in ("td", "th") and self._open:
            self._start_cell(dict(attrs))
        elif tag in _BREAKS and self._cell:
            self._cell.append("\n")

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass
        elif tag == _NOTE:
            self._note = None
        elif tag in ("td", "th", "tr", "table"):
            self._end_cell()
            if tag == "table" and self._open:
                self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._silent:
            pieces = self._cell if self._note is None else self._note
            pieces.append(_BLANKS.sub(" ", data))

    def close(self) -> None:
        """Ends the page.

        Raises:
            BadItem: It ends inside a table, or what is not shown has no end: rows may be missing.
        """
        super().close()
        if self._open or self._silent:
            inside = "a table" if self._open else f"<{self._silent[0]}>"
            raise BadItem(
                f"the web page was cut short: it ends inside {inside}",
                "send it again, complete",
                kind="truncated",
            )

    def _start_row(self) -> None:
        self._end_cell()
        table = self._open[-1]
        table.taken = {column: left - 1 for column, left in table.taken.items() if left > 1}
        table.rows.append({})
        table.column = 0
        self._budget.check_row(self._name(), len(table.rows))

    def _start_cell(self, attributes: Dict[str, Optional[str]]) -> None:
        self._end_cell()
        table = self._open[-1]
        if not table.rows:
            self._start_row()
        table.column += 1
        while table.taken.get(table.column):
            table.column += 1
        self._spans = (
            _span(attributes.get("colspan"), 1000),
            _span(attributes.get("rowspan"), 65534),
        )
        self._cell = []

    def _end_cell(self) -> None:
        """A spanned place stays blank: the value belongs to the top left one only."""
        note, self._note = self._note, None
        if self._cell is None or not self._open:
            self._cell = None
            return
        self._cell += note or []  # one without an end: where the value begins nobody knows
        table, (columns, rows) = self._open[-1], self._spans
        last = table.column + columns - 1
        self._budget.check_column(self._name(), last)
        text = plain(_tidy("".join(self._cell)))
        if text:
            table.rows[-1][table.column] = Cell(Kind.TEXT, text)
            table.cells += 1
        if rows > 1:
            table.taken.update(dict.fromkeys(range(table.column, last + 1), rows))
        table.column = last
        self._cell = None

    def _name(self) -> str:
        return f"table {len(self.tables)}"


def _span(text: Optional[str], most: int) -> int:
    """colspan and rowspan, within the HTML standard's own bounds."""
    digits = (text or "").strip()
    return min(max(int(digits), 1), most) if digits.isdigit() and len(digits) < 9 else 1


def _tidy(text: str) -> str:
    """Text as a browser shows it: no blanks at the ends of lines, none but one between words."""
    lines = [_SPACES.sub(" ", line).strip(" ") for line in text.split("\n")]
    return "\n".join(lines).strip(" \n\xa0")
