"""What the database refused joins what process rejected, whatever a power cut took of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from tests.spool.test_store import made
from ttcli.database.careful import Reject
from ttcli.rows.fates.rejects import COLUMNS
from ttcli.spool.item import PENDING, REJECTS_HEAD, Item
from ttcli.spool.store import Spool
from ttcli.stages.load import add_rejects
from ttcli.stages.show import read_rejects

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


@pytest.mark.parametrize("left", [REJECTS_HEAD, "", None])
def test_where_process_rejected_nothing(item: Item, left: Optional[str]) -> None:
    """No fsync is spent on a head alone: of it a power cut leaves all, nothing, or no file."""
    if left is not None:
        item.rejects.write_text(left)

    for _ in range(2):  # a crash before the move: the next run adds them once more
        add_rejects(item, [REFUSED])

    line = "Report,A7,,H7,violates a check,refused-by-database\n"
    assert item.rejects.read_text() == REJECTS_HEAD + line
    assert read_rejects(item)[1] == 1


def test_the_head_is_that_of_the_rejects() -> None:
    """The spool knows none of the rows' rules, only what the head alone looks like."""
    assert ",".join(COLUMNS) + "\n" == REJECTS_HEAD


def test_what_process_rejected_stays(item: Item) -> None:
    """Its lines come first."""
    item.rejects.write_text(REJECTS_HEAD + "Report,B2,Pieces,many,is no number,number\n")

    add_rejects(item, [REFUSED])

    assert [each["cell"] for each in read_rejects(item)[0]] == ["B2", "A7"]
