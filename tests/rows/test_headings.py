"""Which heading means which field, and which row is the header row."""

from __future__ import annotations

import pytest

from tests.rows.made import Cell, Kind, column, number, table, text
from ttcli.rows.header.headings import Headings, normal
from ttcli.rows.header.row import Header, NoHeader, Row, find_header
from ttcli.rows.mapping import Mapping
from ttcli.rows.mapping_file import load_mapping

FULL = table(
    *map(
        column,
        [
            "hawb",
            "mawb",
            "pieces",
            "weight",
            "chargeable_weight",
            "origin",
            "destination",
            "etd",
            "eta",
            "atd",
            "ata",
            "flight_no",
            "shipper",
            "consignee",
            "status",
            "last_update",
            "remarks",
            "processed_at",
        ],
    )
)


def known(heading, target=FULL, mapping=None, closed=()):
    return Headings(target, mapping or Mapping.default(), closed).field(heading)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("HAWB", "hawb"),
        ("HAWB No.", "hawb"),
        ("hawb_nos", "hawb"),
        ("HAWB #", "hawb"),
        ("House AWB Number", "hawb"),
        ("House Air Waybill", "hawb"),
        ("s_hawb", "hawb"),
        ("Full HAWB", "hawb"),
        ("分单号", "hawb"),
        ("ＨＡＷＢ", "hawb"),
        ("M.A.W.B.", "mawb"),
        ("Master AWB No", "mawb"),
        ("airWaybillNumber", "mawb"),
        ("主单号", "mawb"),
        ("Pcs", "pieces"),
        ("No. of Pcs", "pieces"),
        ("件数", "pieces"),
        ("Gross Weight", "weight"),
        ("Weight (kg)", "weight"),
        ("G.W.", "weight"),
        ("C.W.", "chargeable_weight"),
        ("POL", "origin"),
        ("Dest", "destination"),
        ("Estimated Time of Arrival", "eta"),
        ("Actual Departure", "atd"),
        ("Flight", "flight_no"),
        ("Flight No", "flight_no"),
        ("Last Updated", "last_update"),
        ("Remarks", "remarks"),
        ("HAWB / 分单号", "hawb"),
        ("HAWB\n分单号", "hawb"),
    ],
)
def test_known_headings(heading, field):
    """Headings seen in real reports are known, whatever their case, dots and No/Number."""
    assert known(heading) == field


@pytest.mark.parametrize(
    "heading",
    [
        "AWB",
        "AWB No",
        "AWB NUMBER",
        "Tracking No",
        "No Resi",
        "POD",
        "ETD/ETA",
        "HAWB/MAWB",
        "HWB",
        "Weigth",
        "ETA Port",
        "Number",
        "No.",
        "",
        "…",
    ],
)
def test_ambiguous_and_misspelt_headings_mean_nothing(heading):
    """No guess: what can mean two fields, or is only like one, means none."""
    assert known(heading) is None


def test_a_column_takes_its_own_name():
    """An ambiguous word is a field where the table has a column of that very name."""
    target = table(column("hawb"), column("pod"), column("awb_no"))

    assert known("POD", target) == "pod"
    assert known("AWB Number", target) == "awb_no"


def test_synonyms_find_the_column_of_another_name():
    """A column called by one synonym is found by all of them, unless two columns are."""
    assert known("HAWB No", table(column("house_awb"))) == "house_awb"
    assert known("G.W.", table(column("weight"), column("gross_weight"))) == "weight"
    assert known("Gross Weight", table(column("weight"), column("gross_weight"))) == "gross_weight"
    assert known("G.W.", table(column("grosswt"), column("gross_weight"))) is None


def test_two_columns_that_differ_in_number_only():
    """`flight` and `flight_no` keep their own headings."""
    target = table(column("flight"), column("flight_no"))

    assert known("Flight", target) == "flight"
    assert known("Flight No.", target) == "flight_no"
    assert known("Flight Number", target) == "flight"


def test_closed_columns_are_never_filled():
    """What ttcli fills itself is known but not mapped."""
    headings = Headings(FULL, Mapping.default(), ["processed_at"])

    assert headings.field("Processed At") is None
    assert headings.meaning("Processed At", normal("Processed At"), 1).closed


def test_mapping_comes_first():
    """mapping.toml gives a heading its meaning, even against a synonym, or takes it away."""
    mapping = load_mapping(
        'ignore_headings = ["Status"]\n[headings]\nhawb = "AWB No"\nremarks = "POL"'
    )

    assert known("awb-no", mapping=mapping) == "hawb"
    assert known("POL", mapping=mapping) == "remarks"
    assert known("Status", mapping=mapping) is None


@pytest.mark.parametrize("heading", ["ĲSSEL", "ſtatus", "Straße", "İstanbul", "件数 ", "ﬁeld"])
def test_normal_form_is_stable(heading):
    """The normal form of a normal form is itself."""
    assert normal(normal(heading)) == normal(heading)


def rows(*lines, start=1):
    """Rows of texts, `|` between the cells; a digit makes a number."""
    found = []
    for row, line in enumerate(lines, start):
        cells = {
            index: number(word) if word.isdigit() else text(word)
            for index, word in enumerate(line.split("|"), 1)
            if word
        }
        if cells:
            found.append(Row(row, cells))
    return found


def found(*lines, target=FULL, mapping=None, key=("hawb",)):
    return find_header(rows(*lines), Headings(target, mapping or Mapping.default()), key)


def columns_of(header):
    assert isinstance(header, Header), header
    return {index: field for index, (_, field) in header.found.columns.items()}


