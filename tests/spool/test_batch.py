"""Items made several at a time: none is seen before it is durable, and a fault spares the rest."""

from __future__ import annotations

import errno
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

import pytest

from ttcli.spool.batch import Batch
from ttcli.spool.item import FAILED, PENDING, Item
from ttcli.spool.store import Spool

NOON = datetime(2026, 8, 22, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


@pytest.fixture
def batch(spool: Spool) -> Iterator[Batch]:
    """An empty batch of it."""
    with Batch(spool) as batch:
        yield batch


def add(batch: Batch, number: int) -> Optional[Item]:
    """One more item, each with a payload and a time of its own."""
    return batch.create(NOON + timedelta(seconds=number), b"workbook %d" % number, "a.xlsx", {})


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def steps_of(monkeypatch: pytest.MonkeyPatch) -> List[Tuple[str, str]]:
    """What is synced and renamed from now on, by file or directory name, in order."""
    steps: List[Tuple[str, str]] = []
    fsync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        steps.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))

    def renamed(source: Path, target: Path) -> None:
        rename(source, target)
        steps.append(("rename", Path(target).name))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    return steps


def test_no_stage_sees_an_item_before_all_are_durable(spool: Spool, batch: Batch) -> None:
    """Nor is anything said of them."""
    said: List[str] = []
    for number in range(3):
        item = add(batch, number)
        assert item is not None
        batch.then(lambda identity=item.id: said.append(identity))  # type: ignore[misc]
    assert (spool.ids(PENDING), said) == ([], [])

    batch.settle()

    assert spool.ids(PENDING) == said
    assert len(said) == 3
    assert list(spool.tmp.iterdir()) == []
    assert [item.payload.read_bytes() for item in spool.items(PENDING)] == [
        b"workbook 0",
        b"workbook 1",
        b"workbook 2",
    ]


def test_bytes_first_then_names_then_directories(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut between any two steps leaves whole items in pending/, or none of them there."""
    steps = steps_of(monkeypatch)
    items = [add(batch, number) for number in range(3)]
    batch.settle()

    names = [item.id for item in items if item]
    first, last = steps.index(("rename", names[0])), steps.index(("rename", names[-1]))
    before, after = steps[:first], steps[last + 1 :]
    assert steps[first : last + 1] == [("rename", name) for name in names]
    assert sorted(name.split(".")[0] for _, name in before) == sorted(
        [*names, *["payload"] * 3, *["item"] * 3]
    )
    assert after == [("fsync", "pending"), ("fsync", "tmp")]


def test_the_same_payload_twice_in_a_batch_is_one_item(spool: Spool, batch: Batch) -> None:
    """As it is where the first one stands in the spool already."""
    assert add(batch, 1) is not None
    assert add(batch, 1) is None
    batch.settle()
    assert add(batch, 1) is None
    assert len(spool.ids(PENDING)) == 1


def test_what_could_not_be_synced_is_no_item(
    spool: Spool, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One failing fsync of a batch: nobody knows what is on the disk, so none of it counts."""
    said: List[int] = []
    fsync, calls = os.fsync, [0]

    def failing(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] == 5:
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    files = open_files()
    for number in range(4):
        add(batch, number)
        batch.then(lambda: said.append(1))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(OSError, match="Input/output") as caught:
            batch.settle()

    assert caught.value.filename
    assert (spool.ids(PENDING), said, list(spool.tmp.iterdir())) == ([], [], [])
    assert open_files() <= files + 2  # what the threads themselves need
    assert add(batch, 0) is not None
    batch.settle()
    assert (len(spool.ids(PENDING)), said) == (1, [])


def test_a_full_disk_spares_those_before(
    spool: Spool, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written leaves nothing in tmp/; what was written before becomes durable."""
    write = os.write

    def full(descriptor: int, content: Any) -> int:
        if bytes(content).startswith(b"workbook 2"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", full)
    add(batch, 0)
    add(batch, 1)
    with pytest.raises(OSError, match="No space") as caught:
        add(batch, 2)
    batch.settle()

    assert str(caught.value.filename).endswith("payload")
    assert len(spool.ids(PENDING)) == 2
    assert list(spool.tmp.iterdir()) == []


def test_a_thousand_items_need_no_thousand_open_files(spool: Spool, batch: Batch) -> None:
    """An archive may hold as many workbooks."""
    files, most = open_files(), 0
    for number in range(150):
        add(batch, number)
        most = max(most, open_files())
    batch.settle()

    assert most < files + 120
    assert len(spool.ids(PENDING)) == 150


def test_failed_and_pending_ones_go_where_they_belong(spool: Spool, batch: Batch) -> None:
    """A mail that cannot be read becomes a failed item in the same batch."""
    add(batch, 1)
    batch.create(NOON, b"uid 7", "", {}, {"class": "BadItem", "message": "no"})
    batch.settle()

    assert (len(spool.ids(PENDING)), len(spool.ids(FAILED))) == (1, 1)
