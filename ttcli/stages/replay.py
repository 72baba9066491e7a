"""replay: a kept original is read again with today's mapping, and loaded again as what it is.

It goes back into pending/ with a mark, which becomes part of its name in the ledger: so this load
is told from the first one, and from itself after a crash. Rows that a newer file brought stay.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

from ttcli.config import Config
from ttcli.errors import BadItem, UsageError
from ttcli.spool.drain import Report
from ttcli.spool.item import FAILED, PENDING, Item, now_text
from ttcli.spool.store import Spool
from ttcli.stages.target.mapping import current_mapping

log = logging.getLogger(__name__)


def replay(spool: Spool, identities: Sequence[str]) -> Report:
    """Puts kept items back into pending/.

    Raises:
        UsageError: An id that no kept item has; then nothing is moved.
    """
    report = Report("replay")
    for item in _kept(spool, identities):
        _put_back(spool, item)
        report.lines.append((item.id, PENDING, f"{item.name}: `ttcli run` reads and loads it"))
        log.info("%s is pending: replay of %s", item.id, item.name)
    return report


def _kept(spool: Spool, identities: Sequence[str]) -> List[Item]:
    found = {identity: spool.find(identity) for identity in identities}
    unknown = [identity for identity, item in found.items() if item is None]
    if unknown:
        raise UsageError(
            f"no such item in the spool: {', '.join(unknown)}",
            "loaded items are kept for FILE_RETENTION_DAYS; `ttcli history` lists items",
        )
    items = [item for item in found.values() if item is not None]
    waiting = [item.id for item in items if item.state == PENDING]
    if waiting:
        raise UsageError(
            f"waiting to be read anyway: {', '.join(waiting)}", "`ttcli run` reads and loads them"
        )
    return items


def _put_back(spool: Spool, item: Item) -> None:
    former = item.record.get("load") or {}
    item.note("replayed", **{name: former[name] for name in _REMEMBERED if name in former})
    # What failed before it was ever loaded is no second load, it is the first.
    if item.state != FAILED or item.replay:
        item.record["replay"] = now_text()
    item.record.update(attempts=0, next_attempt_at=None, last_error=None)
    spool.move(item, PENDING)
    # only now: an item that a crash leaves in loaded/ is still whole
    for name in ("rows", "load"):
        item.record.pop(name, None)
    spool.save(item)
    spool.drop_results(item)


_REMEMBERED = ("inserted", "updated", "unchanged", "stale", "refused", "duplicate_of")


def rehearse(spool: Spool, config: Config, identities: Sequence[str]) -> Report:
    """What a replay would change: read into tmp/, loaded by the same statements, rolled back.

    Raises:
        OutsideFault: The database is away; or an id that no kept item has.
    """
    from ttcli.database.connect import Session

    items = _kept(spool, identities)
    report = Report("replay", dry_run=True)
    session = Session(config.database)
    try:
        with tempfile.TemporaryDirectory(dir=spool.tmp, prefix="replay-") as scratch:
            rehearsal = _Rehearsal(config, session, Path(scratch))
            for item in items:
                report.lines.append(rehearsal.line(item))
    finally:
        session.close()
    return report


class _Rehearsal:
    """Reads and loads items without leaving a trace."""

    def __init__(self, config: Config, session: Any, scratch: Path) -> None:
        from ttcli.database.target import read_table
        from ttcli.stages.load import LoadStage
        from ttcli.stages.process import Reading
        from ttcli.stages.target.table import reserved_columns

        settings, mapping = config.database, current_mapping(config)
        table = session.run(lambda connection: read_table(connection, settings))
        self._reading = Reading(
            table, mapping, config.limits, reserved_columns(settings), config.passwords
        )
        self._stage = LoadStage(session, settings, table, mapping, dry_run=True)
        self._scratch = scratch

    def line(self, item: Item) -> Any:
        """The item, the state it would come to, and what would become of its rows."""
        try:
            said = self._said(item)
        except BadItem as error:
            return item.id, FAILED, f"{item.name}: {error}"
        return item.id, "loaded", "\n      ".join([f"{item.name}: {said[0]}", *said[1:]])

    def _said(self, item: Item) -> List[str]:
        from ttcli.stages.process import convert, refusal
        from ttcli.workbook.limited import child

        sender = str(item.record["source"].get("sender") or "")
        arguments = (self._reading, str(item.payload), str(self._scratch), sender)
        rows = child.start(convert, *arguments, limits=self._reading.limits).result()
        refused = refusal(rows)
        if refused:
            raise refused
        record = {**item.record, "rows": rows, "replay": now_text()}
        outcome = self._stage.begin(Item(item.id, item.state, self._scratch, record)).end()
        first, *rest = outcome.line.split("\n      ")
        return [f"{rows['written']} of {rows['read']} rows: {first}", *_other(item, rows), *rest]


def _other(item: Item, rows: Dict[str, Any]) -> Iterator[str]:
    """Which columns are read now and were not, and the reverse, whose values stay."""
    before = (item.record.get("rows") or {}).get("columns", [])
    gone = [name for name in before if name not in rows["columns"]]
    new = [name for name in rows["columns"] if before and name not in before]
    if new:
        yield f"read now, and not before: {', '.join(new)}"
    if gone:
        yield f"not read any more, the table keeps what it has: {', '.join(gone)}"
