"""The metrics: what the official client library reads is what status says."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.fix_world import World, shipment, workbook
from tests.packaging.source import ROOT
from ttcli.views.prometheus import METRICS

parser = pytest.importorskip("prometheus_client.parser")

NOW = datetime.now(timezone.utc)


def parsed(text: str) -> Dict[Any, float]:
    """(name, labels) → value; every family is a gauge with its HELP."""
    found = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type == "gauge", family.name
        assert family.documentation == METRICS[family.name]
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def test_the_official_parser_reads_every_metric(world: World) -> None:
    """Names, labels, values; nothing twice."""
    acme = "ACME <Ops@acme.example>"
    path = Path(world.environ["TTCLI_CONFIG"]).with_name("mapping.toml")
    path.write_text('[[sender]]\nmatch = "@acme.example"\nexpect_rows = "-80%..+300%"\n')
    for hour in (3, 2, 1):
        world.send(
            workbook([shipment(hour), shipment(9)]), NOW - timedelta(hours=hour), sender=acme
        )
    world.send(b"PK\x03\x04 no workbook", NOW)
    world.ttcli("run", code=65)

    found = parsed(world.ttcli("status", "--prometheus").stdout)
    status = world.status()

    assert found["ttcli_items", ("state", "loaded")] == 3
    assert found["ttcli_items", ("state", "failed")] == 1
    assert found["ttcli_check_exit_code",] == 65
    assert found["ttcli_problems", ("kind", "failed-items")] == 1
    assert found["ttcli_rows_last_day",] == 6
    assert found["ttcli_stage_exit_code", ("stage", "process")] == 65
    assert found["ttcli_sender_rows", ("sender", "@acme.example")] == 2
    assert found["ttcli_sender_odd", ("sender", "@acme.example")] == 0
    fetched = status["stages"]["fetch"]["last_ok"].replace("Z", "+00:00")
    success = found["ttcli_stage_last_success_timestamp_seconds", ("stage", "fetch")]
    assert success == pytest.approx(datetime.fromisoformat(fetched).timestamp())
    document = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert [name for name in METRICS if f"`{name}`" not in document] == []


def test_a_label_may_hold_anything(world: World) -> None:
    """Quotes, backslashes and line breaks of a sender come out as they went in."""
    from ttcli.views.prometheus import exposition

    name = 'a"b\\c\nd\udc80'
    seen = {"sender": name, "last_report": None, "rows": 1, "usual_rows": None}
    found = parsed(exposition({**world.status(), "senders": [seen]}))
    assert found["ttcli_sender_rows", ("sender", 'a"b\\c\nd?')] == 1


def test_the_file_is_replaced_after_each_run(world: World, tmp_path: Path) -> None:
    """Another user can read it, whatever the umask; where it cannot be written, the run goes on."""
    file = tmp_path / "metrics" / "ttcli.prom"
    variables = {"STATUS_PROMETHEUS_FILE": str(file)}
    world.ttcli("run", **variables)
    assert not file.exists()
    file.parent.mkdir()
    old = os.umask(0o077)
    try:
        world.ttcli("run", **variables)
    finally:
        os.umask(old)
    assert file.stat().st_mode & 0o777 == 0o644
    assert parsed(file.read_text())["ttcli_items", ("state", "loaded")] == 0

    world.send(workbook([shipment(1)]), NOW)
    for stage in ("fetch", "process", "load"):
        world.ttcli(stage, **variables)
    assert parsed(file.read_text())["ttcli_items", ("state", "loaded")] == 1
    assert list(file.parent.iterdir()) == [file]
    world.ttcli("run", code=78, STATUS_PROMETHEUS_FILE="/tmp/ttcli.txt")
