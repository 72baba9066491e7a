"""How a mailbox is logged in to: which EMAIL_ variables belong together, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional

from ttcli.values import Secret
from ttcli.variables import VARIABLES

TOKEN_URLS = {
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    "google": "https://oauth2.googleapis.com/token",
}
MICROSOFT_APP = "https://outlook.office365.com/.default"
MICROSOFT_USER = "https://outlook.office365.com/IMAP.AccessAsUser.All offline_access"
GOOGLE_MAIL = "https://mail.google.com/"

_OAUTH = "EMAIL_OAUTH_"


class OAuthSettings(NamedTuple):
    """Where ttcli itself asks for an access token, and as whom.

    Attributes:
        provider: `microsoft`, `google`, or empty for any other.
        token_url: Instead of the provider's own.
        key_file: Google: a service account's key (JSON); Microsoft: private key and certificate.
        scope: Instead of the usual one.
    """

    provider: str = ""
    token_url: str = ""
    tenant: str = ""
    client_id: str = ""
    client_secret: Secret = Secret("")
    refresh_token: Secret = Secret("")
    key_file: Optional[Path] = None
    scope: str = ""

    def __bool__(self) -> bool:
        return bool(self.provider or self.token_url)

    @property
    def flow(self) -> str:
        """`key`, `client credentials` or `refresh token`, by what is set."""
        if self.key_file:
            return "key"
        app_only = self.client_secret and not self.refresh_token and self.provider != "google"
        return "client credentials" if app_only else "refresh token"

    @property
    def endpoint(self) -> str:
        """The token endpoint's address."""
        return self.token_url or TOKEN_URLS[self.provider].format(tenant=self.tenant or "common")

    @property
    def wanted_scope(self) -> str:
        """What the token shall be good for; empty: what was granted at first."""
        microsoft = MICROSOFT_USER if self.flow == "refresh token" else MICROSOFT_APP
        usual = {"microsoft": microsoft, "google": GOOGLE_MAIL}
        return self.scope or usual.get(self.provider, "")


def oauth_settings(values: Mapping[str, Any]) -> OAuthSettings:
    """Those of the EMAIL_OAUTH_ variables."""
    return OAuthSettings(*(values[_OAUTH + name.upper()] for name in OAuthSettings._fields))


def need_a_login(values: Mapping[str, Any], mistakes: List[str]) -> None:
    """Names each thing that a login lacks: a password, or a way to come by a token."""
    mistakes += _mistakes(values)


def _mistakes(values: Mapping[str, Any]) -> Iterator[str]:
    if values["EMAIL_AUTH"] != "oauth2":
        yield from _missing(values, "EMAIL_PASSWORD")
        return
    asks_itself = values[_OAUTH + "PROVIDER"] or values[_OAUTH + "TOKEN_URL"]
    if asks_itself and values["EMAIL_TOKEN_COMMAND"]:
        yield "EMAIL_TOKEN_COMMAND and EMAIL_OAUTH_PROVIDER or _TOKEN_URL are both set: keep one"
    elif asks_itself:
        yield from _oauth(values)
    elif values["EMAIL_TOKEN_COMMAND"] == "":
        yield (
            "EMAIL_AUTH=oauth2 needs EMAIL_OAUTH_PROVIDER (microsoft or google), "
            "EMAIL_OAUTH_TOKEN_URL or EMAIL_TOKEN_COMMAND: none of them is set"
        )


def _oauth(values: Mapping[str, Any]) -> Iterator[str]:
    provider, key = values[_OAUTH + "PROVIDER"], values[_OAUTH + "KEY_FILE"]
    refresh, secret = values[_OAUTH + "REFRESH_TOKEN"], values[_OAUTH + "CLIENT_SECRET"]
    if key and refresh:
        yield "EMAIL_OAUTH_KEY_FILE and EMAIL_OAUTH_REFRESH_TOKEN are both set: keep one"
    if key and not provider:
        yield "EMAIL_OAUTH_KEY_FILE needs EMAIL_OAUTH_PROVIDER, google or microsoft"
    if not (key and provider == "google"):
        yield from _missing(values, _OAUTH + "CLIENT_ID")
    if provider == "microsoft" and (key or (secret and not refresh)):
        yield from _missing(values, _OAUTH + "TENANT")
    if provider == "google" and not key:
        yield from _missing(values, _OAUTH + "REFRESH_TOKEN")
    if not provider and not (refresh or secret or key):
        yield "EMAIL_OAUTH_CLIENT_SECRET or EMAIL_OAUTH_REFRESH_TOKEN is not set: one is needed"


def _missing(values: Mapping[str, Any], name: str) -> Iterator[str]:
    """None is a mistake that was named already."""
    if values[name] is not None and not values[name]:
        what_for = next(v.help for v in VARIABLES if v.name == name)
        yield f"{name} is not set: {what_for}"
