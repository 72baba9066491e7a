"""[[mailbox]]: several mailboxes and folders, of which none keeps another from its turn."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from tests.fix_dovecot import PASSWORD, Account
from tests.fix_world import NOON, World, shipment, workbook
from tests.mails import report_mail

HOUR = timedelta(hours=1)


@pytest.fixture
def other(world: World) -> Iterator[Account]:
    """A second account on the same server."""
    account = Account(world.mailbox.server, f"other-{world.mailbox.username}")
    yield account
    account.close()
    shutil.rmtree(account.server.home / "mail" / account.username, ignore_errors=True)


def write_mapping(world: World, *tables: Dict[str, Any]) -> None:
    """mapping.toml with these mailboxes; the values of TOML are those of JSON here."""
    lines: List[str] = []
    for table in tables:
        lines += ["[[mailbox]]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path = world.base.parent / "mapping.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o640)


def two(world: World, other: Account, **more: Any) -> None:
    """`acme` with two folders, and `globex`, which has `more`."""
    acme = {"name": "acme", "folders": ["INBOX", "Reports"]}
    globex = {"name": "globex", "username": other.username, **more}
    write_mapping(world, acme, globex)


def fill(world: World, other: Account) -> None:
    """A report in each of the three folders."""
    world.send(workbook([shipment(1)]))
    world.mailbox.append(report_mail(workbook([shipment(2)]), date=NOON + HOUR), folder="Reports")
    other.append(report_mail(workbook([shipment(3)]), date=NOON + 2 * HOUR))


def sources(world: World) -> List[Tuple[str, str, int]]:
    """Account, folder and UID of each pending item."""
    records = [json.loads(p.read_text()) for p in (world.base / "pending").glob("*/item.json")]
    found = [record["source"] for record in records]
    return sorted((each["account"], each["folder"], each["uid"]) for each in found)


def fetched(world: World) -> Dict[str, Any]:
    """By label: what `status --json` says of each mailbox's last fetch."""
    told = world.status()["stages"]["fetch"]["mailboxes"]
    return {f"{each['name']} {each['folder']}": each for each in told}


def test_every_folder_of_every_mailbox_is_fetched(world: World, other: Account) -> None:
    """Each item says where it comes from; the second time nothing is new."""
    fill(world, other)
    two(world, other)

    assert "3 attachments" in world.ttcli("fetch").stdout

    me = world.mailbox.username
    assert sources(world) == sorted(
        [(me, "INBOX", 1), (me, "Reports", 1), (other.username, "INBOX", 1)]
    )
    assert len(list((world.base / "state").glob("cursor-*"))) == 3
    assert world.ttcli("fetch").stdout.count("nothing to do") == 1
    other.append(report_mail(workbook([shipment(4)]), date=NOON))
    assert "1 attachment" in world.ttcli("fetch").stdout


