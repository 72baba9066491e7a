"""One trap among many plain rows: the fast reader must see it where it would run fastest."""

from __future__ import annotations

from typing import Callable

import pytest

from tests.workbook_ooxml.halved import Halved
from tests.workbook_ooxml.packages import parts_of, read, sheet, strings, words, write
from tests.workbook_ooxml.test_differential import fast_blocks, outcome
from ttcli.cells import Column
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml import package
from ttcli.workbook.ooxml.exact import exact_blocks
from ttcli.workbook.ooxml.workbook import open_ooxml

PLAIN = (
    '<row r="{n}" spans="1:9">'
    '<c r="A{n}" t="s"><v>1</v></c>'
    '<c r="B{n}" s="1"><v>44575.5</v></c>'
    '<c r="C{n}" t="inlineStr"><is><t>text {n}</t></is></c>'
    '<c r="D{n}" t="str"><f>A1&amp;"x"</f><v>calculated</v></c>'
    '<c r="E{n}" s="4"><f>B{n}</f><v>0.5</v></c>'
    '<c r="F{n}" t="e"><v>#N/A</v></c>'
    '<c r="G{n}" t="b"><v>1</v></c>'
    '<c r="H{n}" s="1"/>'
    '<c r="I{n}"><f>A1</f></c></row>'
)
ROWS, TRAP = 60, 40


def rows(change: Callable[[str], str] = str, everywhere: bool = False) -> str:
    """Plain rows, of which one, or all, are changed."""
    plain = [PLAIN.format(n=n) for n in range(1, ROWS + 1)]
    return "".join(
        change(row) if everywhere or n == TRAP else row for n, row in enumerate(plain, 1)
    )


def replaced(old: str, new: str) -> Callable[[str], str]:
    """A change that must change something."""

    def change(row: str) -> str:
        assert old in row
        return row.replace(old, new)

    return change


def test_the_plain_rows_go_the_fast_way(tmp_path):
    """Otherwise nothing below would be a trap."""
    workbook = open_ooxml(write(tmp_path / "w", parts_of(sheet(rows()))), Limits())
    blocks = list(workbook.sheets[0].blocks())
    workbook.package.close()

    assert all(isinstance(column, Column) for block in blocks for column in block.columns.values())
    assert [row for block in blocks for row in block.rows] == list(range(1, ROWS + 1))


