"""process: each pending workbook is read into rows.tsv and rejects.csv, in limited children."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from pathlib import Path
from typing import Any, Dict, FrozenSet, NamedTuple, Optional, Sequence, Tuple

from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.rows.convert import convert_workbook
from ttcli.rows.mapping import Mapping
from ttcli.rows.sheet import unmapped_rows
from ttcli.spool import durable
from ttcli.spool.drain import Outcome, Report, Watch, Work, drain, unwatched
from ttcli.spool.item import PENDING, PROCESSED, REJECTS, ROWS, Item
from ttcli.spool.store import Spool
from ttcli.stages.health.loads import disagreements
from ttcli.table import TargetTable
from ttcli.workbook.limited.beside import Beside, processors
from ttcli.workbook.limited.worker import Pool
from ttcli.workbook.open import open_workbook, warm

log = logging.getLogger(__name__)


class Reading(NamedTuple):
    """What every workbook is read by.

    Attributes:
        table: The target table, whose columns and types are the rows' schema.
        mapping: Headings, synonyms, formats, sender profiles.
        reserved: Columns that ttcli fills itself.
        passwords: What may open a password-protected workbook.
        halves: Whether a second process may convert half of a large sheet.
    """

    table: TargetTable
    mapping: Mapping
    limits: Limits
    reserved: FrozenSet[str]
    passwords: Sequence[str] = ()
    halves: bool = False


class Process:
    """The stage from pending to processed.

    Args:
        pool: Of `jobs` workers that run `convert`.
        scratch: Where a dry run writes; None for the item's own directory.
    """

    name = "process"
    source = PENDING
    waits = False

    def __init__(self, pool: Pool, jobs: int, scratch: Optional[Path] = None) -> None:
        self.jobs = jobs * _AHEAD
        self._pool = pool
        self._scratch = scratch

    def begin(self, item: Item) -> Work:
        """Has a worker read the item."""
        sender = str(item.record["source"].get("sender") or "")
        folder = _folder_for(item, self._scratch) if self._scratch else item.path
        task = self._pool.start(str(item.payload), str(folder), sender[-_LONGEST_SENDER:])

        def wait() -> Outcome:
            try:
                return _outcome(task.result())
            except BaseException:
                _discard(folder)
                raise

        return Work(wait, task.ready)


def _folder_for(item: Item, scratch: Path) -> Path:
    folder = scratch / item.id
    folder.mkdir()
    return folder


_AHEAD = 6  # items a job has begun: while what became of some is written, it reads the next
_LONGEST_SENDER = 500  # of its end: an address stands there, and a request is short


def convert(reading: Reading, payload: str, folder: str, sender: str) -> Dict[str, Any]:
    """Runs in a worker: payload → rows.tsv and rejects.csv in the folder; returns the report.

    They are on their way to the disk then; `Spool.move_together` waits for those of many at once.

    Raises:
        BadItem: The workbook cannot be read, or holds nothing for the table.
    """
    table, mapping, limits, reserved, passwords, halves = reading
    beside = Beside(Path(folder), limits) if halves else None
    mapping = mapping.for_sender(sender)
    workbook = open_workbook(Path(payload), limits, [*mapping.passwords, *passwords])
    with contextlib.suppress(FileNotFoundError):
        # not overwritten: a head alone is not waited for, and a power cut could undo that only
        Path(folder, REJECTS).unlink()
    with Path(folder, ROWS).open("w+b") as rows, Path(folder, REJECTS).open(
        "w", encoding="utf-8", newline=""
    ) as rejects:
        report = convert_workbook(workbook, table, mapping, rows, rejects, reserved, beside)
        durable.begin_to_sync(rows)
        durable.begin_to_sync(rejects)
    return {"kind": workbook.kind, **report}


def refusal(rows: Dict[str, Any]) -> Optional[BadItem]:
    """Why a workbook without a row to load needs a person; None for an empty report."""
    if rows["written"]:
        return None
    if rows["read"]:
        said, todo = _all_set_aside(rows)
    else:
        sheet = next((sheet for sheet in rows["sheets"] if sheet.get("unmapped_data")), None)
        if sheet is None:
            return None
        said, todo = f"sheet {sheet['name']!r}: {sheet['reason']}", _NAME_THEM
    return BadItem(said, todo, kind="no-rows", findings={"rows": rows})


_NAME_THEM = (
    "name the columns in mapping.toml: under [headings], or under ignore_headings if what they "
    "hold means nothing"
)


def _all_set_aside(rows: Dict[str, Any]) -> Tuple[str, str]:
    if rows["rejected"]:
        said = f"none of its {rows['read']} rows could be used"
        return said, "`ttcli show` names the reason for each"
    return (
        "it has rows of totals, and no other",
        "`ttcli drop` it, if it reports that there is nothing",
    )


def _outcome(rows: Dict[str, Any]) -> Outcome:
    refused = refusal(rows)
    if refused:
        raise refused
    line = f"{rows['written']} of {rows['read']} rows" + _remarks(rows)
    line += "".join(f"; {said}" for said in disagreements(rows)[:_MOST_TOTALS])
    return Outcome(PROCESSED, "processed", line, {"rows": rows})


_MOST_TOTALS = 3  # that a line names

_REMARKS = (
    ("rejected", "rejected"),
    ("cells_rejected", "cells rejected"),
    ("duplicates", "duplicate"),
    ("totals", "totals"),
    ("repaired", "repaired"),
)


def _remarks(rows: Dict[str, Any]) -> str:
    remarks = [f"{rows[name]} {word}" for name, word in _REMARKS if rows.get(name)]
    unmapped = sum(map(unmapped_rows, rows["sheets"]))
    remarks += [f"{unmapped} only in columns not mapped"] if unmapped else []
    if rows.get("cells_rejected") == 1:
        remarks = ["1 cell rejected" if each == "1 cells rejected" else each for each in remarks]
    return f" ({', '.join(remarks)})" if remarks else ""


def _discard(folder: Path) -> None:
    """A try that failed leaves no half-written rows, and a full disk wants the space back."""
    with contextlib.suppress(OSError):
        (folder / ROWS).unlink()


def in_halves(jobs: int, pending: int, processors: int) -> bool:
    """Whether two processes may convert a large workbook, and none waits for a processor."""
    return processors >= 2 * min(jobs, pending)


def process(
    spool: Spool,
    reading: Reading,
    jobs: int = 1,
    dry_run: bool = False,
    watch: Watch = unwatched,
) -> Report:
    """Reads every pending workbook, up to `jobs` at a time."""
    report = Report("process", dry_run=dry_run)
    warm()
    halves = in_halves(jobs, len(spool.ids(PENDING)), processors())
    reading = reading._replace(halves=halves)
    with Pool(partial(convert, reading), reading.limits, jobs) as pool:
        if not dry_run:
            return drain(spool, Process(pool, jobs), report, watch)
        import tempfile  # slow to import

        with tempfile.TemporaryDirectory(dir=spool.tmp, prefix="dry-run-") as scratch:
            return drain(spool, Process(pool, jobs, Path(scratch)), report, watch)
