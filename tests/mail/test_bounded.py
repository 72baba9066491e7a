"""Every wait has an end: silence, or signs of life without an answer, at every step of a session.

The servers here go on for ever, so a wait without end is a test without end.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Dict, Iterator, List, Optional

import pytest

from tests.mail.scripted import DRIP, Reply, Scripted
from ttcli.errors import OutsideFault, Temporary
from ttcli.mail.session import Session


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """Every ending ends the session's threads."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) - before == set()


def silence(command: bytes, match: Any) -> Optional[bytes]:
    """No word."""
    return None


def use(server: Scripted, **overrides: Any) -> None:
    """A session through all its steps."""
    with Session(server.settings(timeout=0.2, **overrides)) as session:
        list(session.new_mails(0))
        session.wait(1)


OFFERS = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 IDLE\r\nTAG OK\r\n"
STEPS = ["STARTTLS", "CAPABILITY", "LOGIN .*", "STATUS .*", "EXAMINE .*", "UID SEARCH .*"]
STEPS += ["UID FETCH .*", "IDLE"]


@pytest.mark.parametrize("reply", [silence, DRIP, b"TAG ", b"* 1 FETCH (UID 1 BODY[1] {9}\r\n"])
@pytest.mark.parametrize("step", STEPS)
def test_a_command_that_gets_no_answer_ends(step: str, reply: Reply) -> None:
    """75: silence, untagged words without end, half an answer, half a literal."""
    script: Dict[str, Reply] = {"CAPABILITY": OFFERS, step: reply}
    if step == "IDLE":
        script["UID SEARCH .*"] = b"* SEARCH\r\nTAG OK\r\n"
    with Scripted(script) as server, pytest.raises(Temporary):
        use(server)


@pytest.mark.parametrize("reply", [silence, DRIP, b"+ \r\n" + DRIP])
def test_an_authentication_that_gets_no_answer_ends(reply: Reply) -> None:
    """Challenges without a verdict, too."""
    script: Dict[str, Reply] = {"CAPABILITY": OFFERS, "AUTHENTICATE .*": reply, "[^ ]*": silence}
    with Scripted(script) as server, pytest.raises(Temporary):
        use(server, auth="oauth2", token_command="/bin/echo token")


@pytest.mark.parametrize("greeting", [b"", b"* OK rea", DRIP])
@pytest.mark.parametrize("tls", [False, True])
def test_a_greeting_that_does_not_come_ends(greeting: bytes, tls: bool) -> None:
    """Nor does a handshake that gets a byte now and then."""
    server = Scripted({}, greeting, drop=b"\x16" if tls else b"x")
    with server, pytest.raises(OutsideFault):
        use(server, tls=tls)


def test_a_handshake_in_small_pieces_ends() -> None:
    """A record that is announced in full, and comes byte by byte."""
    record = b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb"
    with Scripted({}, record + DRIP, drop=b"\0") as server, pytest.raises(Temporary):
        use(server, tls=True)


def test_a_logout_without_answer_ends() -> None:
    """All that mattered is said by then: no error."""
    with Scripted({"LOGOUT": DRIP}) as server, Session(server.settings(timeout=0.2)) as session:
        session.folder()


def test_an_address_that_swallows_everything_ends() -> None:
    """A listener whose queue is full answers no SYN."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        time.sleep(0.1)
        with Scripted({}) as server, pytest.raises(Temporary, match="no answer in time"):
            use(server, port=full.getsockname()[1])
        for each in waiting:
            each.close()


def test_several_addresses_share_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a hundred dead addresses costs one timeout, not a hundred."""
    waited: List[float] = []

    def dead(self: socket.socket, address: Any) -> None:
        waited.append(self.gettimeout() or 60)
        time.sleep(waited[-1])
        raise socket.timeout("timed out")

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 993)) for n in range(100)]
    with Scripted({}) as server:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(socket.socket, "connect", dead)
        with pytest.raises(Temporary, match="no answer in time"):
            use(server)
    assert len(waited) == 100
    assert sum(waited) < 0.3
