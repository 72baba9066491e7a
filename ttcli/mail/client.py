"""imaplib2 with a reader that is fast, ends at once with the connection, and waits no longer
than allowed; the only module that imports imaplib2.

Of imaplib2 3.5 (which Debian packages as 2.57) and 3.6 this relies on `_command`, `_reader`,
`_put_response`, `_append_untagged`, `_release_state_change` and the three threads; both behave
the same.
"""

from __future__ import annotations

import collections
import contextlib
import queue
import re
import select
import socket
import sys
import threading
import time
import warnings
from typing import Any, Deque, Iterator, List, Optional, Union

from ttcli.mail.challenged import Challenged
from ttcli.mail.dial import Connection
from ttcli.mail.receiving import Receiver
from ttcli.mail.tls import wait_for
from ttcli.mail.wire import Answer, Fetched, Splitter

with warnings.catch_warnings():
    # its module ends in a demo with invalid escapes: a SyntaxWarning from Python 3.12 on
    warnings.simplefilter("ignore")
    import imaplib2


class _Clock:
    """The time, as imaplib2 asks for it; its handler sleeps before its first word, we do not."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        """The greeting waits in `_reader` until it is wanted, so there is nothing to wait for."""


sys.modules[imaplib2.IMAP4.__module__].time = _Clock()  # type: ignore[attr-defined]

SLOWEST_LINK = 16384  # bytes a second that a transfer may not fall below
_KEPT = 8 << 20  # bytes; more than most literals have


class Refused(Exception):
    """The server answered NO or BAD, which is `kind`; `text` is what it said."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Lost(Exception):
    """The connection ended, broke or fell silent; nothing more will come over it."""


