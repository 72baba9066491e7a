"""An IMAP server that says what a test wants it to say, right or wrong."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Union

from ttcli.config import MailboxSettings, Secret

Reply = Union[bytes, Callable[[bytes, "re.Match[bytes]"], Optional[bytes]]]
HANG_UP = b"HANG UP"
DRIP = b"DRIP"

ORDINARY: Dict[str, Reply] = {
    r"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK\r\n",
    r"LOGIN .*": b"TAG OK\r\n",
    r"STATUS .*": b"* STATUS INBOX (UIDVALIDITY 7 UIDNEXT 4)\r\nTAG OK\r\n",
    r"EXAMINE .*": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\nTAG OK [READ-ONLY]\r\n",
    r"UID SEARCH UID ([0-9,:*]+).*": b"* SEARCH 1 2 3\r\nTAG OK\r\n",
    r"NOOP": b"TAG OK\r\n",
    r"LOGOUT": b"* BYE bye\r\nTAG OK\r\n",
    r"STARTTLS": b"TAG BAD no\r\n",
}


class Scripted:
    """A server on a free port of this machine, plain text, any number of connections.

    Args:
        script: Pattern of a command (without tag, case ignored) → reply, tried before ORDINARY's;
            `TAG` in a reply stands for the command's tag, a reply that ends with HANG_UP for the
            end of the connection, one that ends with DRIP for a word that is no answer every
            moment without end, and None from a function for silence.
        greeting: The first line.
        drop: What comes again and again after DRIP.

    Attributes:
        heard: The commands, without their tags.
    """

    def __init__(
        self,
        script: Dict[str, Reply],
        greeting: bytes = b"* OK ready\r\n",
        drop: bytes = b"* OK wait\r\n",
    ) -> None:
        self._drop = drop
        self._script = {**script, **{k: v for k, v in ORDINARY.items() if k not in script}}
        self._greeting = greeting
        self.heard: List[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: List[socket.socket] = []
        self._threads = [threading.Thread(target=self._listen)]

    def __enter__(self) -> Scripted:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def settings(self, **overrides: Any) -> MailboxSettings:
        """What ttcli needs to talk to it; a short timeout, since silence is what it is good at."""
        settings = MailboxSettings(
            host="localhost",
            port=self._listener.getsockname()[1],
            username="me",
            password=Secret("geheim"),
            tls=False,
            ca_file=None,
            folder="INBOX",
            subject_filter="",
            timeout=1,
        )
        return settings._replace(**overrides)

    def say(self, text: bytes) -> None:
        """Something out of turn, over the last connection."""
        self._connections[-1].sendall(text)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._send(connection, self._greeting)
            for line in connection.makefile("rb"):
                if not self._answer(connection, line.rstrip(b"\r\n")):
                    break
        except OSError:
            pass
        finally:
            connection.close()

    def _answer(self, connection: socket.socket, line: bytes) -> bool:
        tag, _, command = line.partition(b" ")
        self.heard.append(command.decode("latin-1"))
        for pattern, reply in self._script.items():
            match = re.fullmatch(pattern.encode(), command, re.I)
            if match:
                text = reply if isinstance(reply, bytes) else reply(command, match)
                return text is None or self._send(connection, text.replace(b"TAG", tag))
        return self._send(connection, tag + b" BAD what?\r\n")

    def _send(self, connection: socket.socket, text: bytes) -> bool:
        if text.endswith(DRIP):
            connection.sendall(text[: -len(DRIP)])
            while True:  # until somebody closes the connection, which raises
                connection.sendall(self._drop)
                time.sleep(0.05)
        stays = not text.endswith(HANG_UP)
        connection.sendall(text if stays else text[: -len(HANG_UP)])
        return stays


def literal(content: bytes) -> bytes:
    """A literal string."""
    return b"{%d}\r\n" % len(content) + content


HEAD = b"Subject: Track and Trace\r\n\r\n"
STRUCTURE = b'("APPLICATION" "X" ("NAME" "a.xlsx") NIL NIL "7BIT" 3)'


def look(uid: int, structure: bytes = STRUCTURE, head: bytes = HEAD, seq: int = 0) -> bytes:
    """The answer to a look at one mail whose only part is three bytes long."""
    answer = b'* %d FETCH (UID %d INTERNALDATE "01-Sep-2026 10:00:00 +0200" ' % (seq or uid, uid)
    answer += b"RFC822.SIZE 99 BODY[HEADER.FIELDS (SUBJECT)] " + literal(head)
    return answer + b" BODYSTRUCTURE " + structure + b")\r\n"


def parts(uid: int, content: bytes, seq: int = 0) -> bytes:
    """The answer to a FETCH of header and first part."""
    head = b"* %d FETCH (UID %d BODY[HEADER] " % (seq or uid, uid) + literal(HEAD)
    return head + b" BODY[1] " + literal(content) + b")\r\n"


def whole(uid: int, content: bytes) -> bytes:
    """The answer to a FETCH of everything."""
    head = b'* %d FETCH (UID %d INTERNALDATE "01-Sep-2026 10:00:00 +0200" BODY[] ' % (uid, uid)
    raw = HEAD[:-2] + b"Content-Type: application/x; name=w.xlsx\r\n\r\n" + content
    return head + literal(raw) + b")\r\n"
