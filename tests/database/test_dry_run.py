"""`load --dry-run`: the same statements, rolled back."""

from __future__ import annotations

from typing import Any, Callable

from tests.database.rows import Target, counts, hour, make_load
from ttcli.database.load import DryRun, dry_run
from ttcli.database.target import read_table

MakeTarget = Callable[..., Target]


def rehearse(target: Target, item: Any, **options: Any) -> DryRun:
    """A dry run of one item."""
    table = read_table(target.connection, target.settings)
    return dry_run(target.connection, target.settings, table, item, **options)


def test_a_dry_run_tells_what_the_load_then_does(target: Target) -> None:
    """Same counts, the first rows with old and new values, and nothing is changed."""
    target.rows([("H1", "DEP", 1), ("H2", "DEP", 2)])
    item = make_load(
        target.folder, [("H1", "ARR", 1), ("H2", "DEP", 2), ("H3", "DEP", None)], at=hour(1)
    )

    told = rehearse(target, item)

    assert [tuple(each) for each in told.differences] == [
        ("1:2", "H1", False, (("status", "DEP", "ARR"),)),
        ("1:4", "H3", True, (("status", None, "DEP"),)),
    ]
    assert target.all() == [("H1", "DEP", 1), ("H2", "DEP", 2)]
    assert target.database.run("SELECT count(*) FROM tracking_data_loads") == [(1,)]
    assert counts(target.load(item)) == counts(told.loaded) == (1, 1, 1, 0)


def test_a_dry_run_creates_nothing(target: Target) -> None:
    """Neither staging schema nor ledger is left by a dry run."""
    rehearse(target, make_load(target.folder, [("H1", "DEP", 1)]))

    left = target.database.run(
        "SELECT to_regclass('tracking_data_loads'), to_regnamespace('temp_processing')"
    )
    assert left == [(None, None)]


def test_a_dry_run_tells_rejects(make_target: MakeTarget) -> None:
    """Rows that the table would refuse are told like those of a load."""
    target = make_target(
        "CREATE TABLE tracking_data"
        " (hawb text PRIMARY KEY, status text, pieces int CHECK (pieces > 0))"
    )
    item = make_load(target.folder, [("H1", "DEP", 1), ("H2", "DEP", 0)])

    told = rehearse(target, item, limit=1)

    assert len(told.differences) == 1
    assert [reject.key for reject in told.loaded.rejects] == ["H2"]
    assert target.all() == []


def test_the_next_item_meets_what_the_first_would_have_written(target: Target) -> None:
    """Of several items the counts are those of loading all of them, also after a refused row."""
    target.database.run("ALTER TABLE tracking_data ADD CHECK (pieces > 0)")
    target.rows([("H1", "BKD", 1)])
    files = [
        [("H1", "DEP", 1), ("H2", "DEP", 1)],
        [("H1", "ARR", 1), ("H2", "DEP", 0)],
        [("H1", "ARR", 1), ("H2", "DLV", 1), ("H3", "DEP", 1)],
    ]
    items = [make_load(target.folder, rows, at=hour(n)) for n, rows in enumerate(files, 1)]

    table = read_table(target.connection, target.settings)
    arguments = (target.connection, target.settings, table)
    told = [dry_run(*arguments, item, keep=True) for item in items]
    target.connection.rollback()

    assert target.all() == [("H1", "BKD", 1)]
    assert told[1].differences[0].changes == (("status", "DEP", "ARR"),)
    loaded = [target.load(item) for item in items]
    assert [counts(one.loaded) for one in told] == [counts(one) for one in loaded]
    assert [counts(one) for one in loaded] == [(1, 1, 0, 0), (0, 1, 0, 0), (1, 1, 1, 0)]
