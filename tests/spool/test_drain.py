"""The loop: what each error means for the item, and when an item is set aside."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Callable, List, Optional

import pytest

from tests.spool.test_store import NOON, made
from ttcli.errors import AccessDenied, BadItem, Temporary
from ttcli.spool import drain as loop
from ttcli.spool.drain import Outcome, Report, Work
from ttcli.spool.item import FAILED, PENDING, PROCESSED, Item
from ttcli.spool.store import Spool


class Stage:
    """A stage whose tries end as the test says."""

    name = "process"
    source = PENDING
    waits = False

    def __init__(
        self,
        end: Optional[Callable[[Item], Outcome]] = None,
        jobs: int = 1,
        ready: bool = True,
    ) -> None:
        self.jobs = jobs
        self.seen: List[str] = []
        self.most_running = self._running = 0
        self._ready = ready
        self._end = end or (lambda item: Outcome(PROCESSED, "processed", "fine", {"rows": {}}))

    def begin(self, item: Item) -> Work:
        self.seen.append(item.id)
        self._running += 1
        self.most_running = max(self.most_running, self._running)

        def wait() -> Outcome:
            self._running -= 1
            return self._end(item)

        return Work(wait, lambda seconds: self._ready)


def raising(error: BaseException) -> Stage:
    """A stage whose every try ends so."""

    def end(item: Item) -> Outcome:
        raise error

    return Stage(end)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool with two pending items."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    for content in (b"a", b"b"):
        made(spool, content, NOON)
    return spool


def drained(spool: Spool, stage: Stage, dry_run: bool = False) -> Report:
    """One pass."""
    return loop.drain(spool, stage, Report("process", dry_run=dry_run))


def test_what_returns_comes_to_the_next_state(spool: Spool) -> None:
    """Recorded, uncharged, with an event in the history."""
    report = drained(spool, Stage())

    items = list(spool.items(PROCESSED))
    assert (len(items), spool.ids(PENDING), report.exit_code) == (2, [], 0)
    assert items[0].record["rows"] == {}
    assert items[0].attempts == 0
    assert items[0].record["history"][-1]["event"] == "processed"


def test_a_bad_item_is_set_aside_and_the_others_go_on(spool: Spool) -> None:
    """65, the reason in item.json."""
    report = drained(spool, raising(BadItem("no key column", "add one", kind="no-header-row")))

    items = list(spool.items(FAILED))
    assert (len(items), report.exit_code) == (2, 65)
    assert items[0].error["kind"] == "no-header-row"  # type: ignore[index]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Temporary("server away"), 75),
        (AccessDenied("who are you"), 77),
        (OSError(errno.ENOSPC, "No space left on device"), 75),
        (OSError(errno.EIO, "Input/output error"), 74),
    ],
)
def test_the_world_s_fault_stops_the_stage_and_charges_nobody(
    spool: Spool, error: Exception, code: int
) -> None:
    """However often it happens, the item stays where it is with no attempt on its record."""
    for _ in range(loop.MOST_INTERRUPTED + 2):
        stage = raising(error)
        report = drained(spool, stage)
        assert (report.exit_code, len(stage.seen)) == (code, 1)

    assert [item.attempts for item in spool.items(PENDING)] == [0, 0]


def test_our_own_bug_is_tried_four_times_with_growing_pauses(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The try and 3 retries, the next after 2^attempts seconds, then set aside."""
    stage = raising(ValueError("oops"))
    report = drained(spool, stage)
    assert report.exit_code == 70
    assert [item.attempts for item in spool.items(PENDING)] == [1, 1]
    assert drained(spool, stage).postponed == 2

    monkeypatch.setattr(loop, "_due", lambda item: True)
    for _ in range(3):
        drained(spool, stage)

    assert spool.ids(PENDING) == []
    assert [item.error["kind"] for item in spool.items(FAILED)] == ["bug", "bug"]  # type: ignore[index]
    assert len(stage.seen) == 2 * loop.MOST_ATTEMPTS


def test_the_pause_after_a_bug_doubles(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """2, 4 and 8 seconds."""
    monkeypatch.setattr(loop, "_due", lambda item: True)
    pauses = []
    for _ in range(3):
        drained(spool, raising(ValueError("oops")))
        item = next(spool.items(PENDING))
        error, following = item.record["last_error"]["at"], item.record["next_attempt_at"]
        pauses.append((loop.read_time(following) - loop.read_time(error)).total_seconds())

    assert [round(pause) for pause in pauses] == [2, 4, 8]


def test_told_to_stop_nothing_is_charged(spool: Spool) -> None:
    """SIGTERM in the middle of a try is not the item's fault."""

    class Told(BaseException):
        pass

    with pytest.raises(Told):
        drained(spool, raising(Told()))

    assert [item.attempts for item in spool.items(PENDING)] == [0, 0]


def test_as_many_run_at_a_time_as_allowed(spool: Spool) -> None:
    """MAX_CONCURRENT_JOBS is the number of tries that have begun and not ended."""
    made(spool, b"c")
    stage = Stage(jobs=2)

    drained(spool, stage)

    assert stage.most_running == 2
    assert len(spool.ids(PROCESSED)) == 3


def test_a_dry_run_changes_nothing(spool: Spool) -> None:
    """It says what would be, and the spool is the same to the byte."""
    before = sorted((p, p.read_bytes()) for p in spool.base.rglob("*") if p.is_file())

    report = drained(spool, Stage(), dry_run=True)
    drained(spool, raising(BadItem("x")), dry_run=True)

    assert [state for _, state, _ in report.lines] == [PROCESSED, PROCESSED]
    assert sorted((p, p.read_bytes()) for p in spool.base.rglob("*") if p.is_file()) == before
