"""The access token for OAuth 2, asked for by ttcli itself (RFC 6749): by client credentials, a
refresh token, or a key.

The first two are one form sent to one address, the same for every provider, and need no library;
what must be signed is a library's work (`signed.py`). An access token lives in memory, for one
login. A refresh token that the server replaces is durable before the access token is used.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Optional

from ttcli.config import MailboxSettings, OAuthSettings, Secret
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail import words
from ttcli.mail.https import Answer, exchange
from ttcli.mail.token import TOKEN, Access, Rotations

log = logging.getLogger(__name__)

# What the token endpoint's error means (RFC 6749, 5.2 and 4.1.2.1, and Microsoft's own).
_DENIED = (
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "access_denied",
    "interaction_required",
    "consent_required",
    "login_required",
    "authorization_declined",
    "expired_token",
    "code_expired",
)
_LATER = ("authorization_pending", "temporarily_unavailable", "server_error", "slow_down")
_NEXT_STEPS = {
    "invalid_client": "set EMAIL_OAUTH_CLIENT_ID, and EMAIL_OAUTH_CLIENT_SECRET or "
    "EMAIL_OAUTH_KEY_FILE, to ones that are registered and have not expired; see docs/oauth2.md",
    "invalid_grant": "authorise the account anew, by `ttcli login` or a new "
    "EMAIL_OAUTH_REFRESH_TOKEN: this grant expired or was revoked; of a key, check this machine's "
    "clock; see docs/oauth2.md",
    "invalid_scope": "set EMAIL_OAUTH_SCOPE to what the provider grants; see docs/oauth2.md",
}
_NEXT_STEP = "see docs/oauth2.md for how the application is registered and given its rights"

# What a form may hold that nobody may read.
_SECRET = ("client_secret", "refresh_token", "assertion", "client_assertion")


class Refused(Exception):
    """The endpoint grants nothing; `error` is its code, `fault` what that means."""

    def __init__(self, error: str, fault: OutsideFault) -> None:
        super().__init__(error)
        self.error = error
        self.fault = fault


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
        from ttcli.mail import signed

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


def ask(settings: MailboxSettings, form: Dict[str, str]) -> Dict[str, Any]:
    """Sends the form to the token endpoint; returns what it grants."""
    url = settings.oauth.endpoint
    return granted_by(exchange(url, form, settings.timeout, settings.ca_file), url, form)


def granted_by(answer: Answer, url: str, form: Dict[str, str]) -> Dict[str, Any]:
    """The token endpoint's answer; `form` is what was sent, which no message may repeat.

    Raises:
        Refused: It grants nothing.
    """
    found = members(answer.body)
    if answer.status == 200 and isinstance(found.get("access_token"), str):
        return found
    error = found.get("error")
    secrets = [form[name] for name in _SECRET if form.get(name)]
    said = words.readable(words.struck(_told(found), *secrets)) or f"HTTP status {answer.status}"
    code = error if isinstance(error, str) else ""
    raise Refused(code, _meaning(f"{url} grants no token: {said}", code, answer))


def members(body: bytes) -> Dict[str, Any]:
    """An answer's members: a JSON object; an empty one where it is something else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(found: Dict[str, Any]) -> str:
    texts = (found.get("error"), found.get("error_description"))
    return ": ".join(text for text in texts if isinstance(text, str) and text)


def _meaning(what: str, error: str, answer: Answer) -> OutsideFault:
    """Whose turn it is now."""
    if answer.status in (408, 429) or answer.status >= 500 or error in _LATER:
        return Temporary(what, words.patience(answer.wait), answer.wait)
    if error in _DENIED or answer.status in (401, 403):
        return AccessDenied(what, _NEXT_STEPS.get(error, _NEXT_STEP))
    if error or 300 <= answer.status < 500:
        return ConfigError(
            what,
            _NEXT_STEPS.get(error, "check EMAIL_OAUTH_TENANT, EMAIL_OAUTH_TOKEN_URL and the rest"),
        )
    return Temporary(
        f"{what}, and no token in it",
        "is there a proxy in between, or EMAIL_OAUTH_TOKEN_URL wrong? The next run tries again",
    )


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
