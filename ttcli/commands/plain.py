"""`ttcli fetch`, `process`, `load` and `prune`: timers start them without Typer (`untyped.py`)."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Optional, Sequence

from ttcli import console
from ttcli.commands import glance
from ttcli.commands.begin import locked, settings, spool_of
from ttcli.config import Config
from ttcli.errors import ConfigError, TtcliError
from ttcli.stages import STAGES

NEEDS = {"fetch": ("EMAIL",), "process": ("DB",), "load": ("DB",), "prune": ()}
"""The groups of settings that a stage needs complete."""


def stage(name: str, file: Optional[Path], dry_run: bool = False, **choices: Any) -> None:
    """Runs one stage under the lock, and tells how it went."""
    from ttcli.progress import watch_for
    from ttcli.stages.run import Stages

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
