"""A workbook becomes rows.tsv, rejects.csv and a report in which nothing disappears."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.rows.made import (
    TABLE,
    Cell,
    Kind,
    MadeSheet,
    MadeWorkbook,
    column,
    convert,
    date,
    number,
    sheet,
    table,
    text,
)
from ttcli.errors import BadItem, ConfigError
from ttcli.rows.convert import COUNTS, convert_workbook
from ttcli.rows.mapping import Mapping
from ttcli.rows.mapping_file import load_mapping


def accounted(report):
    """The law of every sheet and of all together."""
    for part in [*report["sheets"], report]:
        parts = ("written", "rejected", "duplicates", "totals", "blank")
        assert part["read"] == sum(part[name] for name in parts), part
    for name in COUNTS:
        assert report[name] == sum(part[name] for part in report["sheets"])


def test_rows_and_origin():
    """A line holds the fields in the table's order, and where the row stood."""
    result = convert(TABLE, sheet("ETA|HAWB No|Pcs", [date("45974.5"), text("H1"), number("3")]))

    assert result.report["columns"] == ["hawb", "pieces", "eta"]
    assert result.lines == [["H1", "3", "45974.5", "1:2"]]
    assert result.report["serials"] == {"eta": "timestamp"}
    assert result.rejects == []


def test_report_is_json_and_names_what_was_found():
    """The report goes into item.json and says how the sheet was understood."""
    result = convert(
        TABLE,
        sheet("HAWB No|Pcs|Foo|Processed At", [text("H1"), number("3")]),
        reserved=frozenset({"processed_at"}),
    )

    assert json.loads(json.dumps(result.report)) == result.report
    found = result.sheet
    assert (found["name"], found["state"], found["taken"], found["header_row"]) == (
        "Sheet1",
        "visible",
        True,
        1,
    )
    assert found["columns"] == {"HAWB No": "hawb", "Pcs": "pieces"}
    assert found["unknown"] == ["Foo"]
    assert found["ignored"] == ["Processed At"]


def test_bad_cell_is_left_untouched():
    """A bad cell never becomes NULL: its place is named, and the rest of the row is written."""
    result = convert(
        TABLE,
        sheet(
            "HAWB|Pcs|ETA|Status", [text("H1"), text("x"), Cell(Kind.ERROR, "#N/A"), text("DLV")]
        ),
    )

    assert result.lines == [["H1", "\\N", "\\N", "DLV", "1:2 2,3"]]
    assert [
        (r["sheet"], r["cell"], r["heading"], r["raw text"], r["rule"]) for r in result.rejects
    ] == [
        ("Sheet1", "B2", "Pcs", "x", "number-text"),
        ("Sheet1", "C2", "ETA", "#N/A", "error-cell"),
    ]
    assert (result.sheet["written"], result.sheet["cells_rejected"]) == (1, 2)
    assert result.report["untouched"] == 1


def test_bad_key_rejects_the_row():
    """A row whose key is bad or blank is rejected, with all that is wrong in it."""
    result = convert(
        TABLE,
        sheet(
            "HAWB|Pcs",
            [text("1.23457E+11"), text("x")],
            [None, number("3")],
            [Cell(Kind.ERROR, "#REF!"), number("3")],
            [text("H1"), number("3")],
        ),
    )

    assert [line[0] for line in result.lines] == ["H1"]
    assert sorted(result.rules) == ["error-cell", "key-blank", "key-scientific", "number-text"]
    assert result.sheet["rejected"] == 3
    accounted(result.report)


def test_required_column_rejects_the_row():
    """A row without a value that the table needs is rejected; a bad one likewise."""
    target = table(column("hawb"), column("pieces", "int4", required=True))
    result = convert(target, sheet("HAWB|Pcs", [text("H1"), text("x")], [text("H2"), None]))

    assert result.lines == []
    assert result.rules == ["number-text", "required-blank"]
    assert result.rejects[1]["cell"] == "B3"


def test_blank_and_keep():
    """A blank cell writes NULL, or leaves the stored value alone where mapping.toml says so."""
    rows = sheet("HAWB|Pcs|ETA", [text("H1"), None, text("  ")])
    mapping = load_mapping('[columns.eta]\nblank = "keep"')

    assert convert(TABLE, rows).lines == [["H1", "\\N", "\\N", "1:2"]]
    kept = convert(TABLE, rows, mapping=mapping)
    assert kept.lines == [["H1", "\\N", "\\N", "1:2 3"]]
    assert kept.report["untouched"] == 1


