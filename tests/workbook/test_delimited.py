"""Tables as text: characters and separator are known for certain, or the file is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workbook.reading import cells, rows
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.encoding import encoding_of
from ttcli.workbook.open import open_workbook


def write(tmp_path: Path, data: Any) -> Path:
    path = tmp_path / "payload"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hawb,mawb\r\n0012,176\r\n", [["hawb", "mawb"], ["0012", "176"]]),
        ("hawb;weight\n1;12,5\n2;13,5\n", [["hawb", "weight"], ["1", "12,5"], ["2", "13,5"]]),
        ("hawb\tnote\n1\ta, b; c\n", [["hawb", "note"], ["1", "a, b; c"]]),
        ("hawb|note\n1|x\n", [["hawb", "note"], ["1", "x"]]),
        ("hawb\n0012\n0013\n", [["hawb"], ["0012"], ["0013"]]),
        ('a,b\n"x, ""y""",2\n', [["a", "b"], ['x, "y"', "2"]]),
        ('a,b\n"two\r\nlines",2\n', [["a", "b"], ["two\nlines", "2"]]),
        ('hawb,n\n="0012",2\n"=""0013""",3\n', [["hawb", "n"], ["0012", "2"], ["0013", "3"]]),
        ("sep=;\r\na;b,c\r\n1;2\r\n", [["a", "b,c"], ["1", "2"]]),
        ("Report,\n\nhawb,n\n1,2\n", [["Report", None], [None, None], ["hawb", "n"], ["1", "2"]]),
        (
            "Weekly report\nhawb;n\n1;2\n3;4\n",
            [["Weekly report", None], ["hawb", "n"], ["1", "2"], ["3", "4"]],
        ),
        ("a,b,c\n1,2\n1,2,3,,\n", [["a", "b", "c"], ["1", "2", None], ["1", "2", "3"]]),
        ("a,b\n  x ,\t\n", [["a", "b"], ["  x ", "\t"]]),
        ("a,b\nx\x0by,2\n", [["a", "b"], ["xy", "2"]]),
    ],
)
def test_text_tables(tmp_path: Path, text: str, expected: List[List[Any]]) -> None:
    """Separator, quotes, line ends and Excel's own habits are understood; all cells are text."""
    assert rows(write(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("data", "encoding", "city"),
    [
        ("city,n\nKöln,1\n".encode(), "utf-8", "Köln"),
        ("\ufeffcity,n\nKöln,1\n".encode(), "utf-8-sig", "Köln"),
        ("\ufeffcity,n\nKöln,1\n".encode("utf-16-le"), "utf-16", "Köln"),
        ("\ufeffcity,n\nKöln,1\n".encode("utf-16-be"), "utf-16", "Köln"),
        ("\ufeffcity,n\nKöln,1\n".encode("utf-32-le"), "utf-32", "Köln"),
        ("city,n\nKöln,1\n".encode("utf-16-le"), "utf-16-le", "Köln"),
        ("city,n\nKöln,1\n".encode("utf-16-be"), "utf-16-be", "Köln"),
        ("city,n\nKöln,1\n".encode("cp1252"), "cp1252", "Köln"),
        ("city,n\nSão João – 5 € “café”,1\n".encode("cp1252"), "cp1252", "São João – 5 € “café”"),
        ("city,n\nConceição,1\n".encode("cp1252"), "cp1252", "Conceição"),
        ("city,n\n分单号,1\n".encode(), "utf-8", "分单号"),
    ],
)
def test_characters(tmp_path: Path, data: bytes, encoding: str, city: str) -> None:
    """Marks, UTF-8 and clear Windows-1252 are told apart; the text is what was meant."""
    path = write(tmp_path, data)
    assert encoding_of(path) == encoding
    assert rows(path)[1] == [city, "1"]


@pytest.mark.parametrize(
    "data",
    [
        "hawb,shipper\n1,上海货运\n".encode("gbk"),
        "hawb,shipper\n1,上\n".encode("gbk"),
        "hawb,shipper\n1,東京\n".encode("shift_jis"),
        "hawb,shipper\n1,Москва\n".encode("cp1251"),
        "hawb,shipper\n1,Łódź\n".encode("cp1250"),
        "hawb,shipper\n1,İstanbul Ğ\n".encode("cp1254"),
        "hawb,shipper\n1,Αθήνα\n".encode("cp1253"),
        b"hawb,shipper\n1,\x81\n",
        b"\xef\xbb\xbfhawb,shipper\n1,\xff\n",
        "\ufeffhawb,x\n1,2".encode("utf-16-le") + b"\x00\xd8,\x00",
    ],
)
def test_unclear_characters_are_refused(tmp_path: Path, data: bytes) -> None:
    """Where the bytes could be of another code page, the file is refused and the line named."""
    with pytest.raises(BadItem, match="line 2") as caught:
        rows(write(tmp_path, data))
    assert caught.value.kind == "encoding"


def test_field_too_many_spoils_its_row_only(tmp_path: Path) -> None:
    """An unquoted separator in a text shifts the rest of its row: no cell of it is believed."""
    path = write(tmp_path, "hawb,shipper,pcs\n1,ACME,5\n2,ACME, Inc,7\n3,X,9\n")
    found = cells(path)
    assert {place[1] for place, (kind, _) in found.items() if kind == "error"} == {3}
    assert found[("comma", 3, 1)] == ("error", "#FIELDS! (4 instead of 3)")
    assert found[("comma", 4, 3)] == ("text", "9")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('a,b\n"x"y,2\n', "line 2 is no row of fields"),
        ('a,b\n"x,2\n3,4\n', "is no row of fields"),
        ("Doe, J;5\nRoe, R;6\n", "separated by semicolon or comma"),
    ],
)
def test_what_cannot_be_cut_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """A stray quote or two possible separators refuse the file rather than shift its columns."""
    with pytest.raises(BadItem, match=words):
        rows(write(tmp_path, text))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(rows=2), "goes on to row 3, of at most 2"),
        (Limits(columns=1), "reaches column B"),
        (Limits(cells=3), "more than 3 cells"),
        (Limits(inflated_mb=0), "larger than 0 MB"),
    ],
)
def test_limits(tmp_path: Path, limits: Limits, words: str) -> None:
    """Each limit has its own sentence."""
    with pytest.raises(BadItem, match=words) as caught:
        cells(write(tmp_path, "a,b\n1,2\n3,4\n"), limits)
    assert caught.value.kind == "limit"


