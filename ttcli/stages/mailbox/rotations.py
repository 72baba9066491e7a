"""The refresh tokens that a provider has put in place of the configured one, kept in state/.

A file an account, readable by ttcli's user alone. It names the configured token (by digest) that
its own descends from: once the operator configures another, that one is used.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Iterator, List, Sequence

from ttcli import errors
from ttcli.config import MailboxSettings, Secret
from ttcli.mail import cursor
from ttcli.spool import lock
from ttcli.spool.item import now_text
from ttcli.spool.store import Spool

_OWNER_ONLY = 0o600


class Turn:
    """The right to use the account's refresh token.

    Attributes:
        tokens: What to try: the one kept here, then the configured one.
    """

    def __init__(self, rotations: Rotations) -> None:
        self._rotations = rotations
        self.tokens: Sequence[Secret] = rotations.tokens()

    def keep(self, token: Secret) -> None:
        """Makes a successor durable; from now on it is the first to try."""
        self._rotations.write(token)


class Rotations:
    """One account's refresh tokens."""

    def __init__(self, spool: Spool, settings: MailboxSettings) -> None:
        self._spool = spool
        self._oauth = settings.oauth
        self._name = "oauth-" + cursor.key(settings.username + "@" + settings.host, "")
        origin = (self._oauth.endpoint, self._oauth.client_id, self._configured.reveal())
        self._origin = hashlib.sha256("\n".join(origin).encode()).hexdigest()

    @property
    def _configured(self) -> Secret:
        return self._oauth.refresh_token

    @contextlib.contextmanager
    def turn(self, seconds: float) -> Iterator[Turn]:
        """Waits at most so long until no other process uses the token.

        Many providers honour a refresh token once, and take the second use for theft. So only one
        process asks at a time, and only once it is proven that the answer can be kept.

        Raises:
            Temporary: Another process takes that long, or the disk is full.
            SpoolFault: The spool cannot be written.
        """
        try:
            self._spool.prepare()
            with lock.awaited(self._spool.base / "state" / f"{self._name}.lock", seconds):
                turn = Turn(self)
                self.write(turn.tokens[0] if turn.tokens else Secret(""))
                yield turn
        except OSError as error:
            raise errors.from_os_error(error) from error

    def tokens(self) -> List[Secret]:
        """The one kept here if it descends from the configured one; the configured one."""
        kept = self._kept()
        found = ([Secret(kept)] if kept else []) + ([self._configured] if self._configured else [])
        return found[:1] if kept == self._configured.reveal() else found

    def _kept(self) -> str:
        stored = self._spool.read_state(self._name) or {}
        token = stored.get("token")
        ours = stored.get("origin") == self._origin
        return token if ours and isinstance(token, str) else ""

    def write(self, token: Secret) -> None:
        """Makes it the one to try first."""
        record = {"origin": self._origin, "token": token.reveal(), "at": now_text()}
        self._spool.write_state(self._name, record, mode=_OWNER_ONLY)
