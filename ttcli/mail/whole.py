"""A mail out of its bytes, or of what was taken from its parts."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import List, Tuple

from ttcli.mail.attachments.taking import Taken, take
from ttcli.mail.head import Head, read_head
from ttcli.mail.message import Attachment, Mail, Skipped
from ttcli.mail.mime import mending, tree
from ttcli.mail.mime.content import Content, Store
from ttcli.mail.mime.hollow import Hollow
from ttcli.mail.mime.leaf import UNREADABLE

log = logging.getLogger(__name__)


def read_mail(raw: bytes, internaldate: datetime, uid: int = 0) -> Mail:
    """A whole mail out of its bytes (RFC 5322), whatever shape they are in; raises nothing."""
    return read(Content(raw), Store(), internaldate, uid)


def attachments_of(raw: bytes) -> Tuple[List[Attachment], List[Skipped]]:
    """What fetch would take from a message, and what it would leave alone with the reason.

    Args:
        raw: The message as stored (RFC 5322); a leading mbox `From ` line is allowed.
    """
    mail = read_mail(raw, datetime.now(timezone.utc))
    skipped = list(mail.skipped)
    if mail.trouble:
        skipped.append(Skipped("", "", mail.trouble))
    return list(mail.attachments), skipped


def read(raw: Content, store: Store, internaldate: datetime, uid: int) -> Mail:
    """A whole mail out of its bytes; what cannot be read is told in `trouble`."""
    head = Head("", "", "", None, "")
    try:
        hollow = Hollow(raw, store)
        message = mending.parsed(hollow.skeleton)
        head = read_head(message)
        taken = take(tree.leaves(message, hollow), store, head.automatic)
    except UNREADABLE as error:
        log.debug("UID %d cannot be parsed", uid, exc_info=True)
        trouble = f"the mail cannot be read: {type(error).__name__}: {error}"
        return mail_of(uid, head, internaldate, Taken([], [], trouble))
    return mail_of(uid, head, internaldate, taken)


def mail_of(uid: int, head: Head, internaldate: datetime, taken: Taken) -> Mail:
    """A Mail from its head and what was taken from it."""
    return Mail(
        uid, head.message_id, head.sender, head.subject, internaldate, head.date,
        taken.attachments, taken.skipped, taken.trouble, head.answer,
    )  # fmt: skip
