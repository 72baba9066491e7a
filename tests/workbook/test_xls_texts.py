"""The texts of .xls that we read ourselves are those that calamine reads."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path
from typing import Any, List

import pytest
import xlwt
from xlwt.CompoundDoc import XlsDoc

from tests.workbook.reading import SAMPLES, cells
from ttcli.cells import Workbook, cells_of
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.biff import xls
from ttcli.workbook.open import open_workbook


def shown(workbook: Workbook) -> List[Any]:
    """All cells of all sheets."""
    return [
        (sheet.name, sheet.state, cell)
        for sheet in workbook.sheets
        for block in sheet.blocks()
        for cell in cells_of(block)
    ]


def alone(path: Path) -> List[Any]:
    """All cells, without calamine."""
    return shown(xls._open_alone(Limits(), xls.XlsScan(path, Limits())))


def saved(tmp_path: Path, book: xlwt.Workbook) -> Path:
    path = tmp_path / "payload"
    book.save(str(path))
    return path


@pytest.mark.parametrize("name", ["libreoffice-shipments.xls", "libreoffice-mac1904.xls"])
def test_samples_read_the_same_without_calamine(name: str) -> None:
    """Names, states, texts, formulas: all as calamine has them."""
    expected = shown(open_workbook(SAMPLES / name, Limits()))
    assert len(expected) > 3
    assert alone(SAMPLES / name) == expected


def test_shared_strings_that_go_on_in_further_records(tmp_path: Path) -> None:
    """A record ends after 8,224 bytes, also within a text, wide or not, rich or not."""
    chance = random.Random(1)
    book = xlwt.Workbook()
    sheet = book.add_sheet("Größe 分")
    bold = xlwt.easyfont("bold true")
    for row in range(300):
        letters = chance.choice(["abc", "äöü", "分单号"])
        text = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 900)))
        if row % 3:
            sheet.write(row, 0, f"{row}{text}")
        else:
            sheet.write_rich_text(row, 0, [f"{row}", (text, bold), "end"])
    path = saved(tmp_path, book)
    expected = shown(open_workbook(path, Limits()))
    assert len(expected) == 300
    assert alone(path) == expected


def test_far_cells_have_their_texts(tmp_path: Path) -> None:
    """Where calamine would need too much memory, everything is still there."""
    book = xlwt.Workbook()
    sheet, hidden = book.add_sheet("Far"), book.add_sheet("Hidden")
    hidden.visibility = 1
    sheet.write(0, 0, "first")
    sheet.write(65535, 255, "last")
    sheet.write(9, 9, xlwt.Formula('"a"&"b"'))
    hidden.write(0, 0, 7)
    path = saved(tmp_path, book)
    assert cells(path) == {
        ("Far", 1, 1): ("text", "first"),
        ("Far", 65536, 256): ("text", "last"),
        ("Hidden", 1, 1): ("number", 7),
    }
    assert [sheet.state for sheet in open_workbook(path, Limits()).sheets] == ["visible", "hidden"]


def record(code: int, data: bytes) -> bytes:
    return struct.pack("<HH", code, len(data)) + data


def excel_5(page: int, text: bytes) -> bytes:
    """A workbook of Excel 5 with one text, in a code page."""
    begin = record(0x0809, struct.pack("<HHHH", 0x0500, 5, 0, 0)) + record(
        0x0042, struct.pack("<H", page)
    )
    name = bytes([len(text)]) + text
    size = len(begin) + len(record(0x0085, bytes(6) + name)) + 4
    whole = begin + record(0x0085, struct.pack("<IH", size, 0) + name) + record(0x000A, b"")
    assert len(whole) == size
    label = struct.pack("<HHHH", 0, 0, 0, len(text)) + text
    runs = label + bytes([1, 0, 0])
    sheet = record(0x0809, struct.pack("<HHHH", 0x0500, 0x10, 0, 0))
    sheet += record(0x0204, label) + record(0x00D6, b"\1" + runs[1:]) + record(0x000A, b"")
    buffer = io.BytesIO()
    XlsDoc().save(buffer, whole + sheet + bytes(5000))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("page", "text"),
    [(1252, "Köln • ’"), (1251, "Київ"), (932, "運単"), (0x8001, "Köln"), (10000, "Köln")],
)
def test_excel_5_has_its_code_page(tmp_path: Path, page: int, text: str) -> None:
    """Names and texts, plain or formatted; calamine takes the latter for Latin-1."""
    codec = {0x8001: "cp1252", 10000: "mac-roman"}.get(page, f"cp{page}")
    path = tmp_path / "payload"
    path.write_bytes(excel_5(page, text.encode(codec)))
    assert cells(path) == {(text, 1, 1): ("text", text), (text, 2, 1): ("text", text)}


def test_a_shared_string_that_is_not_there_refuses(tmp_path: Path) -> None:
    """A number beyond the strings would otherwise be a lost text."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Far")
    sheet.write(0, 0, "only")
    sheet.write(65535, 255, 1)
    path = saved(tmp_path, book)
    label = record(0x00FD, struct.pack("<HHHI", 0, 0, 17, 0))
    data = path.read_bytes()
    assert data.count(label) == 1
    path.write_bytes(data.replace(label, label[:-4] + struct.pack("<I", 5)))
    with pytest.raises(BadItem, match="there is no shared string 5"):
        cells(path)


def test_two_sheets_at_the_same_byte_are_refused(tmp_path: Path) -> None:
    """Twenty thousand names for one sheet would be read twenty thousand times."""
    book = xlwt.Workbook()
    book.add_sheet("A").write(0, 0, 1)
    book.add_sheet("B")
    path = saved(tmp_path, book)
    data = path.read_bytes()
    second = data.index(b"B", data.index(record(0x0085, b"")[:2]) + 12) - 8
    first = second - 13
    assert data[first - 4 : first - 2] == data[second - 4 : second - 2] == b"\x85\0"
    path.write_bytes(data[:second] + data[first : first + 4] + data[second + 4 :])
    with pytest.raises(BadItem, match="two of its sheets begin at the same byte"):
        cells(path)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("fd 00 00 01", "a cell in it has 256 bytes"),
        ("0a 00 0a 00", "the end of a sheet is none"),
        ("0a 00 00 00", "the end of a sheet is none"),
        ("00 00 00 00 00 00 00 00", "zeros stand where cells should"),
        ("00 00", "zeros stand where cells should"),
    ],
)
def test_a_cell_does_not_hide_those_after_it(tmp_path: Path, head: str, words: str) -> None:
    """One damaged head of a record, and calamine reads a sheet of its headings alone."""
    content = (SAMPLES / "libreoffice-shipments.xls").read_bytes()
    second = content.index(bytes.fromhex("fd 00 0a 00 02 00 02 00"))
    path = tmp_path / "payload"
    damage = bytes.fromhex(head)
    path.write_bytes(content[:second] + damage + content[second + len(damage) :])

    with pytest.raises(BadItem, match=words):
        open_workbook(path, Limits())
