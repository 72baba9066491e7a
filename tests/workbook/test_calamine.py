"""xls and xlsb: every cell as Excel shows it, or the workbook refused."""

from __future__ import annotations

import datetime
import io
import struct
import sys
from pathlib import Path
from typing import Any, List

import pytest
import xlwt
from xlwt.CompoundDoc import XlsDoc

from tests.workbook import xlsb_writer as xb
from tests.workbook.reading import SAMPLES, CellsByPlace, cells
from ttcli.cells import Column, Format
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.biff import calamine
from ttcli.workbook.open import open_workbook

PADDED = "00000000000"


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "payload"
    path.write_bytes(data)
    return path


def style(code: str) -> xlwt.XFStyle:
    made = xlwt.XFStyle()
    made.num_format_str = code
    return made


def xls(tmp_path: Path, *values: Any, **book: Any) -> Path:
    """An .xls whose first row holds these values, a pair being a value and its number format."""
    workbook = xlwt.Workbook()
    workbook.dates_1904 = book.get("dates_1904", False)
    sheet = workbook.add_sheet("S")
    for column, value in enumerate(values):
        if isinstance(value, tuple):
            sheet.write(0, column, value[0], style(value[1]))
        else:
            sheet.write(0, column, value)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return write(tmp_path, buffer.getvalue())


def first_row(found: CellsByPlace) -> List[Any]:
    return [found.get(("S", 1, column)) for column in range(1, max(c for _, _, c in found) + 1)]


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_libreoffice_writes_the_same_cells_in_every_format(kind: str) -> None:
    """The same workbook saved as xlsx, xls and ods reads the same, cell by cell."""
    expected = cells(SAMPLES / "libreoffice-shipments.xlsx")
    if kind == "ods":  # there TRUE() is the number 1, unless its cell is formatted as a boolean
        expected[("Shipments", 4, 9)] = ("number", 1)
        expected[("Shipments", 5, 9)] = ("number", 0)
    assert cells(SAMPLES / f"libreoffice-shipments.{kind}") == expected
    assert expected[("Shipments", 4, 10)] == ("error", "#N/A")
    assert expected[("Shipments", 4, 6)] == ("date", "2026-01-02T08:30:15")


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_sheets_keep_order_names_and_state(kind: str) -> None:
    """Hidden sheets are offered as such; LibreOffice knows no very hidden ones."""
    workbook = open_workbook(SAMPLES / f"libreoffice-shipments.{kind}", Limits())
    assert [(sheet.name, sheet.state) for sheet in workbook.sheets] == [
        ("Shipments", "visible"),
        ("Archive", "hidden"),
        ("Secret", "hidden"),
        ("Empty", "visible"),
    ]


def test_date_1904_is_known() -> None:
    """An .xls that counts from 1904 gives the day that its author saw."""
    found = cells(SAMPLES / "libreoffice-mac1904.xls")
    assert found[("Sheet", 2, 2)] == ("date", "2026-01-02T08:30:15")


def test_xls_formats(tmp_path: Path) -> None:
    """Number formats that calamine drops are kept: zeros, percent, dates, times, durations."""
    path = xls(
        tmp_path,
        (12345678, PADDED),
        (0.125, "0.00%"),
        (datetime.datetime(2026, 1, 2, 8, 30, 15), "yyyy-mm-dd hh:mm:ss"),
        (0.25, "hh:mm"),
        (1.75, "[h]:mm"),
        1234567890123.0,
        True,
    )
    blocks = list(open_workbook(path, Limits()).sheets[0].blocks())
    first = blocks[0].columns[1]
    assert isinstance(first, Column)
    assert (first.raw, first.format) == ([b"12345678"], Format(11, False, PADDED))
    percent = blocks[0].columns[2]
    assert isinstance(percent, Column)
    assert percent.format.percent
    assert first_row(cells(path))[2:] == [
        ("date", "2026-01-02T08:30:15"),
        ("time", 21600),
        ("duration", 151200),
        ("number", 1234567890123),
        ("bool", True),
    ]


