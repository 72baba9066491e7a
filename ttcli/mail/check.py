"""What `ttcli check` says of the mailbox; changes nothing there."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Iterator, List

from ttcli.config import MailboxSettings
from ttcli.errors import OutsideFault
from ttcli.facts import Fact

if TYPE_CHECKING:
    from ttcli.mail.session import Session

# What the later stages of work can make use of; everything else works without.
_USEFUL = (
    "IDLE",
    "MOVE",
    "UIDPLUS",
    "SPECIAL-USE",
    "AUTH=XOAUTH2",
    "AUTH=OAUTHBEARER",
    "AUTH=PLAIN",
)


def facts(settings: MailboxSettings) -> List[Fact]:
    """Connects, logs in and looks at the folder.

    Raises:
        OutsideFault: There is no connection or login; later faults come as facts.
    """
    from ttcli.mail.session import Session

    with Session(settings) as session:
        found = [_connection(session, settings)]
        for look in (_folder, _matching, _offers):
            try:
                found.extend(look(session, settings))
            except OutsideFault as error:
                found.append(
                    Fact("mailbox", False, error.message, error.hint, 0.0, error.exit_code)
                )
                break
        return found


def _connection(session: Session, settings: MailboxSettings) -> Fact:
    sock = session.commands.client.sock
    secured = sock.version() if isinstance(sock, ssl.SSLSocket) else "plain text on this machine"
    where = f"{settings.host}:{settings.port}"
    return Fact("mailbox login", True, f"{settings.username} at {where}, {secured}")


def _folder(session: Session, settings: MailboxSettings) -> Iterator[Fact]:
    folder = session.folder()
    text = f"{settings.folder}: UIDVALIDITY {folder.uidvalidity}, next UID {folder.uidnext}"
    fix = "the server gives no UIDVALIDITY, so every run looks at every mail"
    yield Fact("mailbox folder", folder.uidvalidity > 0, text, "" if folder.uidvalidity else fix)


def _matching(session: Session, settings: MailboxSettings) -> Iterator[Fact]:
    mails, matching = session.count()
    yield Fact(
        "mailbox mails",
        True,
        f"{matching} of {mails} mails have {settings.subject_filter!r} in the subject",
    )


def _offers(session: Session, settings: MailboxSettings) -> Iterator[Fact]:  # noqa: ARG001
    offered = session.commands.capabilities()
    useful = [word for word in _USEFUL if word in offered]
    yield Fact("mailbox offers", True, " ".join(useful) or "IMAP4rev1 only")


def senders(settings: MailboxSettings) -> List[Fact]:
    """Whose mails are taken, and how sure that is; nothing where everybody's are."""
    allowed, ours = ", ".join(settings.allow_senders), settings.authserv_id
    if not (allowed or ours):
        return []
    text = f"only mails of {allowed}" if allowed else "mails of everybody"
    if ours:
        return [Fact("mailbox senders", True, f"{text}, confirmed by {ours}")]
    fix = (
        "a From line is easily forged: set EMAIL_AUTHSERV_ID to the word with which your mail "
        "server begins its Authentication-Results"
    )
    return [Fact("mailbox senders", True, text, fix)]