def test_header_without_rows_says_so():
    """A sheet is never read as no rows without a reason."""
    result = convert(TABLE, sheet("HAWB|Pcs", [None, text(" ")]))

    assert (result.sheet["taken"], result.sheet["read"]) == (True, 0)
    assert "no row below" in result.sheet["reason"]
    accounted(result.report)


def test_row_that_holds_something_only_elsewhere_is_noted():
    """A row is not blank because nobody has mapped the columns that it fills."""
    rows = sheet(
        "HAWB|Pcs|No.",
        [None, None, text(" ")],
        [None, None, number("1")],
        [text("H1"), number("1"), number("2")],
        [None, text(" "), number("3")],
    )
    result = convert(TABLE, rows)

    assert (result.sheet["read"], result.sheet["written"], result.sheet["blank"]) == (3, 1, 2)
    assert result.sheet["notes"]["unmapped-row"] == {"count": 2, "first": "C3"}
    assert "reason" not in result.sheet
    accounted(result.report)
    ignoring = convert(TABLE, rows, mapping=load_mapping('ignore_headings = ["no."]'))
    assert (ignoring.sheet["read"], ignoring.sheet["notes"]) == (3, {})


@pytest.mark.parametrize(
    ("headings", "cell", "may_be_data"),
    [
        ("HAWB|Pcs|No.", Cell(Kind.FORMULA, "="), True),
        ("HAWB|Pcs|No.", text("printed today"), True),
        ("HAWB|Pcs|No.", text("TOTAL"), False),
        ("HAWB|Pcs", text("printed today"), False),
    ],
)
def test_rows_that_hold_something_only_elsewhere_are_a_reason(headings, cell, may_be_data):
    """What stands under a heading may be data; elsewhere an empty report may have its remarks."""
    result = convert(TABLE, sheet(headings, [None, None, cell]))

    assert result.sheet["read"] == 0
    assert "not mapped, the first in C2" in result.sheet["reason"]
    assert result.sheet.get("unmapped_data", False) is may_be_data


def test_a_totals_row_of_words_parts_nothing():
    """The label over a total is not the total that the next one is compared with."""
    result = convert(
        TABLE,
        sheet(
            "HAWB|Pcs",
            [text("H1"), number("1")],
            [text("Subtotal"), number("1")],
            [text("H2"), number("2")],
            [text("Total")],
            [text("Subtotal"), number("2")],
        ),
    )

    assert result.sheet["totals"] == 3
    assert [check["agrees"] for check in result.sheet["totals_check"]] == [True, True]


def test_formula_that_nobody_calculated_is_never_blank():
    """Of a shared formula only the first cell has the words."""
    rows = sheet(
        "HAWB|Pcs", [text("H1"), Cell(Kind.FORMULA, "=")], [text("H2"), Cell(Kind.FORMULA, "A1")]
    )
    result = convert(TABLE, rows)

    assert result.rules == ["formula-not-calculated"] * 2
    assert [line[-1] for line in result.lines] == ["1:2 2", "1:3 2"]


def test_two_sheets_share_the_columns():
    """A column that only the other sheet has is untouched."""
    result = convert(
        TABLE,
        sheet("HAWB|Pcs", [text("H1"), number("1")], name="A"),
        sheet("Status|HAWB", [text("DLV"), text("H2")], name="B"),
    )

    assert result.report["columns"] == ["hawb", "pieces", "status"]
    assert result.lines == [["H1", "1", "\\N", "1:2 3"], ["H2", "\\N", "DLV", "2:2 2"]]
    assert result.report["untouched"] == 2
    accounted(result.report)


def test_sheets_not_taken_say_why():
    """Hidden sheets and sheets without a header row are reported, not read."""
    result = convert(
        TABLE,
        sheet("HAWB|Pcs", [text("H1"), number("1")]),
        sheet("HAWB|Pcs", [text("H2"), number("1")], name="old", state="hidden"),
        sheet("a|b", name="notes"),
    )

    assert [part["taken"] for part in result.report["sheets"]] == [True, False, False]
    assert result.report["sheets"][1]["reason"] == "the sheet is hidden"
    assert "known" in result.report["sheets"][2]["reason"]
    assert result.report["written"] == 1


def test_hidden_sheets_on_demand():
    """mapping.toml can ask for hidden sheets."""
    mapping = load_mapping("hidden_sheets = true")
    result = convert(TABLE, sheet("HAWB|Pcs", [text("H2")], state="very-hidden"), mapping=mapping)

    assert result.report["written"] == 1


