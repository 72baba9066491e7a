"""Whole columns give what their cells give one by one, byte for byte."""

from __future__ import annotations

import datetime
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.rows.made import Cell, Format, Kind, as_column, raw, rule
from ttcli.cells import Column, MixedColumn
from ttcli.rows.columns.converter import ColumnConverter, Converted
from ttcli.rows.scalars.kinds import convert_cell, value_of
from ttcli.rows.scalars.rule import NULL, Noted, Rejected

TYPES = [
    "text",
    "varchar(5)",
    "citext",
    "int2",
    "int4",
    "int8",
    "numeric",
    "numeric(6,2)",
    "numeric(2,2)",
    "float4",
    "float8",
    "bool",
    "date",
    "timestamp",
    "timestamptz",
    "time",
    "interval",
    "jsonb",
    "uuid",
]
SETTINGS = [
    {},
    {},
    {},
    {"date_order": "dmy"},
    {"decimal": ","},
    {"decimal": "."},
    {"pad": 7},
    {"case": "upper"},
    {"null_words": ("na",)},
    {"pattern": "[A-Z0-9]+"},
    {"zone": "Asia/Tokyo"},
    {"check_digit": "reject"},
    {"check_digit": "ignore"},
    {"unit": ("kg",)},
    {"form": "mawb"},
    {"form": "text"},
]

digits = st.text("0123456789", min_size=1, max_size=18)
spelled = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "-", "+"]),
    digits,
    st.one_of(st.just(""), st.builds(".{}".format, st.text("0123456789", max_size=18))),
    st.sampled_from(["", "", "", "E3", "e-2", "E+12", "E-320", "E400"]),
)
floats = st.floats(allow_nan=False, allow_infinity=False).map(repr)
serials = st.one_of(
    st.floats(-2, 3_000_000).map(repr),
    st.integers(40_000, 47_000).map(str),
    st.builds(
        lambda day, second: repr(day + second / 86400),
        st.integers(0, 60_000),
        st.integers(0, 86_399),
    ),
)
awbs = st.one_of(
    st.from_regex(r"[0-9]{3}-[0-9]{8}", fullmatch=True),
    st.from_regex(r"[0-9]{10,12}", fullmatch=True),
    st.integers(0, 9_999_999).map(lambda n: f"176-{n:07d}{n % 7}"),
)
keys = st.from_regex(r"[A-Z]{0,3}[-/_. ]?[0-9]{1,8}(E[+-]?[0-9]{1,2})?[a-z]?", fullmatch=True)
words = st.sampled_from(
    [
        "TOTAL",
        "Total: 5",
        "SUM-5",
        "TOTAL5",
        "na",
        "5E-10",
        "1E+5",
        "-5E-10",
        "12,5",
        "1.188",
        "2025-11-13",
        "03/04/2025",
        "13/11/2025 10:00",
        "yes",
        "BKD",
        "\\N",
        "a\\tb",
        "a\tb",
        " x ",
        "12 kg",
        "0.50",
        "-0",
        "AB 12",
        "é" * 5,
    ]
)
anything = st.text(max_size=12).filter(lambda value: "\0" not in value and value.strip())
texts = st.one_of(words, keys, awbs, spelled, anything)
numbers = st.one_of(spelled, floats, serials, digits, awbs.map(lambda awb: awb.replace("-", "")))
odd = st.sampled_from(["1_0", "nan", "inf", " 1", "1\n", "1\n2", "", "0x10", ".5", "5.", "-0", "0"])

cells = {
    Kind.TEXT: texts,
    Kind.NUMBER: st.one_of(numbers, odd.filter(bool)),
    Kind.DATE: st.one_of(serials, odd.filter(bool)),
    Kind.TIME: serials,
    Kind.DURATION: serials,
    Kind.BOOL: st.sampled_from(["0", "1"]),
    Kind.ERROR: st.just("#N/A"),
    Kind.FORMULA: st.sampled_from(["=A1", "="]),
}
formats = st.sampled_from(
    [Format(), Format(), Format(8, False, "00000000"), Format(20, False, "0" * 20)]
)


@st.composite
def rules(draw):
    """A rule for any type, as key or not, with any settings."""
    type_ = draw(st.sampled_from(TYPES))
    labels = ("BKD", "yes") if draw(st.integers(0, 9)) == 0 else ()
    return rule(
        type_,
        draw(st.sampled_from(SETTINGS)),
        name=draw(st.sampled_from(["field", "hawb", "mawb"])),
        key=draw(st.booleans()),
        labels=labels,
        date_1904=draw(st.booleans()),
        plain_text=draw(st.booleans()),
        today=datetime.date(2025, 6, 1),
    )


@st.composite
def uniform_columns(draw):
    """Cells of one kind and format, some blank."""
    kind, shape = draw(st.sampled_from(list(cells))), draw(formats)
    shape = shape if kind is Kind.NUMBER else Format()
    made = st.builds(Cell, st.just(kind), cells[kind], st.just(shape))
    return draw(st.lists(st.one_of(made, made, st.none()), min_size=1, max_size=8))


mixed_columns = st.lists(
    st.one_of(st.none(), *(st.builds(Cell, st.just(k), v, formats) for k, v in cells.items())),
    min_size=1,
    max_size=8,
)


