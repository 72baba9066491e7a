"""The process ends before each durable step of fetch → process → load, alone and in pairs.

A trial forks, counts every fsync, rename, mkdir and COMMIT, and ends by os._exit before the one
it was told; then runs again, to the end or to a second such death. Whatever the moment: the right
rows, each item exactly once, nothing pending, nothing outside tmp/.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, List, Optional

import pytest

from tests.fix_world import NOON, World, shipment, workbook
from ttcli import config
from ttcli.database import connect
from ttcli.spool.item import FAILED, LOADED, PENDING, PROCESSED
from ttcli.spool.store import Spool
from ttcli.stages.run import Stages

DIED, ENDED = 9, 0


@pytest.fixture
def filled(world: World) -> World:
    """Two reports, the later one changing a row of the first, and the ledger's table."""
    world.send(workbook([shipment(1, Status="DEP"), shipment(2)]), NOON)
    world.send(workbook([shipment(1, Status="DLV"), shipment(3)]), NOON + timedelta(hours=1))
    return world


def run(world: World, base: Path, die_before: Optional[int] = None) -> int:
    """One `ttcli run` in a fork; returns how many durable steps it took, or -1 if it died."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _run_and_exit(world, base, die_before, write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    if code == DIED:
        return -1
    assert code == ENDED, said
    return int(said)


def _run_and_exit(world: World, base: Path, die_before: Optional[int], pipe: int) -> None:
    steps = [0]
    try:
        _count_steps(steps, die_before)
        settings = config.load({**world.environ, "APP_BASE_DIR": str(base)})
        spool = Spool(base)
        spool.prepare()
        reports = Stages(settings, spool).run_all()
        faults = [str(report.fault) for report in reports if report.exit_code]
        os.write(pipe, (str(steps[0]) if not faults else repr(faults)).encode())
        os._exit(ENDED if not faults else 1)
    except BaseException:
        os.write(pipe, traceback.format_exc().encode())
        os._exit(2)


def _count_steps(steps: List[int], die_before: Optional[int]) -> None:
    """Puts a counter before each durable step of this process (not of the reading child)."""
    process, one_at_a_time = os.getpid(), threading.Lock()

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if os.getpid() == process:
                with one_at_a_time:  # what became of an item is written beside the next one's load
                    if steps[0] == die_before:
                        os._exit(DIED)
                    steps[0] += 1
            return function(*arguments, **named)

        return call

    for name in ("fsync", "rename", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
    connect.Connection.commit = counted(connect.Connection.commit)  # type: ignore[method-assign]


def fresh(world: World, tmp_path: Path) -> Path:
    """An empty spool and an empty table."""
    base = tmp_path / "trial"
    shutil.rmtree(base, ignore_errors=True)
    world.sql("TRUNCATE tracking_data, tracking_data_loads")
    return base


def holds(world: World, base: Path, expected: List[Any], where: str) -> None:
    """The law, after the last run."""
    spool = Spool(base)
    assert world.table() == expected, where
    items = [
        item.id for state in (PENDING, PROCESSED, LOADED, FAILED) for item in spool.items(state)
    ]
    assert (len(items), len(set(items))) == (2, 2), where
    assert [len(spool.ids(state)) for state in (PENDING, PROCESSED, LOADED)] == [0, 0, 2], where
    loads = "SELECT item_id, count(*) FROM tracking_data_loads GROUP BY 1 ORDER BY 1"
    assert world.sql(loads) == [(item, 1) for item in sorted(items)], where
    for item in spool.items(LOADED):
        names = sorted(path.name for path in item.path.iterdir())
        assert names == ["item.json", "payload", "rejects.csv", "rows.tsv"], where
        assert item.attempts == 0, where
    outside = [path for path in base.rglob("*.new") if "tmp" not in path.parts]
    assert outside == [], where


@pytest.fixture
def undisturbed(filled: World, tmp_path: Path) -> Any:
    """The table, and the number of durable steps, of a run that nothing stops."""
    run(filled, tmp_path / "first")  # which also makes the ledger and the staging schema
    steps = run(filled, fresh(filled, tmp_path))
    expected = filled.table()
    assert expected[0][5] == "DLV"
    assert steps > 30
    return expected, steps


def test_a_death_before_any_durable_step_loses_and_doubles_nothing(
    filled: World, undisturbed: Any, tmp_path: Path
) -> None:
    """Each step in turn."""
    expected, steps = undisturbed
    for step in range(steps):
        base = fresh(filled, tmp_path)
        assert run(filled, base, step) == -1
        run(filled, base)
        holds(filled, base, expected, f"step {step}")


def test_two_deaths_in_a_row_lose_and_double_nothing(
    filled: World, undisturbed: Any, tmp_path: Path
) -> None:
    """Each step with another after it, chosen by a fixed seed; `make nightly` takes every pair."""
    chance = random.Random(7)
    expected, steps = undisturbed
    for first in range(steps):
        _pair(filled, tmp_path, expected, first, chance.randrange(steps))


@pytest.mark.nightly
def test_every_pair_of_deaths_loses_and_doubles_nothing(
    filled: World, undisturbed: Any, tmp_path: Path
) -> None:
    """Each step, and after the restart each step again."""
    expected, steps = undisturbed
    for first in range(steps):
        for second in range(steps):
            _pair(filled, tmp_path, expected, first, second)


def _pair(world: World, tmp_path: Path, expected: List[Any], first: int, second: int) -> None:
    base = fresh(world, tmp_path)
    assert run(world, base, first) == -1
    if run(world, base, second) == -1:  # the second run may need fewer steps than that
        run(world, base)
    holds(world, base, expected, f"steps {first} and {second}")
