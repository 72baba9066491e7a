"""The commands that a person uses to put something right."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Callable, List, Optional

import typer

from ttcli import console, options
from ttcli.commands.begin import configured, locked
from ttcli.spool.drain import Report
from ttcli.spool.store import Spool


def add(
    context: typer.Context,
    files: List[Path] = options.FILES,
    as_of: Optional[datetime] = options.AS_OF,
    dry_run: bool = options.DRY_RUN,
) -> None:
    """Puts workbooks or saved mails into pending/ by hand."""
    from ttcli.stages.add import add as put

    with locked(configured(context, []), "add") as spool:
        report = put(spool, files, as_of, dry_run)
    console.finish([report])


def replay(
    context: typer.Context, items: List[str] = options.KEPT, dry_run: bool = options.DRY_RUN
) -> None:
    """Reads kept items again with today's mapping; --dry-run shows the differences first."""
    from ttcli.stages import replay as stage

    config = configured(context, ["DB"])
    with locked(config, "replay") as spool:
        report = stage.rehearse(spool, config, items) if dry_run else stage.replay(spool, items)
    console.finish([report])


def retry(
    context: typer.Context,
    items: Optional[List[str]] = options.ITEMS,
    every: bool = options.ALL,
    dry_run: bool = options.DRY_RUN,
) -> None:
    """Puts failed items back into pending/, to be read again."""
    from ttcli.stages.add import retry as put_back

    _of_failed(context, "retry", put_back, items, every, dry_run)


def drop(
    context: typer.Context,
    items: Optional[List[str]] = options.ITEMS,
    every: bool = options.ALL,
    dry_run: bool = options.DRY_RUN,
) -> None:
    """Removes failed items that cannot be repaired; their mails stay in the mailbox."""
    from ttcli.stages.drop import drop as give_up

    _of_failed(context, "drop", give_up, items, every, dry_run)


def _of_failed(
    context: typer.Context,
    name: str,
    stage: Callable[[Spool, List[str], bool, bool], Report],
    items: Optional[List[str]],
    every: bool,
    dry_run: bool,
) -> None:
    """Does it to the failed items that are named, or to every one."""
    if bool(items) == every:
        raise typer.BadParameter("name the items, or say --all")
    with locked(configured(context, []), name) as spool:
        report = stage(spool, items or [], every, dry_run)
    console.finish([report])