@pytest.mark.parametrize(
    ("code", "shown"), [(0x00, "#NULL!"), (0x07, "#DIV/0!"), (0x17, "#REF!"), (0x2A, "#N/A")]
)
def test_xls_errors_are_errors(tmp_path: Path, code: int, shown: str) -> None:
    """An error cell, which calamine gives as an empty one, is an error."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    sheet.row(0).set_cell_error(0, code)
    buffer = io.BytesIO()
    book.save(buffer)
    assert first_row(cells(write(tmp_path, buffer.getvalue()))) == [("error", shown)]


@pytest.mark.parametrize(
    "value", [0, -1, 536870911, -536870912, 1.5, 0.01, -123.45, 1e300, 5e-324, 0.1 + 0.2, 2**53]
)
def test_xls_numbers_are_exact(tmp_path: Path, value: float) -> None:
    """RK, MULRK and NUMBER records give the number to the last bit."""
    found = first_row(cells(xls(tmp_path, value, value, "x", value)))
    assert found == [("number", value), ("number", value), ("text", "x"), ("number", value)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_xls_number_that_is_none_is_an_error(tmp_path: Path, value: float) -> None:
    """Apache POI writes NaN where Excel shows #NUM!: one bad cell, and no bad workbook."""
    assert first_row(cells(xls(tmp_path, value, "x"))) == [("error", "#NUM!"), ("text", "x")]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (struct.pack("<d", 3.0), ("number", 3)),
        (b"\2\0\x2a\0\0\0\xff\xff", ("error", "#N/A")),
        (b"\0\0\0\0\0\0\xff\xff", ("formula", None)),
    ],
)
def test_xls_formula_as_excel_4_wrote_it(tmp_path: Path, result: bytes, expected: Any) -> None:
    """calamine leaves such a record out; its number counts, and its text is not lost silently."""
    formula = struct.pack("<HHHHH", 0x0406, 18, 0, 0, 0) + result + struct.pack("<HH", 0, 0)
    number = struct.pack("<HHHHHd", 0x0203, 14, 0, 1, 0, 7.0)
    path = write(tmp_path, biff5(formula, number))
    assert first_row(cells(path)) == [expected, ("number", 7)]


@pytest.mark.parametrize("wide", [False, True])
def test_xls_text_of_a_formula_in_several_records(tmp_path: Path, wide: bool) -> None:
    """calamine gives such a text up to the end of its first record only."""
    codec = "utf-16-le" if wide else "latin-1"
    text = "".join(f"{number} ä " for number in range(4000))
    length = 4108 if wide else 8217
    pieces = [text[i : i + length] for i in range(0, len(text), length)]
    first, *more = [bytes([wide]) + piece.encode(codec) for piece in pieces]
    book = xlwt.Workbook()
    book.add_sheet("S").write(0, 0, xlwt.Formula("1"))
    book.get_sheet(0).write(0, 1, 7)
    formula = struct.pack("<H", 0x0006)
    stream = book.get_biff_data()
    at = stream.index(formula, stream.index(b"\x08\x02")) + 10  # ROW comes before its cells
    result = b"\0\0\0\0\0\0\xff\xff"
    end = at + 8 + 6 + struct.unpack_from("<H", stream, at + 14)[0] + 2
    string = struct.pack("<HHH", 0x0207, 2 + len(first), len(text)) + first
    for piece in more:
        string += struct.pack("<HH", 0x003C, len(piece)) + piece
    buffer = io.BytesIO()
    XlsDoc().save(buffer, stream[:at] + result + stream[at + 8 : end] + string + stream[end:])
    assert first_row(cells(write(tmp_path, buffer.getvalue()))) == [("text", text), ("number", 7)]


def test_number_that_calamine_takes_for_a_date(tmp_path: Path) -> None:
    """Where calamine reads a number format otherwise, the number in the record stands."""
    for code in ('0 "days"', "0\\ \\d", "[Red]0", '0.00 "EUR/h"', "[$-409]0", "0 EUR"):
        kind, value = first_row(cells(xls(tmp_path, (45000.0, code))))[0]
        assert (kind, value) == ("number", 45000), code


def biff5(*records: bytes, boundsheets: int = 1) -> bytes:
    """An Excel 95 workbook of one sheet with these records, in its OLE2 container."""
    bof = struct.pack("<HHHHHH", 0x0809, 8, 0x0500, 0x0005, 0x096C, 0x07C9)
    codepage = struct.pack("<HHH", 0x0042, 2, 1252)
    formats = struct.pack("<HHHB", 0x041E, 3 + len(PADDED), 164, len(PADDED)) + PADDED.encode()
    xfs = b"".join(struct.pack("<HHHH12x", 0x00E0, 16, 0, fmt) for fmt in (0, 164, 14))
    end = struct.pack("<HH", 0x000A, 0)
    size = len(bof) + len(codepage) + len(formats) + len(xfs) + 12 + len(end)
    boundsheet = struct.pack("<HHIHB", 0x0085, 8, size, 0, 1) + b"S"
    sheet_bof = struct.pack("<HHHHHH", 0x0809, 8, 0x0500, 0x0010, 0x096C, 0x07C9)
    stream = bof + codepage + formats + xfs + boundsheet + end + sheet_bof + b"".join(records) + end
    buffer = io.BytesIO()
    XlsDoc().save(buffer, stream.ljust(4096, b"\0"))
    return buffer.getvalue()


