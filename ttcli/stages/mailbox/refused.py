"""Mails that were left alone because of their sender: each is said, and how to take it anyway."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Optional, Sequence

from ttcli.config import MailboxSettings
from ttcli.spool.drain import Report
from ttcli.stages.mailbox.several import label_of

if TYPE_CHECKING:
    from ttcli.mail.gate import Refusal

log = logging.getLogger(__name__)

_ANYWAY = "to take it anyway, save the mail and `ttcli add` it"
_SAID = 50  # of each kind; who sends more than that wants to flood a log


def say_refused(
    settings: MailboxSettings,
    refused: Sequence[Refusal],
    report: Report,
    through: Optional[int] = None,
) -> None:
    """Counts and logs them; who is on the allow-list and cannot prove it stands in the report, too.

    Args:
        through: Only mails up to this UID; those above are met again by the next run.
    """
    met = [each for each in refused if through is None or each.uid <= through]
    for kind in ("unlisted", "untrusted"):
        some = [each for each in met if each.kind == kind]
        report.add(**{kind: len(some)})
        for each in some[:_SAID]:
            _say(settings, each, report)
        if len(some) > _SAID:
            log.warning("%s%d more mails %s", label_of(settings), len(some) - _SAID, kind)


def _say(settings: MailboxSettings, each: Refusal, report: Report) -> None:
    said = f"mail from {each.sender or 'nobody'} left alone: {each.reason}"
    if each.kind == "unlisted":
        log.info("%sUID %d: %s", label_of(settings), each.uid, said)
        return
    said = f"{said}; {_ANYWAY}"
    log.warning("%sUID %d: %s", label_of(settings), each.uid, said)
    report.lines.append((f"UID {each.uid}", "", said))
