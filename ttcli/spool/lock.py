"""The lock: one command at a time changes the spool, and whoever waits learns who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Iterator, Optional

from ttcli.errors import Temporary
from ttcli.spool.item import now_text

_WRITES_WITHIN = 50  # hundredths of a second
_MOMENT = 0.05


@contextlib.contextmanager
def held(base: Path, command: str) -> Iterator[str]:
    """Holds the spool's flock(2); the kernel lets go of it however the process ends.

    Yields:
        What the last holder wrote, if it was killed: whoever ends takes his name away.

    Raises:
        Temporary: Another process holds it.
    """
    descriptor = os.open(base / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Temporary(
                f"the spool is locked by {_holder(descriptor) or 'another process'}",
                "nothing was changed; try again when it is done",
            ) from None
        killed = _written(descriptor)
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"ttcli {command}, pid {os.getpid()}, since {now_text()}\n".encode(), 0
        )
        try:
            yield killed
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def awaited(path: Path, seconds: float) -> Iterator[None]:
    """Holds a lock of its own, for what a few processes do one after the other.

    Raises:
        Temporary: Another process holds it all the time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        end = time.monotonic() + seconds
        while not _taken(descriptor):
            if time.monotonic() > end:
                text = f"{path} is held by another process for longer than {seconds:.0f} s"
                raise Temporary(text, "the next run tries again")
            time.sleep(_MOMENT)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(base: Path) -> Optional[str]:
    """Who holds the lock now, or None; takes no lock, which would turn a run away."""
    try:
        descriptor = os.open(base / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _holder(descriptor) if _holding_pid(descriptor) else None
    finally:
        os.close(descriptor)


def killed_holder(base: Path) -> str:
    """Who held the lock when it was killed, if nobody has held it since; else nothing."""
    try:
        descriptor = os.open(base / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return "" if _holding_pid(descriptor) else _written(descriptor)
    finally:
        os.close(descriptor)


def _written(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()


def _holder(descriptor: int) -> str:
    """What the holder wrote; it may have taken the lock this instant and not written yet."""
    pid = _holding_pid(descriptor)
    for _ in range(_WRITES_WITHIN):
        written = _written(descriptor)
        if not pid or f"pid {pid}," in written:
            return written
        time.sleep(0.01)
    return f"pid {pid}"


def _holding_pid(descriptor: int) -> int:
    """Asks /proc/locks (proc(5)): `1: FLOCK ADVISORY WRITE 4711 fe:00:131 0 EOF`; 0 if nobody."""
    inode = f":{os.fstat(descriptor).st_ino}"
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    locks = [line.split() for line in lines if " FLOCK " in line and "->" not in line]
    return next((int(lock[4]) for lock in locks if lock[5].endswith(inode)), 0)