def test_excel_95(tmp_path: Path) -> None:
    """BIFF5, with its shorter records, has padded numbers, dates, errors and code page texts."""
    number = struct.pack("<HHHHHd", 0x0203, 14, 0, 0, 1, 12345678.0)
    date = struct.pack("<HHHHHd", 0x0203, 14, 0, 1, 2, 46024.0)
    label = struct.pack("<HHHHHH", 0x0204, 10, 0, 2, 0, 2) + "Äö".encode("cp1252")
    error = struct.pack("<HHHHHBB", 0x0205, 8, 0, 3, 0, 0x2A, 1)
    path = write(tmp_path, biff5(number, date, label, error))
    assert first_row(cells(path)) == [
        ("number", 12345678),
        ("date", "2026-01-02"),
        ("text", "Äö"),
        ("error", "#N/A"),
    ]
    column = next(open_workbook(path, Limits()).sheets[0].blocks()).columns[1]
    assert isinstance(column, Column)
    assert column.format.zeros == 11


def test_xls_rows_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    """A writer may write row 2 before row 1: they come ascending, or refused by calamine 0.4."""
    cell = [struct.pack("<HHHHHd", 0x0203, 14, row, 0, 0, row + 1.0) for row in (1, 0)]
    try:
        found = cells(write(tmp_path, biff5(*cell)))
    except BadItem as error:
        assert "disagree about the cell A1" in error.message
        return
    assert [(place[1], value) for place, (_, value) in found.items()] == [(1, 1), (2, 2)]


def test_xls_charts_and_their_cached_numbers_are_no_cells(tmp_path: Path) -> None:
    """A chart embedded in a sheet is a substream with cells of its own: not the sheet's."""
    bof = struct.pack("<HHHHHH", 0x0809, 8, 0x0500, 0x0020, 0, 0)
    inner = struct.pack("<HHHHHd", 0x0203, 14, 7, 7, 0, 99.0)
    own = struct.pack("<HHHHHd", 0x0203, 14, 0, 0, 0, 1.0)
    path = write(tmp_path, biff5(own, bof, inner, struct.pack("<HH", 0x000A, 0)))
    scan_rows = list(calamine_scan(path).rows(0))
    assert [(number, list(row)) for number, row in scan_rows] == [(1, [1])]


def calamine_scan(path: Path) -> Any:
    from ttcli.workbook.biff.xls import XlsScan

    return XlsScan(path, Limits())


def xlsb_sample(date_1904: bool = False) -> bytes:
    """Every cell record, in a sheet that begins at B3, and a hidden sheet."""
    rows = xb.row(2, xb.inline(1, "HAWB") + xb.shared(2, 0) + xb.shared(3, 1)) + xb.row(
        3,
        xb.rk(1, 12345678, 1)
        + xb.number(2, 46024.354340277778, 2)
        + xb.boolean(3, True)
        + xb.error(4, 0x2A)
        + xb.formula_number(5, 2.5)
        + xb.number(6, 0.1),
    )
    formats = [PADDED, "yyyy-mm-dd hh:mm:ss"]
    sheets = [("S", 0, rows), ("Old", 1, xb.row(0, xb.rk(0, 7))), ("Secret", 2, b"")]
    return xb.xlsb(sheets, ["MAWB", "分单号"], formats, date_1904)


def test_xlsb(tmp_path: Path) -> None:
    """An .xlsb's cells have their places, kinds and formats."""
    path = write(tmp_path, xlsb_sample())
    assert cells(path) == {
        ("S", 3, 2): ("text", "HAWB"),
        ("S", 3, 3): ("text", "MAWB"),
        ("S", 3, 4): ("text", "分单号"),
        ("S", 4, 2): ("number", 12345678),
        ("S", 4, 3): ("date", "2026-01-02T08:30:15"),
        ("S", 4, 4): ("bool", True),
        ("S", 4, 5): ("error", "#N/A"),
        ("S", 4, 6): ("number", 2.5),
        ("S", 4, 7): ("number", 0.1),
        ("Old", 1, 1): ("number", 7),
    }
    workbook = open_workbook(path, Limits())
    assert [sheet.state for sheet in workbook.sheets] == ["visible", "hidden", "very-hidden"]


