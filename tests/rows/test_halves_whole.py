"""Whole workbooks by one process and by two: the same bytes, report and refusal."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path
from typing import Any, BinaryIO, Callable, List
from unittest import mock

import pytest

from tests.open_files import open_files
from tests.rows import made_halves as made
from tests.rows.made import number, sheet
from tests.workbook_ooxml.packages import write_rows
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.rows.convert import convert_workbook
from ttcli.rows.mapping import Mapping
from ttcli.table import TableColumn, TargetTable
from ttcli.workbook.limited.beside import Beside
from ttcli.workbook.ooxml.halves import SheetBlocks
from ttcli.workbook.open import open_workbook

TYPES = {
    "hawb": "text",
    "mawb": "text",
    "pieces": "int4",
    "weight": "float8",
    "eta": "timestamp",
    "status": "text",
}
TABLE = TargetTable(
    "public", "tracking_data", ("hawb",), tuple(TableColumn(n, t, t) for n, t in TYPES.items())
)
N = 30_000
FILL = 150
"""Characters that cells before `status` and its text have together, so that the cut stays."""


def text(letter: str, row: int, value: str) -> str:
    return f'<c r="{letter}{row}" t="inlineStr"><is><t>{value}</t></is></c>'


def cell(letter: str, row: int, value: str, more: str = "") -> str:
    return f'<c r="{letter}{row}"{more}><v>{value}</v></c>'


def row(n: int, mawb: str = "", eta: str = "", key: str = "", weight: str = "1.25") -> str:
    fill = "x" * (FILL - len(mawb + eta))
    key = key or text("A", n, f"H{n:06}")
    middle = mawb + cell("C", n, "5") + cell("D", n, weight) + eta
    return f'<row r="{n}">{key}{middle}{text("F", n, fill)}</row>'


HEAD = '<row r="1">' + "".join(text(c, 1, name) for c, name in zip("ABCDEF", TYPES)) + "</row>"


def book(folder: Path, make: Callable[[int], str], last: str = "") -> Path:
    return write_rows(folder / "w.xlsx", HEAD + "".join(map(make, range(2, N))) + last)


def result(path: Path, two: bool, limits: Limits = Limits()) -> Any:  # noqa: B008
    rows, rejects = io.BytesIO(), io.StringIO()
    beside = Beside(path.parent, limits) if two else None
    workbook = open_workbook(path, limits, ())
    try:
        report = convert_workbook(
            workbook, TABLE, Mapping.default(), rows, rejects, frozenset(), beside
        )
    except BadItem as refusal:
        return refusal.kind, refusal.message
    finally:
        workbook.close()
    return json.dumps(report), rows.getvalue(), rejects.getvalue()


def last_row_before_cut(path: Path) -> int:
    found: List[int] = []
    joins = SheetBlocks.joins

    def noted(self: SheetBlocks, half: Any) -> bool:
        found.append(self._reader.last_row)
        return joins(self, half)

    with mock.patch.object(SheetBlocks, "joins", noted):
        result(path, True)
    return found[0]


def test_names_of_elements_are_counted_in_both_halves(tmp_path: Path) -> None:
    """More than 4096 are hostile, whoever has met them."""
    path = book(tmp_path, lambda n: row(n, f"<x{n}/>" if n % 6 == 0 else ""))
    assert result(path, True) == result(path, False)


def test_the_limit_of_cells_is_told_as_one_process_tells_it(tmp_path: Path) -> None:
    """With the sheet, where the exact reader comes to it."""
    path = book(tmp_path, lambda n: row(n, "<odd/>" if n > 25_000 else ""))
    limits = Limits(cells=4 * 27_000)
    assert result(path, True, limits) == result(path, False, limits)


def test_a_text_of_blanks_at_the_cut_decides_as_it_does_elsewhere(tmp_path: Path) -> None:
    """Whether dates behind it are serials."""

    def with_blanks_at(row_: int) -> Path:
        def make(n: int) -> str:
            blank, day = text("E", n, "  "), cell("E", n, "45974", ' s="1"')
            return row(n, eta=blank if n == row_ else day if n > row_ else "")

        return book(tmp_path, make)

    cut = last_row_before_cut(with_blanks_at(N))
    path = with_blanks_at(cut)
    assert result(path, True) == result(path, False)


def test_notes_stand_in_one_order(tmp_path: Path) -> None:
    """item.json is the same byte by byte."""

    def odd_from(row_: int) -> Path:
        def make(n: int) -> str:
            mawb = "020-81140744" if n == row_ + 1 else "020-81140743"
            eta = "5/13/2025" if n == row_ else "2025-11-13"
            return row(n, text("B", n, mawb), text("E", n, eta))

        return book(tmp_path, make)

    cut = last_row_before_cut(odd_from(N))
    path = odd_from(cut)
    assert result(path, True) == result(path, False)


def test_sums_of_rejected_rows_are_added_in_one_order(tmp_path: Path) -> None:
    """Adding floats is not associative."""

    def make(n: int) -> str:
        weight = f"{n * 7919 % 1000003 * 10**7}.{n % 10}{n % 7}1"
        broken = cell("A", n, "#N/A", ' t="e"')
        return row(n, key=broken, weight=weight) if n % 2 == 0 else row(n)

    path = book(tmp_path, make, row(N, key=text("A", N, "TOTAL"), weight="7.4e16"))
    assert result(path, True) == result(path, False)


def rows_of_six() -> List[Any]:
    return [[made.KEYS[n], None, number(str(n))] for n in range(6)]


def test_a_fork_that_fails_leaves_no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of a pool would run out of files."""

    def fork() -> int:
        raise OSError(errno.EAGAIN, "no process")

    monkeypatch.setattr(os, "fork", fork)
    before = open_files()
    for _ in range(5):
        made.result([made.halved(2, *rows_of_six())], True)
    assert open_files() == before


