"""Writes a mail with a report of some shipments to standard output.

Usage: mail.py FIRST COUNT [STATUS]; for no COUNT at all, what is attached is no workbook.
"""

from __future__ import annotations

import io
import sys
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid

import openpyxl


def report(first: int, count: int, status: str) -> bytes:
    """A workbook with the shipments of these numbers."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Report")
    sheet.append(["HAWB", "Pieces", "Weight", "Status"])
    for number in range(first, first + count):
        sheet.append([f"H{number:08d}", number % 40 + 1, number % 900 + 0.5, status])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def mail(content: bytes) -> bytes:
    """A mail as a forwarder sends it."""
    message = EmailMessage()
    message["From"] = "Reports <reports@forwarder.example>"
    message["To"] = "freight@localhost"
    message["Subject"] = "Track and Trace report"
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain="forwarder.example")
    message.set_content("Please find the report attached.\n")
    message.add_attachment(
        content,
        maintype="application",
        subtype="vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        filename="report.xlsx",
    )
    return message.as_bytes()


def main() -> None:
    """See above."""
    first, count = int(sys.argv[1]), int(sys.argv[2])
    status = sys.argv[3] if len(sys.argv) > 3 else "DEP"
    sys.stdout.buffer.write(mail(report(first, count, status) if count else b"PK\3\4 cut off"))


if __name__ == "__main__":
    main()
