"""Targets as users have them: names, types, keys, partitions, and what is refused clearly."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from tests.database.rows import Target, counts, hour
from ttcli.database.target import read_table
from ttcli.errors import ConfigError
from ttcli.table import TableColumn, TargetTable, from_json, to_json

MakeTarget = Callable[..., Target]
ODD_TYPES = """
CREATE EXTENSION citext;
CREATE TYPE state AS ENUM ('DEP', 'ARR');
CREATE DOMAIN code AS varchar(3) CHECK (value <> 'bad');
CREATE DOMAIN country AS code NOT NULL DEFAULT 'DE';
CREATE TABLE tracking_data (
    id int GENERATED ALWAYS AS IDENTITY, serial_no serial, hawb citext PRIMARY KEY,
    status state, origin country, pieces int,
    double_pieces int GENERATED ALWAYS AS (pieces * 2) STORED,
    weight numeric(10,2) NOT NULL, on_day date, seen_at timestamptz, notes jsonb, raw json,
    flags text[], fixed char(4), "Upper Case" text DEFAULT 'x')
"""


def read(place: Target, **settings: Any) -> TargetTable:
    """The table as read with some other settings."""
    return read_table(place.connection, place.settings._replace(**settings))


def test_columns_come_with_their_types(make_target: MakeTarget) -> None:
    """Base type, declared type, length, need and labels of every column, in the table's order."""
    table = read(make_target(ODD_TYPES))

    expected = [
        TableColumn("id", "int4", "integer", writable=False, fallback=""),
        TableColumn("serial_no", "int4", "integer"),
        TableColumn("hawb", "citext", "citext", required=True, loose=True),
        TableColumn("status", "state", "enum", labels=("DEP", "ARR")),
        TableColumn("origin", "varchar", "country", length=3),
        TableColumn("pieces", "int4", "integer"),
        TableColumn("double_pieces", "int4", "integer", writable=False),
        TableColumn("weight", "numeric", "numeric(10,2)", required=True),
        TableColumn("on_day", "date", "date"),
        TableColumn("seen_at", "timestamptz", "timestamp with time zone"),
        TableColumn("notes", "jsonb", "jsonb"),
        TableColumn("raw", "json", "json"),
        TableColumn("flags", "_text", "text[]"),
        TableColumn("fixed", "bpchar", "character(4)", length=4),
        TableColumn("Upper Case", "text", "text"),
    ]
    found = [column._replace(fallback="") for column in table.columns]
    assert found == [c._replace(declared="state") if c.labels else c for c in expected]
    assert [c.name for c in table.columns if c.fallback] == ["serial_no"]
    assert from_json(to_json(table)) == table


def test_odd_types_load_and_reload(make_target: MakeTarget) -> None:
    """Enums, domains, JSON, arrays and dates load, and equal ones stay as they are."""
    target = make_target(ODD_TYPES)
    columns = ("hawb", "status", "origin", "pieces", "weight", "on_day", "seen_at", "notes", "raw",
               "flags", "fixed", "Upper Case")  # fmt: skip
    row = ["H1", "DEP", "DE", 3, "1.5", "2026-08-22", "2026-08-22 12:00:00", '{"a": [1, 2]}',
           '{"b":  1}', "{x,y}", "ab", "1"]  # fmt: skip
    assert counts(target.rows([row], columns=columns)) == (1, 0, 0, 0)

    equal = target.rows([["H1", *row[1:-1], "2"], ["H2", *row[1:]]], columns=columns, at=hour(1))
    assert counts(equal) == (1, 1, 0, 0)
    again = target.rows([["H2", *row[1:]]], columns=columns, at=hour(2))
    assert counts(again) == (0, 0, 1, 0)

    stored = target.all('id, double_pieces, weight::text, seen_at::text, fixed, "Upper Case"')
    target.database.run("SET timezone = 'UTC'")
    assert [(r[0], r[1], r[2], r[4], r[5]) for r in stored] == [
        (1, 6, "1.50", "ab  ", "2"),
        (2, 6, "1.50", "ab  ", "1"),
    ]


