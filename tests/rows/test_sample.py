"""`sample` explains a workbook without a server."""

from __future__ import annotations

import json

import pytest

from tests.rows.made import MadeSheet, MadeWorkbook, column, number, sheet, table, text
from ttcli.errors import ConfigError
from ttcli.rows.mapping_file import load_mapping
from ttcli.rows.sample.explained import sample

BOOK = MadeWorkbook(
    MadeSheet(
        {
            1: [text("MAWB"), text("176-12345675")],
            3: [text("HAWB No"), text("Pcs"), text("ETA"), text("Foo")],
            4: [text("H1"), number("3"), text("2025-11-13"), text("x")],
            5: [text("H2"), text("?"), None, None],
            6: [None, number("1"), None, None],
        }
    ),
    sheet("a|b", name="notes"),
)


def test_without_a_table_the_known_fields_count():
    """Header row and why, the meaning of each heading, rows, rejects and what was not taken."""
    found = sample(BOOK)

    assert json.loads(json.dumps(found)) == found
    first, notes = found["sheets"]
    assert first["why"] == "row 3: 3 known headings, hawb among them; row 1 has 1"
    assert first["headings"][1] == {
        "cell": "B3",
        "heading": "Pcs",
        "field": "pieces",
        "type": "integer",
    }
    assert first["unknown"] == ["Foo"]
    assert first["rivals"] == [{"row": 1, "known": ["MAWB"]}]
    assert (notes["taken"], notes["unknown"]) == (False, ["a", "b"])
    assert found["rows"] == [
        {
            "sheet": "Sheet1",
            "row": 4,
            "fields": {"hawb": "H1", "pieces": "3", "eta": "2025-11-13 00:00:00"},
        },
        {"sheet": "Sheet1", "row": 5, "fields": {"hawb": "H2", "eta": None}},
    ]
    assert [reject["rule"] for reject in found["rejects"]] == ["number-text", "key-blank"]
    assert (found["table"], found["read"], found["written"], found["more"]) == (None, 3, 2, False)


def test_with_a_table_its_columns_count():
    """Types and names are the table's, and mapping.toml's headings hold."""
    target = table(column("hawb"), column("foo", "varchar(1)"))
    found = sample(BOOK, target, load_mapping("[headings]\nfoo = 'Foo'"))

    assert found["table"] == "public.tracking_data"
    assert found["columns"] == ["hawb", "foo"]


def test_fields_of_a_mapping_are_known_without_a_table():
    """A field that mapping.toml names is one, though no table says its type."""
    found = sample(BOOK, mapping=load_mapping("[headings]\nfoo_bar = 'Foo'"))

    assert found["rows"][0]["fields"]["foo_bar"] == "x"


def test_only_the_first_rows_are_read():
    """A long sheet is cut, and the cut is told."""
    rows = [[text(f"H{n}"), number("1")] for n in range(50)]
    found = sample(MadeWorkbook(sheet("HAWB|Pcs", *rows, block=7)), rows=20, shown=2)

    assert (found["more"], found["read"], len(found["rows"])) == (True, 19, 2)


def test_refusal_is_explained():
    """A workbook that cannot be taken is explained, not raised."""
    found = sample(MadeWorkbook(sheet("MAWB|Pcs|Tracking No")))

    assert found["kind"] == "no-key-column"
    assert found["sheets"][0]["unknown"] == ["Tracking No"]
    assert "Tracking No" in found["refused"]


def test_mapping_that_does_not_fit_is_raised():
    """A wrong mapping.toml is no property of the workbook."""
    with pytest.raises(ConfigError):
        sample(BOOK, table(column("hawb")), load_mapping("[columns.foo]\npad = 3"))
