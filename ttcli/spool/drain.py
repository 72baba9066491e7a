"""The one loop that decides an item's state.

It offers each item of a state to its stage, oldest first, and draws the consequence:

    returned        → the state the stage names
    BadItem         → failed, at once
    OutsideFault    → untouched and uncharged; the stage stops
    any other error → stays, charged; tried again after 2^attempts seconds; failed after 3 retries

That a try begins is durable before it does (`tries.py`), so that an item which takes the process
down with it is set aside in the end. A process that was killed is mostly not the item's fault,
though (kill -9, a power cut, the kernel short of memory), so such tries may be many more.
"""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections import deque
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Tuple, Union

from ttcli import errors
from ttcli.errors import BadItem, OutsideFault
from ttcli.spool.item import FAILED, Item, now_text, read_time, time_text
from ttcli.spool.report import Report as Report
from ttcli.spool.stage import Outcome as Outcome
from ttcli.spool.stage import Stage as Stage
from ttcli.spool.stage import Work as Work
from ttcli.spool.store import Spool
from ttcli.spool.together import Together
from ttcli.spool.tries import Tries
from ttcli.spool.writer import Writer

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 4  # the first try and 3 retries
MOST_INTERRUPTED = 10


Watch = Callable[[int, int], None]
"""Told (done, of how many) as a stage goes on."""


def unwatched(done: int, total: int) -> None:
    """Nobody looks."""


def drain(spool: Spool, stage: Stage, report: Report, watch: Watch = unwatched) -> Report:
    """Offers every due item of the stage's source to it; see the module's docstring."""
    identities = spool.ids(stage.source)
    tries = Tries(spool, stage.name, stage.source, report.dry_run)
    try:
        tries.charge()
        with _writer(spool, stage) as writer:
            _Run(spool, stage, report, writer).all(identities, tries, watch)
    except OSError as error:
        report.fault = report.fault or errors.from_os_error(error)
    finally:
        with contextlib.suppress(OSError):  # told already, or the next run finds it
            spool.settle()
        tries.end()
    return report


def _writer(spool: Spool, stage: Stage) -> Writer:
    if not stage.waits:
        return Together(spool)
    from ttcli.spool.behind import Behind  # which brings concurrent.futures

    return Behind()


