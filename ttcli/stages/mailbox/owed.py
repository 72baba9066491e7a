"""What is still owed to mails: which of them await EMAIL_AFTER_LOAD or EMAIL_ON_FAILURE.

One file a folder in the spool's state/, a line a mail: fetch adds it once the mail's items are
durable and before the cursor passes the mail; acknowledge takes it away once the deed is done.
Killed in between, the mail is fetched or acknowledged again, which changes nothing.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, List, NamedTuple, Sequence

from ttcli.config import MailboxSettings
from ttcli.mail import cursor
from ttcli.spool import durable
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)

WAITING, LOADED, FAILED, GONE = "waiting", "loaded", "failed", "gone"


class Debt(NamedTuple):
    """One mail.

    Attributes:
        items: The ids of its items; another mail may share them.
        due: What has become of them: `waiting`, `loaded` or `failed`; kept here because prune
            takes loaded items away.
        done: What was acknowledged already; a failed mail is owed more once it is repaired.
    """

    uidvalidity: int
    uid: int
    items: Sequence[str]
    due: str = WAITING
    done: str = ""


class Owed:
    """The debts to the mails of one folder."""

    def __init__(self, spool: Spool, settings: MailboxSettings) -> None:
        name = cursor.key(settings.username + "@" + settings.host, settings.folder)
        self._path = spool.base / "state" / f"owed-{name}.jsonl"

    def add(self, debts: Sequence[Debt]) -> None:
        """Makes debts durable; a crash may leave a part of them."""
        lines = [json.dumps(debt._asdict()) for debt in debts]
        if lines:
            durable.append_line(self._path, "\n".join(lines).encode())

    def read(self) -> List[Debt]:
        """All debts, by UID; of a mail that was fetched twice, what was last said."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        debts = [debt for line in lines for debt in _read(line)]
        return sorted({(debt.uidvalidity, debt.uid): debt for debt in debts}.values())

    def keep(self, debts: Sequence[Debt]) -> None:
        """Makes these the only ones."""
        lines = [json.dumps(debt._asdict()) + "\n" for debt in debts]
        durable.replace_file(self._path, "".join(lines).encode())


def _read(line: bytes) -> List[Debt]:
    """The debt in a line; none in what a crash left of one, whose mail is fetched again."""
    try:
        found: Dict[str, Any] = json.loads(line)
        return [Debt(**{name: found[name] for name in Debt._fields})]
    except (ValueError, TypeError, KeyError):
        log.debug("not a debt: %r", line)
        return []
