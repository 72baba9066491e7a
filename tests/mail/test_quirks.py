"""What real servers do and no RFC allows: each loses or doubles nothing, and ends in time."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Type

import pytest

from tests.fix_dovecot import Dovecot
from tests.mail.scripted import (
    HANG_UP,
    STRUCTURE,
    Reply,
    Scripted,
    literal,
    look,
    parts,
    whole,
)
from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail import receiving
from ttcli.mail.message import Mail
from ttcli.mail.session import Session

LOOK, PARTS, WHOLE = (
    r"UID FETCH (\S+) \(UID INTERNALDATE RFC822.*",
    r"UID FETCH (\S+) \(UID BODY.PEEK\[HEADER\] .*",
    r"UID FETCH (\S+) \(UID INTERNALDATE BODY.PEEK\[\]\)",
)
OK = b"TAG OK\r\n"


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """Every ending, however rough, ends the session's threads."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) - before == set()


def ordinary(**changes: Reply) -> Dict[str, Reply]:
    """The script of three mails, a, b and c in them; `changes` by LOOK, PARTS, WHOLE."""
    looks = b"".join(look(uid) for uid in (1, 2, 3))
    contents = b"".join(parts(uid, bytes([96 + uid]) * 3) for uid in (1, 2, 3))
    script: Dict[str, Reply] = {
        LOOK: changes.get("LOOK", looks + OK),
        PARTS: changes.get("PARTS", contents + OK),
        WHOLE: changes.get("WHOLE", lambda _, m: whole(int(m[1]), b"whole") + OK),
    }
    return script


def read(server: Scripted, after: int = 0, **overrides: Any) -> List[Mail]:
    """One run."""
    with Session(server.settings(**overrides)) as session:
        return list(session.new_mails(after))


def contents(mails: List[Mail]) -> Dict[int, bytes]:
    """UID → the one attachment's bytes."""
    return {mail.uid: mail.attachments[0].data for mail in mails}


def test_the_script_itself_reads() -> None:
    """Without a quirk the three mails come, with few commands and none that marks."""
    with Scripted(ordinary()) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"bbb", 3: b"ccc"}
    assert len(server.heard) == 9  # STARTTLS, which it refuses, among them
    assert not any("SELECT" in each or "STORE" in each for each in server.heard)


def test_a_greeting_that_offers_is_not_asked_again() -> None:
    """One round trip less in every run."""
    with Scripted({}, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n") as server:
        assert read(server, after=3) == []
    assert "CAPABILITY" not in server.heard


def test_nothing_new_costs_one_command() -> None:
    """STATUS alone decides; the folder isn't even opened."""
    with Scripted({}) as server:
        assert read(server, after=3) == []
    assert server.heard == [
        "STARTTLS",
        "CAPABILITY",
        *server.heard[2:3],
        *server.heard[3:4],
        "LOGOUT",
    ]
    assert server.heard[3].startswith("STATUS")


def test_answers_belong_to_their_uid_not_to_their_number() -> None:
    """An EXPUNGE by another session shifts the numbers in mid-FETCH (hmailserver#458)."""
    shifted = b"* 1 EXPUNGE\r\n" + parts(3, b"ccc", seq=2) + parts(2, b"bbb", seq=1)
    with Scripted(ordinary(PARTS=shifted + parts(1, b"aaa", seq=9) + OK)) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"bbb", 3: b"ccc"}


def test_the_answer_for_a_mail_nobody_asked_for_is_not_used() -> None:
    """Unsolicited FETCH answers, with and without a UID, change nothing."""
    noise = b"* 3 FETCH (FLAGS (\\Seen))\r\n* 9 FETCH (UID 9 FLAGS ())\r\n" + parts(77, b"xxx")
    with Scripted(ordinary(LOOK=noise + look(1) + look(2) + look(3) + noise + OK)) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"bbb", 3: b"ccc"}


def searching(*answers: bytes) -> Reply:
    """Each UID SEARCH gets the next answer, and the last one from then on."""
    left = list(answers)
    return lambda command, match: left.pop(0) if len(left) > 1 else left[0]


SEARCH = r"UID SEARCH UID ([0-9,:*]+).*"


