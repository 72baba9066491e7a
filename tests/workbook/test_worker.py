"""Workers: read one workbook after another, and are replaced after any trouble."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path
from typing import Any, List

import pytest

from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.limited.child import BugInChild
from ttcli.workbook.limited.worker import Pool


def answer(what: str) -> Any:  # noqa: C901 - a word each
    """What the tests have a worker do."""
    if what == "bad":
        raise BadItem("no workbook", kind="not-a-workbook")
    if what == "bug":
        raise ValueError("oops")
    if what == "abort":
        os.abort()
    if what == "exit":
        os._exit(0)
    if what == "memory":
        return len(bytearray(2 << 30))
    if what == "large":
        bytearray(b"x") * (80 << 20)
    if what == "leak":
        # of its own, where what pytest has freed before the fork could serve for a bytearray
        _leaked.append(mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        _leaked[-1].write(b"x" * (8 << 20))
    if what == "spin":
        while True:
            pass
    if what == "sleep":
        time.sleep(0.6)
    if what == "slow":
        time.sleep(1.1)
    return os.getpid()


_leaked: List[mmap.mmap] = []


def alive(pid: int) -> bool:
    """Whether the process is there."""
    return Path(f"/proc/{pid}").exists()


def test_a_worker_reads_one_after_another() -> None:
    """The same process; gone when the pool is."""
    with Pool(answer, Limits(), most=2) as pool:
        pids = {pool.start("pid").result() for _ in range(5)}

    assert len(pids) == 1
    assert os.getpid() not in pids
    assert not alive(pids.pop())


def test_two_at_a_time_are_two() -> None:
    """A worker at work is given nothing else."""
    with Pool(answer, Limits(), most=2) as pool:
        first, second = pool.start("sleep"), pool.start("sleep")

        assert first.result() != second.result()


@pytest.mark.parametrize(
    ("what", "error", "word"),
    [
        ("bad", BadItem, "no workbook"),
        ("bug", BugInChild, "oops"),
        ("abort", BadItem, "SIGABRT"),
        ("memory", BadItem, "memory"),
    ],
)
def test_after_any_trouble_the_worker_is_replaced(what: str, error: Any, word: str) -> None:
    """The reason is said as a child's of its own would be, and the next one is not touched."""
    with Pool(answer, Limits(), most=2) as pool:
        before = pool.start("pid").result()
        with pytest.raises(error, match=word):
            pool.start(what).result()
        after = pool.start("pid").result()

    assert before != after
    assert not alive(before)


def test_a_slow_one_is_replaced() -> None:
    """What took long may have left much behind."""
    with Pool(answer, Limits(), most=2) as pool:
        assert pool.start("slow").result() != pool.start("pid").result()


def test_one_that_took_much_memory_is_replaced() -> None:
    """What was large may have left much behind; less than that need not end a worker."""
    with Pool(answer, Limits(), most=2) as pool:
        before = pool.start("leak").result()

        assert pool.start("large").result() == before
        assert pool.start("pid").result() != before


def test_what_leaks_is_bounded() -> None:
    """However little each workbook leaves behind, no worker grows without end."""
    with Pool(answer, Limits(), most=1) as pool:
        pids = [pool.start("leak").result() for _ in range(24)]

    assert 3 <= len(set(pids)) <= 6


def test_limits_count_anew_for_each_workbook() -> None:
    """Two of 0.6 s each stay within a wall limit of 1 s; a third that spins does not."""
    with Pool(answer, Limits(wall_seconds=1), most=1) as pool:
        assert pool.start("sleep").result() == pool.start("sleep").result()
        with pytest.raises(BadItem, match="takes longer than 1 s"):
            pool.start("spin").result()


def test_the_processor_limit_counts_anew() -> None:
    """A worker that has used its second is given another for the next workbook."""
    with Pool(_busy, Limits(cpu_seconds=1), most=1) as pool:
        for _ in range(6):
            pool.start(0.3).result()
        with pytest.raises(BadItem, match="processor time"):
            pool.start(5).result()


def _busy(seconds: float) -> int:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def test_an_idle_worker_is_not_ended_by_its_limits() -> None:
    """The wall limit does not run between two workbooks."""
    with Pool(answer, Limits(wall_seconds=1), most=1) as pool:
        first = pool.start("pid").result()
        time.sleep(1.3)

        assert pool.start("pid").result() == first


def test_what_waits_in_a_worker_is_read_without_another_word() -> None:
    """Requests are with the worker before answers are asked for, in whatever order."""
    with Pool(answer, Limits(), most=1) as pool:
        tasks = [pool.start("pid") for _ in range(4)]

        assert len({task.result() for task in reversed(tasks)}) == 1


@pytest.mark.parametrize(
    ("what", "error"),
    [("bad", BadItem), ("bug", BugInChild), ("abort", BadItem), ("exit", BadItem)],
)
@pytest.mark.parametrize("heard_at_once", [True, False])
def test_trouble_is_charged_to_what_was_read(what: str, error: Any, heard_at_once: bool) -> None:
    """Those before it and those that waited behind it are read, the latter by another worker."""
    with Pool(answer, Limits(), most=1) as pool:
        tasks = [pool.start(each) for each in ("pid", "pid", what, "pid", "pid")]
        if not heard_at_once:
            time.sleep(0.3)  # all answers stand in the pipe, and the worker is dead
        first, second = tasks[0].result(), tasks[1].result()
        with pytest.raises(error):
            tasks[2].result()
        after = {tasks[3].result(), tasks[4].result()}

    assert first == second
    assert len(after) == 1
    assert first not in after


def test_the_wall_limit_of_what_waits_begins_with_its_turn() -> None:
    """Three of 0.6 s, handed over at once, stay within a wall limit of 1 s each."""
    with Pool(answer, Limits(wall_seconds=1), most=1) as pool:
        tasks = [pool.start("sleep") for _ in range(3)]

        assert len({task.result() for task in tasks}) == 1


def test_what_waits_behind_a_slow_one_is_read_by_another() -> None:
    """A worker that is to be replaced begins with nothing else."""
    with Pool(answer, Limits(), most=1) as pool:
        slow, waiting = pool.start("slow"), pool.start("pid")

        assert slow.result() != waiting.result()


def test_no_more_workers_than_may_be() -> None:
    """Two share what is asked for, and none is alive when the pool is left, waited for or not."""
    with Pool(answer, Limits(), most=2) as pool:
        tasks = [pool.start("sleep") for _ in range(4)]
        pids = {task.result() for task in tasks[:3]}

    assert len(pids) == 2
    assert not any(map(alive, pids))
