"""login: a person authorises ttcli once; the refresh token goes into state/."""

from __future__ import annotations

from typing import Callable, List

from ttcli.config import MailboxSettings
from ttcli.facts import Fact
from ttcli.spool.store import Spool
from ttcli.stages.mailbox import opened
from ttcli.stages.rotations import Rotations


def login(spool: Spool, settings: MailboxSettings, show: Callable[[str], None]) -> List[Fact]:
    """Waits for the person, keeps the token, and tries it.

    Returns:
        What `ttcli check` says of the mailbox.
    """
    from ttcli.mail.check import facts
    from ttcli.mail.device import authorise

    rotations = Rotations(spool, settings)
    with rotations.turn(settings.timeout):
        pass  # no person shall go all the way for a token that cannot be kept
    token = authorise(settings, show)
    with rotations.turn(settings.timeout) as turn:
        turn.keep(token)
    with opened(spool, settings) as session:
        return facts(session)
