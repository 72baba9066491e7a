"""A look at a mail from outside: subject, size and structure, before anything is downloaded."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Optional, Sequence

from ttcli.mail import answers, kinds
from ttcli.mail.commands import Items
from ttcli.mail.structure import Section, sections

LOOK = "(UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
LARGEST_AGAIN = 64 << 20  # a mail of pictures is not worth more


class Look(NamedTuple):
    """A mail seen from outside.

    Attributes:
        subject: Raw; None where the server's answer cannot be relied on.
        internaldate: None likewise.
        size: In bytes, as the server says; servers lie.
        sections: The parts; None where the mail must be fetched whole.
    """

    uid: int
    subject: Optional[bytes]
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


def look(uid: int, items: Items) -> Look:
    """What the answer to LOOK says."""
    try:
        found: Optional[Sequence[Section]] = sections(items.get("BODYSTRUCTURE"))
    except answers.Garbled:
        found = None
    return Look(
        uid,
        answers.subject_of(items.get("ENVELOPE")),
        answers.time_of(items.get("INTERNALDATE")),
        answers.number(items.get("RFC822.SIZE")) or 0,
        found,
    )
