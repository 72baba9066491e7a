"""A death in the middle of several mailboxes: each has its own cursor and its own debts."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.crash.test_crash import fresh, holds, run
from tests.fix_world import NOON, World, shipment, workbook
from tests.mails import report_mail

FETCHING = 26  # durable steps, from making the spool to beyond both folders


def test_a_death_while_mailboxes_are_fetched(world: World, tmp_path: Path) -> None:
    """Before any step of it: each report is loaded once, each mail acknowledged in its own way."""
    toml = "[[mailbox]]\nname='a'\nafter_load='seen'\n"
    toml += "[[mailbox]]\nname='b'\nfolder='Reports'\nafter_load='flag'\n"
    (world.base.parent / "mapping.toml").write_text(toml)
    world.send(workbook([shipment(1)]))
    late = report_mail(workbook([shipment(2)]), date=NOON + timedelta(hours=1))
    world.mailbox.append(late, folder="Reports")
    run(world, tmp_path / "first")  # which also makes the ledger and the staging schema
    run(world, fresh(world, tmp_path))
    expected = world.table()
    assert len(expected) == 2
    for step in range(FETCHING):
        _unmark(world)
        base = fresh(world, tmp_path)
        assert run(world, base, step) == -1
        assert _never_ahead(base), f"step {step}"
        run(world, base)
        holds(world, base, expected, f"step {step}")
        flags = world.mailbox.flags(), world.mailbox.flags("Reports")
        assert flags == ({1: ["\\Seen"]}, {1: ["\\Flagged"]}), f"step {step}"


def _unmark(world: World) -> None:
    for folder in ("INBOX", "Reports"):
        world.mailbox.select(folder).uid("STORE", "1:*", "FLAGS", "()")


def _never_ahead(base: Path) -> bool:
    """A cursor that has passed a folder's mail: then an item from that folder is there."""
    cursors = [json.loads(p.read_text()) for p in base.glob("state/cursor-*.json")]
    items = [_source(path) for path in base.glob("*/*/item.json") if path.parts[-3] != "tmp"]
    return len([each for each in cursors if each["uid"] > 0]) <= len({i["folder"] for i in items})


def _source(path: Path) -> Any:
    return json.loads(path.read_text())["source"]