BROKEN = {
    "down": ({"port": 1}, 75),
    "password": ({"password": "wrong"}, 77),
    "folder": ({"folder": "Nowhere"}, 78),
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("first", [True, False])
def test_a_bad_mailbox_keeps_no_other_from_its_turn(
    world: World, other: Account, fault: str, first: bool
) -> None:
    """The others are fetched and loaded; the report and `status` name the bad one; its code."""
    wrong, code = BROKEN[fault]
    fill(world, other)
    good = {"name": "acme", "folders": ["INBOX", "Reports"]}
    bad = {"name": "globex", "username": other.username, **wrong}
    write_mapping(world, *([bad, good] if first else [good, bad]))

    said = world.ttcli("run", code=code).stdout

    assert "mailbox globex" in said
    assert [row[0] for row in world.table()] == ["H00000001", "H00000002"]
    assert "globex" in world.ttcli("status").stdout
    told = fetched(world)
    assert (told["acme INBOX"]["exit_code"], told["acme Reports"]["mails"]) == (0, 1)
    assert told[f"globex {wrong.get('folder', 'INBOX')}"]["exit_code"] == code


def test_a_missing_folder_keeps_the_account_s_others(world: World, other: Account) -> None:
    """The one before it and the one behind it are fetched, over the same connection."""
    fill(world, other)
    write_mapping(world, {"name": "acme", "folders": ["Nowhere", "INBOX", "Nor here", "Reports"]})

    said = world.ttcli("fetch", code=78).stdout

    assert world.counts() == {"pending": 2}
    assert "acme Nowhere" in said
    assert "acme Nor here" in said
    log = world.mailbox.server.log()
    assert log.count(f"Login: user=<{world.mailbox.username}>") <= 2  # the fixture's, and this


def test_the_worst_code_wins(world: World, other: Account) -> None:
    """A wrong password is worse than a server that is away, and both are named."""
    two(world, other, port=1)
    write_mapping(
        world,
        {"name": "away", "port": 1},
        {"name": "denied", "username": other.username, "password": "wrong"},
    )

    said = world.ttcli("fetch", code=77).stdout

    assert "away INBOX:" in said
    assert "denied INBOX:" in said


def test_one_mailbox_can_be_picked(world: World, other: Account) -> None:
    """`--mailbox`; a name that there is not is told with those that there are."""
    fill(world, other)
    two(world, other)

    world.ttcli("fetch", "--mailbox", "GLOBEX")

    assert sources(world) == [(other.username, "INBOX", 1)]
    said = world.ttcli("fetch", "--mailbox", "initech", code=78).stdout
    assert "acme, globex" in said


def test_a_limit_holds_for_all_together(world: World, other: Account) -> None:
    """And what it left is taken by the next run."""
    fill(world, other)
    two(world, other)
    assert "2 attachments" in world.ttcli("fetch", "--limit", "2").stdout
    assert "1 attachment" in world.ttcli("fetch", "--limit", "2").stdout


def test_each_mailbox_is_acknowledged_in_its_own_way(world: World, other: Account) -> None:
    """The debts of one never reach another, though their UIDs are the same."""
    fill(world, other)
    two(world, other, after_load="flag")

    world.ttcli("run", EMAIL_AFTER_LOAD="seen")

    assert world.mailbox.flags() == {1: ["\\Seen"]}
    assert world.mailbox.flags("Reports") == {1: ["\\Seen"]}
    assert other.flags() == {1: ["\\Flagged"]}


def test_what_is_owed_to_a_mailbox_that_is_away_stays_owed(world: World, other: Account) -> None:
    """The others are acknowledged, and it is when it is back."""
    fill(world, other)
    two(world, other, after_load="flag")
    world.ttcli("fetch", EMAIL_AFTER_LOAD="seen")
    two(world, other, after_load="flag", password="wrong")

    world.ttcli("run", code=77, EMAIL_AFTER_LOAD="seen")

    assert (world.mailbox.flags(), other.flags()) == ({1: ["\\Seen"]}, {1: []})
    two(world, other, after_load="flag")
    world.ttcli("run", EMAIL_AFTER_LOAD="seen")
    assert other.flags() == {1: ["\\Flagged"]}


def test_check_tests_each(world: World, other: Account) -> None:
    """By name, and the fix of what is wrong."""
    two(world, other, password="wrong")
    world.mailbox.imap().create("Reports")

    found = json.loads(world.ttcli("check", "--json", code=77).stdout)["facts"]

    ok = {fact["name"]: fact["ok"] for fact in found}
    assert ok["mailbox login (acme INBOX)"]
    assert ok["mailbox folder (acme Reports)"]
    assert not ok["mailbox (globex INBOX)"]


def test_watch_waits_on_each(world: World, other: Account) -> None:
    """A mail in any folder becomes rows, and one that is down or denied disturbs none."""
    from tests.stages.test_watch import has_run, rows, until, watching

    acme = {"name": "acme", "folders": ["INBOX", "Reports"]}
    globex = {"name": "globex", "username": other.username}
    away = {"name": "away", "username": "away", "port": 1}
    denied = {"name": "denied", "username": "denied", "password": "wrong"}
    write_mapping(world, away, denied, acme, globex)
    world.mailbox.imap().create("Reports")
    with watching(world) as running:
        until(has_run(world), "the first run")
        for number, (account, folder) in enumerate(
            [(other, "INBOX"), (world.mailbox, "Reports"), (world.mailbox, "INBOX")], 1
        ):
            at = NOON + number * HOUR
            account.append(report_mail(workbook([shipment(number)]), date=at), folder=folder)
            until(rows(world, number), f"{account.username} {folder}")
        assert running.poll() is None


def test_a_wrong_password_never_shows(world: World, other: Account) -> None:
    """A mailbox's own secret is struck out of logs as any other."""
    secret = "sup3r-secret-word"
    write_mapping(world, {"username": other.username, "password": secret})
    done = world.ttcli("fetch", code=77, DEBUG="true")
    logs = "".join(path.read_text() for path in (world.base.parent / "logs").glob("*"))
    assert secret not in done.stdout + done.stderr + logs


@pytest.mark.parametrize("where", ["file", "environment", "config.env", "credential"])
def test_the_password_is_found_where_it_is_said_to_be(
    world: World, other: Account, where: str
) -> None:
    """A file, or a variable or credential of any name, even one that looks like ours."""
    home = world.base.parent
    other.append(report_mail(workbook([shipment(3)])))
    (home / "EMAIL_PASSWORD_GLOBEX").write_text(PASSWORD + "\n")
    variables = {"EMAIL_PASSWORD": "wrong"}
    more = {"password_variable": "EMAIL_PASSWORD_GLOBEX"}
    if where == "file":
        more = {"password_file": str(home / "EMAIL_PASSWORD_GLOBEX")}
    elif where == "environment":
        variables["EMAIL_PASSWORD_GLOBEX"] = PASSWORD
    elif where == "config.env":
        (home / "config.env").write_text(f"EMAIL_PASSWORD_GLOBEX='{PASSWORD}'\n")
    else:
        variables["CREDENTIALS_DIRECTORY"] = str(home)
    write_mapping(world, {"username": other.username, **more})

    world.ttcli("fetch", **variables)

    assert world.counts() == {"pending": 1}
