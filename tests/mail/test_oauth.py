"""The token endpoint's every answer means the right thing, and no secret is told."""

from __future__ import annotations

import email.utils
import logging
import time
from pathlib import Path
from typing import Any, Type

import pytest

from tests.fix_oauth import Kept, settings
from tests.mail.endpoint import Answer, Form, TokenEndpoint, granted, refused
from ttcli.config import OAuthSettings, Secret
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail.oauth import flows
from ttcli.mail.oauth.access import Access
from ttcli.mail.oauth.token import access_token

LONG = "x" * 2000


def refreshed(home: Path, endpoint: TokenEndpoint, kept: Kept) -> Access:
    """An access token by a refresh token."""
    given = endpoint.settings(refresh_token=Secret("configured"))
    return access_token(settings(home, given), kept)


def test_client_credentials_are_sent_as_the_rfc_says(home: Path, endpoint: TokenEndpoint) -> None:
    """RFC 6749, 4.4: one form; what comes back is a token with its end and scope."""
    endpoint.answer = lambda _: granted("token", scope="imap")
    before = time.time()
    access = access_token(settings(home, endpoint.settings(scope="imap other")), None)
    (form,) = endpoint.forms

    assert form == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": "geheim-app",
        "scope": "imap other",
    }
    assert (access.token.reveal(), access.flow, access.scope) == (
        "token",
        "client credentials",
        "imap",
    )
    assert access.expires
    assert 0 <= access.expires.timestamp() - before - 3600 < 60


MICROSOFT = "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
GOOGLE = "https://oauth2.googleapis.com/token"
SECRET, REFRESH = Secret("s"), Secret("r")


@pytest.mark.parametrize(
    ("given", "flow", "url", "scope"),
    [
        (
            OAuthSettings("microsoft", tenant="contoso.com", client_secret=SECRET),
            "client credentials",
            MICROSOFT,
            "https://outlook.office365.com/.default",
        ),
        (
            OAuthSettings("microsoft", tenant="contoso.com", refresh_token=REFRESH),
            "refresh token",
            MICROSOFT,
            "https://outlook.office365.com/IMAP.AccessAsUser.All offline_access",
        ),
        (
            OAuthSettings("microsoft", client_secret=SECRET, refresh_token=REFRESH),
            "refresh token",
            MICROSOFT.replace("contoso.com", "common"),
            "https://outlook.office365.com/IMAP.AccessAsUser.All offline_access",
        ),
        (
            OAuthSettings("google", client_secret=SECRET, refresh_token=REFRESH),
            "refresh token",
            GOOGLE,
            "https://mail.google.com/",
        ),
        (
            OAuthSettings("google", key_file=Path("/key.json")),
            "key",
            GOOGLE,
            "https://mail.google.com/",
        ),
        (
            OAuthSettings("", "https://id.example.org/token", client_secret=SECRET),
            "client credentials",
            "https://id.example.org/token",
            "",
        ),
        (
            OAuthSettings(
                "google", "https://id.example.org/t", refresh_token=REFRESH, scope="mine"
            ),
            "refresh token",
            "https://id.example.org/t",
            "mine",
        ),
    ],
)
def test_the_providers_are_known(given: OAuthSettings, flow: str, url: str, scope: str) -> None:
    """Whom to ask for what follows from provider and what is set."""
    assert (given.flow, given.endpoint, given.wanted_scope) == (flow, url, scope)


def test_a_rotated_token_is_kept_before_it_is_used(home: Path, endpoint: TokenEndpoint) -> None:
    """The kept one is tried first, and its successor is durable when the access token is given."""
    endpoint.answer = lambda _: granted(refresh_token="third")
    kept = Kept("second", "configured")
    refreshed(home, endpoint, kept)

    assert [form["refresh_token"] for form in endpoint.forms] == ["second"]
    assert kept.kept == ["third"]


def test_a_token_that_cannot_be_kept_is_not_used(home: Path, endpoint: TokenEndpoint) -> None:
    """A disk that fills up in between is a fault, not a login whose next one fails."""
    endpoint.answer = lambda _: granted(refresh_token="third")
    kept = Kept("second")

    def full(_: Secret) -> None:
        raise OSError(28, "No space left on device")

    kept.keep = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="No space"):
        refreshed(home, endpoint, kept)


