"""The fast reader gives what the exact one gives: the law that lets it be fast."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbook_ooxml.halved import Halved
from tests.workbook_ooxml.packages import parts_of, sheet, styles, write
from tests.workbook_ooxml.sheets import SHARED, Writer
from ttcli.cells import Kind, cells_of
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml.exact import exact_blocks
from ttcli.workbook.ooxml.fast import FastReader
from ttcli.workbook.ooxml.package import Chunks
from ttcli.workbook.ooxml.workbook import open_ooxml

HALVED = Halved()
PART = "xl/worksheets/sheet1.xml"


def outcome(path: Path, reader, xml: bytes, size: int):
    """The cells in order, or the kind of the refusal, of a sheet that arrives in small pieces."""
    workbook = open_ooxml(path, Limits())
    try:
        source = workbook.source("One", PART)
        chunks = (xml[i : i + size] for i in range(0, len(xml), size))
        return [cell for block in reader(source, chunks) for cell in cells_of(block)]
    except BadItem as refusal:
        return refusal.kind
    finally:
        workbook.package.close()


def fast_blocks(source, chunks):
    """As `exact_blocks`."""
    return FastReader(source, Chunks(chunks)).blocks()


def compare(path: Path, xml: bytes, size: int) -> None:
    """Asserts the law for one sheet, read as a whole and in two halves."""
    expected = outcome(path, exact_blocks, xml, 1 << 16)

    assert outcome(path, fast_blocks, xml, size) == expected
    assert outcome(path, HALVED, xml, size) == expected


@pytest.fixture(scope="module")
def frame():
    """A workbook whose sheet does not matter, and whose strings and styles do."""
    with tempfile.TemporaryDirectory() as folder:
        yield write(Path(folder) / "w", parts_of("", shared=SHARED))


seeds = given(seed=st.integers(0, 1 << 62), size=st.sampled_from([11, 300, 2000, 1 << 16]))


@settings(max_examples=500, deadline=None)
@seeds
def test_fast_equals_exact(frame, seed, size):
    """Cell by cell, on sheets in many spellings, right and wrong ones."""
    compare(frame, Writer(Random(seed)).sheet().encode(), size)


def test_halves_were_joined(frame):
    """Of the sheets above: otherwise the law would say nothing of halves."""
    before = HALVED.joined
    for seed in range(100):
        compare(frame, Writer(Random(seed)).sheet().encode(), 300)

    assert HALVED.joined - before > 10


def test_what_an_earlier_workbook_taught_keeps_its_styles(tmp_path):
    """The same bytes under other number formats are other cells, one workbook after another."""
    xml = sheet(
        "".join(f'<row r="{n}"><c r="A{n}" s="1"><v>{n}</v></c></row>' for n in range(1, 40))
    )
    dates = write(tmp_path / "dates", parts_of(xml))
    plain = write(tmp_path / "plain", {**parts_of(xml), "xl/styles.xml": styles(["0", "0"])})

    kinds = [
        {cell.kind for _, _, cell in outcome(path, fast_blocks, xml.encode(), 500)}
        for path in (dates, plain, dates)
    ]

    assert kinds == [{Kind.DATE}, {Kind.NUMBER}, {Kind.DATE}]


@given(seeds=st.lists(st.integers(0, 1 << 62), min_size=2, max_size=4))
def test_sheets_after_one_another_equal_exact(frame, seeds):
    """What the fast reader has learnt from some sheets does not change how it reads the next."""
    for seed in seeds:
        compare(frame, Writer(Random(seed)).sheet().encode(), 1 << 16)


@pytest.mark.nightly
@settings(max_examples=20_000, deadline=None)
@seeds
def test_fast_equals_exact_on_many_sheets(frame, seed, size):
    """The same, twenty thousand times."""
    compare(frame, Writer(Random(seed)).sheet().encode(), size)
