"""What a message's header says of it."""

from __future__ import annotations

from datetime import datetime
from email.message import Message
from typing import Dict, List, Mapping, NamedTuple, Optional

from ttcli.mail.mime import headers, mending
from ttcli.mail.senders.answerable import Answer, answer_to


class Head(NamedTuple):
    """What a message's header says, decoded."""

    message_id: str
    sender: str
    subject: str
    date: Optional[datetime]
    automatic: str  # why this is an answer by a machine and no report; empty for a report
    answer: Optional[Answer] = None


def head_of(raw: bytes) -> Head:
    """The same out of the header's bytes."""
    return read_head(mending.header(raw))


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
