"""Packages: how parts are found, and what becomes of broken, hostile and enormous ones."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.workbook_ooxml.packages import (
    MAIN,
    OFFICE,
    STRICT,
    STRICT_OFFICE,
    parts_of,
    read,
    rels,
    sheet,
    words,
    write,
    write_rows,
)
from ttcli.config import Limits
from ttcli.errors import BadItem, SpoolFault
from ttcli.workbook.ooxml.workbook import open_ooxml

ROWS = "<row r='1'><c r='A1' t='s'><v>1</v></c><c r='B1' s='1'><v>44575</v></c></row>"
CELLS = {(1, 1): "text:one", (1, 2): "date:44575"}
both = pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])


def renamed(parts, names):
    """The parts with other zip names."""
    return {names.get(name, name): content for name, content in parts.items()}


@both
def test_strict_ooxml_is_read(tmp_path, exact):
    """ISO 29500 strict has other namespaces and the same cells."""
    parts = parts_of(sheet(ROWS))
    for name in parts:
        parts[name] = parts[name].replace(MAIN, STRICT).replace(OFFICE, STRICT_OFFICE)

    assert words(write(tmp_path / "w", parts), exact) == CELLS


@both
def test_any_prefix_is_read(tmp_path, exact):
    """Elements may carry a prefix, as some writers give every one."""
    xml = sheet(ROWS).replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    xml = xml.replace("<x:?", "<?").replace(" xmlns=", " xmlns:x=")

    assert words(write(tmp_path / "w", parts_of(xml)), exact) == CELLS


@both
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1"])
def test_any_encoding_is_read(tmp_path, encoding, exact):
    """A part may be in whatever encoding it declares."""
    rows = "<row r='1'><c r='A1' t='str'><v>Müller</v></c></row>"
    xml = sheet(rows).replace("UTF-8", encoding.replace("-sig", ""))
    parts = {**parts_of(""), "xl/worksheets/sheet1.xml": xml.encode(encoding)}

    assert words(write(tmp_path / "w", parts), exact) == {(1, 1): "text:Müller"}


def test_parts_are_found_by_relationship(tmp_path):
    """Neither paths nor case nor the kind of slash matter."""
    names = {
        "xl/workbook.xml": "odd\\Book.XML",
        "xl/_rels/workbook.xml.rels": "odd\\_rels\\Book.XML.rels",
        "xl/worksheets/sheet1.xml": "odd\\worksheets\\Sheet1.xml",
        "xl/styles.xml": "odd\\styles.xml",
        "xl/sharedStrings.xml": "odd\\SHAREDSTRINGS.xml",
    }
    parts = renamed(parts_of(sheet(ROWS)), names)
    parts["_rels/.rels"] = rels(a="officeDocument /odd/./book.xml")

    assert words(write(tmp_path / "w", parts)) == CELLS


def test_an_absolute_target_may_lack_its_slash(tmp_path):
    """Some writers name a part from the root, and forget to say so."""
    parts = parts_of(sheet(ROWS))
    parts["xl/_rels/workbook.xml.rels"] = rels(
        s1="worksheet xl/worksheets/sheet1.xml",
        s2="styles styles.xml",
        s3="sharedStrings /xl/sharedStrings.xml",
    )

    assert words(write(tmp_path / "w", parts)) == CELLS


def test_strings_that_nobody_needs_may_be_missing(tmp_path):
    """Some writers announce shared strings, write them inline, and leave the part out."""
    parts = parts_of(sheet("<row><c><v>1</v></c></row>"))
    del parts["xl/sharedStrings.xml"]

    assert words(write(tmp_path / "w", parts)) == {(1, 1): "number:1"}


def test_states_and_kinds_of_sheets(tmp_path):
    """Hidden sheets are offered as such; chart sheets and macro modules hold no rows."""
    parts = parts_of(sheet(ROWS))
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="C" r:id="c"/>'
        '<sheet name="A &amp;_x0041_" r:id="a"/><sheet name="H" state="hidden" r:id="b"/>'
        '<sheet name="V" state="veryHidden" r:id="b"/><sheet name="Module" r:id=""/></sheets>'
        "</workbook>"
    )
    parts["xl/_rels/workbook.xml.rels"] = rels(
        c="chartsheet c.xml", a="worksheet worksheets/sheet1.xml", b="worksheet b.xml"
    )
    workbook = open_ooxml(write(tmp_path / "w", parts), Limits())
    shown = [(one.name, one.state) for one in workbook.sheets]
    workbook.package.close()

    assert shown == [("A &A", "visible"), ("H", "hidden"), ("V", "very-hidden")]


def test_totals_rows_come_from_the_tables(tmp_path):
    """A table's last `totalsRowCount` rows are totals."""
    parts = parts_of(sheet(ROWS))
    parts["xl/worksheets/_rels/sheet1.xml.rels"] = rels(a="table ../tables/table1.xml")
    parts["xl/tables/table1.xml"] = f'<table xmlns="{MAIN}" ref="B2:D9" totalsRowCount="1"/>'
    workbook = open_ooxml(write(tmp_path / "w", parts), Limits())
    workbook.package.close()

    assert workbook.sheets[0].totals_rows == {9}


