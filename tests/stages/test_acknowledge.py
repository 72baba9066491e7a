"""EMAIL_AFTER_LOAD and EMAIL_ON_FAILURE: done when the rows are committed, and done in the end."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.mime.application import MIMEApplication
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.fix_world import NOON, World, shipment, workbook
from tests.mails import report_mail

SEEN = {"EMAIL_AFTER_LOAD": "seen"}
MOVE = {"EMAIL_AFTER_LOAD": "move:Done", "EMAIL_ON_FAILURE": "move:Broken"}
BROKEN = b"PK\3\4"


def owed_file(world: World) -> Path:
    """Where the debts stand."""
    (path,) = (world.base / "state").glob("owed-*.jsonl")
    return path


def folders(world: World, *names: str) -> Dict[str, int]:
    """How many mails are in each."""
    return {name: len(world.mailbox.flags(name)) for name in ("INBOX", *names)}


def make_folders(world: World) -> None:
    """The folders that MOVE names."""
    for name in ("Done", "Broken"):
        world.mailbox.imap().create(name)


def stage(world: World) -> Any:
    """The last acknowledgement as `status` tells it."""
    return world.status()["stages"]["acknowledge"]


def test_nothing_is_done_before_the_commit(world: World) -> None:
    """Fetched, read, but PostgreSQL is away: the mail stays as it is until the rows are in."""
    world.send(workbook([shipment(1)]))
    world.ttcli("check")
    world.database.stop()
    try:
        world.ttcli("run", code=75, **SEEN)
        assert world.counts() == {"processed": 1}
        assert world.mailbox.flags() == {1: []}
    finally:
        world.database.start()

    world.ttcli("run", **SEEN)

    assert world.mailbox.flags() == {1: ["\\Seen"]}
    assert stage(world)["acknowledged"] == 1
    assert owed_file(world).read_bytes() == b""


def test_stage_by_stage_is_as_good_as_a_run(world: World) -> None:
    """As the unit does it; without anything to do it says so, and leaves no trace in `status`."""
    world.send(workbook([shipment(1)]))
    assert "nothing to do" in world.ttcli("acknowledge").stdout
    assert "acknowledge" not in world.status()["stages"]
    for name in ("fetch", "process", "load"):
        world.ttcli(name, **SEEN)
    assert world.mailbox.flags() == {1: []}

    assert "1 acknowledged" in world.ttcli("acknowledge", **SEEN).stdout

    assert world.mailbox.flags() == {1: ["\\Seen"]}


def test_each_mail_goes_where_its_end_asks_for(world: World) -> None:
    """One broken workbook of two makes a failed mail; one without a workbook stays."""
    make_folders(world)
    mail = message_from_bytes(report_mail(workbook([shipment(1)])))
    mail.attach(MIMEApplication(BROKEN, "octet-stream", name="broken.xlsx"))
    world.mailbox.append(mail.as_bytes().replace(b"\n", b"\r\n"))
    world.send(workbook([shipment(2)]), NOON + timedelta(hours=1))
    world.mailbox.append(b"Subject: Track and Trace: no report today\r\n\r\nSorry.\r\n")

    world.ttcli("run", code=65, **MOVE)

    assert world.counts() == {"loaded": 2, "failed": 1}
    assert folders(world, "Done", "Broken") == {"INBOX": 1, "Done": 1, "Broken": 1}


def test_a_repaired_mail_is_acknowledged_as_loaded(world: World) -> None:
    """After `retry` its rows are in the table; the failure alone was acknowledged so far."""
    both = {"EMAIL_ON_FAILURE": "flag", **SEEN}
    world.send(workbook([shipment(1), shipment(2)]))
    world.ttcli("run", code=65, LIMIT_ROWS="1", **both)
    assert world.mailbox.flags() == {1: ["\\Flagged"]}

    world.ttcli("retry", "--all")
    world.ttcli("run", **both)

    assert world.mailbox.flags() == {1: ["\\Flagged", "\\Seen"]}


def test_a_mail_that_came_twice_is_acknowledged_twice(world: World) -> None:
    """Its second copy makes no item of its own, and is done with as well."""
    raw = report_mail(workbook([shipment(1)]), date=NOON)
    for _ in range(2):
        world.mailbox.append(raw, internaldate=NOON)

    world.ttcli("run", **SEEN)

    assert world.counts() == {"loaded": 1}
    assert world.mailbox.flags() == {1: ["\\Seen"], 2: ["\\Seen"]}


def test_a_mail_server_that_is_away_fails_no_load(world: World) -> None:
    """What is owed outlives even the items: they may be pruned before the server is back."""
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch", **SEEN)
    world.mailbox.stop()
    try:
        world.ttcli("run", code=75, FILE_RETENTION_DAYS="0", **SEEN)
        assert len(world.table()) == 1
        assert world.counts() == {}
    finally:
        world.mailbox.start()

    world.ttcli("run", **SEEN)

    assert world.mailbox.flags() == {1: ["\\Seen"]}


def test_a_missing_folder_is_told_and_waited_for(world: World) -> None:
    """78 with the folders there are; the rows are in, and once it exists the mail is moved."""
    world.send(workbook([shipment(1)]))

    said = world.ttcli("run", code=78, **MOVE)
    assert "Done" in said.stdout
    assert len(world.table()) == 1

    make_folders(world)
    world.ttcli("run", **MOVE)
    assert folders(world, "Done") == {"INBOX": 0, "Done": 1}


def test_done_again_after_a_crash_changes_nothing(world: World) -> None:
    """Killed between the deed and its note, and while a note was written."""
    make_folders(world)
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch", **MOVE)
    debts = owed_file(world).read_bytes()
    world.ttcli("run", **MOVE)
    owed_file(world).write_bytes(debts + b'{"uidvalidity": 12, "ui')
    world.send(workbook([shipment(2)]), NOON + timedelta(hours=1))

    world.ttcli("run", **MOVE)

    assert folders(world, "Done", "Broken") == {"INBOX": 0, "Done": 2, "Broken": 0}
    assert stage(world)["owed"] == 0


def test_a_replaced_folder_is_owed_nothing(world: World) -> None:
    """Its UIDs are other mails now, and these keep their flags until they are loaded."""
    place = {"EMAIL_FOLDER": "Reports", **SEEN}
    world.mailbox.append(report_mail(workbook([shipment(1)])), folder="Reports")
    world.ttcli("fetch", **place)
    world.ttcli("process", **place)
    world.ttcli("load", **place)
    world.mailbox.recreate("Reports")
    world.mailbox.append(report_mail(b"", subject="another"), folder="Reports")

    world.ttcli("run", **place)

    assert world.mailbox.flags("Reports") == {1: []}
    assert owed_file(world).read_bytes() == b""


@pytest.mark.parametrize("text", ["delete", "move", "move:", "seen:INBOX"])
def test_an_action_that_is_none_is_refused(world: World, text: str) -> None:
    """78 before anything is fetched."""
    assert "EMAIL_AFTER_LOAD" in world.ttcli("run", code=78, EMAIL_AFTER_LOAD=text).stderr


def test_a_dry_run_tells_no_server(world: World) -> None:
    """It says how many are owed, and leaves it at that."""
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch", **SEEN)
    world.ttcli("process")
    world.ttcli("load")

    assert "1 owed" in world.ttcli("run", "--dry-run", **SEEN).stdout
    assert world.mailbox.flags() == {1: []}


def test_debts_that_cannot_be_read_keep_nothing_else_from_the_run(world: World) -> None:
    """74 for that stage; the report is loaded, and prune has its turn."""
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch")
    (world.base / "state" / _owed_name(world)).mkdir()

    said = world.ttcli("run", code=74).stdout

    assert "prune" in said
    assert world.counts() == {"loaded": 1}


def _owed_name(world: World) -> str:
    """The file's name, as the stage makes it from account and folder."""
    from ttcli.mail import cursor

    host = world.environ["EMAIL_HOST"]
    return f"owed-{cursor.key(world.mailbox.username + '@' + host, 'INBOX')}.jsonl"
