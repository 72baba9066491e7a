"""A second process beside a child: it never outlives it, and takes no more than its share."""

from __future__ import annotations

import mmap
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any, Callable, List

import pytest

from tests.workbook.test_worker import alive
from tests.workbook_ooxml.packages import write_rows
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.rows.mapping import Mapping
from ttcli.stages.process import Reading, convert, in_halves
from ttcli.table import TableColumn, TargetTable
from ttcli.workbook.limited import child
from ttcli.workbook.limited.beside import Beside

LIMITS = Limits(memory_mb=200, cpu_seconds=60, wall_seconds=2)


def beside_of(folder: Path, work: Callable[[], None]) -> Callable[[], int]:
    """What a child does that begins such a process, tells who it is, and waits for ever."""

    def life() -> int:
        process = Beside(folder, LIMITS).begin(work)
        (folder / "pid").write_text(str(process._pid))
        signal.pause()
        return 0

    return life


def pid_in(folder: Path) -> int:
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        time.sleep(0.01)
    return int((folder / "pid").read_text())


def wait_until_gone(pid: int) -> None:
    for _ in range(500):
        if not alive(pid):
            return
        time.sleep(0.01)
    raise AssertionError(f"{pid} is still there")


def test_it_dies_with_the_child(tmp_path: Path) -> None:
    """However that one dies: kill -9 of ttcli itself ends both, one after the other."""
    running = child.start(beside_of(tmp_path, signal.pause), limits=LIMITS)
    pid = pid_in(tmp_path)
    assert alive(pid)

    running.kill()

    wait_until_gone(pid)


def test_the_wall_limit_ends_both(tmp_path: Path) -> None:
    """It is the workbook's, whoever is slow."""
    running = child.start(beside_of(tmp_path, signal.pause), limits=LIMITS)

    with pytest.raises(BadItem, match="longer than 2 s"):
        running.result()

    wait_until_gone(pid_in(tmp_path))


@pytest.mark.parametrize(
    ("work", "good"),
    [
        (lambda: None, True),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), False),
        (lambda: mmap.mmap(-1, 60 << 20), False),  # of 200 MB it may have a quarter
        (lambda: int("x"), False),
    ],
)
def test_only_an_end_in_order_is_success(
    tmp_path: Path, work: Callable[[], Any], good: bool
) -> None:
    """Whatever happened otherwise: its half is not used."""
    process = Beside(tmp_path, LIMITS).begin(work)
    assert process.succeeded() is good
    process.end()


def test_without_room_for_two_there_is_one(tmp_path: Path) -> None:
    """What a workbook's strings take may be there twice."""
    beside = Beside(tmp_path, LIMITS)
    assert beside.has_room(1 << 20)
    assert not beside.has_room(1 << 50)  # no disk is so large
    with mmap.mmap(-1, 60 << 20):  # which no memory that was freed before can serve
        assert not beside.has_room(1 << 20)


def test_it_may_use_as_much_time_as_the_child_has_left(tmp_path: Path) -> None:
    """No workbook has more than twice its processor time."""

    def life() -> float:
        end = time.process_time() + 2
        while time.process_time() < end:
            pass
        process = Beside(tmp_path, LIMITS).begin(spin)
        began = time.monotonic()
        assert not process.succeeded()
        return time.monotonic() - began

    def spin() -> None:
        (tmp_path / "limit").write_text(str(resource.getrlimit(resource.RLIMIT_CPU)[0]))
        os.kill(os.getpid(), signal.SIGKILL)

    child.start(life, limits=LIMITS._replace(wall_seconds=60, cpu_seconds=10)).result()
    assert int((tmp_path / "limit").read_text()) <= 9


@pytest.mark.parametrize(
    ("jobs", "pending", "processors", "halves"),
    [(1, 9, 1, False), (1, 9, 2, True), (2, 9, 2, False), (2, 1, 2, True), (2, 2, 4, True)],
)
def test_two_processes_leave_no_workbook_waiting(jobs, pending, processors, halves) -> None:
    """There is a processor for each of them, as many workbooks as are read at a time."""
    assert in_halves(jobs, pending, processors) is halves


COLUMNS = ["hawb", "pieces", "status"]
TABLE = TargetTable(
    "public",
    "tracking_data",
    ("hawb",),
    tuple(TableColumn(name, "text", "text") for name in COLUMNS),
)


def row(number: int, cells: List[str]) -> str:
    texts = "".join(
        f'<c r="{letter}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for letter, cell in zip("ABC", cells)
    )
    return f'<row r="{number}">{texts}</row>'


def test_a_large_workbook_is_read_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows, rejects and report; and two processes have read them."""
    rows = [row(n, [f"H{n % 34_000}", "x" * (n % 3), "ok"]) for n in range(2, 35_000)]
    path = write_rows(tmp_path / "w.xlsx", row(1, COLUMNS) + "".join(rows))
    begin = Beside.begin

    def noted(self: Beside, work: Callable[[], None]) -> Any:
        with (tmp_path / "begun").open("a") as begun:
            begun.write("x")
        return begin(self, work)

    monkeypatch.setattr(Beside, "begin", noted)
    found = []
    for halves in (False, True):
        folder = tmp_path / str(halves)
        folder.mkdir()
        reading = Reading(TABLE, Mapping.default(), Limits(), frozenset(), halves=halves)
        report = child.start(convert, reading, str(path), str(folder), "", limits=Limits()).result()
        assert sorted(file.name for file in folder.iterdir()) == ["rejects.csv", "rows.tsv"]
        files = [(folder / name).read_bytes() for name in ("rows.tsv", "rejects.csv")]
        found.append((report, files))

    assert found[0] == found[1]
    assert found[0][0]["duplicates"] == 998
    assert (tmp_path / "begun").read_text() == "x"
