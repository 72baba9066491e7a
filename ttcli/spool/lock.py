"""The lock: one command at a time changes the spool, and whoever waits learns who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Iterator, Optional

from ttcli.errors import Temporary
from ttcli.spool.item import now_text


@contextlib.contextmanager
def held(base: Path, command: str) -> Iterator[None]:
    """Holds the spool's flock(2); the kernel lets go of it however the process ends.

    Raises:
        Temporary: Another process holds it.
    """
    descriptor = os.open(base / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Temporary(
                f"the spool is locked by {_written(descriptor) or 'another process'}",
                "nothing was changed; try again when it is done",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"ttcli {command}, pid {os.getpid()}, since {now_text()}\n".encode(), 0
        )
        yield
    finally:
        os.close(descriptor)


def holder(base: Path) -> Optional[str]:
    """Who holds the lock now, or None; never waits, and takes no lock."""
    try:
        descriptor = os.open(base / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A shared lock would make a run that starts in this instant turn away.
        return _written(descriptor) if _is_locked(descriptor) else None
    finally:
        os.close(descriptor)


def _written(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()


def _is_locked(descriptor: int) -> bool:
    """Asks /proc/locks (proc(5)), which lists a FLOCK with the file's inode at the line's place."""
    inode = f":{os.fstat(descriptor).st_ino}"
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    return any("FLOCK" in line and f"{inode} " in line for line in lines)
