"""The first refresh token for Microsoft 365, by a person with a browser on any device (RFC 8628).

Google gives no scope of Gmail to devices. msal speaks the protocol, over `https.py`.
"""

from __future__ import annotations

from typing import Callable

from ttcli.config import MailboxSettings, Secret
from ttcli.errors import AccessDenied, ConfigError
from ttcli.mail.oauth import grants, signed

_OWN = ("offline_access", "openid", "profile")  # msal adds them, and refuses them from us


def authorise(settings: MailboxSettings, show: Callable[[str], None]) -> Secret:
    """Shows where to go with which code, waits for the person, and returns a refresh token.

    Raises:
        AccessDenied: The person, or the provider, said no.
        ConfigError: The settings are those of another way to log in, or msal is missing.
        Temporary: The provider is away.
    """
    if settings.oauth.provider != "microsoft" or settings.oauth.flow != "refresh token":
        raise ConfigError(
            "`ttcli login` is for Microsoft 365 as a user",
            "set EMAIL_OAUTH_PROVIDER=microsoft and EMAIL_OAUTH_CLIENT_ID, and neither "
            "EMAIL_OAUTH_CLIENT_SECRET nor EMAIL_OAUTH_KEY_FILE; see docs/oauth2.md",
        )
    try:
        return _authorise(settings, show)
    except ImportError as error:
        raise signed.missing("`ttcli login`", "microsoft", error) from None
    except grants.Refused as refused:
        fault = refused.fault
    except ValueError as error:
        fault = ConfigError(
            f"{settings.oauth.endpoint} offers no login by a code: {error}",
            "check EMAIL_OAUTH_TENANT, EMAIL_OAUTH_TOKEN_URL and EMAIL_OAUTH_SCOPE",
        )
    raise fault


def _authorise(settings: MailboxSettings, show: Callable[[str], None]) -> Secret:
    import msal

    wire = signed.Wire(settings)
    application = msal.PublicClientApplication(
        settings.oauth.client_id,
        authority=signed.authority(settings),
        http_client=wire,
        instance_discovery=False,
    )
    scopes = [s for s in settings.oauth.wanted_scope.split() if s not in _OWN]
    flow = application.initiate_device_flow(scopes)
    if "user_code" not in flow:
        wire.refuse()
    show(str(flow.get("message") or f"{flow.get('verification_uri')}: {flow['user_code']}"))
    found = wire.granted(application.acquire_token_by_device_flow(flow))
    token = found.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise AccessDenied(
            f"{settings.oauth.endpoint} grants no refresh token",
            "the scope must contain offline_access, and the application must allow it",
        )
    return Secret(token)