def test_files_of_a_half_that_failed_end_before_it_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What filled the disk must not be in the way of the one process that is left."""
    files: List[BinaryIO] = []
    file = Beside.file

    def noted(self: Beside) -> BinaryIO:
        files.append(file(self))
        return files[-1]

    open_when_read: List[bool] = []

    class Full(made.Divided):
        def second(self) -> Any:
            raise OSError(errno.ENOSPC, "full")
            yield

        def rest(self) -> Any:
            open_when_read.extend(not each.closed for each in files)
            return super().rest()

    monkeypatch.setattr(Beside, "file", noted)
    cut = made.halved(2, *rows_of_six(), kind=Full)
    whole = made.result([sheet(made.HEADINGS, *rows_of_six(), block=1)], False)
    assert made.result([cut], True) == whole
    assert open_when_read == [False] * len(files)


# These hold, and nothing else notices when they do not.


@pytest.mark.parametrize("twice", range(-3, 4))
def test_a_row_that_comes_twice_at_the_cut_is_damage(tmp_path: Path, twice: int) -> None:
    """The last number of one half is no first number of the other."""
    cut = last_row_before_cut(book(tmp_path, row))
    path = book(tmp_path, lambda n: row(n if n <= cut + twice else n - 1))
    found = result(path, True)
    assert found == result(path, False)
    assert found[0] == "damaged"


def test_cells_are_counted_once(tmp_path: Path) -> None:
    """A workbook of just as many as it may have is taken."""
    path = book(tmp_path, row)
    limits = Limits(cells=4 * (N - 2) + 6)
    found = result(path, True, limits)
    assert len(found) == 3
    assert found == result(path, False, limits)
    assert result(path, True, limits._replace(cells=4 * (N - 2) + 5))[0] == "limit"


class Refused(made.Divided):
    """The first half is damaged."""

    def __next__(self) -> Any:
        if len(self._blocks) < self._all:
            raise BadItem("damaged", "")
        return super().__next__()


@pytest.mark.parametrize("kind", [made.Divided, made.Raising, made.Killed, made.Apart, Refused])
def test_no_file_is_left(kind: Any) -> None:
    """However the second half ended: a child of a pool reads many workbooks."""
    made.result([made.halved(2, *rows_of_six(), kind=kind)], True)
    before = open_files()
    for _ in range(3):
        made.result([made.halved(2, *rows_of_six(), kind=kind)], True)
    assert open_files() == before


def test_a_number_hidden_in_the_first_tag_behind_the_cut_is_none(tmp_path: Path) -> None:
    """The row's own number goes back: damage that only the first process can see."""
    cut = last_row_before_cut(book(tmp_path, row))
    hidden = f"""<row x=' r="{cut + 1}" ' r="{cut - 1}"></row>"""

    def make(n: int) -> str:
        return hidden + row(n) if n == cut + 1 else row(n)

    found = result(book(tmp_path, make), True)
    assert found[0] == "damaged"
