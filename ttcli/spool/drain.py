"""The one loop that decides an item's state.

It offers each item of a state to its stage, oldest first, and draws the consequence:

    returned        → the state the stage names
    BadItem         → failed, at once
    OutsideFault    → untouched and uncharged; the stage stops
    any other error → stays, charged; tried again after 2^attempts seconds; failed after 3 retries

A try is charged before it begins, so that an item which takes the process down with it is set
aside in the end. A process that was killed is mostly not the item's fault, though (kill -9, a
power cut, the kernel short of memory), so such tries may be many more.
"""

from __future__ import annotations

import logging
import traceback
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Protocol, Tuple, Union

from ttcli import errors
from ttcli.errors import BadItem, OutsideFault
from ttcli.spool.item import FAILED, Item, now_text, read_time, time_text
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 4  # the first try and 3 retries
MOST_INTERRUPTED = 10


class Outcome(NamedTuple):
    """What a stage made of an item: its next state, what to record, one line for people."""

    state: str
    event: str
    line: str
    changes: Dict[str, Any]


Work = Callable[[], Outcome]
"""A try that has begun; calling it waits for its end."""


class Stage(Protocol):
    """A verb that takes items from one state to the next."""

    name: str
    source: str
    jobs: int

    def begin(self, item: Item) -> Work:
        """Begins a try; up to `jobs` of them run at a time."""


@dataclass
class Report:
    """What one pass of a stage did.

    Attributes:
        lines: (item id, state it came to, one line), in order.
        fault: Why the stage stopped early, if it did.
        postponed: Items whose next try is not due yet.
        counts: Figures of the stage: mails, rows, …
        faults: Where a stage goes on after a fault: what it was, by where.
        details: More for state/run-STAGE.json.
    """

    stage: str
    started: str = field(default_factory=now_text)
    finished: Optional[str] = None
    seconds: float = 0.0
    lines: List[Tuple[str, str, str]] = field(default_factory=list)
    fault: Optional[OutsideFault] = None
    bugs: int = 0
    postponed: int = 0
    counts: Dict[str, int] = field(default_factory=dict)
    dry_run: bool = False
    faults: Dict[str, OutsideFault] = field(default_factory=dict)
    details: Dict[str, Any] = field(default_factory=dict)

    def add(self, **counts: int) -> None:
        """Adds to the figures."""
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    @property
    def exit_code(self) -> int:
        """The worst of what happened."""
        codes = [errors.BAD_ITEM for _, state, _ in self.lines if state == FAILED]
        codes += [errors.BUG] * bool(self.bugs)
        codes += [self.fault.exit_code] if self.fault else []
        return errors.worst([errors.OK, *codes])


Watch = Callable[[int, int], None]
"""Told (done, of how many) as a stage goes on."""


def unwatched(done: int, total: int) -> None:
    """Nobody looks."""


def drain(spool: Spool, stage: Stage, report: Report, watch: Watch = unwatched) -> Report:
    """Offers every due item of the stage's source to it; see the module's docstring."""
    running: Deque[Tuple[Item, Work]] = deque()
    identities = spool.ids(stage.source)
    try:
        for number, identity in enumerate(identities):
            watch(number, len(identities))
            _offer(spool, stage, report, identity, running)
            if report.fault:
                break
        while running:
            _settle(spool, report, *running.popleft())
        watch(len(identities), len(identities))
    except OSError as error:
        report.fault = report.fault or errors.from_os_error(error)
    except BaseException:
        _hand_back(spool, report, running)
        raise
    return report


def _offer(
    spool: Spool, stage: Stage, report: Report, identity: str, running: Deque[Tuple[Item, Work]]
) -> None:
    item = spool.get(identity, stage.source)
    if item is None:
        return
    if not _due(item):
        report.postponed += 1
    elif _exhausted(item):
        _set_aside(spool, report, item, _interrupted(item))
    else:
        _charge(spool, report, item, +1)
        _try(spool, stage, report, item, running)


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