def test_many_blocks_keep_every_row(tmp_path: Path) -> None:
    """A text longer than a block is read whole and in order."""
    path = write(tmp_path, "hawb,n\n" + "".join(f"{n:08},{n}\n" for n in range(5000)))
    blocks = list(open_workbook(path, Limits()).sheets[0].blocks())
    assert [row for block in blocks for row in block.rows] == list(range(1, 5002))
    assert len(blocks) > 1


# Characters that a cell may have, and fields that a table of several columns may have.
_FIELD = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=12).map(str.strip)
_TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(
        st.lists(_FIELD, min_size=width, max_size=width).filter(all), min_size=2, max_size=8
    )
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=_TABLES, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_what_csv_writers_write_is_read(
    tmp_path: Path, table: List[List[str]], encoding: str
) -> None:
    """Any table that a CSV writer quotes fully comes back cell by cell, or is refused."""
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(table)
    path = write(tmp_path, buffer.getvalue().encode(encoding))
    try:
        found = rows(path)
    except BadItem as error:
        assert error.kind == "ambiguous"
        return
    assert found == [[_as_read(field) for field in row] for row in table]


def _as_read(field: str) -> str:
    field = "".join(character for character in field if character >= " ")
    return (
        field[2:-1].replace('""', '"') if field[:2] == '="' and field[2:].endswith('"') else field
    )
