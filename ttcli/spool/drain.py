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
    running: Running = deque()
    identities = spool.ids(stage.source)
    tries = Tries(spool, stage.name, stage.source, report.dry_run)
    try:
        tries.charge()
        with _writer(spool, stage) as writer:
            items = _due_ones(spool, stage, report, identities, writer)
            for window in _settled_before_a_fault(spool, report, running, writer, tries, items):
                alone = any(item.attempts for item in window)
                if alone:
                    _settle(spool, report, running, writer)
                for item in window:
                    watch(len(report.lines), len(identities))
                    _try(spool, stage, report, item, running, writer)
                if alone:
                    _settle(spool, report, running, writer)
                else:
                    writer.do(spool.settle)
                if report.fault:
                    break
            _settle(spool, report, running, writer)
        watch(len(identities), len(identities))
    except OSError as error:
        report.fault = report.fault or errors.from_os_error(error)
    finally:
        with contextlib.suppress(OSError):  # told already, or the next run finds it
            spool.settle()
        tries.end()
    return report


Running = Deque[Tuple[Item, Work]]


def _writer(spool: Spool, stage: Stage) -> Writer:
    if not stage.waits:
        return Together(spool)
    from ttcli.spool.behind import Behind  # which brings concurrent.futures

    return Behind()


def _settled_before_a_fault(
    spool: Spool,
    report: Report,
    running: Running,
    writer: Writer,
    tries: Tries,
    items: Iterator[Item],
) -> Iterator[List[Item]]:
    """The windows; what keeps the next from being read keeps none before it from its end."""
    try:
        yield from tries.windows(items)
    except (OutsideFault, OSError):
        _settle(spool, report, running, writer)
        raise


def _settle(spool: Spool, report: Report, running: Running, writer: Writer) -> None:
    """Waits for all that runs, and for all that is written."""
    while running:
        item, work = running.popleft()
        _conclude(spool, report, item, _end(work, writer), writer)
        writer.soon(len(running))
    writer.wait()
    spool.settle()


def _due_ones(
    spool: Spool, stage: Stage, report: Report, identities: List[str], writer: Writer
) -> Iterator[Item]:
    for identity in identities:
        item = _offered(spool, stage, report, identity, writer)
        if item is not None:
            yield item


def _offered(
    spool: Spool, stage: Stage, report: Report, identity: str, writer: Writer
) -> Optional[Item]:
    """The item, if it is due and not to be set aside."""
    item = spool.get(identity, stage.source)
    if item is None:
        return None
    if not _due(item):
        report.postponed += 1
        return None
    if _exhausted(item):
        _conclude(spool, report, item, _interrupted(item), writer)
        return None
    return item


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


def _try(
    spool: Spool, stage: Stage, report: Report, item: Item, running: Running, writer: Writer
) -> None:
    """Begins a try, unless a fault stopped the stage; where as many run as may, the oldest ends."""
    oldest, end = None, None
    if len(running) >= stage.jobs:
        oldest, work = running.popleft()
        end = _end(work, writer)
    if not report.fault and not isinstance(end, (OutsideFault, OSError)):
        running.append((item, _begin(stage, item)))
    if oldest and end:
        _conclude(spool, report, oldest, end, writer)


def _begin(stage: Stage, item: Item) -> Work:
    """Begins the try; an error of the beginning is raised where its end is awaited."""
    try:
        return stage.begin(item)
    except Exception as error:
        failure = error

    def raise_it() -> Outcome:
        raise failure

    return Work(raise_it)


def _end(work: Work, writer: Writer) -> Union[Outcome, Exception]:
    """Waits for the end of a try; where that takes a while, what ended before is written first."""
    writer.rest(work.ready)
    try:
        return work.end()
    except Exception as error:
        return error


def _conclude(
    spool: Spool, report: Report, item: Item, end: Union[Outcome, Exception], writer: Writer
) -> None:
    """Draws the consequence, while the next are tried."""
    writer.do(lambda: _write(spool, report, item, end, writer))


def _write(
    spool: Spool, report: Report, item: Item, end: Union[Outcome, Exception], writer: Writer
) -> None:
    """See the module's docstring."""
    try:
        if isinstance(end, Exception):
            raise end
        _advance(spool, report, item, end, writer)
    except BadItem as error:
        _set_aside(spool, report, item, error, writer)
    except OutsideFault as error:
        report.fault = report.fault or error
    except OSError as error:
        report.fault = report.fault or errors.from_os_error(error)
    except Exception as error:
        _keep(spool, report, item, error, writer)


def _advance(spool: Spool, report: Report, item: Item, outcome: Outcome, writer: Writer) -> None:
    if not report.dry_run:
        item.record.update(outcome.changes)
        item.record.update(attempts=0, next_attempt_at=None, last_error=None)
        item.note(outcome.event)
        writer.move(spool, item, outcome.state)
    writer.then(lambda: _say(report, item, outcome.state, outcome.line))


def _set_aside(spool: Spool, report: Report, item: Item, error: BadItem, writer: Writer) -> None:
    if not report.dry_run:
        item.record.update(error.findings)
        item.record.update(attempts=0, next_attempt_at=None, last_error=described(error))
        item.note("failed", stage=report.stage, message=error.message)
        writer.move(spool, item, FAILED)
    said = str(error)
    writer.then(lambda: _say(report, item, FAILED, said, logging.ERROR))


def _keep(spool: Spool, report: Report, item: Item, error: Exception, writer: Writer) -> None:
    """Our own bug: said with its traceback, charged, tried again later, set aside in the end."""
    report.bugs += 1
    item.record["attempts"] = item.attempts + 1
    log.error(
        "%s %s: %s\n%s",
        item.id,
        item.name,
        error,
        "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    )
    said = str(error).strip().splitlines() or [""]  # a child's bug brings its whole traceback
    text = f"a bug in ttcli, {type(error).__name__}: {said[-1]}"
    if item.attempts >= MOST_ATTEMPTS:
        hint = f"report it with the log's traceback; then `ttcli retry {item.id}`"
        _set_aside(spool, report, item, BadItem(text, hint, kind="bug"), writer)
        return
    if not report.dry_run:
        later = datetime.now(timezone.utc) + timedelta(seconds=2**item.attempts)
        item.record.update(next_attempt_at=time_text(later), last_error=described(error))
        spool.save(item)
    writer.then(lambda: _say(report, item, item.state, text, logging.ERROR, "stays"))


def described(error: Exception) -> Dict[str, Any]:
    """An error as item.json keeps it."""
    return {
        "class": type(error).__name__,
        "kind": getattr(error, "kind", "bug"),
        "message": getattr(error, "message", str(error)),
        "hint": getattr(error, "hint", ""),
        "at": now_text(),
    }


def _say(
    report: Report,
    item: Item,
    state: str,
    line: str,
    level: int = logging.INFO,
    verb: str = "is",
) -> None:
    named = f"{item.name}: {line}" if item.name else line
    report.lines.append((item.id, state, named))
    verb = "would be" if report.dry_run else verb
    # by the stage's name, so that the line goes to the stage's own log file
    logging.getLogger(f"ttcli.stages.{report.stage}").log(
        level, "%s %s %s: %s", item.id, verb, state, named
    )
