"""What a child does first: lets go of everything the parent had, and lets the kernel limit it."""

from __future__ import annotations

import fcntl
import gc
import math
import os
import resource
import select
import signal
import sys
import time
from typing import Iterable, List, Tuple

from ttcli.config import Limits
from ttcli.workbook.nameless import nameless_file

_STANDARD = (0, 1, 2)
_LAST_WORDS = 64 * 1024  # a Rust backtrace may stand between the words and the end


class Links:
    """What connects a child with its parent: made before the fork, each side keeps its end.

    Attributes:
        reading, writing: The pipe for the result: the parent reads, the child writes.
        held, lifeline: A pipe that nothing goes through: the child holds its reading end, and
            the kernel closes the parent's end with the parent.
        stderr: A file without a name for what the child's libraries print before they die.
    """

    def __init__(self) -> None:
        self.stderr = nameless_file()
        ends: List[int] = []
        try:
            ends += os.pipe()
            ends += os.pipe()
        except OSError:
            self.stderr.close()
            for end in ends:
                os.close(end)
            raise
        self.reading, self.writing, self.held, self.lifeline = ends

    def close_childs_ends(self) -> None:
        """In the parent, right after the fork."""
        os.close(self.writing)
        os.close(self.held)

    def close(self) -> None:
        """In the parent, when the child has ended; may be called again."""
        if not self.stderr.closed:
            os.close(self.reading)
            os.close(self.lifeline)
            self.stderr.close()

    def last_words(self) -> str:
        """The end of what was printed to stderr."""
        size = self.stderr.seek(0, os.SEEK_END)
        self.stderr.seek(max(0, size - _LAST_WORDS))
        return self.stderr.read().decode("utf-8", "replace").strip()


class Confined:
    """The limits in force."""

    def __init__(self, memory_before: int) -> None:
        self._memory_before = memory_before

    def relax(self) -> None:
        """Lifts the limits of memory and wall time again."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        limit_softly(resource.RLIMIT_AS, self._memory_before)

    def renew(self, limits: Limits) -> None:
        """Puts all limits in force, counted from now."""
        signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)
        used = math.ceil(time.process_time())
        limit_softly(resource.RLIMIT_CPU, used + limits.cpu_seconds)
        limit_softly(resource.RLIMIT_AS, mapped_bytes() + limits.memory_mb * 1024 * 1024)


def confine(limits: Limits, links: Links, keep: Tuple[int, ...] = ()) -> Confined:
    """Makes this freshly forked process one that can only hurt itself.

    Args:
        limits: Memory beyond what is mapped now, processor and wall time.
        links: Files that stay open, with those of `keep` the only ones.
    """
    _reset_signals()
    _let_go_of_files(keep=(links.writing, links.held, *keep), stderr=links.stderr.fileno())
    die_with(links.held)
    gc.freeze()  # collecting the parent's objects would copy its pages
    limit_softly(resource.RLIMIT_CORE, 0)
    confined = Confined(resource.getrlimit(resource.RLIMIT_AS)[0])
    confined.renew(limits)
    return confined


def _reset_signals() -> None:
    """Default dispositions, so that the kernel's signals kill.

    SIGINT and SIGTERM reach a whole process group or unit at once; were the child to die of
    them, the workbook would be blamed for an operator's `systemctl stop`.
    """
    for number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGIO, signal.SIGABRT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _let_go_of_files(keep: Iterable[int], stderr: int) -> None:
    """Puts /dev/null in the place of every inherited file but those.

    Closing would free the numbers: an inherited file object that is collected later would then
    close a file of ours. And a lock (flock) or a server's connection must not outlive the parent
    through the child. New sys.stdout and sys.stderr: a thread may have held the old ones' locks.
    """
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(stderr, 2)
    for number in _open_files():
        if number not in (*keep, 2, null):
            os.dup2(null, number, inheritable=number in _STANDARD)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stderr = open(2, "w", errors="replace", closefd=False)  # noqa: SIM115


def _open_files() -> List[int]:
    with os.scandir("/dev/fd") as entries:
        numbers = [int(entry.name) for entry in entries]
    return [number for number in numbers if _is_open(number)]


def _is_open(number: int) -> bool:
    """The listing itself had one open that is gone by now."""
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def die_with(lifeline: int) -> None:
    """Has the kernel send SIGIO, which kills, when the parent's end of the lifeline closes.

    prctl(PR_SET_PDEATHSIG) would need ctypes, which a unit with MemoryDenyWriteExecute= forbids.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    gone = select.poll()
    gone.register(lifeline, 0)
    if gone.poll(0):  # it died between the fork and now
        os._exit(1)


def mapped_bytes() -> int:
    """The address space in use now, which the memory limit must come on top of."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def limit_softly(what: int, value: int) -> None:
    """Sets the soft limit, never above the hard one (which an operator may have set)."""
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    resource.setrlimit(what, (value, hard))
