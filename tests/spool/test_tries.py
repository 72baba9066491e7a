"""Deaths in the middle of tries: who is charged with them, and who is set aside in the end."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import List

import pytest

from tests.spool.test_drain import Stage, drained
from tests.spool.test_store import NOON, made
from ttcli.spool import durable
from ttcli.spool.drain import MOST_INTERRUPTED, Outcome
from ttcli.spool.item import FAILED, PENDING, PROCESSED, Item
from ttcli.spool.store import Spool
from ttcli.spool.tries import Tries


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool with five pending items."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    for content in (b"a", b"b", b"c", b"d", b"e"):
        made(spool, content, NOON)
    return spool


def deadly(victim: str) -> Stage:
    """A stage that one item takes down with the whole process."""

    def end(item: Item) -> Outcome:
        if item.id == victim:
            os._exit(9)
        return Outcome(PROCESSED, "processed", "fine", {})

    return Stage(end)


def killed_by(spool: Spool, victim: str) -> bool:
    """One pass in a fork; whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            drained(spool, deadly(victim))
            os._exit(0)
        finally:
            os._exit(2)
    code = os.WEXITSTATUS(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def attempts(spool: Spool) -> List[int]:
    """Of what is pending."""
    return [item.attempts for item in spool.items(PENDING)]


@pytest.mark.parametrize("place", [0, 2, 4])
def test_an_item_that_kills_the_process_is_set_aside_in_the_end(spool: Spool, place: int) -> None:
    """After so many deaths and no fewer; the others come through, whatever its place is."""
    victim = spool.ids(PENDING)[place]
    for _ in range(MOST_INTERRUPTED):
        assert killed_by(spool, victim)
    assert not killed_by(spool, victim)

    assert spool.ids(FAILED) == [victim]
    assert len(spool.ids(PROCESSED)) == 4


def test_the_others_of_a_window_pay_for_a_death_once(spool: Spool) -> None:
    """After the first death each is tried alone, so that only the guilty one is charged again."""
    victim = spool.ids(PENDING)[1]
    killed_by(spool, victim)
    killed_by(spool, victim)
    killed_by(spool, victim)

    drained(spool, Stage(), dry_run=True)  # which charges nobody
    assert attempts(spool) == [2, 1, 1, 1]
    assert killed_by(spool, victim)
    assert attempts(spool) == [3, 1, 1, 1]


def test_tries_are_durable_before_they_begin(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an item is being tried, the disk says so; when all have ended, nothing."""
    path = spool.base / "state" / "tries-process.jsonl"
    synced, named = [], []
    append = durable.append_line

    def noting(file: Path, line: bytes) -> None:
        append(file, line)
        synced.append(file)

    def end(item: Item) -> Outcome:
        named.append(item.id in path.read_text() and path in synced)
        return Outcome(PROCESSED, "processed", "fine", {})

    monkeypatch.setattr(durable, "append_line", noting)
    drained(spool, Stage(end))

    assert named == [True] * 5
    assert path.read_bytes() == b""


def test_a_death_while_it_charges_charges_nobody_twice(spool: Spool) -> None:
    """Charging is done again until it came to its end; it counts once."""
    killed_by(spool, spool.ids(PENDING)[0])
    path = spool.base / "state" / "tries-process.jsonl"
    left = path.read_bytes()
    for _ in range(3):
        path.write_bytes(left)  # as if it had not come to its end
        Tries(spool, "process", PENDING, dry_run=False).charge()

    assert attempts(spool) == [1] * 5


def test_a_half_written_line_has_begun_nothing(spool: Spool) -> None:
    """The tries that it was to name begin after it."""
    (spool.base / "state" / "tries-process.jsonl").write_text('{"2026')

    assert drained(spool, Stage()).exit_code == 0
    assert len(spool.ids(PROCESSED)) == 5


@pytest.mark.parametrize("jobs", [1, 3, 9])
def test_a_damaged_item_keeps_none_before_it_from_its_try(spool: Spool, jobs: int) -> None:
    """The stage stops there, as it does wherever it cannot trust what it reads."""
    (spool.base / PENDING / spool.ids(PENDING)[3] / "item.json").write_text("{")

    with pytest.raises(Exception, match="damaged"):
        drained(spool, Stage(jobs=jobs))

    assert len(spool.ids(PROCESSED)) == 3


def test_who_could_not_be_charged_is_charged_later(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk after a death: the death is not forgotten, and counts once."""
    victim = spool.ids(PENDING)[2]
    assert killed_by(spool, victim)

    def full(item: Item) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(spool, "save", full)
        assert drained(spool, deadly(victim)).fault
    before = attempts(spool)
    tries = Tries(spool, "process", PENDING, dry_run=False)
    tries.charge()
    tries.charge()

    assert set(before) == {0}
    assert set(attempts(spool)) == {1}
