"""Waiting for a mail to arrive: IDLE (RFC 2177), or asking now and then where there is none."""

from __future__ import annotations

import logging
import re
import time
from typing import Any, List

from ttcli.mail.cursor import Folder
from ttcli.mail.imap.commands import Commands, texts

log = logging.getLogger(__name__)

# RFC 2177 asks for a new IDLE every 29 minutes; routers forget silent connections sooner.
LONGEST_IDLE = 9 * 60
_POLL = 60


class Arrivals:
    """A folder that stays open, so that the server tells of each mail that arrives in it.

    Args:
        seen: The folder when it was last looked at; what arrived since ends the first wait.

    Raises:
        Temporary: The connection is lost: connect anew after a while.
    """

    def __init__(self, commands: Commands, seen: Folder) -> None:
        self._commands = commands
        commands.open_folder(seen)
        client = commands.client
        self._missed = 0 < seen.uidnext < _number(client.untagged("UIDNEXT"))
        client.untagged("EXPUNGE")
        self._mails = _number(client.untagged("EXISTS"))
        self._idle = "IDLE" in commands.capabilities()

    def wait(self, seconds: float) -> bool:
        """True as soon as a mail has arrived since the last wait; False after the time."""
        end = time.monotonic() + seconds
        while not self._more():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if self._idle:
                self._idle = self._commands.idle(min(left, LONGEST_IDLE))
            else:
                time.sleep(min(left, _POLL))
                self._commands.call("NOOP")
        return True

    def _more(self) -> bool:
        """Whether there are more mails; some servers repeat EXISTS as a sign of life."""
        client = self._commands.client
        if self._missed:
            self._missed = False
            return True
        before = self._mails - len(client.untagged("EXPUNGE"))
        # of several expunged and arrived at once the lower count is kept: rather a run too many
        self._mails = before
        told = client.untagged("EXISTS")
        if not told:
            return False
        self._mails = _number(told)
        return self._mails > before


def wait(commands: Commands, seen: Folder, seconds: float) -> bool:
    """Waits until something has arrived in the folder since `seen`; False after the time."""
    return Arrivals(commands, seen).wait(seconds)


def _number(found: List[Any]) -> int:
    """The last number of a response; 0 where there is none."""
    numbers = re.findall(rb"[0-9]{1,10}", b" ".join(texts(found)))
    return int(numbers[-1]) if numbers else 0