@pytest.mark.parametrize(
    ("headings", "kind", "said"),
    [
        ("Foo|Bar", "no-header-row", "'Foo', 'Bar'"),
        ("MAWB|Pcs|AWB No", "no-key-column", "'AWB No'"),
        ("HAWB|Pcs|Pieces", "heading-twice", "B1 and C1"),
    ],
)
def test_no_sheet_can_be_taken(headings, kind, said):
    """The workbook is refused, and each sheet's best row and unknown headings are named."""
    with pytest.raises(BadItem) as caught:
        convert(TABLE, sheet(headings, name="Data"))

    assert caught.value.kind == kind
    assert "'Data'" in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


def test_no_sheets_at_all():
    """A workbook without a readable sheet is refused, not taken for empty."""
    with pytest.raises(BadItem) as caught:
        convert(TABLE)

    assert caught.value.kind == "no-header-row"


def test_unsupported_type_names_the_column():
    """A heading of a column whose type no cell can become is a mistake, unless it is left out."""
    target = table(column("hawb"), column("tags", "_text"))
    rows = sheet("HAWB|Tags", [text("H1"), text("a")])
    with pytest.raises(ConfigError) as caught:
        convert(target, rows)

    assert caught.value.mistakes == ["tags: column type _text is not supported"]
    ignored = load_mapping("[columns.tags]\nignore = true")
    assert convert(target, rows, mapping=ignored).lines == [["H1", "1:2"]]


def test_generated_columns_are_never_filled():
    """A generated column is not mapped even if the workbook has its heading."""
    target = table(column("hawb"), column("status", writable=False))
    result = convert(target, sheet("HAWB|Status", [text("H1"), text("DLV")]))

    assert result.report["columns"] == ["hawb"]
    assert result.sheet["ignored"] == ["Status"]


def test_last_row_of_a_key_wins():
    """Of rows with one key the last is written; each other is reported with both rows."""
    result = convert(
        TABLE,
        sheet(
            "HAWB|Pcs",
            [text("H1"), number("1")],
            [text("H2"), number("2")],
            [text(" H1"), number("3")],
            [text("H2"), number("2")],
        ),
    )

    assert result.lines == [["H1", "3", "1:4"], ["H2", "2", "1:5"]]
    assert result.rules == ["duplicate-in-file"] * 2
    assert [reject["cell"] for reject in result.rejects] == ["A2", "A3"]
    assert "row 4 again" in result.rejects[0]["reason"]
    assert "contradict" in result.rejects[0]["reason"]
    assert "contradict" not in result.rejects[1]["reason"]
    assert (result.sheet["written"], result.sheet["duplicates"]) == (2, 2)
    accounted(result.report)


def test_last_row_wins_across_sheets():
    """The later sheet's row counts, and the report of the earlier one says where it stands."""
    result = convert(
        TABLE,
        sheet("HAWB|Pcs", [text("H1"), number("1")], name="A"),
        sheet("HAWB|Status", [text("H1"), text("DLV")], name="B"),
    )

    assert [line[-1] for line in result.lines] == ["2:2 2"]
    assert "row 2 of sheet 'B'" in result.rejects[0]["reason"]
    assert [part["duplicates"] for part in result.report["sheets"]] == [1, 0]
    assert result.report["untouched"] == 1
    accounted(result.report)


def test_keys_are_compared_as_the_database_does():
    """citext keys differ not by case, numeric ones not by zeros, and both parts of two count."""
    citext = table(column("hawb", "citext"), column("pieces", "int4"))
    assert len(convert(citext, sheet("HAWB|Pcs", [text("h1")], [text("H1")])).lines) == 1
    numeric = table(column("hawb", "numeric"), column("pieces", "int4"))
    assert len(convert(numeric, sheet("HAWB|Pcs", [number("1.0")], [text("1")])).lines) == 1
    both = table(column("forwarder"), column("hawb"), key=("forwarder", "hawb"))
    rows = [[text("A"), text("1")], [text("B"), text("1")], [text("A"), text("1")]]
    assert [line[:2] for line in convert(both, sheet("Forwarder|HAWB", *rows)).lines] == [
        ["B", "1"],
        ["A", "1"],
    ]


def test_totals_are_dropped_and_compared():
    """A totals row is no data; its numbers are held against what was read."""
    result = convert(
        TABLE,
        sheet(
            "HAWB|Pcs|Gross Weight",
            [text("H1"), number("1"), number("0.1")],
            [text("H2"), number("2"), number("0.2")],
            [text("Grand Total:"), number("3"), number("0.4")],
        ),
    )

    assert len(result.lines) == 2
    assert result.sheet["totals"] == 1
    checks = {check["field"]: check["agrees"] for check in result.sheet["totals_check"]}
    assert checks == {"pieces": True, "weight": False}
    accounted(result.report)


