"""What the records of .xls and of .xlsb have in common."""

from __future__ import annotations

import struct
from typing import Dict, List

from ttcli.cells import Cell
from ttcli.errors import BadItem
from ttcli.workbook.blocks import number_text
from ttcli.workbook.ooxml_formats import GENERAL_STYLE, Style, builtin_style, style_of

__all__ = ["ERRORS", "GENERAL_STYLE", "Style", "decode_rk", "number_cell", "styles_of"]

# [MS-XLS] 2.5.10 BErr
ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


def decode_rk(rk: int) -> float:
    """[MS-XLS] 2.5.217: 30 bits of a number, and whether it is an integer or times 100."""
    if rk & 2:
        value = float((rk - 0x100000000 if rk & 0x80000000 else rk) >> 2)
    else:
        value = struct.unpack("<d", struct.pack("<Q", (rk & 0xFFFFFFFC) << 32))[0]
    return value / 100 if rk & 1 else value


def number_cell(value: float, style: Style) -> Cell:
    """A number as its style says.

    Raises:
        BadItem: It is infinite or no number, which Excel never writes.
    """
    if value - value != 0:
        raise BadItem("a cell holds a number that is none (NaN or infinite)", kind="damaged")
    return Cell(style.kind, number_text(value), style.format)


def styles_of(format_ids: List[int], codes: Dict[int, str]) -> List[Style]:
    """The style of each cell format, by the ids of their number formats."""
    return [style_of(codes[n]) if n in codes else builtin_style(n) for n in format_ids]
