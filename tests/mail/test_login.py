"""OAuth 2 against Dovecot's own passdb and a token endpoint of the test's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator, Type

import pytest

from tests.fix_dovecot import Account
from tests.mail.scripted import Scripted
from tests.mail.token_dovecot import token_account
from tests.mails import report_mail
from ttcli.config import MailboxSettings, Secret
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail.session import Session

LONG = "x" * 2000  # real tokens are longer than imaplib2's line of base64


@pytest.fixture(scope="module", params=["xoauth2", "oauthbearer", "xoauth2 oauthbearer"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """An account with a mail, on a server that takes tokens."""
    with token_account(request.param) as account:
        account.append(report_mail(b"x"))
        yield account


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
