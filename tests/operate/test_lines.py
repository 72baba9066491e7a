"""The log: one line for each change of each item's state, the id first, with its counts."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import List, Set, Tuple

from tests.fix_world import NOON, World, shipment, workbook

CHANGE = re.compile(
    r"(\d{8}T\d{6}Z-[0-9a-f]{16}) is (pending|processed|loaded|failed|removed): (.*)"
)
EVENTS = {"fetched": "pending", "retried": "pending", "re-read": "pending"}


def changes(world: World, name: str = "trackandtrace.log") -> List[Tuple[str, str, str]]:
    """(item, state, the rest) of each such line of a log file; the id stands first."""
    path = Path(world.environ["LOG_DIR"]) / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    said = [line.split(" ", 2)[2].lstrip() for line in lines if re.match(r"\d{4}-", line)]
    return [match.groups() for match in map(CHANGE.match, said) if match]  # type: ignore[misc]


def lived(world: World) -> List[Tuple[str, str]]:
    """(item, state) by the histories of all items that are in the spool."""
    found = []
    for path in world.base.glob("*/*/item.json"):
        record = json.loads(path.read_text())
        events = [event["event"] for event in record["history"]]
        found += [(record["id"], EVENTS.get(event, event)) for event in events]
    return found


def mixed(world: World) -> None:
    """Good, bad, duplicate, stale, rejected, retried and dropped items, read again and pruned."""
    good = workbook([shipment(1, Status="DLV"), shipment(2), shipment(3, HAWB=None)])
    bad = b"PK\x03\x04 no workbook"
    world.send(good, NOON)
    world.send(good, NOON + timedelta(hours=1))
    world.send(bad, NOON + timedelta(hours=2))
    world.send(bad + b"!", NOON + timedelta(hours=2))
    world.ttcli("run", code=65)
    late = workbook([shipment(1, Status="DEP"), shipment(4)])
    world.send(late, NOON - timedelta(days=1))
    world.ttcli("fetch")
    world.ttcli("fetch", "--since", "2026-08-01")  # knows them all
    world.ttcli("process")
    world.sql("ALTER TABLE tracking_data RENAME eta TO arrival")
    world.ttcli("load")  # reads it again
    world.sql("ALTER TABLE tracking_data RENAME arrival TO eta")
    world.ttcli("run")
    first, second = (item["id"] for item in world.status()["failed"])
    world.ttcli("retry", first)
    world.ttcli("run", code=65)
    world.ttcli("drop", second)


def test_each_change_of_state_has_exactly_one_line(world: World) -> None:
    """As many lines as the histories tell, and not one more; of what is gone, one as well."""
    mixed(world)
    before = lived(world)
    dropped = [(item, state) for item, state, _ in changes(world) if state == "removed"]
    gone = [(item, state) for item, _ in dropped for state in ("pending", "failed", "removed")]
    told = [(item, state) for item, state, _ in changes(world)]
    assert sorted(told) == sorted([*before, *gone])
    counts = Counter(state for _, state in told)
    assert counts == {"pending": 7, "processed": 4, "loaded": 3, "failed": 3, "removed": 1}

    world.ttcli("prune", FILE_RETENTION_DAYS="0")
    pruned = [item for item, state, _ in changes(world) if state == "removed"]
    assert sorted(pruned) == sorted({item for item, _ in before + dropped} - kept(world))


def kept(world: World) -> Set[str]:
    """The items that are in the spool."""
    return {path.parent.name for path in world.base.glob("*/*/item.json")}


def test_the_lines_have_their_counts(world: World) -> None:
    """Bytes, rows by what became of them, the reason."""
    mixed(world)
    said = [f"{state}: {rest}" for _, state, rest in changes(world)]
    for pattern in (
        r"pending: report.xlsx from .*reports@forwarder.example.*, \d+ bytes",
        r"processed: report.xlsx: 2 of 3 rows \(1 rejected\)",
        r"loaded: report.xlsx: 2 inserted, 0 updated, 0 unchanged, 0 stale",
        r"loaded: report.xlsx: nothing new: the same as \S+",
        r"loaded: report.xlsx: 1 inserted, 0 updated, 0 unchanged, 1 stale",
        r"failed: report.xlsx: .+",
        r"pending: report.xlsx: the table has no column eta any more: to be read again",
        r"pending: retry of report.xlsx",
        r"removed: report.xlsx, given up: .+",
    ):
        assert [line for line in said if re.fullmatch(pattern, line)], pattern


def test_each_stage_s_lines_are_in_its_own_file(world: World) -> None:
    """What came, what was read, what was loaded; and what failed in errors.log as well."""
    mixed(world)
    states = {
        name: {state for _, state, _ in changes(world, name)}
        for name in ("email_processing.log", "file_processing.log", "database_processing.log")
    }
    assert states == {
        "email_processing.log": {"pending"},
        "file_processing.log": {"processed", "failed"},
        "database_processing.log": {"loaded", "pending"},
    }
    assert {state for _, state, _ in changes(world, "errors.log")} == {"failed", "removed"}
