"""OAuth 2 without a provider: a token endpoint of our own, mailboxes that a token opens.

`endpoint` grants to everybody; with a `Provider` for its answer it rotates refresh tokens.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Iterator, List, Sequence

import pytest

from tests.mail.endpoint import Answer, Form, TokenEndpoint, granted, refused
from ttcli.config import MailboxSettings, OAuthSettings, Secret

ACCESS = "good-me@example.org-" + "zugang" * 40
FIRST = "erneuerung-1"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA and a certificate by it."""
    from tests.fix_dovecot import make_certificates  # pytest wants to load plugins itself

    folder = tmp_path_factory.mktemp("endpoint")
    make_certificates(folder)
    return folder


@pytest.fixture
def endpoint(home: Path) -> Iterator[TokenEndpoint]:
    """A running token endpoint."""
    with TokenEndpoint(home) as running:
        yield running


class Kept:
    """Rotations in memory: the tokens there are, and what came after."""

    def __init__(self, *tokens: str) -> None:
        self.tokens: Sequence[Secret] = [Secret(token) for token in tokens]
        self.kept: List[str] = []

    def turn(self, seconds: float) -> Any:
        """Ours at once."""
        return contextlib.nullcontext(self)

    def keep(self, token: Secret) -> None:
        """Noted."""
        self.kept.append(token.reveal())


def settings(home: Path, given: OAuthSettings, timeout: int = 5) -> MailboxSettings:
    """A mailbox that is opened by such a token."""
    return MailboxSettings(
        host="imap.example.org", port=993, username="me@example.org", password=Secret(""), tls=True,
        ca_file=home / "ca.pem", folder="INBOX", subject_filter="", timeout=timeout,
        auth="oauth2", oauth=given,
    )  # fmt: skip


class Provider:
    """Honours each refresh token once, and the last one until its successor was used."""

    def __init__(self) -> None:
        self.last = FIRST
        self.next = ""

    def __call__(self, form: Form) -> Answer:
        """One grant, with a new refresh token."""
        if form["grant_type"] == "client_credentials":
            return granted(ACCESS, scope="imap")
        if form["refresh_token"] == self.next:
            self.last = self.next
        elif form["refresh_token"] != self.last:
            return refused("invalid_grant", f"{form['refresh_token']} was used already")
        kind, number = self.last.split("-")
        self.next = f"{kind}-{int(number) + 1}"
        return granted(ACCESS, refresh_token=self.next, scope="imap offline")