def test_a_provider_that_does_not_rotate_changes_nothing(
    home: Path, endpoint: TokenEndpoint
) -> None:
    """Google gives no successor."""
    kept = Kept("configured")
    refreshed(home, endpoint, kept)
    assert kept.kept == []


def test_where_the_kept_token_is_refused_the_configured_one_is_tried(
    home: Path, endpoint: TokenEndpoint
) -> None:
    """A spool from a backup holds a token that is used up; what works is kept in its place."""

    def answer(form: Form) -> Answer:
        return granted() if form["refresh_token"] == "configured" else refused("invalid_grant")

    endpoint.answer = answer
    kept = Kept("used up", "configured")
    refreshed(home, endpoint, kept)
    assert kept.kept == ["configured"]


def test_the_configured_token_is_not_wasted_on_an_outage(
    home: Path, endpoint: TokenEndpoint
) -> None:
    """Only invalid_grant says that the token is used up."""
    endpoint.answer = lambda _: refused("temporarily_unavailable", status=503)
    with pytest.raises(Temporary):
        refreshed(home, endpoint, Kept("second", "configured"))
    assert len(endpoint.forms) == 1


def test_without_a_refresh_token_it_is_said_where_to_get_one(
    home: Path, endpoint: TokenEndpoint
) -> None:
    """Nobody has logged in yet."""
    with pytest.raises(ConfigError, match=r"no refresh token for me@example\.org"):
        refreshed(home, endpoint, Kept())


ANSWERS = [
    (
        refused("invalid_client", "AADSTS7000215: Invalid secret", 401),
        AccessDenied,
        "AADSTS7000215",
    ),
    (refused("invalid_client"), AccessDenied, "EMAIL_OAUTH_CLIENT_SECRET"),
    (
        refused("invalid_grant", "Token has been expired or revoked."),
        AccessDenied,
        "expired or rev",
    ),
    (refused("invalid_grant"), AccessDenied, "authorise the account anew"),
    (refused("unauthorized_client"), AccessDenied, "oauth2.md"),
    (refused("invalid_scope"), ConfigError, "EMAIL_OAUTH_SCOPE"),
    (refused("invalid_request", "AADSTS90002: Tenant 'x' not found"), ConfigError, "AADSTS90002"),
    (refused("temporarily_unavailable"), Temporary, "next run"),
    (refused("slow_down"), Temporary, "next run"),
    (refused("server_error", "oops", 500), Temporary, "oops"),
    ((503, {"Retry_After": "120"}, b"<html>busy"), Temporary, "wait 120 s"),
    (refused("too_many", "slow", 429, Retry_After="17"), Temporary, "slow .it asks to wait 17 s"),
    ((429, {}, b""), Temporary, "status 429"),
    ((404, {}, b"<html>no such page"), ConfigError, "status 404"),
    ((403, {}, b"no"), AccessDenied, "status 403"),
    ((302, {"Location": "https://elsewhere.example.org/"}, b""), ConfigError, "status 302"),
    ((200, {}, b"<html>Please log in to the Wi-Fi"), Temporary, "no token in it"),
    ((200, {}, b""), Temporary, "no token in it"),
    ((200, {}, b"[" * 100_000), Temporary, "no token in it"),
    ((200, {}, b'{"access_token": 5}'), Temporary, "no token in it"),
    ((200, {}, b"\xff\xfe\x00"), Temporary, "no token in it"),
    (granted("two words"), Temporary, "is none"),
    (granted("line\r\nA1 LOGOUT"), Temporary, "is none"),
    (granted("tök"), Temporary, "is none"),
    (granted(""), Temporary, "is none"),
    ((200, {}, b" " * 5_000_000), Temporary, "more than"),
    ((200, {"Content_Length": "4000"}, b'{"access_token": "half'), Temporary, "no token in it"),
]


@pytest.mark.parametrize(("answer", "kind", "says"), ANSWERS)
def test_an_answer_means_what_it_says(
    home: Path, endpoint: TokenEndpoint, answer: Answer, kind: Type[OutsideFault], says: str
) -> None:
    """Denied, a wrong setting, or later; with the server's words and the next step."""
    endpoint.answer = lambda _: answer
    with pytest.raises(kind, match=says) as caught:
        access_token(settings(home, endpoint.settings()), None)
    assert type(caught.value) is kind


