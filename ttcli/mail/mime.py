"""A whole message, parsed by the standard library: headers, and the leaves of its MIME tree.

The leaves carry the section numbers that IMAP gives them (RFC 3501, 6.4.5), so that a mail read
whole and one read by its parts give the same attachments.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from email.message import Message
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ttcli.mail import headers, mending
from ttcli.mail.answerable import Answer, answer_to
from ttcli.mail.content import Content, Store
from ttcli.mail.hollow import Hollow
from ttcli.mail.leaves import UNREADABLE, Leaf, Taken, take
from ttcli.mail.message import Attachment, Mail, Skipped

log = logging.getLogger(__name__)

MOST_PARTS = 5000
DEEPEST = 100
_MAILS = ("message/rfc822", "message/global", "message/news")


class Head(NamedTuple):
    """What a message's header says, decoded."""

    message_id: str
    sender: str
    subject: str
    date: Optional[datetime]
    automatic: str  # why this is an answer by a machine and no report; empty for a report
    answer: Optional[Answer] = None


def attachments_of(raw: bytes) -> Tuple[List[Attachment], List[Skipped]]:
    """What fetch would take from a message, and what it would leave alone with the reason.

    Args:
        raw: The message as stored (RFC 5322); a leading mbox `From ` line is allowed.
    """
    mail = read(Content(raw), Store(), datetime.now(timezone.utc), 0)
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
        taken = take(leaves(message, hollow), store, head.automatic)
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


def read_head(message: Message) -> Head:
    """The header fields that matter, decoded, of a parsed message or of its header alone."""
    every: Dict[str, List[bytes]] = {}
    for name, value in message.raw_items():
        every.setdefault(name.lower(), []).append(headers.to_bytes(str(value)))
    fields = {name: values[0] for name, values in every.items()}
    return Head(
        message_id=headers.decoded(fields.get("message-id", b"")),
        sender=headers.decoded(fields.get("from", b"")),
        subject=headers.decoded(fields.get("subject", b"")),
        date=headers.date_of(headers.decoded(fields.get("date", b""))),
        automatic=_automatic(fields),
        answer=answer_to(every),
    )


def _automatic(fields: Mapping[str, bytes]) -> str:
    """Why this is a bounce, a receipt or an auto-reply; such mails carry our own reports back.

    `Auto-Submitted: auto-generated` (RFC 3834) is not among them: real reports say that.
    """
    kind, details = headers.split_parameters(fields.get("content-type", b""))
    if kind == "multipart/report" and details.get("report-type", "") != "feedback-report":
        return "a bounce or receipt, not a report"
    submitted = headers.decoded(fields.get("auto-submitted", b"")).lower()
    precedence = headers.decoded(fields.get("precedence", b"")).lower()
    if submitted.startswith("auto-replied") or precedence == "auto_reply":
        return "an automatic reply, not a report"
    if "x-autoreply" in fields or "x-autorespond" in fields:
        return "an automatic reply, not a report"
    return ""


def leaves_of(raw: Content, store: Store) -> Iterator[Leaf]:
    """The leaves of a message given as bytes."""
    hollow = Hollow(raw, store)
    return leaves(mending.parsed(hollow.skeleton), hollow)


def leaves(message: Message, hollow: Hollow, number: str = "", depth: int = 0) -> Iterator[Leaf]:
    """The parts that are not made of parts, in order; forwarded messages are looked into.

    Args:
        hollow: What the message was parsed from.
        number: The section number of this message or multipart; empty for the mail itself.
    """
    message = mending.mended(message)
    stated = message.get_content_type()
    if depth > DEEPEST:
        yield Leaf(number, "", stated, trouble=f"more than {DEEPEST} parts in each other")
    elif not message.is_multipart():
        yield _leaf(message, hollow, number or "1")
    elif stated in _MAILS:
        yield from _forwarded(message, hollow, number or "1", depth)
    elif stated.startswith("message/"):
        # the stdlib takes delivery reports and pointers to elsewhere apart, too; IMAP does not
        yield Leaf(number or "1", "", stated)
    else:
        yield from _multipart(message, hollow, number, depth)


def _forwarded(message: Message, hollow: Hollow, number: str, depth: int) -> Iterator[Leaf]:
    """RFC 3501: the parts of a forwarded multipart are numbered right below the message."""
    inner: Message = message.get_payload(0)  # type: ignore[assignment]
    if "base64" in _encoding(message):
        # forbidden (RFC 2045, 6.4) and done: what was taken for a header is the encoded mail
        encoded = hollow.body(inner.as_bytes(), "base64")
        yield Leaf(number, "", message.get_content_type(), encoded)
        return
    nested = inner.is_multipart() and inner.get_content_maintype() == "multipart"
    yield from leaves(inner, hollow, number if nested else f"{number}.1", depth + 1)


def _multipart(message: Message, hollow: Hollow, number: str, depth: int) -> Iterator[Leaf]:
    for position, child in enumerate(mending.children(message), 1):
        if position > MOST_PARTS:
            yield Leaf(number, "", "", trouble=f"more than {MOST_PARTS} parts")
            return
        below = f"{number}.{position}" if number else str(position)
        yield from leaves(child, hollow, below, depth + 1)


def _encoding(message: Message) -> str:
    return headers.decoded(_raw(message, "content-transfer-encoding")).lower()


def _leaf(message: Message, hollow: Hollow, number: str) -> Leaf:
    body = mending.body_of(message)
    stated, name, encoding = describe(_raw(message, "content-type"),
                                      _raw(message, "content-disposition"),
                                      _raw(message, "content-transfer-encoding"))  # fmt: skip
    return Leaf(number, name, stated, hollow.body(body, encoding))


def _raw(message: Message, wanted: str) -> bytes:
    for name, value in message.raw_items():
        if name.lower() == wanted:
            return headers.to_bytes(str(value))
    return b""


def describe(content_type: bytes, disposition: bytes, encoding: bytes) -> Tuple[str, str, str]:
    """Content type, file name and transfer encoding out of the raw header fields."""
    stated, type_parameters = headers.split_parameters(content_type)
    _, parameters = headers.split_parameters(disposition)
    name = parameters.get("filename") or type_parameters.get("name", "")
    return stated or "text/plain", name, headers.decoded(encoding).lower()
