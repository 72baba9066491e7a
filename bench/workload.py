"""Track-and-trace workbooks to measure with: 25 columns, any number of rows, always the same.

    python bench/workload.py ROWS OUT.xlsx [--inline] [--first N]

Texts (short, long, Unicode, with entities), an integer, decimals, six timestamps and blanks, in
the mix that forwarders' reports show; half of the text is unique, the other half repeats. The XML
is spelt as Excel spells it, strings shared unless `--inline`. A million rows need little memory.
"""

from __future__ import annotations

import argparse
import random
import zipfile
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Union
from xml.sax.saxutils import escape

Value = Union[str, int, float, None]

COLUMNS = [
    *("hawb", "mawb", "origin", "destination", "shipper", "consignee", "pieces", "weight"),
    *("chargeable_weight", "volume", "booked_at", "etd", "eta", "atd", "ata", "delivered_at"),
    *("status", "carrier", "flight_no", "service", "incoterm", "currency", "declared_value"),
    *("reference", "remarks"),
]
TIMESTAMPS = range(10, 16)
_AIRPORTS = [
    *("HAN", "SGN", "FRA", "HKG", "SIN", "NRT", "ICN", "LAX", "ORD", "JFK", "AMS", "CDG"),
    *("LHR", "DXB", "DOH", "BKK", "KUL", "MNL", "PVG", "PEK"),
]
_CARRIERS = ["VN", "LH", "CX", "SQ", "NH", "KE", "AA", "UA", "KL", "AF", "BA", "EK", "QR", "TG"]
_FIRST = [
    *("Hoàng Long", "Müller & Söhne", "Nippon Cargo", "Delta", "Saigon Textile", "Façade"),
    *("Łódź Trade", "Golden Lotus", "Pacific", "Øresund", "Việt Thắng", "ACME", "Global <Parts>"),
    *("Smith & Co", "東京物流", "Ελλάς", "Blue Ocean", "Kraków Logistik", "Santos", "Iberia"),
]
_LAST = ["Trading JSC", "GmbH", "Co., Ltd", "Logistics LLC", "S.A.", "Import-Export", "Holdings"]
_STATUS = ["BKD", "RCS", "DEP", "ARR", "RCF", "NFD", "DLV", "POD", "HLD", "MIS"]
_REMARKS = [
    *("Held at customs – documents missing", "Xin giữ nguyên trạng thái", "2 pcs short, tracing"),
    *('Delivered; signed by "R. Meyer"', "Temp. 2–8 °C kept", "遅延：天候", "re-weighed", "ok"),
    "offload: payload restriction & DG check",
]
_DAY = 86400
_EPOCH = 45658 * _DAY  # 2025-01-01 as a serial, in seconds


def rows(count: int, first: int = 0) -> Iterator[List[Value]]:
    """Rows number `first` to `first + count`, the same ones whenever they are asked for."""
    chance = random.Random(first)
    for number in range(first, first + count):
        yield _row(number, chance.random)


def _row(number: int, chance: Callable[[], float]) -> List[Value]:
    def pick(choices: List[str]) -> str:
        return choices[int(chance() * len(choices))]

    weight = round(0.5 + chance() * 900, 1)
    carrier, status = pick(_CARRIERS), int(chance() * 10)
    return [
        f"H{number * 7919 % 99999989:08d}",
        f"{100 + number % 37}-{number // 12 * 104729 % 99999999:08d}",
        pick(_AIRPORTS),
        pick(_AIRPORTS),
        f"{pick(_FIRST)} {pick(_LAST)} {int(chance() * 40)}",
        f"{pick(_FIRST)} {pick(_LAST)}",
        1 + int(chance() * 40),
        weight,
        round(weight * (1 + chance() * 0.3), 1),
        round(weight / 167 * (0.5 + chance()), 3) if chance() < 0.9 else None,
        *_times(status, chance),
        _STATUS[status],
        carrier,
        f"{carrier}{int(chance() * 900):04d}",
        pick(["EXP", "ECO", "STD", "DG", "PER"]),
        pick(["EXW", "FCA", "FOB", "DAP", "DDP", "CIF"]),
        pick(["USD", "EUR", "VND", "JPY", "SGD"]),
        round(chance() * 20000, 2) if chance() < 0.7 else None,
        f"PO-{int(chance() * 9999999):07d}",
        f"{pick(_REMARKS)} #{number % 5000}" if chance() < 0.6 else None,
    ]


