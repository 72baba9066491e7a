"""What a file is, by its bytes only: names and MIME types of mail attachments lie."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO, Optional, Tuple

from ttcli.errors import BadItem
from ttcli.patterns import late
from ttcli.workbook import encoding, ole
from ttcli.workbook.sniff_zip import OpenZip, Sniffed, sniff_zip

__all__ = ["OpenZip", "Sniffed", "sniff", "sniff_file"]

_HEAD = 64 * 1024
_EXCEL_LOCK_BYTES = 165  # Excel's ~$name.xlsx: its user's name in Latin-1 and in UTF-16, padded

_OLE_STREAMS: Tuple[Tuple[str, str, str], ...] = (
    ("EncryptedPackage", "encrypted", "a password-protected workbook"),
    ("\x09DRMContent", "unsupported", "a rights-managed document"),
    ("Workbook", "xls", "an Excel 97-2003 workbook (.xls)"),
    ("Book", "xls", "an Excel 5.0/95 workbook (.xls)"),
    ("WordDocument", "unsupported", "a Word document"),
    ("PowerPoint Document", "unsupported", "a PowerPoint presentation"),
    ("VisioDocument", "unsupported", "a Visio drawing"),
    ("Quill", "unsupported", "a Publisher document"),
    ("__properties_version1.0", "unsupported", "an Outlook message"),
    ("WksSSWorkBook", "unsupported", "a Microsoft Works spreadsheet"),
)

# Bytes at the beginning, and what they are; the first that fits wins.
_MAGIC: Tuple[Tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive"),
    (b"MSCF", "a cabinet archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x00\x01\x00\x00Standard ", "an Access database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\x78\x9f\x3e\x22", "a TNEF attachment (winmail.dat)"),
    (b"\xffWPC", "a WordPerfect document"),
    (b"\x09\x00\x04\x00", "an Excel 2 worksheet"),
    (b"\x09\x02\x06\x00", "an Excel 3 worksheet"),
    (b"\x09\x04\x06\x00", "an Excel 4 worksheet"),
    (b"\x09\x08\x10\x00\x00\x06", "an Excel 97 stream outside its container"),
    (b"\x09\x08\x08\x00\x00\x05", "an Excel 5 stream outside its container"),
    (b"\x00\x00\x02\x00\x04\x04\x06\x00", "a Lotus 1-2-3 worksheet"),
    (b"\x00\x00\x02\x00\x06\x04\x06\x00", "a Lotus 1-2-3 worksheet"),
    (b"\x00\x00\x1a\x00", "a Lotus 1-2-3 worksheet"),
    (b"\x00\x00\x02\x00\x20\x51\x06\x00", "a Quattro Pro worksheet"),
    (b"ID;P", "a SYLK file"),
    (b"TABLE\r\n0,1\r\n", "a DIF file"),
    (b"TABLE\n0,1\n", "a DIF file"),
)

_HTML = late(r"<(?:!doctype\s+html|html|head|body|table|meta|style|div|center|tr|font)\b", re.I)
_HTML_TAG = late(r"<html\b", re.I)
_JSON = late(r'[\[{]\s*["{\[]')
_LIBREOFFICE_LOCK = late(r",[^\n]*,[^\n]*file:///[^\n]*;?\s*\Z")
# Header lines of a mail (RFC 5322), one of which no report's own preamble has.
_MAIL = late(
    r"(?:[A-Za-z-]+:.*\n|[ \t].*\n)*?(?:MIME-Version|Received|Return-Path|Message-ID):", re.I
)
_XML = (
    (late("urn:schemas-microsoft-com:office:spreadsheet"), "an Excel 2003 XML spreadsheet"),
    (late(r"office:document\b"), "a flat OpenDocument file"),
    (late(r"<svg\b"), "an SVG picture"),
)


def sniff(path: Path) -> Sniffed:
    """What the file is, by its content.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return sniff_file(file)._replace(archive=None)


def sniff_file(file: BinaryIO) -> Sniffed:
    """The same of an open file."""
    head = file.read(_HEAD)
    if not head:
        return Sniffed("empty", "an empty file")
    if head.startswith(ole.MAGIC):
        return _ole(file)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")):
        return sniff_zip(file)
    return _other(file, head)


def _other(file: BinaryIO, head: bytes) -> Sniffed:
    if _is_excel_lock(head):
        return Sniffed("lock-file", "the lock file that Excel makes while a workbook is open")
    named = _by_magic(head)
    if named:
        return Sniffed("unsupported", named)
    if not encoding.is_binary(head[:4096]):
        return _text(head)
    if zipfile.is_zipfile(file):  # something stands before the archive
        return sniff_zip(file)
    return Sniffed("unsupported", "a file of no kind that ttcli knows")


def _ole(file: BinaryIO) -> Sniffed:
    try:
        entries = ole.Container(file).entries
    except BadItem as error:
        return Sniffed(error.kind, error.message)
    for name, kind, said in _OLE_STREAMS:
        if name.upper() in entries:
            return Sniffed(kind, said)
    return Sniffed("unsupported", "an OLE2 document that holds no workbook")


def _by_magic(head: bytes) -> Optional[str]:
    for magic, said in _MAGIC:
        if head.startswith(magic):
            return said
    if head[:4] == b"RIFF":
        return "a WebP picture" if head[8:12] == b"WEBP" else "a sound or film"
    if head[4:8] == b"ftyp":
        return "a HEIC picture" if head[8:11] in (b"hei", b"mif") else "a film"
    if head[:2] == b"BM" and len(head) > 14 and head[6:10] == b"\0\0\0\0":
        return "a BMP picture"
    return "a dBase table (DBF)" if _is_dbase(head) else None


def _is_dbase(head: bytes) -> bool:
    """dBase: version, date, then a header whose length is 33 bytes and 32 for each field."""
    if len(head) < 65 or head[0] not in (0x03, 0x30, 0x31, 0x83, 0x8B, 0xF5):
        return False
    length, record = struct.unpack_from("<HH", head, 8)
    plausible: bool = 1 <= head[2] <= 12 and 1 <= head[3] <= 31 and record > 1
    return plausible and length >= 65 and (length - 33) % 32 in (0, 8)


def _is_excel_lock(head: bytes) -> bool:
    if len(head) != _EXCEL_LOCK_BYTES or not 0 < head[0] <= 54:
        return False
    return not head[1 + head[0] : 55].strip(b" \0") and head[55] == head[0]


def _text(head: bytes) -> Sniffed:
    marked = encoding.by_mark(head)
    text = head.decode(marked or "latin-1", "ignore").lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return _markup(text)
    if _MAIL.match(text):
        web = "multipart/related" in text[:4096].lower()
        return Sniffed("unsupported", "a web archive (MHTML)" if web else "a mail message")
    if _JSON.match(text):
        return Sniffed("unsupported", "a JSON file")
    if _LIBREOFFICE_LOCK.match(text):
        return Sniffed("lock-file", "the lock file that LibreOffice makes while a workbook is open")
    if not text.strip():
        return Sniffed("empty", "a file of blanks")
    return Sniffed("csv", "a table as text (.csv)")


def _markup(text: str) -> Sniffed:
    for pattern, said in _XML:
        if pattern.search(text[:8192]) and not _HTML_TAG.search(text[:8192]):
            return Sniffed("unsupported", said)
    if _HTML.search(text):
        return Sniffed("html", "a web page")
    return Sniffed("unsupported", "an XML file")
