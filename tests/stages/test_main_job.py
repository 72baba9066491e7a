"""The main job on real servers: a mailbox becomes a table, whatever stops in between."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from datetime import timedelta

import pytest

from tests.fix_world import NOON, World, shipment, workbook
from tests.mails import report_mail


def fill(world: World, mails: int = 20, books: int = 12, rows: int = 200) -> None:
    """A mailbox in which two of the workbooks are identical, one after the other."""
    contents = [
        workbook([shipment(100 * book + number) for number in range(rows)])
        for book in range(books - 1)
    ]
    contents.insert(5, contents[4])
    for number in range(mails):
        at = NOON + timedelta(minutes=number)
        if number < books:
            world.send(contents[number], at)
        else:
            world.mailbox.append(report_mail(b"", subject=f"Invoice {number}", date=at))


def test_twenty_mails_become_a_table(world: World) -> None:
    """12 workbooks of 200 rows, 2 of them identical; a second run changes and fetches nothing."""
    fill(world)
    world.ttcli("check")

    world.ttcli("run")

    keys = {100 * book + number for book in range(11) for number in range(200)}
    assert world.sql("SELECT count(*) FROM tracking_data") == [(len(keys),)]
    assert world.sql("SELECT count(*), count(DISTINCT item_id) FROM tracking_data_loads") == [
        (12, 12)
    ]
    assert world.counts() == {"loaded": 12}
    assert world.sql("SELECT count(*) FROM tracking_data WHERE source_at IS NULL") == [(0,)]
    duplicates = [load for load in world.status()["last_loads"] if load["duplicate_of"]]
    assert len(duplicates) == 1

    versions = world.sql("SELECT hawb, xmin::text FROM tracking_data ORDER BY hawb")
    world.ttcli("run")

    assert world.sql("SELECT hawb, xmin::text FROM tracking_data ORDER BY hawb") == versions
    assert world.status()["stages"]["fetch"]["attachments"] == 0
    assert world.mailbox.flags() == {uid: [] for uid in range(1, 21)}


def test_each_stage_by_hand(world: World) -> None:
    """fetch, process, load: each leaves its items where the next finds them."""
    world.send(workbook([shipment(1), shipment(2)]))

    world.ttcli("fetch")
    assert world.counts() == {"pending": 1}
    world.ttcli("process")
    assert world.counts() == {"processed": 1}
    world.ttcli("load")
    assert world.counts() == {"loaded": 1}
    assert [row[0] for row in world.table()] == ["H00000001", "H00000002"]


def test_a_dry_run_of_each_stage_changes_nothing(world: World) -> None:
    """Nothing in the spool, nothing in the table; the cursor stays."""
    world.send(workbook([shipment(1)]))

    world.ttcli("fetch", "--dry-run")
    assert world.counts() == {}
    world.ttcli("fetch")
    world.ttcli("process", "--dry-run")
    assert world.counts() == {"pending": 1}
    world.ttcli("process")
    world.ttcli("load", "--dry-run")
    assert world.counts() == {"processed": 1}
    assert world.table() == []
    world.ttcli("load")
    assert len(world.table()) == 1
    world.ttcli("prune", "--dry-run", FILE_RETENTION_DAYS="0")
    assert world.counts() == {"loaded": 1}
    world.ttcli("prune", FILE_RETENTION_DAYS="0")
    assert world.counts() == {}


def test_a_late_report_never_overwrites_newer_rows(world: World) -> None:
    """What arrives later but was written earlier is stale, and said to be."""
    world.send(workbook([shipment(1, Status="DLV")]), NOON)
    world.ttcli("run")
    world.mailbox.append(
        report_mail(
            workbook([shipment(1, Status="DEP"), shipment(2)]), date=NOON - timedelta(days=1)
        ),
        internaldate=NOON + timedelta(days=1),
    )

    world.ttcli("run")

    assert [(row[0], row[5]) for row in world.table()] == [
        ("H00000001", "DLV"),
        ("H00000002", shipment(2)[5]),
    ]
    assert world.sql("SELECT sum(stale), sum(inserted) FROM tracking_data_loads") == [(1, 2)]


def test_a_b_a_ends_as_a(world: World) -> None:
    """The same file again is news if another came in between."""
    a, b = workbook([shipment(1, Status="ARR")]), workbook([shipment(1, Status="DEP")])
    for minutes, content in enumerate((a, b, a)):
        world.send(content, NOON + timedelta(minutes=minutes))

    world.ttcli("run")

    assert [row[5] for row in world.table()] == ["ARR"]


def test_with_postgresql_stopped_items_wait_on_disk(world: World) -> None:
    """75 after the retries; what was read stays processed, the next run loads it."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    world.send(workbook([shipment(2)]), NOON + timedelta(hours=1))
    world.database.stop()
    try:
        said = world.ttcli("run", code=75)
        assert "processed" in said.stdout
        assert world.counts() == {"loaded": 1, "processed": 1}
    finally:
        world.database.start()

    world.ttcli("run")

    assert world.counts() == {"loaded": 2}
    assert len(world.table()) == 2


