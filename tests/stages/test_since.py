"""EMAIL_SINCE and `fetch --since`: how far back fetch looks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Dict

from tests.fix_world import NOON, World, shipment, workbook

DAY = timedelta(days=1)
TODAY = f"{NOON:%Y-%m-%d}"
# written once: the same workbook saved in another second has other bytes
BOOKS = [workbook([shipment(number)]) for number in range(3)]


def three_days(world: World) -> None:
    """A report the day before yesterday, one yesterday, one today."""
    for ago in (2, 1, 0):
        world.send(BOOKS[ago], NOON - ago * DAY)


def cursor(world: World) -> Dict[str, Any]:
    """The cursor of the only folder."""
    (path,) = (world.base / "state").glob("cursor-*.json")
    return dict(json.loads(path.read_text()))


def fetched(world: World, *arguments: str, **variables: str) -> int:
    """How many items a fetch makes."""
    before = world.counts_on_disk("pending")
    world.ttcli("fetch", *arguments, **variables)
    return world.counts_on_disk("pending") - before


def test_the_first_look_begins_at_email_since(world: World) -> None:
    """Older mails are left out, then and later; one moved in afterwards is new, however old."""
    three_days(world)
    yesterday = f"{NOON - DAY:%Y-%m-%d}"

    assert fetched(world, EMAIL_SINCE=yesterday) == 2
    assert cursor(world)["uid"] == 3
    world.send(workbook([shipment(9)]), datetime(2026, 1, 1, tzinfo=NOON.tzinfo))
    assert fetched(world, EMAIL_SINCE=yesterday) == 1


def test_a_first_look_in_two_parts_is_one(world: World) -> None:
    """`--limit` ends it early; the rest of it keeps to EMAIL_SINCE."""
    world.send(BOOKS[0])
    three_days(world)

    assert fetched(world, "--limit", "1", EMAIL_SINCE=TODAY) == 1
    assert fetched(world, EMAIL_SINCE=TODAY) == 0  # UID 4 holds what UID 1 held
    assert world.status()["stages"]["fetch"]["known"] == 1
    assert cursor(world)["uid"] == 4


def test_a_backfill_brings_what_the_first_look_left_out(world: World) -> None:
    """Known items drop out, and the cursor stays: neither back nor past a mail not looked at."""
    three_days(world)
    assert fetched(world, EMAIL_SINCE=TODAY) == 1
    world.send(workbook([shipment(7)]), NOON - 9 * DAY)
    before = cursor(world)

    assert fetched(world, "--since", f"{NOON - 2 * DAY:%Y-%m-%d}") == 2
    assert world.status()["stages"]["fetch"]["known"] == 1
    assert cursor(world) == before

    assert fetched(world) == 1


def test_a_backfill_in_parts_comes_to_its_end(world: World) -> None:
    """`--limit` counts the mails that bring something: the same ones are not taken for ever."""
    three_days(world)
    long_ago = ("--since", "2026-01-01", "--limit", "1")

    assert [fetched(world, *long_ago) for _ in range(4)] == [1, 1, 1, 0]


def test_a_dry_backfill_names_only_what_is_missing(world: World) -> None:
    """What the spool has is known in a dry run, too."""
    three_days(world)
    world.ttcli("fetch", EMAIL_SINCE=TODAY)

    said = world.ttcli("fetch", "--since", "2026-01-01", "--dry-run").stdout

    assert "3 attachments, 1 known" in said
    assert world.counts() == {"pending": 1}


def test_a_date_that_is_none_is_refused(world: World) -> None:
    """In the variable and on the command line."""
    assert "EMAIL_SINCE" in world.ttcli("fetch", code=78, EMAIL_SINCE="yesterday").stderr
    assert "1970" in world.ttcli("fetch", "--since", "0001-01-01", code=2).stderr
