"""A sheet that two processes read: what only the first one can know decides whether halves join."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from unittest import mock

import pytest

from tests.workbook_ooxml.halved import Halved
from tests.workbook_ooxml.packages import parts_of, sheet, write
from tests.workbook_ooxml.test_differential import outcome
from ttcli.cells import cells_of
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml import halves
from ttcli.workbook.ooxml.exact import exact_blocks
from ttcli.workbook.ooxml.workbook import open_ooxml

ROWS = 120
SIZES = range(150, 1500, 90)
"""Of the pieces in which a sheet arrives: so the cut falls behind nearly every row."""


def row(number: int, tag: str = "") -> str:
    tag = tag or f'<row r="{number}">'
    return f'{tag}<c r="A{number}"><v>{number}</v></c></row>'


def rows(first: int = 1, last: int = ROWS) -> str:
    return "".join(map(row, range(first, last + 1)))


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """A workbook whose sheet does not matter."""
    return write(tmp_path_factory.mktemp("frame") / "w", parts_of(""))


def compare(frame: Path, xml: str, halved: Halved) -> None:
    """Asserts that halves are what the exact reader gives, wherever the cut is."""
    expected = outcome(frame, exact_blocks, xml.encode(), 1 << 16)
    found = [outcome(frame, halved, xml.encode(), size) for size in SIZES]
    assert found == [expected] * len(found)
    assert halved.cut


def test_halves_of_plain_rows_join(frame):
    """At every cut."""
    halved = Halved()
    compare(frame, sheet(rows()), halved)
    assert halved.joined == halved.cut >= len(SIZES) - 1  # one block may have been seen too few


@pytest.mark.parametrize(("begin", "end"), [("<!--", "-->"), ("<?hidden", "?>")])
@pytest.mark.parametrize("first", [40, 60, 80])
def test_rows_hidden_around_the_cut_are_no_rows(frame, begin, end, first):
    """Only who has read from the beginning knows that a comment is open."""
    hidden = rows(1, first) + begin + rows(first + 1, first + 30) + end + rows(first + 31)
    compare(frame, sheet(hidden), Halved())


@pytest.mark.parametrize("first", [20, 40, 60, 80])
def test_rows_behind_the_sheets_rows_are_none(frame, first):
    """They stand in an extension, which holds no data."""
    beyond = f"</sheetData><extLst><ext>{rows(first + 1)}</ext></extLst></worksheet>"
    xml = sheet(rows(1, first))
    compare(frame, xml[: xml.index("</sheetData>")] + beyond, Halved())


@pytest.mark.parametrize("tag", ["", """<row x=' r="500" ' r="20">"""])
def test_rows_that_begin_anew_at_the_cut_are_damage(frame, tag):
    """The second half finds nothing wrong with them: it knows of few rows before."""
    halved = Halved()
    for last in range(30, ROWS):
        xml = sheet(rows(1, last) + row(20, tag) + rows(21)).encode()
        assert outcome(frame, halved, xml, 300) == "damaged"
    assert halved.cut


@pytest.mark.parametrize("numbered", [10, 40, 60])
def test_rows_without_numbers_are_counted_from_the_beginning(frame, numbered):
    """Empty ones too, which leave no block."""
    bare = "<row/>" * 40 + "<row><c><v>7</v></c></row>" * 40
    compare(frame, sheet(rows(1, numbered) + bare), Halved())
    compare(frame, sheet(rows(1, numbered) + bare + rows(numbered + 81)), Halved())


def test_a_number_in_another_attribute_is_none(frame):
    """What looks like the row's number may stand in the value of something else."""
    odd = "".join(row(n, f"""<row x=' r="{n + 500}" ' r="{n}">""") for n in range(50, 90))
    compare(frame, sheet(rows(1, 49) + odd + rows(90)), Halved())


@pytest.mark.parametrize("wrong", ["<row", "</sheetData>", "&nbsp;", '<row r="x"/>', "</row>"])
@pytest.mark.parametrize("place", [30, 100])
def test_damage_is_damage_in_either_half(frame, wrong, place):
    """The first process meets it too, and says what a single one would."""
    compare(frame, sheet(rows(1, place) + wrong + rows(place + 1)), Halved())


def read_halved(path: Path, limits: Limits, halved: Halved):
    """All cells of the only sheet of a real workbook, and how they were read."""
    workbook = open_ooxml(path, limits)
    with mock.patch.object(halves, "_WORTH", 0):
        try:
            blocks = halved.read(workbook.sheets[0].blocks())
            return [cell for block in blocks for cell in cells_of(block)]
        except BadItem as refusal:
            return refusal.message
        finally:
            workbook.close()


LARGE = sheet("".join(row(n) for n in range(1, 40_000)))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A workbook of several chunks."""
    return write(tmp_path_factory.mktemp("large") / "w", parts_of(LARGE))


def test_two_processes_read_one_file(large):
    """Each from its own place in it."""
    halved = Halved()
    cells = read_halved(large, Limits(), halved)
    assert halved.joined == 1
    assert [int(cell.text) for _, _, cell in cells] == list(range(1, 40_000))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(cells=39_000), "more than 39000 cells"),
        (Limits(rows=39_000), "beyond row 39000"),
        (Limits(inflated_mb=1), "more than 1 MB"),
    ],
)
def test_limits_hold_for_both_halves_together(large, limits, said):
    """Neither process alone would reach the first one."""
    assert said in read_halved(large, limits, Halved())


def test_what_both_inflate_counts_with_all_other_parts(tmp_path):
    """A limit on the whole workbook."""
    parts = parts_of(LARGE, shared=[f"<t>{'x' * 1000}</t>"] * 2000)
    path = write(tmp_path / "w", parts)

    assert "more than 3 MB" in read_halved(path, Limits(inflated_mb=3), Halved())
    assert read_halved(path, Limits(inflated_mb=4), Halved()) == read_whole(path)


@pytest.mark.parametrize("factor", [0.5, 2, 10])
def test_a_directory_that_lies_about_the_size_changes_nothing(large, tmp_path, factor):
    """The cut may come too early, too late or never."""
    lying = tmp_path / "w"
    data = bytearray(large.read_bytes())
    with zipfile.ZipFile(large) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    place = data.index(struct.pack("<L", size), data.index(b"PK\x01\x02"))
    data[place : place + 4] = struct.pack("<L", int(size * factor))
    lying.write_bytes(data)

    assert read_halved(lying, Limits(), Halved()) == read_whole(lying)


def read_whole(path: Path):
    """As `read_halved`, by one process."""
    workbook = open_ooxml(path, Limits())
    try:
        return [cell for block in workbook.sheets[0].blocks() for cell in cells_of(block)]
    except BadItem as refusal:
        return refusal.message
    finally:
        workbook.close()


def test_rows_that_look_different_from_the_cut_on_join(frame):
    """What a row's cells look like is learnt in either half: its number is enough to begin with."""

    def wide(number: int) -> str:
        return row(number).replace("</row>", f'<c r="B{number}" t="b"><v>1</v></c></row>')

    halved = Halved()
    compare(frame, sheet(rows(1, 30) + "".join(map(wide, range(31, ROWS)))), halved)
    assert halved.joined == halved.cut
