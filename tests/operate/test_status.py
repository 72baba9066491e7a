"""`ttcli status`: what needs a person turns it red, and is named with what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.fix_world import HEADINGS, World, shipment, workbook
from ttcli.spool.item import item_id, time_text
from ttcli.spool.store import Spool
from ttcli.stages.health.loads import Loads
from ttcli.stages.status import status

NOW = datetime.now(timezone.utc).replace(microsecond=0)
BAD = b"PK\x03\x04 no workbook"


def red(world: World, code: int, **variables: str) -> Dict[str, str]:
    """`--check` ends so; the findings of `--json` by kind, each with what to do."""
    line = world.ttcli("status", "--check", code=code, **variables).stdout
    assert line.count("\n") == 1
    assert line.startswith(f"{code}: " if code else "ok: ")
    found = json.loads(world.ttcli("status", "--json", **variables).stdout)
    assert found["exit_code"] == code
    assert found["ok"] == (not code)
    assert all(problem["fix"] for problem in found["problems"])
    return {problem["kind"]: problem["text"] for problem in found["problems"]}


def hours_ago(number: float) -> datetime:
    """A moment before this test."""
    return NOW - timedelta(hours=number)


def test_nothing_ran_is_red_and_a_good_run_green(world: World) -> None:
    """A monitor that is green while nothing runs would be worse than none."""
    assert set(red(world, 75)) == {"spool"}
    world.send(workbook([shipment(1)]), hours_ago(1))
    world.ttcli("run")
    assert red(world, 0) == {}
    text = world.ttcli("status").stdout
    assert "needs a person" not in text
    assert "rows per day:" in text
    assert "mail → row" in text
    assert "next run" in text


def test_a_failed_item_is_red_until_it_is_repaired_or_dropped(world: World) -> None:
    """65 with its id and reason; a run that has nothing to do does not make it green."""
    world.send(BAD, hours_ago(1))
    world.ttcli("run", code=65)
    world.ttcli("run")
    (item,) = world.status()["failed"]
    assert item["id"] in red(world, 65)["failed-items"]
    assert red(world, 0, STATUS_FAILED_ITEMS="1") == {}

    world.ttcli("drop", item["id"], "--dry-run")
    assert world.counts() == {"failed": 1}
    world.ttcli("drop", item["id"])

    assert world.counts() == {}
    assert red(world, 0) == {}
    world.ttcli("drop", item["id"], code=2)


def rewrite(world: World, name: str, **changes: Any) -> None:
    """Changes a state file as time would."""
    path = world.base / "state" / f"{name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_mail_server_away_for_long_is_red(world: World) -> None:
    """75 each hour is what the next run is for, until it has lasted; a good run ends it."""
    world.ttcli("run")
    good = world.status()["stages"]["fetch"]
    away = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": "1", "EMAIL_TIMEOUT": "2"}
    world.ttcli("fetch", code=75, **away)
    world.ttcli("fetch", code=75, **away)
    found = world.status()["stages"]["fetch"]
    assert found["last_ok"] == good["finished"]
    assert good["finished"] < found["failing_since"] < found["started"]
    assert red(world, 0) == {}

    rewrite(world, "run-fetch", last_ok=time_text(hours_ago(7)))
    assert "fetch has not succeeded since" in red(world, 75)["outage"]
    assert red(world, 0, STATUS_OUTAGE_HOURS="0") == {}
    assert red(world, 0, STATUS_OUTAGE_HOURS="8") == {}
    world.ttcli("fetch")
    assert red(world, 0) == {}


def test_what_no_later_run_cures_is_red_at_once(world: World) -> None:
    """A refused login, a stage that lacks a setting; the worst of both is the exit code."""
    world.ttcli("run")
    world.ttcli("fetch", code=77, EMAIL_PASSWORD="another")
    assert "fetch ended with 77" in red(world, 77)["stage"]
    world.ttcli("load", code=78, DB_NAME="")
    assert set(red(world, 78)) == {"stage"}
    world.ttcli("run")
    assert red(world, 0) == {}
    line = world.ttcli("status", "--check", code=78, EMAIL_PORT="x").stdout
    assert line.startswith("78: EMAIL_PORT")


def test_nothing_runs_any_more(world: World) -> None:
    """The timer was turned off: red after one interval and the outage's time."""
    world.ttcli("run")
    for stage in ("fetch", "process", "load", "prune"):
        rewrite(world, f"run-{stage}", finished=time_text(hours_ago(7.5)))
    assert "nothing has run since" in red(world, 75)["overdue"]
    assert red(world, 0, SCHEDULE_INTERVAL_HOURS="2") == {}


