"""Files made to bring a reader down: each ends soon, small, and with a reason of its own."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
import xlwt

from tests.workbook import hostile, xlsb_writer
from tests.workbook.reading import SAMPLES
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.inspect import cells_json
from ttcli.workbook.limited import child
from ttcli.workbook.open import open_workbook

# Ten seconds and 300 MB, kept by the kernel: a reader that needs more fails the test by its words.
# Of processor time, that is: how long a busy machine takes for it says nothing of the reader.
TEN_SECONDS = Limits(memory_mb=300, cpu_seconds=10, wall_seconds=100)


def count(path: Path) -> int:
    """The number of cells in a file."""
    return sum(1 for _ in cells_json(open_workbook(path, TEN_SECONDS))) - 1


def outcome(path: Path) -> Any:
    """The number of cells, or kind and message of the refusal."""
    try:
        return child.start(count, path, limits=TEN_SECONDS).result()
    except BadItem as error:
        return f"{error.kind}: {error.message}"


def xls_far_cells() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("far")
    sheet.write(0, 0, 1)
    sheet.write(65535, 255, 2)
    return _saved(book)


def _saved(book: xlwt.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def xlsb_far_cells() -> bytes:
    rows = xlsb_writer.row(0, xlsb_writer.rk(0, 1)) + xlsb_writer.row(
        1048575, xlsb_writer.rk(1000, 2)
    )
    return xlsb_writer.xlsb([("far", 0, rows)], [], [])


def ods(body: str) -> bytes:
    """A spreadsheet of one sheet."""
    names = ["office", "table", "text"]
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in names)
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return hostile.zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content.encode(),
            "META-INF/manifest.xml": b"<manifest/>",
        }
    )


_ONE = (
    '<table:table-cell office:value-type="float" office:value="1" {}>'
    "<text:p>1</text:p></table:table-cell>"
)


def ods_repeated() -> bytes:
    """One cell, repeated over the whole sheet."""
    cell = _ONE.format('table:number-columns-repeated="16384"')
    return ods(f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>')


def ods_repeated_rows() -> bytes:
    """One cell, repeated down a thousand billion rows."""
    cell = _ONE.format("")
    return ods(f'<table:table-row table:number-rows-repeated="999999999">{cell}</table:table-row>')


def ods_repeated_within_the_limits() -> bytes:
    """A thousand million cells, of which no row is too far down and no column too far right."""
    cell = _ONE.format('table:number-columns-repeated="1024"')
    return ods(f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>')


def ods_blanks() -> bytes:
    """A text of two thousand million blanks."""
    blanks = '<text:s text:c="99999"/>' * 20_000
    cell = f'<table:table-cell office:value-type="string"><text:p>{blanks}</text:p>'
    return ods(f"<table:table-row>{cell}</table:table-cell></table:table-row>")


HOSTILE: List[Tuple[Callable[[], bytes], str]] = [
    (hostile.far_values, "limit: sheet 'Sheet1', cell XFD1048576"),
    (hostile.beyond, "limit: sheet 'Sheet1', cell XFE1048577"),
    (hostile.bomb, "limit: the part xl/worksheets/sheet1.xml unpacks to over"),
    (hostile.entity_bomb, "hostile: "),
    (lambda: hostile.external_entity("/etc/passwd"), "hostile: "),
    (hostile.many_sheets, "limit: the workbook has more than 10,000 sheets"),
    (hostile.wide, "limit: sheet 'Sheet1', cell AMK1"),
    (
        hostile.ole_loop,
        "damaged: it is damaged: a damaged OLE2 container: a chain of its sectors is a loop",
    ),
    (hostile.ole_self_sibling, "unsupported: it is an OLE2 document that holds no workbook"),
    (
        xlsb_far_cells,
        "limit: xl/worksheets/sheet1.bin has 2 cells, but they reach to row 1,048,576",
    ),
    (ods_repeated, "limit: "),
    (ods_repeated_rows, "limit: "),
    (ods_repeated_within_the_limits, "limit: the workbook has more than 100,000,000 cells"),
    (ods_blanks, "limit: a cell holds more than a million characters"),
]


@pytest.mark.parametrize(
    ("make", "reason"), HOSTILE, ids=lambda value: getattr(value, "__name__", "")
)
def test_hostile_files_are_refused_for_their_reason(
    tmp_path: Path, make: Callable[[], bytes], reason: str
) -> None:
    """Within ten seconds and 300 MB, each hostile file is refused in words that fit it."""
    path = tmp_path / "payload"
    path.write_bytes(make())
    assert str(outcome(path)).startswith(reason)


def test_far_cells_of_an_xls_are_read(tmp_path: Path) -> None:
    """calamine would make room for 16 million cells; there are two."""
    path = tmp_path / "payload"
    path.write_bytes(xls_far_cells())
    assert outcome(path) == 2


@pytest.mark.parametrize("make", [hostile.far_styles, hostile.empty_rows])
def test_styles_and_empty_rows_cost_nothing(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """A million empty rows, or a style in the last cell, hide nothing: the one value is read."""
    path = tmp_path / "payload"
    path.write_bytes(make())
    assert outcome(path) == 1


def _whole() -> Dict[str, bytes]:
    samples = [SAMPLES / f"libreoffice-shipments.{kind}" for kind in ("xlsx", "xls", "ods")]
    written = {
        "xlsb": xlsb_writer.xlsb([("a", 0, xlsb_writer.row(0, xlsb_writer.rk(0, 1)))], [], [])
    }
    return {**{path.suffix[1:]: path.read_bytes() for path in samples}, **written}


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods", "xlsb"])
def test_truncated_files_are_called_so(tmp_path: Path, kind: str) -> None:
    """Cut at every 512 bytes, a workbook is refused as cut short, never read in part."""
    whole = _whole()[kind]
    path = tmp_path / "payload"
    for size in range(512, len(whole), 512):
        path.write_bytes(whole[:size])
        assert str(outcome(path)).startswith("truncated: "), size


def mutated(chance: random.Random, data: bytes) -> bytes:
    """The data with some bytes changed, taken out, doubled or made extreme."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20))):
        at, more = chance.randrange(len(changed)), chance.randrange(1, 60)
        way = chance.random()
        if way < 0.6:
            changed[at] = chance.choice((0, 0xFF, chance.randrange(256)))
        elif way < 0.75:
            del changed[at : at + min(more, len(changed) - 1)]
        elif way < 0.9:
            changed[at:at] = changed[at : at + more]
        else:
            changed[at : at + 4] = b"\xff\xff\xff\x7f"
    return bytes(changed)


def mutated_part(chance: random.Random, data: bytes) -> bytes:
    """A zip archive with one of its parts mutated, and the zip around it whole."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    name = chance.choice([name for name, part in parts.items() if part])
    return hostile.zipped({**parts, name: mutated(chance, parts[name])})


def hold_against_readers(path: Path, kind: str, times: int) -> None:
    """There are cells or a BadItem, never a bug: that would raise BugInChild."""
    chance = random.Random(f"{kind} {times}")
    whole = _whole()[kind]
    for number in range(times):
        zipped = kind != "xls" and number % 2
        path.write_bytes((mutated_part if zipped else mutated)(chance, whole))
        assert outcome(path) is not None


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods", "xlsb"])
def test_mutated_files_end_with_cells_or_a_reason(tmp_path: Path, kind: str) -> None:
    """With bytes changed anywhere, there are cells or a reason."""
    hold_against_readers(tmp_path / "payload", kind, 40)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods", "xlsb"])
def test_many_mutated_files_end_with_cells_or_a_reason(tmp_path: Path, kind: str) -> None:
    """The same, a few thousand times."""
    hold_against_readers(tmp_path / "payload", kind, 3000)
