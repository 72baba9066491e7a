"""Which mails the subject filter takes: however it is written, and however many are new."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from tests.fix_dovecot import Account
from tests.mail.scripted import STRUCTURE, Reply, Scripted, literal, look, parts
from tests.mail.spellings import WORDS, others, right
from ttcli.errors import Temporary
from ttcli.mail.fetch.subjects import Wanted, _askable
from ttcli.mail.imap.commands import uid_set
from ttcli.mail.session import Session

OK = b"TAG OK\r\n"
RIGHT, OTHERS = right(), others()


def uids(account: Account, **overrides: Any) -> List[int]:
    """Of the mails that come."""
    with Session(account.settings(**overrides)) as session:
        return [mail.uid for mail in session.new_mails(0)]


def fill(account: Account, *raws: bytes) -> None:
    """UIDs count from 1."""
    for raw in raws:
        account.append(raw)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven mails are many: their subjects are asked for first, in several commands."""
    monkeypatch.setattr("ttcli.mail.session._BATCH", 7)
    monkeypatch.setattr("ttcli.mail.session._STRETCH", 50)
    monkeypatch.setattr("ttcli.mail.fetch.subjects._COMMAND", 4)


@pytest.mark.parametrize("header", RIGHT, ids=range(len(RIGHT)))
def test_every_spelling_is_the_subject(header: bytes) -> None:
    """Charsets nobody knows, words cut anywhere, fields written twice."""
    assert Wanted(WORDS).in_header(header.partition(b"Content-Type")[0])


