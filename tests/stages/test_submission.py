"""answer and check: submission to a mail server over TLS, with a login."""

from __future__ import annotations

import socketserver
import ssl
import threading
from base64 import b64decode
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.fix_dovecot import make_certificates
from tests.fix_world import World
from tests.stages.test_answer import Outbox, log_of, outbox, send

__all__ = ["outbox"]  # a fixture


class _Submission(socketserver.StreamRequestHandler):
    """Just enough of RFC 6409 behind TLS, for who logs in; `password` is the right one."""

    server: Any

    def handle(self) -> None:
        """One conversation; STARTTLS turns it into a secret one."""
        if self.server.at_once and not self._secret():
            return
        self._say("220 here")
        for raw in iter(self._line, b""):
            words = raw.decode().split()
            self.server.said.append((self.connection.__class__.__name__, words[0].upper()))
            if words[0].upper() == "STARTTLS":
                self._say("220 go on")
                if not self._secret():
                    return
            elif words[0].upper() == "AUTH":
                right = b64decode(words[2]) == f"\0answers\0{self.server.password}".encode()
                self._say("235 welcome" if right else "535 who are you")
            elif words[0].lower() == "ehlo":
                self.wfile.write(b"250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
            elif words[0].lower() == "data":
                self._say("354 go on")
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self._say("250 taken")
            elif words[0].lower() == "quit":
                self._say("221 bye")
                return
            else:
                self.server.senders += words[1:] if words[0].lower() == "mail" else []
                self._say("250 fine")

    def _line(self) -> bytes:
        return self.rfile.readline()  # of the file that there is now: STARTTLS changes it

    def finish(self) -> None:
        """Closes the secret connection; the server knows of the bare one only."""
        super().finish()
        self.connection.close()

    def _secret(self) -> bool:
        try:
            self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        except OSError:  # who does not trust the certificate hangs up
            return False
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


PASSWORD = "s3cret of answers"


@pytest.fixture(params=["tls", "starttls"])
def submission(
    request: pytest.FixtureRequest, world: World, outbox: Outbox, tmp_path: Path
) -> Iterator[Any]:
    """A local submission server: TLS, a certificate of its own CA, a login. And its settings."""
    make_certificates(tmp_path)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Submission) as plain:
        server: Any = plain
        server.daemon_threads, server.at_once = True, request.param == "tls"
        server.said, server.mails, server.senders, server.password = [], [], [], PASSWORD
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        world.environ.update(
            REPLY_SMTP_HOST="localhost", REPLY_SMTP_PORT=str(server.server_address[1]),
            REPLY_SMTP_SECURITY=request.param, REPLY_SMTP_USERNAME="answers",
            REPLY_SMTP_PASSWORD=PASSWORD, REPLY_SMTP_CA_FILE=str(tmp_path / "ca.pem"),
        )  # fmt: skip
        yield server
        server.shutdown()


def test_an_answer_goes_over_tls_with_a_login(world: World, submission: Any) -> None:
    """Name, password and mail are said over TLS alone, and from the address that may send."""
    send(world)

    world.ttcli("run")

    assert log_of(world) == ["sending", "sent"]
    assert b"Auto-Submitted: auto-replied" in submission.mails[0]
    assert submission.senders[0].upper() == "FROM:<TRACKING@IMPORTER.EXAMPLE>"
    bare = {verb for kind, verb in submission.said if kind != "SSLSocket"}
    assert bare <= {"EHLO", "STARTTLS"}


def test_check_goes_the_way_of_answers_up_to_the_login(world: World, submission: Any) -> None:
    """It names the way, and each thing that is wrong with it; no mail is sent."""
    right = world.ttcli("check").stdout
    submission.password = "another"
    refused = world.ttcli("check", code=77)
    distrusted = world.ttcli("check", code=78, REPLY_SMTP_CA_FILE="")
    damaged = world.ttcli("check", code=78, REPLY_SMTP_CA_FILE=__file__)
    away = world.ttcli("check", code=75, REPLY_SMTP_PORT="1")
    unset = world.ttcli("check", code=78, REPLY_FROM="")

    assert f"ok    answers: localhost:{submission.server_address[1]}" in right
    assert "as answers, to @forwarder.example" in right
    assert "refuses the login" in refused.stdout
    assert "REPLY_SMTP_CA_FILE names" in distrusted.stdout
    assert f"REPLY_SMTP_CA_FILE={__file__} cannot be used" in damaged.stdout
    assert "FAIL  answers: SMTP server localhost:1" in away.stdout
    assert "REPLY_FROM is not set" in unset.stdout
    assert PASSWORD not in refused.stdout + refused.stderr
    assert submission.mails == []