def one_by_one(column_cells, by) -> Converted:
    """The scalar truth for a column."""
    outcomes = [NULL if cell is None else convert_cell(cell, by) for cell in column_cells]
    notes = {}
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, Noted):
            notes.setdefault(outcome.note, []).append(index)
    rejected = {i: outcome for i, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)}
    return Converted([value_of(outcome) for outcome in outcomes], rejected, notes)


def same(found: Converted, wanted: Converted) -> None:
    assert list(found.values) == wanted.values
    assert {i: fault.rule for i, fault in found.rejected.items()} == {
        i: fault.rule for i, fault in wanted.rejected.items()
    }
    assert {note: sorted(places) for note, places in found.notes.items()} == wanted.notes


@settings(max_examples=600, deadline=None)
@given(uniform_columns(), rules())
@example([Cell(Kind.DATE, "0"), None], rule("timestamp", date_1904=True))
@example([Cell(Kind.DATE, "1\n2")], rule("timestamp"))
@example([Cell(Kind.NUMBER, "1\n2")], rule("int4"))
@example([Cell(Kind.NUMBER, "-0"), Cell(Kind.NUMBER, "0.50")], rule("numeric"))
@example([Cell(Kind.TEXT, "5E-10"), Cell(Kind.TEXT, "TOTAL 5")], rule("text", key=True))
def test_uniform_column_equals_its_cells(column_cells, by):
    """A uniform column converts to what each of its cells converts to."""
    found = ColumnConverter(by).convert(as_column(column_cells))

    same(found, one_by_one(column_cells, by))


@settings(max_examples=300, deadline=None)
@given(mixed_columns, rules())
def test_mixed_column_equals_its_cells(column_cells, by):
    """A mixed column converts to what each of its cells converts to."""
    found = ColumnConverter(by).convert(MixedColumn(column_cells))

    same(found, one_by_one(column_cells, by))


@pytest.mark.nightly
@settings(max_examples=20_000, deadline=None)
@given(st.one_of(uniform_columns(), mixed_columns), rules())
def test_any_column_equals_its_cells(column_cells, by):
    """The same for many more columns, each as uniform as it can be, and mixed."""
    wanted = one_by_one(column_cells, by)

    same(ColumnConverter(by).convert(as_column(column_cells)), wanted)
    same(ColumnConverter(by).convert(MixedColumn(column_cells)), wanted)


@settings(max_examples=100, deadline=None)
@given(st.lists(uniform_columns(), min_size=2, max_size=4), rules())
def test_converter_remembers_rightly(blocks, by):
    """Block after block the same converter gives what a fresh one gives."""
    converter = ColumnConverter(by)

    for block in blocks * 2:
        same(converter.convert(as_column(block)), one_by_one(block, by))


@pytest.mark.parametrize("type_", ["timestamp", "date", "timestamptz"])
@pytest.mark.parametrize("date_1904", [False, True])
def test_many_serials(type_, date_1904):
    """Every kind of second and millisecond comes out as the scalar function says it."""
    chance = random.Random(7)
    days = [chance.randrange(61, 2_900_000) for _ in range(3000)]
    parts = [chance.choice([1, 1000, 60_000]) * chance.randrange(1440) / 86_400_000 for _ in days]
    column_cells = [Cell(Kind.DATE, repr(day + part)) for day, part in zip(days, parts)]
    by = rule(type_, date_1904=date_1904)

    found = ColumnConverter(by).convert(as_column(column_cells))

    same(found, one_by_one(column_cells, by))


def test_proof_is_used(monkeypatch):
    """Ordinary columns never go the scalar way: else a slip in a pattern would only be slow."""

    def refuse(cell, by):
        raise AssertionError(cell)

    monkeypatch.setattr("ttcli.rows.columns.converter.convert_cell", refuse)
    ordinary = [
        (Kind.TEXT, ["H00001234", "ABC-12/3", "123"], rule(key=True)),
        (Kind.TEXT, ["176-12345675", "176-61734666"], rule(name="mawb")),
        (Kind.TEXT, ["Müller & Söhne", "a\tb", "x" * 5000], rule()),
        (Kind.TEXT, ["abcde", "é"], rule("varchar(5)")),
        (Kind.TEXT, ["1.188", "12"], rule("numeric", plain_text=True)),
        (Kind.NUMBER, ["0", "7", "123456789"], rule("int4")),
        (Kind.NUMBER, ["0", "7.5", "123.25", "-1"], rule("numeric(10,2)")),
        (Kind.NUMBER, ["0", "0.05", "5.0000000000000003E-2", "1.1000000000000001"], rule("float8")),
        (Kind.NUMBER, ["12345678", "1"], rule(key=True)),
        (Kind.NUMBER, ["12345.5"], rule()),
        (Kind.NUMBER, ["45974", "45974.25"], rule("timestamp")),
        (Kind.DATE, ["45974.573622685188", "45974"], rule("timestamp")),
        (Kind.DATE, ["45974"], rule("date")),
        (
            Kind.TEXT,
            ["2025-11-13", "2025-11-13 14:05:00", "2025-11-13T14:05:00"],
            rule("timestamp"),
        ),
        (Kind.TEXT, ["2025-11-13", "2025-11-13 14:05:00"], rule("date")),
    ]

    for kind, values, by in ordinary:
        found = ColumnConverter(by).convert(
            Column(kind, [b"", *(raw(Cell(kind, value)) for value in values)])
        )
        assert not found.rejected
        assert found.values[0] == NULL