def _times(status: int, chance: Callable[[], float]) -> List[Value]:
    booked = _EPOCH + int(chance() * 365 * _DAY)
    departs = booked + int(chance() * 3 * _DAY)
    arrives = departs + 7200 + int(chance() * _DAY)
    departed = departs + int(chance() * 18000) if status > 1 else None
    arrived = arrives + int(chance() * 18000) if status > 2 else None
    delivered = arrives + 36000 + int(chance() * 3 * _DAY) if status in (6, 7) else None
    moments = (booked, departs, arrives, departed, arrived, delivered)
    return [None if moment is None else moment / _DAY for moment in moments]


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def _relationships(**targets: str) -> str:
    lines = [
        f'<Relationship Id="{name}" Type="{_OFFICE}/{target[0]}" Target="{target[1]}"/>'
        for name, target in zip(targets, map(str.split, targets.values()))
    ]
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def _content_types(**parts: str) -> str:
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    lines = [
        f'<Override PartName="/xl/{part}.xml" ContentType="{_CONTENT}.{kind}+xml"/>'
        for kind, part in parts.items()
    ]
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="{rels}"/>'
        f"{''.join(lines)}</Types>"
    )


_FRAME = {
    "[Content_Types].xml": _content_types(
        **{"sheet.main": "workbook", "worksheet": "worksheets/sheet1"},
        styles="styles",
        sharedStrings="sharedStrings",
    ),
    "_rels/.rels": _relationships(a="officeDocument xl/workbook.xml"),
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Report" sheetId="1" r:id="a"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": _relationships(
        a="worksheet worksheets/sheet1.xml",
        b="styles styles.xml",
        c="sharedStrings sharedStrings.xml",
    ),
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="1">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="1"><font/></fonts><fills count="1"><fill><patternFill/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>",
}


class _Sheet:
    """Spells cells, and gathers the shared strings in the order of their first use."""

    def __init__(self, inline: bool) -> None:
        self.strings: Dict[str, int] = {}
        self._inline = inline
        self._letters = [chr(65 + column) for column in range(len(COLUMNS))]

    def row(self, number: int, values: List[Value]) -> str:
        cells = [self._cell(column, number, value) for column, value in enumerate(values)]
        return f'<row r="{number}" spans="1:{len(COLUMNS)}">{"".join(cells)}</row>'

    def _cell(self, column: int, row: int, value: Value) -> str:
        name = f"{self._letters[column]}{row}"
        if value is None:
            return ""
        if not isinstance(value, str):
            style = ' s="1"' if column in TIMESTAMPS else ""
            return f'<c r="{name}"{style}><v>{value!r}</v></c>'
        if self._inline:
            return f'<c r="{name}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        index = self.strings.setdefault(value, len(self.strings))
        return f'<c r="{name}" t="s"><v>{index}</v></c>'


def write(path: Path, count: int, inline: bool = False, first: int = 0) -> None:
    """Writes a workbook of a heading row and `count` rows."""
    sheet = _Sheet(inline)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            part.write(sheet.row(1, list(COLUMNS)).encode())
            for number, values in enumerate(rows(count, first), 2):
                part.write(sheet.row(number, values).encode())
            part.write(b"</sheetData></worksheet>")
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            part.write(f'{_HEAD}<sst xmlns="{_MAIN}">'.encode())
            part.writelines(f"<si><t>{escape(text)}</t></si>".encode() for text in sheet.strings)
            part.write(b"</sst>")
        for name, content in _FRAME.items():
            archive.writestr(name, _HEAD + content)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--inline", action="store_true", help="strings inside the cells")
    parser.add_argument("--first", type=int, default=0, help="number of the first row")
    options = parser.parse_args()
    write(options.out, options.rows, options.inline, options.first)


if __name__ == "__main__":
    main()
