"""Bad input on real servers: a clear message with the next step, the right exit code, and
nothing else stops or is lost."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Tuple

import pytest

from tests.fix_world import HEADINGS, NOON, World, shipment, workbook


def failed(world: World) -> Tuple[str, str]:
    """Kind and message of the one failed item."""
    (item,) = world.status()["failed"]
    hopeless = item["kind"] in ("truncated", "damaged", "empty", "lock-file")
    assert item["repair"] == f"ttcli {'drop' if hopeless else 'retry'} {item['id']}"
    return item["kind"], item["message"]


def with_a_good_one(world: World) -> None:
    """A good report that comes after the bad one, and must be loaded all the same."""
    world.send(workbook([shipment(9)]), NOON + timedelta(hours=1))


def truncated(content: bytes) -> bytes:
    """Two thirds of a file."""
    return content[: len(content) * 2 // 3]


def flipped(content: bytes) -> bytes:
    """A workbook whose sheet is damaged inside."""
    damaged = bytearray(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        where = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    damaged[where + 120] ^= 0xFF
    return bytes(damaged)


BOOK = workbook([shipment(n) for n in range(50)])


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"Dear all, see below\r\n", "no header row"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (truncated(BOOK), ""),
        (flipped(BOOK), ""),
        (b"", "empty"),
        (workbook([[1, 2]], ["Colour", "Size"]), "Colour"),
        (workbook([shipment(1)[1:]], HEADINGS[1:]), "hawb"),
        (workbook([[None, *shipment(1)[1:]]]), "none of its 1 rows could be used"),
        (workbook([[None, None, 1]], ["HAWB", "Pcs", "No."]), "not mapped, the first in C2"),
    ],
    ids=[
        "a letter",
        "a PDF",
        "truncated",
        "damaged",
        "empty",
        "unknown headings",
        "no key column",
        "no keys",
        "only a serial number",
    ],
)
def test_a_bad_workbook_is_set_aside_with_its_reason(
    world: World, content: bytes, word: str
) -> None:
    """65; the good one is loaded, the bad one waits in failed/ with reason and payload."""
    world.send(content)
    with_a_good_one(world)

    world.ttcli("run", code=65)

    kind, message = failed(world)
    assert kind not in ("bug", "crashed")
    assert word.lower() in message.lower()
    assert world.counts() == {"loaded": 1, "failed": 1}
    assert [row[0] for row in world.table()] == ["H00000009"]
    (payload,) = (world.base / "failed").glob("*/payload")
    assert payload.read_bytes() == content


def test_a_mail_without_attachment_is_looked_at_once(world: World) -> None:
    """It is said in the log, makes no item, and the cursor passes it."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "x@example.com", "Track and Trace"
    mail.set_content("I forgot the attachment")
    world.mailbox.append(mail.as_bytes(), internaldate=NOON)

    world.ttcli("run")
    assert "no workbook" in "".join(p.read_text() for p in (world.base.parent / "logs").iterdir())
    world.ttcli("run")

    assert world.counts() == {}
    assert world.status()["stages"]["fetch"]["mails"] == 0


def test_a_row_without_a_key_and_two_rows_with_one_key(world: World) -> None:
    """The one is rejected with its cell, of the others the last wins; all is accounted for."""
    world.send(
        workbook([shipment(1, Status="DEP"), shipment(2, HAWB=None), shipment(1, Status="DLV")])
    )

    world.ttcli("run")

    assert [(row[0], row[5]) for row in world.table()] == [("H00000001", "DLV")]
    (item,) = world.status()["last_loads"]
    shown = world.ttcli("show", item["id"]).stdout
    assert "Sheet!A3" in shown
    assert "Sheet!A2" in shown


def test_a_column_the_table_does_not_have_is_named_and_left_out(world: World) -> None:
    """The rest of the row is loaded; `show` names the heading."""
    world.send(workbook([[*shipment(1), "blue"]], [*HEADINGS, "Colour"]))

    world.ttcli("run")

    assert len(world.table()) == 1
    (item,) = world.status()["last_loads"]
    assert "Colour" in world.ttcli("show", item["id"]).stdout