def _charge(spool: Spool, report: Report, item: Item, attempts: int) -> None:
    if not report.dry_run:
        item.record["attempts"] = max(0, item.attempts + attempts)
        spool.save(item)


def _try(
    spool: Spool, stage: Stage, report: Report, item: Item, running: Deque[Tuple[Item, Work]]
) -> None:
    """Begins a try; where as many run as may, the oldest ends first.

    One at a time is settled before the next begins. Where there are more, what is to be written
    about the one that ended is written while the others run.
    """
    if len(running) < stage.jobs:
        running.append((item, _begin(stage, item)))
        if stage.jobs == 1:
            _settle(spool, report, *running.popleft())
        return
    oldest, work = running.popleft()
    try:
        end = _end(spool, report, oldest, work)
    except BaseException:
        _charge(spool, report, item, -1)
        raise
    if isinstance(end, (OutsideFault, OSError)):
        _charge(spool, report, item, -1)
    else:
        running.append((item, _begin(stage, item)))
    _conclude(spool, report, oldest, end)


def _begin(stage: Stage, item: Item) -> Work:
    """Begins the try; an error of the beginning is raised where its end is awaited."""
    try:
        return stage.begin(item)
    except Exception as error:
        failure = error

    def raise_it() -> Outcome:
        raise failure

    return raise_it


def _settle(spool: Spool, report: Report, item: Item, work: Work) -> None:
    _conclude(spool, report, item, _end(spool, report, item, work))


def _end(spool: Spool, report: Report, item: Item, work: Work) -> Union[Outcome, Exception]:
    """Waits for the end of a try."""
    try:
        return work()
    except Exception as error:
        return error
    except BaseException:
        _charge(spool, report, item, -1)
        raise


def _conclude(spool: Spool, report: Report, item: Item, end: Union[Outcome, Exception]) -> None:
    """Draws the consequence; see the module's docstring."""
    try:
        if isinstance(end, Exception):
            raise end
        _advance(spool, report, item, end)
    except BadItem as error:
        _set_aside(spool, report, item, error)
    except OutsideFault as error:
        report.fault = report.fault or error
        _charge(spool, report, item, -1)
    except OSError as error:
        report.fault = report.fault or errors.from_os_error(error)
        _charge(spool, report, item, -1)
    except Exception as error:
        _keep(spool, report, item, error)
    except BaseException:
        _charge(spool, report, item, -1)
        raise


def _advance(spool: Spool, report: Report, item: Item, outcome: Outcome) -> None:
    if not report.dry_run:
        item.record.update(outcome.changes)
        item.record.update(attempts=0, next_attempt_at=None, last_error=None)
        item.note(outcome.event)
        spool.move(item, outcome.state)
    _say(report, item, outcome.state, outcome.line)


def _set_aside(spool: Spool, report: Report, item: Item, error: BadItem) -> None:
    if not report.dry_run:
        item.record.update(error.findings)
        item.record.update(attempts=0, next_attempt_at=None, last_error=described(error))
        item.note("failed", stage=report.stage, message=error.message)
        spool.move(item, FAILED)
    _say(report, item, FAILED, str(error), logging.ERROR)


def _keep(spool: Spool, report: Report, item: Item, error: Exception) -> None:
    """Our own bug: said with its traceback, tried again later, set aside in the end."""
    report.bugs += 1
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
        _set_aside(spool, report, item, BadItem(text, hint, kind="bug"))
        return
    if not report.dry_run:
        later = datetime.now(timezone.utc) + timedelta(seconds=2**item.attempts)
        item.record.update(next_attempt_at=time_text(later), last_error=described(error))
        spool.save(item)
    _say(report, item, item.state, text, logging.ERROR, "stays")


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


def _hand_back(spool: Spool, report: Report, running: Deque[Tuple[Item, Work]]) -> None:
    """Told to stop: the tries that were going on are not held against their items."""
    for item, _ in running:
        _charge(spool, report, item, -1)
