"""Builds the mails that tests put into a mailbox."""

from __future__ import annotations

import itertools
import struct
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
