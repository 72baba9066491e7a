"""Shared strings by the million: packed or plain, they come out as they went in."""

from __future__ import annotations

from random import Random
from typing import Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttcli.cells import to_copy
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml import strings as shared
from ttcli.workbook.ooxml.strings import SharedStrings


@pytest.fixture(autouse=True)
def _packed_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a million strings: after 50 of them all but the first 20 are packed."""
    monkeypatch.setattr(shared, "_PLAIN_BYTES", 50 * 42)
    monkeypatch.setattr(shared, "_MOST_PLAIN", 20)
    monkeypatch.setattr(shared, "_UNPACKED", 2)


def filled(texts: List[str], chance: Random) -> SharedStrings:
    """The strings, as a part's pieces bring them."""
    strings, place = SharedStrings(Limits(), chance.choice([0, 1 << 30])), 0
    while place < len(texts):
        piece = texts[place : place + chance.choice([1, 7, 33, 200])]
        blanks: Dict[int, str] = {
            i: text for i, text in enumerate(piece) if text and not text.strip()
        }
        strings.extend([to_copy(text) for text in piece], blanks)
        place += len(piece)
    return strings


@given(seed=st.integers(0, 1 << 62), count=st.integers(0, 700))
def test_what_goes_in_comes_out(seed: int, count: int) -> None:
    """By index and by column, near each other and scattered, texts of blanks among them."""
    chance = Random(seed)
    texts = [chance.choice(["", " ", "\u3000", f"a\n{n}", f"b\\{n}"]) for n in range(count)]
    strings = filled(texts, chance)
    assert len(strings) == count
    assert [strings.text(n) for n in range(count)] == texts
    for reach in (5, 40, max(1, count)):
        low = chance.randrange(max(1, count))
        numbers = [min(count, low + chance.randrange(reach)) for _ in range(chance.randrange(60))]
        indices = [b"%03d" % n if n < count else b"" for n in numbers]
        wanted = [texts[n] if n < count else "" for n in numbers]

        found, blanks = strings.take(indices)

        assert found == list(map(to_copy, wanted))
        assert blanks == {i: text for i, text in enumerate(wanted) if text and not text.strip()}


@pytest.mark.parametrize("count", [3, 49, 60, 84, 500])
def test_an_index_beyond_the_last_is_no_string(count: int) -> None:
    """The exact reader says then what is wrong; nothing else is given for it."""
    strings = filled([f"text {n}" for n in range(count)], Random(1))
    last = b"%d" % (count - 1)
    assert strings.take([last, last])[0] == [b"text " + last] * 2
    for wrong in (count, count + 31, count + 32, 10 * count):
        for indices in ([b"%d" % wrong], [b"0", b"%d" % wrong], [last, b"%d" % wrong] * 9):
            with pytest.raises(IndexError):
                strings.take(indices)
        with pytest.raises(IndexError):
            strings.text(wrong)
    with pytest.raises(IndexError):
        strings.text(-1)


def test_strings_without_end_are_refused() -> None:
    """Half the memory of a workbook is theirs, texts of blanks counted for what they take."""
    strings = SharedStrings(Limits(memory_mb=2))
    with pytest.raises(BadItem, match="more than 1 MB") as caught:
        for _ in range(100):
            strings.extend([b""] * 100, dict.fromkeys(range(100), " "))
    assert caught.value.kind == "limit"