def test_an_item_that_waits_for_long_is_red(world: World) -> None:
    """Whatever it waits for; counted from when it came, not from its as-of time."""
    world.send(workbook([shipment(1)]), NOW - timedelta(days=9))
    world.ttcli("run", "--dry-run")
    world.ttcli("fetch")
    world.ttcli("prune")
    assert red(world, 0) == {}
    (folder,) = (world.base / "pending").iterdir()
    record = json.loads((folder / "item.json").read_text())
    record["history"][-1]["at"] = time_text(hours_ago(7))
    (folder / "item.json").write_text(json.dumps(record))
    assert "pending since" in red(world, 75)["waiting"]
    assert red(world, 0, STATUS_WAITING_HOURS="8") == {}


def test_a_killed_run_is_red_until_one_ends_well(world: World) -> None:
    """kill -9 and the kernel short of memory leave no report, but the lock names its holder."""
    world.ttcli("run")
    holder = (
        "import os, sys; from pathlib import Path; from ttcli.spool import lock\n"
        "with lock.held(Path(sys.argv[1]), 'load'): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", holder, str(world.base)], check=False)
    assert "ttcli load" in red(world, 70)["killed"]
    world.ttcli("fetch")  # takes the lock, and is not the one that was killed
    assert "ttcli load" in red(world, 70)["killed"]
    world.ttcli("load")
    assert red(world, 0) == {}


MAPPING = """
[[sender]]
match = "@acme.example"
expect = "daily by {by}"
expect_rows = "-80%..+300%"
"""


def expecting(world: World, by: datetime) -> None:
    """mapping.toml expects a report of ACME by that time of each day."""
    path = Path(world.environ["TTCLI_CONFIG"]).with_name("mapping.toml")
    path.write_text(MAPPING.format(by=f"{by.astimezone():%H:%M}"))


def send_acme(world: World, at: datetime, rows: int) -> None:
    """A report of ACME of so many rows."""
    content = workbook([shipment(int(at.timestamp()) % 10**6 + n) for n in range(rows)])
    world.send(content, at, sender="ACME <ops@acme.example>")


def test_a_missing_report_is_red_and_named(world: World) -> None:
    """Any other sender's mail is no substitute; the report itself, even late, is."""
    expecting(world, hours_ago(2))
    send_acme(world, hours_ago(27), 10)
    world.send(workbook([shipment(1)]), hours_ago(1))
    world.ttcli("run")
    text = red(world, 65)["missing-report"]
    assert text.startswith("@acme.example: no report for ")
    assert "MISSING" in world.ttcli("status").stdout

    send_acme(world, hours_ago(0.5), 10)
    world.ttcli("fetch")
    assert "missing-report" not in red(world, 0)


def test_an_odd_report_is_red_and_what_is_usual_outlives_the_items(world: World) -> None:
    """Usual is the median of the reports before, though they were pruned."""
    expecting(world, hours_ago(-2))
    for day in range(5, 1, -1):
        send_acme(world, NOW - timedelta(days=day), 50)
    world.ttcli("run", FILE_RETENTION_DAYS="0")
    world.ttcli("prune", FILE_RETENTION_DAYS="0")
    assert world.counts() == {}
    send_acme(world, hours_ago(3), 3)
    world.ttcli("run")
    text = red(world, 65)["odd-report"]
    assert "3 rows" in text
    assert "usual are 50" in text

    send_acme(world, hours_ago(1), 60)
    world.ttcli("run")
    assert red(world, 0) == {}
    acme = world.status()["senders"][0]
    assert (acme["rows"], acme["usual_rows"]) == (60, 50)


