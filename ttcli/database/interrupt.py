"""Ctrl-C and SIGTERM while a statement waits.

Python runs a signal's handler between two of its own instructions, and while libpq waits for an
answer there is none: a load behind somebody's lock could not be stopped for minutes but by kill
-9. So a thread that the C level wakes asks the server to cancel the statement.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import Callable, Iterator


@contextlib.contextmanager
def woken_by_signals(cancel: Callable[[], None]) -> Iterator[None]:
    """Calls `cancel` in a thread of its own whenever a signal with a Python handler arrives.

    Works in the main thread only, which is the only one that signals reach.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # as set_wakeup_fd demands
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_watch, args=(ours, cancel), daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()  # which the thread reads as the end
        thread.join()
        ours.close()


def _watch(ours: socket.socket, cancel: Callable[[], None]) -> None:
    while ours.recv(1):
        cancel()