class _Run:
    """What one pass of a stage has open: its spool, who writes there, and the tries that run."""

    def __init__(self, spool: Spool, stage: Stage, report: Report, writer: Writer) -> None:
        self._spool = spool
        self._stage = stage
        self._report = report
        self._writer = writer
        self._running: Deque[Tuple[Item, Work]] = deque()

    def all(self, identities: List[str], tries: Tries, watch: Watch) -> None:
        """Tries those that are due, unless a fault stops the stage, and waits for every end."""
        for window in self._windows(tries, self._due_ones(identities)):
            alone = any(item.attempts for item in window)
            if alone:
                self._settle()
            for item in window:
                watch(len(self._report.lines), len(identities))
                self._try(item)
            if alone:
                self._settle()
            else:
                self._writer.do(self._spool.settle)
            if self._report.fault:
                break
        self._settle()
        watch(len(identities), len(identities))

    def _windows(self, tries: Tries, items: Iterator[Item]) -> Iterator[List[Item]]:
        """What keeps the next one from being read keeps none before it from its end."""
        try:
            yield from tries.windows(items)
        except (OutsideFault, OSError):
            self._settle()
            raise

    def _settle(self) -> None:
        """Waits for all that runs, and for all that is written."""
        while self._running:
            item, work = self._running.popleft()
            self._conclude(item, self._end(work))
            self._writer.soon(len(self._running))
        self._writer.wait()
        self._spool.settle()

    def _due_ones(self, identities: List[str]) -> Iterator[Item]:
        for identity in identities:
            item = self._offered(identity)
            if item is not None:
                yield item

    def _offered(self, identity: str) -> Optional[Item]:
        """The item, if it is due and not to be set aside."""
        item = self._spool.get(identity, self._stage.source)
        if item is None:
            return None
        if not _due(item):
            self._report.postponed += 1
            return None
        if _exhausted(item):
            self._conclude(item, _interrupted(item))
            return None
        return item

    def _try(self, item: Item) -> None:
        """Begins a try, unless a fault stopped the stage; where enough run, the oldest ends."""
        oldest, end = None, None
        if len(self._running) >= self._stage.jobs:
            oldest, work = self._running.popleft()
            end = self._end(work)
        if not self._report.fault and not isinstance(end, (OutsideFault, OSError)):
            self._running.append((item, _begin(self._stage, item)))
        if oldest and end:
            self._conclude(oldest, end)

    def _end(self, work: Work) -> Union[Outcome, Exception]:
        """Waits for the end of a try; where that takes a while, what ended is written first."""
        self._writer.rest(work.ready)
        try:
            return work.end()
        except Exception as error:
            return error

    def _conclude(self, item: Item, end: Union[Outcome, Exception]) -> None:
        """Draws the consequence, while the next are tried."""
        self._writer.do(lambda: self._write(item, end))

    def _write(self, item: Item, end: Union[Outcome, Exception]) -> None:
        """See the module's docstring."""
        try:
            if isinstance(end, Exception):
                raise end
            self._advance(item, end)
        except BadItem as error:
            self._set_aside(item, error)
        except OutsideFault as error:
            self._report.fault = self._report.fault or error
        except OSError as error:
            self._report.fault = self._report.fault or errors.from_os_error(error)
        except Exception as error:
            self._keep(item, error)

    def _advance(self, item: Item, outcome: Outcome) -> None:
        if not self._report.dry_run:
            item.record.update(outcome.changes)
            item.record.update(attempts=0, next_attempt_at=None, last_error=None)
            item.note(outcome.event)
            self._writer.move(self._spool, item, outcome.state)
        self._say(item, outcome.state, outcome.line)

    def _set_aside(self, item: Item, error: BadItem) -> None:
        if not self._report.dry_run:
            item.record.update(error.findings)
            item.record.update(attempts=0, next_attempt_at=None, last_error=described(error))
            item.note("failed", stage=self._report.stage, message=error.message)
            self._writer.move(self._spool, item, FAILED)
        self._say(item, FAILED, str(error), logging.ERROR)

    def _keep(self, item: Item, error: Exception) -> None:
        """Our own bug: told, charged, tried again later, in the end set aside."""
        self._report.bugs += 1
        item.record["attempts"] = item.attempts + 1
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        log.error("%s %s: %s\n%s", item.id, item.name, error, trace)
        said = str(error).strip().splitlines() or [""]  # a child's bug brings its whole traceback
        text = f"a bug in ttcli, {type(error).__name__}: {said[-1]}"
        if item.attempts >= MOST_ATTEMPTS:
            hint = f"report it with the log's traceback; then `ttcli retry {item.id}`"
            self._set_aside(item, BadItem(text, hint, kind="bug"))
            return
        if not self._report.dry_run:
            later = datetime.now(timezone.utc) + timedelta(seconds=2**item.attempts)
            item.record.update(next_attempt_at=time_text(later), last_error=described(error))
            self._spool.save(item)
        self._say(item, item.state, text, logging.ERROR, "stays")

    def _say(
        self, item: Item, state: str, line: str, level: int = logging.INFO, verb: str = "is"
    ) -> None:
        """Once all is so that was moved before."""
        self._writer.then(lambda: _said(self._report, item, state, line, level, verb))


def _due(item: Item) -> bool:
    at = item.record.get("next_attempt_at")
    return not at or read_time(at) <= datetime.now(timezone.utc)


def _exhausted(item: Item) -> bool:
    return item.attempts >= (MOST_ATTEMPTS if item.error else MOST_INTERRUPTED)


def _interrupted(item: Item) -> BadItem:
    return BadItem(
        f"the process died {item.attempts} times while it worked on this item",
        f"see the journal for why; `ttcli retry {item.id}` tries again",
        kind="crashed",
    )


def _begin(stage: Stage, item: Item) -> Work:
    """Begins the try; an error of the beginning is raised where its end is awaited."""
    try:
        return stage.begin(item)
    except Exception as error:
        failure = error

    def raise_it() -> Outcome:
        raise failure

    return Work(raise_it)


def described(error: Exception) -> Dict[str, Any]:
    """An error as item.json keeps it."""
    return {
        "class": type(error).__name__,
        "kind": getattr(error, "kind", "bug"),
        "message": getattr(error, "message", str(error)),
        "hint": getattr(error, "hint", ""),
        "at": now_text(),
    }


def _said(report: Report, item: Item, state: str, line: str, level: int, verb: str) -> None:
    named = f"{item.name}: {line}" if item.name else line
    report.lines.append((item.id, state, named))
    verb = "would be" if report.dry_run else verb
    # by the stage's name, so that the line goes to the stage's own log file
    logging.getLogger(f"ttcli.stages.{report.stage}").log(
        level, "%s %s %s: %s", item.id, verb, state, named
    )
