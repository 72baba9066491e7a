"""The process ends before each durable step of a replay and of the run after it.

Whatever the moment: either the replay never began and all is as it was, or it goes on by itself
and is in the table and in the ledger, once; what is newer stays.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any, Callable, Iterable, Optional

import pytest

from tests.crash.test_crash import DIED, ENDED, _count_steps, filled, fresh, run
from tests.fix_world import World
from ttcli import config
from ttcli.spool.item import LOADED, STATES
from ttcli.spool.store import Spool
from ttcli.stages.replay import replay
from ttcli.stages.run import Stages

__all__ = ["filled"]


def replayed(world: World, base: Path, item: str, die_before: Optional[int] = None) -> int:
    """`ttcli replay ITEM; ttcli run` in a fork; its durable steps, or -1 where it died."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        steps = [0]
        try:
            _count_steps(steps, die_before)
            settings = config.load({**world.environ, "APP_BASE_DIR": str(base)})
            replay(Spool(base), [item])
            Stages(settings, Spool(base)).run_all()
            os.write(write_end, str(steps[0]).encode())
            os._exit(ENDED)
        except BaseException:
            os.write(write_end, traceback.format_exc().encode())
            os._exit(2)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    code = os.WEXITSTATUS(status)
    assert code in (DIED, ENDED), said
    return -1 if code == DIED else int(said)


def loaded(world: World, tmp_path: Path) -> Any:
    """Both reports in the table, read by the old mapping; spool and the older item's id."""
    mapping = tmp_path / "mapping.toml"
    mapping.unlink(missing_ok=True)
    base = fresh(world, tmp_path)
    run(world, base)
    mapping.write_text("[columns.status]\ncase = 'lower'\n")
    return base, Spool(base).ids(LOADED)[0]


def loads(world: World, item: str) -> int:
    """How often the ledger has it, replays included."""
    statement = "SELECT count(*) FROM tracking_data_loads WHERE item_id LIKE %s"
    return int(world.sql(statement, item + "%")[0][0])


def test_a_death_in_a_replay_loses_and_doubles_nothing(filled: World, tmp_path: Path) -> None:
    """The steps of the replay itself, and some of the run after it; `make nightly` takes all."""
    deaths(filled, tmp_path, lambda steps: [*range(8), *range(8, steps, 6)])


@pytest.mark.nightly
def test_a_death_at_any_step_of_a_replay_loses_nothing(filled: World, tmp_path: Path) -> None:
    """Each durable step in turn."""
    deaths(filled, tmp_path, range)


def deaths(world: World, tmp_path: Path, chosen: Callable[[int], Iterable[int]]) -> None:
    """A trial for each of the chosen steps."""
    run(world, tmp_path / "first")
    base, item = loaded(world, tmp_path)
    before = world.table()
    steps = replayed(world, base, item)
    after = world.table()
    assert [row[5] for row in after] == ["DLV", "arr", "DLV"]
    assert steps > 15
    for step in chosen(steps):
        base, item = loaded(world, tmp_path)
        assert replayed(world, base, item, step) == -1
        spool = Spool(base)
        began = spool.get(item, LOADED) is None or loads(world, item) > 1
        run(world, base)
        found = spool.get(item, LOADED)
        assert found is not None, step
        assert {"rows", "load"} <= set(found.record), step
        assert world.table() == (after if began else before), step
        assert loads(world, item) == 1 + began, step
        assert sum(len(spool.ids(state)) for state in STATES) == 2, step
