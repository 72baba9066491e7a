"""Which type a sample's column gets, and what is said of it: nothing is guessed."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import pytest

from tests.rows.made import MadeSheet, MadeWorkbook, column, date, number, table, text
from ttcli.cells import Cell, Kind
from ttcli.errors import BadItem
from ttcli.rows.mapping import Mapping
from ttcli.rows.mapping_file import load_mapping
from ttcli.rows.sample.infer import Draft, draft
from ttcli.table import TargetTable

NO_TABLE = TargetTable("", "tracking_data", ("hawb",), ())


def book(*columns: Sequence[Any], kind: str = "xlsx") -> MadeWorkbook:
    """A workbook of columns, each a heading and its cells, beside a key."""
    length = max(len(cells) for cells in columns)
    padded = [[text("HAWB"), *(text(f"H{n}") for n in range(1, length))]]
    padded += [[*cells, *[None] * (length - len(cells))] for cells in columns]
    made = MadeWorkbook(MadeSheet({n: list(cells) for n, cells in enumerate(zip(*padded), 1)}))
    made.kind = kind
    return made


def drafted(made: MadeWorkbook, there: TargetTable = NO_TABLE, mapping: str = "") -> Draft:
    """What `draft` makes of it."""
    said = load_mapping(mapping) if mapping else Mapping.default()
    return draft(lambda: made, there, said, frozenset({"source_at", "processed_at", "file_source"}))


def types(made: MadeWorkbook, **how: Any) -> Dict[str, str]:
    """Column → type."""
    return {one.column.name: one.column.declared for one in drafted(made, **how).columns}


@pytest.mark.parametrize(
    ("heading", "cells", "type_"),
    [
        ("Foo", [number("1"), number("2")], "integer"),
        ("Foo", [number("1"), number("3000000000")], "bigint"),
        ("Foo", [number("1"), number("1.5")], "numeric"),
        ("Foo", [number("12345678901234567")], "text"),
        ("Foo", [number("7", zeros=5)], "text"),
        ("Invoice No.", [number("1")], "text"),
        ("Foo", [number("1"), text("x")], "text"),
        ("Foo", [text("1")], "text"),
        ("Foo", [date("45000"), date("45001")], "date"),
        ("Foo", [date("45000.5")], "timestamp"),
        ("Foo", [Cell(Kind.BOOL, "1")], "boolean"),
        ("Foo", [Cell(Kind.TIME, "0.5")], "time"),
        ("Foo", [Cell(Kind.DURATION, "1.5")], "interval"),
        ("Foo", [number("1"), Cell(Kind.ERROR, "#N/A")], "integer"),
        ("Foo", [], "text"),
        ("Pcs", [number("1")], "integer"),
        ("Pcs", [number("1"), number("2.5")], "numeric"),
        ("Pcs", [number("1"), text("a dozen")], "integer"),
        ("Pcs", [number("1"), text("some"), text("many")], "text"),
        ("ETA", [text("03/04/2025")], "timestamp"),
        ("ETA", [text("2025-11-13T14:05+07:00")], "timestamptz"),
        ("ETA", [], "timestamp"),
        ("Status", [number("1")], "text"),
    ],
)
def test_a_column_gets_the_type_that_takes_its_cells(
    heading: str, cells: List[Cell], type_: str
) -> None:
    """The narrowest that takes all, of a known field its own; identifiers stay texts."""
    made = book([text(heading), *cells, *([] if cells else [None])])

    assert list(types(made).values())[1:] == [type_]


def test_numbers_in_csv_are_numbers() -> None:
    """Where every cell is a text the digits decide, and a leading zero does not get lost."""
    made = book(
        [text("Foo"), text("1")], [text("Bar"), text("1.5")], [text("Baz"), text("01")], kind="csv"
    )

    assert types(made) == {
        "hawb": "varchar(50)", "foo": "integer", "bar": "numeric", "baz": "text",
    }  # fmt: skip


def test_a_long_key_is_a_text() -> None:
    """No key of the sample is refused by the table made for it."""
    made = MadeWorkbook(
        MadeSheet({1: [text("HAWB"), text("Pcs")], 2: [text("x" * 51), number("1")]})
    )

    assert types(made)["hawb"] == "text"


def test_only_what_the_table_lacks_is_proposed() -> None:
    """A column that speaks for a field keeps it; its own type decides what would be rejected."""
    there = table(column("hawb"), column("gross_weight", "int4"))
    made = book([text("G.W."), number("1.5")], [text("Foo"), number("1")])

    found = drafted(made, there)

    assert [one.column.name for one in found.columns] == ["foo"]
    assert any("1.5" in line for line in found.mapping)


def test_the_order_of_dates_is_shown_and_not_set() -> None:
    """What contradicts an order is quoted with its cell; contradictions among them too."""
    only = drafted(book([text("ETA"), text("03/04/2025"), text("13/04/2025")])).mapping
    neither = drafted(book([text("ETA"), text("03/04/2025")])).mapping
    both = drafted(
        book([text("ETA"), text("3/4/25"), text("13/04/2025"), text("04/13/2025")])
    ).mapping

    assert "#date_order = \"dmy\"  # '13/04/2025' in B3 fits no other" in only
    assert len([line for line in only if "date_order =" in line]) == 1
    assert len([line for line in neither if "nothing here tells which" in line]) == 2
    assert not [line for line in both if "date_order =" in line]
    assert any("ask the sender" in line for line in both)


def test_everything_said_is_a_comment() -> None:
    """Whatever a sender writes into a heading or a cell, no line of mapping.toml becomes active."""
    evil = 'x"\n[columns.hawb]\r\nignore = true\u2028\x0b]]'
    made = book([text(evil), number("1")], [text(evil), number("1")], [text("ETA"), text(evil)])

    lines = drafted(made).mapping

    assert load_mapping("\n".join(lines)) == Mapping.default()
    assert all(line.startswith("#") or not line for line in lines)


def test_columns_that_mapping_toml_names_are_made() -> None:
    """Without them process would say that mapping.toml and table do not fit; senders' too."""
    made = book([text("Foo"), number("1")])
    mapping = "[columns.eta]\nblank = 'keep'\n"
    mapping += "[[sender]]\nmatch = '@x.y'\n[sender.headings]\nbar = 'B'"

    found = types(made, mapping=mapping)

    assert (found["eta"], found["bar"]) == ("timestamp", "text")


def test_a_key_alone_on_a_form_is_no_header_row() -> None:
    """`HAWB: | 123` calls for no column."""
    made = MadeWorkbook(MadeSheet({1: [text("HAWB"), text("123")], 2: [text("x"), text("y")]}))

    with pytest.raises(BadItem, match="nothing but 'HAWB' is known"):
        drafted(made)


def test_the_key_is_never_guessed() -> None:
    """A heading that may be the key is named in the line to write, and nothing is proposed."""
    made = MadeWorkbook(MadeSheet({1: [text("Pcs"), text("Weight"), text("Foo"), text("AWB No")]}))

    with pytest.raises(BadItem) as caught:
        drafted(made)

    assert '[headings] hawb = "AWB No"' in caught.value.hint
