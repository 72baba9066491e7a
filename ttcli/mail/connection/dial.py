"""From host and port to a verified connection that has greeted; every wait has an end.

imaplib2's own way checks neither the certificate, unless told, nor ever the host's name, and
waits for ever in connect and handshake.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from concurrent.futures import Future
from typing import NamedTuple, Optional, Tuple, Union

from ttcli.config import MailboxSettings
from ttcli.errors import ConfigError, OutsideFault, Temporary
from ttcli.mail.connection import words
from ttcli.mail.connection.tls import TlsSocket
from ttcli.mail.connection.trust import trusting

_LONGEST_LINE = 8192


class Connection(NamedTuple):
    """An open socket, and the greeting line that came over it."""

    socket: Union[socket.socket, TlsSocket]
    greeting: bytes


def dial(settings: MailboxSettings) -> Connection:
    """Connects, with TLS from the start or by STARTTLS, and reads the greeting.

    Raises:
        Temporary: The server is unreachable, silent, or says BYE.
        ConfigError: Its certificate cannot be verified, or it offers no TLS at all.
    """
    where = f"{settings.host}:{settings.port}"
    connection: Optional[socket.socket] = None
    try:
        connection = reach((settings.host, settings.port), settings.timeout)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # commands are small
        if settings.tls:
            secured = _secure(connection, settings)
            return Connection(secured, _greeting(secured, settings))
        return _starttls(connection, settings)
    except OutsideFault:
        _close(connection)
        raise
    except (OSError, EOFError) as error:
        _close(connection)
        raise _fault(error, where) from error


def dialling(settings: MailboxSettings) -> Future[Connection]:
    """The same in a thread of its own: four round trips, in which the caller can import much.

    Nobody waits for it, as an executor's end would: who is stopped while a server is silent ends
    at once.
    """
    dialled: Future[Connection] = Future()
    threading.Thread(target=_dial_for, args=(dialled, settings), name="dial", daemon=True).start()
    return dialled


def _dial_for(dialled: Future[Connection], settings: MailboxSettings) -> None:
    try:
        dialled.set_result(dial(settings))
    except BaseException as error:
        dialled.set_exception(error)


def reach(address: Tuple[str, int], seconds: float) -> socket.socket:
    """Connects to the first address of a name that answers, all of them in the time of one.

    socket.create_connection would wait that long for each, and a name may have many dead ones.
    """
    end = time.monotonic() + seconds
    found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    for left in range(len(found), 0, -1):
        family, kind, protocol, _, place = found[-left]
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(max(0.001, (end - time.monotonic()) / left))
            connection.connect(place)
        except OSError as error:
            connection.close()
            last: OSError = error
        else:
            connection.settimeout(seconds)
            return connection
    raise last


def _close(connection: Optional[socket.socket]) -> None:
    if connection is not None:
        connection.close()


def _secure(connection: socket.socket, settings: MailboxSettings) -> TlsSocket:
    """TLS with the certificate's chain and host name checked."""
    context = trusting(settings.ca_file, "EMAIL_TLS_CA_FILE")
    return TlsSocket(connection, context, settings.host)


def _starttls(connection: socket.socket, settings: MailboxSettings) -> Connection:
    """STARTTLS (RFC 3501, 6.2.1), or plain text where that cannot leave this machine."""
    greeting = _greeting(connection, settings)
    if greeting.upper().startswith(b"* PREAUTH"):
        answer = b""  # too late for STARTTLS, and how an attacker would avoid it (RFC 8314)
    else:
        connection.sendall(b"T1 STARTTLS\r\n")
        answer = _tagged(connection, settings.timeout)
    if answer.upper().startswith(b"T1 OK"):
        # one byte was read at a time: nothing sent before the handshake is taken for secure
        # and what was offered before it is not believed after it (RFC 3501, 6.2.1)
        believed = re.sub(rb"\[CAPABILITY [^\]]*\] ?", b"", greeting, flags=re.I)
        return Connection(_secure(connection, settings), believed)
    if stays_here(settings.host):
        return Connection(connection, greeting)
    connection.close()
    raise ConfigError(
        f"{settings.host}:{settings.port} offers no STARTTLS, and a password is never sent over "
        "the network in plain text",
        "set EMAIL_USE_SSL=true and EMAIL_PORT=993",
    )


def stays_here(host: str) -> bool:
    """What is sent to this host does not leave this machine."""
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))


def _greeting(connection: Union[socket.socket, TlsSocket], settings: MailboxSettings) -> bytes:
    where = f"{settings.host}:{settings.port}"
    line = _line(connection, time.monotonic() + settings.timeout)
    if line.upper().startswith(b"* BYE"):
        raise words.refusal(f"{where} greets with BYE", line[5:])
    if not line.upper().startswith((b"* OK", b"* PREAUTH")):
        raise ConfigError(
            f"{where} does not speak IMAP: it greets with {words.readable(line)!r}",
            "check EMAIL_HOST and EMAIL_PORT",
        )
    return line


def _tagged(connection: socket.socket, timeout: int) -> bytes:
    """The tagged answer to our one command; what the server says before it is of no matter."""
    end = time.monotonic() + timeout
    while True:
        line = _line(connection, end)
        if line.startswith(b"T1 "):
            return line


def _line(connection: Union[socket.socket, TlsSocket], end: float) -> bytes:
    """One line, read byte by byte so that nothing of what follows is swallowed."""
    line = b""
    while not line.endswith(b"\n"):
        connection.settimeout(max(0.001, end - time.monotonic()))
        byte = connection.recv(1)
        if not byte:
            raise EOFError("the server closed the connection")
        line += byte
        if len(line) > _LONGEST_LINE:
            raise EOFError("the server sends no line ends")
    return line


def _fault(error: BaseException, where: str) -> OutsideFault:
    """What went wrong while connecting, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error, where)
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return ConfigError(
            f"{where} does not speak TLS", "set EMAIL_USE_SSL=false for STARTTLS, or EMAIL_PORT=993"
        )
    if isinstance(error, socket.gaierror):
        return Temporary(f"{where}: {error.strerror}", "check EMAIL_HOST and the name service")
    reason = "no answer in time" if isinstance(error, socket.timeout) else words.plain(error)
    return Temporary(
        f"{where} cannot be reached: {reason}",
        "is the server running, and are EMAIL_HOST, EMAIL_PORT and EMAIL_USE_SSL its own? "
        "The next run tries again",
    )


def _untrusted(error: ssl.SSLCertVerificationError, where: str) -> ConfigError:
    reason = error.verify_message or str(error)
    hint = "set EMAIL_TLS_CA_FILE to the CA certificate that signed the server's"
    if "ostname" in reason or "IP address" in reason:
        hint = "set EMAIL_HOST to the name in the server's certificate"
    elif "expired" in reason or "not yet valid" in reason:
        hint = "the server needs a new certificate; check this machine's clock, too"
    return ConfigError(f"{where}: its certificate cannot be trusted: {reason}", hint)