MISSING = [
    ("xl/worksheets/sheet1.xml", "no part xl/worksheets/sheet1.xml"),
    ("xl/sharedStrings.xml", "sheet 'One', cell A1: there is no shared string 1"),
    ("xl/styles.xml", "no part xl/styles.xml"),
    ("xl/_rels/workbook.xml.rels", "does not say where sheet 'One' is"),
]


@pytest.mark.parametrize(("part", "message"), MISSING)
def test_a_missing_part_is_damage(tmp_path, part, message):
    """A workbook that points nowhere is refused, not read as empty."""
    parts = parts_of(sheet(ROWS))
    del parts[part]

    with pytest.raises(BadItem, match=message) as caught:
        read(write(tmp_path / "w", parts))
    assert caught.value.kind == "damaged"


def test_a_workbook_without_worksheets_is_refused(tmp_path):
    """No sheet and no error would be wrong."""
    parts = parts_of(sheet(ROWS))
    parts["xl/workbook.xml"] = f'<workbook xmlns="{MAIN}"/>'

    with pytest.raises(BadItem, match="no worksheet"):
        read(write(tmp_path / "w", parts))


def test_a_file_that_is_not_there_is_not_the_items_fault(tmp_path):
    """The file system's faults are the world's."""
    with pytest.raises(SpoolFault):
        open_ooxml(tmp_path / "none", Limits())


@both
def test_every_flipped_bit_of_a_sheet_is_noticed(tmp_path, exact):
    """The CRC of a part is checked, whatever the reader makes of its bytes."""
    whole = write(tmp_path / "w", parts_of(sheet(ROWS)), zipfile.ZIP_STORED).read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        info = archive.getinfo("xl/worksheets/sheet1.xml")
    start = info.header_offset + 30 + len(info.filename)
    for place in range(start, start + info.compress_size):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        (tmp_path / "w").write_bytes(flipped)

        with pytest.raises(BadItem) as caught:
            read(tmp_path / "w", exact)
        assert caught.value.kind == "damaged"


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    """No beginning of a workbook passes for a workbook."""
    whole = write_rows(tmp_path / "w", ROWS).read_bytes()
    for length in range(0, len(whole), 64):
        (tmp_path / "w").write_bytes(whole[:length])

        with pytest.raises(BadItem) as caught:
            read(tmp_path / "w")
        assert caught.value.kind == "truncated"


ENTITY = '<!DOCTYPE a [<!ENTITY b "bb">]>'


@both
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused(tmp_path, part, encoding, exact):
    """Entities need a DTD, and no part may hold one."""
    parts = parts_of(sheet(ROWS))
    xml = parts[part].replace("UTF-8", encoding).replace("?>", "?>" + ENTITY)
    parts[part] = xml.encode(encoding)

    with pytest.raises(BadItem, match="document type") as caught:
        read(write(tmp_path / "w", parts), exact)
    assert caught.value.kind == "hostile"


