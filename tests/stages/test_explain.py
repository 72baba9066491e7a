"""explain and history: what brought a key, what each item did to it, and past loads."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Dict, List

import pytest

from tests.fix_world import NOON, World, shipment, workbook
from ttcli.errors import UsageError
from ttcli.rows import find
from ttcli.stages.explain import key_values
from ttcli.stages.past.story import merged, same
from ttcli.table import Policy, TableColumn


def hour(offset: float) -> Any:
    """A time in hours from noon."""
    return NOON + timedelta(hours=offset)


def explain(world: World, *key: str, **variables: str) -> Dict[str, Any]:
    """`explain --json`."""
    return dict(json.loads(world.ttcli("explain", *key, "--json", **variables).stdout))


def effects(found: Dict[str, Any]) -> List[str]:
    """What each item did, in order."""
    return [entry["effect"] for entry in found["items"]]


def changes(entry: Dict[str, Any]) -> List[Any]:
    """Column, old and new."""
    return [(c["column"], c.get("old", "?"), c["new"]) for c in entry["changes"]]


def test_every_item_that_brought_a_key_says_what_it_changed(world: World) -> None:
    """Inserted, changed, confirmed, late, refused by policy: each with old and new."""
    (world.base.parent / "mapping.toml").write_text("[columns.mawb]\npolicy = 'fill'\n")
    for at, row in (
        (0, shipment(1)),
        (2, shipment(1, Status="ARR", Weight=2.5)),
        (1, shipment(1, Status="LATE")),
        (3, shipment(1, Status="ARR", Weight="2.50", MAWB="020-00000011")),
    ):
        world.send(workbook([row]), hour(at), name=f"at {at}.xlsx")
        world.ttcli("run")

    found = explain(world, "H00000001")
    text = world.ttcli("explain", "H00000001").stdout

    assert effects(found) == ["inserted", "updated", "stale", "unchanged"]
    assert changes(found["items"][1]) == [("weight", "1.5", "2.5"), ("status", "DEP", "ARR")]
    (refused,) = found["items"][3]["refused"]
    assert (refused["column"], refused["stored"]) == ("mawb", "020-00000007")
    assert found["database"]["row"]["status"] == "ARR"
    assert found["database"]["other"] == []
    assert "status: 'DEP' → 'ARR'" in text
    assert "at 1.xlsx" in text
    assert "Sheet!2" in text


def test_rejected_cells_and_rows_are_part_of_the_story(world: World) -> None:
    """A bad cell of the row, a row that the database refused, a key that was doubled."""
    world.sql("ALTER TABLE tracking_data ADD CHECK (pieces < 30)")
    world.send(workbook([shipment(1), shipment(2, Pieces="a dozen")]))
    world.ttcli("run")
    world.send(workbook([shipment(2, Pieces=35), shipment(3), shipment(3)]), hour(1))
    world.ttcli("run")

    found = explain(world, "H00000002")

    assert effects(found) == ["inserted", "rejected"]
    assert "a dozen" in found["items"][0]["rejects"][0]["reason"]
    assert "tracking_data_pieces_check" in found["items"][1]["reason"]
    (doubled,) = explain(world, "H00000003")["items"]
    assert doubled["rejects"][0]["rule"] == "duplicate-in-file"


def test_a_row_left_out_for_another_cell_is_found_by_its_key(world: World) -> None:
    """The reason names the key, since the key is not the cell at fault."""
    world.sql("ALTER TABLE tracking_data ALTER status SET NOT NULL")
    world.send(workbook([shipment(1), shipment(2, Status=None)]))
    world.ttcli("run")

    (entry,) = explain(world, "H00000002")["items"]

    assert entry["effect"] == "rejected"
    assert "the row of H00000002 is left out" in entry["reason"]


def test_what_waits_and_what_failed_is_told_too(world: World) -> None:
    """A processed item would change it; a file that was not read may have brought it."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    world.send(workbook([shipment(1, Status="NEW")]), hour(1))
    world.send(b"PK\x03\x04 broken", hour(2), name="broken.xlsx")
    world.ttcli("fetch")
    world.ttcli("process", code=65)

    found = explain(world, "H00000001")

    assert effects(found) == ["inserted", "waiting"]
    assert changes(found["items"][1]) == [("status", "DEP", "NEW")]
    assert len(found["unread"]) == 1
    assert "not read, and may have brought it" in world.ttcli("explain", "H00000001").stdout


def test_without_the_database_the_spool_tells_the_story(world: World) -> None:
    """It says so, and exits with 0."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")

    found = explain(world, "H00000001", DB_PORT="1")

    assert effects(found) == ["inserted"]
    assert found["database"]["reachable"] is False
    assert "the table was not asked" in world.ttcli("explain", "H00000001", DB_PORT="1").stdout


def test_a_change_by_other_means_is_seen(world: World) -> None:
    """The table holds something else than the kept items left there."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    world.sql("UPDATE tracking_data SET status = 'by hand'")

    (other,) = explain(world, "H00000001")["database"]["other"]

    assert (other["column"], other["expected"], other["stored"]) == ("status", "DEP", "by hand")


def test_an_unknown_key_is_no_error(world: World) -> None:
    """No item, no row."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")

    found = explain(world, "H0000000")

    assert found["items"] == []
    assert found["database"]["row"] is None
    assert "no items" in world.ttcli("explain", "H0000000").stdout


def test_a_key_may_be_typed_in_small_letters(world: World) -> None:
    """Where nothing has it as it was typed."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")

    found = explain(world, "h00000001")

    assert effects(found) == ["inserted"]
    assert found["database"]["row"]["hawb"] == found["key"]["hawb"] == "H00000001"


