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
from typing import Any, Callable, Iterator, List, NoReturn, Optional, Sequence

import typer

import ttcli
from ttcli import config as configuration
from ttcli import errors, logs, views
from ttcli.config import Config
from ttcli.errors import TtcliError
from ttcli.spool import lock
from ttcli.spool.drain import Report, Watch, unwatched
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

STAGES = "The stages, in order"
ASKING = "Looking and checking"
REPAIR = "By hand"

DRY_RUN = typer.Option(False, "--dry-run", "-n", help="Say what would be done, and do nothing.")
AS_JSON = typer.Option(False, "--json", help="One JSON object for programs.")
LIMIT = typer.Option(None, "--limit", min=1, help="At most this many mails.")
FILES = typer.Argument(..., metavar="FILE...", help="Workbooks, or mails saved as .eml.")
ITEM = typer.Argument(..., metavar="ITEM", help="Item id, as `ttcli status` shows it.")
ITEMS = typer.Argument(None, metavar="[ITEM...]", help="Item ids, as `ttcli status` shows them.")
ALL = typer.Option(False, "--all", help="Every failed item.")
AS_OF = typer.Option(
    None,
    "--as-of",
    formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"],
    help="The as-of time, local; by default the mail's own or the file's last change.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ttcli {ttcli.__version__}")
        raise typer.Exit


CONFIG = typer.Option(
    None,
    "--config",
    "-c",
    metavar="FILE",
    help=f"Configuration file [$TTCLI_CONFIG, {configuration.DEFAULT_FILE}].",
)
VERSION = typer.Option(
    False, "--version", callback=_print_version, is_eager=True, help="Show the version."
)


@app.callback()
def options(
    context: typer.Context,
    config: Optional[Path] = CONFIG,
    version: bool = VERSION,  # noqa: ARG001 - its callback does the work
) -> None:
    """Turns a mailbox of track-and-trace workbooks into a trustworthy PostgreSQL table."""
    context.obj = config


# -- the stages


@app.command(rich_help_panel=STAGES)
def fetch(context: typer.Context, limit: Optional[int] = LIMIT, dry_run: bool = DRY_RUN) -> None:
    """Mailbox → pending/: the attachments of new mails. Leaves the mailbox as it is."""
    _stage(context, "fetch", ["EMAIL"], dry_run, limit=limit)


@app.command(rich_help_panel=STAGES)
def process(context: typer.Context, dry_run: bool = DRY_RUN) -> None:
    """pending/ → processed/: reads the workbooks into rows and rejects."""
    _stage(context, "process", ["DB"], dry_run)


@app.command(rich_help_panel=STAGES)
def load(context: typer.Context, dry_run: bool = DRY_RUN) -> None:
    """processed/ → the target table → loaded/: one transaction an item."""
    _stage(context, "load", ["DB"], dry_run)


@app.command(rich_help_panel=STAGES)
def prune(context: typer.Context, dry_run: bool = DRY_RUN) -> None:
    """Removes loaded items older than FILE_RETENTION_DAYS. Failed ones stay."""
    _stage(context, "prune", [], dry_run)


@app.command(rich_help_panel=STAGES)
def run(context: typer.Context, dry_run: bool = DRY_RUN) -> None:
    """fetch, process, load and prune under one lock; what the timer calls."""
    from ttcli.stages.run import Stages

    config = _configured(context, ["EMAIL", "DB"])
    with _locked(config, "run") as spool:
        reports = Stages(config, spool, dry_run, _watch_for).run_all()
    _finish(reports)


# -- looking and checking


@app.command(rich_help_panel=ASKING)
def status(context: typer.Context, as_json: bool = AS_JSON) -> None:
    """What is in the spool, how the last runs went, what failed and how to repair it."""
    from ttcli.stages.status import status as look

    found = look(_spool(_configured(context, [])))
    typer.echo(_json(found) if as_json else views.status(found))


@app.command(rich_help_panel=ASKING)
def check(context: typer.Context, as_json: bool = AS_JSON) -> None:
    """Tests configuration, spool, mailbox and database for real, each with its fix."""
    from ttcli.stages.check import check as test

    config = _configured(context, ["EMAIL", "DB"])
    facts = test(config, _spool(config))
    code = errors.worst([errors.OK, *(fact.exit_code for fact in facts)])
    found = {"ok": not code, "facts": [fact._asdict() for fact in facts]}
    typer.echo(_json(found) if as_json else views.facts(facts))
    raise typer.Exit(code)


@app.command(rich_help_panel=ASKING)
def show(context: typer.Context, item: str = ITEM, as_json: bool = AS_JSON) -> None:
    """One item's whole life: mail, sheets, counts, rejects, attempts, load."""
    from ttcli.stages.show import show as look

    found = look(_spool(_configured(context, [])), item)
    typer.echo(_json(found) if as_json else views.item(found))


# -- by hand


@app.command(rich_help_panel=REPAIR)
def add(
    context: typer.Context,
    files: List[Path] = FILES,
    as_of: Optional[datetime] = AS_OF,
    dry_run: bool = DRY_RUN,
) -> None:
    """Puts workbooks or saved mails into pending/ by hand."""
    from ttcli.stages.add import add as put

    time = as_of.astimezone() if as_of else None
    with _locked(_configured(context, []), "add") as spool:
        report = put(spool, files, time, dry_run)
    _finish([report])


@app.command(rich_help_panel=REPAIR)
def retry(
    context: typer.Context,
    items: Optional[List[str]] = ITEMS,
    every: bool = ALL,
    dry_run: bool = DRY_RUN,
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
        report = Stages(config, spool, dry_run, _watch_for).run(name, **choices)
    _finish([report])


def _finish(reports: Sequence[Report]) -> NoReturn:
    typer.echo("\n".join(views.report(report) for report in reports))
    raise typer.Exit(errors.worst([errors.OK, *(report.exit_code for report in reports)]))


def _json(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2, default=str)


def _watch_for(stage: str) -> Watch:
    """A progress bar on a terminal, nothing elsewhere: logs and units want plain lines."""
    if not sys.stderr.isatty():
        return unwatched
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(stage, total=None)

    def watch(done: int, total: int) -> None:
        if done >= total:
            bar.stop()
        else:
            bar.start()
            bar.update(task, completed=done, total=total)

    return watch


def main() -> NoReturn:
    """Runs the command line and exits with the sysexits code of the worst that happened."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
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
        return _complain(views.error(error), error.exit_code)
    except BrokenPipeError:
        # `ttcli status | head`: the reader has seen enough; Python must not flush into the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.OK
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
