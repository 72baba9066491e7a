"""`ttcli fetch`, `process`, `load` and `prune`, which timers start: they run without Typer, too.

As with `glance.py`: Typer's import costs as much as a hundred small workbooks. The plain ways to
ask are known here; any other command line, `--help` and mistakes are Typer's.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple, Optional, Sequence

from ttcli import console
from ttcli.commands import glance
from ttcli.commands.begin import locked, settings, spool_of
from ttcli.config import Config
from ttcli.errors import ConfigError, TtcliError
from ttcli.stages import STAGES

_DRY_RUN = ("--dry-run", "-n")
NEEDS = {"fetch": ("EMAIL",), "process": ("DB",), "load": ("DB",), "prune": ()}
"""The groups of settings that a stage needs complete."""


class Asked(NamedTuple):
    """Which stage was asked for, of which configuration file, and whether to do it at all."""

    name: str
    config: Optional[Path] = None
    dry_run: bool = False


def asked(arguments: Sequence[str]) -> Optional[Asked]:
    """`[-c FILE] STAGE [--dry-run]`; None for anything else."""
    words = list(arguments)
    config = None
    if len(words) > 2 and words[0] in ("-c", "--config"):
        config, words = Path(words[1]), words[2:]
    if not words or words[0] not in NEEDS or len(words) > 2:
        return None
    if any(word not in _DRY_RUN for word in words[1:]):
        return None
    return Asked(words[0], config, len(words) > 1)


def stage(asked: Asked, **choices: Any) -> None:
    """Runs one stage under the lock, and tells how it went."""
    from ttcli.progress import watch_for
    from ttcli.stages.run import Stages

    name, file, dry_run = asked
    config = complete(file, [name], NEEDS[name])
    with locked(config, name) as spool:
        report = Stages(config, spool, dry_run, watch_for).run(name, **choices)
    if not dry_run:
        glance.publish(config)
    last = name == STAGES[-1]  # the unit runs the stages one by one, this one last
    if last and not dry_run and config.report_file:
        from ttcli.commands import past

        past.publish(config)
    console.finish([report])


def complete(file: Optional[Path], names: Sequence[str], needs: Sequence[str]) -> Config:
    """The settings; where one is missing, the spool remembers that these stages could not run."""
    try:
        return settings(file, needs)
    except ConfigError as fault:
        from ttcli.stages.run import refuse

        with contextlib.suppress(TtcliError, OSError):  # what is wrong is told in any case
            refuse(spool_of(settings(file, [])), names, fault)
        raise
