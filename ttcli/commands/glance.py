"""`ttcli status`, which monitors ask every minute: it runs without Typer, too.

Typer's import, and that of what it brings, takes longer than all of the answer. So `__main__` knows
the plain ways to ask for it; any other command line, `--help` and mistakes are Typer's.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from ttcli import console
from ttcli.commands.begin import settings, spool_of
from ttcli.config import Config
from ttcli.errors import ConfigError

_FORMS = {"--json": "json", "--prometheus": "prometheus", "--check": "check"}


class Asked(NamedTuple):
    """What was asked: the configuration file, and the form: text, json, prometheus or check."""

    config: Optional[Path] = None
    form: str = "text"


def asked(arguments: Sequence[str]) -> Optional[Asked]:
    """`[-c FILE] status [--json | --prometheus | --check]`; None for anything else."""
    words = list(arguments)
    config = None
    if len(words) > 2 and words[0] in ("-c", "--config"):
        config, words = Path(words[1]), words[2:]
    if words[:1] != ["status"] or len(words) > 2 or any(word not in _FORMS for word in words[1:]):
        return None
    return Asked(config, _FORMS[words[1]] if len(words) > 1 else "text")


def status(asked: Asked) -> None:
    """Looks, and prints in the form that was asked for."""
    from ttcli.stages.status import status as look
    from ttcli.views import status as view

    if asked.form == "check":
        _check(asked)
    config = settings(asked.config, [], files=False)
    found = look(spool_of(config), config)
    if asked.form == "prometheus":
        from ttcli.views.prometheus import exposition

        console.say(exposition(found), newline=False)
    else:
        console.say(console.as_json(found) if asked.form == "json" else view.status(found))


def _check(asked: Asked) -> None:
    """One line, and the exit code; a mistake in the configuration is a finding.

    A password may be missing here: only the units see credentials. Stages that lack one say so.
    """
    from ttcli.stages.status import status as look
    from ttcli.views.status import one_line

    try:
        config = settings(asked.config, [], files=False)
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
