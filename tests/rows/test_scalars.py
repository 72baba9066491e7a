"""The rules for single cells, as EXCEL practice and the target types demand them."""

from __future__ import annotations

import datetime

import pytest

from tests.rows.made import TODAY, Cell, Kind, converted, date, number, text, word
from ttcli.rows.scalars.rule import NULL, Noted
from ttcli.rows.scalars.text import canonical


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        (number("123456789"), b"123456789"),
        (number("123456789.0"), b"123456789"),
        (number("1.5E3"), b"1500"),
        (number("1.1000000000000001"), b"1.1"),
        (number("0.05"), b"0.05"),
        (number("5.0000000000000003E-2"), b"0.05"),
        (number("-12.50"), b"-12.5"),
        (number("0E999999999"), b"0"),
        (date("45974"), b"2025-11-13"),
        (date("45974.5"), b"2025-11-13 12:00:00"),
        (Cell(Kind.TIME, "0.5"), b"12:00:00"),
        (Cell(Kind.DURATION, "1.25"), b"30:00:00"),
        (Cell(Kind.BOOL, "1"), b"TRUE"),
        (text("NA"), b"NA"),
        (text("NULL"), b"NULL"),
        (text("-"), b"-"),
        (text(" \u00a0\t"), NULL),
        (text("a\tb\\\n"), rb"a\tb\\\n"),
        (text("\\N"), rb"\\N"),
        (text(" kept "), b" kept "),
        (text("a\0b"), b"ab"),
    ],
)
def test_text_column_takes_every_kind(cell, field):
    """A text column holds what the workbook means, exactly and without `.0`."""
    assert converted(cell) == field


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (Cell(Kind.ERROR, "#N/A"), "error-cell"),
        (Cell(Kind.FORMULA, "=A1"), "formula-not-calculated"),
        (number("1E999"), "number-text"),
        (number("abc"), "number-text"),
        (number("1_000"), "number-text"),
    ],
)
def test_what_no_column_takes(cell, rule):
    """Errors, formulas without value and digits that are none are rejected by name."""
    assert word(converted(cell)) == rule


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        (number("123456789"), b"123456789"),
        (number("123456789.0"), b"123456789"),
        (number("999999999999999"), b"999999999999999"),
        (text(" AB\u200b12\u00a0"), b"AB12"),
        (text("ＡＢ１２"), b"AB12"),
        (text("ab12"), b"ab12"),
        (text("12345E10"), b"12345E10"),
        (text("5E10"), b"5E10"),
        (text("0012"), b"0012"),
        (text("AB  12"), b"AB 12"),
    ],
)
def test_key_is_canonical_and_never_guessed(cell, field):
    """A key loses what cannot be seen and nothing else."""
    assert converted(cell, key=True) == field


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (number("1000000000000000"), "key-precision"),
        (number("1.23457E+17"), "key-precision"),
        (number("12.5"), "key-fraction"),
        (text("1.23457E+11"), "key-scientific"),
        (text("1,23457E+11"), "key-scientific"),
        (text("1.23457e17"), "key-scientific"),
        (text("1E+11"), "key-scientific"),
        (date("45000"), "key-date"),
        (Cell(Kind.BOOL, "1"), "wrong-kind"),
        (Cell(Kind.ERROR, "#REF!"), "error-cell"),
    ],
)
def test_damaged_key_is_rejected(cell, rule):
    """A key whose digits a spreadsheet has lost is refused, not repaired."""
    assert word(converted(cell, key=True)) == rule


def test_pattern_allows_what_looks_scientific():
    """A key that the column's pattern allows is not taken for a damaged number."""
    settings = {"pattern": r"\d\.\d+E\+\d+"}

    assert converted(text("1.5E+11"), key=True, settings=settings) == b"1.5E+11"
    assert word(converted(text("AB1"), key=True, settings=settings)) == "pattern"


def test_zero_format_pads_and_counts():
    """A number shown as 00012345678 is that text, and counted as repaired."""
    assert converted(number("12345678", 11), key=True) == Noted(b"00012345678", "zero-padded")
    assert converted(number("12345678", 8), key=True) == b"12345678"
    assert converted(number("-5", 4)) == b"-5"


def test_declared_padding_fills_digits_only():
    """`pad` fills digits, and leaves a text with letters alone."""
    assert converted(number("12"), settings={"pad": 5}) == Noted(b"00012", "zero-padded")
    assert converted(text("12"), settings={"pad": 5}) == Noted(b"00012", "zero-padded")
    assert converted(text("A2"), settings={"pad": 5}) == b"A2"


