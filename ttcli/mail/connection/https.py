"""One HTTPS request and its answer, for token endpoints: verified, bounded in time and size.

Proxies are those of the environment (HTTPS_PROXY, NO_PROXY). Redirects are not followed: what is
sent here is secret. urllib's own timeout starts anew with every byte that arrives; here the whole
exchange has one.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Optional

import ttcli
from ttcli.errors import ConfigError, OutsideFault, Temporary
from ttcli.mail.connection import words
from ttcli.mail.connection.dial import reach, stays_here
from ttcli.mail.connection.trust import trusting

LONGEST = 256 << 10  # bytes of an answer; real ones have a few thousand


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def wait(self) -> float:
        """Seconds to wait before the next request, by Retry-After (RFC 9110, 10.2.3); or 0."""
        text = (self.headers.get("Retry-After") or "").strip()
        if text.isdigit():
            return float(text[:9])
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
        except (TypeError, ValueError, IndexError, OverflowError):
            return 0.0


def exchange(
    url: str, form: Optional[Mapping[str, str]], seconds: float, ca_file: Optional[Path] = None
) -> Answer:
    """Posts a form, or gets where there is none.

    Args:
        seconds: For all of it, from the connection on.
        ca_file: More CA certificates to trust beside the system's.

    Raises:
        Temporary: The server is unreachable, breaks off, or takes too long or says too much.
        ConfigError: Its certificate cannot be verified.
    """
    where = urllib.parse.urlsplit(url).hostname or ""
    encoded = urllib.parse.urlencode(form).encode() if form else None
    headers = {"Accept": "application/json", "User-Agent": f"ttcli/{ttcli.__version__}"}
    request = urllib.request.Request(url, encoded, headers)  # noqa: S310 - settings.py takes no file:
    cut = _Cut(seconds)
    try:
        with cut, _opener(cut, where, ca_file).open(request, timeout=seconds) as response:
            body = response.read(LONGEST + 1)
            answer = Answer(response.status, response.headers, body)
        fault = _incomplete(where, answer, cut, seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        fault = _late(where, seconds) if cut.fell else _fault(error, where)
    if fault:  # outside of any except: no context shall keep what was sent
        raise fault
    return answer


class _Cut:
    """Ends a connection that is still at work when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.fell = False
        self._connection: Optional[http.client.HTTPConnection] = None
        self._socket: Optional[socket.socket] = None
        self._timer = threading.Timer(seconds, self._fall)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def connecting(self, connection: http.client.HTTPConnection) -> None:
        """This connection is about to be opened; its socket may yet be a proxy's."""
        self._connection = connection

    def connected(self, sock: socket.socket) -> None:
        """This is the socket; urllib takes it away from the connection once the answer begins."""
        self._socket = sock
        if self.fell:
            self._fall()

    def _fall(self) -> None:
        self.fell = True
        for sock in (self._socket, getattr(self._connection, "sock", None)):
            if sock is not None:
                with contextlib.suppress(OSError):
                    # not SSLSocket's own, which lets the reader go on in plain text
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Plain(http.client.HTTPConnection):
    """A connection that a `_Cut` may end."""

    def __init__(self, host: str, cut: _Cut, **options: Any) -> None:
        super().__init__(host, **options)
        self._create_connection = lambda address, timeout, _: reach(address, timeout)
        self._cut = cut

    def connect(self) -> None:
        """Connects; from now on there is something to cut."""
        self._cut.connecting(self)
        super().connect()
        self._cut.connected(self.sock)


class _Secure(_Plain, http.client.HTTPSConnection):
    """The same with TLS."""


class _Http(urllib.request.HTTPHandler):
    def __init__(self, cut: _Cut) -> None:
        super().__init__()
        self._cut = cut

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Called by urllib."""
        return self.do_open(partial(_Plain, cut=self._cut), request)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, cut: _Cut, trusted: ssl.SSLContext) -> None:
        super().__init__()
        self._cut = cut
        self._trusted = trusted

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Called by urllib."""
        return self.do_open(partial(_Secure, cut=self._cut, context=self._trusted), request)


def _opener(cut: _Cut, host: str, ca_file: Optional[Path]) -> urllib.request.OpenerDirector:
    """Without the parts that follow redirects and raise for a status."""
    opener = urllib.request.OpenerDirector()
    # plain text to this machine must not leave it by way of a proxy
    opener.add_handler(urllib.request.ProxyHandler({} if stays_here(host) else None))
    opener.add_handler(_Http(cut))
    opener.add_handler(_Https(cut, trusting(ca_file, "EMAIL_TLS_CA_FILE", beside=True)))
    return opener


def _incomplete(where: str, answer: Answer, cut: _Cut, seconds: float) -> Optional[OutsideFault]:
    if cut.fell:
        return _late(where, seconds)
    if len(answer.body) > LONGEST:
        return Temporary(f"{where} answers more than {LONGEST} bytes", "the next run tries again")
    return None


def _late(where: str, seconds: float) -> Temporary:
    return Temporary(f"{where} took longer than {seconds:.0f} s", "the next run tries again")


def _fault(error: BaseException, where: str) -> OutsideFault:
    """What went wrong on the way, and what to do about it."""
    reason = getattr(error, "reason", None)
    cause = reason if isinstance(reason, BaseException) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ConfigError(
            f"{where}: its certificate cannot be trusted: {cause.verify_message or cause}",
            "check this machine's clock and CA certificates (ca-certificates); EMAIL_TLS_CA_FILE "
            "may name one more",
        )
    if isinstance(cause, socket.timeout):
        return Temporary(f"{where}: no answer in time", "the next run tries again")
    return Temporary(
        f"{where} cannot be reached: {words.plain(cause) or type(cause).__name__}",
        "check the network, and HTTPS_PROXY where a proxy leads out; the next run tries again",
    )
