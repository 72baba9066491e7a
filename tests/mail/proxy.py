"""A proxy between ttcli and Dovecot that spoils what the server says at one exact byte, once."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Tuple

# What is left of the data, and what happens to the connection: "", "close", "reset" or "stall".
Spoilt = Tuple[bytes, str]
Fault = Callable[[bytes], Spoilt]


def _literal_size(change: Callable[[int], bytes]) -> Fault:
    """Changes the next literal's announcement; without one in these bytes the connection ends."""

    def fault(data: bytes) -> Spoilt:
        found = re.search(rb"\{(\d+)\}\r\n", data)
        if not found:
            return b"", "close"
        number = b"{" + change(int(found[1])) + b"}\r\n"
        return data[: found.start()] + number + data[found.end() :], ""

    return fault


def _flip(data: bytes) -> Spoilt:
    return bytes([data[0] ^ 1]) + data[1:], ""


FAULTS = {
    "cut": lambda data: (b"", "close"),
    "reset": lambda data: (b"", "reset"),
    "stall": lambda data: (b"", "stall"),
    "bye": lambda data: (b"\r\n* BYE Connection closed. 14\r\n", "close"),
    "no": lambda data: (b"\r\n* NO [THROTTLED] slow down\r\n", "close"),
    "garbage": lambda data: (b'\r\n%% lorem {{ ( " ipsum\r\n' + data, ""),
    "expunge": lambda data: (b"\r\n* 1 EXPUNGE\r\n" + data, ""),
    "nothing": lambda data: (data[100:], ""),
    "longer": _literal_size(lambda size: b"%d" % (size + 7)),
    "shorter": _literal_size(lambda size: b"%d" % max(0, size - 7)),
    "huge": _literal_size(lambda size: b"9" * 30),
    "sizeless": _literal_size(lambda size: b"%dx" % size),
    "flip": _flip,
}


class Proxy:
    """TLS towards ttcli with the server's own certificate, plain text towards Dovecot.

    Args:
        fault: One of FAULTS; None only counts.
        at: The byte of the server's words, counted from the greeting, where it strikes.

    Attributes:
        passed: Bytes that the server has sent so far, on the connection that sent most.
        struck: Whether the fault has happened; it happens once.
    """

    def __init__(self, home: Path, backend: int, fault: Optional[str] = None, at: int = 0) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(str(home / "server.pem"), str(home / "server.key"))
        self._backend = backend
        self._fault = fault
        self._at = at
        self.passed = 0
        self.struck = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._threads: List[threading.Thread] = [threading.Thread(target=self._listen)]

    def __enter__(self) -> Proxy:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            readable, _, _ = select.select([self._listener], [], [], 0.05)
            if readable:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(5)
        with raw, contextlib.suppress(OSError), socket.create_connection(
            ("127.0.0.1", self._backend)
        ) as server, self._context.wrap_socket(raw, server_side=True) as client:
            end = self._pump(client, server)
            if end == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if end == "stall":
                self._over.wait()

    def _pump(self, client: ssl.SSLSocket, server: socket.socket) -> str:
        passed = 0
        for source, data in self._words(client, server):
            if source is client:
                server.sendall(data)
                continue
            spoilt, end = self._spoil(data, passed)
            passed += len(data)
            self.passed = max(self.passed, passed)
            client.sendall(spoilt)
            if end:
                return end
        return ""

    def _spoil(self, data: bytes, before: int) -> Spoilt:
        if not self._fault or self.struck or before + len(data) <= self._at:
            return data, ""
        self.struck = True
        good, rest = data[: self._at - before], data[self._at - before :]
        spoilt, end = FAULTS[self._fault](rest)
        return good + spoilt, end

    def _words(
        self, client: ssl.SSLSocket, server: socket.socket
    ) -> Iterator[Tuple[socket.socket, bytes]]:
        while not self._over.is_set():
            readable, _, _ = select.select([client, server], [], [], 0.05)
            for source in readable:
                data = source.recv(65536)
                if not data:
                    return
                yield source, data
