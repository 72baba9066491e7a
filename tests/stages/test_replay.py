"""replay: a kept original once more, with today's mapping; nothing newer is overwritten."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, List

from tests.fix_world import NOON, World, shipment, workbook

ODD = ("HAWB", "MAWB", "Pieces", "Weight", "ETA", "Lage")


def mapping(world: World, text: str) -> None:
    """mapping.toml beside the configuration."""
    (world.base.parent / "mapping.toml").write_text(text)


def loaded(world: World) -> List[str]:
    """The ids in loaded/, oldest first."""
    return sorted(path.name for path in (world.base / "loaded").glob("*Z-*"))


def ledger(world: World) -> List[Any]:
    """Its rows in the order of the loads."""
    return world.sql(
        "SELECT item_id, inserted, updated, unchanged, stale, duplicate_of"
        " FROM tracking_data_loads ORDER BY number"
    )


def test_a_replay_shows_the_differences_and_then_makes_them(world: World) -> None:
    """A heading named afterwards: first told, nothing written; then read, loaded, in the ledger."""
    world.send(workbook([shipment(1), shipment(2)], ODD))
    world.ttcli("run")
    (item,) = loaded(world)
    before = world.table()
    mapping(world, "[headings]\nstatus = 'Lage'\n")

    said = world.ttcli("replay", item, "--dry-run").stdout

    assert "0 inserted, 2 updated, 0 unchanged, 0 stale" in said
    assert "H00000001: status NULL → 'DEP'" in said
    assert "read now, and not before: status" in said
    assert (world.table(), loaded(world), len(ledger(world))) == (before, [item], 1)
    assert list((world.base / "tmp").iterdir()) == []

    world.ttcli("replay", item)
    assert world.counts() == {"pending": 1}
    world.ttcli("run")

    assert [row[5] for row in world.table()] == ["DEP", "ARR"]
    assert loaded(world) == [item]
    first, second = ledger(world)
    assert first[0] == item
    assert second[0].startswith(f"{item}~")
    assert second[1:5] == (0, 2, 0, 0)
    world.ttcli("run")
    assert len(ledger(world)) == 2


def test_a_replay_overwrites_nothing_newer(world: World) -> None:
    """Rows that a newer file brought, or confirmed, stay; the others are corrected."""
    world.send(workbook([shipment(1), shipment(2), shipment(3)]))
    world.ttcli("run")
    world.send(workbook([shipment(1, Status="newer"), shipment(2)]), NOON + timedelta(hours=1))
    world.ttcli("run")
    mapping(world, "[columns.status]\ncase = 'lower'\n")

    world.ttcli("replay", loaded(world)[0])
    world.ttcli("run")

    assert [row[5] for row in world.table()] == ["newer", "ARR", "dlv"]
    assert ledger(world)[-1][1:5] == (0, 1, 0, 2)


def test_a_replay_of_what_was_read_already_changes_nothing(world: World) -> None:
    """The same mapping: every row is there already; A, B, A by replays ends as A."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    (item,) = loaded(world)
    for text, status in (
        ("", "DEP"),
        ("[columns.status]\ncase = 'lower'\n", "dep"),
        ("", "DEP"),
    ):
        mapping(world, text)
        world.ttcli("replay", item)
        world.ttcli("run")
        assert [row[5] for row in world.table()] == [status]
    assert [row[1:5] for row in ledger(world)] == [
        (1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (0, 1, 0, 0),
    ]  # fmt: skip


def test_a_changed_policy_alone_is_worth_a_replay(world: World) -> None:
    """The rows are the same, what becomes of them is not."""
    mapping(world, "[columns.status]\npolicy = 'fill'\n")
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    world.send(workbook([shipment(1, Status="X")]), NOON + timedelta(hours=1))
    world.ttcli("run")
    mapping(world, "")

    world.ttcli("replay", loaded(world)[1])
    world.ttcli("run")

    assert [row[5] for row in world.table()] == ["X"]


def test_the_other_workbook_of_the_same_time_keeps_its_rows(world: World) -> None:
    """Two files with one as-of time: a replay does not make the earlier load the last word."""
    first, second = workbook([shipment(1)]), workbook([shipment(1, Status="last")])
    world.send(first, name="first.xlsx")
    world.ttcli("run")
    (item,) = loaded(world)
    world.send(second, name="second.xlsx")
    world.ttcli("run")
    assert [row[5] for row in world.table()] == ["last"]

    world.ttcli("replay", item)
    world.ttcli("run")

    assert [row[5] for row in world.table()] == ["last"]
    assert ledger(world)[-1][4] == 1


def test_without_a_time_column_a_replay_writes_only_what_nobody_did_since(world: World) -> None:
    """Nothing tells what is newer there: so every stored row is, once another item was loaded."""
    world.sql("ALTER TABLE tracking_data DROP COLUMN source_at")
    world.send(workbook([shipment(1), shipment(2)]))
    world.ttcli("run")
    (item,) = loaded(world)
    mapping(world, "[columns.status]\ncase = 'lower'\n")
    world.ttcli("replay", item)
    world.ttcli("run")
    assert world.sql("SELECT status FROM tracking_data ORDER BY hawb") == [("dep",), ("arr",)]
    mapping(world, "")
    world.send(workbook([shipment(1, Status="newer")]), NOON + timedelta(hours=1))
    world.ttcli("run")
    world.sql("DELETE FROM tracking_data WHERE hawb = 'H00000002'")

    world.ttcli("replay", item)
    world.ttcli("run")

    assert world.sql("SELECT status FROM tracking_data ORDER BY hawb") == [("newer",), ("ARR",)]


def test_a_crash_after_the_commit_of_a_replay_does_not_load_it_twice(world: World) -> None:
    """Back in processed/ with its mark: the ledger has this very replay, the item goes on."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    (item,) = loaded(world)
    mapping(world, "[columns.status]\ncase = 'lower'\n")
    world.ttcli("replay", item)
    world.ttcli("run")
    (world.base / "loaded" / item).rename(world.base / "processed" / item)

    said = world.ttcli("load").stdout

    assert "was loaded before" in said
    assert len(ledger(world)) == 2


def test_a_failed_item_is_replayed_as_its_first_load(world: World) -> None:
    """It was never loaded: the ledger knows it by its own id, as after a retry."""
    world.send(workbook([shipment(1)], ("Nummer", *ODD[1:])))
    world.ttcli("run", code=65)
    mapping(world, "[headings]\nhawb = 'Nummer'\n")
    item = json.loads(world.ttcli("status", "--json").stdout)["failed"][0]["id"]

    assert "1 inserted" in world.ttcli("replay", item, "--dry-run").stdout
    world.ttcli("replay", item)
    world.ttcli("run")

    assert [row[0] for row in ledger(world)] == [item]


def test_an_original_that_reads_no_more_is_said_before_it_fails(world: World) -> None:
    """The dry run names the reason and ends with 65; the item stays loaded."""
    world.send(workbook([shipment(1)], ODD))
    world.ttcli("run")
    (item,) = loaded(world)
    mapping(world, "ignore_headings = ['HAWB']\n")

    said = world.ttcli("replay", item, "--dry-run", code=65).stdout

    assert "failed" in said
    assert loaded(world) == [item]


def test_a_report_without_rows_is_replayed_as_it_is_said(world: World) -> None:
    """Nothing to load is no failure, in the dry run as in the run."""
    world.send(workbook([], ODD))
    world.ttcli("run")
    (item,) = loaded(world)

    assert "0 of 0 rows" in world.ttcli("replay", item, "--dry-run").stdout
    world.ttcli("replay", item)
    world.ttcli("run")

    assert world.counts() == {"loaded": 1}


def test_what_is_not_kept_cannot_be_replayed(world: World) -> None:
    """An unknown id, and one that waits to be read anyway, are said; nothing is moved."""
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch")
    (waiting,) = [path.name for path in (world.base / "pending").iterdir()]

    assert "waiting to be read" in world.ttcli("replay", waiting, code=2).stderr
    assert "no such item" in world.ttcli("replay", "nonsense", code=2).stderr


def test_a_failed_item_is_dropped_only_by_name(world: World) -> None:
    """It goes for good; nothing that is not in failed/ can be dropped."""
    world.send(b"PK\x03\x04 broken", name="broken.xlsx")
    world.send(workbook([shipment(1)]), NOON + timedelta(hours=1))
    world.ttcli("run", code=65)
    (failed,) = [path.name for path in (world.base / "failed").iterdir()]

    world.ttcli("drop", failed, "--dry-run")
    assert "not in failed/" in world.ttcli("drop", failed, *loaded(world), code=2).stderr
    assert world.counts() == {"failed": 1, "loaded": 1}
    world.ttcli("drop", failed)

    assert world.counts() == {"loaded": 1}
    assert list((world.base / "tmp").iterdir()) == []
