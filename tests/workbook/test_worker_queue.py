"""Workers whose next request waits behind what they read: answers stay in step with it."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.open_files import open_files
from ttcli.config import Limits
from ttcli.errors import BadItem, OutsideFault
from ttcli.workbook.limited import child
from ttcli.workbook.limited.child import BugInChild
from ttcli.workbook.limited.worker import Pool

_HUGE = 5_000_000


def answer(what: str, noted: str = "") -> Any:  # noqa: C901 - a word each
    """What the tests have a worker do."""
    if noted:
        with Path(noted).open("a") as file:
            file.write(f"{what}\n")
    if what == "huge":
        return "x" * _HUGE
    if what == "unsayable":
        return object()
    if what == "half":
        _die_amid_the_answer()
    if what == "abort":
        os.abort()
    if what == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if what == "others":
        _wait_for_lines(Path(noted), 13)
    if what == "short":
        time.sleep(0.03)
    if what == "spin":
        while True:
            pass
    return what


def _wait_for_lines(path: Path, lines: int) -> None:
    while len(path.read_text().splitlines()) < lines:
        time.sleep(0.01)


def _die_amid_the_answer() -> None:
    def send(pipe: int, answer: bytes) -> None:
        os.write(pipe, answer[: len(answer) // 2])
        os.abort()

    child.send = send


def test_answers_larger_than_a_pipe_stay_in_step() -> None:
    """Each is the answer to its own request, though the next one was handed over long before."""
    with Pool(answer, Limits(), most=1) as pool:
        tasks = [pool.start(each) for each in ("huge", "a", "huge", "b")]

        assert [task.result()[:1] for task in tasks] == ["x", "a", "x", "b"]


def test_half_an_answer_is_none() -> None:
    """A worker that dies while it answers has read that workbook, and not the next one."""
    with Pool(answer, Limits(), most=1) as pool:
        first, half, behind = (pool.start(each) for each in ("a", "half", "b"))

        assert first.result() == "a"
        with pytest.raises(BadItem, match="SIGABRT"):
            half.result()
        assert behind.result() == "b"


def test_an_answer_that_stands_in_the_pipe_is_heard_however_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asks may have been busy for longer than a workbook may take; it has not."""
    monkeypatch.setattr(child, "_GRACE_SECONDS", 0)
    with Pool(answer, Limits(wall_seconds=1), most=1) as pool:
        huge, behind = pool.start("huge"), pool.start("a")
        time.sleep(1.2)

        assert len(huge.result()) == _HUGE
        assert behind.result() == "a"


def test_what_cannot_be_said_is_the_workers_end(tmp_path: Path) -> None:
    """Not even its worker begins with what waits behind it: that is read once, by another."""
    noted = tmp_path / "noted"
    with Pool(answer, Limits(), most=1) as pool:
        bug, behind = pool.start("unsayable", str(noted)), pool.start("a", str(noted))
        time.sleep(0.3)
        with pytest.raises(BugInChild, match="not JSON serializable"):
            bug.result()

        assert behind.result() == "a"
    assert noted.read_text() == "unsayable\na\n"


def test_whoever_is_waited_for_the_others_go_on(tmp_path: Path) -> None:
    """A worker that waits for what the other one reads sees it read far more than its pipe held."""
    noted = str(tmp_path / "noted")
    with Pool(answer, Limits(wall_seconds=60), most=2) as pool:
        waiting = pool.start("others", noted)
        others = [pool.start("short", noted) for _ in range(20)]

        assert waiting.result() == "others"
        assert [task.result() for task in others] == ["short"] * 20


