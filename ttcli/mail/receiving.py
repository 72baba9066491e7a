"""What comes over a connection: waited for no longer, and taken no more of, than is allowed."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import Union

from ttcli.mail.tls import TlsSocket, wait_for
from ttcli.mail.wire import LARGEST_LITERAL

_WAKE = 64 << 10  # bytes that the reader of a literal waits for, if need be for a second
_MOST_BYTES = 2 * LARGEST_LITERAL  # all that is on its way at once is far less


class Receiver:
    """The receiving half of a socket that does not wait by itself.

    Attributes:
        until: When, by the monotonic clock, something must have come at the latest; 0: any time.
    """

    def __init__(self, sock: Union[socket.socket, TlsSocket], lock: threading.Lock) -> None:
        self._socket, self._lock = sock, lock
        self._woken_at = 1
        self._bytes = 0  # since somebody took what had come
        self.until = 0.0

    def receive(self, room: memoryview, enough: int) -> int:
        """Takes what arrives until it is enough, or a moment has passed; returns how much.

        Raises:
            EOFError: The other side closed the connection.
            TimeoutError: Nothing came in time.
            ValueError: More came than anybody can have asked for, and nobody takes it.
        """
        have, end = 0, time.monotonic() + 1.0
        while have < enough:
            try:
                with self._lock:
                    count = self._socket.recv_into(room[have:])
            except BlockingIOError:
                if not self._arrives(enough - have, end):
                    break
                continue
            if not count and not have:
                raise EOFError("the server closed the connection")
            if not count:
                break  # the next call will raise
            have += count
        self._count(have)
        return have

    def taken(self) -> None:
        """What has come so far is taken, and its memory free again."""
        self._bytes = 0

    def _count(self, have: int) -> None:
        self._bytes += have
        if self._bytes > _MOST_BYTES:
            raise ValueError(f"the server sent {self._bytes >> 20} MB that nobody asked for")

    def _arrives(self, missing: int, end: float) -> bool:
        """Waits for more; False where nothing has come by then."""
        if self.until:
            if time.monotonic() > self.until:
                raise TimeoutError("the server is too slow")
            end = min(end, self.until)
        # so many are sure to come: not every packet has to wake this thread
        self._wake_at(_WAKE if missing > 2 * _WAKE else 1)
        return wait_for(self._socket, select.POLLIN, end - time.monotonic())

    def _wake_at(self, count: int) -> None:
        if count != self._woken_at:
            self._woken_at = count
            with contextlib.suppress(OSError):  # where there is no such thing, any byte wakes
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
