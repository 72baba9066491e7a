"""Keys instead of secrets: msal and google-auth sign, and both may be missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.fix_oauth import Kept, settings
from tests.mail.endpoint import TokenEndpoint, granted, refused
from ttcli.config import Secret
from ttcli.errors import AccessDenied, ConfigError, Temporary
from ttcli.mail.oauth.access import Access
from ttcli.mail.oauth.token import access_token


@pytest.fixture(scope="module")
def home(home: Path) -> Path:
    """The endpoint's folder, with an application's own certificate in app.pem."""
    folder = home
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=app", "-keyout", "app.key", "-out", "app.crt"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    key, certificate = (folder / "app.key").read_text(), (folder / "app.crt").read_text()
    (folder / "app.pem").write_text(key + certificate)
    service = {"type": "service_account", "client_email": "app@project.example", "private_key": key}
    (folder / "app.json").write_text(json.dumps({**service, "private_key_id": "7"}))
    return folder


def ask(home: Path, endpoint: TokenEndpoint, provider: str, file: str) -> Access:
    """A token for the key in that file."""
    given = endpoint.settings(
        provider=provider, client_secret=Secret(""), key_file=home / file, tenant="tenant"
    )
    return access_token(settings(home, given), None)


def test_a_google_service_account_acts_for_the_user(home: Path, endpoint: TokenEndpoint) -> None:
    """RFC 7523: an assertion in the user's name, signed by the key."""
    jwt = pytest.importorskip("google.auth.jwt", reason="google-auth is not installed")
    access = ask(home, endpoint, "google", "app.json")
    (form,) = endpoint.forms
    claims: Dict[str, Any] = jwt.decode(
        form["assertion"], (home / "app.crt").read_bytes(), audience=endpoint.url
    )

    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert (claims["iss"], claims["sub"]) == ("app@project.example", "me@example.org")
    assert claims["scope"] == access.scope == "https://mail.google.com/"
    assert access.flow == "key"


def test_a_microsoft_application_shows_its_certificate(home: Path, endpoint: TokenEndpoint) -> None:
    """Client credentials with a signed assertion in the secret's place."""
    pytest.importorskip("msal", reason="msal is not installed")
    import jwt
    from cryptography.x509 import load_pem_x509_certificate

    access = ask(home, endpoint, "microsoft", "app.pem")
    (form,) = endpoint.forms
    public: Any = load_pem_x509_certificate((home / "app.crt").read_bytes()).public_key()
    claims = jwt.decode(
        form["client_assertion"], public, ["RS256"], audience=endpoint.url, leeway=10
    )

    assert claims["iss"] == claims["sub"] == "app"
    assert form["scope"] == "https://outlook.office365.com/.default"
    assert "client_secret" not in form
    assert access.token.reveal() == "good-me@example.org-xxx"


@pytest.mark.parametrize(("provider", "file"), [("google", "app.json"), ("microsoft", "app.pem")])
def test_refusals_mean_what_they_say(
    home: Path, endpoint: TokenEndpoint, provider: str, file: str
) -> None:
    """As without a library: Retry-After is honoured, the provider's words are shown."""
    pytest.importorskip("msal" if provider == "microsoft" else "google.auth")
    endpoint.answer = lambda _: refused("too_many", "slow", 429, Retry_After="17")
    with pytest.raises(Temporary, match="slow") as caught:
        ask(home, endpoint, provider, file)
    assert caught.value.wait == 17
    endpoint.answer = lambda _: refused("unauthorized_client", "AADSTS700016: no such app")
    with pytest.raises(AccessDenied, match="AADSTS700016"):
        ask(home, endpoint, provider, file)
    endpoint.answer = lambda _: (200, {}, b"<html>Wi-Fi")
    with pytest.raises(Temporary):
        ask(home, endpoint, provider, file)
    endpoint.answer = lambda _: granted("two words")
    with pytest.raises(Temporary, match="is none"):
        ask(home, endpoint, provider, file)


def test_a_tenant_that_does_not_exist_is_told(home: Path, endpoint: TokenEndpoint) -> None:
    """msal looks the tenant up first; what it is told there reaches the operator."""
    pytest.importorskip("msal", reason="msal is not installed")
    endpoint.about = refused("invalid_tenant", "AADSTS90002: Tenant not found")
    with pytest.raises(ConfigError, match="AADSTS90002"):
        ask(home, endpoint, "microsoft", "app.pem")


@pytest.mark.parametrize("provider", ["google", "microsoft"])
@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "-----BEGIN PRIVATE KEY-----\ngeheim", "gehäim"]
)
def test_a_file_without_a_key_is_told(
    home: Path, endpoint: TokenEndpoint, provider: str, content: str
) -> None:
    """78, and nothing of what stands in it."""
    pytest.importorskip("msal" if provider == "microsoft" else "google.auth")
    (home / "bad").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no key") as caught:
        ask(home, endpoint, provider, "bad")
    assert "geh" not in f"{caught.value} {caught.value.__context__!r}"


def test_a_broken_key_is_told(home: Path, endpoint: TokenEndpoint) -> None:
    """The right frame around the wrong bytes."""
    pytest.importorskip("msal")
    pytest.importorskip("google.auth")
    frame = "-----BEGIN {0}-----\nZ2VoZWlt\n-----END {0}-----\n"
    pem = frame.format("PRIVATE KEY") + (home / "app.crt").read_text()
    (home / "broken.pem").write_text(pem)
    service = {"client_email": "a", "private_key": frame.format("PRIVATE KEY")}
    (home / "broken.json").write_text(json.dumps(service))
    for provider, file in (("google", "broken.json"), ("microsoft", "broken.pem")):
        with pytest.raises(ConfigError, match="holds no key"):
            ask(home, endpoint, provider, file)


def test_a_file_that_cannot_be_read_is_told(home: Path, endpoint: TokenEndpoint) -> None:
    """A path that leads nowhere."""
    with pytest.raises(ConfigError, match="No such file"):
        ask(home, endpoint, "google", "nowhere")


@pytest.mark.parametrize(
    ("provider", "file", "module", "package"),
    [
        ("google", "app.json", "google.auth", "python3-google-auth"),
        ("microsoft", "app.pem", "msal", "python3-msal"),
    ],
)
def test_a_missing_package_is_named(
    home: Path, endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch,
    provider: str, file: str, module: str, package: str,
) -> None:  # fmt: skip
    """With the line to type; and only where it is needed."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=f"apt install {package}") as caught:
        ask(home, endpoint, provider, file)
    assert f"ttcli[{provider}]" in caught.value.hint
    access_token(
        settings(home, endpoint.settings(provider=provider)._replace(tenant="t")), Kept("refresh")
    )
