"""A fault anywhere in the stream, then one clean run: exactly the right mails, none twice."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from typing import Dict, Iterator, Tuple

import pytest

from tests.fix_dovecot import Account, Dovecot, running_dovecot
from tests.mail.proxy import FAULTS, Proxy
from tests.mails import report_mail
from ttcli.errors import OutsideFault, Temporary
from ttcli.mail.session import Session

Expected = Dict[int, str]
STEPS = 40


@pytest.fixture(scope="module")
def reports() -> Iterator[Tuple[Account, Expected]]:
    """An account with twelve reports between other mails, and what they hold by UID."""
    with running_dovecot() as server:
        account = Account(server, "reports")
        expected = {}
        for number in range(12):
            account.append(report_mail(b"x", subject="Lunch"))
            content = hashlib.sha512(b"%d" % number).digest() * (number * 40 + 1)
            uid = account.append(report_mail(b"PK\x03\x04" + content))
            expected[uid] = digest(b"PK\x03\x04" + content)
        yield account, expected
        account.close()


def digest(data: bytes) -> str:
    """What tells attachments apart."""
    return hashlib.sha256(data).hexdigest()


class Stage:
    """The fetch stage in small: what is durable, and the cursor that follows it."""

    def __init__(self) -> None:
        self.kept: Expected = {}
        self.cursor = 0

    def run(self, account: Account, port: int) -> None:
        """One run, to its end or the fault."""
        with Session(account.settings(port=port, timeout=1)) as session:
            for mail in session.new_mails(self.cursor):
                assert mail.uid not in self.kept
                (attachment,) = mail.attachments
                self.kept[mail.uid] = digest(attachment.data)
                self.cursor = session.seen_through
            self.cursor = session.seen_through


def total_bytes(account: Account) -> int:
    """What the server says in a run without fault."""
    server = account.server
    with Proxy(server.home, server.imap_port) as proxy:
        Stage().run(account, proxy.port)
        return proxy.passed


def spoil(account: Account, expected: Expected, fault: str, at: int) -> None:
    """A run with the fault at that byte, a clean run, and the law of this module."""
    server, stage, before = account.server, Stage(), set(threading.enumerate())
    with Proxy(server.home, server.imap_port, fault, at) as proxy:
        with contextlib.suppress(OutsideFault):
            stage.run(account, proxy.port)
        assert proxy.struck
        stage.run(account, proxy.port)
    assert stage.kept == expected, f"{fault} at byte {at}"
    assert set(threading.enumerate()) - before == set()


KINDS = sorted(set(FAULTS) - {"flip"})  # TLS itself notices a flipped bit on a real line


def test_a_fault_anywhere_loses_and_doubles_nothing(reports: Tuple[Account, Expected]) -> None:
    """At every fortieth of the stream another kind: cuts, stalls, garbage, lies about lengths."""
    account, expected = reports
    total = total_bytes(account)

    for step in range(STEPS):
        spoil(account, expected, KINDS[step % len(KINDS)], total * step // STEPS)


@pytest.mark.nightly
@pytest.mark.parametrize("fault", KINDS)
def test_every_fault_everywhere(reports: Tuple[Account, Expected], fault: str) -> None:
    """The long form: each kind at every fortieth."""
    account, expected = reports
    total = total_bytes(account)

    for step in range(STEPS):
        spoil(account, expected, fault, total * step // STEPS)


def test_a_server_that_restarts_is_found_again(mailbox: Account, dovecot: Dovecot) -> None:
    """Down in the middle of a run, back in the next."""
    for _ in range(3):
        mailbox.append(report_mail(b"x"))
    stage = Stage()
    with Session(mailbox.settings()) as session:
        next(session.new_mails(0))
    mailbox.stop()
    with pytest.raises(Temporary):
        stage.run(mailbox, dovecot.imaps_port)
    mailbox.start()
    stage.run(mailbox, dovecot.imaps_port)

    assert sorted(stage.kept) == [1, 2, 3]
