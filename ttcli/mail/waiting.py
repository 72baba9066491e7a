"""Waiting for a mail to arrive: IDLE (RFC 2177), or asking now and then where there is none."""

from __future__ import annotations

import logging
import re
import time
from typing import Any, List

from ttcli.mail.commands import Commands, texts
from ttcli.mail.cursor import Folder

log = logging.getLogger(__name__)

# RFC 2177 asks for a new IDLE every 29 minutes; routers forget silent connections sooner.
LONGEST_IDLE = 9 * 60
_POLL = 60


def wait(commands: Commands, seen: Folder, seconds: float) -> bool:
    """Waits until something has arrived in the folder.

    Args:
        seen: The folder when it was last looked at.
        seconds: How long at most.

    Returns:
        True as soon as a mail has arrived since `seen`; False after the time.

    Raises:
        Temporary: The connection is lost: connect anew after a while.
    """
    end = time.monotonic() + seconds
    commands.open_folder(seen)
    if _uidnext(commands.client.untagged("UIDNEXT")) > seen.uidnext:
        return True
    commands.client.untagged("EXISTS")  # what EXAMINE says of itself
    idle = "IDLE" in commands.capabilities()
    while True:
        left = end - time.monotonic()
        if left <= 0:
            return False
        if idle:
            commands.idle(min(left, LONGEST_IDLE))
        else:
            time.sleep(min(left, _POLL))
            commands.call("NOOP")
        if commands.client.untagged("EXISTS"):
            return True


def _uidnext(found: List[Any]) -> int:
    numbers = re.findall(rb"[0-9]{1,10}", b" ".join(texts(found)))
    return int(numbers[-1]) if numbers else 0
