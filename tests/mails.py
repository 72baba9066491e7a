"""Builds the mails that tests put into a mailbox."""

from __future__ import annotations

import base64
import io
import itertools
import struct
import zipfile
from datetime import datetime, timezone
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Optional, Tuple

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_counter = itertools.count(1)


def report_mail(
    workbook: bytes,
    name: str = "report.xlsx",
    subject: str = "Track and Trace report",
    date: Optional[datetime] = None,
    sender: str = "Reports <reports@forwarder.example>",
    message_id: Optional[str] = None,
) -> bytes:
    """A mail as forwarders send it: a text, and one workbook attached.

    Args:
        date: The Date header; by default a fixed day in 2026.
        message_id: By default a new one for every mail.
    """
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = "inbox@importer.example"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(date or datetime(2026, 8, 22, 13, 15, tzinfo=timezone.utc))
    mail["Message-ID"] = message_id or f"<{next(_counter)}@forwarder.example>"
    mail.set_content("Please find the report attached.\n")
    mail.add_attachment(workbook, maintype=XLSX[0], subtype=XLSX[1], filename=name)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def zipped(**files: bytes) -> bytes:
    """A zip archive; `__` in a name stands for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name.replace("__", "."), content)
    return out.getvalue()


def workbook() -> bytes:
    """Bytes that are an OOXML workbook as far as anybody can tell from outside."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("[Content_Types].xml", "<Types/>")
        opened.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


BOOK = workbook()


def part(head: str, body: bytes, encode: bool = True) -> bytes:
    """A MIME part with its header lines; base64 unless said otherwise."""
    if encode:
        head += "\nContent-Transfer-Encoding: base64"
        body = base64.encodebytes(body)
    return head.encode("utf-8", "surrogateescape") + b"\n\n" + body


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "b1") -> bytes:
    """Some parts as one."""
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'.encode()
    inner = b"".join(b"\n--" + boundary.encode() + b"\n" + each for each in parts)
    return head + inner + b"\n--" + boundary.encode() + b"--\n"


def mail(content: bytes, head: str = "") -> bytes:
    """A message around a MIME entity."""
    return b"From: a@b\nSubject: Track and Trace\nMIME-Version: 1.0\n" + head.encode() + content


def tnef(*files: Tuple[str, bytes], long_name: str = "") -> bytes:
    """A winmail.dat (MS-OXTNEF) with files; `long_name` is in the last one's properties."""
    stream = b"\x78\x9f\x3e\x22\x01\x00" + _attribute(0x00089006, b"\x00\x00\x01\x00")
    for name, data in files:
        stream += _attribute(0x00069002, b"\x01\x00" + bytes(12))
        stream += _attribute(0x0006800F, data)
        stream += _attribute(0x00018010, name.encode("cp1252") + b"\0")
    if long_name:
        text = (long_name + "\0").encode("utf-16-le")
        # a named property (by a string of 4 bytes), a number, and the name
        named = struct.pack("<HH", 0x000B, 0x8001) + bytes(16) + struct.pack("<III", 1, 4, 0x41)
        properties = struct.pack("<I", 3) + named + struct.pack("<I", 1)
        properties += struct.pack("<HHI", 3, 0x3705, 1)
        properties += struct.pack("<HHII", 0x1F, 0x3707, 1, len(text)) + text
        stream += _attribute(0x00069005, properties + bytes(-len(text) % 4))
    return stream


def _attribute(identifier: int, value: bytes) -> bytes:
    checksum = struct.pack("<H", sum(value) & 0xFFFF)
    return struct.pack("<BII", 2, identifier, len(value)) + value + checksum
