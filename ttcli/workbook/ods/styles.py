"""The styles of an .ods: which cell styles pad their numbers with zeros, which sheets are hidden.

OpenDocument 1.2 part 1, 16.27: a number style is XML, not a format code. A date or a percentage
needs no style, for the cell itself says that it is one.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Set

from ttcli.cells import GENERAL, Format

TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_NUMBER = "urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0 "
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0 "
_BODY = OFFICE + "body"

Attributes = Dict[str, str]


class Shape(NamedTuple):
    """The number format of a cell, and whether its time is one of `[h]:mm`, or one of `hh:mm`."""

    format: Format
    is_duration: bool
    is_clock: bool


class OdsStyles:
    """Handlers for expat, and then the number format of each cell style.

    Attributes:
        done: The document's body has begun; no style follows.
    """

    def __init__(self) -> None:
        self.done = False
        self._data_style: Dict[str, str] = {}
        self._parent: Dict[str, str] = {}
        self._zeros: Dict[str, int] = {}
        self._durations: Set[str] = set()
        self._clocks: Set[str] = set()
        self._shapes: Dict[str, Shape] = {}
        self._inside: Optional[str] = None
        self._table = ""
        self._hidden: Set[str] = set()

    def start(self, name: str, attributes: Attributes) -> None:
        """Handles the start of an element."""
        if name == _STYLE + "style" and attributes.get(_STYLE + "family") == "table-cell":
            self._cell_style(attributes)
        elif name == _STYLE + "style":
            self._table = attributes.get(_STYLE + "name", "")
        elif name == _STYLE + "table-properties":
            if attributes.get(TABLE + "display") == "false":
                self._hidden.add(self._table)
        elif name == _NUMBER + "number-style":
            self._inside = attributes.get(_STYLE + "name", "")
            self._zeros[self._inside] = 0
        elif name == _NUMBER + "time-style":
            goes_on = attributes.get(_NUMBER + "truncate-on-overflow") == "false"
            known = self._durations if goes_on else self._clocks
            known.add(attributes.get(_STYLE + "name", ""))
        elif self._inside is not None and name.startswith(_NUMBER):
            self._part_of_number_style(name, attributes)
        elif name == _BODY:
            self.done = True

    def end(self, name: str) -> None:
        """Handles the end of an element."""
        if name == _NUMBER + "number-style":
            self._inside = None

    def shape(self, style: str) -> Shape:
        """What a cell style makes of its numbers; call it when all styles are read."""
        if style not in self._shapes:
            data_style = self._data_style_of(style)
            zeros = self._zeros.get(data_style, 0)
            padded = Format(zeros, False, "0" * zeros) if zeros > 1 else GENERAL
            goes_on, is_clock = data_style in self._durations, data_style in self._clocks
            self._shapes[style] = Shape(padded, goes_on, is_clock)
        return self._shapes[style]

    def is_hidden(self, style: str) -> bool:
        """Whether a table of that style is shown to nobody."""
        return style in self._hidden

    def _data_style_of(self, style: str) -> str:
        """A cell style's own number style, or an ancestor's."""
        for _ in range(20):  # ancestors may be a loop
            if style in self._data_style:
                return self._data_style[style]
            style = self._parent.get(style, "Default" if style != "Default" else "")
        return ""

    def _cell_style(self, attributes: Attributes) -> None:
        name = attributes.get(_STYLE + "name", "")
        if _STYLE + "data-style-name" in attributes:
            self._data_style[name] = attributes[_STYLE + "data-style-name"]
        if _STYLE + "parent-style-name" in attributes:
            self._parent[name] = attributes[_STYLE + "parent-style-name"]

    def _part_of_number_style(self, name: str, attributes: Attributes) -> None:
        """Only a lone whole number pads: with a text or a grouping it is no `00000000000`."""
        style = self._inside or ""
        whole = attributes.get(_NUMBER + "decimal-places", "0") == "0"
        grouped = attributes.get(_NUMBER + "grouping") == "true"
        digits = attributes.get(_NUMBER + "min-integer-digits", "")
        if name != _NUMBER + "number" or not whole or grouped:
            self._zeros[style] = -1
        elif self._zeros[style] == 0 and digits.isdigit() and len(digits) < 4:
            self._zeros[style] = int(digits)
