"""A writer of small .xlsb files, for no library writes them. Record numbers: [MS-XLSB] 2.3.2."""

from __future__ import annotations

import struct
from typing import Dict, List, Tuple

from tests.workbook.hostile import zipped

_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="bin" ContentType='
    '"application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>'
    '<Override PartName="/xl/styles.bin" ContentType="application/vnd.ms-excel.styles"/>'
    '<Override PartName="/xl/sharedStrings.bin" '
    'ContentType="application/vnd.ms-excel.sharedStrings"/>'
    "{}</Types>"
)


def record(code: int, data: bytes = b"") -> bytes:
    """One record: its number and its size in groups of seven bits."""
    head = bytes([code]) if code < 128 else bytes([code & 0x7F | 0x80, code >> 7])
    size, rest = b"", len(data)
    while True:
        rest, low = rest >> 7, rest & 0x7F
        size += bytes([low | (0x80 if rest else 0)])
        if not rest:
            return head + size + data


def text(value: str) -> bytes:
    """XLWideString."""
    return struct.pack("<I", len(value.encode("utf-16-le")) // 2) + value.encode("utf-16-le")


def cell(code: int, column: int, data: bytes, style: int = 0) -> bytes:
    """A cell record; columns count from 0."""
    return record(code, struct.pack("<II", column, style) + data)


def number(column: int, value: float, style: int = 0) -> bytes:
    """BrtCellReal."""
    return cell(5, column, struct.pack("<d", value), style)


def rk(column: int, value: int, style: int = 0) -> bytes:
    """BrtCellRk of a whole number."""
    return cell(2, column, struct.pack("<i", value << 2 | 2), style)


def shared(column: int, index: int) -> bytes:
    """BrtCellIsst: the shared string of that index."""
    return cell(7, column, struct.pack("<I", index))


def inline(column: int, value: str) -> bytes:
    """BrtCellSt."""
    return cell(6, column, text(value))


def boolean(column: int, value: bool) -> bytes:
    """BrtCellBool."""
    return cell(4, column, bytes([value]))


def error(column: int, code: int) -> bytes:
    """BrtCellError."""
    return cell(3, column, bytes([code]))


def formula_number(column: int, value: float) -> bytes:
    """BrtFmlaNum of `=1`."""
    return cell(9, column, struct.pack("<d", value) + struct.pack("<HIBHI", 0, 3, 0x1E, 1, 0))


def row(index: int, cells: bytes) -> bytes:
    """BrtRowHdr and its cells; rows count from 0."""
    return record(0, struct.pack("<IIHHBI", index, 0, 300, 0, 0, 0)) + cells


def _sheet(rows: bytes) -> bytes:
    dimension = record(148, struct.pack("<IIII", 0, 100, 0, 20))
    return b"".join([record(129), dimension, record(145), rows, record(146), record(130)])


def _styles(formats: List[str]) -> bytes:
    """Cell format 0 is General, the others have these number formats."""
    fmts = b"".join(record(44, struct.pack("<H", 164 + n) + text(f)) for n, f in enumerate(formats))
    xfs = b"".join(
        record(47, struct.pack("<HHHHHBBHH", parent, fmt, 0, 0, 0, 0, 0, 0, 0))
        for parent, fmt in [(0, 0), *((0, 164 + n) for n in range(len(formats)))]
    )
    style_xf = record(47, struct.pack("<HHHHHBBHH", 0xFFFF, 0, 0, 0, 0, 0, 0, 0, 0))
    return b"".join(
        [
            record(278),
            record(615, struct.pack("<I", len(formats))) + fmts + record(616),
            record(626, struct.pack("<I", 1)) + style_xf + record(627),
            record(617, struct.pack("<I", len(formats) + 1)) + xfs + record(618),
            record(279),
        ]
    )


def _strings(values: List[str]) -> bytes:
    items = b"".join(record(19, b"\0" + text(value)) for value in values)
    head = record(159, struct.pack("<II", len(values), len(values)))
    return head + items + record(160)


def xlsb(
    sheets: List[Tuple[str, int, bytes]],
    strings: List[str],
    formats: List[str],
    date_1904: bool = False,
) -> bytes:
    """A workbook of sheets: name, state (0 visible, 1 hidden, 2 very hidden), rows."""
    bundle = b"".join(
        record(156, struct.pack("<II", state, n) + text(f"rId{n}") + text(name))
        for n, (name, state, _) in enumerate(sheets, 1)
    )
    properties = record(153, struct.pack("<II", int(date_1904), 0) + text(""))
    book = record(131) + properties + record(143) + bundle + record(144) + record(132)
    links = [
        (f"rId{n}", "worksheet", f"worksheets/sheet{n}.bin") for n in range(1, len(sheets) + 1)
    ]
    links += [("rIdA", "styles", "styles.bin"), ("rIdB", "sharedStrings", "sharedStrings.bin")]
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.bin" '
        'ContentType="application/vnd.ms-excel.worksheet"/>'
        for n in range(1, len(sheets) + 1)
    )
    parts: Dict[str, bytes] = {
        "[Content_Types].xml": _TYPES.format(overrides).encode(),
        "_rels/.rels": _links([("rId1", "officeDocument", "xl/workbook.bin")]),
        "xl/workbook.bin": book,
        "xl/_rels/workbook.bin.rels": _links(links),
        "xl/styles.bin": _styles(formats),
        "xl/sharedStrings.bin": _strings(strings),
    }
    for n, (_, _, rows) in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{n}.bin"] = _sheet(rows)
    return zipped(parts)


def _links(links: List[Tuple[str, str, str]]) -> bytes:
    inner = "".join(
        f'<Relationship Id="{n}" Type="{_REL}/{kind}" Target="{target}"/>'
        for n, kind, target in links
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_RELS}">{inner}</Relationships>'.encode()
