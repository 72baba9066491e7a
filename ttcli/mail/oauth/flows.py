"""The access token for OAuth 2, asked for by ttcli itself (RFC 6749): by client credentials, a
refresh token, or a key.

The first two are one form sent to one address, the same for every provider, and need no library;
what must be signed is a library's work (`signed.py`). An access token lives in memory, for one
login. A refresh token that the server replaces is durable before the access token is used.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Optional

from ttcli.config import MailboxSettings, OAuthSettings, Secret
from ttcli.errors import ConfigError, Temporary
from ttcli.mail.connection import words
from ttcli.mail.oauth.access import TOKEN, Access, Rotations
from ttcli.mail.oauth.grants import Refused, ask

log = logging.getLogger(__name__)


def access(settings: MailboxSettings, rotations: Optional[Rotations]) -> Access:
    """An access token for the mailbox.

    Args:
        rotations: May be left out where there is no refresh token.

    Raises:
        AccessDenied: The provider does not know us, or grants us nothing.
        ConfigError: A setting is wrong, or a package is missing.
        Temporary: The provider is away, or does not want us now.
    """
    try:
        granted = _granted(settings, rotations)
    except Refused as refused:
        fault = refused.fault
    else:
        return _access(settings.oauth, granted)
    raise fault  # outside of any except: no context shall keep what was sent


def _granted(settings: MailboxSettings, rotations: Optional[Rotations]) -> Dict[str, Any]:
    oauth = settings.oauth
    if oauth.flow == "refresh token":
        if rotations is None:
            raise ValueError("a refresh token needs somewhere to keep its successor")
        return _by_refresh_token(settings, rotations)
    if oauth.flow == "key":
        from ttcli.mail.oauth import signed

        return signed.granted(settings)
    return ask(settings, {"grant_type": "client_credentials", **_client(oauth)})


def _by_refresh_token(settings: MailboxSettings, rotations: Rotations) -> Dict[str, Any]:
    """The refresh token's grant; another process that wants it meanwhile waits."""
    with rotations.turn(2.0 * settings.timeout) as turn:
        if not turn.tokens:
            raise ConfigError(
                f"there is no refresh token for {settings.username} yet",
                "run `ttcli login`, or set EMAIL_OAUTH_REFRESH_TOKEN; see docs/oauth2.md",
            )
        last = len(turn.tokens) - 1
        for number, token in enumerate(turn.tokens):
            try:
                granted = _refreshed(settings, token)
            except Refused as refused:
                if refused.error != "invalid_grant" or number == last:
                    raise
                log.warning(
                    "the refresh token kept in state/ is refused; trying the configured one"
                )
                continue
            successor = granted.pop("refresh_token", None)
            if isinstance(successor, str) and successor:
                turn.keep(Secret(successor))
            elif number:
                turn.keep(token)  # the one in state/ is of no use any more
            return granted
    raise AssertionError("unreachable")


def _refreshed(settings: MailboxSettings, token: Secret) -> Dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    return ask(settings, {**form, **_client(settings.oauth)})


def _client(oauth: OAuthSettings) -> Dict[str, str]:
    """Who asks, for what: the client's part of a form."""
    form = {
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret.reveal(),
        "scope": oauth.wanted_scope,
    }
    return {name: value for name, value in form.items() if value}


def _access(oauth: OAuthSettings, granted: Dict[str, Any]) -> Access:
    """What was granted, with its token fit for a line of IMAP."""
    token, scope = granted["access_token"], granted.get("scope")
    if not TOKEN.match(token):
        raise Temporary(f"{oauth.endpoint} grants a token that is none", "the next run tries again")
    seconds = _seconds(granted.get("expires_in"))
    expires = datetime.now(timezone.utc) + timedelta(seconds=seconds) if seconds else None
    known = scope if isinstance(scope, str) and scope else oauth.wanted_scope
    return Access(Secret(token), oauth.flow, expires, words.readable(known))


def _seconds(value: Any) -> int:
    """`expires_in`; some servers send it as text."""
    text = str(value)
    return int(text) if text.isdigit() and len(text) < 9 else 0