def test_one_that_cannot_even_be_signalled_is_ended_whoever_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is over its limit; what was behind it in its pipe is read by another."""
    monkeypatch.setattr(child, "_GRACE_SECONDS", 1)
    with Pool(answer, Limits(wall_seconds=1), most=1) as pool:
        stopped, behind = pool.start("stop"), pool.start("a")

        assert behind.result() == "a"
        with pytest.raises(BadItem, match="takes longer than 1 s"):
            stopped.result()


def test_what_a_dead_worker_left_is_read_first(tmp_path: Path) -> None:
    """Before what no worker had yet, in its order, which is that of whoever will ask."""
    noted = tmp_path / "noted"
    with Pool(answer, Limits(), most=1) as pool:
        dying = pool.start("abort")
        others = [pool.start(each, str(noted)) for each in "abcdefg"]
        with pytest.raises(BadItem, match="SIGABRT"):
            dying.result()
        for task in others:
            task.result()

    assert noted.read_text().split() == list("abcdefg")


def test_nobody_waits_longer_than_he_said() -> None:
    """Whether the answer is there can be asked, with patience or without."""
    with Pool(answer, Limits(), most=1) as pool:
        spinning = pool.start("spin")
        assert not spinning.ready(0.05)
        assert not spinning.ready(0)
    with Pool(answer, Limits(), most=1) as pool:
        first, second = pool.start("a"), pool.start("b")
        assert second.ready(30)
        assert first.ready(0)
        assert second.result() == "b"


def test_long_requests_are_taken_whole() -> None:
    """Two that are together longer than PIPE_BUF, and each of them too, behind a huge answer."""
    long = "ü\U0001f4a9" * 800
    with Pool(answer, Limits(), most=1) as pool:
        tasks = [pool.start(each, "") for each in ("huge", long, long + "b", "a")]

        assert [len(task.result()) for task in tasks] == [_HUGE, len(long), len(long) + 1, 1]


def test_requests_say_what_they_were_given() -> None:
    """Letters of any language, line ends and names of files that are no UTF-8 among them."""
    names = ["\u00fc\u4e2d\U0001f4a9", "a\nb\rc\u2028d\x85e\x00", "\udcff\ud800"]
    with Pool(answer, Limits(), most=1) as pool:
        tasks = [pool.start(name) for name in names]

        assert [task.result() for task in tasks] == names


def test_no_file_stays_open_for_what_has_ended() -> None:
    """Neither for a workbook nor for a worker, however that ended."""
    before = open_files()
    with Pool(answer, Limits(wall_seconds=1), most=2) as pool:
        tasks = [pool.start(each) for each in ("a", "abort", "b", "abort", "spin", "c", "half")]
        for task in tasks:
            try:
                task.result()
            except BadItem:
                continue
    assert open_files() == before


def test_no_file_stays_open_where_nothing_can_be_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe of a worker that never was is closed at both ends."""

    def none_left(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    before = open_files()
    monkeypatch.setattr(os, "fork", none_left)
    with Pool(answer, Limits(), most=1) as pool, pytest.raises(OutsideFault):
        pool.start("a")
    monkeypatch.undo()
    assert open_files() == before


def test_no_worker_for_what_waited_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of files there may be no more; what was heard stays heard, and what waits is told so."""
    with Pool(answer, Limits(), most=1) as pool:
        dying, behind = pool.start("abort"), pool.start("a")

        def none_left() -> None:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(os, "pipe", none_left)
        with pytest.raises(BadItem, match="SIGABRT"):
            dying.result()
        with pytest.raises(OutsideFault):
            behind.result()
        monkeypatch.undo()
        assert pool.start("b").result() == "b"


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_no_file_stays_open_where_there_are_no_more(
    monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """Of the three pipes of a worker the last ones may be too many."""
    pipe, left = os.pipe, [nth]

    def full() -> Any:
        if not left[0]:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        left[0] -= 1
        return pipe()

    before = open_files()
    with Pool(answer, Limits(), most=1) as pool, monkeypatch.context() as patched:
        patched.setattr(os, "pipe", full)
        with pytest.raises(OutsideFault, match="Too many open files"):
            pool.start("a")

    assert open_files() == before
