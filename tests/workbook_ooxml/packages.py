"""Builds OOXML packages part by part, also such as no writer would write."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Dict, Optional

from ttcli.cells import cells_of
from ttcli.config import Limits

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
FORMATS = ["General", "yyyy-mm-dd", "00000000000", "[h]:mm", "0%", "h:mm", "0.00", "@"]


def styles(formats=FORMATS) -> str:
    """A styles.xml whose s="i" is formats[i]."""
    codes = "".join(
        f'<numFmt numFmtId="{164 + i}" formatCode="{code}"/>' for i, code in enumerate(formats)
    )
    cells = "".join(f'<xf numFmtId="{164 + i}" xfId="0"/>' for i in range(len(formats)))
    return (
        f'{_HEAD}<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts>'
        f"<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs><cellXfs>{cells}</cellXfs>"
        f"<dxfs><dxf><numFmt numFmtId='164' formatCode='yyyy'/></dxf></dxfs></styleSheet>"
    )


def strings(items) -> str:
    """A sharedStrings.xml of the XML of each string."""
    return f'{_HEAD}<sst xmlns="{MAIN}">' + "".join(f"<si>{i}</si>" for i in items) + "</sst>"


def rels(**targets) -> str:
    """A .rels part: id="type target"."""
    lines = []
    for name, value in targets.items():
        kind, target = value.split(" ")
        lines.append(f'<Relationship Id="{name}" Type="{OFFICE}/{kind}" Target="{target}"/>')
    return f'{_HEAD}<Relationships xmlns="{_RELS}">' + "".join(lines) + "</Relationships>"


def sheet(rows: str, before: str = "", after: str = "", namespace: str = MAIN) -> str:
    """A worksheet part around the XML of its rows."""
    return (
        f'{_HEAD}<worksheet xmlns="{namespace}" xmlns:x14ac="urn:x14ac">{before}'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def parts_of(
    sheet_xml: str, shared=("<t>zero</t>", "<t>one</t>"), properties: str = ""
) -> Dict[str, str]:
    """The parts of a workbook of one sheet."""
    return {
        "[Content_Types].xml": f"{_HEAD}<Types/>",
        "_rels/.rels": rels(a="officeDocument xl/workbook.xml"),
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f"{properties}<sheets>"
        '<sheet name="One" sheetId="1" r:id="s1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": rels(
            s1="worksheet worksheets/sheet1.xml",
            s2="styles styles.xml",
            s3="sharedStrings sharedStrings.xml",
        ),
        "xl/styles.xml": styles(),
        "xl/sharedStrings.xml": strings(shared),
        "xl/worksheets/sheet1.xml": sheet_xml,
    }


def write(path: Path, parts: Dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Zips parts."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def write_rows(path: Path, rows: str, **more) -> Path:
    """A workbook of one sheet with these rows."""
    return write(path, parts_of(sheet(rows), **more))


def read(path: Path, exact: bool = True, limits: Optional[Limits] = None) -> Dict:
    """Every cell of the first sheet, by row and column."""
    from ttcli.workbook.ooxml.workbook import open_ooxml

    workbook = open_ooxml(path, limits or Limits())
    try:
        first = workbook.sheets[0]
        blocks = first.exact_blocks() if exact else first.blocks()
        return {(row, column): cell for block in blocks for row, column, cell in cells_of(block)}
    finally:
        workbook.package.close()


def words(path: Path, exact: bool = True) -> Dict:
    """Every cell of the first sheet as `kind:text`."""
    return {place: f"{c.kind.value}:{c.text}" for place, c in read(path, exact).items()}