def test_subtotals_and_rejected_rows_in_totals():
    """A total may count the rows since the one before it, and those that were rejected."""
    result = convert(
        TABLE,
        sheet(
            "HAWB|Pcs",
            [text("H1"), number("1")],
            [text("Subtotal"), number("1")],
            [text("H2"), number("2")],
            [text("1E+11"), number("4")],
            [text("TOTAL"), number("7")],
        ),
    )

    assert [check["agrees"] for check in result.sheet["totals_check"]] == [True, True]
    accounted(result.report)


def test_totals_by_mawb():
    """A totals row with a MAWB in it may count that MAWB's rows, wherever both stand."""
    one, other = text("020-00000011"), text("020-00000022")
    result = convert(
        TABLE,
        sheet(
            "HAWB|MAWB|Pcs",
            [text("H1"), one, number("1")],
            [text("H2"), other, number("2")],
            [text("H3"), one, number("4")],
            [text("1E+11"), other, number("8")],
            [text("TOTAL"), one, number("5")],
            [text("TOTAL"), other, number("10")],
            [text("TOTAL"), other, number("11")],
            [text("TOTAL"), None, number("15")],
        ),
    )

    checks = result.sheet["totals_check"]
    assert [check["agrees"] for check in checks] == [True, True, False, True]
    assert [check.get("mawb") for check in checks][2:] == ["020-00000022", None]
    assert [check["sum"] for check in checks] == ["5", "10", "10", "15"]
    accounted(result.report)


@pytest.mark.parametrize(
    "row",
    [
        [None, number("9"), text("TOTAL")],
        [text("合计"), number("9")],
        [text("Sum 45"), number("9")],
    ],
)
def test_ways_to_say_total(row):
    """The word may stand in the key, or anywhere in a row without one."""
    result = convert(TABLE, sheet("HAWB|Pcs|Status", [text("H1"), number("9")], row))

    assert result.sheet["totals"] == 1
    assert result.rejects == []


def test_declared_totals_rows():
    """A row that the workbook declares to be totals is one, whatever it says."""
    rows = sheet(
        "HAWB|Pcs", [text("H1"), number("1")], [text("H9"), number("1")], totals_rows=frozenset({3})
    )

    result = convert(TABLE, rows)

    assert [line[0] for line in result.lines] == ["H1"]
    assert result.sheet["totals"] == 1


def test_total_in_the_remarks_is_data():
    """A row with a key is data, though a cell of it says TOTAL."""
    result = convert(TABLE, sheet("HAWB|Status", [text("H1"), text("Total")]))

    assert len(result.lines) == 1


def test_repeated_header_and_notes_are_rejected():
    """A header printed again and a line of words under the table are no shipments."""
    result = convert(
        TABLE,
        sheet(
            "HAWB No.|Pcs",
            [text("H1"), number("1")],
            [text("HAWB No."), text("Pcs")],
            [text("Printed on Monday"), None],
            [text("Confidential"), None],
            [text("AB 12"), number("1")],
            [text("H3"), None],
        ),
    )

    assert [line[0] for line in result.lines] == ["H1", "AB 12", "H3"]
    assert [rule for rule in result.rules if rule != "number-text"] == [
        "repeated-header",
        "note",
        "note",
    ]
    assert result.sheet["rejected"] == 3
    accounted(result.report)


def test_blank_rows_count_up_to_the_last_row():
    """Blank rows are counted whether or not the reader yields them; trailing ones never."""
    cells = [text("H1"), number("1")]
    header = [text("HAWB"), text("Pcs")]
    left_out = MadeSheet({1: header, 2: cells, 5: [text("H2"), None]})
    yielded = MadeSheet(
        {
            1: header,
            2: cells,
            3: [None, text(" ")],
            4: [None],
            5: [text("H2"), None],
            6: [None],
            7: [None],
        }
    )

    for rows in (left_out, yielded):
        result = convert(TABLE, rows)
        assert (result.sheet["read"], result.sheet["blank"]) == (4, 2)
        accounted(result.report)


def test_notes_count_repairs_and_warnings():
    """Repairs and warnings are counted, with the first cell of each."""
    rows = sheet(
        "HAWB|MAWB", [number("123", 8), text("176-61734666")], [text("H2"), number("2081140743")]
    )

    result = convert(TABLE, rows)

    assert result.sheet["notes"] == {
        "zero-padded": {"count": 1, "first": "A2"},
        "mawb-check-digit": {"count": 1, "first": "B2"},
        "mawb-leading-zero": {"count": 1, "first": "B3"},
    }
    assert result.report["repaired"] == 2


