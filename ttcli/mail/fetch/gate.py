"""Whose mails are taken: EMAIL_ALLOW_SENDERS, and EMAIL_AUTHSERV_ID for who he really is.

It is decided by the header alone, before anything is downloaded. A mail that is refused stays in
the mailbox as it is.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from ttcli.config import MailboxSettings
from ttcli.mail.fetch.looks import header_of
from ttcli.mail.imap.commands import Commands, Items
from ttcli.mail.mime.headers import decoded, fields
from ttcli.mail.senders import addresses, verdicts

UNLISTED, UNTRUSTED = "unlisted", "untrusted"
_FIELDS = "FROM AUTHENTICATION-RESULTS"
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

    @property
    def fields(self) -> str:
        """Of the header, what it decides by; nothing where nobody is refused."""
        return _FIELDS if self.closed else ""

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
