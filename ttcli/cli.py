"""The commands: the only module that prints and exits."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Iterator, List, NoReturn, Optional, Sequence, Union

import typer

import ttcli
from ttcli import config as configuration
from ttcli import errors, logs, options, streams, views
from ttcli.config import Config
from ttcli.errors import BadItem, TtcliError
from ttcli.progress import watch_for
from ttcli.spool import lock
from ttcli.spool.drain import Report
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)

app = typer.Typer(
    name="ttcli",
    help="Turns a mailbox of track-and-trace workbooks into a trustworthy PostgreSQL table.",
    epilog="Start with `ttcli check`; then `ttcli run` does everything once. Exit codes: 0 ok, "
    "65 an item is bad and set aside, 75 try again later, 77 access denied, 78 configuration, "
    "74 spool, 70 bug.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with locals would show secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ttcli {ttcli.__version__}")
        raise typer.Exit


VERSION = typer.Option(
    False, "--version", callback=_print_version, is_eager=True, help="Show the version."
)


@app.callback()
def every_command(
    context: typer.Context,
    config: Optional[Path] = options.CONFIG,
    version: bool = VERSION,  # noqa: ARG001 - its callback does the work
) -> None:
    """Turns a mailbox of track-and-trace workbooks into a trustworthy PostgreSQL table."""
    context.obj = config


# -- the stages


@app.command(rich_help_panel=options.STAGES)
def fetch(
    context: typer.Context,
    since: Optional[datetime] = options.SINCE,
    limit: Optional[int] = options.LIMIT,
    dry_run: bool = options.DRY_RUN,
) -> None:
    """Mailbox → pending/: the attachments of new mails. Leaves the mailbox as it is."""
    _stage(context, "fetch", ["EMAIL"], dry_run, limit=limit, since=since)


@app.command(rich_help_panel=options.STAGES)
def process(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """pending/ → processed/: reads the workbooks into rows and rejects."""
    _stage(context, "process", ["DB"], dry_run)


@app.command(rich_help_panel=options.STAGES)
def load(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """processed/ → the target table → loaded/: one transaction an item."""
    _stage(context, "load", ["DB"], dry_run)


@app.command(rich_help_panel=options.STAGES)
def prune(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """Removes loaded items older than FILE_RETENTION_DAYS. Failed ones stay."""
    _stage(context, "prune", [], dry_run)


@app.command(rich_help_panel=options.STAGES)
def run(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """fetch, process, load and prune under one lock; what the timer calls."""
    from ttcli.stages.run import Stages

    config = _configured(context, ["EMAIL", "DB"])
    with _locked(config, "run") as spool:
        reports = Stages(config, spool, dry_run, watch_for).run_all()
    _finish(reports)


@app.command(rich_help_panel=options.STAGES)
def watch(context: typer.Context, dry_run: bool = options.DRY_RUN) -> None:
    """Waits for mails (IMAP IDLE) and starts `ttcli run` when one arrives, until it is stopped."""
    from ttcli.stages import watch as stage

    config = _configured(context, ["EMAIL", "DB"])
    run = stage.Run(context.obj, dry_run)
    with contextlib.suppress(Stopped):  # to be stopped is its end
        stage.watch(config.mailbox, 3600 * config.schedule_interval_hours, run)


# -- looking and checking


@app.command(rich_help_panel=options.ASKING)
def status(context: typer.Context, as_json: bool = options.AS_JSON) -> None:
    """What is in the spool, how the last runs went, what failed and how to repair it."""
    from ttcli.stages.status import status as look

    found = look(_spool(_configured(context, [])))
    _say(_json(found) if as_json else views.status(found))


@app.command(rich_help_panel=options.ASKING)
def check(context: typer.Context, as_json: bool = options.AS_JSON) -> None:
    """Tests configuration, spool, mailbox and database for real, each with its fix."""
    from ttcli.stages.check import check as test

    config = _configured(context, ["EMAIL", "DB"])
    facts = test(config, _spool(config))
    code = errors.worst([errors.OK, *(fact.exit_code for fact in facts)])
    found = {"ok": not code, "facts": [fact._asdict() for fact in facts]}
    _say(_json(found) if as_json else views.facts(facts))
    raise typer.Exit(code)


@app.command(rich_help_panel=options.ASKING)
def show(
    context: typer.Context,
    item: str = options.ITEM,
    rejects: Optional[Path] = options.REJECTS,
    as_json: bool = options.AS_JSON,
) -> None:
    """One item's whole life: mail, sheets, counts, rejects, attempts, load."""
    from ttcli.stages import show as stage

    config = _configured(context, [])
    found = stage.show(_spool(config), item)
    _say(_json(found) if as_json else views.item(found))
    if rejects:
        count = stage.write_rejects(_spool(config), item, rejects, config)
        typer.echo(f"{count} rejected rows written to {rejects}", err=True)


