"""How every command begins: settings, logs, the spool, its lock."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Optional, Sequence

from ttcli import config as configuration
from ttcli import logs
from ttcli.config import Config
from ttcli.spool import lock
from ttcli.spool.store import Spool
from ttcli.stages.health import deaths

if TYPE_CHECKING:
    import typer


def configured(context: typer.Context, needs: Sequence[str]) -> Config:
    """The settings, of which these groups must be complete; from here on it is logged."""
    return settings(context.obj, needs)


def settings(file: Optional[Path], needs: Sequence[str], files: bool = True) -> Config:
    """The same, where no Typer has read the command line; perhaps without log files."""
    config = configuration.load(file=file, needs=needs)
    logs.set_up(config, files)
    return config


def spool_of(config: Config) -> Spool:
    """The spool as it lies there, made or not."""
    return Spool(config.app_base_dir)


@contextlib.contextmanager
def locked(config: Config, command: str) -> Iterator[Spool]:
    """The spool, made where it was not yet, for this command alone."""
    spool = spool_of(config)
    spool.prepare()
    with lock.held(spool.base, command) as killed:
        if killed:
            deaths.note(spool, killed)
        yield spool