@pytest.mark.parametrize(
    ("cell", "outcome"),
    [
        (number("2081140743"), Noted(b"020-81140743", "mawb-leading-zero")),
        (text("2081140743"), Noted(b"020-81140743", "mawb-leading-zero")),
        (number("17612345675"), b"176-12345675"),
        (text("176-12345675"), b"176-12345675"),
        (text("176 1234 5675"), b"176-12345675"),
        (text("589-81140743"), b"589-81140743"),
        (text("176-61734665"), b"176-61734665"),
        (text("176-61734666"), Noted(b"176-61734666", "mawb-check-digit")),
        (text("176-12345678"), Noted(b"176-12345678", "mawb-check-digit")),
        (text("17661734666"), Noted(b"17661734666", "mawb-check-digit")),
        (text("2081140744"), b"2081140744"),
        (text("TRUCK"), b"TRUCK"),
        (number("2081140743", 11), Noted(b"020-81140743", "zero-padded")),
    ],
)
def test_mawb_is_repaired_only_by_its_check_digit(cell, outcome):
    """A MAWB number gets its zero back where the check digit proves it, and is never dropped."""
    assert converted(cell, name="mawb") == outcome


def test_check_digit_can_be_a_reason_to_reject():
    """`check_digit` decides whether a wrong one is a warning, a reject or nothing."""
    wrong = text("176-61734666")

    assert (
        word(converted(wrong, name="mawb", settings={"check_digit": "reject"}))
        == "mawb-check-digit"
    )
    assert converted(wrong, name="mawb", settings={"check_digit": "ignore"}) == b"176-61734666"


def test_null_words_belong_to_their_column():
    """A null word is NULL in its column only, in any case."""
    assert converted(text(" n/A "), settings={"null_words": ("n/a",)}) == NULL
    assert converted(text("n/a")) == b"n/a"


def test_too_long_is_rejected():
    """A text that varchar(n) cannot hold is rejected; blanks beyond n do not count, as in SQL."""
    assert word(converted(text("abcdef"), "varchar(5)")) == "too-long"
    assert converted(text("ééééé"), "varchar(5)") == "ééééé".encode()
    assert converted(text("abcde  "), "varchar(5)") == b"abcde  "


