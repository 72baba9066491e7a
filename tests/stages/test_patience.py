"""A server that asks to be left alone is, until the moment it named."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.fix_dovecot import make_certificates
from tests.mail.endpoint import TokenEndpoint
from tests.mail.scripted import HANG_UP, Reply, Scripted
from ttcli.errors import TEMPORARY, Temporary
from ttcli.spool.item import read_time, time_text
from ttcli.spool.store import Spool
from ttcli.stages.fetch import fetch
from ttcli.stages.mailbox.session import opened
from ttcli.stages.watch import watch

MICROSOFT = b"BAD Request is throttled. Suggested Backoff Time: 299910 milliseconds"
THROTTLED: Dict[str, Reply] = {"STATUS .*": b"TAG " + MICROSOFT + b"\r\n"}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def noted(spool: Spool) -> Path:
    """The one file that says until when to wait."""
    (path,) = (spool.base / "state").glob("wait-*.json")
    return path


def left(spool: Spool) -> float:
    """Seconds that are left to wait."""
    until = read_time(json.loads(noted(spool).read_text())["until"])
    return (until - datetime.now(timezone.utc)).total_seconds()


def until(spool: Spool, moment: timedelta) -> None:
    """Sets the end of the wait, counted from now."""
    record = json.loads(noted(spool).read_text())
    record["until"] = time_text(datetime.now(timezone.utc) + moment)
    noted(spool).write_text(json.dumps(record))


PLACES: List[Dict[str, Reply]] = [
    THROTTLED,
    {"LOGIN .*": b"TAG " + MICROSOFT + b"\r\n"},
    {"EXAMINE .*": b"TAG " + MICROSOFT + b"\r\n"},
    {"UID SEARCH .*": b"TAG " + MICROSOFT + b"\r\n"},
    {"UID FETCH .*": b"TAG " + MICROSOFT + b"\r\n"},
    {"UID FETCH .*": b"TAG NO" + MICROSOFT[3:] + b"\r\n* BYE Connection closed. 14\r\n" + HANG_UP},
    {"CAPABILITY": b"* BYE" + MICROSOFT[3:] + b"\r\n" + HANG_UP},
]


@pytest.mark.parametrize("script", PLACES)
def test_the_next_fetch_does_not_connect(spool: Spool, script: Dict[str, Reply]) -> None:
    """Wherever the words came: 75, with them and the moment, and not a byte to the server."""
    with Scripted(script) as server:
        first = fetch(spool, [server.settings()])
        heard = len(server.heard)
        second = fetch(spool, [server.settings()])

        assert first.exit_code == second.exit_code == TEMPORARY
        assert "Suggested Backoff Time: 299910" in str(first.fault)
        assert "Suggested Backoff Time: 299910" in str(second.fault)
        assert json.loads(noted(spool).read_text())["until"] in str(second.fault)
        assert len(server.heard) == heard
        assert 290 < left(spool) <= 300


def test_a_greeting_asks_as_well(spool: Spool) -> None:
    """Before anybody logs in."""
    with Scripted({}, b"* BYE" + MICROSOFT[3:] + b"\r\n") as server:
        fetch(spool, [server.settings()])
    assert 290 < left(spool) <= 300


def test_nothing_is_done_to_mails_meanwhile(spool: Spool) -> None:
    """Every stage connects the same way."""
    with Scripted(THROTTLED) as server:
        fetch(spool, [server.settings()])
        heard = len(server.heard)
        with pytest.raises(Temporary, match="left alone until"), opened(spool, server.settings()):
            pass
        assert len(server.heard) == heard


def test_after_the_moment_it_connects(spool: Spool) -> None:
    """And what it then brings is fetched."""
    script = dict(THROTTLED)
    with Scripted(script) as server:
        fetch(spool, [server.settings()])
        until(spool, timedelta(milliseconds=-1))
        heard = len(server.heard)
        fetch(spool, [server.settings()])
        assert len(server.heard) > heard


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (b"BAD Suggested Backoff Time: 999999999 milliseconds", 86400),
        (b"BAD Suggested Backoff Time: 999999999", 86400),
        (b"BAD Suggested Backoff Time: 500 milliseconds", 1),
        (b"BAD Suggested Back-off Time: 7 s", 7),
    ],
)
def test_the_wait_is_as_long_as_asked_and_a_day_at_most(
    spool: Spool, words: bytes, most: int
) -> None:
    """Milliseconds or seconds; a number that cannot be meant costs no week."""
    with Scripted({"STATUS .*": b"TAG " + words + b"\r\n"}) as server:
        fetch(spool, [server.settings()])
    assert most - 5 < left(spool) <= most


def test_a_clock_that_was_set_back_does_not_stop_us(spool: Spool) -> None:
    """A moment further away than any we note is none."""
    with Scripted(THROTTLED) as server:
        fetch(spool, [server.settings()])
        until(spool, timedelta(days=30))
        heard = len(server.heard)
        fetch(spool, [server.settings()])
        assert len(server.heard) > heard


@pytest.mark.parametrize(
    "words", [b"NO [OVERQUOTA] Account exceeded bandwidth limits", b"BAD what"]
)
def test_words_without_a_time_ask_for_nothing(spool: Spool, words: bytes) -> None:
    """The next run tries again."""
    with Scripted({"STATUS .*": b"TAG " + words + b"\r\n"}) as server:
        fetch(spool, [server.settings()])
    assert not list((spool.base / "state").glob("wait-*"))


def test_another_account_is_not_held_up(spool: Spool) -> None:
    """The limit is the account's."""
    with Scripted(THROTTLED) as server:
        fetch(spool, [server.settings()])
        heard = len(server.heard)
        fetch(spool, [server.settings(username="other")])
        assert len(server.heard) > heard


def test_a_token_endpoint_may_ask_too(spool: Spool, tmp_path: Path) -> None:
    """Retry-After of a 429 holds for the next run."""
    make_certificates(tmp_path)
    offer = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nTAG OK\r\n"}
    busy = (429, {"Retry_After": "100"}, b"")
    with Scripted(offer) as server, TokenEndpoint(tmp_path, lambda _: busy) as endpoint:
        given = server.settings(
            auth="oauth2", oauth=endpoint.settings(), ca_file=tmp_path / "ca.pem", timeout=5
        )
        for _ in range(2):
            assert fetch(spool, [given]).exit_code == TEMPORARY
    assert len(endpoint.forms) == 1
    assert 90 < left(spool) <= 100


class Enough(Exception):
    """Ends a watch."""


def test_watch_waits_that_long(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    """Not a second, doubled, as after any other fault."""

    def run() -> int:
        if "connecting again" in caplog.text:
            raise Enough
        time.sleep(0.05)
        return 0

    with Scripted(THROTTLED) as server, pytest.raises(Enough):
        watch(spool, [server.settings()], 0.01, run)
    (seconds,) = re.findall(r"connecting again in (\d+) s", caplog.text)
    assert 290 < int(seconds) <= 300


def test_a_spool_that_takes_no_note_is_no_worse(spool: Spool) -> None:
    """The server's words are what is reported, not the full disk."""
    state = spool.base / "state"

    def lost(command: bytes, match: Any) -> bytes:
        state.rename(spool.base / "elsewhere")
        state.write_text("in the way")
        return b"TAG " + MICROSOFT + b"\r\n"

    with Scripted({"STATUS .*": lost}) as server:
        report = fetch(spool, [server.settings()])
    assert "Suggested Backoff Time" in str(report.fault)
