"""process: a reader's death is charged to the workbook it read, whatever waits behind that."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.spool.test_store import made
from ttcli.config import Limits
from ttcli.spool.drain import drain
from ttcli.spool.item import FAILED, PENDING, PROCESSED
from ttcli.spool.report import Report
from ttcli.spool.store import Spool
from ttcli.stages.process import Process
from ttcli.workbook.limited.worker import Pool

_CONTENTS = (b"a", b"b", b"killer", b"d", b"e", b"f", b"g")


def read(payload: str, folder: str, _sender: str) -> Dict[str, Any]:
    """Notes that it was begun, dies of one of the payloads, and reads one row of any other."""
    content = Path(payload).read_bytes()
    with Path(folder, "begun").open("ab") as begun:
        begun.write(content + b"\n")
    if content == b"killer":
        os.kill(os.getpid(), signal.SIGKILL)
    Path(folder, "rows.tsv").write_bytes(content)
    Path(folder, "rejects.csv").touch()
    return {"read": 1, "written": 1, "sheets": []}


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_only_the_one_that_kills_is_set_aside(tmp_path: Path, jobs: int) -> None:
    """All others are read once, without a charge."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    items = {made(spool, content).id: content for content in _CONTENTS}

    with Pool(read, Limits(), most=jobs) as pool:
        report = drain(spool, Process(pool, jobs), Report("process"))

    assert [items[line[0]] for line in report.lines if line[1] == FAILED] == [b"killer"]
    assert spool.ids(PENDING) == []
    for item in spool.items(PROCESSED):
        assert item.rows.read_bytes() == items[item.id]
        assert (item.path / "begun").read_bytes() == items[item.id] + b"\n"
        assert item.attempts == 0
    assert len(spool.ids(PROCESSED)) == len(_CONTENTS) - 1
