"""Access tokens by a key instead of a secret: msal and google-auth sign, both are optional.

Both send what they send by way of `https.py`: their own transports wait anew for every byte.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import time
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from ttcli.config import MailboxSettings
from ttcli.errors import ConfigError, OutsideFault
from ttcli.mail.connection.https import Answer, exchange
from ttcli.mail.oauth import grants

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523
_HOUR = 3600
_ADDRESSES = {"authorization_endpoint", "token_endpoint"}  # what msal looks up


class _NoKeyError(Exception):
    """The file holds no key; says why, and nothing of its content."""


def granted(settings: MailboxSettings) -> Dict[str, Any]:
    """What the provider grants to the bearer of EMAIL_OAUTH_KEY_FILE.

    Raises:
        ConfigError: A package is missing, or the file holds no key.
    """
    path = settings.oauth.key_file
    assert path is not None
    text = _read(path)
    try:
        return (_google if settings.oauth.provider == "google" else _microsoft)(settings, text)
    except ImportError as error:
        raise missing("EMAIL_OAUTH_KEY_FILE", settings.oauth.provider, error) from None
    except _NoKeyError as error:
        reason = f"EMAIL_OAUTH_KEY_FILE={path} holds no key that can be used: {error}"
    raise ConfigError(reason, _CONTENT[settings.oauth.provider])  # a library's error may quote it


_PACKAGES = {"google": "google-auth", "microsoft": "msal"}
_CONTENT = {
    "google": "give the service account's key as Google made it, a file of JSON",
    "microsoft": "give one PEM file with the private key, unencrypted, and its certificate",
}


def missing(what: str, provider: str, error: ImportError) -> ConfigError:
    """What to install."""
    name = _PACKAGES[provider]
    return ConfigError(
        f"{what} needs the package {name}, which cannot be used: {error}",
        f"apt install python3-{name}, or pip install 'ttcli[{provider}]'",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        return ""  # which is no key
    except OSError as error:
        raise ConfigError(
            f"EMAIL_OAUTH_KEY_FILE={path} cannot be read: {error.strerror}",
            "let the user that ttcli runs as read it, and nobody else",
        ) from None


def _google(settings: MailboxSettings, text: str) -> Dict[str, Any]:
    """A service account that acts for the mailbox's user (domain-wide delegation)."""
    from google.auth import crypt, jwt

    try:
        key = json.loads(text)
        signer = crypt.RSASigner.from_service_account_info(key)
        now = int(time.time())
        claims = {
            "iss": key["client_email"],
            "sub": settings.username,
            "scope": settings.oauth.wanted_scope,
            "aud": settings.oauth.endpoint,
            "iat": now,
            "exp": now + _HOUR,
        }
        assertion = jwt.encode(signer, claims).decode("ascii")
    except Exception as error:  # what the libraries below raise, they do not document
        raise _NoKeyError(type(error).__name__) from None
    return grants.ask(settings, {"grant_type": _JWT_BEARER, "assertion": assertion})


def _microsoft(settings: MailboxSettings, text: str) -> Dict[str, Any]:
    """An application that proves itself by its certificate."""
    import msal

    wire = Wire(settings)
    try:
        der = ssl.PEM_cert_to_DER_cert(_block("CERTIFICATE", text))
        key = {
            "private_key": _block("PRIVATE KEY", text),
            "thumbprint": hashlib.sha1(der).hexdigest(),  # noqa: S324 - Microsoft's way to name one
        }
        application = msal.ConfidentialClientApplication(
            settings.oauth.client_id,
            client_credential=key,
            authority=authority(settings),
            http_client=wire,
            instance_discovery=False,  # the address was configured, nobody needs to vouch for it
        )
        found = application.acquire_token_for_client(settings.oauth.wanted_scope.split())
    except (OutsideFault, grants.Refused, _NoKeyError):
        raise
    except Exception as error:  # as above
        raise _NoKeyError(type(error).__name__) from None
    return wire.granted(found)


def authority(settings: MailboxSettings) -> str:
    """The part of the token endpoint's address that msal wants."""
    return re.sub(r"/oauth2/v2\.0/token/?\Z", "", settings.oauth.endpoint)


def _block(kind: str, text: str) -> str:
    found = re.search(
        rf"-----BEGIN ([A-Z]+ )?{kind}-----.+?-----END ([A-Z]+ )?{kind}-----", text, re.S
    )
    if not found:
        raise _NoKeyError(f"no {kind}")
    return found[0] + "\n"


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


class _Reply:
    """An answer as msal reads it."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.headers = dict(answer.headers)
        self.text = answer.body.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        """Nothing: `Wire` has raised already."""


class Wire:
    """msal's way to the network."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._last: Optional[Answer] = None
        self._form: Dict[str, str] = {}

    def post(self, url: str, data: Optional[Mapping[str, str]] = None, **_: Any) -> _Reply:
        """One form sent."""
        return self._exchange(url, data)

    def get(self, url: str, **_: Any) -> _Reply:
        """What msal looks up: the authority's addresses."""
        return self._exchange(url, None)

    def close(self) -> None:
        """Nothing is kept open."""

    def _exchange(self, url: str, form: Optional[Mapping[str, str]]) -> _Reply:
        answer = exchange(url, form, self._settings.timeout, self._settings.ca_file)
        self._last, self._form = answer, {n: _text(v) for n, v in (form or {}).items()}
        told = set(grants.members(answer.body))
        useful = told >= _ADDRESSES if form is None else bool(told)
        if not useful or answer.status == 429 or answer.status >= 500:
            grants.granted_by(answer, url, self._form)  # msal would lose, or log, what was said
        return _Reply(answer)

    def granted(self, found: Mapping[str, Any]) -> Dict[str, Any]:
        """The grant that msal made of the last answer."""
        return dict(found) if "access_token" in found else self.refuse()

    def refuse(self) -> Dict[str, Any]:
        """Raises what the last answer means, which is no grant."""
        assert self._last is not None
        return grants.granted_by(self._last, self._settings.oauth.endpoint, self._form)
