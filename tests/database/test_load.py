"""The laws of a load, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.database.rows import NOON, Target, counts, hour, make_load
from ttcli.database.ledger import last_loads
from ttcli.database.target import read_table
from ttcli.errors import ConfigError
from ttcli.table import Policy

A = [("H1", "DEP", 1), ("H2", "ARR", 2)]
B = [("H1", "ARR", 1), ("H2", "ARR", 2)]

MakeTarget = Callable[..., Target]


def test_new_rows_are_inserted_and_filled_in(target: Target) -> None:
    """New rows carry what the workbook brought and what we fill in; other columns stay NULL."""
    loaded = target.rows(A, file_name="late \N{SNOWMAN}.xlsx")

    assert counts(loaded) == (2, 0, 0, 0)
    assert target.all() == A
    filled = target.all("hawb, weight, processed_at IS NOT NULL, file_source, source_at")
    assert filled[0] == ("H1", None, True, "late \N{SNOWMAN}.xlsx", NOON)


def test_only_rows_that_differ_are_written(target: Target) -> None:
    """An equal row keeps its very row version; a changed one gets the new file and time."""
    target.rows(A)
    before = dict(target.all("hawb, xmin::text"))

    loaded = target.rows(B, at=hour(1), file_name="b.xlsx")

    after = dict(target.all("hawb, xmin::text"))
    assert counts(loaded) == (0, 1, 1, 0)
    assert after["H2"] == before["H2"]
    assert after["H1"] != before["H1"]
    assert target.all("hawb, file_source, source_at")[0] == ("H1", "b.xlsx", hour(1))


def test_columns_outside_the_workbook_are_untouched(target: Target) -> None:
    """A workbook without a column changes nothing in it; a blank cell clears its own."""
    target.rows(A)

    target.rows([("H1", None)], columns=("hawb", "status"), at=hour(1))

    assert target.all() == [("H1", None, 1), A[1]]


def test_rejected_cells_leave_the_stored_value(target: Target) -> None:
    """A cell named in the row's origin keeps its stored value, and is NULL in a new row."""
    target.rows(A)

    loaded = target.rows(
        [("H1", None, None), ("H3", None, 3)], at=hour(1), untouched={0: "2,3", 1: "2"}
    )

    assert counts(loaded) == (1, 0, 1, 0)
    assert target.all() == [*A, ("H3", None, 3)]


def test_older_rows_never_overwrite_newer(target: Target) -> None:
    """A late item's rows are stale where the table's are newer, and load where there are none."""
    target.rows(B, at=hour(1))

    loaded = target.rows([*A, ("H3", "DEP", 3)])

    assert counts(loaded) == (1, 0, 0, 2)
    assert target.all() == [*B, ("H3", "DEP", 3)]


def test_without_an_as_of_column_the_last_load_wins(make_target: MakeTarget) -> None:
    """Without the column there is no guard, and everything else works."""
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, status text, pieces int)"
    )
    target.rows(B, at=hour(1))

    assert counts(target.rows(A)) == (0, 1, 1, 0)
    assert target.all() == A


def test_the_same_item_is_loaded_once(target: Target) -> None:
    """The ledger knows the item: nothing happens, and the first load's numbers are told."""
    item = make_load(target.folder, A)
    target.load(item)
    target.database.run("DELETE FROM tracking_data")

    again = target.load(item)

    assert again.already
    assert counts(again) == (2, 0, 0, 0)
    assert target.all() == []
    assert target.database.run("SELECT count(*) FROM tracking_data_loads") == [(1,)]


def test_a_duplicate_is_skipped_and_said_so(target: Target) -> None:
    """The same rows again, nothing in between: skipped, with a row in the ledger."""
    first = make_load(target.folder, A)
    target.load(first)
    target.database.run("DELETE FROM tracking_data")

    for later in (1, 2):
        loaded = target.rows(A, at=hour(later))
        assert loaded.duplicate_of == first.item_id
        assert counts(loaded) == (0, 0, 2, 0)

    assert target.all() == []
    ledger = target.database.run(
        "SELECT unchanged, duplicate_of FROM tracking_data_loads ORDER BY number"
    )
    assert ledger == [(0, None), (2, first.item_id), (2, first.item_id)]


def test_a_b_a_ends_as_a(target: Target) -> None:
    """The third file repeats the first and yet is loaded: something came in between."""
    for later, rows in enumerate((A, B, A)):
        loaded = target.rows(rows, at=hour(later))
        assert loaded.duplicate_of is None

    assert target.all() == A


def test_a_duplicate_of_a_stale_load_is_loaded(target: Target) -> None:
    """A load whose rows were stale must not keep the same rows, sent later, from winning."""
    target.rows(B, at=hour(2))
    assert counts(target.rows(A, at=hour(1))) == (0, 0, 0, 2)

    assert counts(target.rows(A, at=hour(3))) == (0, 1, 1, 0)
    assert target.all() == A


def test_the_same_cells_under_other_headings_are_no_duplicate(target: Target) -> None:
    """Equal bytes of rows.tsv mean something else when they stand in other columns."""
    rows = [("H1", "7")]
    target.rows(rows, columns=("hawb", "status"))

    loaded = target.rows(rows, columns=("hawb", "pieces"), at=hour(1))

    assert loaded.duplicate_of is None
    assert target.all() == [("H1", "7", 7)]


def test_the_ledger_tells_the_last_loads(target: Target) -> None:
    """Newest first, with every documented column, texts cleaned of what PostgreSQL refuses."""
    target.rows(A, subject="bad \x00 \udc80 subject")
    target.rows(B, at=hour(1), rejected=3)
    table = read_table(target.connection, target.settings)

    newest, oldest = last_loads(target.connection, target.settings, table, 5)

    assert [newest[name] for name in ("updated", "unchanged", "rejected")] == [1, 1, 3]
    assert newest["source_at"] == hour(1)
    assert oldest["subject"] == "bad  ? subject"
    assert oldest["ttcli_version"]