def test_two_different_parts_of_one_name_are_refused(tmp_path):
    """Nobody can say which of two different parts is meant."""
    parts = parts_of(sheet(ROWS))
    parts["XL/worksheets/sheet1.xml"] = sheet("")

    with pytest.raises(BadItem, match="two different parts"):
        read(write(tmp_path / "w", parts))


HOSTILE = [
    ("<a>" * 100_000, "nested more than 256 deep"),
    ("".join(f"<a{i}/>" for i in range(10_000)), "names of elements"),
    (f"<row r='1' a='{'x' * (18 << 20)}'/>", "a tag of more than 16 MB"),
]


@both
@pytest.mark.parametrize(("xml", "message"), HOSTILE, ids=["deep", "names", "tag"])
def test_xml_that_costs_memory_and_holds_nothing_is_refused(tmp_path, xml, message, exact):
    """What a parser would keep in memory is bounded."""
    path = write(tmp_path / "w", parts_of(sheet(xml)), zipfile.ZIP_STORED)

    with pytest.raises(BadItem, match=message):
        read(path, exact)


def limit_message(tmp_path, xml, exact, **limits):
    """What is said of rows that go over limits."""
    path = write_rows(tmp_path / "w", xml)
    with pytest.raises(BadItem) as caught:
        read(path, exact, Limits(**limits))
    assert caught.value.kind == "limit"
    return caught.value.message


FAR = "<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'%s</row>"
TEN = "".join(f"<row r='{i}'><c r='A{i}'><v>1</v></c></row>" for i in range(1, 11))


@both
def test_a_far_cell_is_refused_only_if_it_holds_something(tmp_path, exact):
    """A cell that has only a style costs nothing; one with a value beyond the limit is named."""
    message = limit_message(tmp_path, FAR % "><v>1</v></c>", exact)

    assert "cell XFD1048576" in message
    assert "column 1024" in message
    assert len(read(write_rows(tmp_path / "w", FAR % " s='1'/>"), exact)) == 1


@both
def test_rows_and_cells_are_limited(tmp_path, exact):
    """Each limit has its own sentence."""
    assert "row 9" in limit_message(tmp_path, TEN, exact, rows=9)
    assert "more than 9 cells" in limit_message(tmp_path, TEN, exact, cells=9)
    assert len(read(write_rows(tmp_path / "w", TEN), exact, Limits(rows=10, cells=10))) == 10


@both
def test_a_zip_bomb_is_refused_long_before_it_is_unpacked(tmp_path, exact):
    """What unpacks to hundreds of times its size holds no rows."""
    blanks = " " * (40 << 20)

    assert "zip bomb" in limit_message(tmp_path, blanks, exact)


@both
def test_the_unpacked_size_is_limited(tmp_path, exact):
    """All parts together may not unpack to more than the limit."""
    rows = "".join(f"<row r='{i}'/>" for i in range(1, 100_000))

    assert "more than 1 MB" in limit_message(tmp_path, rows, exact, inflated_mb=1)


@both
def test_a_text_without_end_is_refused(tmp_path, exact):
    """A cell of megabytes is no cell."""
    text = "".join(str(i) for i in range(200_000))
    rows = f"<row r='1'><c r='A1' t='str'><v>{text}</v></c></row>"

    assert "million characters" in limit_message(tmp_path, rows, exact)


def test_shared_strings_may_take_half_of_the_memory(tmp_path):
    """The only part that grows is bounded, and says so."""
    shared = [f"<t>{i:0100}</t>" for i in range(12_000)]
    path = write(tmp_path / "w", parts_of(sheet(ROWS), shared=shared))

    with pytest.raises(BadItem, match=r"shared strings .* 1 MB") as caught:
        read(path, True, Limits(memory_mb=2))
    assert caught.value.kind == "limit"
