"""OpenDocument spreadsheets: every cell as the sheet has it, in any layout of the XML."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any, List

import pytest
import python_calamine

from tests.workbook import hostile
from tests.workbook.reading import SAMPLES, CellsByPlace, cells
from tests.workbook.test_hostile import ods
from ttcli.cells import cells_of
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.open import open_workbook

SHIPMENTS = SAMPLES / "libreoffice-shipments.ods"


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "payload"
    path.write_bytes(data)
    return path


def first_row(found: CellsByPlace) -> List[Any]:
    return [found.get(("S", 1, column)) for column in range(1, max(c for _, _, c in found) + 1)]


CELL = '<table:table-cell office:value-type="{}" {}><text:p>{}</text:p></table:table-cell>'


RUBY = (
    "<text:ruby><text:ruby-base>小笠原</text:ruby-base><text:ruby-text><text:span>オガサワラ"
    "</text:span></text:ruby-text></text:ruby> b"
)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (CELL.format("float", 'office:value="1.5E3"', "1500"), ("number", 1500)),
        (CELL.format("currency", 'office:value="2.5"', "2.50 €"), ("number", 2.5)),
        (CELL.format("percentage", 'office:value="0.125"', "12.5%"), ("number", 0.125)),
        (CELL.format("boolean", 'office:boolean-value="true"', "TRUE"), ("bool", True)),
        (CELL.format("date", 'office:date-value="2026-01-02"', "2 Jan"), ("date", "2026-01-02")),
        (CELL.format("date", 'office:date-value="1900-02-28"', "x"), ("date", "1900-02-28")),
        (CELL.format("date", 'office:date-value="1899-12-31"', "x"), ("date", "1899-12-31")),
        (
            CELL.format("date", 'office:date-value="1899-12-30T12:00:00"', "x"),
            ("time", 43200),
        ),
        (CELL.format("date", 'office:date-value="1899-12-30"', "x"), ("time", 0)),
        (CELL.format("date", 'office:date-value="1899-12-29"', "x"), ("text", "1899-12-29")),
        (CELL.format("date", 'office:date-value="10003-01-01"', "x"), ("text", "10003-01-01")),
        (CELL.format("time", 'office:time-value="PT06H30M00S"', "6:30"), ("time", 23400)),
        (CELL.format("time", 'office:time-value="PT42H00M00S"', "42:00"), ("duration", 151200)),
        (CELL.format("string", "", "a<text:s text:c='3'/>b"), ("text", "a   b")),
        (CELL.format("string", "", "a</text:p><text:p>b"), ("text", "a\nb")),
        (CELL.format("string", "", "a<text:line-break/>b<text:tab/>c"), ("text", "a\nb\tc")),
        (CELL.format("string", "", "\n a \n <text:span>b</text:span>\n\tc"), ("text", "a b c")),
        (CELL.format("string", "", "<text:span> a  </text:span>b"), ("text", " a  b")),
        (CELL.format("string", "", "a <text:s/>b"), ("text", "a  b")),
        (
            CELL.format(
                "string",
                "",
                "a</text:p><office:annotation><text:p>note</text:p></office:annotation><text:p>b",
            ),
            ("text", "a\nb"),
        ),
        (CELL.format("string", 'table:formula="of:=NA()"', "#N/A"), ("error", "#N/A")),
        (CELL.format("string", 'table:formula="of:=X()"', "Err:508"), ("error", "Err:508")),
        (CELL.format("string", "", "#N/A"), ("text", "#N/A")),
        (CELL.format("float", 'office:value="0"', "Err:502"), ("error", "Err:502")),
        (CELL.format("float", 'office:value="0"', "###"), ("number", 0)),
        (CELL.format("string", "", RUBY), ("text", "小笠原 b")),
        (CELL.format("unknown", "", "abcd"), ("text", "abcd")),
        ('<table:table-cell table:formula="of:=1+1"/>', ("formula", None)),
    ],
)
def test_ods_cells(tmp_path: Path, cell: str, expected: Any) -> None:
    """Each value type of OpenDocument is the kind that the sheet shows."""
    path = write(tmp_path, ods(f"<table:table-row>{cell}</table:table-row>"))
    assert first_row(cells(path)) == [expected]


def test_ods_formula_that_gives_no_text_is_blank(tmp_path: Path) -> None:
    """LibreOffice writes an empty paragraph and no type for ="": a blank, and calculated."""
    formula = '<table:table-cell table:formula="of:=&quot;&quot;">{}</table:table-cell>'
    both = formula.format("<text:p/>") + formula.format("<text:p><text:s text:c='2'/></text:p>")
    cell = CELL.format("string", "", "x")
    path = write(tmp_path, ods(f"<table:table-row>{both}{cell}</table:table-row>"))
    assert first_row(cells(path)) == [None, None, ("text", "x")]


def test_ods_repeats_and_covered_cells(tmp_path: Path) -> None:
    """Repeated cells and rows stand at each of their places, covered ones at none."""
    seven = CELL.format("float", 'office:value="7" table:number-columns-repeated="2"', "7")
    covered = "<table:covered-table-cell/>"
    row = f'<table:table-row table:number-rows-repeated="2">{covered}{seven}</table:table-row>'
    empty = '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
    last = f"<table:table-row>{CELL.format('string', '', 'end')}</table:table-row>"
    found = cells(write(tmp_path, ods(row + empty + last)))
    assert sorted(found) == [("S", 1, 2), ("S", 1, 3), ("S", 2, 2), ("S", 2, 3), ("S", 6, 1)]


_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for name, long in (("number", "datastyle"), ("style", "style"))
)
CLOCK = f"""<office:automatic-styles {_SPACES}>
<number:time-style style:name="n"><number:hours/></number:time-style>
<number:time-style style:name="e" number:truncate-on-overflow="false"/>
<style:style style:family="table-cell" style:name="clock" style:data-style-name="n"/>
<style:style style:family="table-cell" style:name="span" style:data-style-name="e"/>
</office:automatic-styles><office:body>"""


@pytest.mark.parametrize(
    ("style", "time", "expected"),
    [
        ("clock", "PT1045737H51M15.999998208S", ("date", "2019-04-17T09:51:16")),
        ("clock", "PT06H30M00S", ("time", 23400)),
        ("clock", "-PT25H00M00S", ("duration", -90000)),
        ("span", "PT06H30M00S", ("duration", 23400)),
        ("span", "PT42H00M00S", ("duration", 151200)),
        ("", "PT42H00M00S", ("duration", 151200)),
    ],
)
def test_a_day_shown_as_a_time_is_that_day(
    tmp_path: Path, style: str, time: str, expected: Any
) -> None:
    """LibreOffice writes a moment formatted `hh:mm` as hours since 1899; in .xlsx it is a date."""
    attributes = f'table:style-name="{style}" office:time-value="{time}"'
    body = f"<table:table-row>{CELL.format('time', attributes, 'x')}</table:table-row>"
    content = parts(write(tmp_path, ods(body)))["content.xml"]
    content = content.replace(b"<office:body>", CLOCK.encode())
    whole = {**parts(SHIPMENTS), "content.xml": content}
    assert first_row(cells(write(tmp_path, hostile.zipped(whole)))) == [expected]


def test_a_workbook_may_say_what_it_is_in_its_manifest_alone(tmp_path: Path) -> None:
    """The part `mimetype` may be missing; LibreOffice opens such a workbook."""
    whole = parts(SHIPMENTS)
    del whole["mimetype"]
    assert cells(write(tmp_path, hostile.zipped(whole))) == cells(SHIPMENTS)


def test_covered_cells_show_what_they_hold(tmp_path: Path) -> None:
    """A value below a merged cell is there, as in an .xlsx: other readers give it too."""
    merged = CELL.format("string", 'table:number-columns-spanned="2"', "a")
    covered = CELL.format("float", 'office:value="5.5"', "5.5").replace("-cell", "-cell", 1)
    covered = covered.replace("table:table-cell", "table:covered-table-cell")
    path = write(tmp_path, ods(f"<table:table-row>{merged}{covered}</table:table-row>"))
    assert first_row(cells(path)) == [("text", "a"), ("number", 5.5)]


def parts(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_indented_xml_is_the_same_workbook(tmp_path: Path) -> None:
    """Blanks between the elements mean nothing; python-calamine refuses them."""
    content = parts(SHIPMENTS)["content.xml"]
    indented = re.sub(rb"(?=</?(?:table:|office:(?!annotation)))", b"\n   ", content)
    assert indented.count(b"\n") > 100
    path = write(tmp_path, hostile.zipped({**parts(SHIPMENTS), "content.xml": indented}))
    assert cells(path) == cells(SHIPMENTS)


def test_texts_and_numbers_are_those_of_another_reader() -> None:
    """python-calamine sees the same texts and numbers at the same places."""
    book = python_calamine.CalamineWorkbook.from_path(str(SHIPMENTS))
    theirs = {
        (name, row, column): value
        for name in book.sheet_names
        for row, values in enumerate(book.get_sheet_by_name(name).to_python(False), 1)
        for column, value in enumerate(values, 1)
        if isinstance(value, (str, float)) and value not in ("", "PT42H00M00S")
    }
    found = {place: value for place, (_, value) in cells(SHIPMENTS).items()}
    assert len(theirs) > 20
    assert {place: found[place] for place in theirs} == theirs


def test_sheets_are_the_tables_of_the_spreadsheet(tmp_path: Path) -> None:
    """A table in a cell is no sheet, nor is what a link once gave; a hidden sheet says so."""
    row = "<table:table-row>{}</table:table-row>"
    inner = f"<table:table>{row.format(CELL.format('string', '', 'inner'))}</table:table>"
    body = row.format(f"<table:table-cell><text:p>1</text:p>{inner}</table:table-cell>")
    second = (
        f'</table:table><table:table table:name="T">{row.format(CELL.format("string", "", "2"))}'
    )
    link = (
        "</table:table><table:dde-links><table:dde-link>"
        f'<table:table table:name="L">{row.format(CELL.format("string", "", "old"))}</table:table>'
        "</table:dde-link></table:dde-links><table:table>"
    )
    found = cells(write(tmp_path, ods(body + second + link)))
    assert found == {("S", 1, 1): ("text", "1"), ("T", 1, 1): ("text", "2")}
    states = {sheet.name: sheet.state for sheet in open_workbook(SHIPMENTS, Limits()).sheets}
    assert states["Shipments"] == "visible"
    assert states["Archive"] == "hidden"


def test_sheets_are_read_in_any_order_and_again() -> None:
    """Whoever stops in the middle, goes back or reads two sheets at once gets every cell."""

    def shown(sheet: Any) -> Any:
        return [cell for block in sheet.blocks() for cell in cells_of(block)]

    first, second, third, *_ = open_workbook(SHIPMENTS, Limits()).sheets
    expected = [shown(sheet) for sheet in open_workbook(SHIPMENTS, Limits()).sheets[:3]]
    assert all(expected)
    assert [shown(third), shown(first), shown(second), shown(second)] == [
        expected[2],
        *expected[:2],
        expected[1],
    ]
    interrupted = first.blocks()
    block = next(interrupted)
    assert shown(second) == expected[1]
    assert [*cells_of(block), *(c for more in interrupted for c in cells_of(more))] == expected[0]


def test_a_workbook_without_a_sheet_is_refused(tmp_path: Path) -> None:
    """No sheet and no reason would be a silent loss."""
    empty = re.sub(
        b"<table:table .*</table:table>", b"", parts(write(tmp_path, ods("")))["content.xml"]
    )
    whole = {**parts(SHIPMENTS), "content.xml": empty}
    with pytest.raises(BadItem, match="no sheet") as caught:
        open_workbook(write(tmp_path, hostile.zipped(whole)), Limits())
    assert caught.value.kind == "no-sheet"
