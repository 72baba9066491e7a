"""What is done to mails after the load, and waiting for new ones, on a real Dovecot."""

from __future__ import annotations

import threading
from typing import Any, Dict

import pytest

from tests.fix_dovecot import Account
from tests.mail.scripted import Reply, Scripted
from tests.mails import report_mail
from ttcli.errors import AccessDenied, ConfigError, Temporary
from ttcli.mail.imap.actions import Action, action
from ttcli.mail.session import Session


def perform(account: Account, text: str, *uids: int, **overrides: Any) -> bool:
    """One action in a session of its own."""
    with Session(account.settings(**overrides)) as session:
        return session.apply(action(text), session.folder().uidvalidity, uids)


def test_actions_are_read_as_people_write_them() -> None:
    """Case and blanks do not matter, a folder keeps both."""
    assert action(" Nothing ") == Action("nothing")
    assert action("SEEN") == Action("seen")
    assert action("move: Done/Ä b ") == Action("move", "Done/Ä b")


@pytest.mark.parametrize("text", ["", "delete", "move", "move:", "seen:x", "flag move"])
def test_anything_else_is_no_action(text: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(ValueError, match="move:FOLDER"):
        action(text)


@pytest.mark.parametrize(("text", "flags"), [("seen", ["\\Seen"]), ("flag", ["\\Flagged"])])
def test_flags_are_set_once_and_again(mailbox: Account, text: str, flags: Any) -> None:
    """Twice is as good as once; other mails and other flags stay."""
    mailbox.append(report_mail(b"x"), flags=["\\Answered"])
    mailbox.append(report_mail(b"x"))

    assert perform(mailbox, text, 1)
    assert perform(mailbox, text, 1)

    assert mailbox.flags() == {1: sorted(["\\Answered", *flags]), 2: []}


def test_nothing_is_nothing(mailbox: Account) -> None:
    """The default leaves no trace."""
    mailbox.append(report_mail(b"x"))

    assert perform(mailbox, "nothing", 1)
    assert mailbox.flags() == {1: []}


def test_a_move_moves_once(mailbox: Account) -> None:
    """The second time there is nothing left to move, and no error."""
    mailbox.append(report_mail(b"old"), folder="Done &AOQ-")
    for _ in range(3):
        mailbox.append(report_mail(b"x"))

    assert perform(mailbox, "move:Done ä", 1, 3)
    assert perform(mailbox, "move:Done ä", 1, 3)

    assert list(mailbox.flags()) == [2]
    assert len(mailbox.flags("Done &AOQ-")) == 3


@pytest.mark.parametrize("offered", ["UIDPLUS", ""])
def test_a_move_without_move_copies_and_deletes(
    mailbox: Account, offered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only our mail is expunged; without UIDPLUS it is only marked, since EXPUNGE takes others."""
    mailbox.append(report_mail(b"x"), folder="Done")
    mailbox.append(report_mail(b"x"), flags=["\\Deleted"])
    mailbox.append(report_mail(b"x"))
    monkeypatch.setattr(
        "ttcli.mail.imap.commands.Commands.capabilities", lambda self: offered.split()
    )

    assert perform(mailbox, "move:Done", 2)
    assert perform(mailbox, "move:Done", 2)

    assert len(mailbox.flags("Done")) == 2
    left: Dict[int, Any] = {1: ["\\Deleted"]}
    assert mailbox.flags() == (left if offered else {**left, 2: ["\\Deleted"]})


def test_a_move_to_nowhere_names_the_folders(mailbox: Account) -> None:
    """Nothing is created that nobody asked for."""
    mailbox.append(report_mail(b"x"))

    with pytest.raises(ConfigError, match="move to one of: INBOX"):
        perform(mailbox, "move:Nowhere", 1)
    assert mailbox.flags() == {1: []}


def test_mails_of_a_replaced_folder_are_left_alone(mailbox: Account) -> None:
    """Under another UIDVALIDITY the same UID is another mail."""
    mailbox.append(report_mail(b"x"), folder="Reports")
    with Session(mailbox.settings(folder="Reports")) as session:
        old = session.folder().uidvalidity
    mailbox.recreate("Reports")
    mailbox.append(report_mail(b"y"), folder="Reports")
    with Session(mailbox.settings(folder="Reports")) as session:
        assert not session.apply(Action("seen"), old, [1])

    assert mailbox.flags("Reports") == {1: []}


def test_a_folder_that_may_only_be_read_is_told() -> None:
    """77: somebody must give the right."""
    script: Dict[str, Reply] = {r"SELECT .*": b"* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-ONLY] x\r\n"}
    with Scripted(script) as server, pytest.raises(AccessDenied, match="only be read"):  # noqa: SIM117
        with Session(server.settings()) as session:
            session.apply(Action("seen"), 7, [1])
    assert not any("STORE" in each for each in server.heard)


def test_waiting_ends_with_a_mail(mailbox: Account) -> None:
    """IDLE: not before a mail arrives, and then with it."""
    with Session(mailbox.settings()) as session:
        session.folder()
        assert not session.wait(0.2)
        mailbox.imap()  # logged in already when its moment comes
        late = threading.Timer(0.3, mailbox.append, [report_mail(b"x")])
        late.start()
        assert session.wait(30)
        late.join()
        session.folder()
        assert [mail.uid for mail in session.new_mails(0)] == [1]


def test_a_mail_that_came_before_waiting_counts(mailbox: Account) -> None:
    """Between the last look and IDLE nothing is overlooked."""
    with Session(mailbox.settings()) as session:
        session.folder()
        mailbox.append(report_mail(b"x"))
        assert session.wait(30)


def test_waiting_without_idle_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that knows no IDLE is asked by NOOP."""
    monkeypatch.setattr("ttcli.mail.imap.waiting._POLL", 0.01)
    answers = [b"TAG OK\r\n", b"* 4 EXISTS\r\n* 1 RECENT\r\nTAG OK\r\n"]
    script: Dict[str, Reply] = {r"NOOP": lambda command, match: answers.pop(0)}
    with Scripted(script) as server, Session(server.settings()) as session:
        assert session.wait(30)
    assert server.heard.count("NOOP") == 2


def test_a_server_that_ends_while_we_wait_is_noticed(mailbox: Account) -> None:
    """At once, as Temporary; whoever waits connects anew."""
    with Session(mailbox.settings()) as session:
        session.folder()
        threading.Timer(0.3, mailbox.stop).start()
        with pytest.raises(Temporary):
            session.wait(30)
    mailbox.start()


@pytest.mark.parametrize("answer", [b"TAG BAD what?\r\n", b"TAG NO not here\r\n"])
def test_an_idle_that_is_refused_is_a_server_without(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """Offered and refused: then it is asked now and then, over the same connection."""
    monkeypatch.setattr("ttcli.mail.imap.waiting._POLL", 0.01)
    answers = [b"TAG OK\r\n", b"* 4 EXISTS\r\nTAG OK\r\n"]
    script: Dict[str, Reply] = {
        r"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK\r\n",
        r"IDLE": answer,
        r"NOOP": lambda command, match: answers.pop(0),
    }
    with Scripted(script) as server, Session(server.settings()) as session:
        assert session.wait(30)
    assert server.heard.count("IDLE") == 1


SILENT: Dict[str, Reply] = {
    r"STATUS .*": b"* STATUS INBOX (UIDVALIDITY 7)\r\nTAG OK\r\n",
    r"EXAMINE .*": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\nTAG OK\r\n",
}


def test_a_server_that_gives_no_uidnext_is_waited_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A UIDNEXT that STATUS leaves out is no mail that has arrived."""
    monkeypatch.setattr("ttcli.mail.imap.waiting._POLL", 0.01)
    with Scripted(SILENT) as server, Session(server.settings()) as session:
        session.folder()
        assert not session.wait(0.1)


@pytest.mark.parametrize(
    ("told", "law"),
    [
        (b"* 3 EXISTS\r\n", False),
        (b"* 3 EXISTS\r\n* 0 RECENT\r\n", False),
        (b"* 1 EXPUNGE\r\n* 2 EXISTS\r\n", False),
        (b"* 1 FETCH (FLAGS (\\Seen))\r\n", False),
        (b"* 1 EXPUNGE\r\n* 3 EXISTS\r\n", True),
        (b"* 5 EXISTS\r\n* 5 EXPUNGE\r\n", True),
    ],
)
def test_only_more_mails_are_an_arrival(
    monkeypatch: pytest.MonkeyPatch, told: bytes, law: bool
) -> None:
    """Some servers repeat EXISTS as a sign of life: no run for that; one for one that replaces."""
    monkeypatch.setattr("ttcli.mail.imap.waiting._POLL", 0.01)
    first = [told]

    def noop(command: bytes, match: object) -> bytes:
        return (first.pop() if first else b"") + b"TAG OK\r\n"

    with Scripted({**SILENT, r"NOOP": noop}) as server, Session(server.settings()) as session:
        arrivals = session.arrivals()
        assert arrivals.wait(0.2) is law
        assert arrivals.wait(0.05) is False
