"""prune: loaded items older than the retention go, and so does what crashes left in tmp/."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone

from ttcli import errors
from ttcli.spool.drain import Report
from ttcli.spool.item import LOADED, Item
from ttcli.spool.store import Spool
from ttcli.stages.health.loads import loaded_at, remember

log = logging.getLogger(__name__)


def prune(spool: Spool, retention_days: int, dry_run: bool = False) -> Report:
    """Removes items loaded more than `retention_days` ago; failed ones are kept for a person."""
    report = Report("prune", dry_run=dry_run)
    limit = datetime.now(timezone.utc) - timedelta(days=retention_days)
    try:
        if not dry_run:
            remember(spool, compact=True)
        for item in spool.items(LOADED):
            if loaded_at(item) < limit:
                _remove(spool, item, report)
        report.add(removed=len(report.lines), swept=spool.sweep(dry_run))
    except OSError as error:
        report.fault = errors.from_os_error(error)
    except errors.OutsideFault as error:
        report.fault = error
    return report


def _remove(spool: Spool, item: Item, report: Report) -> None:
    if not report.dry_run:
        spool.delete(item)
    report.lines.append((item.id, "gone", item.name))
    log.info(
        "%s %s: %s", item.id, "would be removed" if report.dry_run else "is removed", item.name
    )
