"""Columns of dates that stay serials mean what the texts would mean, cell by cell."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rows.made import (
    Cell,
    Kind,
    as_column,
    column,
    convert,
    date,
    number,
    rule,
    sheet,
    table,
    text,
)
from ttcli.cells import Format
from ttcli.rows.columns.converter import ColumnConverter
from ttcli.rows.columns.serials import SerialColumn, from_serial, to_serial
from ttcli.rows.scalars.rule import NULL

some_days = st.one_of(
    st.floats(min_value=-1, max_value=3_000_000).map(lambda days: date(repr(days))),
    st.integers(0, 100_000).map(lambda days: date(str(days))),
    st.integers(0, 10**9).map(lambda second: date(repr(40_000 + second / 86400))),
    st.sampled_from(["45974.50", "4.5974E4", "60", "45973.999999999999", "2958465.9", "x"]).map(
        date
    ),
)
some_cells = st.one_of(
    st.none(),
    some_days,
    st.sampled_from(["2025-11-13", "2025-11-13 14:05:07", "13/11/2025", "soon"]).map(text),
    st.sampled_from(["45974", "17"]).map(number),
    st.just(Cell(Kind.DATE, "45974.25", Format(code="dd/mm/yyyy"))),
)


def as_texts(cells, type_, uniform=True):
    """What the column is without serials."""
    return ColumnConverter(rule(type_)).convert(as_column(cells, uniform))


@given(some_days, st.lists(some_cells), st.sampled_from(["date", "timestamp"]), st.booleans())
@example(date("45974"), [text("9999-12-31 23:59:59.999")], "timestamp", True)
def test_serials_mean_what_the_texts_say(first, cells, type_, uniform):
    """Every field is the same moment, and the same cells are rejected and noted."""
    cells = [first, *cells]
    expected = as_texts(cells, type_, uniform)
    serials = SerialColumn(rule(type_))

    found = serials.convert(as_column(cells, uniform), ColumnConverter(rule(type_)).convert)

    assert serials.taken
    assert (found.rejected, found.notes) == (expected.rejected, expected.notes)
    read = [v if v == NULL else from_serial(v.decode(), type_).encode() for v in found.values]
    assert read == list(expected.values)


@given(st.datetimes())
def test_a_moment_survives_as_a_serial(moment):
    """To the millisecond, in every year."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    shown = moment.isoformat(" ", "milliseconds" if moment.microsecond else "seconds")

    assert from_serial(to_serial(shown.encode()).decode(), "timestamp") == shown
    assert from_serial(to_serial(shown[:10].encode()).decode(), "date") == shown[:10]


@pytest.mark.parametrize(
    ("type_", "more"),
    [
        ("timestamptz", {}),
        ("text", {}),
        ("date", {"key": True}),
        ("timestamp", {"date_1904": True}),
    ],
)
def test_other_columns_stay_texts(type_, more):
    """A zone, a key and the 1904 calendar are not for serials."""
    cells = as_column([date("45974")])
    convert_texts = ColumnConverter(rule(type_, **more)).convert

    found = SerialColumn(rule(type_, **more)).convert(cells, convert_texts)

    assert found == convert_texts(cells)


def test_a_domain_stays_texts():
    """It may refuse what its type takes: PostgreSQL must see the text and say so."""
    of_domain = rule("date")._replace(column=column("field", "date")._replace(declared="day"))

    assert SerialColumn(of_domain).taken is False


def test_the_first_cell_decides_for_all_sheets():
    """A text in the first row makes texts of all dates, a date serials of all texts."""
    eta = table(column("hawb"), column("eta", "timestamp"), column("atd", "timestamp"))
    first = sheet("HAWB|ETA|ATD", [text("H1"), text("2025-11-13"), date("45974")])
    second = sheet("HAWB|ETA|ATD", [text("H2"), date("45974"), text("2025-11-13")])
    second.name = "Sheet2"

    result = convert(eta, first, second)

    assert result.report["serials"] == {"atd": "timestamp"}
    assert [line[1:3] for line in result.lines] == [
        ["2025-11-13 00:00:00", "45974"],
        ["2025-11-13 00:00:00", "45974"],
    ]


@pytest.mark.parametrize("keys", [("H1", "H2"), ("H1", "H1")])
def test_the_same_serials_of_another_type_are_other_rows(keys):
    """A date column that becomes a timestamp: the next file brings its times of day, and is no
    duplicate of the one before; of one type it is."""
    rows = [[text(key), date("45974.5")] for key in keys]
    days, moments = (table(column("hawb"), column("eta", type_)) for type_ in ("date", "timestamp"))
    first, again, after = (
        convert(target, sheet("HAWB|ETA", *rows)) for target in (days, days, moments)
    )

    assert first.lines == after.lines
    assert first.report["sha256"] == again.report["sha256"] != after.report["sha256"]


def test_a_bare_number_is_a_date_only_where_it_may_be_one():
    """What decides that is today's date, which the server knows nothing of."""
    serials = SerialColumn(rule("timestamp"))
    cells = as_column([date("45974"), number("90000")])

    found = serials.convert(cells, ColumnConverter(rule("timestamp")).convert)

    assert found.values == [b"45974", NULL]
    assert found.rejected[1].rule == "date-implausible"
