"""watch: a run as soon as a mail arrives, and now and then without one.

Each run is a `ttcli run` of its own: it forks children, which a process with the threads of an
open IMAP connection should not, and what it takes up in memory goes with it.
"""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, NoReturn, Optional, Sequence

from ttcli import errors
from ttcli.config import MailboxSettings
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail.session import Session
from ttcli.spool.store import Spool
from ttcli.stages.mailbox.patience import LONGEST
from ttcli.stages.mailbox.session import opened
from ttcli.stages.mailbox.several import label_of, one_fault

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 300.0  # seconds between two tries
_LONGEST_WAIT = 3600.0
_FIRST_LOOK = 10.0  # seconds that a slow mailbox keeps the first run waiting
_GOODBYE = 2.0  # seconds for each to hang up
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
    spool: Spool,
    mailboxes: Sequence[MailboxSettings],
    interval: float,
    run: Callable[[], int],
) -> NoReturn:
    """Runs at once, at every arrival, and `interval` seconds after the last run.

    A lost connection is opened again, after longer and longer pauses as long as it fails.

    Raises:
        AccessDenied: The very first login was refused, by every mailbox.
        ConfigError: There is no such folder, or the like, at the very first look.
    """
    runs, bell = Runs(run, interval), threading.Event()
    watchers = [_Watcher(spool, settings, bell) for settings in mailboxes]
    try:
        for watcher in watchers:
            watcher.start()
        _first_look(watchers)
        while True:
            bell.clear()  # before the run: what arrives during it ends the wait at once
            runs.run()
            bell.wait(runs.left())
    finally:
        for watcher in watchers:
            watcher.stop()
        for watcher in watchers:
            watcher.join(_GOODBYE)


def _first_look(watchers: Sequence[_Watcher]) -> None:
    """Waits for the first connections, not long; raises where none will ever come about."""
    end = time.monotonic() + _FIRST_LOOK
    for watcher in watchers:
        watcher.tried.wait(max(0.0, end - time.monotonic()))
    hopeless = {each.settings.label: each.hopeless for each in watchers if each.hopeless}
    fault = one_fault(hopeless) if len(hopeless) == len(watchers) else None
    if fault:
        raise fault


def pause(failures: int) -> float:
    """Seconds until the next try: doubled each time, and never the same for two of us."""
    longest = min(_LONGEST_PAUSE, 2.0 ** min(failures - 1, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class _Watcher(threading.Thread):
    """One connection after the other to one folder; rings when a mail may have arrived.

    Attributes:
        tried: Set once the first connection stands or has failed.
        hopeless: Why it failed, where trying again will not help.
    """

    def __init__(self, spool: Spool, settings: MailboxSettings, bell: threading.Event) -> None:
        super().__init__(daemon=True)
        self._spool = spool
        self.settings = settings
        self.tried = threading.Event()
        self.hopeless: Optional[OutsideFault] = None
        self._bell = bell
        self._stopped = threading.Event()
        self._session: Optional[Session] = None

    def run(self) -> None:
        """Until it is stopped."""
        failures = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            lost = self._until_lost()
            failures = 1 if time.monotonic() - began > _LONGEST_PAUSE else failures + 1
            asked = lost.wait if isinstance(lost, Temporary) else 0.0
            seconds = max(pause(failures), min(asked, LONGEST.total_seconds()))
            if not self._stopped.is_set():
                of = label_of(self.settings)
                log.warning("%s%s; connecting again in %.0f s", of, lost, seconds)
            self.tried.set()
            self._stopped.wait(seconds)

    def stop(self) -> None:
        """Lets it end; from another thread."""
        self._stopped.set()
        session = self._session
        if session is not None:
            session.abandon()

    def _until_lost(self) -> Exception:
        """Waits for one mail after the other until the connection is lost, and says why it was."""
        try:
            with opened(self._spool, self.settings) as self._session:
                arrivals = self._session.arrivals()
                while not self._stopped.is_set():
                    # also what arrived before this connection stood
                    self._bell.set()
                    self.tried.set()
                    while not arrivals.wait(_LONGEST_WAIT):
                        pass
            return Temporary("stopped")
        except (AccessDenied, ConfigError) as fault:
            self.hopeless = None if self.tried.is_set() else fault
            return fault
        except Temporary as fault:
            return fault
        except Exception as bug:
            log.exception("%swaiting", label_of(self.settings))
            return bug
        finally:
            self._session = None