TEXTS = [
    "]]>",
    "\ud800",
    "\uffff",
    "\ufffe",
    "\x01",
    "\x1f",
    "&nbsp;",
    "&#0;",
    "&#xD800;",
    "&#xFFFF;",
    "&#x1F600;",
    "&",
    "a\r\nb\rc",
    " ",
    "\u3000",
    "\u00a0\u2003",
    "",
    "<![CDATA[</row>]]>",
    "<!-- </row> -->",
    "<?p </row>?>",
    "</t></is></c></row>",
    "_x0000_",
    "_x000D_",
    "\\N",
    "a\tb",
    "&#9;&#13;",
    "</t><t>",
    "<b/>",
]
TAGS = [
    (' spans="1:9"', ' spans="1:9" spans="1:9"'),
    (' spans="1:9"', ' q:z="1"'),
    (' spans="1:9"', ' x14ac:z="1"'),
    (' spans="1:9"', ' spans="<"'),
    (' spans="1:9"', ' spans="&q;"'),
    (' spans="1:9"', ' spans=">"'),
    (' spans="1:9"', ' xmlns="urn:other"'),
    (' spans="1:9"', ' xml:space="preserve"'),
    (' spans="1:9"', " spans='1:9'"),
    (f'<row r="{TRAP}"', '<row r="39"'),
    (f'<row r="{TRAP}"', '<row r="41"'),
    (f'<row r="{TRAP}"', '<row r="1"'),
    (f'<row r="{TRAP}"', '<row r="040"'),
    (f'<row r="{TRAP}"', "<row"),
    (f'r="C{TRAP}"', 'r="C41"'),
    (f'r="C{TRAP}"', 'r="D40"'),
    (f'r="C{TRAP}"', ""),
    (f'r="C{TRAP}"', f'r="c{TRAP}"'),
    ("<v>1</v>", "<v>2</v>"),
    ("<v>1</v>", "<v>999999999999</v>"),
    ("<v>1</v>", "<v>-1</v>"),
    ("<v>1</v>", "<v>\u0661</v>"),
    ("<v>44575.5</v>", "<v>1e</v>"),
    ("<v>44575.5</v>", "<v>1.2.3</v>"),
    ("<v>44575.5</v>", "<v>--1</v>"),
    ("<v>44575.5</v>", "<v>+1</v>"),
    ("<v>44575.5</v>", "<v></v>"),
    ("<v>44575.5</v>", ""),
    ("<v>44575.5</v>", "<v>1</v><v>1</v>"),
    ("<v>0.5</v>", ""),
    ("<v>calculated</v>", "<v></v>"),
    ("<v>calculated</v>", ""),
    ("#N/A", "#n\u00a0a"),
    ("#N/A", "#N/A&#9;"),
    ("<f>A1</f>", "<f></f>"),
    ("<f>A1</f>", "<f>_x0000_</f>"),
    ("<f>A1</f>", "<f> </f>"),
    ("<f>A1</f>", "<f>\\</f>"),
    ("<f>A1</f>", '<f t="shared" t="shared">A1</f>'),
    ("</row>", "</row><!-- </row>-->"),
    ("</row>", "</row><row r='40'/>"),
    ("</row>", "</row></sheetData><sheetData>"),
    ("</row>", "</row>text"),
    ("</row>", "</row>" + PLAIN.format(n=TRAP)),
    ("</row>", "</row>" + PLAIN.format(n=3)),
    ("</row>", "</row >"),
    ("</row>", "<row r='40'></row></row>"),
]
TRAPS = [
    *(("text 40", text) for text in TEXTS),
    *(("<v>calculated</v>", f"<v>{text}</v>") for text in TEXTS),
    *(("<f>B40</f>", f"<f>{text}</f>") for text in TEXTS),
    *(("<f>A1</f>", f"<f>{text}</f>") for text in TEXTS),
    *TAGS,
]


def compare(frame, xml: bytes) -> None:
    """Asserts that both readers agree, however the sheet arrives."""
    expected = outcome(frame, exact_blocks, xml, 1 << 16)
    for size in (97, 1500, 1 << 20):
        assert outcome(frame, fast_blocks, xml, size) == expected
    for seen in (1, 5, 12):
        assert outcome(frame, Halved(seen), xml, 1500) == expected


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """A workbook whose sheet does not matter."""
    return write(tmp_path_factory.mktemp("frame") / "w", parts_of(""))


@pytest.mark.parametrize(("old", "new"), TRAPS)
def test_one_trap_among_plain_rows_is_seen(frame, old, new):
    """Whatever one row holds, fast equals exact."""
    compare(frame, sheet(rows(replaced(old, new))).encode("utf-8", "surrogatepass"))


EVERYWHERE = [
    (' t="s"', ' t="s" t="s"'),
    (' t="s"', ' t="s" q:z="1"'),
    (' t="s"', ' t="s" x14ac:z="1"'),
    (' t="s"', ' t="s" s="<"'),
    (' t="s"', ' t="s" s="&amp;"'),
    (' t="s"', ' t="s" cm="1"'),
    (' t="s"', ' t="S"'),
    (' t="b"', ' t="d"'),
    (' s="1"', ' s=" 1"'),
    (' s="1"', ' s="-1"'),
    (' s="1"', ' s="%"'),
    (' spans="1:9"', ' a="1" a="1"'),
    (' spans="1:9"', ' q:a="1"'),
    ('<c r="B', '<c r="A'),
    ("</row>", "</row>\n"),
    ("</c>", "</c>\n"),
    ("</row>", "</row>&#10;"),
    ("<is><t>", "<is><t>&lt;</t><t>"),
    ('s="1"/>', 's="1"><v/></c>'),
    ('s="1"/>', 's="1"><v></v></c>'),
    ('s="1"/>', 's="1"><f>A1</f><v/></c>'),
    ('s="1"/>', 's="1"><is><t>x</t></is></c>'),
    ("<v>calculated</v>", "<v></v>"),
    ("<f>A1</f>", "<f/>"),
]