@pytest.mark.parametrize("body", [b"NIL", b"{0}\r\n", b'""'])
def test_a_mail_that_is_gone_is_skipped(body: bytes) -> None:
    """Dovecot answers NIL or nothing for an expunged mail, under OK."""
    gone = b"* 2 FETCH (UID 2 BODY[HEADER] " + body + b" BODY[1] " + body + b")\r\n"
    script = ordinary(
        PARTS=parts(1, b"aaa") + gone + parts(3, b"ccc") + OK,
        WHOLE=b'* 2 FETCH (UID 2 INTERNALDATE "01-Sep-2026 10:00:00 +0200" BODY[] '
        + body
        + b")\r\n"
        + OK,
    )
    script[SEARCH] = searching(b"* SEARCH 1 2 3\r\n" + OK, b"* SEARCH\r\n" + OK)
    with Scripted(script) as server, Session(server.settings()) as session:
        assert contents(list(session.new_mails(0))) == {1: b"aaa", 3: b"ccc"}
        assert session.seen_through == 3


UIDS = r"UID FETCH (\S+) \(UID\)"


def test_an_ok_without_a_search_answer_is_not_taken_for_nothing() -> None:
    """The mails are listed by FETCH then, in any form it may have; the cursor skips none."""
    listed = b"* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2 FLAGS ())\r\n* 3 FETCH (FLAGS () UID 3)\r\n"
    with Scripted({**ordinary(), SEARCH: OK, UIDS: listed + OK}) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"bbb", 3: b"ccc"}


def test_nothing_at_all_stops_the_run_or_is_nothing() -> None:
    """Refused, the run stops; under OK there is really no mail, and no server is asked for ever."""
    with Scripted({**ordinary(), SEARCH: OK, UIDS: b"TAG NO later\r\n"}) as server:
        with Session(server.settings()) as session, pytest.raises(Temporary):
            list(session.new_mails(0))
        assert session.seen_through == 0
    with Scripted({**ordinary(), SEARCH: OK, UIDS: OK}) as server:  # noqa: SIM117
        with Session(server.settings()) as session:
            assert list(session.new_mails(0)) == []
            assert session.seen_through == 3


def test_a_mail_is_not_gone_because_a_search_is_not_answered() -> None:
    """It was left out of the look, and is listed still: nothing may pass it."""
    looks = look(1) + look(3)
    script = {**ordinary(LOOK=looks + OK), UIDS: b"* 2 FETCH (UID 2)\r\n" + OK}
    script[SEARCH] = searching(b"* SEARCH 1 2 3\r\n" + OK, OK)
    with Scripted(script) as server, pytest.raises(Temporary, match="left UID 2 out"):
        read(server)


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_mail_left_out_of_the_look_stops_the_run(missing: int) -> None:
    """Under OK, but one UID short, and still there: nothing may pass it."""
    looks = b"".join(look(uid) for uid in (1, 2, 3) if uid != missing)
    with Scripted(ordinary(LOOK=looks + OK)) as server, Session(server.settings()) as session:
        with pytest.raises(Temporary, match=f"left UID {missing} out"):
            list(session.new_mails(0))
        assert session.seen_through < missing


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_mail_left_out_of_the_download_is_asked_for_alone(missing: int) -> None:
    """Then it comes whole, and the order stays."""
    some = b"".join(parts(uid, bytes([96 + uid]) * 3) for uid in (1, 2, 3) if uid != missing)
    with Scripted(ordinary(PARTS=some + OK)) as server:
        mails = read(server)
    assert [mail.uid for mail in mails] == [1, 2, 3]
    assert contents(mails)[missing] == b"whole"


def test_a_part_shorter_than_announced_comes_whole() -> None:
    """BODYSTRUCTURE said three bytes."""
    cut = parts(1, b"aaa") + parts(2, b"bb") + parts(3, b"ccc")
    with Scripted(ordinary(PARTS=cut + OK)) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"whole", 3: b"ccc"}


