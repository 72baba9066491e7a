"""Whose mails are taken: the allow-list, and what our own server found out about a sender."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from tests.fix_dovecot import Account
from tests.mail.scripted import STRUCTURE, Reply, Scripted, literal, parts
from tests.mails import report_mail
from ttcli.errors import Temporary
from ttcli.facts import Fact
from ttcli.mail.check import facts
from ttcli.mail.fetch.gate import fields
from ttcli.mail.senders.addresses import listed, only_address
from ttcli.mail.senders.verdicts import ids, untrusted
from ttcli.mail.session import Session

ALLOWED = ("ops@acme.example", "@globex.example")
OURS = "mx.importer.example"
CONFIRMED = f"{OURS}; dmarc=pass header.from=acme.example"


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("ops@acme.example", "ops@acme.example"),
        ("OPS@Acme.Example", "ops@acme.example"),
        ('"ops@acme.example" <evil@x.example>', "evil@x.example"),
        ("ops@acme.example <evil@x.example>", "evil@x.example"),
        ("=?utf-8?q?ops=40acme.example?= <evil@x.example>", "evil@x.example"),
        ('"a\\" <ops@acme.example>" <evil@x.example>', "evil@x.example"),
        ("(ops@acme.example) evil@x.example", "evil@x.example"),
        ("evil@x.example (<ops@acme.example>)", "evil@x.example"),
        ("Doe, John <john@x.example>", "john@x.example"),
        ('"Doe, John" <john@x.example>', "john@x.example"),
        ("J\xf6rg <joerg@x.example>", "joerg@x.example"),
        ("ops@acme.example, evil@x.example", None),
        ("evil@x.example, Ops <ops@acme.example>", None),
        ("Ops: ops@acme.example;", None),
        ("undisclosed-recipients:;", None),
        ("<ops@acme.example> <evil@x.example>", None),
        ("<evil@x.example> ops@acme.example", None),
        ("<@x.example:ops@acme.example>", None),
        ("ops@acme.example@x.example", None),
        ("evil@x.example\0@acme.example", None),
        ("ops@acme.example (", None),
        ('ops@acme.example "', None),
        ("", None),
        ("Ops", None),
    ],
)
def test_the_address_counts_and_no_name(field: str, address: Optional[str]) -> None:
    """Where a field can be read in two ways, or names several, it names nobody."""
    assert only_address([field.encode("latin-1")]) == address


@pytest.mark.parametrize(
    "header",
    [
        b"From: a\x1bcb@acme.example",
        b"From: a@acme.ex\x9bample",
        b'From: "\x1bc"@acme.example',
        b'From: "\\\x1bc"@acme.example',
        b"From: x@x.example, \x1b]0;owned\x07@acme.example\rFAKE LINE",
        b"From: =?utf-8?q?=1B?=c\x1bc, a@b, c@d",
    ],
)
def test_no_control_character_reaches_a_terminal(header: bytes) -> None:
    """Whoever is refused is named in the report and the log, in whatever he has written."""
    from ttcli.mail.fetch.gate import Gate

    with Scripted({}) as server:
        gate = Gate(server.settings(allow_senders=ALLOWED, authserv_id=OURS))
    refusal = gate.judged(1, header + b"\r\n\r\n")
    assert refusal
    assert (refusal.sender + refusal.reason).isprintable()
    assert ids([b"mx\x1bc.example; none"]) == []


def test_two_from_fields_name_nobody() -> None:
    """RFC 5322 allows one; which of two a server has checked nobody knows."""
    assert only_address([b"ops@acme.example", b"ops@acme.example"]) is None
    assert only_address([]) is None
    assert only_address([b"a" * 70000 + b"@acme.example"]) is None


def test_a_domain_is_all_behind_the_at() -> None:
    """Neither a domain below it nor one that ends alike is meant."""
    assert listed("x@globex.example", ALLOWED)
    assert listed("ops@acme.example", ALLOWED)
    for other in ("x@us.globex.example", "x@notglobex.example", "other@acme.example"):
        assert not listed(other, ALLOWED)


@pytest.mark.parametrize(
    "field",
    [
        CONFIRMED,
        f"{OURS}; dmarc=pass (p=none dis=none)",
        f"{OURS}; spf=pass smtp.mailfrom=bounce@mail.acme.example",
        f"{OURS}; spf=none; dkim=pass (2048-bit key) header.d=acme.example header.i=@acme.example",
        f"{OURS}; dkim=pass header.d=list.example; dkim=pass header.d=acme.example",
        f"{OURS}; dmarc=none header.from=acme.example; dkim=pass header.d=acme.example",
        "(a (b)) MX.Importer.Example (c) 1 ;\t(e) dkim/1 = pass (ok) header . d = acme.example",
        f'"{OURS}"; dmarc=pass reason="a; b" header.from="acme.example"',
    ],
)
def test_a_sender_that_our_server_confirms_is_trusted(field: str) -> None:
    """dmarc=pass, or spf or dkim for the From's domain; however RFC 8601 lets it be written."""
    assert untrusted("ops@acme.example", [field.encode()], OURS) == ""


