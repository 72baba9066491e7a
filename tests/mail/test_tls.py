"""The TLS socket against OpenSSL's own server: bytes arrive once and in order, an end is told."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from tests.fix_dovecot import make_certificates
from ttcli.mail.connection.tls import TlsSocket
from ttcli.mail.connection.trust import trusting

LARGE = bytes(range(256)) * 20_000


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, and by it a server's certificate."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@contextlib.contextmanager
def served(folder: Path, serve: Callable[[ssl.SSLSocket], None]) -> Iterator[socket.socket]:
    """A connection to a server that does this with the one client it has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")

    def run() -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            with client, context.wrap_socket(client, server_side=True) as secured:
                serve(secured)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        connection = socket.create_connection(listener.getsockname(), 10)
        with connection:
            yield connection
        thread.join(10)


def context_of(folder: Path) -> ssl.SSLContext:
    """One that trusts the CA."""
    return trusting(folder / "ca.pem", "EMAIL_TLS_CA_FILE")


def everything(client: TlsSocket) -> bytes:
    """All bytes up to the end of the connection, by a socket that does not wait."""
    client.setblocking(False)
    room, found = bytearray(100_000), b""
    while True:
        try:
            count = client.recv_into(room)
        except BlockingIOError:
            select.select([client], [], [], 10)
            continue
        if not count:
            return found
        found += room[:count]


@pytest.mark.parametrize("polite", [True, False])
def test_what_is_sent_arrives_to_its_end(certificates: Path, polite: bool) -> None:
    """The end is told as one, with or without TLS's own goodbye."""

    def serve(client: ssl.SSLSocket) -> None:
        client.sendall(LARGE)
        if polite:
            with contextlib.suppress(OSError):
                client.unwrap()

    with served(certificates, serve) as connection:
        client = TlsSocket(connection, context_of(certificates), "localhost")
        assert str(client.version()).startswith("TLSv1.")
        assert everything(client) == LARGE


def test_what_the_kernel_does_not_take_goes_later(certificates: Path) -> None:
    """A server that reads late: every byte once, in order, though calls were refused between."""
    refused, heard = 0, bytearray()
    reading, through = threading.Event(), threading.Event()

    def serve(client: ssl.SSLSocket) -> None:
        reading.wait(10)
        while len(heard) < 2 * len(LARGE):
            heard.extend(client.recv(1 << 16) or b"!" * len(LARGE))
        through.set()

    with served(certificates, serve) as connection:
        client = TlsSocket(connection, context_of(certificates), "localhost")
        client.setblocking(False)
        left: List[bytes] = [LARGE, LARGE, b""]
        while left:
            try:
                taken = client.send(left[0])
                assert taken == len(left[0])
                left.pop(0)
            except BlockingIOError:
                refused += 1
                reading.set()
                select.select([], [client], [], 10)
        assert through.wait(10)
    assert refused > 0
    assert bytes(heard) == LARGE * 2


def test_another_name_or_ca_is_refused(certificates: Path) -> None:
    """Before a byte is said."""
    for context, name in (
        (context_of(certificates), "elsewhere.example"),
        (ssl.create_default_context(), "localhost"),
    ):
        connected = served(certificates, lambda client: None)
        with connected as connection, pytest.raises(ssl.SSLCertVerificationError):
            TlsSocket(connection, context, name)


def test_a_silent_server_is_waited_for_no_longer_than_allowed() -> None:
    """Also one that sends a byte now and then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = socket.create_connection(listener.getsockname(), 10)
        with connection, listener.accept()[0]:
            connection.settimeout(0.3)
            with pytest.raises(socket.timeout):
                TlsSocket(connection, ssl.create_default_context(), "localhost")
