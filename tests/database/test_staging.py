"""Small files share the session's staging table; large ones get one in a schema of their own."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from tests.database.rows import Target, counts, hour
from tests.fix_postgres import PASSWORD
from ttcli.database import merge, staging

MADE = (
    "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'ttcli_stage%'"
    " AND relpersistence = 't'"
)

MakeTarget = Callable[..., Target]


def _kept(target: Target) -> int:
    return int(target.database.run(MADE)[0][0])


def test_small_files_share_one_table(target: Target) -> None:
    """However many small files of the same columns: one table, empty for each."""
    for number in range(3):
        target.rows([(f"H{number}", "x", number)], at=hour(number))

    assert _kept(target) == 1
    assert len(target.all()) == 3


def test_a_large_file_is_staged_in_the_schema(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the limit an unlogged table is made, and goes with its transaction."""
    monkeypatch.setattr(staging, "_SMALL", 0)
    target.rows([("H1", "x", 1)])
    target.rows([("H1", "x", 1), ("H2", "y", 2)], at=hour(1))

    left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'temp_processing'::regnamespace"
    assert (_kept(target), target.database.run(left)) == (0, [(0,)])
    assert len(target.all()) == 2


def test_a_role_without_temporary_tables_loads_small_files(make_target: MakeTarget) -> None:
    """Where the right to temporary tables was taken from everybody, the schema serves all."""
    target = make_target()
    target.rows([("H0", "x", 1)])
    run, name = target.database.run, target.database.database
    run(f"CREATE ROLE poor LOGIN PASSWORD '{PASSWORD}'")
    try:
        run("GRANT USAGE, CREATE ON SCHEMA temp_processing TO poor")
        run("GRANT SELECT, INSERT, UPDATE ON tracking_data, tracking_data_loads TO poor")
        run(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC')
        poor = make_target("", username="poor")

        loaded = poor.rows([("H0", "x", 1), ("H1", "y", 2)], at=hour(1))

        assert counts(loaded) == (1, 0, 1, 0)
        assert list(poor.connection.stages.values()) == [None]
        poor.close()
    finally:
        run(f'GRANT TEMPORARY ON DATABASE "{name}" TO PUBLIC')
        run("DROP OWNED BY poor; DROP ROLE poor")


def test_a_key_that_another_writer_adds_meanwhile_is_updated(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many new rows go in as if nobody else wrote; where somebody did, the file still wins."""
    original = merge._write

    def late(*arguments: Any) -> Any:
        target.database.run("INSERT INTO tracking_data (hawb, status) VALUES ('H1', 'theirs')")
        return original(*arguments)

    monkeypatch.setattr(merge, "SORTED_AT_MOST", 0)
    monkeypatch.setattr(merge, "_write", late)
    loaded = target.rows([("H1", "ours", 1), ("H2", "ours", 2)])

    assert counts(loaded) == (2, 0, 0, 0)
    assert target.all() == [("H1", "ours", 1), ("H2", "ours", 2)]


def test_another_unique_constraint_still_rejects_its_row(
    make_target: MakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A violation that is not the key's is that row's, among many rows as among few."""
    monkeypatch.setattr(merge, "SORTED_AT_MOST", 0)
    target = make_target()
    target.database.run("CREATE UNIQUE INDEX ON tracking_data (pieces)")

    loaded = target.rows([("H1", "x", 1), ("H2", "x", 2), ("H3", "x", 2)])

    assert counts(loaded) == (2, 0, 0, 0)
    assert [reject.key for reject in loaded.rejects] == ["H3"]
