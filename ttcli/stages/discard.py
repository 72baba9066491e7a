"""discard: failed items that nobody needs any more go, because a person says so."""

from __future__ import annotations

import logging
from typing import Sequence

from ttcli.errors import ConfigError
from ttcli.spool.drain import Report
from ttcli.spool.item import FAILED
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)


def discard(spool: Spool, identities: Sequence[str], dry_run: bool = False) -> Report:
    """Removes failed items for good.

    Raises:
        ConfigError: An id that no failed item has; then nothing is removed.
    """
    report = Report("discard", dry_run=dry_run)
    found = {identity: spool.get(identity, FAILED) for identity in identities}
    unknown = [identity for identity, item in found.items() if item is None]
    if unknown:
        raise ConfigError(
            f"not in failed/: {', '.join(unknown)}", "`ttcli status` lists the failed items"
        )
    for item in found.values():
        assert item is not None
        if not dry_run:
            spool.delete(item)
        report.lines.append((item.id, "gone", item.name))
        would = "would be" if dry_run else "is"
        log.warning("%s %s discarded: %s", item.id, would, item.name)
    return report
