"""Several tries at a time: what one left is written down while the others run."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any, Callable, List, Sequence, Tuple

import pytest

from tests.spool.test_drain import Stage, drained
from tests.spool.test_store import made
from ttcli.errors import Temporary
from ttcli.spool.drain import Outcome
from ttcli.spool.item import PENDING, PROCESSED, Item
from ttcli.spool.store import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool with five pending items."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    for content in (b"a", b"b", b"c", b"d", b"e"):
        made(spool, content)
    return spool


def moves(spool: Spool, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> List[Tuple[int, int]]:
    """Of each writing: how many tries had begun before it, and how many items it moved."""
    noted, together = [], spool.move_together

    def noting(moves: Sequence[Tuple[Item, str]], told: Callable[[int], None]) -> None:
        if moves:
            noted.append((len(stage.seen), len(moves)))
        together(moves, told)

    monkeypatch.setattr(spool, "move_together", noting)
    drained(spool, stage)
    return noted


def test_the_next_begins_before_the_last_is_moved(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker never waits for the spool: its next try is charged and begun, then it is written."""
    stage = Stage(jobs=2, ready=False)

    assert moves(spool, stage, monkeypatch) == [(3, 1), (4, 1), (5, 1), (5, 1), (5, 1)]
    assert stage.most_running == 2


def test_one_at_a_time_has_ended_before_the_next_begins(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reads the next need not wait for the spool either; but never are there two."""
    stage = Stage(jobs=1, ready=False)

    assert moves(spool, stage, monkeypatch) == [(2, 1), (3, 1), (4, 1), (5, 1), (5, 1)]
    assert stage.most_running == 1


def test_what_runs_while_waited_for_is_written_behind(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server loads the next item while the disk is waited for; all is written at the end."""
    tried, move = [], spool.move
    second = threading.Event()

    def end(item: Item) -> Outcome:
        tried.append(item.id)
        if len(tried) == 2:
            second.set()
        return Outcome(PROCESSED, "processed", "fine", {})

    def slow(item: Item, state: str, settled: bool) -> None:
        assert second.wait(30)
        move(item, state, settled)

    monkeypatch.setattr(spool, "move", slow)
    stage = Stage(end)
    stage.waits = True
    report = drained(spool, stage)

    assert [identity for identity, _, _ in report.lines] == tried == spool.ids(PROCESSED)
    assert stage.most_running == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_what_cannot_be_written_stops_the_stage(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Behind a try as before one: a fault, at most one more try, and nobody charged."""

    def full(item: Item, state: str, settled: bool) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(spool, "move", full)
    stage = Stage()
    stage.waits = True
    report = drained(spool, stage)

    assert report.fault
    assert len(spool.ids(PENDING)) == 5
    assert [item.attempts for item in spool.items(PENDING)] == [0] * 5


def test_a_fault_leaves_what_has_not_begun_uncharged(spool: Spool) -> None:
    """The item that was to be next is as it was; those that ran are settled."""
    first = spool.ids(PENDING)[0]

    def end(item: Item) -> Outcome:
        if item.id == first:
            raise Temporary("away")
        return Outcome(PROCESSED, "processed", "fine", {})

    stage = Stage(end, jobs=2)
    report = drained(spool, stage)

    assert report.fault
    assert len(stage.seen) == 2
    assert [item.attempts for item in spool.items(PENDING)] == [0, 0, 0, 0]
    assert len(spool.ids(PROCESSED)) == 1


@pytest.mark.parametrize("victim", range(5))
def test_an_interruption_charges_nobody(spool: Spool, victim: int) -> None:
    """Ctrl-C while any of them is waited for: neither the running nor the next are charged."""

    class Told(BaseException):
        pass

    chosen = spool.ids(PENDING)[victim]

    def end(item: Item) -> Outcome:
        if item.id == chosen:
            raise Told
        return Outcome(PROCESSED, "processed", "fine", {})

    with pytest.raises(Told):
        drained(spool, Stage(end, jobs=2))

    assert [item.attempts for item in spool.items(PENDING)] == [0] * (5 - victim)


def dying_before(step: int, spool: Spool, ready: bool) -> bool:
    """One pass in a fork that ends before a durable step; whether it came to it."""
    child = os.fork()
    if child == 0:
        try:
            _count_down(step)
            drained(spool, Stage(jobs=2, ready=ready))
            os._exit(0)
        finally:
            os._exit(2)
    status = os.waitpid(child, 0)[1]
    assert os.WEXITSTATUS(status) in (0, 9)
    return os.WEXITSTATUS(status) == 9


def _count_down(step: int) -> None:
    left = [step]

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if not left[0]:
                os._exit(9)
            left[0] -= 1
            return function(*arguments)

        return call

    for name in ("fsync", "rename"):
        setattr(os, name, counted(getattr(os, name)))


@pytest.mark.parametrize("ready", [False, True])
def test_a_death_before_any_durable_step_loses_and_doubles_nothing(
    tmp_path: Path, ready: bool
) -> None:
    """The next run finds every item once and takes each to its end, with two tries at a time.

    Whether each is written alone, or all together.
    """
    step, deaths = 0, 0
    while True:
        spool = Spool(tmp_path / str(step))
        spool.prepare()
        names: List[str] = [made(spool, content).id for content in (b"a", b"b", b"c", b"d")]
        if not dying_before(step, spool, ready):
            break
        deaths += 1
        left = list(spool.items(PENDING))
        assert sorted([item.id for item in left] + spool.ids(PROCESSED)) == sorted(names), step
        assert [item.attempts for item in left] == [0] * len(left), step
        drained(spool, Stage(jobs=2))
        assert spool.ids(PROCESSED) == sorted(names), step
        assert [item.attempts for item in spool.items(PROCESSED)] == [0] * 4, step
        step += 1
    assert deaths >= 20
