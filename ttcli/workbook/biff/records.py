"""What the records of .xls and of .xlsb have in common."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import Dict, Iterator, List, Tuple

from ttcli.cells import Cell, Kind
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml.formats import GENERAL_STYLE, Style, builtin_style, style_of

__all__ = [
    "GENERAL_STYLE",
    "Style",
    "bool_or_error",
    "check_density",
    "damaged",
    "decode_rk",
    "is_sparse",
    "number_cell",
    "number_text",
    "styles_of",
    "whole_records",
]

AS_XLSX = "open it in Excel, save it as .xlsx and send that"

# What calamine spends on each place of the rectangle that holds all cells: 40, and its copies.
_DENSE_BYTES = 48

# [MS-XLS] 2.5.10 BErr
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


@contextmanager
def whole_records(kind: str) -> Iterator[None]:
    """Turns what `struct` says of a record that is too short into a BadItem."""
    try:
        yield
    except (struct.error, IndexError) as error:
        raise damaged(kind, "a record is too short") from error


def damaged(kind: str, why: str) -> BadItem:
    """The refusal of a file that breaks the rules of its format."""
    return BadItem(f"the {kind} is damaged: {why}", AS_XLSX, kind="damaged")


def decode_rk(rk: int) -> float:
    """[MS-XLS] 2.5.217: 30 bits of a number, and whether it is an integer or times 100."""
    if rk & 2:
        value = float((rk - 0x100000000 if rk & 0x80000000 else rk) >> 2)
    else:
        value = struct.unpack("<d", struct.pack("<Q", (rk & 0xFFFFFFFC) << 32))[0]
    return value / 100 if rk & 1 else value


def number_text(value: float) -> str:
    """A binary number's shortest decimal digits; whole ones without `.0`."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def number_cell(value: float, style: Style) -> Cell:
    """A number as its style says; infinite or none, which others write, it is an error in Excel."""
    if value - value != 0:
        return Cell(Kind.ERROR, "#NUM!")
    return Cell(style[0], number_text(value), style[1])


def bool_or_error(value: int, is_error: bool) -> Cell:
    """The cell of a Bes ([MS-XLS] 2.5.11)."""
    if is_error:
        return Cell(Kind.ERROR, _ERRORS.get(value, f"error {value}"))
    return Cell(Kind.BOOL, "1" if value else "0")


def styles_of(format_ids: List[int], codes: Dict[int, str]) -> List[Style]:
    """The style of each cell format, by the ids of their number formats."""
    return [style_of(codes[n]) if n in codes else builtin_style(n) for n in format_ids]


def is_sparse(reach: Tuple[int, int], limits: Limits) -> bool:
    """Whether calamine, which makes room for all between the cells of a sheet, takes too much.

    Args:
        reach: The last row and column that have a cell.
    """
    rows, columns = reach
    return rows * columns * _DENSE_BYTES > limits.memory_mb << 20


def check_density(sheet: str, cells: int, reach: Tuple[int, int], limits: Limits) -> None:
    """Refuses a sheet of few cells far apart; see `is_sparse`."""
    if is_sparse(reach, limits):
        rows, columns = reach
        raise BadItem(
            f"{sheet} has {cells:,} cells, but they reach to row {rows:,} and column {columns:,}: "
            f"too far apart to be read in {limits.memory_mb} MB",
            "delete the far cells in Excel, save it as .xlsx, or raise LIMIT_MEMORY_MB",
            kind="limit",
        )