@pytest.mark.parametrize(("old", "new"), EVERYWHERE)
def test_a_trap_in_every_row_is_seen(frame, old, new):
    """A spelling is not right because it is frequent."""
    compare(frame, sheet(rows(replaced(old, new), everywhere=True)).encode())


def test_a_sheet_in_ascii_holds_ascii(frame):
    """Bytes that the declared encoding does not have are refused, as valid as they are in UTF-8."""
    xml = sheet(rows(replaced("text 40", "Müller"))).replace("UTF-8", "US-ASCII").encode()

    assert outcome(frame, fast_blocks, xml, 1 << 20) == "damaged"


def test_rows_hidden_in_a_long_comment_are_not_read(frame):
    """A comment that ends in another block hides what stands between."""
    hidden = (
        rows().replace('<row r="30"', '<!-- <row r="30"').replace('<row r="50"', '--><row r="50"')
    )

    compare(frame, sheet(hidden).encode())


def test_strings_hidden_in_a_long_comment_are_not_read(tmp_path, monkeypatch):
    """The same for shared strings, which arrive in chunks."""
    monkeypatch.setattr(package, "CHUNK", 400)
    shared = [f"<t>{i}</t>" for i in range(200)]
    xml = (
        strings(shared)
        .replace("<si><t>20<", "<!-- <si><t>20<")
        .replace("<si><t>180<", "--><si><t>180<")
    )
    parts = {**parts_of(sheet('<row><c t="s"><v>20</v></c></row>')), "xl/sharedStrings.xml": xml}

    assert read(write(tmp_path / "w", parts), exact=False)[1, 1].text == "180"


def test_strings_that_end_too_early_are_damaged(tmp_path):
    """A part cut behind a string is no complete part."""
    xml = strings(["<t>a</t>"] * 20)
    parts = {**parts_of(sheet(rows())), "xl/sharedStrings.xml": xml.replace("</sst>", "")}

    with pytest.raises(BadItem, match="sharedStrings"):
        read(write(tmp_path / "w", parts), exact=False)


@pytest.mark.parametrize(
    "limits", [Limits(rows=59), Limits(columns=8), Limits(cells=479), Limits(columns=7)], ids=str
)
def test_limits_hold_among_plain_rows(tmp_path, limits):
    """The fast way counts as the exact one does."""
    path = write(tmp_path / "w", parts_of(sheet(rows())))

    for exact in (True, False):
        with pytest.raises(BadItem) as caught:
            read(path, exact, limits)
        assert caught.value.kind == "limit"
    assert len(read(path, False, Limits(rows=60, columns=9, cells=480))) == 480


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])
def test_the_cells_of_a_macro_sheet_are_seen(tmp_path, exact):
    """Excel 4's macro sheets hang on a relationship and a root element of their own."""
    xml = sheet("<row r='1'><c r='A1'><v>7</v></c></row>").replace("worksheet", "xm:macrosheet")
    parts = parts_of(
        xml.replace(
            "<xm:macrosheet ",
            "<xm:macrosheet xmlns:xm='http://schemas.microsoft.com/office/excel/2006/main' ",
        )
    )
    name = "xl/_rels/workbook.xml.rels"
    parts[name] = parts[name].replace("/worksheet", "/xlMacrosheet", 1)

    assert words(write(tmp_path / "w", parts), exact) == {(1, 1): "number:7"}
