"""The demo's mails, made on the spot: a forwarder's daily reports, and what else a mailbox gets.

Dates count back from today, because an as-of time is a matter of days.
"""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any, List, NamedTuple, Optional, Sequence

from openpyxl import Workbook
from openpyxl.styles import Font

HEADINGS = ("HAWB No.", "MAWB", "Origin", "Dest", "Pcs", "Gross Weight", "Status", "ETA")
WIDTHS = (12, 15, 8, 8, 6, 14, 9, 12)


class Attachment(NamedTuple):
    """A file name and its bytes."""

    name: str
    content: bytes


def days_ago(days: int, hour: int, minute: int = 0) -> datetime:
    """That time of day in UTC, so many days before today."""
    day = datetime.now(timezone.utc) - timedelta(days=days)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def eta(days: int) -> date:
    """An expected day of arrival, so many days from today."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).date()


def mailbox() -> List[EmailMessage]:
    """What stands in the mailbox at first, as it arrived."""
    first = workbook("Shipments in transit", first_rows())
    second = workbook("Shipments in transit", second_rows())
    return [
        mail(days_ago(2, 8), "Track and Trace, first report", Attachment("report-1.xlsx", first)),
        mail(
            days_ago(2, 9),
            "FW: Track and Trace, first report",
            Attachment("report-1 copy.xlsx", first),
        ),
        mail(days_ago(2, 10), "Track and Trace: tomorrow's report will be late"),
        mail(days_ago(2, 12), "Canteen menu", Attachment("menu.xlsx", workbook("Menu", []))),
        mail(days_ago(1, 8), "Track and Trace, second report", Attachment("report-2.xlsx", second)),
        mail(days_ago(1, 9), "Track and Trace, cut short", Attachment("broken.xlsx", first[:2000])),
    ]


def late_mail() -> EmailMessage:
    """A report older than all the others, which only arrives now."""
    report = workbook("Shipments in transit", late_rows())
    return mail(
        days_ago(3, 8), "Track and Trace, delayed in the queue", Attachment("report-0.xlsx", report)
    )


def first_rows() -> List[List[Any]]:
    """Four good rows; one key is a number that only its number format makes whole."""
    return [
        ["NW100001", "020-12345675", "FRA", "JFK", 3, 41.5, "BKD", eta(2)],
        ["NW100002", "020-12345675", "FRA", "JFK", 12, 388.0, "BKD", eta(2)],
        [41237, "176-12345675", "DXB", "SIN", 1, 7.25, "DEP", eta(1)],
        ["NW100004", "589-81140743", "HAM", "YYZ", 6, 120.0, "BKD", eta(4)],
    ]


def second_rows() -> List[List[Any]]:
    """Newer rows and new ones, with two bad cells and one row that has no key."""
    return [
        ["NW100001", "020-12345675", "FRA", "JFK", 3, 41.5, "DEP", eta(2)],
        ["NW100002", "020-12345675", "FRA", "JFK", "dozen", 388.0, "DEP", eta(2)],
        [41237, "176-12345675", "DXB", "SIN", 1, 7.25, "ARR", eta(1)],
        ["NW100005", "020-81140743", "MUC", "ORD", 2, 18.0, "BKD", "31.02.2026"],
        [None, "020-81140743", "MUC", "ORD", 4, 77.0, "BKD", eta(5)],
    ]


def late_rows() -> List[List[Any]]:
    """An old word on a shipment the table knows better, and one it has never heard of."""
    return [
        ["NW100001", "020-12345675", "FRA", "JFK", 2, 30.0, "BKD", eta(9)],
        ["NW100003", "020-12345675", "FRA", "BOS", 9, 204.5, "BKD", eta(3)],
    ]


def workbook(title: str, rows: Sequence[Sequence[Any]]) -> bytes:
    """A workbook as a person makes it: a title above the table, and formatted cells."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Report"
    sheet["A1"] = title
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.append([])
    sheet.append(HEADINGS)
    for row in rows:
        sheet.append(row)
        if isinstance(row[0], int):
            sheet.cell(sheet.max_row, 1).number_format = "00000000"
    for letter, width in zip("ABCDEFGH", WIDTHS):
        sheet.column_dimensions[letter].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mail(sent: datetime, subject: str, attachment: Optional[Attachment] = None) -> EmailMessage:
    """One mail."""
    message = EmailMessage()
    message["From"] = "Nordwind Air Cargo <reports@nordwind.example>"
    message["To"] = "demo@freight.example"
    message["Date"] = sent
    message["Subject"] = subject
    message["Message-ID"] = f"<{sent:%Y%m%d%H%M}@nordwind.example>"
    message.set_content("Dear customer,\n\nplease see the attachment.\n")
    if attachment:
        message.add_attachment(
            attachment.content,
            maintype="application",
            subtype="vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            filename=attachment.name,
        )
    return message
