"""The commands that take items a stage further, alone or in order."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any, Optional

import typer

from ttcli import console, options
from ttcli.commands import glance, past, plain
from ttcli.commands.begin import configured, locked, spool_of
from ttcli.progress import watch_for
from ttcli.spool.drain import Report
from ttcli.stages import STAGES


def fetch(
    context: typer.Context,
    since: Optional[datetime] = options.SINCE,
    limit: Optional[int] = options.LIMIT,
    mailbox: Optional[str] = options.MAILBOX,
    dry_run: bool = options.DRY_RUN,
) -> None:
    """Mailbox → pending/: the attachments of new mails. Leaves the mailbox as it is."""
    _stage(context, "fetch", dry_run, limit=limit, since=since, mailbox=mailbox)


def process(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """pending/ → processed/: reads the workbooks into rows and rejects."""
    _stage(context, "process", dry_run)


def load(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """processed/ → the target table → loaded/: one transaction an item."""
    _stage(context, "load", dry_run)


def acknowledge(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """Does EMAIL_AFTER_LOAD and EMAIL_ON_FAILURE to the mails whose end is known."""
    from ttcli.stages.run import Stages

    config = plain.complete(context.obj, ["acknowledge"], ["EMAIL"])
    with locked(config, "acknowledge") as spool:
        reports = Stages(config, spool, dry_run).run_owed()
    if not dry_run:
        glance.publish(config)
    console.finish(reports or [Report("acknowledge", dry_run=dry_run)])


def answer(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """Sends rejected rows back to those on REPLY_TO_SENDERS; to nobody, unless it is set."""
    from ttcli.stages.run import Stages

    config = configured(context, ["EMAIL"])
    with locked(config, "answer") as spool:
        reports = Stages(config, spool, dry_run).run_answers()
    console.finish(reports or [Report("answer", dry_run=dry_run)])


def prune(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """Removes loaded items older than FILE_RETENTION_DAYS. Failed ones stay."""
    _stage(context, "prune", dry_run)


def run(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """fetch, process, load, acknowledge, answer and prune under one lock."""
    from ttcli.stages.run import Stages

    config = plain.complete(context.obj, STAGES, ["EMAIL", "DB"])
    with locked(config, "run") as spool:
        reports = Stages(config, spool, dry_run, watch_for).run_all()
    if not dry_run:
        glance.publish(config)
        past.publish(config)
    console.finish(reports)


def watch(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """Waits for mails (IMAP IDLE) and starts `ttcli run` when one arrives, until it is stopped."""
    from ttcli.stages import watch as stage

    config = configured(context, ["EMAIL", "DB"])
    run = stage.Run(context.obj, dry_run)
    with contextlib.suppress(console.Stopped):  # to be stopped is its end
        stage.watch(spool_of(config), config.mailboxes, 3600 * config.schedule_interval_hours, run)


def _stage(context: typer.Context, name: str, dry_run: bool, **choices: Any) -> None:
    plain.stage(name, context.obj, dry_run, **choices)