def test_values_that_odd_types_refuse_are_rejected(make_target: MakeTarget) -> None:
    """The careful way converts exactly as COPY does: nothing is cut or guessed."""
    target = make_target(ODD_TYPES)
    columns = ("hawb", "weight", "origin", "status", "notes", "fixed", "flags")
    good = ("1", "DE", "DEP", "{}", "abcd", "{x}")
    rows = [
        ("H1", *good),
        ("H2", "1", "bad", *good[2:]),
        ("H3", "1", "toolong", *good[2:]),
        ("H4", "1", "DE", "DLV", *good[3:]),
        ("H5", "1", "DE", "DEP", "{", *good[4:]),
        ("H6", *good[:4], "abcde", "{x}"),
        ("H7", *good[:5], "{"),
        ("h1", *good),
    ]

    loaded = target.rows(rows, columns=columns)

    assert counts(loaded) == (1, 0, 0, 0)
    assert target.all("hawb") == [("h1",)]
    messages = {reject.key: reject.message for reject in loaded.rejects}
    assert messages["H1"] == "a later row of the file has the same key"
    assert messages["H2"].startswith("origin: value for domain country violates check")
    assert messages["H3"] == "origin: value too long for type character varying(3)"
    assert messages["H4"] == 'status: invalid input value for enum state: "DLV"'
    assert messages["H5"] == "notes: invalid input syntax for type json"
    assert messages["H6"] == "fixed: value too long for type character(4)"
    assert messages["H7"].startswith("flags: malformed array literal")


def test_a_change_of_case_is_written(make_target: MakeTarget) -> None:
    """Types whose equality is loose do not keep a correction from being written."""
    target = make_target(
        "CREATE EXTENSION citext;"
        "CREATE COLLATION loose"
        " (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, a citext, b text COLLATE loose, c json)"
    )
    columns = ("hawb", "a", "b", "c")
    target.rows([("H1", "x", "x", "{}")], columns=columns)

    target.rows([("H1", "X", "X", "{ }")], columns=columns, at=hour(1))

    assert target.all("a::text, b, c::text") == [("X", "X", "{ }")]


def test_names_are_taken_exactly_then_folded(make_target: MakeTarget) -> None:
    """As configured first, in lower case second; table, schema and key alike."""
    target = make_target(
        'CREATE TABLE "Tracking" ("HAWB" text PRIMARY KEY);'
        "CREATE TABLE tracking (hawb text PRIMARY KEY);"
        "CREATE SCHEMA other; CREATE TABLE other.only (hawb text PRIMARY KEY)"
    )

    assert read(target, target=("Tracking",), key=("HAWB",)).key == ("HAWB",)
    assert read(target, target=("TRACKING",), key=("HAWB",)).key == ("hawb",)
    found = read(target, target=("Other", "ONLY"), key=("Hawb",))
    assert (found.schema, found.name, found.key) == ("other", "only", ("hawb",))


def test_a_table_without_schema_follows_the_search_path(make_target: MakeTarget) -> None:
    """The role's search_path decides, as it does for psql."""
    target = make_target(
        "CREATE SCHEMA mine; CREATE TABLE mine.tracking_data (hawb text PRIMARY KEY)"
    )
    with pytest.raises(ConfigError, match=r"set DB_TARGET_TABLE=mine\.tracking_data"):
        read(target)

    with target.connection.cursor() as cursor:
        cursor.execute("SET search_path = mine, public")
        target.connection.commit()

    assert read(target).schema == "mine"


@pytest.mark.parametrize(
    ("ddl", "words"),
    [
        ("CREATE TABLE tracking_data (hawb text)", "no unique index on exactly"),
        ("CREATE TABLE tracking_data (hawb text, b text, UNIQUE (hawb, b))", "no unique index"),
        (
            "CREATE TABLE tracking_data (hawb text);"
            "CREATE UNIQUE INDEX part ON tracking_data (hawb) WHERE hawb <> ''",
            "part is partial",
        ),
        (
            "CREATE TABLE tracking_data (hawb text, CONSTRAINT later UNIQUE (hawb) DEFERRABLE)",
            "later is deferrable",
        ),
        (
            "CREATE TABLE tracking_data (hawb text);"
            "CREATE UNIQUE INDEX ON tracking_data (lower(hawb))",
            "no unique index",
        ),
        ("CREATE VIEW tracking_data AS SELECT 'x' AS hawb", "is a view"),
        ("CREATE TABLE tracking_data (id int PRIMARY KEY)", "has no column hawb"),
        (
            "CREATE TABLE tracking_data (hawb int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
            "generated and cannot be the key",
        ),
        ("CREATE TABLE another (hawb text)", "does not exist"),
    ],
)
def test_what_cannot_be_loaded_is_refused_by_name(
    make_target: MakeTarget, ddl: str, words: str
) -> None:
    """A missing key, table or unique index says what it found and the statement that helps."""
    with pytest.raises(ConfigError, match=words) as caught:
        read(make_target(ddl))

    assert caught.value.hint


