"""Mails that are left alone because of their sender: counted, named, and to be had all the same."""

from __future__ import annotations

import json
from typing import Any, Dict

from tests.fix_world import NOON, World, shipment, workbook
from tests.mails import report_mail

OURS = "mx.importer.example"
GATE = {"EMAIL_AUTHSERV_ID": OURS, "EMAIL_ALLOW_SENDERS": "ops@acme.example"}


def arrives(world: World, number: int, sender: str, verdict: str = "") -> None:
    """A report with our server's verdict on top, if it has one."""
    raw = report_mail(workbook([shipment(number)]), date=NOON, sender=sender)
    head = f"Authentication-Results: {OURS}; {verdict}\r\n".encode() if verdict else b""
    world.mailbox.append(head + raw)


def stage(world: World) -> Dict[str, Any]:
    """The last fetch as `status` tells it."""
    return dict(world.status()["stages"]["fetch"])


def test_who_is_refused_is_counted_and_named(world: World) -> None:
    """0: that is as it should be. Next time they are passed, and `--since` looks at them again."""
    arrives(world, 1, "Ops <ops@acme.example>", "dmarc=pass header.from=acme.example")
    arrives(world, 2, '"ops@acme.example" <x@x.example>', "dmarc=pass header.from=x.example")
    arrives(world, 3, "ops@acme.example", "dmarc=fail header.from=acme.example")

    done = world.ttcli("fetch", **GATE)

    assert "1 unlisted, 1 untrusted" in done.stdout
    assert "ops@acme.example left alone: dmarc=fail" in done.stdout
    assert "x@x.example left alone: not on the allow-list" in done.stderr
    assert (stage(world)["unlisted"], stage(world)["untrusted"]) == (1, 1)
    assert stage(world)["items"] == {"pending": 1}
    assert "nothing to do" in world.ttcli("fetch", **GATE).stdout

    world.ttcli("fetch", "--since", "2026-01-01", EMAIL_ALLOW_SENDERS="@x.example,@acme.example")

    assert world.counts() == {"pending": 3}


def test_a_limit_says_nothing_of_those_beyond_it(world: World) -> None:
    """They are met again by the next run, and counted once."""
    for number in (1, 2):
        arrives(world, number, "x@x.example")
        arrives(world, 10 + number, "ops@acme.example", "spf=pass smtp.mailfrom=acme.example")

    counts = []
    for _ in range(2):
        world.ttcli("fetch", "--limit", "1", **GATE)
        counts.append((stage(world)["unlisted"], stage(world)["mails"]))

    assert counts == [(1, 1), (1, 1)]


def test_a_flood_of_forged_mails_floods_no_log(world: World) -> None:
    """All are counted, some are named."""
    raw = b"From: ops@acme.example\r\nSubject: Track and Trace\r\n\r\nx\r\n"
    for _ in range(70):
        world.mailbox.append(raw)

    done = world.ttcli("fetch", LOG_FORMAT="json", **GATE)

    assert stage(world)["untrusted"] == 70
    lines = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert sum("left alone" in line for line in lines) == 50
    assert any("20 more mails untrusted" in line for line in lines)


def test_a_refused_mail_can_be_added_by_hand(world: World) -> None:
    """As the report says."""
    raw = report_mail(workbook([shipment(1)]), sender="ops@acme.example")
    world.mailbox.append(raw)
    assert "ttcli add" in world.ttcli("fetch", **GATE).stdout
    (world.base.parent / "mail.eml").write_bytes(raw)
    world.ttcli("add", str(world.base.parent / "mail.eml"), **GATE)
    assert world.counts() == {"pending": 1}
