"""What a `<c>` element means, to both readers."""

from __future__ import annotations

import pytest

from tests.workbook_ooxml.packages import read, words, write_rows
from ttcli.errors import BadItem

CELLS = [
    ("<c r='A1'><v>12</v></c>", "number:12"),
    ("<c r='A1'><v> 1.5E3 </v></c>", "number:1.5E3"),
    ("<c r='A1' t='n'><v>-.5</v></c>", "number:-.5"),
    ("<c r='A1'><v>NaN</v></c>", "text:NaN"),
    ("<c r='A1' t='s'><v>1</v></c>", "text:one"),
    ("<c r='A1' t='s'/>", None),
    ("<c r='A1' s='1'/>", None),
    ("<c r='A1' t='inlineStr'><is><t>a &amp; b</t></is></c>", "text:a & b"),
    ("<c r='A1' t='inlineStr'><is><t> \u00a0</t></is></c>", "text: \u00a0"),
    ("<c r='A1' t='inlineStr'><is><t></t></is></c>", None),
    ("<c r='A1' t='str'><v>_x0000_</v></c>", None),
    ("<c r='A1' t='inlineStr'><is><r><rPr><b/></rPr><t>a </t></r><r><t>b</t></r>"
     "<rPh sb='0' eb='1'><t>x</t></rPh></is></c>", "text:a b"),
    ("<c r='A1' t='str'><f>A2</f><v>x</v></c>", "text:x"),
    ("<c r='A1' t='str'><f>A2</f><v></v></c>", None),
    ("<c r='A1' t='str'><f>A2</f></c>", "formula:A2"),
    ("<c r='A1'><f>A2</f><v></v></c>", "formula:A2"),
    ("<c r='A1'><f t='shared' si='0'/></c>", "formula:="),
    ("<c r='A1'><f>A2</f><v>7</v></c>", "number:7"),
    ("<c r='A1' t='b'><v>1</v></c>", "bool:1"),
    ("<c r='A1' t='b'><v>false</v></c>", "bool:0"),
    ("<c r='A1' t='e'><v>#N/A</v></c>", "error:#N/A"),
    ("<c r='A1' s='1'><v>44575</v></c>", "date:44575"),
    ("<c r='A1' s='3'><v>1.25</v></c>", "duration:1.25"),
    ("<c r='A1' s='5'><v>0.5</v></c>", "time:0.5"),
    ("<c r='A1' s='99'><v>1</v></c>", "number:1"),
    ("<c r='A1' t='d'><v>2022-01-14</v></c>", "date:44575"),
    ("<c r='A1' t='d'><v>1900-02-28T12:00:00Z</v></c>", "date:59.5"),
    ("<c r='A1' t='d'><v>1900-03-01</v></c>", "date:61"),
    ("<c r='A1' t='d'><v>18:00</v></c>", "time:0.75"),
    ("<c r='A1' t='d'><v>2022-02-30</v></c>", "text:2022-02-30"),
    ("<c r='A1' t='str'><v>a_x000D_\nb_x0000_c_x005F_x000D_</v></c>", "text:a\nbc_x000D_"),
    ("<c r='A1' t='str'><v>_xD83D__xDE00_ _xD83D_</v></c>", "text:\U0001f600 \ufffd"),
    ("<c r='A1' t='str'><v>a&#13;&#10;b\tc\\d</v></c>", "text:a\nb\tc\\d"),
    ("<c r='A1' t='str'><v><![CDATA[<row>]]></v></c>", "text:<row>"),
    ("<c r='A1' t='str'><v>a<!-- no -->b</v></c>", "text:ab"),
]  # fmt: skip


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])
@pytest.mark.parametrize(("xml", "expected"), CELLS)
def test_a_cell_is_what_the_standard_says(tmp_path, xml, expected, exact):
    """Each spelling of a cell has one meaning, and empty ones have none."""
    path = write_rows(tmp_path / "w", f"<row r='1'>{xml}</row>")

    assert words(path, exact) == ({(1, 1): expected} if expected else {})


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])
def test_a_1904_workbook_counts_iso_dates_from_1904(tmp_path, exact):
    """The serial of an ISO date counts from the workbook's own epoch."""
    path = write_rows(
        tmp_path / "w",
        "<row r='1'><c r='A1' t='d'><v>1904-01-02</v></c></row>",
        properties="<workbookPr date1904='1'/>",
    )

    assert words(path, exact) == {(1, 1): "date:1"}


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])
def test_a_number_brings_its_format(tmp_path, exact):
    """Zero padding and percent reach the reader of the cell."""
    rows = "<row r='1'><c r='A1' s='2'><v>123</v></c><c r='B1' s='4'><v>0.5</v></c></row>"
    cells = read(write_rows(tmp_path / "w", rows), exact)

    assert cells[1, 1].format.zeros == 11
    assert cells[1, 2].format.percent
    assert cells[1, 2].format.code == "0%"


