"""Mails that were left alone because of their sender: each is said, and how to take it anyway."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Optional, Sequence

from ttcli.config import MailboxSettings
from ttcli.spool.drain import Report
from ttcli.stages.mailboxes import label_of

if TYPE_CHECKING:
    from ttcli.mail.gate import Refusal

log = logging.getLogger(__name__)

_ANYWAY = "to take it anyway, save the mail and `ttcli add` it"


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
    for each in refused:
        if through is not None and each.uid > through:
            continue
        report.add(**{each.kind: 1})
        untrusted = each.kind == "untrusted"
        said = f"mail from {each.sender or 'nobody'} left alone: {each.reason}"
        level = logging.WARNING if untrusted else logging.INFO
        log.log(
            level, "%sUID %d: %s%s", label_of(settings), each.uid, said, f"; {_ANYWAY}" * untrusted
        )
        if untrusted:
            report.lines.append((f"UID {each.uid}", "", f"{said}; {_ANYWAY}"))