@pytest.mark.parametrize(
    "field",
    [
        f"{OURS}; none",
        f"{OURS}",
        f"{OURS}; dmarc=fail header.from=acme.example; spf=pass smtp.mailfrom=acme.example",
        f"{OURS}; dmarc=pass header.from=x.example",
        f"{OURS}; spf=pass smtp.mailfrom=evil@x.example",
        f"{OURS}; spf=softfail smtp.mailfrom=ops@acme.example",
        f"{OURS}; spf=pass smtp.helo=acme.example",
        f"{OURS}; spf=pass smtp.mailfrom=evil@notacme.example",
        f"{OURS}; dkim=pass header.d=x.example header.i=@acme.example",
        f"{OURS}; dkim=passed header.d=acme.example",
        f"{OURS}; iprev=pass policy.iprev=acme.example",
        f"{OURS}; dkim=pass header.d=example",
        f'{OURS}; spf=pass smtp.mailfrom="x; dmarc=pass header.from=acme.example"@x.example',
        f'{OURS}; spf=fail reason="; dmarc=pass header.from=acme.example"',
        f"{OURS}; spf=fail (; dmarc=pass header.from=acme.example) smtp.mailfrom=x.example",
        f"{OURS}; spf=pass smtp.mailfrom=e@x.example smtp.mailfrom=e@acme.example",
        f'{OURS}; dkim=pass header.b="a header.d=acme.example" header.d=x.example',
        f"{OURS}; dmarc=pass (unclosed header.from=acme.example",
        f'{OURS}; dmarc=pass reason="unclosed header.from=acme.example',
        "mx.other.example; dmarc=pass header.from=acme.example",
        f"{OURS}.evil.example; dmarc=pass header.from=acme.example",
        f"mx.other.example ({OURS}); dmarc=pass header.from=acme.example",
        f"; dmarc=pass header.from=acme.example; {OURS}",
        "dmarc=pass header.from=acme.example",
    ],
)
def test_nothing_else_is(field: str) -> None:
    """What a sender can put into comments, quotes and names of his own does not count."""
    assert untrusted("ops@acme.example", [field.encode()], OURS)


def test_only_the_topmost_of_ours_counts() -> None:
    """A forged one stands further down; others' fields above it do not matter, broken ones do."""
    forged, own = CONFIRMED.encode(), f"{OURS}; dmarc=fail header.from=acme.example".encode()
    other = b"mx.other.example; dmarc=fail"

    assert untrusted("ops@acme.example", [own, forged], OURS)
    assert untrusted("ops@acme.example", [f"{OURS}; spf=fail (x".encode(), forged], OURS)
    assert untrusted("ops@acme.example", [f"{OURS}; spf fail".encode(), forged], OURS)
    assert untrusted("ops@acme.example", [], OURS)
    assert untrusted("ops@acme.example", [other, forged], OURS) == ""
    assert ids([other, forged, b"("]) == ["mx.other.example", OURS]


