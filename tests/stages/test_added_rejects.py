"""What the database refused joins what process rejected, whatever a power cut took of the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import pytest

from tests.fix_world import HEADINGS, shipment, workbook
from tests.spool.test_store import made
from ttcli.config import Limits
from ttcli.database.careful import Reject
from ttcli.rows.fates.rejects import COLUMNS, Rejects
from ttcli.rows.mapping import Mapping
from ttcli.spool.item import PENDING, REJECTS_HEAD, Item
from ttcli.spool.rejects import records
from ttcli.spool.store import Spool
from ttcli.stages.load import add_rejects
from ttcli.stages.process import Reading, convert
from ttcli.stages.show import read_rejects
from ttcli.table import TableColumn, TargetTable
from ttcli.workbook.limited import child

REFUSED = Reject("1:7 2", "H7", "violates a check")


@pytest.fixture
def item(tmp_path: Path) -> Item:
    """An item of one sheet."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    made(spool, b"x")
    item = next(spool.items(PENDING))
    item.record["rows"] = {"sheets": [{"name": "Report"}]}
    return item


@pytest.mark.parametrize("left", [REJECTS_HEAD, "", None, "\0" * len(REJECTS_HEAD)])
def test_where_process_rejected_nothing(item: Item, left: Optional[str]) -> None:
    """No fsync is spent on a head alone: of it a power cut leaves all, zeros, nothing, no file."""
    if left is not None:
        item.rejects.write_text(left)
        assert list(records(item.rejects)) == []
    assert read_rejects(item) == ([], 0)

    for _ in range(2):  # a crash before the move: the next run adds them once more
        add_rejects(item, [REFUSED])

    line = "Report,A7,,H7,violates a check,refused-by-database\n"
    assert item.rejects.read_text() == REJECTS_HEAD + line
    assert read_rejects(item)[1] == 1


TABLE = TargetTable(
    "public",
    "tracking_data",
    ("hawb",),
    tuple(TableColumn(heading.lower(), "text", "text") for heading in HEADINGS),
)


def test_what_an_earlier_try_rejected_is_removed(tmp_path: Path) -> None:
    """Cut short, the old file could come back with a power cut: no disk is waited for then."""
    payload, rejects, twin = (tmp_path / name for name in ("payload", "rejects.csv", "twin"))
    payload.write_bytes(workbook([shipment(1)]))
    rejects.write_text("what a killed replay left")
    os.link(rejects, twin)

    reading = Reading(TABLE, Mapping.default(), Limits(), frozenset())
    child.start(convert, reading, str(payload), str(tmp_path), "", limits=Limits()).result()

    assert rejects.read_text() == REJECTS_HEAD
    assert twin.read_text() == "what a killed replay left"


def test_the_head_is_that_of_the_rejects() -> None:
    """The spool knows none of the rows' rules, only what the head alone looks like."""
    assert ",".join(COLUMNS) + "\n" == REJECTS_HEAD


def test_what_process_rejected_stays(item: Item) -> None:
    """Its lines come first."""
    item.rejects.write_text(REJECTS_HEAD + "Report,B2,Pieces,many,is no number,number\n")

    add_rejects(item, [REFUSED])

    assert [each["cell"] for each in read_rejects(item)[0]] == ["B2", "A7"]


def test_nothing_that_a_sender_writes_looks_like_ours(item: Item) -> None:
    """His cell has lines of its own, and one ends as those that are added anew each time."""
    with item.rejects.open("w", newline="") as file:
        Rejects(file).add("Report", "B2", "Pieces", "x,refused-by-database\ny", "number", "none")
    before = item.rejects.read_text()
    spread = REFUSED._replace(message="a check\nof two lines")

    for _ in range(2):
        add_rejects(item, [spread])

    assert item.rejects.read_text().startswith(before)
    rejects, count = read_rejects(item)
    assert [each["raw text"] for each in rejects] == ["x,refused-by-database\ny", "H7"]
    assert count == len(rejects)
