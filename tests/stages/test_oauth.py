"""OAuth 2 from the command line: a real Dovecot, a token endpoint, and what stays on disk."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from tests.fix_dovecot import Account
from tests.fix_oauth import ACCESS, FIRST, Provider
from tests.fix_world import World, shipment, workbook
from tests.mail.endpoint import Answer, Form, TokenEndpoint, granted, refused
from tests.mail.token_dovecot import NAME, token_account

SECRET = "geheim-der-anwendung"


@pytest.fixture(scope="module")
def token_mailbox() -> Iterator[Account]:
    """One server for this module."""
    with token_account("xoauth2") as account:
        yield account


@pytest.fixture
def mailbox(token_mailbox: Account) -> Account:
    """In place of the account with a password."""
    return token_mailbox


@pytest.fixture
def endpoint(mailbox: Account) -> Iterator[TokenEndpoint]:
    """A token endpoint by the same CA as the mail server."""
    with TokenEndpoint(mailbox.server.home, Provider()) as running:
        yield running


@pytest.fixture
def oauth(world: World, endpoint: TokenEndpoint) -> World:
    """A world whose mailbox is opened by client credentials."""
    world.environ.update(
        EMAIL_AUTH="oauth2",
        EMAIL_PASSWORD="",
        EMAIL_OAUTH_TOKEN_URL=endpoint.url,
        EMAIL_OAUTH_CLIENT_ID="app",
        EMAIL_OAUTH_CLIENT_SECRET=SECRET,
        DEBUG="true",
    )
    return world


@pytest.fixture
def refreshing(oauth: World) -> World:
    """A world whose mailbox is opened by a refresh token, which comes as a file."""
    token = oauth.base.with_name("token")
    token.write_text(FIRST + "\n")
    oauth.environ["EMAIL_OAUTH_REFRESH_TOKEN_FILE"] = str(token)
    return oauth


def kept(world: World) -> Path:
    """The file with the refresh token."""
    (path,) = (world.base / "state").glob("oauth-*.json")
    return path


def told(world: World) -> str:
    """All that lies in logs and spool, but for the one file that holds the token."""
    roots = (world.base, world.base.with_name("logs"))
    files = [f for root in roots for f in root.rglob("*") if f.is_file()]
    return "\n".join(f.read_text(errors="replace") for f in files if f.name[:6] != "oauth-")


def test_client_credentials_open_the_mailbox(oauth: World, endpoint: TokenEndpoint) -> None:
    """From token to item, and no secret in what is said, logged or kept."""
    oauth.send(workbook([shipment(1)]))
    done = oauth.ttcli("fetch", EMAIL_OAUTH_SCOPE="imap")
    everything = done.stdout + done.stderr + told(oauth)

    assert oauth.counts() == {"pending": 1}
    assert endpoint.forms[0]["scope"] == "imap"
    assert SECRET not in everything
    assert "zugang" not in everything
    assert not list((oauth.base / "state").glob("oauth-*"))


def test_check_shows_flow_end_and_scope(refreshing: World) -> None:
    """And not the token."""
    done = refreshing.ttcli("check", "--json", code=None)
    facts: Dict[str, Any] = {f["name"]: f for f in json.loads(done.stdout)["facts"]}
    everything = done.stdout + done.stderr + told(refreshing)

    assert facts["mailbox token"]["ok"]
    assert "by refresh token, valid until 20" in facts["mailbox token"]["text"]
    assert "scope imap offline" in facts["mailbox token"]["text"]
    assert "zugang" not in everything
    assert "erneuerung" not in everything


def test_a_rotated_token_survives(refreshing: World, endpoint: TokenEndpoint) -> None:
    """Each run begins with the successor; the file is ttcli's alone and its token nowhere else."""
    outputs = [refreshing.ttcli("fetch") for _ in range(3)]
    sent = [form["refresh_token"] for form in endpoint.forms]
    everything = "".join(d.stdout + d.stderr for d in outputs) + told(refreshing)

    assert sent == ["erneuerung-1", "erneuerung-2", "erneuerung-3"]
    assert stat.S_IMODE(kept(refreshing).stat().st_mode) == 0o600
    assert json.loads(kept(refreshing).read_text())["token"] == "erneuerung-4"
    assert "erneuerung" not in everything


def test_a_dry_run_keeps_the_rotated_token(refreshing: World, endpoint: TokenEndpoint) -> None:
    """The provider has changed it, whatever we call it."""
    refreshing.ttcli("fetch", "--dry-run")
    refreshing.ttcli("fetch")
    assert [form["refresh_token"] for form in endpoint.forms] == ["erneuerung-1", "erneuerung-2"]


def test_the_operator_has_the_last_word(refreshing: World, endpoint: TokenEndpoint) -> None:
    """Another configured token is used, though a successor of the old one is kept."""
    refreshing.ttcli("fetch")
    Path(refreshing.environ["EMAIL_OAUTH_REFRESH_TOKEN_FILE"]).write_text("anders-1")
    endpoint.answer = lambda form: granted(ACCESS, refresh_token=form["refresh_token"] + "1")
    refreshing.ttcli("fetch")
    refreshing.ttcli("fetch")

    sent = [form["refresh_token"] for form in endpoint.forms]
    assert sent == ["erneuerung-1", "anders-1", "anders-11"]


def test_a_grant_that_ended_wants_a_person(refreshing: World, endpoint: TokenEndpoint) -> None:
    """77 with the provider's words, the token in them struck out, and the next step."""
    endpoint.answer = lambda form: refused("invalid_grant", f"{form['refresh_token']} was revoked")
    done = refreshing.ttcli("fetch", code=77)

    assert "was revoked" in done.stdout
    assert "docs/oauth2.md" in done.stdout
    assert "erneuerung" not in done.stdout + done.stderr + told(refreshing)


