"""Damaged workbooks: refused, or read alike by both readers; never another error, never a loss."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import List, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbook_ooxml.packages import parts_of, read, sheet, strings, write
from tests.workbook_ooxml.sheets import SHARED, Writer
from tests.workbook_ooxml.test_differential import compare
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml.package import Package
from ttcli.workbook.ooxml.strings import read_strings

ROWS = "".join(
    f'<row r="{i}"><c r="A{i}" t="s"><v>{i % 13}</v></c><c r="B{i}" s="1"><v>4{i}.5</v></c>'
    f'<c r="C{i}" t="inlineStr"><is><t>t&amp;{i}</t></is></c></row>'
    for i in range(1, 30)
)
seeds = given(seed=st.integers(0, 1 << 62))


@pytest.fixture(scope="module")
def frame():
    """A workbook whose sheet does not matter."""
    with tempfile.TemporaryDirectory() as folder:
        yield write(Path(folder) / "w", parts_of("", shared=SHARED))


def mutated(xml: bytes, chance: Random) -> bytes:
    """The bytes with a few of them flipped, replaced, doubled, moved or lost."""
    data = bytearray(xml)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        place = chance.randrange(len(data))
        kind = chance.randrange(6)
        if kind == 0:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[place] = chance.choice(b'<>/"&; =0129ABrstvc\x00\xc3!-]')
        elif kind == 2:
            del data[place : place + chance.choice([1, 5, 50])]
        elif kind == 3:
            data[place:place] = data[place : place + chance.choice([1, 5, 50, 200])]
        elif kind == 4:
            data[place:place] = chance.choice(
                [b"<!--", b"-->", b"<![CDATA[", b"<?", b"\xff", b"]]>"]
            )
        else:
            del data[place:]
        data = data or bytearray(b"<")
    return bytes(data)


def check_sheet(frame: Path, seed: int) -> None:
    """Asserts that both readers make the same of one damaged sheet."""
    chance = Random(seed)
    xml = sheet(ROWS).encode() if chance.random() < 0.5 else Writer(chance).sheet().encode()
    compare(frame, mutated(xml, chance), chance.choice([11, 500, 1 << 16]))


@settings(max_examples=400, deadline=None)
@seeds
def test_a_damaged_sheet_is_refused_or_read_alike(frame, seed):
    """Whatever happens to a sheet's bytes, fast and exact agree."""
    check_sheet(frame, seed)


@pytest.mark.nightly
@settings(max_examples=20_000, deadline=None)
@seeds
def test_many_damaged_sheets_are_refused_or_read_alike(frame, seed):
    """The same, twenty thousand times."""
    check_sheet(frame, seed)


def strings_outcome(folder: Path, xml: bytes) -> Union[str, List[bytes]]:
    """The shared strings of a part, or the kind of its refusal."""
    package = Package(write(folder / "w", {"s.xml": xml}), Limits())
    try:
        found = read_strings(package, "s.xml", Limits())
        return [found[i] for i in range(len(found))]
    except BadItem as refusal:
        return refusal.kind
    finally:
        package.close()


@settings(max_examples=400, deadline=None)
@seeds
def test_plain_strings_are_read_as_the_parser_reads_them(tmp_path_factory, seed):
    """A comment keeps all strings from the fast way, and changes none of them."""
    chance = Random(seed)
    plain = [item for item in SHARED if chance.random() < 0.2 or "<r>" not in item] * 5
    xml = strings(plain).encode()
    if chance.random() < 0.3:
        xml = xml.replace(b"</", b"</x:").replace(b"<", b"<x:").replace(b"<x:/x:", b"</x:")
        xml = xml.replace(b"<x:?", b"<?").replace(b"xmlns=", b"xmlns:x=")
    head = xml.index(b">", xml.index(b"sst")) + 1
    if chance.random() < 0.7:
        xml = xml[:head] + mutated(xml[head:], chance)
    folder = tmp_path_factory.mktemp("strings")
    slow = strings_outcome(folder, xml[:head] + b"<!-- -->" + xml[head:])

    assert strings_outcome(folder, xml) == slow


@settings(max_examples=300, deadline=None)
@seeds
def test_a_damaged_file_is_refused_or_read_alike(tmp_path_factory, seed):
    """Whatever happens to a file's bytes, there is a BadItem or the same cells twice."""
    chance = Random(seed)
    path = write(tmp_path_factory.mktemp("file") / "w", parts_of(sheet(ROWS), shared=SHARED))
    path.write_bytes(mutated(path.read_bytes(), chance))
    outcomes = []
    for exact in (True, False):
        try:
            outcomes.append(read(path, exact))
        except BadItem as refusal:
            outcomes.append(refusal.kind)

    assert outcomes[0] == outcomes[1]


def test_a_sheet_cut_anywhere_is_refused(frame):
    """No beginning of a sheet passes for a sheet."""
    xml = sheet(ROWS).encode()
    for length in range(0, len(xml) - 1, 97):
        compare(frame, xml[:length], 300)
        with tempfile.TemporaryDirectory() as folder:
            path = write(
                Path(folder) / "w", {**parts_of(""), "xl/worksheets/sheet1.xml": xml[:length]}
            )
            with pytest.raises(BadItem) as caught:
                read(path, exact=False)
            assert caught.value.kind == "damaged"
