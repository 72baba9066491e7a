"""watch: a run as soon as a mail arrives, and now and then without one.

Each run is a `ttcli run` of its own: it forks children, which a process with the threads of an
open IMAP connection should not, and what it takes up in memory goes with it.
"""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, NoReturn, Optional

from ttcli import errors
from ttcli.config import MailboxSettings
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.spool.store import Spool
from ttcli.stages.mailbox import opened
from ttcli.stages.patience import LONGEST

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 300.0  # seconds between two tries
_AGAIN = (errors.TEMPORARY, errors.BUG)  # the lock is taken, a server is away, a try comes later


class Run:
    """Starts `ttcli run` with this process's configuration; what stops us stops it, too."""

    def __init__(self, config: Optional[Path], dry_run: bool = False) -> None:
        chosen = ["--config", str(config)] if config else []
        self._command = [sys.executable, "-m", "ttcli", *chosen, "run"]
        self._command += ["--dry-run"] if dry_run else []

    def __call__(self) -> int:
        """Runs it to its end and returns its exit code."""
        running = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        try:
            return running.wait()
        except BaseException:
            running.terminate()  # it hands back what it has begun
            running.wait()
            raise


class Runs:
    """When to run next, though no mail arrives.

    Args:
        interval: Seconds between two runs that end well.
    """

    def __init__(self, run: Callable[[], int], interval: float) -> None:
        self._run = run
        self._interval = interval
        self._failures = 0
        self._next = 0.0

    def run(self) -> None:
        """Runs; after a fault that time may cure, the next run comes sooner."""
        code = self._run()
        self._failures = self._failures + 1 if code in _AGAIN else 0
        wait = pause(self._failures) if self._failures else self._interval
        self._next = time.monotonic() + min(wait, self._interval)

    def left(self) -> float:
        """Seconds until the next run is due; 0 if it is."""
        return max(0.0, self._next - time.monotonic())


def watch(
    spool: Spool, settings: MailboxSettings, interval: float, run: Callable[[], int]
) -> NoReturn:
    """Runs at once, at every arrival, and `interval` seconds after the last run.

    A lost connection is opened again, after longer and longer pauses as long as it fails.

    Raises:
        AccessDenied: The very first login was refused.
        ConfigError: There is no such folder, or the like, at the very first look.
    """
    runs = Runs(run, interval)
    watching = _Watching(spool, settings, runs)
    failures = 0
    while True:
        began = time.monotonic()
        try:
            watching.until_lost()
        except (AccessDenied, ConfigError) as fault:
            if not watching.ever:
                raise
            lost: OutsideFault = fault
        except Temporary as fault:
            lost = fault
        lasted = time.monotonic() - began
        failures = 1 if lasted > _LONGEST_PAUSE else failures + 1
        asked = lost.wait if isinstance(lost, Temporary) else 0.0
        seconds = max(pause(failures), min(asked, LONGEST.total_seconds()))
        log.warning("%s; connecting again in %.0f s", lost, seconds)
        _sleep_and_run(seconds, runs)


def _sleep_and_run(seconds: float, runs: Runs) -> None:
    """Waits; meanwhile what is on disk is still loaded."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not runs.left():
            runs.run()
        time.sleep(max(0.0, min(end - time.monotonic(), runs.left())))


def pause(failures: int) -> float:
    """Seconds until the next try: doubled each time, and never the same for two of us."""
    longest = min(_LONGEST_PAUSE, 2.0 ** min(failures - 1, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class _Watching:
    """One connection after the other to one folder.

    Attributes:
        ever: A folder was seen, by this connection or an earlier one.
    """

    def __init__(self, spool: Spool, settings: MailboxSettings, runs: Runs) -> None:
        self._spool = spool
        self._settings = settings
        self._runs = runs
        self.ever = False

    def until_lost(self) -> NoReturn:
        """Runs and waits in turn, until the connection is lost."""
        with opened(self._spool, self._settings) as session:
            while True:
                # looked at before the run: what arrives during it ends the wait at once
                session.folder()
                self.ever = True
                self._runs.run()
                while self._runs.left() and not session.wait(self._runs.left()):
                    pass
