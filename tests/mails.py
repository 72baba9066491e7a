"""Builds the mails that tests put into a mailbox."""

from __future__ import annotations

import itertools
from datetime import datetime, timezone
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Optional

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