@pytest.mark.parametrize(
    ("variable", "command", "code", "word"),
    [
        ({"EMAIL_PASSWORD": "wrong-one"}, "fetch", 77, "password"),
        ({"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": "1"}, "fetch", 75, "127.0.0.1"),
        ({"EMAIL_FOLDER": "Nowhere"}, "fetch", 78, "INBOX"),
        ({"DB_TARGET_TABLE": "nowhere"}, "process", 78, "CREATE TABLE"),
        ({"DB_UNIQUE_KEY": "status"}, "process", 78, "UNIQUE"),
        ({"DB_PORT": "1"}, "process", 75, "PostgreSQL"),
        ({"DB_NAME": "nowhere"}, "process", 78, "nowhere"),
        ({"EMAIL_PORT": "x"}, "run", 78, "EMAIL_PORT"),
        ({"APP_BASE_DIR": "/proc/nowhere"}, "run", 74, "/proc"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_setting_is_said_and_nothing_is_touched(
    world: World, variable: dict[str, str], command: str, code: int, word: str
) -> None:
    """The right exit code, the thing named, the fix beside it, no secret, and the item waits."""
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch", FILE_RETENTION_DAYS="1")

    said = world.ttcli(command, code=code, **variable)

    text = said.stdout + said.stderr
    assert word.lower() in text.lower(), text
    assert "→" in text
    assert "wrong-one" not in text
    assert "Traceback" not in text
    assert world.counts() == {"pending": 1}
    world.ttcli("run")
    assert world.counts() == {"loaded": 1}


def test_check_fails_with_the_fix_where_something_is_wrong(world: World) -> None:
    """Each part is tested for itself: a bad password hides no missing table."""
    said = world.ttcli("check", code=None, EMAIL_PASSWORD="wrong-one", DB_TARGET_TABLE="nowhere")

    assert said.returncode == 78
    assert "FAIL  mailbox" in said.stdout
    assert "nowhere" in said.stdout
    assert said.stdout.count("→") >= 2


def test_without_source_at_check_says_the_alter_table(world: World) -> None:
    """Without it nothing tells a late report from a new one."""
    world.sql("ALTER TABLE tracking_data DROP COLUMN source_at")

    said = world.ttcli("check", code=None)

    assert "ALTER TABLE" in said.stdout
    assert "source_at" in said.stdout


def test_a_full_disk_loses_nothing(world: World) -> None:
    """ENOSPC while reading: 75, the item uncharged; with room again the run ends it."""
    world.send(workbook([shipment(n) for n in range(2000)]))
    world.ttcli("fetch")
    world.ttcli("process", "--dry-run")

    full = subprocess.run(
        ["sh", "-c", 'ulimit -f 20; trap "" XFSZ; exec "$@"', "sh", *world.command("process")],
        env={**world.environ, "LOG_DIR": "/proc/none"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert full.returncode in (74, 75), full.stdout + full.stderr
    assert "too large" in (full.stdout + full.stderr).lower()
    assert world.counts() == {"pending": 1}
    assert world.status()["waiting"] == []
    world.ttcli("run")
    assert len(world.table()) == 2000


def test_a_spool_that_takes_no_snapshot_is_no_bug(world: World) -> None:
    """Whichever file cannot be written: 74 and its name, and the next run does the rest."""
    with_a_good_one(world)
    world.ttcli("fetch")
    obstacle = world.base / "state" / "table.json.new"
    obstacle.mkdir()

    done = world.ttcli("run", code=74)
    obstacle.rmdir()
    world.ttcli("run")

    assert str(obstacle) in done.stdout
    assert "bug" not in done.stdout + done.stderr
    assert world.counts() == {"loaded": 1}


def test_retry_reads_again_with_today_s_table(world: World) -> None:
    """A workbook whose key column was unknown loads after the table learned it."""
    world.send(workbook([["K1", "DLV"]], ["Colour", "Status"]))
    world.ttcli("run", code=65)
    (item,) = world.status()["failed"]
    world.sql("ALTER TABLE tracking_data RENAME COLUMN hawb TO colour")

    world.ttcli("retry", item["id"])
    world.ttcli("run", DB_UNIQUE_KEY="colour")

    assert world.sql("SELECT colour FROM tracking_data") == [("K1",)]


def test_retry_of_what_is_not_there_moves_nothing(world: World) -> None:
    """One wrong id among several: a mistake of the command line, and none is moved."""
    world.send(b"no workbook")
    world.ttcli("run", code=65)
    (item,) = world.status()["failed"]

    unknown = "20200101T000000Z-0000000000000000"
    said = world.ttcli("retry", item["id"], unknown, code=2).stderr
    assert f"not in failed/: {unknown}\n" in said
    assert "ttcli status" in said
    assert world.counts() == {"failed": 1}
    world.ttcli("retry", "--all")
    assert world.counts() == {"pending": 1}
    assert "(it is in pending/)" in world.ttcli("retry", item["id"], code=2).stderr
    world.ttcli("retry", code=2)


def test_show_of_what_is_not_there_is_a_slip_of_the_pen(world: World) -> None:
    """2 with the next step, for an id that nothing has and for what is no id."""
    for wrong in ("20200101T000000Z-0000000000000000", "yesterday's"):
        said = world.ttcli("show", wrong, code=2).stderr
        assert f"{wrong}: no such item in the spool" in said
        assert "ttcli status" in said


def test_add_takes_workbooks_and_saved_mails(world: World, tmp_path: Path) -> None:
    """By hand, as of the file's last change or the mail's own date."""
    from tests.mails import report_mail

    (tmp_path / "report.xlsx").write_bytes(workbook([shipment(1)]))
    (tmp_path / "mail.eml").write_bytes(report_mail(workbook([shipment(2)]), date=NOON))
    os.utime(tmp_path / "report.xlsx", (NOON.timestamp(), NOON.timestamp()))

    world.ttcli("add", str(tmp_path / "report.xlsx"), str(tmp_path / "mail.eml"))
    world.ttcli("add", str(tmp_path / "report.xlsx"))
    world.ttcli("add", str(tmp_path / "nothing.xlsx"), code=65)
    world.ttcli("run")

    assert [(row[0], row[6]) for row in world.table()] == [("H00000001", NOON), ("H00000002", NOON)]


def test_add_takes_the_workbooks_of_a_zip_archive(world: World, tmp_path: Path) -> None:
    """As a mail's: each an item of its own; an archive without any fails with its names."""
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        for number in (1, 2):
            archive.writestr(f"in/{number}.xlsx", workbook([shipment(number)]))
        archive.writestr("read me.txt", "hello")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("read me.txt", "hello")

    world.ttcli("add", str(tmp_path / "both.zip"), str(tmp_path / "none.zip"))
    world.ttcli("run", code=65)

    assert [row[0] for row in world.table()] == ["H00000001", "H00000002"]
    kind, message = failed(world)
    assert kind == "unsupported"
    assert "read me.txt" in message


def test_what_stands_beside_the_mapped_columns_is_told(world: World) -> None:
    """The rest is loaded; the line says of how many rows nothing was taken."""
    rows = [[*shipment(1), 1], [None] * len(HEADINGS) + [2]]
    world.send(workbook(rows, [*HEADINGS, "No."]))

    assert "1 of 1 rows (1 only in columns not mapped)" in world.ttcli("run").stderr
    assert world.counts() == {"loaded": 1}