@pytest.mark.parametrize("how", ["HASH (hawb)", "RANGE (hawb)"])
def test_partitioned_tables_load(make_target: MakeTarget, how: str) -> None:
    """Hash and range partitions by the key: inserts, updates and equal rows are counted."""
    bounds = "WITH (MODULUS 2, REMAINDER {})" if "HASH" in how else "FROM ('{}') TO ('{}')"
    parts = [(0, 1), (1, 2)] if "HASH" in how else [("A", "M"), ("M", "Z")]
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, status text, pieces int,"
        f" source_at timestamptz) PARTITION BY {how};"
        + ";".join(
            f"CREATE TABLE part{n} PARTITION OF tracking_data FOR VALUES {bounds.format(*part)}"
            for n, part in enumerate(parts)
        )
    )
    target.rows([("C", "x", 1), ("T", "x", 1)])

    loaded = target.rows([("B", "x", 1), ("C", "x", 1), ("T", "y", 1)], at=hour(1))

    assert counts(loaded) == (1, 1, 1, 0)
    assert target.all("hawb, status") == [("B", "x"), ("C", "x"), ("T", "y")]
    if "RANGE" in how:
        outside = target.rows([("zz", "x", 1)], at=hour(2))
        assert "no partition of relation" in outside.rejects[0].message


def test_triggers_run_and_may_swallow_rows(make_target: MakeTarget) -> None:
    """A trigger that drops rows leaves counts that still add up to the file's rows."""
    target = make_target("""
        CREATE TABLE tracking_data (hawb text PRIMARY KEY, status text, pieces int);
        CREATE FUNCTION only_big() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.pieces < 5 THEN RETURN NULL; END IF;
            NEW.status = upper(NEW.status);
            RETURN NEW;
        END $$;
        CREATE TRIGGER big BEFORE INSERT OR UPDATE ON tracking_data
            FOR EACH ROW EXECUTE FUNCTION only_big();
    """)

    loaded = target.rows([("H1", "x", 1), ("H2", "x", 9)])

    assert counts(loaded) == (1, 0, 1, 0)
    assert target.all() == [("H2", "X", 9)]


def test_processed_at_tells_utc(make_target: MakeTarget) -> None:
    """Filled times are those of the load, in UTC, whatever zone the server has."""
    target = make_target()
    target.rows([("H1", "DEP", 1)])

    off = "abs(extract(epoch FROM processed_at - (now() AT TIME ZONE 'UTC'))) < 60"
    assert target.all(off) == [(True,)]


def test_a_long_file_name_is_cut_to_its_column(make_target: MakeTarget) -> None:
    """The name of the sender's file cannot keep its rows out."""
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, file_source varchar(5))"
    )
    target.rows([("H1",)], columns=("hawb",), file_name="very long.xlsx")

    assert target.all("file_source") == [("very ",)]


def test_a_column_that_takes_no_file_name_is_left_empty(make_target: MakeTarget) -> None:
    """A file_source that is no text is somebody else's: the rows load without it."""
    target = make_target("CREATE TABLE tracking_data (hawb text PRIMARY KEY, file_source int)")

    assert counts(target.rows([("H1",)], columns=("hawb",))) == (1, 0, 0, 0)
    assert target.all("file_source") == [(None,)]


def test_the_workbook_does_not_set_our_columns(target: Target) -> None:
    """A column that ttcli fills is filled by ttcli, also when the workbook has one of its name."""
    target.rows(
        [("H1", "theirs", "1999-01-01")],
        columns=("hawb", "file_source", "source_at"),
        file_name="ours",
    )

    assert target.all("file_source, source_at") == [("ours", hour(0))]
