"""The target table as the stages know it: asked for, or as it was last seen."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.fix_world import World, shipment, workbook
from ttcli.spool.store import Spool
from ttcli.stages.target.table import SNAPSHOT, known_table, table_if_known
from ttcli.table import TableColumn, TargetTable, to_json


def test_the_first_process_waits_for_a_server_that_restarts(world: World, tmp_path: Path) -> None:
    """Without a snapshot no workbook can be read, so a server that is just away is waited for."""
    (tmp_path / "report.xlsx").write_bytes(workbook([shipment(1)]))
    world.ttcli("add", str(tmp_path / "report.xlsx"))
    world.database.stop()
    soon = threading.Thread(target=lambda: (time.sleep(1.5), world.database.start()))
    soon.start()

    world.ttcli("process")

    soon.join()
    assert world.counts() == {"processed": 1}


def test_a_snapshot_of_another_schema_s_table_is_not_taken(tmp_path: Path, database) -> None:  # type: ignore[no-untyped-def]
    """DB_TARGET_TABLE=new.tracking_data does not mean the old schema's table of that name."""
    spool = Spool(tmp_path)
    spool.prepare()
    columns = (TableColumn("hawb", "text", "text"),)
    spool.write_state(SNAPSHOT, to_json(TargetTable("public", "tracking_data", ("hawb",), columns)))
    settings = database.settings()

    assert known_table(spool, settings)
    assert known_table(spool, settings._replace(target=("Public", "tracking_data")))
    assert known_table(spool, settings._replace(target=("new", "tracking_data"))) is None


def test_what_cannot_be_read_is_no_known_table(tmp_path: Path, database) -> None:  # type: ignore[no-untyped-def]
    """`inspect` needs no spool: one that is damaged, or not ours, is as good as none."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "table.json").write_text("{")

    assert table_if_known(Spool(tmp_path), database.settings()) is None