@pytest.mark.parametrize("header", OTHERS, ids=range(len(OTHERS)))
def test_another_subject_is_none_of_them(header: bytes) -> None:
    """Words in another order, another field, or the body."""
    assert not Wanted(WORDS).in_header(header.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")


@pytest.mark.parametrize("number", [0, 600], ids=["few", "more than one look"])
def test_a_real_server_keeps_no_spelling_from_us(mailbox: Account, number: int) -> None:
    """Dovecot's own search loses a quarter of them; the cursor passes none."""
    fill(mailbox, *[b"Subject: Lunch\r\n\r\nx\r\n"] * number, *OTHERS, *RIGHT)
    first = number + len(OTHERS) + 1

    assert uids(mailbox) == list(range(first, first + len(RIGHT)))


@pytest.mark.usefixtures("many")
def test_many_mails_give_the_same_in_order(mailbox: Account) -> None:
    """Over commands, looks and stretches: each right one once, and seen through to the end."""
    raws = [raw for pair in zip(RIGHT, OTHERS * len(RIGHT)) for raw in pair]
    fill(mailbox, *raws)

    with Session(mailbox.settings()) as session:
        got = []
        for mail in session.new_mails(0):
            got.append(mail.uid)
            assert session.seen_through == mail.uid
        assert session.seen_through == len(raws)
    assert got == list(range(1, len(raws), 2))


@pytest.mark.usefixtures("many")
def test_many_mails_without_a_filter_all_come(mailbox: Account) -> None:
    """No subject is asked for then, and a mail without one is no exception."""
    fill(mailbox, *OTHERS, *RIGHT[:10])

    assert uids(mailbox, subject_filter="") == list(range(1, len(OTHERS) + 11))


def test_letters_are_compared_however_they_are_composed(mailbox: Account) -> None:
    """A Mac writes ü as u and two dots."""
    subject = b"=?utf-8?Q?Sendungsu=CC=88bersicht?="
    fill(mailbox, b"Subject: " + subject + b"\r\n\r\nx\r\n")

    assert uids(mailbox, subject_filter="SENDUNGSÜBERSICHT") == [1]


def subjects(*told: bytes) -> bytes:
    """Answers to the question for subjects; empty: the server leaves the mail out."""
    name = b"BODY[HEADER.FIELDS (SUBJECT)]"
    answers = [
        b"* %d FETCH (UID %d " % (uid, uid) + name + b" " + value + b")\r\n"
        for uid, value in enumerate(told, 1)
        if value
    ]
    return b"".join(answers)


LUNCH, RIGHT_ONE = literal(b"Subject: Lunch\r\n\r\n"), literal(b"Subject: Track and Trace\r\n\r\n")


def script(first: bytes) -> Dict[str, Reply]:
    """Three mails of which all match but those that say Lunch; `first` answers for subjects."""
    looks = [look(uid) for uid in (1, 2, 3)]
    return {
        r"UID FETCH \S+ \(UID BODY.PEEK\[HEADER.FIELDS \(SUBJECT\)\]\)": first,
        r"UID FETCH .*BODYSTRUCTURE.*": b"".join(looks) + OK,
        r"UID FETCH .*": b"".join(parts(uid, b"abc") for uid in (1, 2, 3)) + OK,
    }


@pytest.mark.parametrize(
    "odd", [b"", b"NIL", literal(b""), b'""', b"(", b'"Subject: Track and Trace"']
)
def test_a_subject_that_is_not_told_is_looked_at(
    odd: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left out, NIL, garbled: whatever is no answer does not pass a mail over."""
    monkeypatch.setattr("ttcli.mail.session._BATCH", 2)
    answer = subjects(LUNCH, odd, RIGHT_ONE) + OK
    with Scripted(script(answer)) as server:
        settings = server.settings(subject_filter=WORDS)
        with Session(settings) as session:
            assert [mail.uid for mail in session.new_mails(0)] == [2, 3]


def test_a_refused_question_for_subjects_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO, and everything is looked at; asked for patience, the run stops where it was."""
    monkeypatch.setattr("ttcli.mail.session._BATCH", 2)
    with Scripted(script(b"TAG NO cannot\r\n")) as server:  # noqa: SIM117
        with Session(server.settings(subject_filter=WORDS)) as session:
            assert [mail.uid for mail in session.new_mails(0)] == [1, 2, 3]
    with Scripted(script(b"TAG NO [THROTTLED] slow down\r\n")) as server:  # noqa: SIM117
        with Session(server.settings(subject_filter=WORDS)) as session:
            with pytest.raises(Temporary, match="slow down"):
                list(session.new_mails(0))
            assert session.seen_through == 0


def test_the_first_matching_mail_is_looked_at_before_the_last_subject(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Downloads begin early; the others are looked at together."""
    monkeypatch.setattr("ttcli.mail.session._BATCH", 2)
    for name in ("_FIRST", "_COMMAND", "_FLYING"):
        monkeypatch.setattr(f"ttcli.mail.fetch.subjects.{name}", 1)
    with Scripted(script(subjects(RIGHT_ONE, RIGHT_ONE, RIGHT_ONE) + OK)) as server:
        settings = server.settings(subject_filter=WORDS)
        with Session(settings) as session:
            assert [mail.uid for mail in session.new_mails(0)] == [1, 2, 3]
        asked = [each for each in server.heard if each.startswith("UID FETCH")]

    first = [("BODYSTRUCTURE" in each, each.split()[2]) for each in asked[:5]]
    assert first == [(False, "1"), (True, "1"), (False, "2"), (False, "3"), (True, "2:3")]


def test_scattered_uids_make_no_line_that_a_server_refuses() -> None:
    """Neighbours fold into ranges; of the others few are asked for at once."""
    neighbours, scattered = range(1, 6001), range(10**9, 10**9 + 6000, 2)
    for uids in (neighbours, scattered):
        commands = list(_askable(list(uids)))

        assert [uid for each in commands for uid in each] == list(uids)
        assert max(len(uid_set(each)) for each in commands) < 8000
    assert len(list(_askable(list(neighbours)))) <= 4


def test_a_subject_that_was_not_told_is_asked_in_its_own_folder_only() -> None:
    """The next folder's mail of the same UID is right by its header, and is not judged again."""
    two = literal(b"Subject: Lunch\r\nSubject: Track and Trace\r\n\r\n")
    told = iter([b"", b" BODY[HEADER.FIELDS (SUBJECT)] " + two])
    seen = b'INTERNALDATE "01-Sep-2026 10:00:00 +0200" RFC822.SIZE 99 BODYSTRUCTURE ' + STRUCTURE
    script: Dict[str, Reply] = {
        r"STATUS .*": b"* STATUS INBOX (UIDVALIDITY 7 UIDNEXT 2)\r\n" + OK,
        r"UID SEARCH .*": b"* SEARCH 1\r\n" + OK,
        r"UID FETCH \S+ \(UID INTERNALDATE RFC822.*": lambda *_: (
            b"* 1 FETCH (UID 1 " + seen + next(told) + b")\r\n" + OK
        ),
        r"UID FETCH \S+ \(UID BODY.PEEK\[HEADER\] .*": (
            b"* 1 FETCH (UID 1 BODY[HEADER] " + two + b" BODY[1] " + literal(b"abc") + b")\r\n" + OK
        ),
    }
    with Scripted(script) as server, Session(server.settings(subject_filter=WORDS)) as session:
        list(session.new_mails(0))
        session.turn_to("Reports")

        assert [mail.uid for mail in session.new_mails(0)] == [1]