@pytest.mark.parametrize(
    "structure",
    [
        b"NIL",
        b"()",
        b'("APPLICATION" "X" NIL NIL NIL NIL NIL)',
        b'("APPLICATION" "X")',
        b'(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1))',
        b'(NIL "MIXED")',
        b"(" * 300 + b")" * 300,
        b'"text"',
        b'("APPLICATION" "X" ("NAME" ("a")) NIL NIL "7BIT" 3)',
        b'("APPLICATION" "X" NIL NIL NIL "7BIT" ' + b"9" * 5000 + b")",
    ],
)
def test_a_structure_that_makes_no_sense_brings_the_mail_whole(structure: bytes) -> None:
    """Exchange, Yahoo and others get BODYSTRUCTURE wrong; the stdlib's parser decides then."""
    with Scripted(ordinary(LOOK=look(1) + look(2, structure) + look(3) + OK)) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"whole", 3: b"ccc"}


@pytest.mark.parametrize("structure", [b"(((", b'("A" "B"', b'"', b") (", b"(\x00\xff {3}x)"])
def test_an_answer_that_cannot_be_parsed_brings_the_mail_whole(structure: bytes) -> None:
    """Broken nesting or quoting garbles the whole answer; only its UID is legible."""
    with Scripted(ordinary(LOOK=look(1) + look(2, structure) + look(3) + OK)) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"whole", 3: b"ccc"}


def test_a_huge_mail_without_structure_is_told_and_not_fetched() -> None:
    """Whole it would cost its size in memory several times; a person has to look."""
    huge = look(2, b"NIL").replace(b"RFC822.SIZE 99", b"RFC822.SIZE 999999999")
    head = whole(2, b"").replace(b"BODY[] ", b"BODY[HEADER] ")
    script = ordinary(LOOK=look(1) + huge + look(3) + OK)
    script[r"UID FETCH 2 \(UID INTERNALDATE BODY.PEEK\[HEADER\]\)"] = head + OK
    script[r"UID FETCH 2 \(UID\)"] = OK
    with Scripted(script) as server:
        mails = read(server)
    assert [mail.trouble != "" for mail in mails] == [False, True, False]
    assert "953 MB" in mails[1].trouble


def test_nil_and_atoms_for_strings_are_understood() -> None:
    """Exchange writes NIL for "", and some servers write no quotes."""
    odd = b'(application x (name a.xlsx) NIL NIL NIL 3 NIL ("ATTACHMENT" NIL) NIL NIL)'
    with Scripted(ordinary(LOOK=look(1, odd) + look(2) + look(3) + OK)) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"bbb", 3: b"ccc"}


def test_literals_may_stand_where_strings_do() -> None:
    """A name comes as a literal as soon as it holds a quote or 8-bit."""
    head = b'Subject: "Track" and Trace\r\n\r\n'
    structure = STRUCTURE.replace(b'"a.xlsx"', literal(b'"\xfc".xlsx'))
    with Scripted(ordinary(LOOK=look(1, structure, head) + look(2) + look(3) + OK)) as server:
        mails = read(server, subject_filter='"track" and')
    assert [(mail.uid, mail.attachments[0].name) for mail in mails] == [(1, 'ü".xlsx')]
    assert server.heard[-2].startswith("UID FETCH 1 (UID BODY.PEEK[HEADER]")


def test_a_folder_that_does_not_open_is_told_whatever_its_search_brings() -> None:
    """The search goes out with EXAMINE; its BAD is no news, and the next folder is in order."""
    opened = b"* OK [UIDVALIDITY 7] ok\r\n" + OK
    script = ordinary()
    script[r'EXAMINE "INBOX"'] = opened
    script[r"EXAMINE .*"] = b"TAG NO [NONEXISTENT] gone\r\n"
    script[r"LIST .*"] = b'* LIST () "/" INBOX\r\n' + OK
    refusing = {SEARCH: b"TAG BAD no folder is open\r\n", **script}
    with Scripted(refusing) as server, Session(server.settings(folder="Old")) as session:
        with pytest.raises(ConfigError, match="gone") as caught:
            list(session.new_mails(0))
        assert "INBOX" in caught.value.hint
        assert [each.split()[0] for each in server.heard[-3:]] == ["EXAMINE", "UID", "LIST"]
    with Scripted(script) as server, Session(server.settings(folder="Old")) as session:
        with pytest.raises(ConfigError, match="gone"):
            list(session.new_mails(0))
        session.turn_to("INBOX")
        assert [mail.uid for mail in session.new_mails(0)] == [1, 2, 3]


