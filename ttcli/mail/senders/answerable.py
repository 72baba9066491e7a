"""Whom an automatic answer to a mail may go to, and which mails must never get one (RFC 3834)."""

from __future__ import annotations

import re
from typing import List, Mapping, NamedTuple, Sequence

from ttcli.mail.mime import headers
from ttcli.mail.senders import addresses

_MACHINES = re.compile(
    r"(?:.*[-_.+])?(?:no|do-?not|dont|never)[-_.]?reply(?:[-_.+].*)?"
    r"|mailer-daemon|postmaster|listserv|majordomo|daemon|nobody"
    r"|bounces?(?:[-_.+].*)?|.*[-_.+]bounces?(?:[-_.+].*)?|owner-.*|.*-owner|.*-request"
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_MOST_REFERENCES = 20


class Answer(NamedTuple):
    """How a mail would be answered.

    Attributes:
        to: The one address of its From field; empty where there is not exactly one.
        refused: Why it must not be answered; empty where it may be.
        references: Message-IDs of the thread, with blanks between, this mail's own last.
    """

    to: str
    refused: str
    references: str


def answer_to(fields: Mapping[str, Sequence[bytes]]) -> Answer:
    """Decides by the header alone.

    Args:
        fields: Every field by its name in lower case, with all its contents.
    """
    to = addresses.only_address(fields.get("from", ())) or ""
    return Answer(to, _refused(fields, to), _references(fields))


def _refused(fields: Mapping[str, Sequence[bytes]], to: str) -> str:
    submitted = _text(fields, "auto-submitted").split(";")[0].strip()
    precedence = _text(fields, "precedence")
    reasons = (
        (not to, "From names not exactly one address"),
        (submitted not in ("", "no"), f"Auto-Submitted: {submitted}"),
        (precedence in ("bulk", "list", "junk", "auto_reply"), f"Precedence: {precedence}"),
        (any(name.startswith("list-") for name in fields), "it came through a mailing list"),
        (_null_path(fields), "its Return-Path is empty"),
        (bool(_text(fields, "x-auto-response-suppress")), "X-Auto-Response-Suppress"),
        ("x-autoreply" in fields or "x-autorespond" in fields, "it is an automatic reply"),
        ("multipart/report" in _text(fields, "content-type"), "it is a report of a mail server"),
        (bool(_MACHINES.fullmatch(to.rpartition("@")[0])), f"nobody reads {to}"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _text(fields: Mapping[str, Sequence[bytes]], name: str) -> str:
    return headers.decoded(b" ".join(fields.get(name, ()))).strip().lower()


def _null_path(fields: Mapping[str, Sequence[bytes]]) -> bool:
    return any(headers.decoded(path).replace(" ", "") == "<>" for path in
               fields.get("return-path", ()))  # fmt: skip


def _references(fields: Mapping[str, Sequence[bytes]]) -> str:
    """RFC 5322, 3.6.4; only what is a message id and nothing else, for it goes into a header."""
    found: List[str] = []
    for name in ("references", "message-id"):
        found += _MESSAGE_ID.findall(headers.decoded(b" ".join(fields.get(name, ()))))
    return " ".join(dict.fromkeys(each for each in found[-_MOST_REFERENCES:] if len(each) < 300))