@app.command(rich_help_panel=options.ASKING)
def inspect(
    context: typer.Context,
    file: Path = options.FILE,
    cells: bool = options.CELLS,
    as_json: bool = options.AS_JSON,
) -> None:
    """What ttcli sees in a workbook or a mail. Needs no server and no spool."""
    from ttcli.stages import inspect as stage

    config = _configured(context, [])
    try:
        if cells:
            pieces = stage.cells(file, config.limits, config.passwords)
            all(_say(piece, newline=False) for piece in pieces)  # until the reader goes away
            return
        found = stage.inspect(file, config)
    except BadItem as error:
        if not (cells or as_json):
            raise
        _say(json.dumps(stage.refused(error), ensure_ascii=False))
        raise typer.Exit(error.exit_code) from None
    _say(_json(found) if as_json else views.inspected(found))
    raise typer.Exit(errors.BAD_ITEM if found.get("refused") else errors.OK)


# -- by hand


@app.command(rich_help_panel=options.REPAIR)
def add(
    context: typer.Context,
    files: List[Path] = options.FILES,
    as_of: Optional[datetime] = options.AS_OF,
    dry_run: bool = options.DRY_RUN,
) -> None:
    """Puts workbooks or saved mails into pending/ by hand."""
    from ttcli.stages.add import add as put

    with _locked(_configured(context, []), "add") as spool:
        report = put(spool, files, as_of, dry_run)
    _finish([report])


@app.command(rich_help_panel=options.REPAIR)
def retry(
    context: typer.Context,
    items: Optional[List[str]] = options.ITEMS,
    every: bool = options.ALL,
    dry_run: bool = options.DRY_RUN,
) -> None:
    """Puts failed items back into pending/, to be read again."""
    from ttcli.stages.add import retry as put_back

    if bool(items) == every:
        raise typer.BadParameter("name the items, or say --all")
    with _locked(_configured(context, []), "retry") as spool:
        report = put_back(spool, items or [], every, dry_run)
    _finish([report])


# -- what the commands share


def _configured(context: typer.Context, needs: Sequence[str]) -> Config:
    config = configuration.load(file=context.obj, needs=needs)
    logs.set_up(config)
    return config


def _spool(config: Config) -> Spool:
    return Spool(config.app_base_dir)


@contextlib.contextmanager
def _locked(config: Config, command: str) -> Iterator[Spool]:
    spool = _spool(config)
    spool.prepare()
    with lock.held(spool.base, command):
        yield spool


def _stage(
    context: typer.Context, name: str, needs: Sequence[str], dry_run: bool, **choices: Any
) -> None:
    from ttcli.stages.run import Stages

    config = _configured(context, needs)
    with _locked(config, name) as spool:
        report = Stages(config, spool, dry_run, watch_for).run(name, **choices)
    _finish([report])


def _finish(reports: Sequence[Report]) -> NoReturn:
    _say("\n".join(views.report(report) for report in reports))
    raise typer.Exit(errors.worst([errors.OK, *(report.exit_code for report in reports)]))


def _say(text: Union[str, bytes], newline: bool = True) -> bool:
    """Prints; False where nobody reads any more (`ttcli run | head`), which is no error."""
    try:
        typer.echo(text, nl=newline)
    except OSError as error:
        # Python writes what is left at its end, and must not fail once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise
        return False
    return True


def _json(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2, default=str)


def main() -> NoReturn:
    """Runs the command line and exits with the sysexits code of the worst that happened."""
    # newer Typers bring pydantic, which would look for plugins in every package installed: 10 ms
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    streams.prepare()
    sys.exit(_guarded(app))


class Stopped(BaseException):
    """SIGTERM or Ctrl-C: items in work are handed back, as after any world's fault.

    Not a KeyboardInterrupt: click turns that into exit code 1.
    """


def _stop(*_: object) -> NoReturn:
    raise Stopped


def _guarded(command: Callable[[], Any]) -> int:
    try:
        command()
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else errors.BUG
    except Stopped:
        return _complain("ttcli: stopped; nothing was lost, the next run goes on", errors.TEMPORARY)
    except TtcliError as error:
        log.debug("what stopped ttcli", exc_info=error)
        return _complain(views.error(error), error.exit_code)
    except OSError as error:
        fault = errors.from_os_error(error)
        return _complain(views.error(fault), fault.exit_code)
    except Exception as bug:
        log.exception("a bug in ttcli")
        return _complain(views.bug(bug), errors.BUG)
    return errors.OK


def _complain(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        typer.echo(message, err=True)
    return code
