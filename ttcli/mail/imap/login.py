"""Logging in: the secret's way through quoting, mechanisms and refusals, and into no message."""

from __future__ import annotations

import re
from typing import Optional

from ttcli.config import MailboxSettings, Secret
from ttcli.errors import AccessDenied
from ttcli.mail.connection import words
from ttcli.mail.imap.client import Client, Refused
from ttcli.mail.oauth.access import Access, Rotations
from ttcli.mail.oauth.token import access_token

_QUOTABLE = re.compile(r"[\x20-\x7e]*\Z")
_FIX = (
    "check EMAIL_USERNAME and EMAIL_PASSWORD; Gmail wants an app password, "
    "Microsoft 365 wants EMAIL_AUTH=oauth2"
)
_FIX_OAUTH = (
    "check that the token is for the mailbox in EMAIL_USERNAME and has the scope "
    "https://mail.google.com/ (Gmail) or https://outlook.office.com/IMAP.AccessAsUser.All "
    "(Microsoft 365)"
)


def login(
    client: Client, settings: MailboxSettings, rotations: Optional[Rotations] = None
) -> Optional[Access]:
    """Logs in with user name and password, or with an OAuth 2 token, which it returns.

    Raises:
        AccessDenied: The server does not let us in.
        ConfigError: There is no token to be had.
        Temporary: The server does not want us now.
    """
    if client.state != "NONAUTH":
        return None  # PREAUTH: a tunnel has logged in already
    access = access_token(settings, rotations) if settings.auth == "oauth2" else None
    secret = access.token if access else settings.password
    refused = _refused(client, settings, secret)
    if refused is None:
        client.state = "AUTH"
        return access
    # outside of any except: a server may repeat the secret, and no context shall keep it
    what = f"{settings.host} refuses the login of {settings.username}"
    hint = _fix(access) if access else _FIX
    raise words.denied(what, refused, secret.reveal(), hint)


def _fix(access: Access) -> str:
    """A token is right for the provider and still not for the mailbox: whose right is missing."""
    if access.flow == "client credentials" or access.flow == "key":
        return (
            "the token is valid, but not for this mailbox: Microsoft 365 wants the application's "
            "service principal in Exchange Online and its right to the mailbox, Google the service "
            "account's domain-wide delegation; see docs/oauth2.md"
        )
    return _FIX_OAUTH


def _refused(client: Client, settings: MailboxSettings, secret: Secret) -> Optional[str]:
    """The server's words where it refuses; None once it has let us in."""
    try:
        if settings.auth == "oauth2":
            _by_token(client, settings, secret.reveal())
        elif _QUOTABLE.match(settings.username + secret.reveal()):
            _by_login(client, settings, secret.reveal())
        else:
            _by_plain(client, settings, secret.reveal())
    except Refused as refused:
        return refused.text
    return None


def _by_login(client: Client, settings: MailboxSettings, password: str) -> None:
    if "LOGINDISABLED" in client.capabilities:
        _by_plain(client, settings, password)
        return
    client.call("LOGIN", quoted(settings.username), quoted(password))


def _by_plain(client: Client, settings: MailboxSettings, password: str) -> None:
    """AUTHENTICATE PLAIN (RFC 4616): UTF-8, which LOGIN's quoted strings cannot carry."""
    if "AUTH=PLAIN" not in client.capabilities:
        raise AccessDenied(
            f"{settings.host} offers no login with a password",
            "ask its administrator; Microsoft 365 wants EMAIL_AUTH=oauth2",
        )
    client.authenticate_with("PLAIN", f"\0{settings.username}\0{password}".encode())


def _by_token(client: Client, settings: MailboxSettings, token: str) -> None:
    """XOAUTH2, which all know, or OAUTHBEARER (RFC 7628)."""
    name = settings.username
    if "AUTH=XOAUTH2" in client.capabilities:
        first = f"user={name}\1auth=Bearer {token}\1\1"
        client.authenticate_with("XOAUTH2", first.encode())
    elif "AUTH=OAUTHBEARER" in client.capabilities:
        escaped = name.replace("=", "=3D").replace(",", "=2C")
        where = f"host={settings.host}\1port={settings.port}"
        first = f"n,a={escaped},\1{where}\1auth=Bearer {token}\1\1"
        client.authenticate_with("OAUTHBEARER", first.encode())
    else:
        raise AccessDenied(
            f"{settings.host} offers no login with a token", "set EMAIL_AUTH=password"
        )


def quoted(text: str) -> str:
    """A quoted string (RFC 3501, 4.3); imaplib2 quotes nothing, so a CR LF would be a command."""
    if not _QUOTABLE.match(text):
        raise ValueError("control characters and 8-bit text cannot be quoted")
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