@pytest.mark.parametrize(
    ("cell", "type_", "field"),
    [
        (number("3"), "int4", b"3"),
        (number("3.0"), "int4", b"3"),
        (number("1E3"), "int4", b"1000"),
        (number("2.9999999999999996"), "int4", b"3"),
        (number("-32768"), "int2", b"-32768"),
        (number("9223372036854774784"), "int8", b"9223372036854774784"),
        (text("12"), "int4", b"12"),
        (text("-3"), "int4", b"-3"),
        (number("1.005"), "numeric(10,2)", b"1.005"),
        (number("0.30000000000000004"), "numeric", b"0.30000000000000004"),
        (number("99.994"), "numeric(4,2)", b"99.994"),
        (text("12.5"), "numeric", b"12.5"),
        (number("1.1000000000000001"), "float8", b"1.1000000000000001"),
        (number("1E-400"), "float8", b"0"),
        (number("0." + "0" * 400 + "1"), "float8", b"0"),
        (number("0.00"), "float8", b"0.00"),
        (number("1"), "bool", b"t"),
        (text("No"), "bool", b"f"),
        (Cell(Kind.BOOL, "0"), "bool", b"f"),
        (text(" "), "int4", NULL),
        (text('{"a": 1}'), "jsonb", b'{"a": 1}'),
        (number("1.50"), "jsonb", b"1.5"),
        (
            text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
            "uuid",
            b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        (text("10.0.0.1"), "inet", b"10.0.0.1/32"),
    ],
)
def test_typed_columns(cell, type_, field):
    """Each type takes what it can hold, digit for digit."""
    assert converted(cell, type_) == field


@pytest.mark.parametrize(
    ("cell", "type_", "rule"),
    [
        (number("3.5"), "int4", "not-whole"),
        (number("2147483648"), "int4", "number-range"),
        (number("40000"), "int2", "number-range"),
        (number("99.995"), "numeric(4,2)", "number-range"),
        (number("1E39"), "float4", "number-range"),
        (text("1,188.50"), "numeric", "number-text"),
        (text("1188 KG"), "numeric", "number-text"),
        (text("12,5"), "numeric", "number-text"),
        (text("1.188"), "numeric", "number-ambiguous"),
        (text("abc"), "int4", "number-text"),
        (date("45000"), "int4", "wrong-kind"),
        (Cell(Kind.BOOL, "1"), "numeric", "wrong-kind"),
        (text("maybe"), "bool", "not-bool"),
        (text("{'a': 1}"), "jsonb", "not-json"),
        (text("NaN"), "json", "not-json"),
        (text('"\\u0000"'), "jsonb", "not-json"),
        (text("[" * 100_000), "jsonb", "not-json"),
        (text("12"), "uuid", "not-uuid"),
        (text("300.1.1.1"), "inet", "not-inet"),
    ],
)
def test_typed_columns_reject(cell, type_, rule):
    """What a type cannot hold, or what can be read in two ways, is rejected with its rule."""
    assert word(converted(cell, type_)) == rule


@pytest.mark.parametrize(
    ("written", "mark", "field"),
    [
        ("1,188.50", ".", b"1188.5"),
        ("1.188,50", ",", b"1188.5"),
        ("12,5", ",", b"12.5"),
        ("1 188,5", ",", b"1188.5"),
        ("1.188", ",", b"1188"),
        ("1.188", ".", b"1.188"),
        ("1188", ",", b"1188"),
        ("-1,188", ".", b"-1188"),
    ],
)
def test_declared_decimal_mark(written, mark, field):
    """With a declared decimal mark a text has one reading."""
    assert converted(text(written), "numeric", settings={"decimal": mark}) == field


@pytest.mark.parametrize("written", ["12,5", "1,18.50", "1.2.3", "1,188 KG", ""])
def test_declared_decimal_mark_is_strict(written):
    """Digits that are not grouped by threes are no number."""
    outcome = converted(text(written), "numeric", settings={"decimal": "."})

    assert outcome == NULL if not written else word(outcome) == "number-text"


def test_declared_unit_may_follow():
    """A unit is accepted where it is declared, in any case, with or without a blank."""
    settings = {"unit": ("kg", "kgs"), "decimal": "."}

    assert converted(text("1,188 KGS"), "numeric", settings=settings) == b"1188"
    assert converted(text("12.5kg"), "numeric", settings=settings) == b"12.5"
    assert word(converted(text("12 lb"), "numeric", settings=settings)) == "number-text"


def test_point_in_a_text_file_is_a_point():
    """A csv has no cell types, so its 1.188 is what every program writes."""
    assert converted(text("1.188"), "numeric", plain_text=True) == b"1.188"


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        (date("45974"), b"2025-11-13 00:00:00"),
        (date("45974.999999999"), b"2025-11-14 00:00:00"),
        (date("45974.573622685188"), b"2025-11-13 13:46:01"),
        (date("45974.5736168981"), b"2025-11-13 13:46:00.500"),
        (date("61"), b"1900-03-01 00:00:00"),
        (date("59"), b"1900-02-28 00:00:00"),
        (date("1"), b"1900-01-01 00:00:00"),
        (date("2958465"), b"9999-12-31 00:00:00"),
        (number("44575"), b"2022-01-14 00:00:00"),
        (text("2025-11-13"), b"2025-11-13 00:00:00"),
        (text("2025-11-13T14:05:06"), b"2025-11-13 14:05:06"),
        (text("2025-11-13 14:05:06.250"), b"2025-11-13 14:05:06.250"),
        (text("2025/11/13 2:05 PM"), b"2025-11-13 14:05:00"),
        (text("20251113"), b"2025-11-13 00:00:00"),
        (text("13-11-2025"), Noted(b"2025-11-13 00:00:00", "date-as-text")),
        (text("11/13/2025 08:30"), Noted(b"2025-11-13 08:30:00", "date-as-text")),
        (text("05.05.2025"), Noted(b"2025-05-05 00:00:00", "date-as-text")),
        (text("13 Nov 2025"), b"2025-11-13 00:00:00"),
        (text("13NOV25"), b"2025-11-13 00:00:00"),
        (text("Nov 13, 2025"), b"2025-11-13 00:00:00"),
        (text("13-Sept-1999"), b"1999-09-13 00:00:00"),
        (text("   "), NULL),
    ],
)
def test_timestamps(cell, field):
    """Serials and texts that decide themselves become timestamps, seconds exact."""
    assert converted(cell, "timestamp") == field


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (text("03/04/2025"), "date-ambiguous"),
        (text("03.04.2025"), "date-ambiguous"),
        (text("13/11/25"), "date-ambiguous"),
        (text("32/13/2025"), "date-ambiguous"),
        (text("2025-02-30"), "date-text"),
        (text("2025-11-13 25:00"), "date-text"),
        (text("tomorrow"), "date-text"),
        (text("44575"), "date-text"),
        (text("13 Foo 2025"), "date-text"),
        (date("60"), "date-range"),
        (date("0.5"), "time-without-date"),
        (date("-1"), "date-range"),
        (date("2958466"), "date-range"),
        (date("1E300"), "date-range"),
        (number("32873"), "date-implausible"),
        (number("47696"), "date-implausible"),
        (number("20251113"), "date-implausible"),
        (Cell(Kind.TIME, "0.5"), "time-without-date"),
        (Cell(Kind.TIME, "1.5"), "time-without-date"),
        (Cell(Kind.DURATION, "1.5"), "wrong-kind"),
        (Cell(Kind.BOOL, "1"), "wrong-kind"),
        (text("2025-11-13T14:05:06Z"), "date-offset"),
    ],
)
def test_doubtful_dates_are_rejected(cell, rule):
    """What can be read in two ways, or is no day at all, is rejected."""
    assert word(converted(cell, "timestamp")) == rule


