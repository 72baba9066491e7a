"""A look at a mail from outside: subject, size and structure, before anything is downloaded."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Optional, Sequence

from ttcli.mail.attachments import kinds
from ttcli.mail.imap import answers
from ttcli.mail.imap.commands import Items
from ttcli.mail.imap.structure import Section, sections

LARGEST_AGAIN = 64 << 20  # a mail of pictures is not worth more


class Look(NamedTuple):
    """A mail seen from outside.

    Attributes:
        header: The fields that were asked for; None where the server did not give them.
        internaldate: None where the server's answer cannot be relied on.
        size: In bytes, as the server says; servers lie.
        sections: The parts; None where the mail must be fetched whole.
    """

    uid: int
    header: Optional[bytes]
    internaldate: Optional[datetime]
    size: int
    sections: Optional[Sequence[Section]]

    @property
    def wanted(self) -> Sequence[Section]:
        """The sections that are worth their download."""
        return [s for s in self.sections or () if not kinds.surely_other(s.name, s.content_type)]

    @property
    def whole(self) -> bool:
        """The mail must be fetched as it is: its structure is unknown, or shows no workbook.

        A mail that matches and shows none may hold one in uuencode, or the server be wrong.
        """
        if self.internaldate is None or self.sections is None:
            return True
        return not self.wanted and self.size <= LARGEST_AGAIN


def asking(fields: str = "") -> str:
    """What a look asks for: size, structure, and of the header the subject and these fields."""
    named = f"SUBJECT {fields}".rstrip()
    return f"(UID INTERNALDATE RFC822.SIZE {asked_header(named)} BODYSTRUCTURE)"


def asked_header(fields: str) -> str:
    """How some fields of the header are asked for."""
    return f"BODY.PEEK[HEADER.FIELDS ({fields})]"


def look(uid: int, items: Items) -> Look:
    """What the answer says."""
    try:
        found: Optional[Sequence[Section]] = sections(items.get("BODYSTRUCTURE"))
    except answers.Garbled:
        found = None
    return Look(
        uid,
        header_of(items),
        answers.time_of(items.get("INTERNALDATE")),
        answers.number(items.get("RFC822.SIZE")) or 0,
        found,
    )


def header_of(items: Items) -> Optional[bytes]:
    """The header out of an answer; None where the server did not give it."""
    for name, value in items.items():
        if name.startswith("BODY[HEADER") and isinstance(value, bytes) and value:
            return value
    return None
