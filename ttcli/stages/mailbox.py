"""A session with the mailbox, as every stage opens one: refresh tokens kept, patience kept."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Iterator

from ttcli.config import MailboxSettings
from ttcli.spool.store import Spool
from ttcli.stages.rotations import Rotations

if TYPE_CHECKING:
    from ttcli.mail.session import Session


@contextlib.contextmanager
def opened(spool: Spool, settings: MailboxSettings) -> Iterator[Session]:
    """Connects and logs in.

    Raises:
        OutsideFault: There is no connection or login.
    """
    from ttcli.mail.session import Session

    with Session(settings, Rotations(spool, settings)) as session:
        yield session
