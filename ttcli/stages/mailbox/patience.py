"""A server that asks to be left alone for a while is left alone, by every later command too.

What it said and until when stands in state/; before that moment nothing connects to the account.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import Optional

from ttcli import errors
from ttcli.config import MailboxSettings
from ttcli.errors import OutsideFault, Temporary
from ttcli.mail import cursor
from ttcli.spool.item import read_time, time_text
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)

# Gmail's longest suspension; a number beyond it is a mistake, and costs a day at most.
LONGEST = timedelta(days=1)


class Patience:
    """How long one account is to be left alone."""

    def __init__(self, spool: Spool, settings: MailboxSettings) -> None:
        self._spool = spool
        self._host = settings.host
        self._name = "wait-" + cursor.key(settings.username + "@" + settings.host, "")

    def ask(self) -> None:
        """May we connect?

        Raises:
            Temporary: Not yet; says until when, and who asked for it.
        """
        try:
            stored = self._spool.read_state(self._name) or {}
        except OSError as error:
            raise errors.from_os_error(error) from error
        until, now = _time(stored.get("until")), datetime.now(timezone.utc)
        # a moment further off than any we noted: the clock was set back
        if until and now < until <= now + LONGEST:
            raise Temporary(
                f"{self._host} is left alone until {time_text(until)}: {stored.get('said')}",
                "nothing is lost, a run after that connects; "
                f"to try sooner remove state/{self._name}.json",
                (until - now).total_seconds(),
            )

    def keep(self, fault: Temporary) -> None:
        """Notes what a server asked for; where it asked for nothing, nothing."""
        if not fault.wait:
            return
        wait = min(timedelta(seconds=fault.wait), LONGEST)
        until = datetime.now(timezone.utc) + wait
        try:
            self._spool.prepare()
            record = {"until": time_text(until), "said": fault.message}
            self._spool.write_state(self._name, record)
        except (OSError, OutsideFault) as error:
            log.warning("it cannot be noted that %s: %s", fault.hint, error)


def _time(text: object) -> Optional[datetime]:
    try:
        return read_time(str(text)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