ROWS = [
    ("<row><c><v>1</v></c><c><v>2</v></c></row><row><c/><c><v>3</v></c></row>",
     {(1, 1): "1", (1, 2): "2", (2, 2): "3"}),
    ("<row r='3'><c r='C3'><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>",
     {(3, 3): "1", (3, 4): "2", (4, 1): "3"}),
    ("<row><c r='B5'><v>1</v></c></row><row r='9'/><row><c r='A10'><v>2</v></c></row>",
     {(5, 2): "1", (10, 1): "2"}),
    ("<row r='2'><c r='C2'><v>1</v></c><c r='A2'><v>2</v></c></row>",
     {(2, 1): "2", (2, 3): "1"}),
    ("<row r='1'><c r='$a$1'><v>1</v></c></row>", {(1, 1): "1"}),
]  # fmt: skip


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])
@pytest.mark.parametrize(("rows", "expected"), ROWS)
def test_position_counts_where_the_number_is_missing(tmp_path, rows, expected, exact):
    """A row or cell without `r=` follows the one before it."""
    cells = read(write_rows(tmp_path / "w", rows), exact)

    assert {place: cell.text for place, cell in cells.items()} == expected


BROKEN = [
    ("<row r='2'><c r='A2'><v>1</v></c></row><row r='1'><c r='A1'><v>1</v></c></row>",
     "row 1 comes after row 2"),
    ("<row r='2'><c r='A2'><v>1</v></c></row><row r='2'><c r='B2'><v>1</v></c></row>",
     "row 2 comes after row 2"),
    ("<row r='1'><c r='A1'><v>1</v></c><c r='A1'><v>1</v></c></row>", "cell A1: .* twice"),
    ("<row r='1'><c r='A2'><v>1</v></c></row>", "row 1 holds a cell A2"),
    ("<row r='1'><c r='A1' t='s'><v>2</v></c></row>", "cell A1: there is no shared string 2"),
    ("<row r='1'><c r='A1' t='s'><v>-1</v></c></row>", "cell A1: there is no shared string -1"),
    ("<row r='1'><c r='A1' t='b'><v>yes</v></c></row>", "cell A1: 'yes' is no boolean"),
    ("<row r='1'><c r='B1'><v>&nbsp;</v></c></row>", "cell B1: .* undefined entity"),
    ("<row r='1'><c r='A1'><v>1</v><v>2</v></c></row>", "cell A1: two <v>"),
    ("<row r='-1'/>", "a row is numbered '-1'"),
    ("<row r='0'><c r='A0'><v>1</v></c></row>", "a row is numbered '0'"),
    ("<row r='1'><c r='1A'><v>1</v></c></row>", "a cell is called '1A'"),
    ("<row r='1'></row></sheetData><sheetData>", "two places"),
    ("<row r='1'><c r='A1' t='str'><v>\x01</v></c></row>", "not well-formed"),
    ("<row r='1'><c r='A1' t='str'><v>]]></v></c></row>", "not well-formed"),
    ("<row r='1'><c r='A1' r='A1'><v>1</v></c></row>", "duplicate attribute"),
    ("<row r='1'><c r='A1'><v>1</c></row>", "mismatched tag"),
    ("<row r='1' x:y='1'><c r='A1'><v>1</v></c></row>", "unbound prefix"),
]  # fmt: skip


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])
@pytest.mark.parametrize(("rows", "message"), BROKEN)
def test_what_cannot_be_read_for_sure_is_refused_by_name(tmp_path, rows, message, exact):
    """A sheet with a contradiction is damaged; the message names sheet and cell."""
    path = write_rows(tmp_path / "w", rows)

    with pytest.raises(BadItem, match=f"sheet 'One'.*{message}") as caught:
        read(path, exact)
    assert caught.value.kind == "damaged"
