"""Items that ended meanwhile: each step is durable for all before the next begins for any."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import pytest

from tests.open_files import open_files
from tests.spool.test_drain import Stage, drained
from tests.spool.test_store import made
from ttcli.errors import BadItem
from ttcli.rows.fates.rejects import COLUMNS, Rejects
from ttcli.spool import durable
from ttcli.spool.drain import Outcome, Report, drain
from ttcli.spool.item import FAILED, PENDING, PROCESSED, Item
from ttcli.spool.store import Spool

Step = Tuple[str, str]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool with forty pending items."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    for number in range(40):
        made(spool, b"%d" % number)
    return spool


def reading(item: Item) -> Outcome:
    """A try that leaves rows, as a worker does."""
    item.rows.write_text("1\t2\n")
    item.rejects.write_text(f"{','.join(COLUMNS)}\nReport,B2,Pieces,a,not a number,number\n")
    return Outcome(PROCESSED, "processed", "fine", {"rows": {}})


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> List[Step]:
    """What becomes durable, in its order: (fsync, name) and (rename, name of the target)."""
    noted: List[Step] = []
    fsync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        noted.append(("fsync", os.readlink(f"/proc/self/fd/{descriptor}")))

    def renamed(source: Any, target: Any) -> None:
        rename(source, target)
        noted.append(("rename", str(target)))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    return noted


def groups(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> List[int]:
    """How many are written together, as it happens."""
    noted: List[int] = []
    together = spool.move_together

    def noting(moves: Sequence[Tuple[Item, str]], told: Callable[[int], None]) -> None:
        noted.append(len(moves))
        together(moves, told)

    monkeypatch.setattr(spool, "move_together", noting)
    return noted


def test_each_step_is_durable_for_all_before_the_next(spool: Spool, steps: List[Step]) -> None:
    """Results and record; the record's name; the new state; that it left the old one."""
    items = [next(spool.items(PENDING)), list(spool.items(PENDING))[-1]]
    old, new = (
        [str(item.path) for item in items],
        [str(spool.base / PROCESSED / i.id) for i in items],
    )
    for item in items:
        reading(item)

    spool.move_together([(item, PROCESSED) for item in items])

    files = ("item.json.new", "rows.tsv", "rejects.csv")
    assert steps == [
        *[("fsync", f"{path}/{name}") for path in old for name in files],
        *[("rename", f"{path}/item.json") for path in old],
        *[("fsync", path) for path in old],
        *[("rename", path) for path in new],
        ("fsync", str(spool.base / PROCESSED)),
        ("fsync", str(spool.base / PENDING)),
    ]


def test_no_fsync_is_spent_on_what_rejects_nothing(spool: Spool, steps: List[Step]) -> None:
    """A head alone says nothing: an item of which all was taken takes one wait less."""
    item = next(spool.items(PENDING))
    item.rows.write_text("1\t2\n")
    with item.rejects.open("w") as file:
        Rejects(file)

    spool.move_together([(item, PROCESSED)])

    synced = [Path(path).name for kind, path in steps if kind == "fsync"]
    assert synced == ["item.json.new", "rows.tsv", item.id, PROCESSED, PENDING]