def test_nothing_is_left_in_the_staging_schema(target: Target) -> None:
    """The staging table goes with its transaction."""
    target.rows(A)

    left = target.database.run(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'temp_processing'::regnamespace"
    )
    assert left == [(0,)]


def test_odd_names_are_quoted(make_target: MakeTarget) -> None:
    """Schema, table, columns and staging schema may need quoting and hold a percent sign."""
    target = make_target(
        'CREATE SCHEMA "My Schema"; CREATE TABLE "My Schema"."Track""ing %s" '
        '("Ha%wb ""1""" text PRIMARY KEY, "SELECT" text)',
        target=("My Schema", 'Track"ing %s'),
        key=('Ha%wb "1"',),
        temp_schema="Temp %s",
    )

    loaded = target.rows([("H1", "x%")], columns=('Ha%wb "1"', "SELECT"), untouched={0: "2"})

    assert counts(loaded) == (1, 0, 0, 0)
    assert target.all("*", '"My Schema"."Track""ing %s"') == [("H1", "x%")]
    assert target.database.run('SELECT count(*) FROM "My Schema"."Track""ing %s_loads"') == [(1,)]


def test_a_composite_key_is_one_key(make_target: MakeTarget) -> None:
    """Rows are told apart by all key columns together."""
    target = make_target(
        "CREATE TABLE tracking_data"
        " (hawb text, forwarder text, status text, UNIQUE (hawb, forwarder))",
        key=("forwarder", "hawb"),
    )
    columns = ("hawb", "forwarder", "status")
    target.rows([("H1", "X", "a"), ("H1", "Y", "b")], columns=columns)

    loaded = target.rows([("H1", "Y", "c")], columns=columns, at=hour(1))

    assert counts(loaded) == (0, 1, 0, 0)
    assert target.all("forwarder, status") == [("X", "a"), ("Y", "c")]


def test_existing_rows_need_no_required_column(make_target: MakeTarget) -> None:
    """A status workbook updates rows although it lacks a column that new rows would need."""
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, consignee text NOT NULL, status text)"
    )
    target.rows([("H1", "Acme", "DEP")], columns=("hawb", "consignee", "status"))

    loaded = target.rows([("H1", "ARR")], columns=("hawb", "status"), at=hour(1))

    assert counts(loaded) == (0, 1, 0, 0)
    assert target.all("*") == [("H1", "Acme", "ARR")]


def test_thousands_of_rows_are_counted_exactly(target: Target) -> None:
    """The four counts add up to the file's rows in a mixed load of some size."""
    target.rows([(f"H{n:05}", "DEP", n) for n in range(3000)])
    target.rows([(f"H{n:05}", "NEW", n) for n in range(2000, 2500)], at=hour(5))

    mixed = [(f"H{n:05}", "DEP" if n % 2 else "ARR", n) for n in range(1000, 4000)]
    loaded = target.rows(mixed, at=hour(1))

    assert counts(loaded) == (1000, 750, 750, 500)


def test_a_column_that_vanished_is_a_configuration_error(target: Target) -> None:
    """Rows read for a column that the table has lost are refused by name, before any change."""
    with pytest.raises(ConfigError, match="no column gone"):
        target.rows([("H1", 1)], columns=("hawb", "gone"))


def test_a_target_dropped_meanwhile_is_a_configuration_error(
    target: Target, tmp_path: Path
) -> None:
    """The table may go between reading its columns and the load."""
    from ttcli.database.load import load_item

    table: Any = read_table(target.connection, target.settings)
    target.database.run("DROP TABLE tracking_data")

    with pytest.raises(ConfigError, match="tracking_data"):
        load_item(target.connection, target.settings, table, make_load(tmp_path, A))


def test_the_same_file_under_another_policy_is_no_duplicate(target: Target) -> None:
    """A change that a policy refused is made once mapping.toml lets it, by the file sent again."""
    target.rows(A)
    refused = target.rows(B, at=hour(1), policies={"status": Policy("fill")})
    assert (refused.refused, target.all()) == (1, A)

    assert target.rows(B, at=hour(2), policies={"status": Policy("fill")}).duplicate_of
    assert counts(target.rows(B, at=hour(3))) == (0, 1, 1, 0)
    assert target.all() == B


def test_equal_rows_cost_no_wal(target: Target) -> None:
    """A reload that changes nothing writes the ledger, not the rows: bytes, not megabytes."""
    rows = [(f"H{n:05}", "DEP " * 20, n) for n in range(5000)]
    target.rows(rows)
    target.rows(rows[::-1], at=hour(1))
    before = _wal(target)

    loaded = target.rows([*rows[1:], rows[0]], at=hour(2))

    assert counts(loaded) == (0, 0, 5000, 0)
    assert _wal(target) - before < 100_000


def _wal(target: Target) -> int:
    return int(target.database.run("SELECT pg_current_wal_lsn() - '0/0'")[0][0])


def test_the_same_rows_may_be_refused_once_the_table_was_altered(target: Target) -> None:
    """That they repeat the last load does not make a fault of the world of what one row cannot."""
    target.rows(A)
    target.database.run("ALTER TABLE tracking_data ALTER status TYPE varchar(2) USING ''")

    loaded = target.rows([*A], at=hour(1))

    assert (loaded.duplicate_of, len(loaded.rejects)) == (None, 2)
    assert "too long" in loaded.rejects[0].message
