"""A session with the mailbox, as every stage opens one: refresh tokens and patience kept."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Iterator

from ttcli.config import MailboxSettings
from ttcli.errors import Temporary
from ttcli.spool.store import Spool
from ttcli.stages.mailbox.patience import Patience
from ttcli.stages.mailbox.rotations import Rotations

if TYPE_CHECKING:
    from ttcli.mail.session import Session


@contextlib.contextmanager
def opened(spool: Spool, settings: MailboxSettings) -> Iterator[Session]:
    """Connects and logs in, unless the server has asked to be left alone.

    Raises:
        OutsideFault: There is no connection or login.
    """
    from ttcli.mail.dial import dialling

    rotations = Rotations(spool, settings) if settings.oauth else None
    patience = Patience(spool, settings)
    patience.ask()
    dialled = dialling(settings)
    from ttcli.mail.session import Session  # takes as long as a round trip or two

    try:
        with Session(settings, rotations, spool.tmp, dialled) as session:
            yield session
    except Temporary as fault:
        patience.keep(fault)
        raise
