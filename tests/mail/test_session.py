"""A session against a real Dovecot: what is found, what is left untouched, how it fails."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any, List

import pytest

from tests.fix_dovecot import Account
from tests.mail.shapes import shapes
from tests.mails import report_mail
from ttcli.config import MailboxSettings, Secret
from ttcli.errors import AccessDenied, ConfigError, Temporary
from ttcli.facts import Fact
from ttcli.mail.check import facts
from ttcli.mail.message import Mail
from ttcli.mail.session import Session
from ttcli.mail.whole import read_mail

AUGUST = datetime(2026, 8, 22, 13, 15, tzinfo=timezone.utc)
SEPTEMBER = datetime(2026, 9, 1, 8, 0, tzinfo=timezone.utc)


def new_mails(account: Account, after: int = 0, **overrides: Any) -> List[Mail]:
    """One run's mails."""
    with Session(account.settings(**overrides)) as session:
        return list(session.new_mails(after))


def test_a_matching_mail_comes_with_its_attachment_and_dates(mailbox: Account) -> None:
    """Bytes, name, part, sender, subject and both dates arrive as they were sent."""
    workbook = bytes(range(256)) * 50
    mailbox.append(report_mail(workbook, date=AUGUST, message_id="<a@b>"), SEPTEMBER)

    (mail,) = new_mails(mailbox)

    assert (mail.uid, mail.message_id, mail.trouble) == (1, "<a@b>", "")
    assert (mail.sender, mail.subject) == (
        "Reports <reports@forwarder.example>",
        "Track and Trace report",
    )
    assert (mail.date, mail.internaldate, mail.as_of) == (AUGUST, SEPTEMBER, AUGUST)
    (attachment,) = mail.attachments
    assert (attachment.part, attachment.path, attachment.name) == ("2", "", "report.xlsx")
    assert attachment.data == workbook
    assert [skipped.part for skipped in mail.skipped] == ["1"]


def test_fetch_changes_no_flag(mailbox: Account) -> None:
    """Nothing on the server tells that we were there."""
    mailbox.append(report_mail(b"x"))
    mailbox.append(report_mail(b"y"), flags=["\\Flagged"])

    assert len(new_mails(mailbox)) == 2

    assert mailbox.flags() == {1: [], 2: ["\\Flagged"]}


def test_only_mails_after_the_cursor_come_in_uid_order(mailbox: Account) -> None:
    """UIDs ascend, nothing at or below the cursor returns, not even the last mail by n:*."""
    for number in range(5):
        mailbox.append(report_mail(b"%d" % number))

    assert [mail.uid for mail in new_mails(mailbox, after=2)] == [3, 4, 5]
    assert new_mails(mailbox, after=5) == []


def test_seen_through_passes_mails_that_hold_nothing(mailbox: Account) -> None:
    """The cursor may pass what was looked at, and never what was not."""
    for subject in ("Lunch", "Track and Trace", "Dinner", "re: TRACK and  trace", "Tea"):
        mailbox.append(report_mail(b"x", subject=subject))

    with Session(mailbox.settings()) as session:
        seen = [(mail.uid, session.seen_through) for mail in session.new_mails(0)]
        assert seen == [(2, 2), (4, 4)]
        assert session.seen_through == session.folder().uidnext - 1 == 5


def test_an_expunged_mail_is_passed_without_fuss(mailbox: Account) -> None:
    """What another session deletes while we read is gone, and no error."""
    for _ in range(3):
        mailbox.append(report_mail(b"x"))

    with Session(mailbox.settings()) as session:
        mails = session.new_mails(0)
        first = next(mails)
        mailbox.expunge(2)
        uids = [first.uid, *(mail.uid for mail in mails)]
        assert session.seen_through == 3

    assert uids in ([1, 3], [1, 2, 3])  # 2 may have been on its way already


