"""An access token, and what keeps the refresh tokens that bring it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ContextManager, NamedTuple, Optional, Protocol, Sequence

from ttcli.config import Secret

TOKEN = re.compile(r"[\x21-\x7e]+\Z")


class Access(NamedTuple):
    """What opens the mailbox.

    Attributes:
        flow: How it was come by, in words.
        expires: None where nobody says.
        scope: What it is good for, as far as known.
    """

    token: Secret
    flow: str
    expires: Optional[datetime] = None
    scope: str = ""


class Turn(Protocol):
    """The right to use an account's refresh token, which only one process at a time has."""

    tokens: Sequence[Secret]
    """What to try: the one the server gave last, then the configured one."""

    def keep(self, token: Secret) -> None:
        """Makes the token's successor durable."""


class Rotations(Protocol):
    """Where refresh tokens that a server has replaced are kept."""

    def turn(self, seconds: float) -> ContextManager[Turn]:
        """Waits at most so long for the turn."""
