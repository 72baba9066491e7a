"""run: fetch, process, load and prune in order; a failing stage keeps none of the later ones
from what is already on disk. Each pass of a stage leaves its result in state/ for `status`.
"""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Callable, ContextManager, Dict, List, Optional, Sequence

from ttcli import errors
from ttcli.config import Config
from ttcli.errors import OutsideFault, from_os_error
from ttcli.spool.drain import Report, Watch, unwatched
from ttcli.spool.item import PENDING, PROCESSED, now_text
from ttcli.spool.store import Spool
from ttcli.stages import STAGES
from ttcli.stages.health import deaths
from ttcli.stages.health.loads import remember

log = logging.getLogger(__name__)


class Stages:
    """The four stages over one spool and one configuration.

    Args:
        watch_for: Gives the progress watcher of a stage by its name, for as long as that takes.
    """

    def __init__(
        self,
        config: Config,
        spool: Spool,
        dry_run: bool = False,
        watch_for: Callable[[str], ContextManager[Watch]] = lambda _: nullcontext(unwatched),
    ) -> None:
        self._config = config
        self._spool = spool
        self._dry_run = dry_run
        self._watch_for = watch_for

    def run(self, name: str, **options: Any) -> Report:
        """One pass of one stage; what stops it stands in the report."""
        began = time.monotonic()
        try:
            report: Report = getattr(self, name)(**options)
        except OutsideFault as fault:
            report = Report(name, fault=fault, dry_run=self._dry_run)
        except OSError as error:
            report = Report(name, fault=from_os_error(error), dry_run=self._dry_run)
        except Exception as bug:
            report = Report(name, bugs=1, dry_run=self._dry_run)
            report.lines.append(("", "", f"a bug in ttcli, {type(bug).__name__}: {bug}"))
            log.exception("%s", name)
        report.finished = now_text()
        report.seconds = round(time.monotonic() - began, 3)
        self._record(report)
        return report

    def run_all(self) -> List[Report]:
        """Every stage in order; before what is loaded may be pruned, its mails are told."""
        reports = [self.run(name) for name in STAGES[:-1]]
        # a server that has just refused a login is not asked again
        reports += self.run_owed(unreachable=list(reports[0].faults))
        reports += self.run_answers()
        reports.append(self.run(STAGES[-1]))
        deaths.forget(self._spool, "run")
        return reports

    def run_owed(self, unreachable: Sequence[str] = ()) -> List[Report]:
        """Acknowledges; nothing is reported where no mail was ever to be told."""
        return [self.run("acknowledge", unreachable=unreachable)] if self._owes() else []

    def run_answers(self) -> List[Report]:
        """Answers; nothing is reported where nobody shall be."""
        from ttcli.stages.answer import wanted

        return [self.run("answer")] if wanted(self._config) else []

    def _owes(self) -> bool:
        """Whether mails await what EMAIL_AFTER_LOAD or EMAIL_ON_FAILURE says."""
        from ttcli.stages.acknowledge import owing

        try:
            return owing(self._spool, self._config.mailboxes)
        except OSError:
            return True  # the stage meets the same fault, and reports it as any stage does

    def fetch(
        self,
        limit: Optional[int] = None,
        since: Optional[datetime] = None,
        mailbox: Optional[str] = None,
    ) -> Report:
        """Mailboxes, or the one of that name → pending."""
        from ttcli.stages.fetch import fetch
        from ttcli.stages.mailbox.several import picked

        mailboxes = self._config.mailboxes
        mailboxes = picked(mailboxes, mailbox) if mailbox else mailboxes
        with self._watch_for("fetch") as watch:
            return fetch(self._spool, mailboxes, limit, self._dry_run, watch, since)

    def process(self) -> Report:
        """Pending → processed; without any pending item, no server is asked anything."""
        if not self._spool.ids(PENDING):
            return Report("process", dry_run=self._dry_run)
        from ttcli.stages.process import Reading, process
        from ttcli.stages.target.mapping import current_mapping
        from ttcli.stages.target.table import current_table, reserved_columns

        settings = self._config.database
        reading = Reading(
            current_table(self._spool, settings, keep=not self._dry_run),
            current_mapping(self._config),
            self._config.limits,
            reserved_columns(settings),
            self._config.passwords,
        )
        with self._watch_for("process") as watch:
            jobs = self._config.max_concurrent_jobs
            return process(self._spool, reading, jobs, self._dry_run, watch)

    def load(self) -> Report:
        """Processed → the target table → loaded; without any processed item, as above."""
        if not self._spool.ids(PROCESSED):
            return Report("load", dry_run=self._dry_run)
        from ttcli.stages.load import load
        from ttcli.stages.target.mapping import current_mapping

        mapping = current_mapping(self._config)
        with self._watch_for("load") as watch:
            report = load(self._spool, self._config.database, mapping, self._dry_run, watch)
        if report.lines and not self._dry_run:
            remember(self._spool)
        return report

    def acknowledge(self, unreachable: Sequence[str] = ()) -> Report:
        """Loaded and failed → flags and folders of the mailbox."""
        from ttcli.stages.acknowledge import acknowledge

        return acknowledge(self._spool, self._config.mailboxes, self._dry_run, unreachable)

    def answer(self) -> Report:
        """Loaded, with rejects → an answer to the sender."""
        from ttcli.stages.answer import answer

        return answer(self._spool, self._config, self._dry_run)

    def prune(self) -> Report:
        """What was loaded long ago goes."""
        from ttcli.stages.prune import prune

        return prune(self._spool, self._config.file_retention_days, self._dry_run)

    def _record(self, report: Report) -> None:
        """Says the result in one log line, and keeps it for `status`."""
        level = logging.INFO if not report.exit_code else logging.ERROR
        # by the stage's name, so that the line goes to the stage's own log file
        stage = logging.getLogger(f"ttcli.stages.{report.stage}")
        stage.log(level, "%s ended with %d%s", report.stage, report.exit_code, _summary(report))
        if report.fault:
            log.debug("what stopped %s", report.stage, exc_info=report.fault)
        if self._dry_run:
            return
        try:
            _keep(self._spool, report)
            deaths.forget(self._spool, report.stage)
        except OSError as error:
            log.warning("the result of %s could not be kept: %s", report.stage, error)


