"""Rows converted by two processes are the rows that one converts."""

from __future__ import annotations

import mmap
import os
import signal
from typing import Any, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows.made import (
    column,
    date,
    number,
    sheet,
    table,
    text,
)
from tests.rows.made_halves import (
    HEADINGS,
    KEYS,
    Apart,
    Divided,
    Killed,
    Raising,
    halved,
    result,
)
from tests.rows.test_convert import some_rows
from ttcli.cells import Block, Cell, Kind
from ttcli.errors import BadItem
from ttcli.workbook.limited.beside import Beside


def compare(*rows: Any, **more: Any) -> None:
    """Asserts that halves, wherever the cut is, give what the whole sheet gives."""
    said = {name: more.pop(name) for name in ("target", "mapping") if name in more}
    headings = more.get("headings", HEADINGS)
    whole = sheet(headings, *rows, block=1)
    expected = result([whole], False, **said)
    for first in range(len(rows) + 1):
        cut = halved(first, *rows, **more)
        assert result([cut], True, **said) == expected
        assert cut.divided.joined == 1


def test_rows_and_their_places():
    """The lines of the second half stand behind those of the first, whole and with their origin."""
    compare(*([KEYS[n], text("020-81140743"), number(str(n)), date("45974.5")] for n in range(6)))


def test_a_key_in_both_halves_is_a_duplicate():
    """The last row of a key counts, whoever has read it."""
    compare(*([KEYS[n % 3], None, number(str(n))] for n in range(6)))


def test_rejects_stand_in_the_order_of_the_rows():
    """With the line of the columns' names once."""
    compare(*([KEYS[n], None, text("many\n, \"or\" 'few'")] for n in range(5)))


def test_totals_are_held_against_all_rows():
    """Of both halves, rejected rows and the groups of a MAWB among them."""
    broken = Cell(Kind.ERROR, "#N/A")
    mawbs = [text("020-81140743"), text("020-81140754")]
    compare(
        [KEYS[1], mawbs[0], number("3")],
        [broken, mawbs[0], number("4")],
        [text("TOTAL"), None, number("7")],
        [KEYS[2], mawbs[1], number("5")],
        [broken, mawbs[1], number("6")],
        [text("TOTAL"), mawbs[1], number("11")],
        [text("TOTAL"), None, number("18")],
        [None, None, None],
    )


def test_notes_name_the_first_cell():
    """Of both halves, and count all."""
    wrong = text("020-81140744")
    compare(*([KEYS[n], wrong if n % 2 else None, number("1")] for n in range(5)))


@pytest.mark.parametrize("first", [None, date("45974"), text("2025-11-13")])
@pytest.mark.parametrize("then", [None, date("45974"), text("2025-11-13")])
@pytest.mark.parametrize("last", [None, date("45974"), text("2025-11-13")])
def test_the_first_date_of_a_column_decides(first, then, last):
    """Whether it is written as serials: if the halves tell different things, they do not join."""
    rows = [[KEYS[n], None, None, cell] for n, cell in enumerate([first, then, last])]
    expected = result([sheet(HEADINGS, *rows, block=1)], False)
    for cut in range(4):
        assert result([halved(cut, *rows)], True) == expected


def test_only_the_last_sheet_is_divided():
    """Others are read whole: who reads on must know what the other process has used up."""
    sheets = [
        halved(1, *([KEYS[n], None, number(str(n))] for n in numbers), name=f"S{numbers}")
        for numbers in (range(4), range(2, 6))
    ]
    notes = halved(1, [text("nothing to see")], headings="Remarks")
    found = result([*sheets, notes], True)

    assert [one.divided.joined for one in sheets] == [0, 1]
    assert found[0]["written"] == 6
    whole = [
        sheet(HEADINGS, *([KEYS[n], None, number(str(n))] for n in numbers), name=f"S{numbers}")
        for numbers in (range(4), range(2, 6))
    ]
    assert found == result([*whole, sheet("Remarks", [text("nothing to see")])], False)


@settings(max_examples=150, deadline=None)
@given(some_rows, st.integers(0, 12))
def test_halves_are_the_whole(rows, first):
    """Whatever the rows hold, wherever the cut is."""
    whole = result([sheet(HEADINGS, *rows, block=1)], False)
    assert result([halved(first, *rows)], True) == whole


class Greedy(Divided):
    """Its reader wants more memory than a second process may take."""

    def second(self) -> Iterator[Block]:
        mmap.mmap(-1, 300 << 20)
        yield from super().second()


@pytest.mark.parametrize("kind", [Raising, Killed, Greedy, Apart])
def test_a_second_half_that_fails_is_read_by_the_first(kind):
    """Nothing of it is written twice, and its end is no verdict on the workbook."""
    rows = [[KEYS[n], None, number(str(n))] for n in range(6)]
    rows = [[*row, date("45974")] if n > 2 else row for n, row in enumerate(rows)]
    cut = halved(2, *rows, kind=kind)

    assert result([cut], True) == result([sheet(HEADINGS, *rows, block=1)], False)
    assert cut.divided.joined == 0


def test_without_a_process_to_be_had_one_does(monkeypatch):
    """A fork that fails costs time only."""
    rows = [[KEYS[n], None, number(str(n))] for n in range(6)]

    def fork() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", fork)
    assert result([halved(2, *rows)], True) == result([sheet(HEADINGS, *rows, block=1)], False)


def test_keys_are_compared_as_the_database_does():
    """Folded keys may hold what a line cannot."""
    target = table(column("hawb", "citext", required=True), column("pieces", "int4"))
    rows = [[text(key), number("1")] for key in ("a\nb", "A\nB", "c", "C", "d")]
    compare(*rows, target=target, headings="HAWB|Pcs")


def test_no_process_is_left(monkeypatch):
    """Where the first half is refused, the second process ends with it."""
    begun = []
    begin = Beside.begin

    def noted(self, work):
        process = begin(self, work)
        begun.append(process._pid)
        return process

    class Refused(Divided):
        refuses = False

        def __next__(self) -> Block:
            if self.refuses:
                raise BadItem("damaged", "")
            return super().__next__()

        def divide(self) -> bool:
            self.refuses = True
            return super().divide()

        def second(self) -> Iterator[Block]:
            signal.pause()
            yield from ()

    monkeypatch.setattr(Beside, "begin", noted)
    rows = [[KEYS[n], None, number(str(n))] for n in range(6)]
    assert result([halved(3, *rows, kind=Refused)], True) == ("bad", "damaged")
    (pid,) = begun
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_without_room_for_two_none_is_begun(monkeypatch):
    """Neither in memory nor on disk."""
    rows = [[KEYS[n], None, number(str(n))] for n in range(6)]
    monkeypatch.setattr(Beside, "has_room", lambda self, size: size > 1)
    monkeypatch.setattr(Beside, "begin", None)
    assert result([halved(2, *rows)], True) == result([sheet(HEADINGS, *rows, block=1)], False)
