"""Files that bring readers down, written by hand; each is small and none is an accident."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Dict, List

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = (
    '<?xml version="1.0"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="{}/{}" Target="{}"/></Relationships>'
)
_WORKBOOK = (
    f'<?xml version="1.0"?><workbook xmlns="{_MAIN}" xmlns:r="{_REL}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
)


def xlsx(rows: str, sheet: str = "", **more: bytes) -> bytes:
    """An .xlsx whose one sheet has these rows as XML; `sheet` replaces the whole sheet part."""
    whole = sheet or _with_doctype("", rows)
    parts: Dict[str, bytes] = {
        "[Content_Types].xml": _TYPES.encode(),
        "_rels/.rels": _RELS.format(_REL, "officeDocument", "xl/workbook.xml").encode(),
        "xl/_rels/workbook.xml.rels": _RELS.format(
            _REL, "worksheet", "worksheets/sheet1.xml"
        ).encode(),
        "xl/workbook.xml": _WORKBOOK.encode(),
        "xl/worksheets/sheet1.xml": whole.encode(),
        **more,
    }
    return zipped(parts)


def zipped(parts: Dict[str, bytes]) -> bytes:
    """A zip archive of these parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def far_values() -> bytes:
    """Two cells, as far apart as a sheet allows."""
    return xlsx(
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )


def far_styles() -> bytes:
    """The same, but the far cell has a style only."""
    return xlsx(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/></row>'
    )


def beyond() -> bytes:
    """A cell beyond the last one that Excel has."""
    return xlsx('<row r="1048577"><c r="XFE1048577"><v>1</v></c></row>')


def bomb() -> bytes:
    """A sheet that unpacks to 600 MB of nothing."""
    part = io.BytesIO()
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for _ in range(600):
                sheet.write(b" " * (1 << 20))
            sheet.write(b"</sheetData></worksheet>")
        for name, data in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELS.format(_REL, "officeDocument", "xl/workbook.xml")),
            (
                "xl/_rels/workbook.xml.rels",
                _RELS.format(_REL, "worksheet", "worksheets/sheet1.xml"),
            ),
            ("xl/workbook.xml", _WORKBOOK),
        ):
            archive.writestr(name, data)
    return part.getvalue()


def entity_bomb() -> bytes:
    """Ten entities, each ten times the one before."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE worksheet [<!ENTITY e0 "lol">{entities}]>'
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>&e9;</t></is></c></row>'
    return xlsx("", sheet=_with_doctype(doctype, row))


def external_entity(path: str) -> bytes:
    """A cell that wants to be a file of ours."""
    doctype = f'<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file://{path}">]>'
    return xlsx(
        "",
        sheet=_with_doctype(
            doctype, '<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row>'
        ),
    )


def _with_doctype(doctype: str, rows: str) -> str:
    return (
        f'<?xml version="1.0"?>{doctype}<worksheet xmlns="{_MAIN}">'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )


def empty_rows() -> bytes:
    """A heading, and a million rows without a cell."""
    rows = "".join(f'<row r="{n}"/>' for n in range(2, 1048577))
    return xlsx('<row r="1"><c r="A1" t="inlineStr"><is><t>hawb</t></is></c></row>' + rows)


def many_sheets() -> bytes:
    """A list of a million sheets, each of them the same part."""
    one = '<sheet name="Sheet1" sheetId="1" r:id="rId1"/>'
    return xlsx("", **{"xl/workbook.xml": _WORKBOOK.replace(one, one * 1_000_000).encode()})


def wide() -> bytes:
    """A row of 16,384 cells."""
    return xlsx('<row r="1">' + "<c><v>1</v></c>" * 16384 + "</row>")


def ole_loop() -> bytes:
    """A kilobyte of OLE2 whose directory is its own successor."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", header, 40, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    struct.pack_into("<109I", header, 76, *[0, *[0xFFFFFFFF] * 108])
    fat = struct.pack("<128I", *[0xFFFFFFFD, 1, *[0xFFFFFFFF] * 126])
    return bytes(header) + fat + bytes(512)


def ole_self_sibling() -> bytes:
    """OLE2 with a directory whose entry is its own brother, and child."""
    data = bytearray(ole_loop())
    struct.pack_into("<I", data, 512 + 4, 0xFFFFFFFE)
    for number, (name, kind) in enumerate((("Root Entry", 5), ("Other", 2))):
        entry = bytearray(128)
        encoded = name.encode("utf-16-le") + b"\0\0"
        entry[: len(encoded)] = encoded
        struct.pack_into("<HBB", entry, 64, len(encoded), kind, 1)
        struct.pack_into("<III", entry, 68, 1, 1, 1)
        data[1024 + 128 * number : 1152 + 128 * number] = entry
    return bytes(data)


def xls_far_cells() -> List[tuple]:
    """Cells whose rectangle would take calamine half a gigabyte."""
    return [(0, 0, 1), (65535, 255, 2)]
