"""login: a person authorises ttcli once; the refresh token goes into state/."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence

from ttcli.config import MailboxSettings
from ttcli.errors import ConfigError
from ttcli.facts import Fact
from ttcli.spool.store import Spool
from ttcli.stages.mailbox.rotations import Rotations
from ttcli.stages.mailbox.session import opened
from ttcli.stages.mailbox.several import picked


def login(
    spool: Spool,
    mailboxes: Sequence[MailboxSettings],
    name: Optional[str],
    show: Callable[[str], None],
) -> List[Fact]:
    """Waits for the person, keeps the token, and tries it.

    Returns:
        What `ttcli check` says of the mailbox.
    """
    from ttcli.mail.check import facts
    from ttcli.mail.device import authorise

    settings = _one(mailboxes, name)
    rotations = Rotations(spool, settings)
    with rotations.turn(settings.timeout):
        pass  # no person shall go all the way for a token that cannot be kept
    token = authorise(settings, show)
    with rotations.turn(settings.timeout) as turn:
        turn.keep(token)
    with opened(spool, settings) as session:
        return facts(session)


def _one(mailboxes: Sequence[MailboxSettings], name: Optional[str]) -> MailboxSettings:
    found = picked(mailboxes, name) if name else mailboxes
    if len({(each.username, each.host) for each in found}) > 1:
        names = ", ".join(dict.fromkeys(each.name for each in found))
        raise ConfigError("there are several mailboxes", f"say which, --mailbox NAME: {names}")
    if not found[0].oauth:
        raise ConfigError(
            f"{found[0].username} at {found[0].host} is logged in to by a password",
            "set EMAIL_AUTH=oauth2 and EMAIL_OAUTH_PROVIDER=microsoft first: docs/oauth2.md",
        )
    return found[0]