def test_subjects_are_compared_decoded(mailbox: Account) -> None:
    """Encoded words, folding and case make no difference; the empty filter takes all."""
    for subject in ("=?utf-8?q?Track_and_Tr?= =?utf-8?q?ace_=C3=BC?=", "track AND\r\n trace", "no"):
        head = b"Subject: " + subject.encode() + b"\r\n"
        mailbox.append(head + b"Content-Type: text/csv; name=a.csv\r\n\r\na,b\r\n")

    assert [mail.uid for mail in new_mails(mailbox)] == [1, 2]
    assert len(new_mails(mailbox, subject_filter="")) == 3
    assert new_mails(mailbox, subject_filter="ace Ü")[0].uid == 1


def test_starttls_reads_the_same(mailbox: Account) -> None:
    """EMAIL_USE_SSL=false means STARTTLS with the same checks."""
    mailbox.append(report_mail(b"x"))
    port = mailbox.server.imap_port

    assert len(new_mails(mailbox, tls=False, port=port)) == 1
    with Session(mailbox.settings(tls=False, port=port)) as session:
        assert session.commands.client.sock.version().startswith("TLSv1.")


def test_folders_with_odd_names_open(mailbox: Account) -> None:
    """Blanks, quotes, ampersands and letters outside ASCII are all folder names."""
    mailbox.append(report_mail(b"x"), folder='R&- &AOQ- "q"')

    assert len(new_mails(mailbox, folder='R& ä "q"')) == 1


def test_a_missing_folder_names_those_that_exist(mailbox: Account) -> None:
    """A wrong EMAIL_FOLDER can be put right from the message alone."""
    mailbox.append(b"Subject: x\r\n\r\n", folder="Reports &AOQ-")

    with pytest.raises(ConfigError, match="set EMAIL_FOLDER to one of: INBOX, Reports ä"):
        new_mails(mailbox, folder="Nowhere")


def test_a_new_uidvalidity_shows(mailbox: Account) -> None:
    """A folder that was deleted and made anew is another folder."""
    mailbox.append(report_mail(b"x"), folder="Reports")
    with Session(mailbox.settings(folder="Reports")) as session:
        before = session.folder()
    mailbox.recreate("Reports")
    with Session(mailbox.settings(folder="Reports")) as session:
        after = session.folder()

    assert before.uidvalidity != after.uidvalidity
    assert (before.uidnext, after.uidnext) == (2, 1)


def test_a_wrong_password_is_denied_and_told_nowhere(mailbox: Account, caplog: Any) -> None:
    """77 with the hint that helps, and no trace of the password."""
    caplog.set_level("DEBUG")

    secret = "geheim-4711"
    with pytest.raises(AccessDenied, match="app password") as caught:
        new_mails(mailbox, password=Secret(secret))

    error: Any = caught.value
    while error is not None:
        assert secret not in f"{error} {error!r} {error.__dict__}"
        error = error.__cause__ or error.__context__
    assert secret not in caplog.text


def test_a_password_outside_ascii_is_sent_and_answered(mailbox: Account) -> None:
    """LOGIN's quoted strings cannot carry it: AUTHENTICATE PLAIN does, and the server decides."""
    with pytest.raises(AccessDenied, match="Authentication failed"):
        new_mails(mailbox, password=Secret("pässwört"))


def test_an_unknown_ca_is_refused(mailbox: Account) -> None:
    """Without the right CA there is no connection, and the message says what to set."""
    with pytest.raises(ConfigError, match="EMAIL_TLS_CA_FILE"):
        new_mails(mailbox, ca_file=None)


def test_a_certificate_for_another_host_is_refused(mailbox: Account) -> None:
    """The right CA is not enough: the name must be that of the server."""
    with pytest.raises(ConfigError, match="EMAIL_HOST"):
        new_mails(mailbox, host="127.1")  # another name for 127.0.0.1


def test_a_stopped_server_is_temporary(mailbox: Account) -> None:
    """Down is no error of ours and none of the item's."""
    mailbox.stop()

    with pytest.raises(Temporary, match="cannot be reached"):
        new_mails(mailbox)