def refuse(spool: Spool, stages: Sequence[str], fault: OutsideFault) -> None:
    """Keeps for `status` that stages could not even begin."""
    for stage in stages:
        report = Report(stage, fault=fault)
        report.finished = report.started
        _keep(spool, report)


def _keep(spool: Spool, report: Report) -> None:
    kept = {**recorded(report), **_streak(report, last_run(spool, report.stage))}
    spool.write_state(f"run-{report.stage}", kept)


def last_run(spool: Spool, stage: str) -> Dict[str, Any]:
    """What state/ says of a stage's last pass; nothing where it never ran or cannot be read."""
    try:
        return spool.read_state(f"run-{stage}") or {}
    except OutsideFault as error:
        log.warning("%s", error)
        return {}


def _streak(report: Report, before: Dict[str, Any]) -> Dict[str, Any]:
    """Since when the stage does its work, or does not; a bad item is no failure of the stage."""
    if not report.fault and not report.bugs:
        return {"last_ok": report.finished, "failing_since": None}
    went_well = before.get("exit_code") in (errors.OK, errors.BAD_ITEM)
    last_ok = before.get("last_ok") or (before.get("finished") if went_well else None)
    return {"last_ok": last_ok, "failing_since": before.get("failing_since") or report.started}


def recorded(report: Report) -> Dict[str, Any]:
    """A report as state/run-STAGE.json and `--json` give it."""
    states: Dict[str, int] = {}
    for _, state, _ in report.lines:
        if state:
            states[state] = states.get(state, 0) + 1
    return {
        "stage": report.stage,
        "started": report.started,
        "finished": report.finished,
        "seconds": report.seconds,
        "exit_code": report.exit_code,
        "fault": str(report.fault) if report.fault else None,
        "items": states,
        "postponed": report.postponed,
        **report.counts,
        **report.details,
    }


def _summary(report: Report) -> str:
    result = recorded(report)
    words = [f"{count} {state}" for state, count in result["items"].items()]
    words += [f"{count} {name}" for name, count in report.counts.items() if count]
    words += [f"{report.postponed} postponed"] if report.postponed else []
    words += [str(report.fault)] if report.fault else []
    return f": {', '.join(words)}" if words else ": nothing to do"
