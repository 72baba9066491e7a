"""The spool on disk: ids, creation, moves, what is left alone, what is refused."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ttcli.errors import SpoolFault
from ttcli.spool import durable
from ttcli.spool.batch import create
from ttcli.spool.item import FAILED, LOADED, PENDING, PROCESSED, Item, item_id
from ttcli.spool.store import Spool

NOON = datetime(2026, 8, 22, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def made(spool: Spool, content: bytes = b"workbook", as_of: datetime = NOON) -> Item:
    """A pending item."""
    item = create(spool, as_of, content, "report.xlsx", {"uid": 7})
    assert item is not None
    return item


def test_an_id_is_the_same_at_every_fetch_and_sorts_oldest_first() -> None:
    """As-of time in UTC, then the payload's hash."""
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))

    assert item_id(tokyo, "9f2c41d07ab3c5e1ff") == "20260822T120000Z-9f2c41d07ab3c5e1"
    assert item_id(NOON, "f" * 64) < item_id(NOON + timedelta(seconds=1), "0" * 64)


def test_a_new_item_is_pending_with_payload_and_record(spool: Spool) -> None:
    """item.json and payload are there, and nothing is left in tmp/."""
    item = made(spool)

    assert item.payload.read_bytes() == b"workbook"
    record = json.loads((item.path / "item.json").read_text())
    assert record["payload"]["name"] == "report.xlsx"
    assert record["source"] == {"uid": 7}
    assert record["history"][0]["event"] == "fetched"
    assert list(spool.tmp.iterdir()) == []


@pytest.mark.parametrize("state", [PENDING, PROCESSED, LOADED, FAILED])
def test_the_same_payload_as_of_the_same_time_is_one_item(spool: Spool, state: str) -> None:
    """Fetched again, whatever became of it, it makes nothing new."""
    item = made(spool)
    if state != PENDING:
        spool.move(item, state)

    assert create(spool, NOON, b"workbook", "other name.xlsx", {}) is None
    assert sum(len(spool.ids(s)) for s in (PENDING, PROCESSED, LOADED, FAILED)) == 1


def test_a_sender_s_file_name_is_never_a_path(spool: Spool) -> None:
    """`../../etc/passwd` is a string in item.json."""
    item = create(spool, NOON, b"x", "../../etc/passwd\x00\n", {})

    assert item is not None
    assert item.path.parent == spool.base / PENDING
    assert spool.get(item.id, PENDING).name == "../../etc/passwd\x00\n"  # type: ignore[union-attr]


def test_a_move_makes_record_and_state_durable(spool: Spool) -> None:
    """What was recorded before the move is read after it."""
    item = made(spool)
    item.note("processed")
    spool.move(item, PROCESSED)

    again = spool.find(item.id)

    assert again is not None
    assert (again.state, again.record["history"][-1]["event"]) == (PROCESSED, "processed")
    assert spool.ids(PENDING) == []


def test_a_move_onto_an_existing_item_is_refused(spool: Spool) -> None:
    """Two directories of one id are never merged."""
    item = made(spool)
    (spool.base / PROCESSED / item.id).mkdir()
    (spool.base / PROCESSED / item.id / "item.json").write_text("{}")

    with pytest.raises(FileExistsError):
        spool.move(item, PROCESSED)
    assert item.payload.exists()


def test_strange_names_are_left_alone(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    """What is no item id is warned of once and never touched."""
    (spool.base / PENDING / "lost+found").mkdir()

    assert spool.ids(PENDING) == []
    assert spool.ids(PENDING) == []
    assert caplog.text.count("lost+found") == 1
    assert (spool.base / PENDING / "lost+found").exists()


def test_items_come_oldest_first(spool: Spool) -> None:
    """By as-of time, whatever the order of arrival."""
    late = made(spool, b"a", NOON)
    early = made(spool, b"b", NOON - timedelta(days=1))

    assert [item.id for item in spool.items(PENDING)] == [early.id, late.id]


def test_a_newer_schema_is_refused(spool: Spool) -> None:
    """An older ttcli touches nothing that a newer one wrote."""
    item = made(spool)
    item.record["schema"] = 2
    spool.save(item)

    with pytest.raises(SpoolFault, match="newer ttcli"):
        spool.find(item.id)


def test_members_that_we_do_not_know_are_kept(spool: Spool) -> None:
    """A newer ttcli of the same schema may have added some."""
    item = made(spool)
    item.record["colour"] = "blue"
    spool.move(item, PROCESSED)

    assert spool.find(item.id).record["colour"] == "blue"  # type: ignore[union-attr]


def test_a_damaged_record_is_named(spool: Spool) -> None:
    """Half an item.json is a fault of the spool with its path, not a crash."""
    item = made(spool)
    (item.path / "item.json").write_bytes(b'{"schema": 1')

    with pytest.raises(SpoolFault, match=item.id):
        list(spool.items(PENDING))


def test_the_sweep_takes_only_what_is_old(spool: Spool) -> None:
    """A directory under construction now is not swept."""
    (spool.tmp / "new").mkdir()
    old = spool.tmp / "old"
    old.mkdir()
    (old / "payload").write_bytes(b"x")
    long_ago = 10**9
    os.utime(old, (long_ago, long_ago))

    assert spool.sweep(dry_run=True) == 1
    assert old.exists()
    assert spool.sweep() == 1
    assert [path.name for path in spool.tmp.iterdir()] == ["new"]


def test_a_full_disk_leaves_no_half_item(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENOSPC while an item is made: nothing in pending/, nothing in tmp/."""

    def full(_: durable.Files, path: Path, content: bytes) -> None:
        path.write_bytes(content[:3])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(durable.Files, "write", full)

    with pytest.raises(OSError, match="No space"):
        made(spool)
    assert list(spool.tmp.iterdir()) == []
    assert spool.ids(PENDING) == []


def test_a_state_file_is_replaced_whole(spool: Spool) -> None:
    """Old or new content, and a leftover of a crash does no harm."""
    spool.write_state("cursor-x", {"uid": 1})
    (spool.base / "state" / "cursor-x.json.new").write_text("half")
    spool.write_state("cursor-x", {"uid": 2})

    assert spool.read_state("cursor-x") == {"uid": 2}
    assert spool.read_state("cursor-y") is None


def test_a_spool_over_two_file_systems_is_refused(tmp_path: Path) -> None:
    """There a rename is a copy, and a copy is not atomic."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.fail("this test needs /dev/shm on a file system of its own")
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    (spool.base / PENDING).rmdir()
    (spool.base / PENDING).symlink_to(other)

    with pytest.raises(SpoolFault, match="different file systems"):
        spool.prepare()


def test_a_full_disk_is_said_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """write(2) and fsync(2) name no file in their errors, so we do."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left") as caught:
        durable.write_file(tmp_path / "payload", b"x")

    assert caught.value.filename == str(tmp_path / "payload")


def test_ctrl_c_leaves_nothing_in_tmp(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the process could not clean up waits for the sweep."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(durable, "move_directory", interrupted)

    with pytest.raises(KeyboardInterrupt):
        made(spool)
    assert list(spool.tmp.iterdir()) == []


def test_root_does_not_work_in_the_spool_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What root makes there, the service's user could neither lock nor move: 74, and who can."""
    (tmp_path / "spool").mkdir()
    if os.geteuid() == 0:
        os.chown(tmp_path / "spool", 65534, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(SpoolFault, match="belongs to") as caught:
        Spool(tmp_path / "spool").prepare()
    assert "runuser -u" in caught.value.hint
    assert list((tmp_path / "spool").iterdir()) == []