def test_after_check_workbooks_are_read_without_the_database(world: World) -> None:
    """`check` remembers the table: the very first run needs PostgreSQL only for loading."""
    world.send(workbook([shipment(1)]))
    world.ttcli("check")
    world.database.stop()
    try:
        world.ttcli("run", code=75)
        assert world.counts() == {"processed": 1}
    finally:
        world.database.start()

    world.ttcli("run")

    assert len(world.table()) == 1


def test_with_imap_stopped_what_is_on_disk_is_still_loaded(world: World) -> None:
    """The mailbox is away: exit 75, but the rest of the run is done."""
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch")
    world.mailbox.stop()
    try:
        world.ttcli("run", code=75)
    finally:
        world.mailbox.start()

    assert world.counts() == {"loaded": 1}


def test_two_runs_at_once_share_nothing(world: World) -> None:
    """One works, the other names it and exits 75."""
    fill(world, mails=10, books=10)
    both = [
        subprocess.Popen(
            world.command("run"),
            env=world.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [each.communicate(timeout=120)[0] for each in both]

    codes = [each.returncode for each in both]
    assert sorted(codes) == [0, 75], said
    assert "locked by ttcli run, pid" in said[codes.index(75)]


def test_killed_at_thirty_random_moments_the_table_is_right(world: World) -> None:
    """kill -9, thirty times; then one run ends it: the same table, one ledger row an item."""
    fill(world, mails=12, books=12, rows=50)
    expected = _undisturbed(world)
    chance = random.Random(20260822)
    for _ in range(30):
        running = subprocess.Popen(
            world.command("run"),
            env=world.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.05, 1.0))
        running.send_signal(signal.SIGKILL)
        running.wait()

    world.ttcli("run")

    assert world.table() == expected
    assert world.counts() == {"loaded": 12}
    assert world.sql("SELECT count(*), count(DISTINCT item_id) FROM tracking_data_loads") == [
        (12, 12)
    ]


def _undisturbed(world: World) -> object:
    """What the table is after one run in a spool of its own; then everything is forgotten."""
    world.ttcli("run", APP_BASE_DIR=str(world.base.with_name("undisturbed")))
    table = world.table()
    world.sql("TRUNCATE tracking_data, tracking_data_loads")
    return table


def test_sigterm_hands_the_work_back(world: World) -> None:
    """`systemctl stop`: 75, and no attempt is held against any item."""
    fill(world, mails=12, books=12)
    running = subprocess.Popen(
        world.command("run"),
        env=world.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(world.base.glob("p*/*")):
        time.sleep(0.01)
    running.terminate()
    _, said = running.communicate(timeout=60)

    assert running.returncode == 75, said
    assert "stopped" in said
    assert world.status()["waiting"] == []
    world.ttcli("run")
    assert world.counts() == {"loaded": 12}


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_more_jobs_read_the_same_rows(world: World, jobs: str) -> None:
    """MAX_CONCURRENT_JOBS changes the time it takes, nothing else."""
    fill(world, mails=6, books=6, rows=20)

    world.ttcli("run", MAX_CONCURRENT_JOBS=jobs)

    assert world.counts() == {"loaded": 6}
    assert len(world.table()) == 5 * 20


def test_a_connection_lost_between_two_items_is_opened_again(world: World) -> None:
    """PostgreSQL ends every session in the middle of a run: the run goes on, all is loaded."""
    fill(world, mails=12, books=12, rows=100)
    world.ttcli("fetch")
    world.ttcli("process")
    running = subprocess.Popen(
        world.command("load"), env=world.environ, stdout=subprocess.PIPE, text=True
    )
    while running.poll() is None and world.counts_on_disk("loaded") < 3:
        time.sleep(0.005)
    world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'ttcli%' AND pid <> pg_backend_pid()"
    )
    said, _ = running.communicate(timeout=60)

    assert running.returncode == 0, said
    assert world.counts() == {"loaded": 12}
