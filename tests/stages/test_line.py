"""One connection for the folders of an account: how often it is opened, and when anew."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List

from tests.mail.scripted import HANG_UP, Reply, Scripted, look, parts
from ttcli.config import MailboxSettings
from ttcli.errors import AccessDenied, ConfigError, Temporary
from ttcli.spool.drain import Report
from ttcli.spool.store import Spool
from ttcli.stages.fetch import fetch

ONE: Dict[str, Reply] = {
    r"STATUS .*": b"* STATUS X (UIDVALIDITY 7 UIDNEXT 2)\r\nTAG OK\r\n",
    r"UID SEARCH .*": b"* SEARCH 1\r\nTAG OK\r\n",
    r"UID FETCH 1 \(UID INTERNALDATE RFC822.*": look(1) + b"TAG OK\r\n",
    r"UID FETCH 1 \(UID BODY.PEEK\[HEADER\] .*": parts(1, b"abc") + b"TAG OK\r\n",
}


def fetched(server: Scripted, base: Path, **overrides: str) -> Report:
    """A fetch of three folders of one account."""
    spool = Spool(base)
    spool.prepare()
    settings = server.settings(name="acme")._replace(**overrides)
    mailboxes: List[MailboxSettings] = [settings._replace(folder=name) for name in "ABC"]
    return fetch(spool, mailboxes)


def logins(server: Scripted) -> int:
    """How often somebody logged in."""
    return sum(each.startswith("LOGIN") for each in server.heard)


def test_one_login_serves_all_folders(tmp_path: Path) -> None:
    """And each has its own cursor."""
    with Scripted(ONE) as server:
        report = fetched(server, tmp_path)
    assert (report.fault, report.counts["mails"], logins(server)) == (None, 3, 1)
    assert len(list((tmp_path / "state").glob("cursor-*"))) == 3


def test_a_lost_connection_is_opened_anew_for_the_next_folder(tmp_path: Path) -> None:
    """A mail that brings the server down each time keeps the other folders from nothing."""
    script = {r'EXAMINE "B"': b"* BYE crashed\r\n" + HANG_UP, **ONE}
    with Scripted(script) as server:
        report = fetched(server, tmp_path)
    assert list(report.faults) == ["acme B"]
    assert isinstance(report.fault, Temporary)
    assert "crashed" in str(report.fault)
    assert (report.counts["mails"], logins(server)) == (2, 2)


def test_a_missing_folder_costs_no_login(tmp_path: Path) -> None:
    """The connection is in order, and goes on."""
    script: Dict[str, Reply] = {
        r'STATUS "B".*': b"TAG NO [NONEXISTENT] no B\r\n",
        r"LIST .*": b'* LIST () "/" A\r\nTAG OK\r\n',
        **ONE,
    }
    with Scripted(script) as server:
        report = fetched(server, tmp_path)
    assert isinstance(report.fault, ConfigError)
    assert (report.counts["mails"], logins(server)) == (2, 1)


def test_a_folder_that_is_refused_with_the_connection(tmp_path: Path) -> None:
    """What was said of the folder is told, not that nothing more could be asked; and the folder
    behind it gets a connection that stands, in every run."""
    script = {r'STATUS "B".*': b"TAG NO [NONEXISTENT] no B\r\n" + HANG_UP, **ONE}
    with Scripted(script) as server:
        report = fetched(server, tmp_path)
    assert list(report.faults) == ["acme B"]
    assert isinstance(report.fault, ConfigError)
    assert "no B" in str(report.fault)
    assert (report.counts["mails"], logins(server)) == (2, 2)


def test_a_refused_login_is_asked_once(tmp_path: Path) -> None:
    """For all folders: some servers lock an account after a few wrong ones."""
    script = {r"LOGIN .*": b"TAG NO [AUTHENTICATIONFAILED] no\r\n", **ONE}
    with Scripted(script) as server:
        report = fetched(server, tmp_path)
    assert isinstance(report.fault, AccessDenied)
    assert (len(report.faults), logins(server)) == (3, 1)
    assert report.fault.message.startswith("mailbox acme A, acme B, acme C: ")
    assert report.fault.message.count("refuses the login") == 1


def test_answers_of_one_folder_are_not_taken_for_the_next_one_s(tmp_path: Path) -> None:
    """A server that tells of flags with UIDs, late, when the other folder is open already."""
    late = b'* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[HEADER] "x" BODY[1] "zzz")\r\n'
    opened = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK\r\n"
    script: Dict[str, Reply] = {r'EXAMINE "B"': late + opened, **ONE}
    with Scripted(script) as server:
        report = fetched(server, tmp_path)
    assert (report.fault, report.counts["mails"]) == (None, 3)
    payloads = {p.read_bytes() for p in (tmp_path / "pending").glob("*/payload")}
    assert payloads == {b"abc"}