@pytest.mark.parametrize("number", [b"0", b"9" * 400, b"-5", b"4294967296", b""])
def test_an_absurd_uidnext_means_looking(number: bytes) -> None:
    """Without a UIDNEXT to believe, the search decides; n:* gives the last mail ever again."""
    script = ordinary()
    script[r"STATUS .*"] = b"* STATUS INBOX (UIDVALIDITY 7 UIDNEXT " + number + b")\r\n" + OK
    with Scripted(script) as server, Session(server.settings()) as session:
        assert [mail.uid for mail in session.new_mails(0)] == [1, 2, 3]
        assert session.seen_through == 3
    script[SEARCH] = b"* SEARCH 3\r\n" + OK
    with Scripted(script) as server:
        assert read(server, after=3) == []
    assert "UID SEARCH UID 4:*" in server.heard


@pytest.mark.parametrize("number", [b"0", b"9" * 400, b"x"])
def test_an_absurd_uidvalidity_is_none(number: bytes) -> None:
    """0: no cursor may hold on to it."""
    script = {r"STATUS .*": b"* STATUS INBOX (UIDVALIDITY " + number + b" UIDNEXT 4)\r\n" + OK}
    with Scripted(script) as server, Session(server.settings()) as session:
        assert session.folder().uidvalidity == 0


def test_a_folder_replaced_between_two_commands_stops_the_run() -> None:
    """UIDs of another UIDVALIDITY are other mails."""
    script = ordinary()
    script[r"EXAMINE .*"] = b"* OK [UIDVALIDITY 8] new\r\n" + OK
    with Scripted(script) as server, pytest.raises(Temporary, match="replaced"):
        read(server)


@pytest.mark.parametrize(
    ("words", "kind", "says"),
    [
        (b"NO [THROTTLED] slow down", Temporary, "slow down"),
        (b"NO [OVERQUOTA] Account exceeded command or bandwidth limits.", Temporary, "exceeded"),
        (
            b"BAD Request is throttled. Suggested Backoff Time: 299910 milliseconds",
            Temporary,
            "wait 300 s",
        ),
        (b"NO Server Unavailable. 15", Temporary, "Unavailable"),
        (b"BAD User is authenticated but not connected.", Temporary, "not connected"),
        (b"BAD syntax", Temporary, "syntax"),
    ],
)
@pytest.mark.parametrize("which", ["LOOK", "PARTS", "WHOLE"])
def test_a_server_that_wants_patience_gets_it(
    words: bytes, kind: Type[OutsideFault], says: str, which: str
) -> None:
    """75 with the server's own words, and the cursor stays."""
    changes: Dict[str, Reply] = {which: b"TAG " + words + b"\r\n"}
    if which == "WHOLE":
        changes["PARTS"] = parts(1, b"aaa") + parts(3, b"ccc") + OK
    with Scripted(ordinary(**changes)) as server, Session(server.settings()) as session:
        with pytest.raises(kind, match=says):
            list(session.new_mails(0))
        assert session.seen_through <= 1


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", AccessDenied),
        (b"NO LOGIN failed.", AccessDenied),
        (b"NO Basic authentication is disabled.", AccessDenied),
        (b'BAD I do not like LOGIN "me" "geheim"', AccessDenied),
        (b"NO [UNAVAILABLE] Temporary authentication failure.", Temporary),
        (b"NO [ALERT] Too many simultaneous connections. (Failure)", Temporary),
        (b"NO [LIMIT] Maximum number of connections from user+IP exceeded", Temporary),
    ],
)
def test_a_refused_login_is_told_by_its_words(words: bytes, kind: Type[OutsideFault]) -> None:
    """Denied is denied, busy is temporary, and the password is in neither."""
    script: Dict[str, Reply] = {r"LOGIN .*": b"TAG " + words + b"\r\n"}
    with Scripted(script) as server, pytest.raises(kind) as caught:
        read(server)
    assert "geheim" not in str(caught.value) + repr(caught.value.__context__)