def test_a_valid_token_for_another_mailbox_is_denied(oauth: World) -> None:
    """What Microsoft 365 says where the service principal has no right to the mailbox."""
    done = oauth.ttcli("fetch", code=77, EMAIL_USERNAME="somebody@example.org")
    assert "service principal" in done.stdout
    assert "zugang" not in done.stdout + done.stderr + told(oauth)


def test_where_the_token_cannot_be_kept_none_is_asked_for(
    refreshing: World, endpoint: TokenEndpoint
) -> None:
    """A spool that cannot be written is found out before the provider takes the token back."""
    refreshing.ttcli("fetch")
    state = refreshing.base / "state"
    state.rename(refreshing.base / "was-state")
    state.write_text("in the way")
    refreshing.ttcli("fetch", code=74)
    assert len(endpoint.forms) == 1


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"EMAIL_OAUTH_TOKEN_URL": ""}, "EMAIL_OAUTH_PROVIDER"),
        ({"EMAIL_TOKEN_COMMAND": "/bin/true"}, "keep one"),
        ({"EMAIL_OAUTH_CLIENT_ID": ""}, "EMAIL_OAUTH_CLIENT_ID is not set"),
        ({"EMAIL_OAUTH_CLIENT_SECRET": ""}, "EMAIL_OAUTH_REFRESH_TOKEN is not set"),
        ({"EMAIL_OAUTH_PROVIDER": "microsoft"}, "EMAIL_OAUTH_TENANT is not set"),
        ({"EMAIL_OAUTH_PROVIDER": "google"}, "EMAIL_OAUTH_REFRESH_TOKEN is not set"),
        ({"EMAIL_OAUTH_KEY_FILE": "/key.pem"}, "EMAIL_OAUTH_PROVIDER"),
        ({"EMAIL_OAUTH_KEY_FILE": "/k", "EMAIL_OAUTH_REFRESH_TOKEN": "x"}, "keep one"),
        ({"EMAIL_OAUTH_TOKEN_URL": "http://id.example.org/"}, "https://"),
        ({"EMAIL_OAUTH_TOKEN_URL": "file:///etc/passwd"}, "https://"),
    ],
)
def test_what_a_login_lacks_is_named(oauth: World, variables: Dict[str, str], says: str) -> None:
    """78, before anything is asked for."""
    assert says in oauth.ttcli("fetch", code=78, **variables).stderr


def test_a_person_logs_in_once(world: World, mailbox: Account) -> None:
    """`ttcli login` shows the code; from then on the token that came of it is used."""
    pytest.importorskip("msal", reason="msal is not installed")
    waiting = [refused("authorization_pending")]

    def provider(form: Form) -> Answer:
        if "grant_type" not in form:
            said = "Open https://example.org/device and type ABCD"
            return 200, {}, {"device_code": "dev", "user_code": "ABCD", "expires_in": 60,
                             "interval": 1, "message": said}  # fmt: skip
        if form["grant_type"].endswith("device_code") and waiting:
            return waiting.pop()
        number = form.get("refresh_token", "erneuerung-0").split("-")[1]
        return granted(ACCESS, refresh_token=f"erneuerung-{int(number) + 1}", scope="imap")

    with TokenEndpoint(mailbox.server.home, provider) as endpoint:
        given = {
            "EMAIL_AUTH": "oauth2",
            "EMAIL_OAUTH_PROVIDER": "microsoft",
            "EMAIL_OAUTH_TOKEN_URL": endpoint.url,
            "EMAIL_OAUTH_CLIENT_ID": "app",
            "DEBUG": "true",
        }
        assert "ttcli login" in world.ttcli("fetch", code=78, **given).stdout
        done = world.ttcli("login", **given)
        world.ttcli("fetch", **given)
        sent = [f["refresh_token"] for f in endpoint.forms if "refresh_token" in f]

    assert "type ABCD" in done.stderr
    assert "by refresh token" in done.stdout
    assert sent == ["erneuerung-1", "erneuerung-2"]
    assert "erneuerung" not in done.stdout + done.stderr + told(world)
    assert stat.S_IMODE(kept(world).stat().st_mode) == 0o600


def test_a_login_for_somebody_else_is_told(oauth: World) -> None:
    """An application with a secret has nothing to ask a person for."""
    done = oauth.ttcli("login", code=78)
    assert "EMAIL_OAUTH_PROVIDER=microsoft" in done.stderr


def test_a_mailbox_of_its_own_has_tokens_of_its_own(
    world: World, mailbox: Account, endpoint: TokenEndpoint
) -> None:
    """[[mailbox]] takes the same settings; its secrets are struck out of logs as well."""
    token = world.base.with_name("token")
    token.write_text(FIRST)
    lines = [
        "[[mailbox]]", 'name = "acme"', f'username = "{NAME}"', 'auth = "oauth2"',
        f'oauth_token_url = "{endpoint.url}"', 'oauth_client_id = "app"',
        f'oauth_refresh_token_file = "{token}"',
    ]  # fmt: skip
    world.base.with_name("mapping.toml").write_text("\n".join(lines))
    outputs = [world.ttcli("fetch", EMAIL_PASSWORD="", DEBUG="true") for _ in range(2)]

    sent = [form["refresh_token"] for form in endpoint.forms]
    assert sent == ["erneuerung-1", "erneuerung-2"]
    assert "erneuerung" not in "".join(d.stdout + d.stderr for d in outputs) + told(world)
