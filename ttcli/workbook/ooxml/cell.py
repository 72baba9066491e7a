"""What one `<c>` element means: ECMA-376 part 1, §18.3.1.4 and §18.18.11."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple, Optional, Tuple

from ttcli.cells import Cell, Format, Kind
from ttcli.errors import BadItem
from ttcli.patterns import late
from ttcli.workbook.ooxml.strings import SharedStrings
from ttcli.workbook.ooxml.styles import Styles
from ttcli.workbook.ooxml.text import clean

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z", re.ASCII)
_ISO = late(
    r"(?:([0-9]{4})-([0-9]{2})-([0-9]{2}))?"
    r"(?:(?:(?<=[0-9])[T ]|T|\A)([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?Z?)?\Z",
    re.ASCII,
)
_BOOLEANS = {"0": "0", "1": "1", "false": "0", "true": "1"}
_XML_BLANKS = " \t\r\n"
_EPOCH_1900 = date(1899, 12, 30).toordinal()
_EPOCH_1904 = date(1904, 1, 1).toordinal()
_LEAP_HOLE = 61  # 1 March 1900: Excel counts a 29 February before it that never was


class RawCell(NamedTuple):
    """The attributes and children of a `<c>`; None for a child that is not there."""

    type: str
    style: Optional[str]
    value: Optional[str]
    formula: Optional[str]
    inline: Optional[str]


class CellReader:
    """Turns raw cells of one workbook into cells."""

    def __init__(self, strings: SharedStrings, styles: Styles, date_1904: bool) -> None:
        self.strings = strings
        self.styles = styles
        self.date_1904 = date_1904

    def cell(self, raw: RawCell) -> Optional[Cell]:
        """The cell, or None if it is empty.

        Raises:
            BadItem: It points to a shared string that is not there, or is no boolean.
        """
        if raw.type == "inlineStr" and raw.inline is not None:
            return _text(raw.inline)
        value = raw.value
        if raw.formula is not None and not self._calculated(raw):
            return Cell(Kind.FORMULA, clean(raw.formula) or "=")
        if value is None:
            return None if raw.inline is None else _text(raw.inline)
        if raw.type in ("str", "inlineStr"):
            return _text(value)
        value = value.strip(_XML_BLANKS)
        return self._value(raw, value) if value else None

    @staticmethod
    def _calculated(raw: RawCell) -> bool:
        """A text formula may well have calculated nothing: Excel writes `<v></v>` then."""
        return bool(raw.value) or (raw.value is not None and raw.type == "str")

    def _value(self, raw: RawCell, value: str) -> Optional[Cell]:
        if raw.type == "s":
            return self._shared(value)
        if raw.type == "e":
            return Cell(Kind.ERROR, clean(value))
        if raw.type == "b":
            return _boolean(value)
        if raw.type == "d":
            return iso_cell(value, self.date_1904) or _text(value)
        return self._number(raw.style, value)

    def _shared(self, value: str) -> Optional[Cell]:
        try:
            if not value.isascii() or not value.isdigit():
                raise IndexError(value)
            text = self.strings.text(int(value))
        except IndexError:
            raise BadItem(f"there is no shared string {value[:20]}", "", "damaged") from None
        return Cell(Kind.TEXT, text) if text else None

    def _number(self, style_index: Optional[str], value: str) -> Optional[Cell]:
        """A number; what is none (`NaN`, words without `t=`) is given as the text it is."""
        if not _NUMBER.match(value):
            return _text(value)
        style = self.styles[style_index]
        return Cell(style.kind, value, style.format)


def _text(text: str) -> Optional[Cell]:
    text = clean(text)
    return Cell(Kind.TEXT, text) if text else None


def _boolean(value: str) -> Cell:
    try:
        return Cell(Kind.BOOL, _BOOLEANS[value.lower()])
    except KeyError:
        raise BadItem(f"{value[:20]!r} is no boolean", "", "damaged") from None


def iso_cell(value: str, date_1904: bool) -> Optional[Cell]:
    """The date or time of a `t="d"` cell (ISO 8601) as a serial, or None if it is neither."""
    match = _ISO.match(value)
    if not match or not value:
        return None
    day, seconds = (
        _days(match[1], match[2], match[3], date_1904),
        _seconds(match[4], match[5], match[6]),
    )
    if day is None or seconds is None:
        return None
    kind = Kind.DATE if match[1] else Kind.TIME
    serial = day + seconds / 86400
    return Cell(kind, f"{day}" if not seconds else repr(serial), Format(0, False, "ISO 8601"))


def _days(year: Optional[str], month: str, day: str, date_1904: bool) -> Optional[int]:
    """Days since the workbook's epoch; None for a day that no calendar or epoch has."""
    if year is None:
        return 0
    try:
        ordinal = date(int(year), int(month), int(day)).toordinal()
    except ValueError:
        return None
    days = ordinal - (_EPOCH_1904 if date_1904 else _EPOCH_1900)
    if not date_1904 and days < _LEAP_HOLE:
        days -= 1
    return days if days >= 0 else None


def _seconds(hour: Optional[str], minute: str, second: Optional[str]) -> Optional[float]:
    if hour is None:
        return 0.0
    if int(hour) > 23 or int(minute) > 59 or float(second or 0) >= 60:
        return None
    return int(hour) * 3600 + int(minute) * 60 + float(second or 0)


_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9][0-9]{0,7})\Z", re.ASCII)


def reference(text: str) -> Optional[Tuple[int, int]]:
    """Row and column of `AB12`, 1-based; None if that is no cell's name."""
    match = _REFERENCE.match(text)
    if not match:
        return None
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column
