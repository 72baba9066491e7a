"""A mail as the fetch stage gets it: where it comes from, and what in it may be a workbook."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple, Optional, Sequence

from ttcli.mail.mime.content import Content
from ttcli.mail.senders.answerable import Answer

_EARLIEST = datetime(1990, 1, 1, tzinfo=timezone.utc)  # a Date before MIME is a clock not set


class Attachment(NamedTuple):
    """What may be a workbook; whether it is one, the process stage finds out.

    Attributes:
        part: The IMAP section number (`2`, `2.1`), empty where there is none.
        path: The way to it inside that part, with `/` between: `reports.zip/may/report.xlsx`;
            empty where the part itself is the workbook.
        name: The file name as sent, decoded; only ever a text, never used as a path.
        content_type: As stated, in lower case; empty for a file out of an archive.
        content: Its bytes, transfer encoding removed; a file of them is gone once the next mail
            is asked for, unless somebody has taken it away.
    """

    part: str
    path: str
    name: str
    content_type: str
    content: Content

    @property
    def data(self) -> bytes:
        """All its bytes at once; for those that are known to be small."""
        return self.content.read()


class Skipped(NamedTuple):
    """A part that was left alone, and why."""

    part: str
    name: str
    reason: str


class Mail(NamedTuple):
    """One mail whose subject matched.

    Attributes:
        uid: Its UID under the folder's UIDVALIDITY; 0 for a mail that is not from a mailbox.
        message_id: As written; may be empty, doubled or forged: never an identity.
        sender: The From header, decoded.
        subject: Decoded.
        internaldate: When the server took it in; aware, UTC.
        date: The Date header; aware, UTC; None where missing or unreadable.
        attachments: In the mail's order.
        skipped: What was left alone, in the mail's order.
        trouble: Why the mail as a whole could not be read; empty otherwise.
        answer: How it would be answered; None for what is no mail.
    """

    uid: int
    message_id: str
    sender: str
    subject: str
    internaldate: datetime
    date: Optional[datetime]
    attachments: Sequence[Attachment]
    skipped: Sequence[Skipped]
    trouble: str = ""
    answer: Optional[Answer] = None

    @property
    def as_of(self) -> datetime:
        """The as-of time: the Date header where it can be true, else when the server took it in.

        A date in the future of the mail's arrival would shut out every later report.
        """
        if self.date is not None and _EARLIEST <= self.date <= self.internaldate:
            return self.date
        return self.internaldate
