"""styles.xml: from the `s=` of a cell to the kind and format of its number."""

from __future__ import annotations

from typing import Dict, Hashable, List, Optional

from ttcli.workbook.ooxml.formats import GENERAL_STYLE, Style, builtin_style, style_of
from ttcli.workbook.ooxml.package import Package
from ttcli.workbook.ooxml.xml import parse_part


class Styles:
    """The cell formats of a workbook, by the `s=` attribute of its cells."""

    def __init__(self, cell_formats: List[Style]) -> None:
        self._by_index = cell_formats

    @property
    def key(self) -> Hashable:
        """Equal for workbooks in which every `s=` means the same."""
        return tuple(self._by_index)

    def __getitem__(self, index: Optional[str]) -> Style:
        """The style of `s="index"`; General where it points nowhere, as Excel shows it."""
        if index is None:
            index = "0"
        try:
            return self._by_index[int(index)] if index.isdigit() else GENERAL_STYLE
        except IndexError:
            return GENERAL_STYLE


class _Reading:
    """Collects the number formats and the cell formats; either may come first."""

    def __init__(self) -> None:
        self.codes: Dict[int, str] = {}
        self.format_ids: List[int] = []
        self._inside = ""

    def start(self, name: str, attributes: Dict[str, str]) -> None:
        if name in ("numFmts", "cellXfs"):
            self._inside = name
        elif name == "numFmt" and self._inside == "numFmts":
            self.codes[_number(attributes)] = attributes.get("formatCode", "General")
        elif name == "xf" and self._inside == "cellXfs":
            self.format_ids.append(_number(attributes))

    def end(self, name: str) -> None:
        if name == self._inside:
            self._inside = ""

    def style(self, number: int) -> Style:
        code = self.codes.get(number)
        return builtin_style(number) if code is None else style_of(code)


def _number(attributes: Dict[str, str]) -> int:
    text = attributes.get("numFmtId", "")
    return int(text) if text.isdigit() else 0


def read_styles(package: Package, part: Optional[str]) -> Styles:
    """Reads styles.xml; a workbook without one shows every number as General.

    Raises:
        BadItem: The part is damaged.
    """
    if part is None:
        return Styles([])
    reading = _Reading()
    parse_part(package.chunks(part), part, reading.start, reading.end)
    return Styles([reading.style(number) for number in reading.format_ids])
