"""OOXML workbooks: .xlsx, .xlsm, .xltx, strict or transitional, whatever their parts are called.

Every part is found by relationship, as ECMA-376 part 1 §9 wants it, never by its usual path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Union

from ttcli.cells import Block
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml.cell import CellReader, reference
from ttcli.workbook.ooxml.exact import SheetSource, Tally, exact_blocks
from ttcli.workbook.ooxml.halves import Part, SheetBlocks
from ttcli.workbook.ooxml.package import Package, Relationship
from ttcli.workbook.ooxml.strings import read_strings
from ttcli.workbook.ooxml.styles import read_styles
from ttcli.workbook.ooxml.text import clean
from ttcli.workbook.ooxml.xml import parse_part
from ttcli.workbook.sniff_zip import OpenZip

_STATES = {"hidden": "hidden", "veryHidden": "very-hidden"}
_TRUE = ("1", "true", "on")
# Excel 4's macro sheets are sheets with rows ([MS-OFFMACRO2] 2.2.1.5), and other readers show them.
_WITH_ROWS = ("worksheet", "xlmacrosheet", "xlintlmacrosheet")
_MOST_TOTALS = 1000
_MOST_SHEETS = 10_000
_RESEND = "open it in Excel, save it, and ask the sender for that copy"


class OoxmlSheet:
    """A worksheet; see `ttcli.cells.Sheet`."""

    def __init__(
        self, workbook: OoxmlWorkbook, listed: _Listed, totals_rows: FrozenSet[int]
    ) -> None:
        self.name = listed.name
        self.state = listed.state
        self.totals_rows = totals_rows
        self._workbook = workbook
        self._part = listed.part

    def blocks(self) -> Iterator[Block]:
        """The sheet's rows, the fast way where it can be proven right.

        Raises:
            BadItem: The sheet is damaged or over a limit.
        """
        source = self._workbook.source(self.name, self._part)
        return SheetBlocks(source, Part(self._workbook.package, self._part))

    def exact_blocks(self) -> Iterator[Block]:
        """The sheet's rows through the exact reader alone."""
        source = self._workbook.source(self.name, self._part)
        return exact_blocks(source, self._workbook.package.chunks(self._part))


class OoxmlWorkbook:
    """An open OOXML workbook; see `ttcli.cells.Workbook`."""

    kind = "xlsx"

    def __init__(self, package: Package, limits: Limits) -> None:
        self.package = package
        self._limits = limits
        self._tally = Tally(limits)
        self._part = _workbook_part(package)
        self._parts = package.relationships(self._part)
        contents = _read_contents(package, self._part, self._parts)
        self.date_1904 = contents.date_1904
        self._cells: Optional[CellReader] = None
        self.sheets: Sequence[OoxmlSheet] = [
            OoxmlSheet(self, listed, _totals_rows(package, listed.part))
            for listed in contents.sheets
        ]

    def close(self) -> None:
        """Closes the file; sheets can't be read any more."""
        self.package.close()

    def source(self, name: str, part: str) -> SheetSource:
        """What reading one sheet needs; strings and styles are read once, when first needed."""
        if self._cells is None:
            strings = read_strings(self.package, self._find("sharedstrings"), self._limits)
            styles = read_styles(self.package, self._find("styles"))
            self._cells = CellReader(strings, styles, self.date_1904)
        return SheetSource(name, part, self._cells, self._tally)

    def _find(self, kind: str) -> Optional[str]:
        return next((found.target for found in self._parts.values() if found.type == kind), None)


class _Listed(NamedTuple):
    """A worksheet as workbook.xml lists it."""

    name: str
    state: str
    part: str


class _Contents(NamedTuple):
    sheets: List[_Listed]
    date_1904: bool


def open_ooxml(path: Union[Path, OpenZip], limits: Limits) -> OoxmlWorkbook:
    """Opens an OOXML workbook whose workbook part is XML.

    Args:
        path: The file, whose name does not matter, or it as sniffing has opened it.
        limits: What reading may cost.

    Raises:
        BadItem: `truncated`, `damaged`, `encrypted`, `hostile`, `limit` or `no-sheet`.
    """
    package = Package(path, limits)
    try:
        return OoxmlWorkbook(package, limits)
    except BaseException:
        package.close()
        raise


def _workbook_part(package: Package) -> str:
    for found in package.relationships("").values():
        if found.type == "officedocument":
            return found.target
    if "xl/workbook.xml" in package:
        return "xl/workbook.xml"
    raise BadItem("the package does not say where its workbook is", _RESEND, "damaged")


def _read_contents(package: Package, part: str, parts: Dict[str, Relationship]) -> _Contents:
    """The worksheets in their order; chart and dialog sheets hold no rows."""
    listed: List[_Listed] = []
    properties: Dict[str, str] = {}

    def start(name: str, attributes: Dict[str, str]) -> None:
        if name == "workbookPr":
            properties.update(attributes)
        elif name == "sheet":
            identity = _relationship_id(attributes)
            if identity == "":
                return  # Excel lists a Visual Basic module of Excel 5 so, which is no part
            title = clean(attributes.get("name", ""))
            found = parts.get(identity or "")
            if found is None:
                raise BadItem(
                    f"the workbook does not say where sheet {title!r} is", _RESEND, "damaged"
                )
            if found.type in _WITH_ROWS:
                state = _STATES.get(attributes.get("state", ""), "visible")
                listed.append(_Listed(title, state, found.target))
                if len(listed) > _MOST_SHEETS:
                    raise BadItem(
                        f"the workbook has more than {_MOST_SHEETS:,} sheets", "", "limit"
                    )

    parse_part(package.chunks(part), part, start)
    if not listed:
        raise BadItem("the workbook has no worksheet", "send a file with rows in it", "no-sheet")
    return _Contents(listed, properties.get("date1904", "").lower() in _TRUE)


def _relationship_id(attributes: Dict[str, str]) -> Optional[str]:
    """`r:id`, under either of its namespaces."""
    return next(
        (value for name, value in attributes.items() if name.endswith("/relationships id")), None
    )


def _totals_rows(package: Package, sheet_part: str) -> FrozenSet[int]:
    """The totals rows that the tables of a sheet declare."""
    found: List[int] = []
    for relationship in package.relationships(sheet_part).values():
        if relationship.type == "table" and relationship.target in package:
            found.extend(_table_totals(package, relationship.target))
    return frozenset(found)


def _table_totals(package: Package, part: str) -> Sequence[int]:
    tables: List[Dict[str, str]] = []

    def start(name: str, attributes: Dict[str, str]) -> None:
        if name == "table":
            tables.append(attributes)

    parse_part(package.chunks(part), part, start)
    last = reference(tables[0].get("ref", "").rpartition(":")[2]) if tables else None
    count = tables[0].get("totalsRowCount", "0") if tables else "0"
    if last is None or not count.isdigit():
        return ()
    return range(max(1, last[0] - min(int(count), _MOST_TOTALS) + 1), last[0] + 1)
