"""A large attachment through the whole `ttcli fetch`: it comes once, and as it was sent."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from tests.fix_world import World
from tests.mails import BOOK
from ttcli.mail.mime.content import Store
from ttcli.spool.behind import Behind, Gathered
from ttcli.spool.item import PENDING
from ttcli.spool.store import Spool

CHANCE = random.Random(11)
SIZES = {"in memory": 900_000, "in a file": 4_500_000, "in pieces": 9_000_000}


def book(size: int) -> bytes:
    """Bytes that look like a workbook, of that many and a few more."""
    return BOOK + CHANCE.getrandbits(8 * size).to_bytes(size, "little")


def pending(world: World) -> Iterator[Tuple[Dict[str, Any], bytes]]:
    """What item.json says of each payload, and the payload."""
    for item in Spool(Path(world.environ["APP_BASE_DIR"])).items(PENDING):
        yield item.record["payload"], item.payload.read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_an_attachment_of_any_size_comes_once(world: World, size: str) -> None:
    """A dry run leaves nothing, a fetch its bytes, and a second fetch finds nothing new."""
    contents = [book(SIZES[size]), book(100), book(SIZES[size])]
    for content in contents:
        world.send(content)

    tried = world.ttcli("fetch", "--dry-run")
    assert world.counts() == {}
    assert "3 attachments" in tried.stdout
    world.ttcli("fetch")
    found = list(pending(world))
    again = world.ttcli("fetch")

    assert sorted(payload for _, payload in found) == sorted(contents)
    assert [each["bytes"] for each, _ in found] == [len(payload) for _, payload in found]
    assert "nothing to do" in again.stdout
    assert world.counts() == {"pending": 3}
    tmp = Path(world.environ["APP_BASE_DIR"], "tmp")
    assert list(tmp.iterdir()) == []


def test_a_limit_takes_large_ones_one_by_one(world: World) -> None:
    """Each run goes on where the one before it ended."""
    for _ in range(2):
        world.send(book(4_500_000))

    for count in (1, 2):
        world.ttcli("fetch", "--limit", "1")
        assert world.counts() == {"pending": count}


def test_what_has_failed_ends_the_work_behind_it() -> None:
    """Nothing later is begun, and whoever asked hears of it: a cursor must not run ahead."""
    done: List[int] = []

    def fail() -> None:
        raise OSError(28, "no space left")

    with pytest.raises(OSError, match="no space"), Behind() as behind:
        behind.do(lambda: done.append(1), 9 << 20)
        behind.do(fail, 0)
        for number in range(2, 9):
            behind.do(lambda number=number: done.append(number), 9 << 20)  # type: ignore[misc]
    assert done == [1]


def test_what_was_asked_for_is_done_though_the_asking_breaks_off() -> None:
    """A lost connection takes away nothing that had come before; and the loss is what is told."""
    done: List[int] = []
    with pytest.raises(ConnectionError), Behind() as behind:
        for number in range(5):
            behind.do(lambda number=number: done.append(number), 100)  # type: ignore[misc]
        raise ConnectionError
    assert done == list(range(5))


def test_what_is_gathered_is_done_together_and_in_order() -> None:
    """So many things or bytes, and at the end what is left."""
    done: List[List[int]] = []
    with Behind() as behind, Gathered[int](
        behind, lambda some: done.append(list(some))
    ) as gathered:
        for number in range(20):
            gathered.add(number, 100)
        for number in range(20, 23):
            gathered.add(number, 3 << 20)

    assert [number for some in done for number in some] == list(range(23))
    assert all(len(some) <= 16 for some in done)
    assert len(done) < 8


def test_what_was_gathered_is_done_though_the_coming_breaks_off() -> None:
    """And the loss is what is told."""
    done: List[int] = []
    behind = Behind()
    with pytest.raises(ConnectionError), behind, Gathered[int](behind, done.extend) as gathered:
        gathered.add(1, 100)
        gathered.add(2, 100)
        raise ConnectionError
    assert done == [1, 2]


def test_an_archive_of_many_does_not_fill_the_memory(tmp_path: Path) -> None:
    """Each of its workbooks would fit; what is beyond a mail's share lies in files."""
    store = Store(tmp_path)
    kept = [store.keep([bytes(1 << 20)] * 3) for _ in range(5)]

    assert [content.path is None for content in kept] == [True, True, False, False, False]
    assert all(len(content) == 3 << 20 for content in kept)
    store.clear()
    assert store.keep([bytes(1 << 20)] * 3).path is None
    assert list(tmp_path.iterdir()) == []
