"""load: each processed item becomes rows of the target table, in one transaction.

COMMIT first, then the move to loaded/: killed in between, the next run finds the item in the
ledger, changes nothing and moves it.
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

from ttcli import errors
from ttcli.config import DatabaseSettings
from ttcli.errors import OutsideFault
from ttcli.spool.drain import Outcome, Report, Watch, Work, drain, unwatched
from ttcli.spool.item import LOADED, PENDING, PROCESSED, Item
from ttcli.spool.store import Spool
from ttcli.stages.target import keep_snapshot
from ttcli.table import TargetTable


class LoadStage:
    """The stage from processed to loaded, over one connection."""

    name = "load"
    source = PROCESSED
    jobs = 1  # as-of order: items are loaded one after the other, oldest first

    def __init__(self, connection: Any, settings: DatabaseSettings, table: TargetTable) -> None:
        self._connection = connection
        self._settings = settings
        self._table = table

    def begin(self, item: Item) -> Work:
        """Loads the item when waited for; the database does one thing at a time anyway."""
        return lambda: self._load(item)

    def _load(self, item: Item) -> Outcome:
        from ttcli.database.load import load_item

        gone = self._vanished(item)
        if gone:
            line = f"the table has no column {', '.join(gone)} any more: to be read again"
            return Outcome(PENDING, "re-read", line, {})
        loaded = load_item(self._connection, self._settings, self._table, _load_of(item))
        figures = loaded._asdict()
        return Outcome(LOADED, "loaded", _line(figures), {"load": figures})

    def _vanished(self, item: Item) -> Tuple[str, ...]:
        columns = item.record["rows"]["columns"]
        return tuple(name for name in columns if self._table.column(name) is None)


def _load_of(item: Item) -> Any:
    from ttcli.database.load import Load

    rows, source = item.record["rows"], item.record["source"]
    return Load(
        item_id=item.id,
        file_sha256=item.record["payload"]["sha256"],
        rows_sha256=rows["sha256"],
        file_name=item.name,
        message_id=source.get("message_id") or "",
        sender=source.get("sender") or "",
        subject=source.get("subject") or "",
        source_at=item.as_of,
        rows_read=rows["read"],
        rejected=rows["rejected"],
        columns=tuple(rows["columns"]),
        rows=item.rows,
        untouched=rows["untouched"],
    )


def _line(figures: Any) -> str:
    if figures["already"]:
        return "was loaded before"
    if figures["duplicate_of"]:
        return f"nothing new: the same as {figures['duplicate_of']}"
    names = ("inserted", "updated", "unchanged", "stale")
    return ", ".join(f"{figures[name]} {name}" for name in names)


def load(
    spool: Spool,
    settings: DatabaseSettings,
    dry_run: bool = False,
    watch: Watch = unwatched,
) -> Report:
    """Loads every processed item, oldest first; without any, the database is left in peace."""
    report = Report("load", dry_run=dry_run)
    if not spool.ids(PROCESSED):
        return report
    connection: Optional[Any] = None
    try:
        connection, table = _open(settings)
        if not dry_run:
            keep_snapshot(spool, table)
        drain(spool, LoadStage(connection, settings, table), report, watch)
    except OutsideFault as error:
        report.fault = error
    except OSError as error:
        report.fault = errors.from_os_error(error)
    finally:
        if connection is not None:
            connection.close()
    return report


def _open(settings: DatabaseSettings) -> Tuple[Any, TargetTable]:
    from ttcli.database.connect import connect
    from ttcli.database.target import read_table

    connection = connect(settings)
    try:
        return connection, read_table(connection, settings)
    except BaseException:
        connection.close()
        raise
