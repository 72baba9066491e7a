"""What needs a person: the findings of `ttcli status`, and what `--check` ends with.

A server that is away, a full disk, a lock: each run tries again, so none of it needs a person
until it has lasted. What no later run cures does at once.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any, Callable, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ttcli import errors
from ttcli.config import Config
from ttcli.spool.item import PENDING, PROCESSED, read_time
from ttcli.stages.health.loads import Load
from ttcli.stages.health.senders import NAMED_FOR


class Problem(NamedTuple):
    """One finding.

    Attributes:
        kind: A stable short word: `failed-items`, `stage`, `waiting`, `missing-report`, …
        exit_code: What `--check` ends with, if it is the worst.
        text: What is wrong.
        fix: What to do.
    """

    kind: str
    exit_code: int
    text: str
    fix: str


class Limits(NamedTuple):
    """From when on something needs a person; the times are None where they are not watched."""

    failed: int = 0
    waiting: Optional[timedelta] = timedelta(hours=6)
    outage: Optional[timedelta] = timedelta(hours=6)
    silence: Optional[timedelta] = None
    interval: timedelta = timedelta(hours=1)


def limits_of(config: Config) -> Limits:
    """The thresholds of the configuration."""

    def hours(number: int) -> Optional[timedelta]:
        return timedelta(hours=number) if number else None

    return Limits(
        config.status_failed_items,
        hours(config.status_waiting_hours),
        hours(config.status_outage_hours),
        hours(config.status_silence_hours),
        timedelta(hours=config.schedule_interval_hours),
    )


def problems(
    found: Mapping[str, Any], loads: Sequence[Load], limits: Limits, now: datetime
) -> List[Problem]:
    """All that needs a person, the worst first.

    Args:
        found: What `status` found: states, stages, killed, senders.
    """
    looks: Sequence[Callable[[], Iterator[Problem]]] = (
        lambda: _spool(found),
        lambda: _killed(found),
        lambda: _stages(found, limits, now),
        lambda: _overdue(found, limits, now),
        lambda: _failed(found, limits),
        lambda: _waiting(found, limits),
        lambda: _silent(loads, limits, now),
        lambda: _senders(found),
        lambda: _totals(loads, now),
    )
    seen = [problem for look in looks for problem in look()]
    return sorted(seen, key=lambda problem: errors.rank(problem.exit_code))


def _spool(found: Mapping[str, Any]) -> Iterator[Problem]:
    base = found["base_dir"]
    if not found["exists"]:
        text = f"{base} is not there: nothing ever ran"
        yield Problem("spool", errors.TEMPORARY, text, "`ttcli check`, then `ttcli run`")
    elif os.geteuid() == os.stat(base).st_uid and not os.access(f"{base}/state", os.W_OK):  # noqa: PTH116
        text, fix = f"{base} cannot be written", "look at that file system"
        yield Problem("spool", errors.SPOOL_IO, text, fix)


def _killed(found: Mapping[str, Any]) -> Iterator[Problem]:
    for said in found["killed"].values():
        fix = "`journalctl -k` says if memory ran out; a run that ends well clears this"
        yield Problem("killed", errors.BUG, f"{said}, was killed", fix)


def _stages(found: Mapping[str, Any], limits: Limits, now: datetime) -> Iterator[Problem]:
    for stage, result in found["stages"].items():
        code = result["exit_code"] if result else errors.OK
        if code in (errors.OK, errors.BAD_ITEM):
            continue
        said = result.get("fault") or "a bug in ttcli"
        if code != errors.TEMPORARY:
            again = f"ttcli {stage}" if stage != "acknowledge" else "ttcli run"
            fix = f"correct that, then `{again}`; `ttcli check` tells more"
            yield Problem("stage", code, f"{stage} ended with {code}: {said}", fix)
            continue
        since = result.get("last_ok") or result.get("failing_since") or result["started"]
        if limits.outage and now - read_time(since) > limits.outage:
            text = f"{stage} has not succeeded since {since}: {said}"
            yield Problem("outage", code, text, "`ttcli check` tests each part")


def _overdue(found: Mapping[str, Any], limits: Limits, now: datetime) -> Iterator[Problem]:
    if not found["exists"] or not limits.outage:
        return
    ended = [result["finished"] for result in found["stages"].values() if result]
    fix = "`systemctl enable --now trackandtrace.timer`, or `ttcli run`"
    if not ended:
        yield Problem("overdue", errors.TEMPORARY, "no stage ever ran", fix)
    elif now - read_time(max(ended)) > limits.interval + limits.outage:
        yield Problem("overdue", errors.TEMPORARY, f"nothing has run since {max(ended)}", fix)


def _failed(found: Mapping[str, Any], limits: Limits) -> Iterator[Problem]:
    count = found["states"]["failed"]["count"]
    if count > limits.failed:
        named = ", ".join(f"{item['id']} ({item['kind']})" for item in found["failed"][:3])
        text = f"{_counted(count, 'failed item')}: {named}{', …' if count > 3 else ''}"
        fix = "`ttcli status` names each repair; `ttcli drop ITEM` gives one up"
        yield Problem("failed-items", errors.BAD_ITEM, text, fix)


def _waiting(found: Mapping[str, Any], limits: Limits) -> Iterator[Problem]:
    for state in (PENDING, PROCESSED):
        seconds = found["states"][state].get("waiting_seconds") or 0
        if limits.waiting and seconds > limits.waiting.total_seconds():
            text = f"an item has been {state} since {found['states'][state]['waiting_since']}"
            yield Problem("waiting", errors.TEMPORARY, text, "`ttcli run` says what it waits for")


def _silent(loads: Sequence[Load], limits: Limits, now: datetime) -> Iterator[Problem]:
    if limits.silence is None:
        return
    last = max((load.at for load in loads), default=None)
    if last is None or now - read_time(last) > limits.silence:
        text = f"nothing was loaded since {last}" if last else "nothing was ever loaded"
        yield Problem("silence", errors.BAD_ITEM, text, "ask the senders; `ttcli check`")


def _senders(found: Mapping[str, Any]) -> Iterator[Problem]:
    for seen in found["senders"]:
        name = seen["sender"]
        if seen.get("missing"):
            last = (
                f"the last came {seen['last_report']}" if seen["last_report"] else "none ever came"
            )
            text = f"{name}: no report for {seen['due']} ({seen['expect']}); {last}"
            yield Problem("missing-report", errors.BAD_ITEM, text, "ask the sender")
        if seen.get("odd"):
            text = (
                f"{name}: {_counted(seen['rows'], 'row')} in {seen['item']}, usual are"
                f" {seen['usual_rows']} ({seen['expect_rows']})"
            )
            yield Problem("odd-report", errors.BAD_ITEM, text, f"`ttcli show {seen['item']}`")


def _totals(loads: Sequence[Load], now: datetime) -> Iterator[Problem]:
    """Of each sender's last report, if it is not too old."""
    for load in {load.sender or load.id: load for load in loads}.values():
        if load.totals and read_time(load.at) > now - NAMED_FOR:
            more = f" (and {len(load.totals) - 1} more)" if len(load.totals) > 1 else ""
            text = f"{load.id} {load.name}: {load.totals[0]}{more}"
            fix = f"`ttcli show {load.id}` shows what was rejected; ask the sender"
            yield Problem("totals", errors.BAD_ITEM, text, fix)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
