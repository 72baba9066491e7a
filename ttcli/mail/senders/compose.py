"""The answer to a sender: a text, and the workbook with his rejected rows."""

from __future__ import annotations

from datetime import datetime, timezone
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from ttcli.mail.mime.headers import clean

_XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_LONGEST = 200
_TEXT = """\
Your report {name} was read: {taken} of its {read} rows were taken, {rejected} were not{cells}.

The attached workbook holds what was not accepted, with the reason beside each row and the cells
at fault coloured. Please correct them there and send them again.

This is an automatic answer; the report has the number {item}.
"""


class Said(NamedTuple):
    """What the answer is about.

    Attributes:
        taken, read, rejected: Rows.
        cells: Rejected cells of rows that were taken.
        references: The thread; the last is the mail that is answered.
    """

    item: str
    name: str
    subject: str
    taken: int
    read: int
    rejected: int
    cells: int
    references: str


def compose(sender: str, to: str, said: Said, workbook: bytes) -> bytes:
    """The whole mail; nothing that the other side wrote can add a header or an address to it."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = "Re: " + _line(said.subject)
    mail["Date"] = format_datetime(datetime.now(timezone.utc))
    # the same at every try: what takes it twice can tell
    mail["Message-ID"] = f"<ttcli.{said.item}@{sender.rpartition('@')[2].rstrip('>')}>"
    if said.references:
        mail["In-Reply-To"] = said.references.split(" ")[-1]
        mail["References"] = said.references
    mail["Auto-Submitted"] = "auto-replied"  # RFC 3834, 5
    mail["X-Auto-Response-Suppress"] = "All"  # the same, for Exchange
    mail.set_content(_text(said))
    mail.add_attachment(workbook, maintype=_XLSX[0], subtype=_XLSX[1], filename="rejected.xlsx")
    return mail.as_bytes()


def _text(said: Said) -> str:
    left_out = "1 cell" if said.cells == 1 else f"{said.cells} cells"
    of_others = "of the others " + ("was" if said.cells == 1 else "were")
    cells = f", and {left_out} {of_others} left out" if said.cells else ""
    return _TEXT.format(
        name=repr(_line(said.name)), taken=said.taken, read=said.read,
        rejected=said.rejected, cells=cells, item=said.item,
    )  # fmt: skip


def _line(text: str) -> str:
    """One line, without what an encoding would refuse."""
    return clean(text.encode("utf-8", "replace").decode())[:_LONGEST]