def test_microsoft_writes_no_id() -> None:
    """`-` stands for that; then a field that has one is somebody else's."""
    field = (
        b"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=acme.example; dkim=pass (signature was"
        b" verified) header.d=acme.example;dmarc=pass action=none header.from=acme.example;"
        b"compauth=pass reason=100"
    )
    assert untrusted("ops@acme.example", [field], "-") == ""
    assert untrusted("ops@x.example", [field], "-")
    assert untrusted("ops@acme.example", [CONFIRMED.encode()], "-")


def test_fields_are_found_whatever_their_spelling() -> None:
    """Folded, in any case, in order; a folded line is never a field of its own."""
    header = b"FROM : a@b\r\nSubject: x\r\n From: evil@x\r\nfrom:\r\n\tc@d\r\n\r\n"
    assert fields(header, b"from") == [b"a@b", b"c@d"]


def refused(account: Account, **overrides: Any) -> Dict[int, str]:
    """UID → kind, of what a session leaves alone; the others must have come whole."""
    with Session(account.settings(**overrides)) as session:
        taken = [mail.uid for mail in session.new_mails(0) if mail.attachments]
        found = {each.uid: each.kind for each in session.refused}
    assert sorted([*taken, *found]) == sorted(account.flags())
    return found


def with_results(raw: bytes, *results: str) -> bytes:
    """A mail with Authentication-Results on top."""
    lines = [f"Authentication-Results: {each}\r\n".encode() for each in results]
    return b"".join(lines) + raw


def fill(account: Account) -> None:
    """1: fine, 2: from another, 3: a display name, 4: forged From, 5: two senders."""
    forged = f"{OURS}; dmarc=fail header.from=acme.example"
    by = {"sender": "Ops <ops@acme.example>"}
    account.append(with_results(report_mail(b"PK\3\4", **by), CONFIRMED))
    account.append(with_results(report_mail(b"PK\3\4", sender="x@x.example"), CONFIRMED))
    named = report_mail(b"PK\3\4", sender='"ops@acme.example" <x@x.example>')
    account.append(with_results(named, f"{OURS}; dmarc=pass header.from=x.example"))
    account.append(with_results(report_mail(b"PK\3\4", **by), forged, CONFIRMED))
    account.append(report_mail(b"PK\3\4", sender="ops@acme.example, x@globex.example"))


def test_the_allow_list_on_a_real_server(mailbox: Account) -> None:
    """By the address; the header alone decides, so the forged one passes, and nothing is marked."""
    fill(mailbox)
    assert refused(mailbox, allow_senders=ALLOWED) == dict.fromkeys([2, 3, 5], "unlisted")
    assert set(map(tuple, mailbox.flags().values())) == {()}


def test_the_gate_on_a_real_server(mailbox: Account) -> None:
    """Without a list everybody who is who he says; with one, whom both let in."""
    fill(mailbox)
    assert refused(mailbox, authserv_id=OURS) == dict.fromkeys([2, 4, 5], "untrusted")
    both = refused(mailbox, authserv_id=OURS, allow_senders=ALLOWED)
    assert both == {2: "unlisted", 3: "unlisted", 4: "untrusted", 5: "unlisted"}


def test_who_is_refused_is_not_downloaded(mailbox: Account) -> None:
    """Only the fields that decide are asked for, and without a gate not even they."""
    heard: List[str] = []

    def answer(command: bytes, match: Any) -> bytes:
        heard.append(command.decode())
        return described(1, b"From: x@x.example\r\n\r\n") + b"TAG OK\r\n"

    script: Dict[str, Reply] = {
        r"UID SEARCH .*": b"* SEARCH 1\r\nTAG OK\r\n",
        r"UID FETCH .*BODYSTRUCTURE.*": answer,
        r"UID FETCH .*BODY.PEEK\[1\].*": parts(1, b"abc") + b"TAG OK\r\n",
    }
    with Scripted(script) as server:
        with Session(server.settings(allow_senders=ALLOWED)) as session:
            assert list(session.new_mails(0)) == []
            assert [each.reason for each in session.refused] == ["not on the allow-list"]
        assert not any("BODY.PEEK[1]" in each for each in server.heard)
        with Session(server.settings()) as session:
            assert len(list(session.new_mails(0))) == 1
    assert ["(SUBJECT FROM AUTH" in each for each in heard] == [True, False]


