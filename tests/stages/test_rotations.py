"""Refresh tokens on disk: killed at any moment, used by two at once, damaged."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Callable, List, Optional

import pytest

from tests.fix_oauth import FIRST, Provider, settings
from tests.mail.endpoint import TokenEndpoint
from ttcli.config import MailboxSettings, Secret
from ttcli.errors import SpoolFault, Temporary
from ttcli.mail.token import access_token
from ttcli.spool import lock
from ttcli.spool.store import Spool
from ttcli.stages.mailbox.rotations import Rotations

DIED = 9


@pytest.fixture
def endpoint(endpoint: TokenEndpoint) -> TokenEndpoint:
    """A provider that rotates."""
    endpoint.answer = Provider()
    return endpoint


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def mailbox(home: Path, endpoint: TokenEndpoint, token: str = FIRST) -> MailboxSettings:
    """A mailbox that a refresh token opens."""
    return settings(home, endpoint.settings(refresh_token=Secret(token)))


def ask(spool: Spool, given: MailboxSettings, die_before: Optional[int] = None) -> int:
    """Asks in a fork, which ends before that durable step; returns the steps it took, -1: died."""
    child = os.fork()
    if child == 0:
        steps = _counted(die_before)
        try:
            access_token(given, Rotations(spool, given))
            os._exit(100 + len(steps))
        except BaseException:
            os._exit(1)
    code = os.WEXITSTATUS(os.waitpid(child, 0)[1])
    assert code == DIED or code >= 100
    return -1 if code == DIED else code - 100


def _counted(die_before: Optional[int]) -> List[str]:
    steps: List[str] = []

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if len(steps) == die_before:
                os._exit(DIED)
            steps.append(name)
            return function(*arguments, **named)

        return call

    for name in ("fsync", "rename"):
        setattr(os, name, counted(name, getattr(os, name)))
    return steps


def test_killed_at_any_step_the_next_run_gets_in(
    home: Path, endpoint: TokenEndpoint, spool: Spool
) -> None:
    """As long as the provider honours a token until it has seen its successor."""
    given = mailbox(home, endpoint)
    steps = ask(spool, given)
    assert steps >= 6  # a file proven to be writable, and a file kept: fsync, rename, fsync
    for step in range(steps):
        assert ask(spool, given, die_before=step) == -1
        assert ask(spool, given) == steps, f"killed before step {step}"


def test_what_is_half_written_is_not_read(
    home: Path, endpoint: TokenEndpoint, spool: Spool
) -> None:
    """A crash leaves the old file or the new one, and a leftover that only its owner reads."""
    given = mailbox(home, endpoint)
    steps = ask(spool, given)
    ask(spool, given, die_before=steps - 2)  # before the rename that keeps the successor
    files = [path for path in (spool.base / "state").glob("oauth-*") if path.suffix != ".lock"]
    assert len(files) == 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_two_at_once_take_turns(home: Path, endpoint: TokenEndpoint, spool: Spool) -> None:
    """A run and a watch use no token twice: each begins with the other's successor."""
    given = mailbox(home, endpoint)
    faults: List[BaseException] = []

    def one() -> None:
        try:
            access_token(given, Rotations(spool, given))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    sent = [form["refresh_token"] for form in endpoint.forms]
    assert faults == []
    assert sent == [f"erneuerung-{number}" for number in range(1, 9)]


def test_a_turn_is_not_waited_for_without_end(
    home: Path, endpoint: TokenEndpoint, spool: Spool
) -> None:
    """A process that hangs with the lock in its hands costs the others one run."""
    rotations = Rotations(spool, mailbox(home, endpoint))
    refused = pytest.raises(Temporary, match="held by another process")
    with rotations.turn(1), refused, rotations.turn(0.2):
        pass
    with lock.awaited(spool.base / "state" / "free.lock", 0):
        pass


def test_a_damaged_file_is_named(home: Path, endpoint: TokenEndpoint, spool: Spool) -> None:
    """It is not guessed at; without it the configured token is used."""
    given = mailbox(home, endpoint)
    access_token(given, Rotations(spool, given))
    (path,) = (spool.base / "state").glob("oauth-*.json")
    path.write_text("{")
    with pytest.raises(SpoolFault, match="damaged"):
        access_token(given, Rotations(spool, given))


def test_accounts_do_not_share_a_token(home: Path, endpoint: TokenEndpoint, spool: Spool) -> None:
    """Each user, and each application, has his own."""
    given = mailbox(home, endpoint)
    with Rotations(spool, given).turn(1) as turn:
        turn.keep(Secret("mine"))
    other = given._replace(username="other@example.org")
    application = given._replace(oauth=given.oauth._replace(client_id="another"))
    for each in (other, application):
        assert [t.reveal() for t in Rotations(spool, each).tokens()] == [FIRST]
    assert [t.reveal() for t in Rotations(spool, given).tokens()] == ["mine", FIRST]
