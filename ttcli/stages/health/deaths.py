"""Commands that were killed while they changed the spool (kill -9, out of memory, power cut).

Nothing is lost by it, and the next run goes on; but where it happens in every run, nobody would
hear of it: a process that was killed leaves no report.
"""

from __future__ import annotations

import logging
from typing import Dict

from ttcli.errors import OutsideFault
from ttcli.spool import lock
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)

_STATE = "killed"


def note(spool: Spool, written: str) -> None:
    """Remembers what the killed holder of the lock wrote, until its command ends well."""
    log.warning("%s, was killed; nothing was lost", written)
    _keep(spool, {**_noted(spool), _command(written): written})


def forget(spool: Spool, command: str) -> None:
    """The command came to its end."""
    noted = _noted(spool)
    if noted.pop(command, None):
        _keep(spool, noted)


def known(spool: Spool) -> Dict[str, str]:
    """By command, what the killed wrote: `ttcli load, pid 4711, since 2026-08-22T13:15:00Z`."""
    left = lock.killed_holder(spool.base)
    return {**_noted(spool), **({_command(left): left} if left else {})}


def _command(written: str) -> str:
    """`ttcli load, pid …` → `load`."""
    return written.partition(",")[0].rpartition(" ")[2]


def _noted(spool: Spool) -> Dict[str, str]:
    try:
        return dict(spool.read_state(_STATE) or {})
    except OutsideFault as error:
        log.warning("%s", error)
        return {}


def _keep(spool: Spool, noted: Dict[str, str]) -> None:
    try:
        spool.write_state(_STATE, noted)
    except OSError as error:
        log.warning("that could not be noted for `ttcli status`: %s", error)
