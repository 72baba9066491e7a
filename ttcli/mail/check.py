"""What `ttcli check` says of the mailbox; changes nothing there."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Iterator, List

from ttcli.errors import OutsideFault
from ttcli.facts import SKEW, Fact, clock, timed
from ttcli.mail.connection.tls import TlsSocket
from ttcli.mail.fetch.gate import Gate
from ttcli.mail.mime.headers import fields
from ttcli.mail.senders import verdicts
from ttcli.mail.session import Session

_SAMPLE = 20  # mails
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


def facts(session: Session) -> List[Fact]:
    """Looks at the folder over an open session; what goes wrong now is a fact as well."""
    found = [_connection(session)]
    for look in (_token, _folder, _matching, _senders, _clock, _offers):
        try:
            found.extend(timed(look(session)))
        except OutsideFault as error:
            found.append(Fact("mailbox", False, error.message, error.hint, 0.0, error.exit_code))
            break
    return found


def _connection(session: Session) -> Fact:
    settings = session.settings
    sock = session.commands.client.sock
    secured = sock.version() if isinstance(sock, TlsSocket) else "plain text on this machine"
    where = f"{settings.host}:{settings.port}"
    return Fact("mailbox login", True, f"{settings.username} at {where}, {secured}")


def _token(session: Session) -> Iterator[Fact]:
    """How the access token was come by and what it is good for; never the token."""
    access = session.access
    if access is None:
        return
    parts = [f"by {access.flow}"]
    if access.expires:
        parts.append(f"valid until {access.expires:%Y-%m-%dT%H:%M:%SZ}")
    if access.scope:
        parts.append(f"scope {access.scope}")
    yield Fact("mailbox token", True, ", ".join(parts))


def _folder(session: Session) -> Iterator[Fact]:
    folder = session.folder()
    text = f"{session.settings.folder}: UIDVALIDITY {folder.uidvalidity}, next UID {folder.uidnext}"
    fix = "the server gives no UIDVALIDITY, so every run looks at every mail"
    yield Fact("mailbox folder", folder.uidvalidity > 0, text, "" if folder.uidvalidity else fix)


def _matching(session: Session) -> Iterator[Fact]:
    mails, matching = session.count()
    yield Fact(
        "mailbox mails",
        True,
        f"{matching} of {mails} mails have {session.settings.subject_filter!r} in the subject",
    )


def _clock(session: Session) -> Iterator[Fact]:
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


def _offers(session: Session) -> Iterator[Fact]:
    offered = session.commands.capabilities()
    useful = [word for word in _USEFUL if word in offered]
    yield Fact("mailbox offers", True, " ".join(useful) or "IMAP4rev1 only")


def _senders(session: Session) -> Iterator[Fact]:
    """Whose mails are taken, and how sure that is; nothing where everybody's are."""
    allowed, ours = ", ".join(session.settings.allow_senders), session.settings.authserv_id
    text = f"only mails of {allowed}" if allowed else "mails of everybody"
    if ours:
        yield _confirmed(session, f"{text}, confirmed by {ours}")
    elif allowed:
        fix = (
            "a From line is easily forged: set EMAIL_AUTHSERV_ID to the word with which your mail "
            "server begins its Authentication-Results"
        )
        yield Fact("mailbox senders", True, text, fix)


def _confirmed(session: Session, text: str) -> Fact:
    """How it would go with the newest mails; with the words that they do have if with none."""
    headers = session.newest_headers(_SAMPLE)
    gate = Gate(session.settings)
    good = [header for header in headers if gate.judged(0, header) is None]
    said = f"{text}; so are {len(good)} of the newest {len(headers)} matching mails"
    results = [field for each in headers for field in fields(each, b"authentication-results")]
    named = ", ".join(sorted(set(verdicts.ids(results)))) or "no server"
    fix = f"their Authentication-Results are of {named}" if headers and not good else ""
    return Fact("mailbox senders", True, said, fix)