def test_without_login_by_password_the_fix_is_told() -> None:
    """LOGINDISABLED and no PLAIN: no password goes over the line."""
    offer = b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2\r\n" + OK
    with Scripted({r"CAPABILITY": offer}) as server, pytest.raises(AccessDenied, match="oauth2"):
        read(server)
    assert "geheim" not in str(server.heard)


BIG = b"* 1 FETCH (UID 1 BODY[HEADER] {99999999999}\r\nxxx"


@pytest.mark.parametrize(
    "answer",
    [
        b"* BYE Connection closed. 14\r\n" + HANG_UP,
        parts(1, b"aaa")[:-9] + HANG_UP,
        parts(1, b"aaa")[:-9] + b"\r\n* BYE now\r\n" + HANG_UP,
        HANG_UP,
        BIG,
        BIG.replace(b"99999999999", b"9" * 5000),
        parts(1, b"aaa").replace(b"{3}", b"{13}"),
        parts(1, b"aaa"),
        b"* " + b"x" * 100,
        b"ZZ99 OK somebody else's\r\n",
    ],
)
def test_a_broken_answer_ends_in_time(answer: bytes) -> None:
    """Cut, endless, oversized, or without its OK: an error within the timeouts, never an end."""
    with Scripted(ordinary(PARTS=answer)) as server, Session(server.settings()) as session:
        with pytest.raises(Temporary, match="connection to localhost was lost"):
            list(session.new_mails(0))
        assert session.seen_through == 0


def test_words_of_a_bye_are_passed_on() -> None:
    """What Exchange says when it throws us out is what the operator reads."""
    script = ordinary(LOOK=b"* BYE Connection closed. 14\r\n" + HANG_UP)
    with Scripted(script) as server, pytest.raises(Temporary, match=r"Connection closed\. 14"):
        read(server)


@pytest.mark.parametrize(
    ("greeting", "kind", "says"),
    [
        (b"* BYE Too many connections\r\n", Temporary, "Too many connections"),
        (b"220 smtp.example ESMTP\r\n", ConfigError, "does not speak IMAP"),
        (b"", Temporary, "no answer in time"),
        (b"* OK " + b"x" * 20000, Temporary, "no line ends"),
    ],
)
def test_odd_greetings(greeting: bytes, kind: Type[OutsideFault], says: str) -> None:
    """Each is told for what it is."""
    with Scripted({}, greeting) as server, pytest.raises(kind, match=says):
        read(server)


def test_a_password_never_leaves_the_machine_in_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that offers no STARTTLS gets nothing, unless it is this machine itself."""
    monkeypatch.setattr(
        "ttcli.mail.dial.reach",
        lambda address, timeout: socket.create_connection(("127.0.0.1", address[1]), timeout),
    )
    for greeting in (b"* OK hi\r\n", b"* PREAUTH hi\r\n"):
        with Scripted({}, greeting) as server, pytest.raises(ConfigError, match="plain text"):
            read(server, host="mail.example.org")
        assert server.heard in (["STARTTLS"], [])


def test_a_handshake_that_stalls_ends_in_time() -> None:
    """A port that never says a word of TLS."""
    with Scripted({}, b"") as server, pytest.raises(Temporary, match="no answer in time"):
        read(server, tls=True)


def test_tls_on_a_plain_port_is_told(dovecot: Dovecot) -> None:
    """The commonest mistake of all has its own words."""
    with Scripted({}) as server, pytest.raises(ConfigError, match="EMAIL_USE_SSL=false"):
        read(server, tls=True, port=dovecot.imap_port, ca_file=dovecot.ca_file)
    assert isinstance(ssl.OPENSSL_VERSION, str)


def test_a_ca_file_that_is_none_is_told(tmp_path: Path) -> None:
    """Missing or without certificates."""
    for ca_file in (tmp_path / "missing.pem", tmp_path / "empty.pem"):
        (tmp_path / "empty.pem").touch()
        with Scripted({}) as server, pytest.raises(ConfigError, match="EMAIL_TLS_CA_FILE"):
            read(server, tls=True, ca_file=ca_file)


def test_control_characters_start_no_command() -> None:
    """imaplib2 quotes nothing: a line break in a name would be a command of its own."""
    with Scripted({}) as server, pytest.raises(ConfigError, match="EMAIL_FOLDER"):
        read(server, folder='x"\r\nA1 DELETE INBOX')
    assert not any("DELETE" in each for each in server.heard)


def test_a_mail_that_is_gone_is_asked_after_behind_all_that_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A slow link brings the mails before it for longer than one answer may take."""
    monkeypatch.setattr("ttcli.mail.session._BATCH", 1)
    seen = {b"1": look(1), b"2": look(2, structure=b"NIL"), b"3": b""}  # 3 is expunged meanwhile

    def slowly(_: bytes, match: Any) -> bytes:
        for _ in range(15):
            server.say(b"* OK wait\r\n")
            time.sleep(0.1)
        return parts(int(match[1]), b"aaa") + OK

    script = ordinary(LOOK=lambda _, match: seen[match[1]] + OK, PARTS=slowly)
    script[r"UID SEARCH UID 3"] = b"* SEARCH\r\n" + OK
    with Scripted(script) as server:
        assert [mail.uid for mail in read(server)] == [1, 2]
        looks = [n for n, each in enumerate(server.heard) if re.match(LOOK, each)]
        parts_at = next(n for n, each in enumerate(server.heard) if re.match(PARTS, each))
        assert parts_at < server.heard.index("NOOP") and len(looks) == 3