@pytest.mark.parametrize("members", [{}, {"expires_in": "3599"}, {"expires_in": None}])
def test_members_that_may_be_missing_may_be_missing(
    home: Path, endpoint: TokenEndpoint, members: Any
) -> None:
    """Only the token counts."""
    endpoint.answer = lambda _: (200, {}, {"access_token": "token", **members})
    access = access_token(settings(home, endpoint.settings()), None)
    assert access.token.reveal() == "token"
    assert bool(access.expires) == bool(members.get("expires_in"))


def test_retry_after_may_be_a_date(home: Path, endpoint: TokenEndpoint) -> None:
    """RFC 9110, 10.2.3: seconds, or a date."""
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    endpoint.answer = lambda _: (429, {"Retry_After": date}, b"")
    with pytest.raises(Temporary) as caught:
        access_token(settings(home, endpoint.settings()), None)
    assert 90 < caught.value.wait <= 100


@pytest.mark.parametrize("content", [b"{" + b" " * 1000, b""])
def test_a_slow_endpoint_is_not_waited_for(
    home: Path, endpoint: TokenEndpoint, content: bytes
) -> None:
    """Neither one that drips, byte by byte, nor one that says nothing."""

    def answer(_: Form) -> Answer:
        time.sleep(0 if content else 3)
        return 200, {"drip": "yes"}, content

    endpoint.answer = answer
    with pytest.raises(Temporary, match=r"longer than 1 s|no answer in time"):
        access_token(settings(home, endpoint.settings(), timeout=1), None)


def test_a_certificate_must_be_trusted(home: Path, endpoint: TokenEndpoint) -> None:
    """By a CA of the system's or of EMAIL_TLS_CA_FILE."""
    without = settings(home, endpoint.settings())._replace(ca_file=None)
    with pytest.raises(ConfigError, match="cannot be trusted"):
        access_token(without, None)
    assert endpoint.forms == []


def test_a_certificate_must_name_the_host(home: Path, endpoint: TokenEndpoint) -> None:
    """The right CA is not enough."""
    other = endpoint.settings(token_url=endpoint.url.replace("localhost", "127.0.0.2"))
    with pytest.raises((ConfigError, Temporary)) as caught:  # Temporary where 127.0.0.2 is silent
        access_token(settings(home, other), None)
    assert endpoint.forms == [], caught.value


def test_nobody_there_is_temporary(home: Path) -> None:
    """A port where nobody listens."""
    nowhere = OAuthSettings("", "https://localhost:1/token", client_secret=SECRET)
    with pytest.raises(Temporary, match="localhost cannot be reached"):
        access_token(settings(home, nowhere), None)


def test_proxies_are_those_of_the_environment(
    home: Path, endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY leads out; what goes to this machine in plain text never takes it."""
    away = OAuthSettings("", "https://login.example.org/token", client_secret=SECRET)
    monkeypatch.setenv("https_proxy", endpoint.base.replace("https", "http"))
    with pytest.raises(Temporary):
        access_token(settings(home, away), None)
    monkeypatch.setenv("http_proxy", "http://localhost:1/")
    with TokenEndpoint(home, tls=False) as plain:
        access_token(settings(home, plain.settings()), None)
    assert len(plain.forms) == 1


def test_no_secret_is_told(
    home: Path, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """Though the server repeats it, in whole or in a line too long to be shown."""
    caplog.set_level(logging.DEBUG)
    secret = Secret("geheim-" + LONG)

    def answer(form: Form) -> Answer:
        return refused("invalid_grant", f"no {form['client_secret']} no {form['refresh_token']}")

    endpoint.answer = answer
    given = endpoint.settings(client_secret=secret, refresh_token=Secret("frisch-" + LONG))
    with pytest.raises(AccessDenied) as caught:
        access_token(settings(home, given), Kept("frisch-" + LONG))

    told = f"{caught.value} {caught.value.__context__!r} {caught.value.__cause__!r} {caplog.text}"
    assert "geheim" not in told
    assert "frisch" not in told
    assert "xxx" not in told
    assert flows.__doc__
