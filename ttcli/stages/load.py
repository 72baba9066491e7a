"""load: each processed item becomes rows of the target table, in one transaction.

COMMIT first, then the move to loaded/: killed in between, the next run finds the item in the
ledger, changes nothing and moves it.
"""

from __future__ import annotations

import csv
import io
from typing import Any, Dict, Optional, Sequence, Tuple

from ttcli import errors
from ttcli.config import DatabaseSettings
from ttcli.errors import OutsideFault
from ttcli.rows.mapping import Mapping
from ttcli.spool import durable
from ttcli.spool.drain import Outcome, Report, Watch, Work, drain, unwatched
from ttcli.spool.item import LOADED, PENDING, PROCESSED, Item
from ttcli.spool.rejects import COLUMNS, records
from ttcli.spool.store import Spool
from ttcli.stages.target.table import keep_snapshot
from ttcli.table import TargetTable


class LoadStage:
    """The stage from processed to loaded, over one session with the database.

    Args:
        mapping: Whose policies say how a stored and a newer value become one.
        dry_run: Say what would be written, by the same statements rolled back.
    """

    name = "load"
    source = PROCESSED
    waits = True
    jobs = 1  # as-of order: items are loaded one after the other, oldest first

    def __init__(
        self,
        session: Any,
        settings: DatabaseSettings,
        table: TargetTable,
        mapping: Mapping,
        dry_run: bool = False,
    ) -> None:
        self._session = session
        self._settings = settings
        self._table = table
        self._mapping = mapping
        self._dry_run = dry_run

    def begin(self, item: Item) -> Work:
        """Loads the item when waited for; the database does one thing at a time anyway."""
        return Work(lambda: self._load(item))

    def _load(self, item: Item) -> Outcome:
        misfit = self._misfit(item.record["rows"])
        if misfit:
            return Outcome(PENDING, "re-read", f"{misfit} any more: to be read again", {})
        sender = str(item.record["source"].get("sender") or "")
        policies = self._mapping.for_sender(sender).policies(self._table)
        arguments = (self._settings, self._table, _load_of(item), policies)
        return self._rehearse(arguments) if self._dry_run else self._commit(item, arguments)

    def _misfit(self, rows: Dict[str, Any]) -> str:
        """What the table has no more of that the rows were read for."""
        gone = [name for name in rows["columns"] if self._table.column(name) is None]
        if gone:
            return f"the table has no column {', '.join(gone)}"
        serials = rows.get("serials", {}).items()  # which only a column of that type can take
        changed = [name for name, type_ in serials if self._table.column(name).type != type_]  # type: ignore[union-attr]
        return f"{', '.join(changed)} has not the type it had" if changed else ""

    def _commit(self, item: Item, arguments: Tuple[Any, ...]) -> Outcome:
        from ttcli.database.load import load_item

        loaded = self._session.run(lambda connection: load_item(connection, *arguments))
        add_rejects(item, loaded.rejects)
        return Outcome(LOADED, "loaded", _line(loaded), {"load": _figures(loaded)})

    def _rehearse(self, arguments: Tuple[Any, ...]) -> Outcome:
        from ttcli.database.load import dry_run

        settings, table, item, policies = arguments
        rehearsed = self._session.run(
            lambda connection: dry_run(connection, settings, table, item, policies, keep=True)
        )
        shown = [_line(rehearsed.loaded), *map(_difference, rehearsed.differences)]
        return Outcome(LOADED, "loaded", "\n      ".join(shown), {})


def _figures(loaded: Any) -> Dict[str, Any]:
    """What item.json keeps of a load."""
    return {
        **loaded._asdict(),
        "rejects": len(loaded.rejects),
        "refusals": [refusal._asdict() for refusal in loaded.refusals],
    }


def add_rejects(item: Item, rejects: Sequence[Any]) -> None:
    """Adds the rows that the database refused to rejects.csv; twice is as good as once."""
    if not rejects:
        return
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(each.values() for each in records(item.rejects) if each["rule"] != _RULE)
    sheets = item.record["rows"]["sheets"]
    for reject in rejects:
        sheet, row = reject.origin.split(" ")[0].split(":")
        name = sheets[int(sheet) - 1]["name"]
        writer.writerow((name, f"A{row}", "", reject.key, reject.message, _RULE))
    durable.replace_file(item.rejects, out.getvalue().encode("utf-8", "replace"))


_RULE = "refused-by-database"


def _load_of(item: Item) -> Any:
    from ttcli.database.given import Load

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
        serials=rows.get("serials", {}),
        untouched=rows["untouched"],
        replay=item.replay,
    )


def _line(loaded: Any) -> str:
    if loaded.already:
        return "was loaded before"
    if loaded.duplicate_of:
        return f"nothing new: the same as {loaded.duplicate_of}"
    names = ("inserted", "updated", "unchanged", "stale")
    counts = [f"{getattr(loaded, name)} {name}" for name in names]
    counts += [f"{len(loaded.rejects)} refused by the database"] if loaded.rejects else []
    counts += [f"{loaded.refused} changes refused by policy"] if loaded.refused else []
    return ", ".join(counts)


def _difference(difference: Any) -> str:
    if difference.new:
        return f"{difference.key}: new"
    changes = (f"{name} {_shown(old)} → {_shown(new)}" for name, old, new in difference.changes)
    return f"{difference.key}: {', '.join(changes)}"


def _shown(value: Optional[str]) -> str:
    return "NULL" if value is None else repr(value)


def load(
    spool: Spool,
    settings: DatabaseSettings,
    mapping: Mapping,
    dry_run: bool = False,
    watch: Watch = unwatched,
) -> Report:
    """Loads every processed item, oldest first."""
    report = Report("load", dry_run=dry_run)
    from ttcli.database.connect import Session
    from ttcli.database.interrupt import woken_by_signals
    from ttcli.database.target import read_table

    session = Session(settings)
    try:
        table = session.run(lambda connection: read_table(connection, settings))
        if not dry_run:
            keep_snapshot(spool, table)
        stage = LoadStage(session, settings, table, mapping, dry_run)
        with woken_by_signals(session.cancel):
            drain(spool, stage, report, watch)
    except OutsideFault as error:
        report.fault = error
    except OSError as error:
        report.fault = errors.from_os_error(error)
    finally:
        session.close()
    return report