def test_no_thread_stays(mailbox: Account) -> None:
    """Whatever way a session ends, its three threads end with it."""
    mailbox.append(report_mail(b"x"))
    before = set(threading.enumerate())
    new_mails(mailbox)
    with pytest.raises(AccessDenied):
        new_mails(mailbox, password=Secret("no"))
    with pytest.raises(KeyError), Session(mailbox.settings()) as session:
        next(session.new_mails(0))
        raise KeyError

    assert set(threading.enumerate()) - before == set()


def opened_facts(settings: MailboxSettings) -> List[Fact]:
    """What check finds in a mailbox."""
    with Session(settings) as session:
        return facts(session)


def test_check_says_what_it_found(mailbox: Account) -> None:
    """TLS, login, folder, mails and offers, one fact each."""
    mailbox.append(report_mail(b"x"))
    mailbox.append(report_mail(b"x", subject="Lunch"))

    found = {fact.name: fact for fact in opened_facts(mailbox.settings())}

    assert all(fact.ok for fact in found.values())
    assert "TLSv1.3" in found["mailbox login"].text
    assert "1 of 2 mails" in found["mailbox mails"].text
    assert "IDLE" in found["mailbox offers"].text


def test_check_keeps_what_was_fine_before_a_fault(mailbox: Account) -> None:
    """A missing folder does not hide that the login worked."""
    good, bad = opened_facts(mailbox.settings(folder="Nowhere"))

    assert (good.ok, bad.ok) == (True, False)
    assert "INBOX" in bad.fix
    assert bad.exit_code == 78


def test_mails_read_by_their_parts_equal_mails_read_whole(mailbox: Account) -> None:
    """The server's view of a mail's structure and ours give the same, shape by shape."""
    raws = shapes()
    for raw in raws:
        mailbox.append(raw, SEPTEMBER)

    got = new_mails(mailbox)

    assert [mail.uid for mail in got] == list(range(1, len(raws) + 1))
    for mail, raw in zip(got, raws):
        assert mail == read_mail(raw, SEPTEMBER, mail.uid), raw.decode("latin-1")


def test_an_attachment_over_the_limit_is_not_downloaded(mailbox: Account) -> None:
    """EMAIL_MAX_ATTACHMENT_MB: told as trouble, so that it is seen, and the rest arrives."""
    mailbox.append(report_mail(bytes(3 << 20), name="big.xlsx"))
    mailbox.append(report_mail(b"small"))

    big, small = new_mails(mailbox, largest_attachment=2 << 20)

    assert list(big.attachments) == []
    assert "big.xlsx has 4 MB" in big.trouble
    assert big.subject == "Track and Trace report"
    assert small.attachments[0].data == b"small"


def test_since_leaves_out_what_came_before(mailbox: Account) -> None:
    """By the time the server took it in, to the second, whatever zone the server lives in."""
    for number in range(3):
        mailbox.append(report_mail(b"x"), AUGUST + timedelta(hours=number))

    with Session(mailbox.settings()) as session:
        since = AUGUST + timedelta(hours=1)
        assert [mail.uid for mail in session.new_mails(0, since)] == [2, 3]
        assert session.seen_through == 3


def test_many_mails_come_in_order_and_complete(mailbox: Account) -> None:
    """More than one batch to look at, and more commands than fly at once."""
    box = mailbox.server.home / "mail" / mailbox.username / "cur"
    mailbox.select("INBOX")
    for number in range(1100):
        raw = b"Subject: Lunch\r\n\r\n"
        if number % 100 == 7:
            raw = report_mail(b"%d" % number * (number * 300))
        file = box / f"{1700000000 + number}.M{number}.host:2,"
        file.write_bytes(raw)
        file.chmod(0o644)

    got = new_mails(mailbox)

    assert [mail.uid for mail in got] == list(range(8, 1100, 100))
    for mail in got:
        number = mail.uid - 1
        assert mail.attachments[0].data == b"%d" % number * (number * 300)