def test_header_below_titles():
    """Titles, dates and blank rows above the header row do not matter, nor where it starts."""
    header = found(
        "Report|of|ACME", "", "|All open shipments|as of|today", "||HAWB|Pcs|Foo|ETA", "||H1|1|x|2"
    )

    assert (header.first, header.last) == (4, 4)
    assert columns_of(header) == {3: "hawb", 4: "pieces", 6: "eta"}
    assert header.found.unknown == {5: "Foo"}


def test_most_hits_win_with_the_key_among_them():
    """A row with more hits but without the key is no header row."""
    header = found("MAWB|Pcs|ETA|ETD", "HAWB|Pcs", "H1|2")

    assert header.first == 2


def test_second_language_below_is_no_data():
    """A row that repeats the headings in another language belongs to the header."""
    header = found("HAWB|Pieces|Remarks", "分单号|件数|备注", "H1|3|x")

    assert (header.first, header.last) == (1, 2)


def test_second_language_above_is_a_title():
    """Unknown headings above the known ones are passed over."""
    header = found("Số vận đơn|Số kiện", "HAWB|Pieces", "H1|3")

    assert (header.first, header.last) == (2, 2)


def test_banner_above_is_joined():
    """`Departure` over `Estimated` and `Actual` makes two headings."""
    header = found("HAWB|Departure||Arrival|", "|Estimated|Actual|Estimated|Actual", "H1|1|2|3|4")

    assert (header.first, header.last) == (1, 2)
    assert columns_of(header) == {1: "hawb", 2: "etd", 3: "atd", 4: "eta", 5: "ata"}


def test_a_row_of_data_is_never_a_header():
    """Words in the first row of data do not make it the second row of a header."""
    header = found("HAWB|Pcs|Event|Place|Kind", "H1|x|ATD|Origin|Status", "H2|y|ATA|POL|z")

    assert (header.first, header.last) == (1, 1)
    assert columns_of(header) == {1: "hawb", 2: "pieces"}


def test_a_row_of_data_without_a_key_is_never_a_header():
    """Nor does one such word in a row whose key is blank."""
    header = found("HAWB|Pcs|Event|Place", "|x|ATD|HAN", "H2|y|ATA|POL")

    assert (header.first, header.last) == (1, 1)


def test_banner_over_some_columns_only():
    """Beside joined headings one that reaches over both rows counts, too."""
    header = found("Shipment|||Status|Departure", "HAWB|MAWB|Pcs||Estimated", "H1|M1|3|x|y")

    assert (header.first, header.last) == (1, 2)
    assert columns_of(header) == {1: "hawb", 2: "mawb", 3: "pieces", 4: "status", 5: "etd"}


def test_form_is_no_table():
    """One known word beside its value is a form."""
    assert isinstance(found("HAWB:|12345", "Name|x"), NoHeader)


def test_one_column_of_keys_is_a_table():
    """A single known heading alone in its row is a table with one column."""
    assert columns_of(found("HAWB", "H1", "H2")) == {1: "hawb"}


def test_only_the_first_rows_are_searched():
    """A header row beyond row 30 of those that hold anything is not found."""
    assert isinstance(found(*["x|y"] * 30, "HAWB|Pcs"), NoHeader)
    assert isinstance(found(*["x|y"] * 29, "HAWB|Pcs"), Header)


@pytest.mark.parametrize(
    ("lines", "kind", "row"),
    [
        (("a|b|c", "d|e"), "no-header-row", 1),
        (("a|b", "MAWB|Pcs|Foo"), "no-key-column", 2),
        (("HAWB|Pcs|pieces",), "heading-twice", 1),
        ((), "empty", 0),
    ],
)
def test_why_there_is_no_header(lines, kind, row):
    """The reason and the best candidate are named."""
    missing = found(*lines)

    assert isinstance(missing, NoHeader)
    assert (missing.kind, missing.row) == (kind, row)


def test_no_key_column_says_what_is_there():
    """What was known and what was not is told apart."""
    missing = found("MAWB|Pcs|Tracking No")

    assert list(missing.known) == ["MAWB", "Pcs"]
    assert list(missing.unknown) == ["Tracking No"]


def test_heading_twice_names_both_cells():
    """Two columns that mean one field are an error that names them."""
    missing = found("x", "HAWB|Pcs|AWB|Pieces")

    assert "B2 and D2 both mean pieces" in missing.reason


def test_mapping_says_which_of_two():
    """Of two equal headings mapping.toml names one, by its text or its place."""
    by_place = load_mapping('[headings]\nhawb = { heading = "AWBNO.", nth = 2 }')
    by_text = load_mapping('[headings]\npieces = ["Kolli"]')

    assert columns_of(found("AWBNO.|AWBNO.|Pcs", mapping=by_place)) == {2: "hawb", 3: "pieces"}
    assert columns_of(found("HAWB|Pcs|Kolli", mapping=by_text)) == {1: "hawb", 3: "pieces"}


def test_composite_key_needs_all_its_columns():
    """A sheet without one of the key's columns is not taken."""
    target = table(column("forwarder"), column("hawb"), column("pieces"))

    assert isinstance(found("HAWB|Pcs", target=target, key=("forwarder", "hawb")), NoHeader)
    header = found("Forwarder|HAWB|Pcs", target=target, key=("forwarder", "hawb"))
    assert columns_of(header) == {1: "forwarder", 2: "hawb", 3: "pieces"}


def test_numbers_are_no_second_header_row():
    """A row with anything but texts is data."""
    cells = {1: text("分单号"), 2: Cell(Kind.NUMBER, "3"), 3: text("ETA")}
    header = find_header(
        [*rows("HAWB|Pieces|Remarks"), Row(2, cells)], Headings(FULL, Mapping.default()), ["hawb"]
    )

    assert header.last == 1
