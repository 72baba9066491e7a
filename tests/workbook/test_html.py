"""Web pages that are called .xls: what the browser shows is what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

from tests.workbook.reading import SAMPLES, cells, rows
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.html import _Page
from ttcli.workbook.open import open_workbook


def write(tmp_path: Path, page: Any) -> Path:
    path = tmp_path / "payload"
    path.write_bytes(page if isinstance(page, bytes) else page.encode())
    return path


def table(inner: str) -> str:
    return f"<html><body><table>{inner}</table></body></html>"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<tr><th>hawb<th>n<tr><td>0012<td>5", [["hawb", "n"], ["0012", "5"]]),
        ("<tr><td colspan=2>title</td><td>x</td></tr>", [["title", None, "x"]]),
        (
            "<tr><td rowspan=2>a</td><td>b</td></tr><tr><td>c</td></tr><tr><td>d</td></tr>",
            [["a", "b"], [None, "c"], ["d", None]],
        ),
        ("<tr><td> two \n  blanks </td></tr>", [["two blanks"]]),
        ("<tr><td>a<br>b<p>c</p></td></tr>", [["a\nb\nc"]]),
        ("<tr><td>x&amp;y &lt; &#228; &nbsp;</td></tr>", [["x&y < ä"]]),
        ("<tr><td><b>bo</b>ld<script>no()</script><style>no</style></td></tr>", [["bold"]]),
        ("<tr><td><comment>a note</comment>a</td></tr>", [["a"]]),
        (
            "<tr><td><comment>no end</td><td>a</td></tr><tr><td>b</td></tr>",
            [["no end", "a"], ["b", None]],
        ),
        ("<thead><tr><td>h</td></tr></thead><tbody><tr><td>1</td></tr></tbody>", [["h"], ["1"]]),
        ("<td>no row</td>", [["no row"]]),
        ("<tr><td></td><td>b</td></tr>", [[None, "b"]]),
    ],
)
def test_tables(tmp_path: Path, inner: str, expected: List[List[Any]]) -> None:
    """Cells stand where a browser shows them; spanned places are blank."""
    assert rows(write(tmp_path, table(inner))) == expected


def test_every_table_is_a_sheet(tmp_path: Path) -> None:
    """Tables are sheets in their order, empty ones left out, inner ones on their own."""
    page = (
        table("<tr><td>1<table><tr><td>inner</td></tr></table></td></tr>")
        + table("")
        + table("<td>3")
    )
    assert [
        place[0] + "=" + value for place, (_, value) in cells(write(tmp_path, page)).items()
    ] == [
        "table 1=1",
        "table 2=inner",
        "table 3=3",
    ]


def test_libreoffice_page() -> None:
    """A sheet that LibreOffice saved as a web page has its zeros, and no comments in its cells."""
    found = rows(SAMPLES / "libreoffice-shipments.html")
    assert found[0][:3] == ["HAWB", "MAWB", "Pieces"]
    assert found[1][:3] == ["00012345678", "020-81140743", "3"]


def test_a_note_without_an_end_hides_no_rows() -> None:
    """What the fuzz campaign found: `<comment>` that is never closed ends with its cell."""
    found = rows(SAMPLES / "fuzz-note-without-end.html")
    assert len(found) == len(rows(SAMPLES / "libreoffice-shipments.html"))
    assert found[1][:3] == ["a comment, no value=/comment> 00012345678", "020-81140743", "3"]


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "utf-8", "gb2312"])
def test_declared_characters(tmp_path: Path, declared: str) -> None:
    """A page is read in the encoding it declares, if its bytes are of it."""
    word = "货运" if declared == "gb2312" else "Köln"
    page = f'<html><meta charset="{declared}"><table><tr><td>{word}</td></tr></table>'
    assert rows(write(tmp_path, page.encode(declared))) == [[word]]


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (b'<html><meta charset="utf-8"><table><tr><td>K\xf6ln</td></tr></table>', "encoding"),
        (b'<html><meta charset="klingon"><table><tr><td>x</td></tr></table>', "encoding"),
        (b'<html><meta charset="rot13"><table><tr><td>x</td></tr></table>', "encoding"),
        (b"<html><p>no table</p>", "unsupported"),
        (b"<html><table></table>", "unsupported"),
        (b"<html><table><tr><td>1</td></tr><tr><td>2", "truncated"),
        (b"<html><table><tr><td>1</td></tr></table><table><tr><td>2</td></tr>", "truncated"),
        (b"<html><template><table><tr><td>1</td></tr></table>", "truncated"),
    ],
)
def test_refused_pages(tmp_path: Path, page: bytes, kind: str) -> None:
    """A page whose characters are not what it says, or that holds no table, is refused."""
    with pytest.raises(BadItem) as caught:
        rows(write(tmp_path, page))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(rows=2), "row 3, of at most 2"),
        (Limits(columns=1), "column B"),
        (Limits(cells=3), "more than 3 cells"),
        (Limits(memory_mb=0), "more than 0 MB"),
    ],
)
def test_limits(tmp_path: Path, limits: Limits, words: str) -> None:
    """Each limit has its own sentence."""
    with pytest.raises(BadItem, match=words) as caught:
        cells(write(tmp_path, table("<tr><td>1<td>2" * 3)), limits)
    assert caught.value.kind == "limit"


def test_a_tag_without_an_end_is_bounded(tmp_path: Path) -> None:
    """The parser would search what it holds back over and over for hours."""
    page = table("<tr><td>1") + "<!--" * 50_000
    with pytest.raises(BadItem, match="a tag or comment of the web page goes on") as caught:
        cells(write(tmp_path, page))
    assert caught.value.kind == "limit"


def test_a_tag_is_begun_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is: 11 MB of attributes took the parser seven minutes, 64 KB at a time."""
    begun = []
    real = _Page.parse_starttag

    def parse_starttag(page: _Page, at: int) -> int:
        begun.append(page.rawdata[at : at + 4])
        return real(page, at)

    monkeypatch.setattr(_Page, "parse_starttag", parse_starttag)
    page = table("<tr><td " + "wide " * 40_000 + ">1</td></tr>")
    assert rows(write(tmp_path, page)) == [["1"]]
    assert begun.count("<td ") == begun.count("<tr>")


def test_a_tag_that_only_seems_to_end_is_bounded(tmp_path: Path) -> None:
    """With > in its quotes it has to be begun again and again."""
    page = table("<tr><td " + "title='>' " * 40_000 + ">1</td></tr>")
    with pytest.raises(BadItem, match="goes on for over 262,144 characters"):
        cells(write(tmp_path, page))
    short = table("<tr><td " + "title='>' " * 20_000 + ">1</td></tr>")
    assert rows(write(tmp_path, short)) == [["1"]]


@pytest.mark.parametrize("hidden", ["<script>{}</script>", "<style>{}</style>", "<!-- {} -->"])
def test_what_is_not_shown_may_be_long(tmp_path: Path, hidden: str) -> None:
    """A page may bring a library of scripts with it."""
    code = "if (a < b && c > d) {};" * 20_000
    page = "<html>" + hidden.format(code) + table("<tr><td>1</td></tr>")
    assert rows(write(tmp_path, page)) == [["1"]]


def test_spans_make_no_cells(tmp_path: Path) -> None:
    """A span of millions is bounded as browsers bound it, and over a limit is refused."""
    page = table('<tr><td colspan="99999999" rowspan="99999999">x</td></tr>')
    with pytest.raises(BadItem, match="reaches column"):
        open_workbook(write(tmp_path, page), Limits(columns=100))