def test_xlsb_date_1904(tmp_path: Path) -> None:
    """The 1904 flag of an .xlsb is known."""
    found = cells(write(tmp_path, xlsb_sample(date_1904=True)))
    assert found[("S", 4, 3)] == ("date", "2030-01-03T08:30:15")


def test_disagreement_refuses_the_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where calamine and our scan see different numbers, neither is believed."""
    from ttcli.workbook.biff import xls as scan

    monkeypatch.setattr(scan, "decode_rk", lambda rk: 8.0)
    with pytest.raises(BadItem, match="disagree about the cell B1 of the sheet 'S'") as caught:
        cells(xls(tmp_path, "x", 7))
    assert caught.value.kind == "damaged"


def test_cell_that_only_calamine_sees_refuses_the_workbook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell that our scan overlooks is never dropped in silence."""
    from ttcli.workbook.biff import xls as scan

    monkeypatch.setattr(scan, "BOOLERR", 0xFFFF)
    with pytest.raises(BadItem, match="cell B1"):
        cells(xls(tmp_path, "x", True))
    with pytest.raises(BadItem, match="cell"):
        cells(xls(tmp_path, True))


def test_panics_of_the_reader_are_bad_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panic of the Rust reader is a BaseException, and still only this item's fault."""

    class PanicException(BaseException):
        pass

    def panic(path: str) -> None:
        raise PanicException("index out of bounds\nnote: backtrace")

    import python_calamine

    monkeypatch.setattr(python_calamine.CalamineWorkbook, "from_path", panic, raising=True)
    with pytest.raises(BadItem, match="index out of bounds'"):
        cells(xls(tmp_path, 1))


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without python-calamine the error says how to get it, and that the item can be retried."""
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(BadItem, match="python-calamine, which is not installed") as caught:
        cells(xls(tmp_path, 1))
    assert caught.value.kind == "needs-formats"
    assert "ttcli-calamine" in caught.value.hint
    assert "ttcli[formats]" in caught.value.hint


def test_vendored_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Debian package's folder is searched last."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "python_calamine.py").write_text("CalamineWorkbook = 'vendored'\n")
    monkeypatch.delitem(sys.modules, "python_calamine", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "empty")])
    monkeypatch.setattr(calamine, "_VENDOR", str(tmp_path / "vendor"))
    assert calamine._package().CalamineWorkbook == "vendored"
    del sys.modules["python_calamine"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(rows=3), "'Shipments' goes on to row 4"),
        (Limits(columns=8), "'Shipments' reaches column"),
        (Limits(cells=20), "the workbook has more than 20 cells"),
    ],
)
@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_limits_have_sentences(kind: str, limits: Limits, words: str) -> None:
    """Rows, columns and cells over a limit are refused, each in its own words."""
    with pytest.raises(BadItem, match=words) as caught:
        cells(SAMPLES / f"libreoffice-shipments.{kind}", limits)
    assert caught.value.kind == "limit"


def in_container(names: List[str]) -> bytes:
    """A workbook of which one stream stands in its container under each of these names."""
    content = bytearray(biff8_sample())
    place = content.index("Workbook\0".encode("utf-16-le"))
    entry = bytes(content[place : place + 128])
    for number, name in enumerate(names):
        encoded = name.encode("utf-16-le") + b"\0\0"
        right = struct.pack("<i", number + 2 if number + 1 < len(names) else -1)
        content[place + 128 * number : place + 128 * (number + 1)] = (
            encoded.ljust(64, b"\0")
            + struct.pack("<H", len(encoded))
            + entry[66:72]
            + right
            + entry[76:]
        )
    return bytes(content)


def biff8_sample() -> bytes:
    """A workbook of one text and one number, as xlwt writes it."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    sheet.write(0, 0, "HAWB")
    sheet.write(0, 1, 7)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("names", "missed"),
    [
        (["Workbook"], False),
        (["WORKBOOK"], True),
        (["Workbook", "Book"], False),
        (["WORKBOOK", "Book"], True),
        (["WorkBook", "Book"], True),
    ],
)
def test_a_stream_that_calamine_would_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: List[str], missed: bool
) -> None:
    """Names in a container are the same in capitals; calamine would take texts from the old one."""
    from ttcli.workbook.biff import xls as scan

    path = write(tmp_path, in_container(names))
    assert calamine_scan(path).is_missed is missed
    if missed:
        monkeypatch.delattr(scan, "open_scanned")
    assert cells(path) == {("S", 1, 1): ("text", "HAWB"), ("S", 1, 2): ("number", 7)}