def described(uid: int, header: Optional[bytes], name: str = "") -> bytes:
    """The answer to a look with the gate's fields, or without where they are None."""
    name = name or "BODY[HEADER.FIELDS (SUBJECT FROM AUTHENTICATION-RESULTS)]"
    fields_ = b"" if header is None else b" " + name.encode() + b" " + literal(header)
    head = b'* %d FETCH (UID %d INTERNALDATE "01-Sep-2026 10:00:00 +0200" ' % (uid, uid)
    return (
        head + b"RFC822.SIZE 99" + fields_ + b" BODYSTRUCTURE " + STRUCTURE + b")\r\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["", 'BODY[HEADER.FIELDS ("From" "Authentication-Results")]', "body[header.fields (from)]"],
)
def test_servers_spell_the_answer_as_they_like(name: str) -> None:
    """Quoted names, lower case, fields that are missing left out of the name."""
    script: Dict[str, Reply] = {
        r"UID SEARCH .*": b"* SEARCH 1\r\nTAG OK\r\n",
        r"UID FETCH .*BODYSTRUCTURE.*": described(1, b"From: ops@acme.example\r\n\r\n", name)
        + b"TAG OK\r\n",
        r"UID FETCH .*": parts(1, b"abc") + b"TAG OK\r\n",
    }
    with Scripted(script) as server, Session(server.settings(allow_senders=ALLOWED)) as session:
        assert len(list(session.new_mails(0))) == 1
        assert session.refused == []


def test_a_header_left_out_is_asked_for_again() -> None:
    """And a mail whose header the server does not give is not passed over."""
    header = (
        b"* 1 FETCH (UID 1 BODY[HEADER] " + literal(b"From: ops@acme.example\r\n\r\n") + b")\r\n"
    )
    script: Dict[str, Reply] = {
        r"UID SEARCH .*": b"* SEARCH 1\r\nTAG OK\r\n",
        r"UID FETCH .*BODYSTRUCTURE.*": described(1, None) + b"TAG OK\r\n",
        r"UID FETCH 1 \(UID BODY.PEEK\[HEADER\]\)": header + b"TAG OK\r\n",
        r"UID FETCH .*": parts(1, b"abc") + b"TAG OK\r\n",
    }
    with Scripted(script) as server, Session(server.settings(allow_senders=ALLOWED)) as session:
        assert len(list(session.new_mails(0))) == 1

    script[r"UID FETCH 1 \(UID BODY.PEEK\[HEADER\]\)"] = b"TAG OK\r\n"
    with Scripted(script) as server, pytest.raises(Temporary):  # noqa: SIM117
        with Session(server.settings(allow_senders=ALLOWED)) as session:
            list(session.new_mails(0))


def said_by_check(account: Account, **overrides: Any) -> Optional[Fact]:
    """The one fact about senders, if there is one."""
    with Session(account.settings(**overrides)) as session:
        found = facts(session)
    return next((fact for fact in found if fact.name == "mailbox senders"), None)


def test_check_says_that_a_from_line_is_easily_forged(mailbox: Account) -> None:
    """As long as nothing confirms it."""
    assert said_by_check(mailbox) is None
    alone = said_by_check(mailbox, allow_senders=ALLOWED)
    assert alone
    assert "EMAIL_AUTHSERV_ID" in alone.fix


def test_check_tries_the_gate_on_the_newest_mails(mailbox: Account) -> None:
    """How many would come in; where none would, by which words the mails are confirmed."""
    fill(mailbox)
    good = said_by_check(mailbox, allow_senders=ALLOWED, authserv_id=OURS)
    assert good
    assert ("1 of the newest 5" in good.text, good.fix) == (True, "")
    wrong = said_by_check(mailbox, authserv_id="mx.typo.example")
    assert wrong
    assert "0 of the newest 5" in wrong.text
    assert OURS in wrong.fix
    assert set(map(tuple, mailbox.flags().values())) == {()}