class Client(imaplib2.IMAP4):  # type: ignore[misc]
    """One IMAP connection."""

    def __init__(self, connection: Connection, host: str, timeout: int) -> None:
        # What FETCH brought: a short answer as it is, any other as the list of its pieces, which
        # are tuples of text and literal, and a text at the end. One thread adds, another takes.
        self._answers: Deque[Answer] = collections.deque()
        self.Terminate = False
        self._connection = connection
        self._tls = threading.Lock()  # OpenSSL does not allow reading and writing at once
        self._arriving = Receiver(connection.socket, self._tls)
        self._arriving.until = time.monotonic() + timeout
        self._wanted = threading.Event()  # somebody waits for the greeting
        self.timeout = timeout
        # From here on glibc keeps what is freed, up to twice as much (mallopt(3), "dynamic"). It
        # would give each literal's memory back, and a tenth of the CPU went into the next one's.
        bytes(_KEPT)
        connection.socket.setblocking(False)
        try:
            super().__init__(host, timeout=timeout)
        except imaplib2.IMAP4.error as error:
            raise self._lost(error) from None
        self._arriving.until = 0.0

    # what imaplib2 calls

    def open(self, host: Optional[str] = None, port: Optional[int] = None) -> None:
        """The connection stands already."""
        self.host, self.port = host or "", port or 0
        # imaplib2 never sees the end of a command that is answered by a bare "OK"
        self.tagre = re.compile(rb"(?P<tag>%s\d+) (?P<type>[A-Z]+) ?(?P<data>.*)" % self.tagpre)
        self.sock = self._connection.socket
        self.read_fd = self.sock.fileno()

    def _request_push(self, *arguments: Any, **named: Any) -> Any:
        request = super()._request_push(*arguments, **named)
        self._wanted.set()
        return request

    def _get_capabilities(self) -> None:
        """What the greeting says already needs no round trip (RFC 3501, 7.2.1)."""
        told = re.search(rb"\[CAPABILITY ([^\]]+)\]", self._connection.greeting.upper())
        if told:
            self.capabilities = tuple(told[1].decode("latin-1").split())
        else:
            super()._get_capabilities()

    def send(self, data: bytes) -> None:
        """Sends all of it, in the time of one timeout."""
        end = time.monotonic() + self.timeout
        rest, done = memoryview(data), False
        while not done:
            try:
                with self._tls:
                    done = not rest  # the last call, of nothing, sends what TLS still holds
                    rest = rest[self.sock.send(rest) :]
            except BlockingIOError:
                done = False
                wait_for(self.sock, select.POLLOUT, end - time.monotonic())
                if time.monotonic() > end:
                    raise TimeoutError("the server takes nothing") from None
            except ConnectionError:
                return  # the reader meets the end, too, behind the server's last words

    def _mesg(self, *_: Any) -> None:
        """imaplib2 would write its last commands to stderr when a connection breaks."""

    def shutdown(self) -> None:
        """Closes the socket, whatever state it is in."""
        with contextlib.suppress(OSError):  # the other side was faster
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def _reader(self) -> None:
        """The reader thread: everything that arrives goes to the handler's queue, in order."""
        splitter = Splitter()
        try:
            self._wanted.wait(self.timeout)
            self.inq.put(self._connection.greeting)
            while not self.Terminate:
                count = self._arriving.receive(splitter.room(), splitter.worth_waiting())
                for piece in splitter.arrived(count):
                    self.inq.put(piece)
        except Exception as error:
            self.inq.put((self.abort, str(error) or type(error).__name__))

    def _put_response(self, resp: bytes) -> None:
        """FETCH answers need no more looking into."""
        if isinstance(resp, Fetched):
            self._answers.extend(resp.answers)
        else:
            super()._put_response(resp)

    def _append_untagged(self, typ: str, dat: Any) -> None:
        """Those without a literal, too: imaplib2 formats each one for its log, off or on."""
        if typ == "FETCH":
            self._answers.append([dat])
        else:
            super()._append_untagged(typ, dat)

    # what the session calls

    def arrived(self) -> Iterator[Answer]:
        """The FETCH answers that nobody has taken yet."""
        self._arriving.taken()
        while self._answers:
            yield self._answers.popleft()

    def start(self, name: str, *arguments: Union[str, bytes]) -> Any:
        """Sends a command without waiting for its end; `finish` waits."""
        try:
            return self._command(name, *arguments)
        except imaplib2.IMAP4.error as error:
            self._release_state_change()
            raise self._lost(error) from None

    def finish(self, request: Any, seconds: float = 0) -> bytes:
        """Waits for a command's end; returns the text of its OK.

        Args:
            seconds: How long it may take, however much keeps coming; by default one timeout.

        Raises:
            Refused: NO or BAD.
            Lost: The connection is of no more use.
        """
        self._arriving.until = time.monotonic() + (seconds or self.timeout)
        try:
            kind, text = request.get_response("%s")
        except imaplib2.IMAP4.error as error:
            raise self._lost(error) from None
        finally:
            self._arriving.until = 0.0
            self._release_state_change()
        words = text[-1] or b""
        if kind != "OK":
            raise Refused(kind, words.decode("utf-8", "replace"))
        return bytes(words)

    def _lost(self, error: Exception) -> Lost:
        """imaplib2 says only "connection terminated" when the server said BYE and why."""
        bye = self._get_untagged_response("BYE", leave=True)
        return Lost(bye[-1].decode("utf-8", "replace") if bye else str(error))

    def call(self, name: str, *arguments: Union[str, bytes], seconds: float = 0) -> bytes:
        """Sends a command and waits for its end."""
        # AUTHENTICATE waits in `start` already
        self._arriving.until = time.monotonic() + (seconds or self.timeout)
        return self.finish(self.start(name, *arguments), seconds)

    def open_folder(self, name: str, readonly: bool, *along: str) -> Any:
        """Opens a folder; what it says of itself is in `untagged`.

        Args:
            along: A command that is sent without waiting whether it opens, and then started.
        """
        self.is_readonly = readonly
        opening = self.start("EXAMINE" if readonly else "SELECT", name)
        self._release_state_change()  # imaplib2 would have the other command wait
        self.state = "SELECTED"
        started = self.start(*along) if along else None
        try:
            self.finish(opening)
        except Refused:
            self.state = "AUTH"
            if started:
                with contextlib.suppress(Refused, Lost):
                    self.finish(started)
            raise
        return started

    def authenticate_with(self, mechanism: str, first: bytes, seconds: float = 0) -> None:
        """AUTHENTICATE with one answer; to every further challenge the answer is an empty one.

        A refused OAuth 2 token brings a challenge that says why, and only an empty answer brings
        the NO (RFC 7628, 3.2.3).
        """
        answers = Challenged(first)
        self.literal = answers.next
        try:
            self.call("AUTHENTICATE", mechanism, seconds=seconds)
        except Refused as refused:
            raise Refused(refused.kind, f"{refused.text} {answers.challenge}".strip()) from None

    def wait_idle(self, seconds: float) -> None:
        """IDLE; ends with the first word that is more than a sign of life, or after that time."""
        self._arriving.until = time.monotonic() + seconds + 2 * self.timeout
        try:
            # whole seconds: imaplib2 complains of a float on stderr and takes 29 minutes
            kind, text = self.idle(max(1, int(seconds)))
        except imaplib2.IMAP4.abort as error:
            raise self._lost(error) from None
        except imaplib2.IMAP4.error as error:
            raise Refused("BAD", str(error)) from None
        finally:
            self._arriving.until = 0.0
        if kind != "OK":
            raise Refused(kind, str(text))

    def untagged(self, name: str) -> List[Any]:
        """The untagged responses of a name that came since it was last asked for."""
        found: List[Any] = []
        while True:
            more = self._get_untagged_response(name)
            if not more:
                return found
            found += more

    def hang_up(self, politely: bool) -> None:
        """Ends the connection and its threads; LOGOUT first where it is in order."""
        if politely and not self.Terminate and not self.tagged_commands:
            # all that mattered was said before: the answer is not worth a round trip
            with contextlib.suppress(OSError):
                self.send(b"%s0 LOGOUT\r\n" % self.tagpre)
        self.Terminate = True
        with contextlib.suppress(OSError):  # the other side was faster
            self.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(queue.Full):  # a busy writer meets the closed socket
            self.ouq.put_nowait(None)
        for thread in (self.rdth, self.inth, self.wrth):
            thread.join(self.timeout)
        self.sock.close()
