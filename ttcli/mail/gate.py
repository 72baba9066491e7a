"""Whose mails are taken: EMAIL_ALLOW_SENDERS, and EMAIL_AUTHSERV_ID for who he really is.

It is decided by the header alone, before anything is downloaded. A mail that is refused stays in
the mailbox as it is.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional, Sequence

from ttcli.config import MailboxSettings
from ttcli.mail import addresses, verdicts
from ttcli.mail.commands import Commands, Items
from ttcli.mail.headers import decoded

UNLISTED, UNTRUSTED = "unlisted", "untrusted"
_FIELDS = " BODY.PEEK[HEADER.FIELDS (FROM AUTHENTICATION-RESULTS)]"
_WHOLE_HEADER = "(UID BODY.PEEK[HEADER])"


class Refusal(NamedTuple):
    """A mail that was left alone.

    Attributes:
        kind: `unlisted` or `untrusted`.
        sender: The address, or the From field as it stands where it has not exactly one.
    """

    uid: int
    kind: str
    sender: str
    reason: str


class Gate:
    """Asks for what it needs to know and decides; open for all where nothing is set."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._allowed = settings.allow_senders
        self._ours = settings.authserv_id
        self.closed = bool(self._allowed or self._ours)

    def asking(self, look: str) -> str:
        """A look that brings the fields, too; as it is where nobody is refused."""
        return look[:-1] + _FIELDS + ")" if self.closed else look

    def refusal(self, commands: Commands, uid: int, items: Items) -> Optional[Refusal]:
        """Why a mail is not taken; None where it is.

        Raises:
            Temporary: The server does not give the header of a mail that is there.
        """
        if not self.closed:
            return None
        header = header_of(items)
        if header is None:
            header = header_of(commands.fetch([uid], _WHOLE_HEADER).get(uid, {}))
        if header is None:
            commands.check_gone({uid})
            return Refusal(uid, UNLISTED, "", "it is gone")
        return self.judged(uid, header)

    def judged(self, uid: int, header: bytes) -> Optional[Refusal]:
        """The same by the header's bytes."""
        senders = fields(header, b"from")
        address = addresses.only_address(senders)
        if address is None:
            shown = decoded(b" / ".join(senders))[:200]
            kind = UNLISTED if self._allowed else UNTRUSTED
            return Refusal(uid, kind, shown, "From names not exactly one address")
        if self._allowed and not addresses.listed(address, self._allowed):
            return Refusal(uid, UNLISTED, address, "not on the allow-list")
        if not self._ours:
            return None
        reason = verdicts.untrusted(address, fields(header, b"authentication-results"), self._ours)
        return Refusal(uid, UNTRUSTED, address, reason) if reason else None


def header_of(items: Items) -> Optional[bytes]:
    """The header out of an answer; None where the server did not give it."""
    for name, value in items.items():
        if name.startswith("BODY[HEADER") and isinstance(value, bytes) and value:
            return value
    return None


def fields(header: bytes, name: bytes) -> List[bytes]:
    """The content of every field of that name, topmost first."""
    # folded lines first, so that a continuation is never taken for a field
    unfolded = re.sub(rb"\r?\n(?=[ \t])", b"", header)
    lines: Sequence[bytes] = re.split(rb"\r?\n", unfolded)
    pairs = (line.partition(b":") for line in lines)
    return [value.strip() for found, _, value in pairs if found.strip().lower() == name]