def test_a_replayed_item_is_told_as_what_it_did_last(world: World) -> None:
    """Marked as replayed; the newer file's row stays."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    world.send(workbook([shipment(1, Status="ARR")]), hour(1))
    world.ttcli("run")
    world.ttcli("replay", sorted(path.name for path in (world.base / "loaded").iterdir())[0])
    world.ttcli("run")

    found = explain(world, "H00000001")

    assert effects(found)[-1] == "stale"
    assert found["items"][-1]["replay"]


def test_a_key_of_several_columns(world: World) -> None:
    """With commas, or as arguments of their own."""
    world.sql("ALTER TABLE tracking_data DROP CONSTRAINT tracking_data_pkey")
    world.sql("ALTER TABLE tracking_data ADD PRIMARY KEY (hawb, mawb)")
    world.environ["DB_UNIQUE_KEY"] = "hawb,mawb"
    world.send(workbook([shipment(1), shipment(1, MAWB="020-00000014")]))
    world.ttcli("run")

    for key in (["H00000001, 020-00000014"], ["H00000001", "020-00000014"]):
        (entry,) = explain(world, *key)["items"]
        assert entry["row"] == "Sheet!3"
    world.ttcli("explain", "H00000001", code=2)


def test_history_tells_loads_and_failures_newest_first(world: World) -> None:
    """Filters by sender, day and result; the ledger outlives the spool."""
    world.send(workbook([shipment(1), shipment(2, HAWB=None)]), sender="a@acme.example")
    world.ttcli("run")
    world.send(workbook([shipment(1), shipment(2, HAWB=None)]), hour(1), sender="b@bcme.example")
    world.ttcli("run")
    world.send(b"PK\x03\x04 broken", hour(2), name="broken.xlsx", sender="a@acme.example")
    world.ttcli("run", code=65)

    def history(*arguments: str, **variables: str) -> List[Any]:
        found = json.loads(world.ttcli("history", "--json", *arguments, **variables).stdout)
        return [(load["result"], load["sender"][0]) for load in found["loads"]]

    assert history() == [("failed", "a"), ("duplicate", "b"), ("loaded", "a")]
    assert history("--limit", "1") == [("failed", "a")]
    assert history("--sender", "ACME") == [("failed", "a"), ("loaded", "a")]
    assert history("--result", "failed") == [("failed", "a")]
    assert history("--result", "duplicate") == [("duplicate", "b")]
    assert history("--result", "rejected", "--sender", "acme") == [("loaded", "a")]
    assert history("--until", "2026-01-01") == []
    assert history("--since", "2026-01-01") == history()
    assert history(DB_PORT="1") == history()
    assert "the ledger was not asked" in world.ttcli("history", DB_PORT="1").stdout
    world.ttcli("prune", FILE_RETENTION_DAYS="0")
    assert history("--result", "loaded") == [("loaded", "a")]
    world.ttcli("history", "--result", "nonsense", code=2)
    assert "broken.xlsx from a@acme.example" in world.ttcli("history").stdout


def test_a_line_is_found_by_a_whole_field_only() -> None:
    """Neither a part of a field, nor the escapes of COPY, nor the end of a file mislead."""
    content = b"A1\tx\t1:2\nA1B\tA1\t1:3\nB\\tC\ty\t1:4\nlast\tA1\t1:5"

    def found(value: str) -> List[bytes]:
        return [line[-1] for line in find.candidates(content, value)]

    assert found("A1") == [b"1:2", b"1:3", b"1:5"]
    assert found("B\tC") == [b"1:4"]
    assert found("C") == found("1:2") == []


@pytest.mark.parametrize(
    ("policy", "stored", "brought", "after"),
    [
        ("overwrite", "a", None, None),
        ("keep", "a", None, "a"),
        ("fill", "a", "b", "a"),
        ("fill", None, "b", "b"),
        ("newest", "10", "9", "10"),
        ("newest", "9", "10", "10"),
        ("monotonic", "DEP", "BKD", "DEP"),
        ("monotonic", "DEP", "ARR", "ARR"),
        ("monotonic", "DEP", "odd", "DEP"),
        ("monotonic", "odd", "BKD", "BKD"),
    ],
)
def test_the_story_goes_by_the_policies_of_the_load(
    policy: str, stored: str, brought: str, after: str
) -> None:
    """As database/policy.py has them in SQL."""
    column = TableColumn("n", "int4", "integer")
    order = ("BKD", "DEP", "ARR")

    assert merged(Policy(policy, order), column, stored, brought) == after


def test_values_are_compared_as_their_type_does() -> None:
    """Numbers by value and scale, times with or without the zone, texts exactly."""
    weight = TableColumn("weight", "numeric", "numeric(10,2)")

    assert same(weight, "10.5", "10.50")
    assert same(weight, "10.555", "10.56")
    assert not same(None, "10.5", "10.50")
    assert same(
        TableColumn("t", "timestamptz", ""), "2026-01-01 00:00:00", "2026-01-01 00:00:00+00"
    )
    with pytest.raises(UsageError, match="the key is x, y: 2 values"):
        key_values(["a"], ["x", "y"])
