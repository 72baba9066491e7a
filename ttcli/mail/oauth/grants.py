"""The token endpoint (RFC 6749): a form sent to one address, and what its answer means."""

from __future__ import annotations

import json
from typing import Any, Dict

from ttcli.config import MailboxSettings
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail.connection import words
from ttcli.mail.connection.https import Answer, exchange

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