def test_a_moment_shown_as_hours_only_keeps_its_day():
    """The format `hh:mm` hides the day of 46024.25; the number has it."""
    assert converted(Cell(Kind.TIME, "46024.25"), "timestamp") == b"2026-01-02 06:00:00"
    assert converted(Cell(Kind.TIME, "46024.25"), "date") == b"2026-01-02"


def test_declared_order_decides():
    """`date_order` decides, and is not bent where it cannot be right."""

    def read(written, order):
        return converted(text(written), "date", settings={"date_order": order}, plain_text=True)

    assert read("03/04/2025", "dmy") == b"2025-04-03"
    assert read("03/04/2025", "mdy") == b"2025-03-04"
    assert read("03/04/25", "dmy") == b"2025-04-03"
    assert read("25/04/03", "ymd") == b"2025-04-03"
    assert word(read("03/14/2025", "dmy")) == "date-text"


def test_dates_in_an_order_are_noted():
    """A text like 13/11/2025 beside date cells is a sign that Excel swapped the others."""
    written = text("13/11/2025")

    assert converted(written, "date") == Noted(b"2025-11-13", "date-as-text")
    assert converted(written, "date", plain_text=True) == b"2025-11-13"
    assert converted(text("13 Nov 2025"), "date") == b"2025-11-13"


def test_bare_number_bounds():
    """A bare number is a date from 1990-01-01 to five years from today."""
    last = (
        datetime.date(TODAY.year + 5, TODAY.month, TODAY.day) - datetime.date(1899, 12, 30)
    ).days

    assert converted(number("32874"), "date") == b"1990-01-01"
    assert converted(number(str(last)), "date") == b"2030-06-01"
    assert word(converted(number(str(last + 1)), "date")) == "date-implausible"


def test_epoch_1904():
    """The 1904 system counts from its own first day and has no hole."""
    assert converted(date("0"), "date", date_1904=True) == b"1904-01-01"
    assert converted(date("60"), "date", date_1904=True) == b"1904-03-01"
    assert converted(date("44512.5"), "timestamp", date_1904=True) == b"2025-11-13 12:00:00"
    assert converted(number("44512"), "date", date_1904=True) == b"2025-11-13"


def test_time_zones():
    """timestamptz gets the declared zone, and keeps an offset that a text has."""
    zone = {"zone": "Asia/Ho_Chi_Minh"}

    assert (
        converted(date("45974"), "timestamptz", settings=zone)
        == b"2025-11-13 00:00:00 Asia/Ho_Chi_Minh"
    )
    assert converted(date("45974"), "timestamptz") == b"2025-11-13 00:00:00"
    told = text("2025-11-13T14:05+07:00")
    assert converted(told, "timestamptz", settings=zone) == b"2025-11-13 14:05:00+07:00"
    assert converted(told, "timestamp", settings={"offset": "drop"}) == b"2025-11-13 14:05:00"


@pytest.mark.parametrize(
    ("cell", "type_", "field"),
    [
        (Cell(Kind.TIME, "0.57291666666666663"), "time", b"13:45:00"),
        (text("1:45 pm"), "time", b"13:45:00"),
        (number("0.5"), "time", b"12:00:00"),
        (Cell(Kind.DURATION, "1.1041666666666667"), "interval", b"26:30:00"),
        (text("26:30"), "interval", b"26:30:00"),
        (text("P1DT2H"), "interval", b"P1DT2H"),
        (text("BKD"), "enum", b"BKD"),
    ],
)
def test_times_durations_enums(cell, type_, field):
    """Times of day, durations and labels are taken in their own columns."""
    labels = ("BKD", "DLV") if type_ == "enum" else ()

    assert converted(cell, type_, labels=labels) == field


@pytest.mark.parametrize(
    ("cell", "type_", "rule"),
    [
        (date("45974.5"), "time", "wrong-kind"),
        (text("25:00"), "time", "time-text"),
        (number("5"), "interval", "wrong-kind"),
        (text("two hours"), "interval", "duration-text"),
        (text("bkd"), "enum", "not-in-enum"),
    ],
)
def test_times_durations_enums_reject(cell, type_, rule):
    """A date is no time of day, a number no duration, and labels are exact."""
    labels = ("BKD", "DLV") if type_ == "enum" else ()

    assert word(converted(cell, type_, labels=labels)) == rule


def test_canonical_is_stable():
    """What is canonical stays as it is."""
    once = canonical("\u2003ＡＢ\u200b １\u00ad２\u00a0")

    assert once == canonical(once) == "AB 12"
