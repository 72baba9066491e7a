"""What bench/fetching.py measures against: large mailboxes of Dovecot, and a slow line to it."""

from __future__ import annotations

import base64
import contextlib
import os
import random
import select
import shutil
import socket
import threading
import time
from collections import deque
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Deque, List, Tuple

from tests.fix_dovecot import Dovecot
from tests.mails import zipped

NOON = datetime(2026, 8, 22, 12, 0, tzinfo=timezone.utc)
HEAD = (
    "From: Reports <reports@forwarder.example>\r\nTo: inbox@importer.example\r\n"
    "Subject: {subject}\r\nDate: {date}\r\nMessage-ID: <{number}@forwarder.example>\r\n"
    "MIME-Version: 1.0\r\n"
)
MIXED = 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
TEXT = "Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
FILE = (
    "--b\r\nContent-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    'Content-Disposition: attachment; filename="report {number}.xlsx"\r\n\r\n'
)


def workbook(size: int, chance: random.Random) -> bytes:
    """A package that is a workbook from outside, and cannot be compressed further."""
    noise = chance.getrandbits(8 * size).to_bytes(size, "little")
    files = {"[Content_Types]__xml": b"<Types/>", "xl/workbook__xml": b"<workbook/>"}
    return zipped(**files, **{"xl/worksheets/sheet1__xml": noise})


def fill(server: Dovecot, user: str, mails: int, sizes: List[int]) -> None:
    """A Maildir of `mails` mails, and among them, evenly, one report of each size.

    Named, and where they are, as Dovecot's own delivery leaves them. In another way it would look
    for each at a wrong place first, and then, in every session, list the whole folder: 0.6 s here.
    """
    chance = random.Random(7)
    folder = server.home / "mail" / user
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    step = max(1, mails // max(1, len(sizes)))
    waiting = deque(sizes)
    for number in range(mails):
        report = waiting and number % step == step - 1
        raw = _report(number, waiting.popleft(), chance) if report else _lunch(number, chance)
        sizes = f"S={len(raw)},W={len(raw)}"  # as it is, and with CRLF, which it has
        name = f"{1700000000 + number}.M{chance.randrange(10**6)}P{4000 + number}.host,{sizes}"
        (folder / "new" / name).write_bytes(raw)
    if os.geteuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, server.user, server.group)


def _head(number: int, subject: str) -> str:
    date = format_datetime(NOON + timedelta(seconds=number))
    return HEAD.format(subject=subject, date=date, number=number)


def _lunch(number: int, chance: random.Random) -> bytes:
    text = f"{chance.random()} lorem ipsum dolor sit amet\r\n" * chance.randint(20, 160)
    return (_head(number, "Lunch") + TEXT.format(text=text)).encode()


def _report(number: int, size: int, chance: random.Random) -> bytes:
    head = _head(number, "Track and Trace report") + MIXED + TEXT.format(text="see attached")
    body = base64.encodebytes(workbook(size, chance)).replace(b"\n", b"\r\n")
    return (head + FILE.format(number=number)).encode() + body + b"--b--\r\n"


class Line:
    """A line to the server on which every byte takes `delay` seconds each way.

    Attributes:
        turns: How often the client said something after the server had: round trips.
        after_login: The same since the first byte that the client sent after its login.
    """

    def __init__(self, backend: int, delay: float) -> None:
        self._backend, self._delay = backend, delay
        self.turns = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._over = False
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Line:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._listener.close()

    def _listen(self) -> None:
        while not self._over:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Both directions in one thread: bytes wait in a queue until their time has come."""
        time.sleep(2 * self._delay)  # TCP's own handshake
        self.turns += 1
        server = socket.create_connection(("127.0.0.1", self._backend))
        ends = {client: server, server: client}
        queues: dict[socket.socket, Deque[Tuple[float, bytes]]] = {client: deque(), server: deque()}
        heard = [False]  # whether the server was the last to speak
        for each in ends:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), client, server:
            while self._turn(ends, queues, server, heard):
                pass
            for target, queue in queues.items():
                with contextlib.suppress(OSError):  # one of the two has gone
                    target.sendall(b"".join(data for _, data in queue))

    def _turn(self, ends, queues, server, heard) -> bool:  # type: ignore[no-untyped-def]
        now = time.monotonic()
        due = [queue[0][0] for queue in queues.values() if queue]
        wait = max(0.0, min(due) - now) if due else 0.5
        readable, _, _ = select.select(list(ends), [], [], wait)
        for source in readable:
            data = source.recv(1 << 20)
            if not data:
                return False
            if source is server:
                heard[0] = True
            elif heard[0] or not self.turns:
                heard[0] = False
                self.turns += 1
            queues[ends[source]].append((time.monotonic() + self._delay, data))
        now = time.monotonic()
        for target, queue in queues.items():
            while queue and queue[0][0] <= now:
                target.sendall(queue.popleft()[1])
        return True
