"""drop: failed items that a person gives up; their mails stay in the mailbox."""

from __future__ import annotations

import logging
from typing import Iterable

from ttcli.spool.drain import Report
from ttcli.spool.store import Spool
from ttcli.stages.add import chosen

log = logging.getLogger(__name__)


def drop(spool: Spool, identities: Iterable[str], every: bool, dry_run: bool = False) -> Report:
    """Removes failed items, so that `status --check` no longer asks for a repair.

    Raises:
        UsageError: An id that no failed item has; then nothing is removed.
    """
    report = Report("drop", dry_run=dry_run)
    for item in chosen(spool, list(identities), every):
        if not dry_run:
            spool.delete(item)
        report.lines.append((item.id, "gone", item.name))
        verb = "would be removed" if dry_run else "is removed"
        said = (item.error or {}).get("message")
        log.warning("%s %s: %s, given up: %s", item.id, verb, item.name, said)
    return report
