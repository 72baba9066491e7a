"""What the conversions call good, PostgreSQL takes, and reads as the same value."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rows.made import Kind, column, convert, date, number, rule, sheet, table, text
from tests.rows.test_columns import TYPES, cells, formats, mixed_columns
from ttcli.cells import Cell, from_copy
from ttcli.rows.scalars.kinds import convert_cell, value_of
from ttcli.rows.scalars.rule import NULL, Rejected

KEPT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
EXACT = {"text", "citext", "varchar(5)", "int2", "int4", "int8", "uuid", "timestamp", "date"}

one_cell = st.one_of(*(st.builds(Cell, st.just(k), v, formats) for k, v in cells.items()))


@pytest.fixture()
def cursor(database):
    """A cursor on a database with citext."""
    database.run("CREATE EXTENSION IF NOT EXISTS citext")
    connection = database.connect()
    try:
        with connection.cursor() as found:
            found.execute("SET timezone = 'UTC'; SET datestyle = 'ISO'")
            yield found
    finally:
        connection.close()


def copied(cursor, declared, fields):
    """The fields as PostgreSQL holds them, as text."""
    cursor.execute(f"DROP TABLE IF EXISTS taken; CREATE TEMP TABLE taken (n int, value {declared})")
    lines = b"".join(b"%d\t%s\n" % (n, field) for n, field in enumerate(fields))
    cursor.copy_expert("COPY taken FROM STDIN", io.BytesIO(lines))
    cursor.execute("SELECT value::text FROM taken ORDER BY n")
    return [value for (value,) in cursor.fetchall()]


@pytest.mark.parametrize("type_", [*TYPES, "inet", "cidr", "json", "name", "bpchar(9)"])
@settings(max_examples=12, deadline=None, suppress_health_check=KEPT)
@given(st.lists(one_cell, min_size=20, max_size=40), st.booleans(), st.booleans())
def test_server_takes_what_is_taken(cursor, type_, column_cells, key, date_1904):
    """No field that a conversion gives is refused by its type, and exact types give it back."""
    by = rule(type_, {"date_order": "dmy"}, key=key, date_1904=date_1904)
    fields = [
        value_of(outcome)
        for outcome in (convert_cell(cell, by) for cell in column_cells)
        if not isinstance(outcome, Rejected)
    ]

    held = copied(cursor, by.column.declared, fields)

    for field, value in zip(fields, held):
        if field == NULL:
            assert value is None
        elif type_ in EXACT:
            fraction = "." in value and type_ == "timestamp"
            spelled = from_copy(field).rstrip("0" if fraction else " ")
            assert value.rstrip(" ") == spelled
        elif type_ in ("float8", "float4"):
            assert float(value) == pytest.approx(float(field), rel=1e-6, abs=1e-44)


def test_server_knows_the_formats(cursor):
    """Dates, times, zones, durations and decimals mean to the server what they mean here."""
    ask = [
        ("timestamptz", date("45974.5"), {"zone": "Asia/Tokyo"}, "2025-11-13 03:00:00+00"),
        ("timestamptz", text("2025-11-13 12:00+07:00"), {}, "2025-11-13 05:00:00+00"),
        ("timestamp", date("45974.5736168981"), {}, "2025-11-13 13:46:00.5"),
        ("interval", Cell(Kind.DURATION, "1.25"), {}, "30:00:00"),
        ("interval", Cell(Kind.DURATION, "-0.25"), {}, "-06:00:00"),
        ("time", Cell(Kind.TIME, "0.5"), {}, "12:00:00"),
        ("numeric(10,2)", number("1.005"), {}, "1.01"),
        ("bool", text("yes"), {}, "true"),
    ]
    for declared, cell, said, wanted in ask:
        field = value_of(convert_cell(cell, rule(declared, said)))
        assert copied(cursor, declared, [field]) == [wanted], declared


@settings(max_examples=40, deadline=None, suppress_health_check=KEPT)
@given(st.lists(mixed_columns.map(lambda found: found[:6]), max_size=6))
def test_server_reads_whole_lines(cursor, rows):
    """Whatever the texts hold, a line has its fields and the origin, and each text is itself."""
    target = table(column("hawb"), column("status"), column("remarks"))
    made = sheet("HAWB|Status|Remarks", *rows, block=2)
    result = convert(target, made)
    cursor.execute(
        "DROP TABLE IF EXISTS whole; CREATE TEMP TABLE whole (a text, b text, c text, o text)"
    )
    lines = "".join("\t".join(line) + "\n" for line in result.lines)

    cursor.copy_expert("COPY whole FROM STDIN", io.StringIO(lines))

    cursor.execute("SELECT * FROM whole")
    held = [tuple(row) for row in cursor.fetchall()]
    assert held == [
        tuple(None if field == "\\N" else from_copy(field.encode()) for field in line)
        for line in result.lines
    ]
