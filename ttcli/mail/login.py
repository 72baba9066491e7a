"""Logging in: the password's way through quoting, mechanisms and refusals, and into no message."""

from __future__ import annotations

import re

from ttcli.config import MailboxSettings
from ttcli.errors import AccessDenied
from ttcli.mail import words
from ttcli.mail.client import Client, Refused

_QUOTABLE = re.compile(r"[\x20-\x7e]*\Z")


def login(client: Client, settings: MailboxSettings) -> None:
    """Logs in with user name and password.

    Raises:
        AccessDenied: The server does not let us in.
        Temporary: It does not want us now.
    """
    if client.state != "NONAUTH":
        return  # PREAUTH: a tunnel has logged in already
    try:
        if _QUOTABLE.match(settings.username + settings.password.reveal()):
            _by_login(client, settings)
        else:
            _by_plain(client, settings)
    except Refused as refused:
        words_of_it = refused.text
    else:
        client.state = "AUTH"
        return
    # outside of the except: a server may repeat the password, and no context shall keep it
    what = f"{settings.host} refuses the login of {settings.username}"
    raise words.denied(what, words_of_it, settings.password.reveal())


def _by_login(client: Client, settings: MailboxSettings) -> None:
    if "LOGINDISABLED" in client.capabilities:
        _by_plain(client, settings)
        return
    client.call("LOGIN", quoted(settings.username), quoted(settings.password.reveal()))


def _by_plain(client: Client, settings: MailboxSettings) -> None:
    """AUTHENTICATE PLAIN (RFC 4616): UTF-8, which LOGIN's quoted strings cannot carry."""
    if "AUTH=PLAIN" not in client.capabilities:
        raise AccessDenied(
            f"{settings.host} offers no login with a password",
            "ask its administrator; Microsoft 365 wants EMAIL_AUTH=oauth2",
        )
    name, password = settings.username, settings.password.reveal()
    client.authenticate_with("PLAIN", f"\0{name}\0{password}".encode())


def quoted(text: str) -> str:
    """A quoted string (RFC 3501, 4.3); imaplib2 quotes nothing, so a CR LF would be a command."""
    if not _QUOTABLE.match(text):
        raise ValueError("control characters and 8-bit text cannot be quoted")
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
