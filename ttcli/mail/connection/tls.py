"""TLS over a socket that is read in large pieces.

An SSLSocket asks the kernel twice for each record, and servers send records of 4 KB. Here as many
records as have arrived come with one call, and are deciphered out of memory.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Callable, Optional, Union, cast

_AT_ONCE = 256 << 10  # bytes asked of the kernel


class TlsSocket:
    """What is used of an SSLSocket, over a connected socket; the timeouts are the socket's own.

    Raises, from the handshake:
        ssl.SSLError: The certificate's chain or host name is wrong, or the other side speaks
            something else.
        OSError: The connection broke, or the handshake took longer than the socket's timeout.
    """

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = connection
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self._records = memoryview(bytearray(_AT_ONCE))
        self._unsent = b""
        try:
            self._shake_hands(connection.gettimeout() or 0.0)
        finally:
            with contextlib.suppress(OSError):  # an alert that says why; it helps who looks
                self._flush()

    def _shake_hands(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                left = end - time.monotonic()
                if left <= 0:
                    raise socket.timeout("the TLS handshake timed out") from None
                self._socket.settimeout(left)
                self._take_in()
            else:
                self._socket.settimeout(seconds)
                return

    def recv_into(self, room: Union[bytearray, memoryview]) -> int:
        """As much as has arrived; 0 at the end of the connection.

        Raises:
            BlockingIOError: Nothing has, where the socket does not wait.
        """
        view, have, size = memoryview(room), 0, len(room)
        read = cast("Callable[[int, memoryview], int]", self._tls.read)
        while have < size:
            try:
                count = read(size - have, view[have:])
            except ssl.SSLWantReadError:
                if have:
                    break
                self._flush()  # what TLS itself answers
                self._take_in()
            except ssl.SSLEOFError:
                break
            else:
                if not count:
                    break
                have += count
        return have

    def recv(self, most: int) -> bytes:
        """The same as bytes."""
        room = bytearray(most)
        return bytes(room[: self.recv_into(room)])

    def _take_in(self) -> None:
        count = self._socket.recv_into(self._records)
        if count:
            self._arrived.write(self._records[:count])
        else:
            self._arrived.write_eof()

    def send(self, rest: Union[bytes, memoryview]) -> int:
        """Takes all of it, and sends as much as the kernel takes; the next call goes on with that.

        Raises:
            BlockingIOError: Nothing was taken: what was taken before is still on its way.
        """
        self._flush()
        taken = self._tls.write(rest) if rest else 0
        with contextlib.suppress(BlockingIOError):
            self._flush()
        return taken

    def _flush(self) -> None:
        self._unsent += self._leaving.read()
        while self._unsent:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]

    def version(self) -> Optional[str]:
        """The protocol's version."""
        return self._tls.version()

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def settimeout(self, seconds: Optional[float]) -> None:
        """How long `recv` waits."""
        self._socket.settimeout(seconds)

    def setblocking(self, flag: bool) -> None:
        """Whether `recv` waits at all."""
        self._socket.setblocking(flag)

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """On the socket."""
        self._socket.setsockopt(level, option, value)

    def shutdown(self, how: int) -> None:
        """Ends the connection, for other threads as well."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


def wait_for(sock: Union[socket.socket, TlsSocket], event: int, seconds: float) -> bool:
    """Waits until it can be read or written; not by select(), which ends at 1024 files."""
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(max(0.0, seconds) * 1000))
