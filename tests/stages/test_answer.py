"""answer: the rejected rows go back to the sender, once, and only where that is safe."""

from __future__ import annotations

import io
import json
import socketserver
import threading
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import openpyxl
import pytest

from tests.fix_world import NOON, World, shipment, workbook
from tests.mails import report_mail
from ttcli.mail.senders.answerable import Answer
from ttcli.mail.whole import read_mail

SENDER = "Reports <reports@forwarder.example>"
ADDRESS = "reports@forwarder.example"
RESULTS = "mx.importer.example; dmarc=pass header.from=forwarder.example"


class Outbox:
    """A fake sendmail: keeps what it was given, and ends as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.program = folder / "sendmail"
        self.code = folder / "code"
        self.code.write_text("0")
        self.program.write_text(
            "#!/bin/sh\n"
            f'n=$(ls {folder} | grep -c "^mail")\n'
            f'printf "%s\\n" "$@" > {folder}/call-$n\n'
            f"env > {folder}/env\n"
            f"cat > {folder}/mail-$n\n"
            f"exit $(cat {folder}/code)\n"
        )
        self.program.chmod(0o755)

    def mails(self) -> List[EmailMessage]:
        """What it was given, in order."""
        paths = sorted(self.folder.glob("mail-*"))
        return [message_from_bytes(p.read_bytes(), policy=policy.default) for p in paths]  # type: ignore[misc]


@pytest.fixture
def outbox(world: World, tmp_path: Path) -> Outbox:
    """Answers are switched on, and go into a fake sendmail."""
    outbox = Outbox(tmp_path / "outbox")
    world.environ.update(
        REPLY_TO_SENDERS="@forwarder.example",
        REPLY_FROM="tracking@importer.example",
        REPLY_SENDMAIL=str(outbox.program),
        EMAIL_AUTHSERV_ID="mx.importer.example",
    )
    return outbox


def send(world: World, number: int = 1, bad: bool = True, **headers: str) -> None:
    """A report arrives, with a row that cannot be taken; header fields may be added or replaced."""
    rows = [shipment(number), shipment(number + 1, Pieces="a dozen" if bad else 1)]
    raw = report_mail(workbook(rows), date=NOON + timedelta(minutes=number), sender=SENDER)
    mail = message_from_bytes(raw, policy=policy.SMTP)
    for name, value in {"Authentication-Results": RESULTS, **headers}.items():
        del mail[name]
        mail[name] = value
    world.mailbox.append(mail.as_bytes(), internaldate=NOON + timedelta(minutes=number, seconds=1))


def log_of(world: World) -> List[str]:
    """What state/ says of answers."""
    path = world.base / "state" / "answers.jsonl"
    return [json.loads(line)["what"] for line in path.read_bytes().splitlines()]


def test_the_sender_gets_his_rejected_rows_back(world: World, outbox: Outbox) -> None:
    """One mail, to the confirmed address, in the thread, marked as automatic, with the workbook."""
    send(world, References="<first@forwarder.example>")

    world.ttcli("run")

    (mail,) = outbox.mails()
    call = (outbox.folder / "call-0").read_text().split("\n")
    assert call[:5] == ["-i", "-f", "<>", "--", ADDRESS]
    assert mail["To"] == ADDRESS
    assert mail["From"] == "tracking@importer.example"
    assert mail["Subject"] == "Re: Track and Trace report"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["In-Reply-To"] == mail["References"].split()[-1]
    assert mail["References"].split()[0] == "<first@forwarder.example>"
    assert (
        "2 of its 2 rows were taken, 0 were not, and 1 cell of the others was"
        in mail.get_body().get_content()
    )
    (attached,) = mail.iter_attachments()
    sheet = openpyxl.load_workbook(io.BytesIO(attached.get_content())).active
    assert sheet["E2"].value == "a dozen"
    assert "PASSWORD" not in (outbox.folder / "env").read_text()
    assert log_of(world) == ["sending", "sent"]


def test_nobody_is_answered_twice(world: World, outbox: Outbox) -> None:
    """Neither by the next run, nor after a replay."""
    send(world)
    world.ttcli("run")
    world.ttcli("run")
    world.ttcli("replay", next((world.base / "loaded").iterdir()).name)
    world.ttcli("run")

    assert len(outbox.mails()) == 1


def test_a_run_that_died_while_it_sent_does_not_send_again(world: World, outbox: Outbox) -> None:
    """The line before the sending is durable: what stands there without an end counts as sent."""
    send(world)
    world.ttcli("fetch")
    item = next((world.base / "pending").iterdir()).name
    line = {"at": "2026-08-22T12:00:00.000Z", "item": item, "to": ADDRESS, "what": "sending"}
    (world.base / "state" / "answers.jsonl").write_text(json.dumps(line) + "\n" + '{"at": "20')

    world.ttcli("run")

    assert outbox.mails() == []


def test_a_mail_server_that_is_away_is_tried_again(world: World, outbox: Outbox) -> None:
    """75, nothing else is held up, and the next run sends."""
    send(world)
    outbox.code.write_text("75")

    said = world.ttcli("run", code=75).stdout

    assert "ended with 75" in said
    assert world.counts() == {"loaded": 1}
    outbox.code.write_text("0")
    world.ttcli("run")
    assert log_of(world) == ["sending", "later", "sending", "sent"]


def test_answers_to_one_address_are_few(world: World, outbox: Outbox) -> None:
    """REPLY_PER_DAY; what is above is not sent later either."""
    for number in range(1, 7, 2):
        send(world, number)

    world.ttcli("run", REPLY_PER_DAY="2")
    world.ttcli("run", REPLY_PER_DAY="2")

    assert len(outbox.mails()) == 2
    assert log_of(world).count("limited") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"List-Id": "<reports.forwarder.example>"},
        {"Return-Path": "<>"},
        {"X-Auto-Response-Suppress": "OOF"},
        {"From": "no-reply@forwarder.example"},
        {"From": "Robot <reports-noreply@forwarder.example>"},
        {"From": "bounces+17@forwarder.example"},
    ],
    ids="-".join,
)
def test_machines_are_not_answered(world: World, outbox: Outbox, headers: Dict[str, str]) -> None:
    """RFC 3834: no loop, and no answer that nobody reads; the rows are loaded all the same."""
    send(world, **headers)

    world.ttcli("run")

    assert outbox.mails() == []
    assert len(world.table()) == 2


def test_only_listed_and_confirmed_senders_are_answered(world: World, outbox: Outbox) -> None:
    """Not an unlisted one; and without EMAIL_AUTHSERV_ID nobody, which is said."""
    send(world)
    world.ttcli("run", REPLY_TO_SENDERS="@elsewhere.example")
    send(world, 3)
    said = world.ttcli("run", EMAIL_AUTHSERV_ID="", code=78).stdout

    assert outbox.mails() == []
    assert "EMAIL_AUTHSERV_ID is not set" in said
    assert len(world.table()) == 4


def test_what_was_fetched_without_a_check_is_never_answered(world: World, outbox: Outbox) -> None:
    """Confirmed is what was confirmed when the mail was fetched, not what the settings say now."""
    send(world)
    world.ttcli("fetch", EMAIL_AUTHSERV_ID="")

    world.ttcli("run")

    assert outbox.mails() == []


def test_answers_are_off_unless_they_are_switched_on(world: World, outbox: Outbox) -> None:
    """And who switches them on does not answer what was loaded before."""
    send(world)
    world.ttcli("run", REPLY_TO_SENDERS="")
    assert not (world.base / "state" / "run-answer.json").exists()
    import time

    time.sleep(2)
    world.ttcli("run")

    assert outbox.mails() == []


def test_a_report_without_rejects_needs_no_answer(world: World, outbox: Outbox) -> None:
    """Silence means that all is well."""
    send(world, bad=False)

    world.ttcli("run")

    assert outbox.mails() == []


class _Smtp(socketserver.StreamRequestHandler):
    """Just enough of RFC 5321, and a code to end with."""

    server: Any

    def handle(self) -> None:
        """One conversation."""
        self._say("220 here")
        for raw in self.rfile:
            line = raw.decode().strip()
            verb = line.split(":")[0].split(" ")[0].upper()
            self.server.said.append(line)
            if verb == "DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines))
                if self.server.end is None:
                    return
                self._say(self.server.end)
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@pytest.fixture
def smtp() -> Iterator[Any]:
    """A local SMTP server; `end` is its last word, None hangs up instead."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        server.daemon_threads = True
        server.said, server.mails, server.end = [], [], "250 taken"  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("end", "code", "noted"),
    [
        ("250 taken", 0, ["sending", "sent"]),
        ("451 later", 75, ["sending", "later"]),
        ("554 never", 0, ["sending", "refused"]),
        (None, 0, ["sending", "unsure"]),
    ],
)
def test_an_smtp_server_takes_answers_too(
    world: World, outbox: Outbox, smtp: Any, end: Optional[str], code: int, noted: List[str]
) -> None:
    """With an empty return path; its last word decides, and none at all counts as sent."""
    smtp.end = end
    smtp_settings = {
        "REPLY_SMTP_HOST": "127.0.0.1",
        "REPLY_SMTP_PORT": str(smtp.server_address[1]),
        "REPLY_SMTP_SECURITY": "none",
    }
    send(world)

    world.ttcli("run", code=code, **smtp_settings)

    assert log_of(world) == noted
    assert any(line.lower().startswith("mail from:<>") for line in smtp.said)
    assert b"Auto-Submitted: auto-replied" in smtp.mails[0]
    assert outbox.mails() == []


def test_plain_smtp_leaves_this_machine_never(world: World, outbox: Outbox) -> None:
    """REPLY_SMTP_SECURITY=none to another machine is refused, like any half-set way."""
    send(world)

    said = world.ttcli(
        "run", code=78, REPLY_SMTP_HOST="mail.example", REPLY_SMTP_SECURITY="none", REPLY_FROM=""
    ).stdout

    assert "for this machine itself only" in said
    assert "REPLY_FROM is not set" in said


def test_the_header_of_an_answer_is_not_the_senders_to_write() -> None:
    """Ids that are none are left out of the thread; two From fields have no answer."""

    def answer(head: bytes) -> Answer:
        found = read_mail(head + b"Subject: x\r\n\r\nbody", NOON).answer
        assert found
        return found

    odd = b"From: a@b.example\r\nMessage-ID: <a b@c>\r\nReferences: x <y@z> <a@b>\r\n"
    assert answer(odd) == Answer("a@b.example", "", "<y@z> <a@b>")
    assert answer(b"From: a@b.example\r\nFrom: c@d.example\r\n").refused
    assert answer(b"From: a@b.example, c@d.example\r\n").to == ""