def test_totals_that_the_rows_do_not_hold_are_red(world: World) -> None:
    """The workbook's own TOTAL row is held against what was read, by its pieces and weight."""
    total = ["TOTAL", None, 99, 3.0, None, None]
    rows = [shipment(1, Pieces=2, Weight=1), shipment(2, Pieces=3, Weight=2)]
    world.send(workbook([*rows, total]), hours_ago(1))
    said = world.ttcli("run").stdout
    assert "says 99 pieces" in said
    text = red(world, 65)["totals"]
    assert "says 99 pieces, the rows hold 5" in text
    assert "weight" not in text

    world.send(workbook([*rows, ["TOTAL", None, 5, 3.0, None, None]], HEADINGS), hours_ago(0.5))
    world.ttcli("run")
    assert red(world, 0) == {}


def test_silence_is_red_where_it_is_watched(world: World) -> None:
    """STATUS_SILENCE_HOURS: nothing was loaded for so long, whoever sends."""
    world.ttcli("run")
    assert red(world, 0) == {}
    assert set(red(world, 65, STATUS_SILENCE_HOURS="2")) == {"silence"}


def test_a_damaged_item_hides_nothing_else(world: World) -> None:
    """74 and its path; the other items are still shown."""
    world.send(BAD, hours_ago(2))
    world.ttcli("run", code=65)
    damaged = world.base / "failed" / "20260101T000000Z-0123456789abcdef"
    damaged.mkdir()
    (damaged / "item.json").write_text("{")
    found = red(world, 74)
    assert damaged.name in found["damaged"]
    assert "2 failed items" in found["failed-items"]


def test_what_a_crash_kept_from_the_figures_is_added(world: World) -> None:
    """loads.jsonl lost, torn or twice: the next run makes it whole from loaded/."""
    for hour in (3, 2):
        send_acme(world, hours_ago(hour), 5)
    world.ttcli("run")
    path = world.base / "state" / "loads.jsonl"
    whole = path.read_bytes()
    first, second = whole.splitlines(keepends=True)
    for left in (b"", first, first + second[:40], whole + first, first + second[:40] + b"\n"):
        path.write_bytes(left)
        world.ttcli("prune")
        loads = Loads(Spool(world.base)).read()
        assert sorted(load.id for load in loads) == sorted({load.id for load in loads})
        assert sum(day["read"] for day in world.status()["days"]) == 10, left
    path.unlink()
    world.ttcli("prune")
    assert path.read_bytes() == whole


class Counting(Spool):
    """A spool that counts the items that are read."""

    reads = 0

    def get(self, identity: str, state: str) -> Any:
        """The item, counted."""
        self.reads += 1
        return super().get(identity, state)


@pytest.mark.parametrize("state", ["pending", "processed", "loaded", "failed"])
def test_of_many_items_few_are_read(tmp_path: Path, state: str) -> None:
    """All are counted by their names; the time that takes is measured in bench/status.py."""
    spool = Counting(tmp_path / "spool")
    spool.prepare()
    for number in range(1000):
        as_of = NOW - timedelta(minutes=number)
        (spool.base / state / item_id(as_of, f"{number:016x}")).mkdir()
    assert status(spool)["states"][state]["count"] == 1000
    assert spool.reads <= 200


@pytest.mark.parametrize("form", [[], ["--json"], ["--prometheus"], ["--check"]])
def test_both_ways_answer_alike(world: World, form: List[str]) -> None:
    """With Typer and without, but for the clock; and without means without."""
    world.send(BAD, hours_ago(1))
    world.ttcli("run", code=65)
    program = "import sys; from ttcli import cli; cli.main()"
    asked = [[*world.command(), "status"], [sys.executable, "-c", program, "status"]]
    said = [
        subprocess.run(
            [*command, *form], env=world.environ, capture_output=True, text=True, check=False
        )
        for command in asked
    ]
    digits = str.maketrans("0123456789", "0000000000")
    plain, typed = (done.stdout.translate(digits) for done in said)
    assert plain.splitlines()[:3] == typed.splitlines()[:3]
    assert len(plain.splitlines()) == len(typed.splitlines()) > 0
    assert [done.returncode for done in said] == [65 if form == ["--check"] else 0] * 2
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", *asked[0][1:], *form],
        env=world.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "typer" not in loaded.stderr
