"""What `ttcli check` says of the mailbox; changes nothing there."""

from __future__ import annotations

import ssl
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Iterator, List

from ttcli.config import MailboxSettings
from ttcli.errors import OutsideFault
from ttcli.facts import SKEW, Fact, clock, timed

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

    began = time.monotonic()
    with Session(settings) as session:
        connected = _connection(session, settings)
        found = [connected._replace(seconds=round(time.monotonic() - began, 4))]
        for look in (_folder, _matching, _clock, _offers):
            try:
                found.extend(timed(look(session, settings)))
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


def _clock(session: Session, settings: MailboxSettings) -> Iterator[Fact]:  # noqa: ARG001
    """IMAP tells no time of its own; but no mail can have arrived in the future."""
    newest = session.newest()
    if newest is None:
        yield Fact("mailbox clock", True, "no mail to tell it by")
        return
    now = datetime.now(timezone.utc)
    if (newest - now).total_seconds() > SKEW:
        yield clock("mailbox clock", newest, now)
    else:
        yield Fact("mailbox clock", True, f"the last mail arrived {newest:%Y-%m-%d %H:%M:%S %z}")


def _offers(session: Session, settings: MailboxSettings) -> Iterator[Fact]:  # noqa: ARG001
    offered = session.commands.capabilities()
    useful = [word for word in _USEFUL if word in offered]
    yield Fact("mailbox offers", True, " ".join(useful) or "IMAP4rev1 only")
