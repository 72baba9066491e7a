"""`ttcli status`, which monitors ask every minute: without Typer, too (`untyped.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ttcli import console
from ttcli.commands.begin import settings, spool_of
from ttcli.config import Config
from ttcli.errors import ConfigError


def status(file: Optional[Path], form: str = "text") -> None:
    """Looks, and prints in the form that was asked for: text, json, prometheus or check."""
    from ttcli.stages.status import status as look
    from ttcli.views import status as view

    if form == "check":
        _check(file)
    config = settings(file, [], files=False)
    found = look(spool_of(config), config)
    if form == "prometheus":
        from ttcli.views.prometheus import exposition

        console.say(exposition(found), newline=False)
    else:
        console.say(console.as_json(found) if form == "json" else view.status(found))


def _check(file: Optional[Path]) -> None:
    """One line, and the exit code; a mistake in the configuration is a finding.

    A password may be missing here: only the units see credentials. Stages that lack one say so.
    """
    from ttcli.stages.status import status as look
    from ttcli.views.status import one_line

    try:
        config = settings(file, [], files=False)
    except ConfigError as fault:
        console.say(f"{fault.exit_code}: {'; '.join(fault.mistakes) or fault.message}")
        console.leave(fault.exit_code)
    found = look(spool_of(config), config)
    console.say(one_line(found))
    console.leave(found["exit_code"])


def publish(config: Config) -> None:
    """Writes STATUS_PROMETHEUS_FILE, if there shall be one; the run that calls goes on anyway."""
    if config.status_prometheus_file:
        from ttcli.stages.publish import publish as write
        from ttcli.stages.status import status as look
        from ttcli.views.prometheus import exposition

        write(config.status_prometheus_file, lambda: exposition(look(spool_of(config), config)))
