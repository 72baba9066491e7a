"""What the bytes are, whatever the name says."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Dict

import pytest
import xlsxwriter

from tests.workbook import hostile
from tests.workbook.reading import SAMPLES
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.open import open_workbook
from ttcli.workbook.sniff import sniff

_ODF = "application/vnd.oasis.opendocument."


def said_of(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "payload"
    path.write_bytes(data)
    sniffed = sniff(path)
    return f"{sniffed.kind}: {sniffed.said}"


def office(content_type: str, main: str) -> bytes:
    """A package whose main part is of that type."""
    types = (
        f'<Types><Override PartName="/{main}" ContentType="application/{content_type}"/></Types>'
    )
    link = f'<Relationship Id="a" Type="http://x/officeDocument" Target="{main}"/>'
    rels = f"<Relationships>{link}</Relationships>"
    return hostile.zipped(
        {"[Content_Types].xml": types.encode(), "_rels/.rels": rels.encode(), main: b"<x/>"}
    )


def manifest(path: str) -> bytes:
    """Where this one of its files is encrypted."""
    return (
        "<m:manifest><m:file-entry m:full-path='/'/><m:file-entry m:full-path='content.xml'/>"
        f"<m:file-entry m:full-path='{path}'><m:encryption-data/></m:file-entry></m:manifest>"
    ).encode()


ENCRYPTED, MACROS_ENCRYPTED = manifest("content.xml"), manifest("Basic/Standard/Module1.xml")


def opendocument(what: str, **more: bytes) -> bytes:
    parts: Dict[str, bytes] = {"mimetype": (_ODF + what).encode(), "content.xml": b"<x/>", **more}
    return hostile.zipped(parts)


def ole(*names: str) -> bytes:
    """An OLE2 container whose root holds these streams, all empty."""
    data = bytearray(hostile.ole_self_sibling())
    data += bytes(512 * (len(names) // 4))
    struct.pack_into("<I", data, 516, 0xFFFFFFFE if len(names) < 4 else 2)
    struct.pack_into("<I", data, 520, 0xFFFFFFFE)
    for number, name in enumerate(["Root Entry", *names]):
        encoded = name.encode("utf-16-le") + b"\0\0"
        right = number + 1 if 0 < number < len(names) else 0xFFFFFFFF
        child = 1 if number == 0 else 0xFFFFFFFF
        entry = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), 2 if number else 5, 1)
        entry += struct.pack("<III", 0xFFFFFFFF, right, child)
        data[1024 + 128 * number : 1152 + 128 * number] = entry.ljust(128, b"\0")
    return bytes(data)


_EXCEL_LOCK = b"\x04Anna" + b" " * 50 + b"\x04\0A\0n\0n\0a\0" + b" \0" * 50
_DBF = (
    b"\x03"
    + bytes([126, 1, 2])
    + struct.pack("<IHH", 1, 65, 11)
    + bytes(20)
    + b"HAWB".ljust(32, b"\0")
    + b"\r"
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty: an empty file"),
        (b" \r\n \n", "empty: a file of blanks"),
        (_EXCEL_LOCK.ljust(165)[:165], "lock-file: the lock file that Excel makes"),
        (b",anna,host,22.08.2026 13:15,file:///home/anna/.config/libreoffice/4;", "lock-file: "),
        (
            office(
                "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", "xl/workbook.xml"
            ),
            "xlsx:",
        ),
        (
            office("vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml", "a/b.xml"),
            "xlsx:",
        ),
        (office("vnd.ms-excel.sheet.macroEnabled.main+xml", "xl/workbook.xml"), "xlsx:"),
        (office("vnd.ms-excel.sheet.binary.macroEnabled.main", "xl/workbook.bin"), "xlsb:"),
        (office("xml", "xl/workbook.xml"), "xlsx:"),
        (office("xml", "xl/workbook.bin"), "xlsb:"),
        (
            office(
                "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
                "word/document.xml",
            ),
            "unsupported: a Word document",
        ),
        (
            office(
                "vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
                "ppt/p.xml",
            ),
            "unsupported: a PowerPoint presentation",
        ),
        (opendocument("spreadsheet"), "ods:"),
        (opendocument("spreadsheet-template"), "ods:"),
        (opendocument("spreadsheet", **{"META-INF/manifest.xml": MACROS_ENCRYPTED}), "ods:"),
        (opendocument("text"), "unsupported: an OpenDocument text"),
        (
            opendocument("spreadsheet", **{"META-INF/manifest.xml": ENCRYPTED}),
            "encrypted-ods: a password-protected OpenDocument spreadsheet",
        ),
        (hostile.zipped({"Index/Tables/Tile.iwa": b""}), "unsupported: an Apple Numbers document"),
        (
            hostile.zipped({"index.xml": b"", "buildVersionHistory.plist": b""}),
            "unsupported: an Apple Numbers, Pages or Keynote document",
        ),
        (
            hostile.zipped({"mimetype": b"application/vnd.sun.xml.calc", "content.xml": b""}),
            "unsupported: an OpenOffice 1 spreadsheet (.sxc)",
        ),
        (
            hostile.zipped({"a.pdf": b"", "b.txt": b""}),
            "zip: a zip archive of 2 file(s): a.pdf, b.txt",
        ),
        (hostile.zipped({"a.txt": b"x" * 999})[:-30], "truncated: the beginning of a zip archive"),
        (b"junk" * 9 + hostile.xlsx(""), "xlsx:"),
        (b"\0junk" * 9 + hostile.xlsx(""), "xlsx:"),
        (ole("Workbook"), "xls: an Excel 97-2003 workbook"),
        (ole("WORKBOOK"), "xls: an Excel 97-2003 workbook"),
        (ole("\x05SummaryInformation", "Book"), "xls: an Excel 5.0/95 workbook"),
        (ole("EncryptionInfo", "EncryptedPackage"), "encrypted: a password-protected workbook"),
        (ole("WordDocument"), "unsupported: a Word document"),
        (ole("PowerPoint Document"), "unsupported: a PowerPoint presentation"),
        (ole("__properties_version1.0"), "unsupported: an Outlook message"),
        (ole("Contents"), "unsupported: an OLE2 document that holds no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(300), "truncated: an OLE2 container"),
        (b"\x09\x00\x04\x00\x02\x00\x10\x00", "unsupported: an Excel 2 worksheet"),
        (b"\x09\x02\x06\x00\x00\x00\x10\x00", "unsupported: an Excel 3 worksheet"),
        (b"\x09\x04\x06\x00\x00\x00\x10\x00", "unsupported: an Excel 4 worksheet"),
        (
            b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
            b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "unsupported: an Excel 2003 XML spreadsheet",
        ),
        (b"ID;PWXL;N;E\r\nP;PGeneral\r\n", "unsupported: a SYLK file"),
        (b'TABLE\r\n0,1\r\n"EXCEL"\r\n', "unsupported: a DIF file"),
        (_DBF, "unsupported: a dBase table"),
        (b"%PDF-1.7\n", "unsupported: a PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "unsupported: a PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "unsupported: a JPEG picture"),
        (b"GIF89a" + bytes(20), "unsupported: a GIF picture"),
        (b"{\\rtf1\\ansi}", "unsupported: an RTF document"),
        (b"\x1f\x8b\x08\x00" + bytes(20), "unsupported: a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "unsupported: a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "unsupported: a RAR archive"),
        (b'{"hawb": "1"}', "unsupported: a JSON file"),
        (b"<?xml version='1.0'?><a/>", "unsupported: an XML file"),
        (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\r\n<html><table>",
            "unsupported: a web archive (MHTML)",
        ),
        (b"From: a@b\r\nMessage-ID: <x@b>\r\n\r\nhello", "unsupported: a mail message"),
        (b"From: 2026-01-01\nTo: 2026-02-01\nhawb;mawb\n1;2\n", "csv:"),
        (b"\x01\x02\x03\x04" * 20, "unsupported: a file of no kind"),
        (b"hawb,mawb\r\n1,2\r\n", "csv:"),
        ("\ufeffhawb\tmawb\r\n".encode("utf-16-le"), "csv:"),
        ("hawb\tmawb\r\n".encode("utf-16-le"), "csv:"),
        (b"\xef\xbb\xbfhawb;mawb\n", "csv:"),
        (b"  <html><body><table><tr><td>1</table>", "html:"),
        (b"\xef\xbb\xbf<!-- x --><TABLE border=1><tr><td>1", "html:"),
        ("\ufeff<table><tr><td>1".encode("utf-16-le"), "html:"),
        (b'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><table>', "html:"),
    ],
)
def test_kind_by_content(tmp_path: Path, data: bytes, expected: str) -> None:
    """The bytes alone decide, and every kind has its real name."""
    assert said_of(tmp_path, data).startswith(expected)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("libreoffice-shipments.xlsx", "xlsx"),
        ("libreoffice-shipments.xls", "xls"),
        ("libreoffice-shipments.ods", "ods"),
        ("libreoffice-shipments.html", "html"),
    ],
)
def test_real_files(name: str, kind: str) -> None:
    """Files of real programs are what they are."""
    assert sniff(SAMPLES / name).kind == kind


def test_real_xlsx_with_backslashes(tmp_path: Path) -> None:
    """Part names with backslashes, as some Windows writers make them, are read as slashes."""
    buffer = io.BytesIO()
    xlsxwriter.Workbook(buffer, {"in_memory": True}).close()
    data = buffer.getvalue().replace(b"xl/workbook.xml", b"xl\\workbook.xml")
    assert said_of(tmp_path, data).startswith("xlsx:")


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "empty", "an empty file"),
        (b"%PDF-1.7", "unsupported", "it is a PDF"),
        (hostile.zipped({"a.pdf": b""}), "unsupported", "unpack it"),
        (b"PK\x03\x04", "truncated", "incomplete"),
        (hostile.ole_loop(), "damaged", "a loop"),
        (
            opendocument("spreadsheet", **{"META-INF/manifest.xml": ENCRYPTED}),
            "encrypted",
            "a password-protected OpenDocument",
        ),
    ],
)
def test_refusal_says_what_it_is_and_what_to_do(
    tmp_path: Path, data: bytes, kind: str, words: str
) -> None:
    """A refused file is named, with a hint and a kind to count by."""
    path = tmp_path / "payload"
    path.write_bytes(data)
    with pytest.raises(BadItem, match=words) as caught:
        open_workbook(path, Limits())
    assert caught.value.kind == kind
    assert caught.value.hint
