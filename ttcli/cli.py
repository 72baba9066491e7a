"""The command line: which commands there are, and how the process begins and ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn, Optional

import typer

import ttcli
from ttcli import console, options
from ttcli.commands import asking, beginning, past, repair, stages
from ttcli.commands.login import login

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
        console.say(f"ttcli {ttcli.__version__}")
        console.leave()


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


for panel, commands in (
    (
        "The stages, in order",
        (
            stages.fetch,
            stages.process,
            stages.load,
            stages.acknowledge,
            stages.answer,
            stages.prune,
            stages.run,
            stages.watch,
        ),
    ),
    ("To begin with", (beginning.init, login)),
    ("Looking and checking", (asking.status, asking.check, asking.show, asking.inspect)),
    ("Looking back", (past.explain, past.history, past.report)),
    ("By hand", (repair.add, repair.retry, repair.replay, repair.drop)),
):
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def main() -> NoReturn:
    """Runs the command line and exits with the sysexits code of the worst that happened."""
    # newer Typers bring pydantic, which would look for plugins in every package installed: 10 ms
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    console.run(app)
