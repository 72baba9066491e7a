"""OAuth 2 against Dovecot's own passdb and a token endpoint of the test's."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, Type

import pytest

from tests.fix_dovecot import Account, running_dovecot
from tests.mail.scripted import Scripted
from tests.mails import report_mail
from ttcli.config import MailboxSettings, Secret
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail.session import Session

LONG = "x" * 2000  # real tokens are longer than imaplib2's line of base64


class _Introspection(BaseHTTPRequestHandler):
    """Knows whose token `good-NAME-xxx…` is (RFC 7662)."""

    def do_GET(self) -> None:
        """Dovecot sends the token as its own authorisation."""
        token = self.headers.get("Authorization", "").replace("Bearer ", "")
        kind, _, rest = token.partition("-")
        known: Dict[str, Any] = {"active": kind == "good", "email": rest.split("-")[0]}
        body = json.dumps(known).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[int]:
    """The port of a running introspection endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Introspection) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


PASSDB = """
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = HOME/oauth2.conf
}
"""


@pytest.fixture(scope="module", params=["xoauth2", "oauthbearer", "xoauth2 oauthbearer"])
def account(request: pytest.FixtureRequest, endpoint: int) -> Iterator[Account]:
    """An account with a mail, on a server that takes tokens."""
    running = running_dovecot(request.param, PASSDB)
    (running.home / "oauth2.conf").write_text(
        f"introspection_mode = auth\nintrospection_url = http://127.0.0.1:{endpoint}/\n"
        "username_attribute = email\nactive_attribute = active\nactive_value = true\n",
        encoding="ascii",
    )
    with running as server:
        account = Account(server, "me@example.org")
        account.append(report_mail(b"x"))
        yield account
        account.close()


def command(tmp_path: Path, program: str) -> str:
    """A token command that runs this Python."""
    script = tmp_path / "token command.py"
    script.write_text(program, encoding="utf-8")
    return f"{sys.executable} -S '{script}' argument"


def settings(account: Account, tmp_path: Path, program: str) -> MailboxSettings:
    """OAuth 2 with the token that the program prints."""
    return account.settings(
        auth="oauth2", token_command=command(tmp_path, program), password=Secret("")
    )


def test_a_token_opens_the_mailbox(account: Account, tmp_path: Path) -> None:
    """XOAUTH2 or OAUTHBEARER, whatever the server offers, with a token of two kilobytes."""
    given = settings(account, tmp_path, f"print('good-me@example.org-{LONG}')")
    with Session(given) as session:
        assert len(list(session.new_mails(0))) == 1


@pytest.mark.parametrize("token", [f"bad-{LONG}", f"good-somebody@example.org-{LONG}"])
def test_a_refused_token_is_denied_and_told_nowhere(
    account: Account, tmp_path: Path, token: str
) -> None:
    """The server's JSON challenge is answered, its NO arrives, and the hint names scopes."""
    with pytest.raises(AccessDenied, match="scope") as caught:
        Session(settings(account, tmp_path, f"print('{token}')")).__enter__()

    assert "xxx" not in f"{caught.value}{caught.value.__context__!r}"


@pytest.mark.parametrize(
    ("program", "kind", "says"),
    [
        ("import sys; print('no net', file=sys.stderr); sys.exit(3)", Temporary, "code 3: no net"),
        ("import sys; sys.exit(77)", AccessDenied, "77"),
        ("print('two words')", ConfigError, "something else"),
        ("print()", ConfigError, "something else"),
        ("print('tök')", ConfigError, "something else"),
        ("import time; time.sleep(60)", Temporary, "longer than 1 s"),
        (f"import sys; sys.exit('token {LONG}')", Temporary, "token …"),
    ],
)
def test_a_token_command_that_fails_is_told(
    tmp_path: Path, program: str, kind: Type[OutsideFault], says: str
) -> None:
    """Its exit code and last line say whose turn it is; what it prints stays secret."""
    with Scripted({}) as server, pytest.raises(kind, match=says) as caught:
        given = server.settings(auth="oauth2", token_command=command(tmp_path, program))
        Session(given).__enter__()
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("line", ["/no/such/program", "'unclosed", " "])
def test_a_token_command_that_is_none_is_told(line: str) -> None:
    """A mistake in the settings, 78."""
    with Scripted({}) as server, pytest.raises(ConfigError, match="EMAIL_TOKEN_COMMAND"):
        Session(server.settings(auth="oauth2", token_command=line)).__enter__()


def test_a_server_without_tokens_says_so(tmp_path: Path) -> None:
    """EMAIL_AUTH=oauth2 against a server that knows passwords only."""
    with Scripted({}) as server, pytest.raises(AccessDenied, match="EMAIL_AUTH=password"):
        given = server.settings(auth="oauth2", token_command=command(tmp_path, "print('t')"))
        Session(given).__enter__()