def test_digest_is_of_the_rows_not_of_their_place():
    """The same rows elsewhere have the same digest; other columns or untouched cells do not."""

    def digest(*sheets, **more):
        return convert(TABLE, *sheets, **more).report["sha256"]

    here = sheet("HAWB|ETA", [text("H1"), date("45974")])
    there = MadeSheet(
        {3: [text("ETA"), None, text("HAWB")], 9: [date("45974"), None, text("H1")]}, left=4
    )
    atd = table(*TABLE.columns[:4], column("ata", "timestamp"))

    assert digest(here) == digest(there)
    assert (
        digest(here)
        != convert(atd, sheet("HAWB|ATA", [text("H1"), date("45974")])).report["sha256"]
    )
    blank, bad = sheet("HAWB|Pcs", [text("H1")]), sheet("HAWB|Pcs", [text("H1"), text("x")])
    assert digest(blank) != digest(bad)
    twice = sheet("HAWB|ETA", [text("H1"), date("1000")], [text("H1"), date("45974")])
    assert digest(twice) == digest(here)


def test_digest_without_origin_is_the_files():
    """For rows without untouched cells the digest can be made again from rows.tsv."""
    import hashlib

    result = convert(TABLE, sheet("HAWB|Pcs", [text("H1"), number("1")], [text("H2"), None]))

    lines = ["\t".join(line[:-1]) for line in result.lines]
    wanted = hashlib.sha256("\n".join(["\t".join(result.report["columns"]), *lines, ""]).encode())
    assert result.report["sha256"] == wanted.hexdigest()


some_cell = st.one_of(
    st.none(),
    st.sampled_from(
        ["H1", "H2", "H3", "TOTAL", "HAWB", "1E+5", " ", "two words", "x", "3", "03/04/2025"]
    ).map(text),
    st.sampled_from(["1", "2.5", "45974", "1E300"]).map(number),
    st.sampled_from(["45974", "60"]).map(date),
    st.just(Cell(Kind.ERROR, "#N/A")),
)
some_rows = st.lists(st.lists(some_cell, max_size=5), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.lists(some_rows, min_size=1, max_size=3), st.booleans(), st.integers(1, 5))
def test_every_row_is_accounted_for(sheets, uniform, block):
    """Whatever the rows hold, none disappears, and every reject and line says where it stood."""
    made = [
        sheet("HAWB|MAWB|Pcs|ETA|Status", *rows, name=f"S{n}", uniform=uniform, block=block)
        for n, rows in enumerate(sheets)
    ]
    result = convert(TABLE, *made)

    accounted(result.report)
    assert len(result.lines) == result.report["written"]
    keys = [line[0] for line in result.lines]
    assert len(set(keys)) == len(keys)
    assert all(len(line) == len(result.report["columns"]) + 1 for line in result.lines)
    assert sum(" " in line[-1] for line in result.lines) == result.report["untouched"]
    named = result.rules.count("duplicate-in-file")
    assert named == result.report["duplicates"]
    for line in result.lines:
        number_, row = line[-1].split(" ")[0].split(":")
        assert sheets[int(number_) - 1][int(row) - 2]


@settings(max_examples=100, deadline=None)
@given(some_rows)
@example([[None, None, None, None, number("1E300")], [None, number("1E300")]])
def test_blocks_and_columns_do_not_matter(rows):
    """However a reader cuts and types a sheet, the rows are the same."""
    results = [
        convert(TABLE, sheet("HAWB|MAWB|Pcs|ETA|Status", *rows, uniform=uniform, block=block))
        for uniform in (True, False)
        for block in (1, 4, 100)
    ]

    assert all(result.lines == results[0].lines for result in results)
    assert all(result.report == results[0].report for result in results)
    assert all(sorted(map(str, r.rejects)) == sorted(map(str, results[0].rejects)) for r in results)


def test_damaged_sheet_passes_through():
    """What the reader raises while rows are read is not swallowed."""

    class Damaged(MadeSheet):
        def blocks(self):
            yield from super().blocks()
            raise BadItem("the sheet ends in the middle", kind="truncated")

    damaged = Damaged({1: [text("HAWB"), text("Pcs")], 2: [text("H1"), None]})
    with pytest.raises(BadItem, match="middle"):
        convert_workbook(
            MadeWorkbook(damaged), TABLE, Mapping.default(), io.BytesIO(), io.StringIO()
        )