def test_a_look_that_fails_keeps_none_of_the_mails_before_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are looked at ahead; a mail that the server never tells of must not stop them, too."""
    monkeypatch.setattr("ttcli.mail.session._BATCH", 1)
    seen = {b"1": look(1), b"2": look(2), b"3": b""}  # though the search finds 3 again and again
    contents = parts(1, b"aaa") + parts(2, b"bbb") + OK
    script = ordinary(LOOK=lambda _, match: seen[match[1]] + OK, PARTS=contents)
    with Scripted(script) as server, Session(server.settings()) as session:
        got: List[int] = []
        with pytest.raises(Temporary, match="left UID 3 out"):
            got.extend(mail.uid for mail in session.new_mails(0))
        assert (got, session.seen_through) == ([1, 2], 2)


NOISE = b"* OK " + b"-" * 993 + b"\r\n"


def test_more_than_anybody_asked_for_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers without end are not kept without end: a server that has lost its way cannot have
    the machine's memory."""
    monkeypatch.setattr(receiving, "_MOST_BYTES", 20_000)
    flood = parts(77, b"x" * 3000) * 8
    script = ordinary(LOOK=flood + look(1) + OK)
    with Scripted(script) as server, pytest.raises(Temporary, match="nobody asked for"):
        read(server)


def test_what_was_taken_does_not_count_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mailbox may bring any amount, as long as it is taken in between."""
    monkeypatch.setattr(receiving, "_MOST_BYTES", 20_000)
    looks, bodies = (ordinary()[each] for each in (LOOK, PARTS))
    assert isinstance(looks, bytes) and isinstance(bodies, bytes)
    with Scripted(ordinary(LOOK=NOISE * 12 + looks, PARTS=NOISE * 12 + bodies)) as server:
        assert contents(read(server)) == {1: b"aaa", 2: b"bbb", 3: b"ccc"}


def test_last_words_are_told_though_nothing_can_be_sent_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that goes while we speak has said why: not "broken pipe" is the reason."""
    real = socket.socket.send

    def broken(self: socket.socket, text: Any) -> int:
        if b"SEARCH" in bytes(text):
            raise BrokenPipeError(32, "Broken pipe")
        return real(self, text)

    def slowly(_: bytes, match: Any) -> bytes:
        time.sleep(0.2)  # until nothing could be sent
        return b"* BYE going down for repairs\r\n" + HANG_UP

    monkeypatch.setattr(socket.socket, "send", broken)
    says = pytest.raises(Temporary, match="going down for repairs")
    with Scripted({"EXAMINE .*": slowly}) as server, says:
        read(server)
