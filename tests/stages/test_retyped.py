"""An item that was read for a column of dates, which is one no more when it is loaded."""

from __future__ import annotations

import json
from datetime import datetime

from tests.fix_world import World, shipment, workbook


def test_it_is_read_again(world: World) -> None:
    """Its serials would mean nothing to a text; read again, the dates are texts."""
    world.send(workbook([shipment(1, ETA=datetime(2026, 8, 23, 12, 30))]))
    world.ttcli("fetch")
    world.ttcli("process")
    record = json.loads(next(world.base.glob("processed/*/item.json")).read_text())
    assert record["rows"]["serials"] == {"eta": "timestamp"}
    world.sql("ALTER TABLE tracking_data ALTER eta TYPE text")

    said = world.ttcli("load").stdout

    assert "eta has not the type it had any more: to be read again" in said
    world.ttcli("run")
    assert world.sql("SELECT eta FROM tracking_data") == [("2026-08-23 12:30:00",)]
