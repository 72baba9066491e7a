"""A second process beside the child that reads a workbook, for half of a large sheet.

It is forked from the child with all that was read so far, has the same rights and limits, and dies
with it. How it ends is all it says: what it leaves stands in files, and a half that it does not
finish, for whatever reason, the child reads itself.
"""

from __future__ import annotations

import gc
import math
import os
import resource
import signal
import time
from pathlib import Path
from typing import BinaryIO, Callable, NoReturn, cast

from ttcli.config import Limits
from ttcli.workbook.limited.confine import die_with, limit_softly, mapped_bytes

_SHARE = 4
"""Of the memory that a workbook may take, so much may have been read before a process is forked,
which may come to copy it, and so much more may that one take: half as much again for both."""


def processors() -> int:
    """How many of them this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


class Beside:
    """Begins such processes; see `ttcli.rows.halves.Beside`.

    Args:
        folder: Where the files without a name are made: they are as large as the rows.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._share = (limits.memory_mb << 20) // _SHARE
        self._mapped = mapped_bytes()

    def has_room(self, size: int) -> bool:
        """Whether what was read so far is little enough to be there twice, and the rows as well.

        Args:
            size: More than the rows will take on disk, in bytes.
        """
        disk = os.statvfs(self._folder)
        is_free = disk.f_bavail * disk.f_frsize >= 2 * size
        return is_free and mapped_bytes() - self._mapped <= self._share

    def file(self) -> BinaryIO:
        """An empty file for both processes, which ends with them."""
        import tempfile  # slow to import, and seldom needed

        return cast(BinaryIO, tempfile.TemporaryFile(dir=self._folder))

    def begin(self, work: Callable[[], None]) -> Process:
        """Forks a process that does this work and nothing else.

        Raises:
            OSError: There is none to be had.
        """
        cpu_left = _cpu_left()
        held, lifeline = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(held)
            os.close(lifeline)
            raise
        if pid == 0:
            os.close(lifeline)
            self._live(work, held, cpu_left)
        os.close(held)
        return Process(pid, lifeline)

    def _live(self, work: Callable[[], None], held: int, cpu_left: int) -> NoReturn:
        code = 1
        try:
            die_with(held)
            gc.freeze()  # collecting what was read before would copy its pages
            limit_softly(resource.RLIMIT_AS, mapped_bytes() + self._share)
            limit_softly(resource.RLIMIT_CPU, cpu_left)
            work()
            code = 0
        finally:
            os._exit(code)


def _cpu_left() -> int:
    """Seconds of processor time that this process may still use."""
    limit = resource.getrlimit(resource.RLIMIT_CPU)[0]
    if limit == resource.RLIM_INFINITY:
        return limit
    return max(1, math.ceil(limit - time.process_time()))


class Process:
    """A process that was begun."""

    def __init__(self, pid: int, lifeline: int) -> None:
        self._pid = pid
        self._lifeline = lifeline

    def succeeded(self) -> bool:
        """Waits for its end; whether it did all its work."""
        return self._reap() == 0

    def end(self) -> None:
        """Ends it at once, if it has not ended."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._reap()

    def _reap(self) -> int:
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        os.close(self._lifeline)
        return status