def test_never_many_wait_for_each_other(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the next has always ended already, sixteen are written together.

    At the end those that ended first are written while the last one is read.
    """
    noted = groups(spool, monkeypatch)
    report = drained(spool, Stage(reading, jobs=2))

    assert [number for number in noted if number] == [16, 16, 7, 1]
    assert [identity for identity, _, _ in report.lines] == spool.ids(PROCESSED)


def test_whoever_asks_is_told_after_it_is_so(spool: Spool) -> None:
    """What is said of an item can be found there, in the order of the items."""
    found: Dict[str, str] = {}

    class Lines(List[Tuple[str, str, str]]):
        def append(self, line: Tuple[str, str, str]) -> None:
            found[line[0]] = str(spool.find(line[0]).state)  # type: ignore[union-attr]
            super().append(line)

    last = spool.ids(PENDING)[-1]

    def end(item: Item) -> Outcome:
        if item.id == last:
            raise BadItem("no table", kind="no-table")
        return reading(item)

    report = Report("process")
    report.lines = Lines()
    drain(spool, Stage(end, jobs=3), report)

    assert list(found) == sorted(found)
    assert [found[identity] for identity, _, _ in report.lines] == [s for _, s, _ in report.lines]
    assert len(spool.ids(FAILED)) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("nth", [0, 7, 16, 31])
def test_what_cannot_be_written_is_as_it_was(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, nth: int, number: int
) -> None:
    """A fault: nobody is charged, nothing is said, no half file stays, and the next run does it."""
    calls, fsync = [0], os.fsync

    def failing(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        if not name.endswith(".jsonl"):
            calls[0] += 1
            if calls[0] > nth:
                raise OSError(number, os.strerror(number))
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        report = drained(spool, Stage(reading, jobs=2))

    assert report.fault
    assert report.lines == []
    assert [item.attempts for item in spool.items(PENDING)] == [0] * 40
    assert list(spool.base.rglob("*.new")) == []
    drained(spool, Stage(reading, jobs=2))
    assert len(spool.ids(PROCESSED)) == 40


def test_files_do_not_stay_open_where_writing_failed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those that were to be synced nor the directories."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    items = list(spool.items(PENDING))[:3]
    before = open_files()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.move_together([(item, PROCESSED) for item in items])

    assert open_files() == before


@pytest.mark.parametrize("nth", [0, 2])
def test_a_part_of_a_record_does_not_stay_on_a_full_disk(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """Nor does it stay open: no other process could have its space."""
    calls, write = [0], os.write

    def full(descriptor: int, content: Any) -> int:
        calls[0] += 1
        if calls[0] > nth + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[:10] if calls[0] > nth else content)

    items = list(spool.items(PENDING))[:3]
    before = open_files()
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        spool.move_together([(item, PROCESSED) for item in items])

    assert open_files() == before
    assert list(spool.base.rglob("*.new")) == []


@pytest.mark.parametrize("lost", [None, PROCESSED])
def test_what_was_moved_before_one_that_cannot_be_is_told(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, lost: Optional[str]
) -> None:
    """A workbook that is set aside is named in the log, whatever becomes of those after it.

    Unless that it is there is not durable.
    """
    victim = spool.ids(PENDING)[5]
    rename, fsync = os.rename, os.fsync

    def failing(source: Any, target: Any) -> None:
        if str(target) == str(spool.base / PROCESSED / victim):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    def losing(descriptor: int) -> None:
        if lost and os.readlink(f"/proc/self/fd/{descriptor}") == str(spool.base / lost):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    monkeypatch.setattr(os, "rename", failing)
    monkeypatch.setattr(os, "fsync", losing)
    report = drained(spool, Stage(reading, jobs=2))

    assert report.fault
    moved = spool.ids(PROCESSED)
    assert len(moved) == 5
    assert [identity for identity, _, _ in report.lines] == ([] if lost else moved)


def test_what_cannot_be_encoded_leaves_nothing_behind(spool: Spool) -> None:
    """A bug in the middle of it: those before it are as they were, and no file stays open."""
    items = list(spool.items(PENDING))[:3]
    items[2].record["rows"] = object()
    before = open_files()
    with pytest.raises(TypeError):
        spool.move_together([(item, PROCESSED) for item in items])

    assert open_files() == before
    assert list(spool.base.rglob("*.new")) == []
    assert len(spool.ids(PENDING)) == 40


def test_a_crash_s_leftover_does_not_keep_the_record_from_being_written(spool: Spool) -> None:
    """It is the one file here that is taken away."""
    item = next(spool.items(PENDING))
    (item.path / "item.json.new").write_text("{")
    spool.move_together([(item, PROCESSED)])

    assert [each.id for each in spool.items(PROCESSED)] == [item.id]
    assert sorted(path.name for path in item.path.iterdir()) == ["item.json", "payload"]


def test_windows_overlap(spool: Spool) -> None:
    """The tries of the next window begin, durably, while the last ones of this one run."""
    path = spool.base / "state" / "tries-process.jsonl"
    running, most = set(), []

    class Noting(Stage):
        def begin(self, item: Item) -> Any:
            running.add(item.id)
            most.append(len(running))
            assert item.id in path.read_text()
            return super().begin(item)

    def end(item: Item) -> Outcome:
        running.remove(item.id)
        return reading(item)

    drained(spool, Noting(end, jobs=3))

    assert most == [1, 2] + [3] * 38


def test_what_was_charged_is_tried_alone(spool: Spool) -> None:
    """Nothing runs beside it, and all that ended before it is written."""
    charged = spool.ids(PENDING)[5]
    item = spool.find(charged)
    assert item
    item.record["attempts"] = 1
    spool.save(item)
    running, beside = set(), []

    class Noting(Stage):
        def begin(self, item: Item) -> Any:
            if charged in running | {item.id}:
                beside.append((len(running), len(spool.ids(PROCESSED))))
            running.add(item.id)
            return super().begin(item)

    def end(item: Item) -> Outcome:
        running.remove(item.id)
        return reading(item)

    drained(spool, Noting(end, jobs=3))

    assert beside == [(0, 5)]


@pytest.mark.parametrize(("size", "synced"), [(10, 0), ((1 << 20) + 1, 1)])
def test_a_large_file_is_synced_by_who_wrote_it(
    tmp_path: Path, steps: List[Step], size: int, synced: int
) -> None:
    """A small one is on its way, with its bytes behind its name either way."""
    path = tmp_path / "rows"
    with path.open("wb") as file:
        file.write(b"x" * size)
        durable.begin_to_sync(file)
        assert path.stat().st_size == size

    assert len(steps) == synced
