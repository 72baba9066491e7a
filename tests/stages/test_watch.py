"""watch: a mail that arrives becomes rows, and neither outage nor lock ends the waiting."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from datetime import timedelta
from typing import Any, Callable, Iterator, List

import pytest

from tests.fix_world import NOON, World, shipment, workbook
from ttcli.spool import lock
from ttcli.spool.store import Spool
from ttcli.stages.watch import pause, watch

PATIENCE = 60  # seconds; a test that fails waits that long, one that passes much less


@contextlib.contextmanager
def watching(world: World, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A `ttcli watch` that has ended its first run."""
    running = subprocess.Popen(
        world.command("watch"),
        env={**world.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield running
    finally:
        running.terminate()  # not kill(): its run has to end, too
        running.communicate(timeout=PATIENCE)


def until(law: Callable[[], Any], what: str) -> None:
    """Waits until it holds."""
    end = time.monotonic() + PATIENCE
    while not law():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)


def has_run(world: World) -> Callable[[], bool]:
    """Whether a run has come to its end, and none goes on."""
    ended = world.base / "state" / "run-prune.json"
    return lambda: ended.exists() and lock.holder(world.base) is None


def rows(world: World, count: int) -> Callable[[], bool]:
    """Whether so many rows are in the table."""
    return lambda: len(world.table()) == count


def test_a_mail_that_arrives_becomes_rows(world: World) -> None:
    """The first run takes what is there, each arrival starts another; SIGTERM ends it with 0."""
    world.send(workbook([shipment(1)]))
    with watching(world) as running:
        until(rows(world, 1), "the first run")
        for number in (2, 3):
            world.send(workbook([shipment(number)]), NOON + timedelta(hours=number))
            until(rows(world, number), f"report {number}")
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=PATIENCE)
        assert running.returncode == 0, said
    assert lock.holder(world.base) is None


def test_stopped_in_a_run_it_stops_the_run(world: World) -> None:
    """The run hands back its items and ends first; nothing goes on behind anybody's back."""
    for number in range(12):
        world.send(workbook([shipment(number)]), NOON + timedelta(hours=number))
    with watching(world) as running:
        until(lambda: world.counts_on_disk("pending"), "the first item")
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=PATIENCE)
        assert running.returncode == 0, said
        assert lock.holder(world.base) is None
    world.ttcli("run")
    assert world.counts() == {"loaded": 12}


def test_a_lost_connection_is_opened_again(world: World) -> None:
    """The mail server goes and comes back: what arrives then is loaded."""
    with watching(world) as running:
        until(has_run(world), "the first run")
        world.mailbox.stop()
        time.sleep(1)
        world.mailbox.start()
        world.send(workbook([shipment(1)]))
        until(rows(world, 1), "the report after the outage")
        assert running.poll() is None


def test_a_taken_lock_is_waited_for(world: World) -> None:
    """While another command is at work a run is refused; it is tried again soon."""
    with watching(world):
        until(has_run(world), "the first run")
        with lock.held(world.base, "test"):
            world.send(workbook([shipment(1)]))
            time.sleep(2)
            assert world.table() == []
        until(rows(world, 1), "the run after the lock")


@pytest.mark.parametrize(
    ("variables", "code"), [({"EMAIL_PASSWORD": "another"}, 77), ({"EMAIL_FOLDER": "Nowhere"}, 78)]
)
def test_what_never_worked_ends_it(world: World, variables: Any, code: int) -> None:
    """A wrong password or folder is told at once, with its own exit code."""
    world.ttcli("watch", code=code, **variables)


class Enough(Exception):
    """Ends a watch that would go on."""


def counted(codes: List[int]) -> Callable[[], int]:
    """A run that ends with one code after the other, and then the watch."""

    def run() -> int:
        if not codes:
            raise Enough
        return codes.pop(0)

    return run


@pytest.mark.parametrize("codes", [[0, 0, 0], [75, 70, 0]])
def test_it_runs_without_a_mail_as_well(world: World, codes: List[int]) -> None:
    """Every interval, whether the last run went well or not."""
    with pytest.raises(Enough):
        watch(Spool(world.base), [world.mailbox.settings()], 0.2, counted(codes))


def test_after_a_fault_the_next_run_comes_sooner(world: World) -> None:
    """Not an hour later, where a moment may have cured it."""
    with pytest.raises(Enough):
        watch(Spool(world.base), [world.mailbox.settings()], 3600, counted([75, 70]))


def test_without_a_mail_server_it_still_runs(world: World) -> None:
    """What is on disk is loaded, though no connection ever comes about."""
    settings = world.mailbox.settings(port=1)
    with pytest.raises(Enough):
        watch(Spool(world.base), [settings], 0.2, counted([0, 0]))


def test_pauses_grow_up_to_a_limit() -> None:
    """Doubled from a second to five minutes, and no two alike."""
    for failures in range(1, 2000):
        longest = min(300.0, 2.0 ** min(failures - 1, 9))
        assert longest / 2 <= pause(failures) <= longest
    assert len({pause(9) for _ in range(9)}) > 1
