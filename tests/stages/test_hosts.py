"""Four hosts, each with its own spool, load into one table: `ttcli` itself, some of it killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Dict, List

from tests.fix_postgres import Database
from tests.fix_world import NOON, TABLE

HOSTS, FILES, KEYS = 4, 4, 60


class Host:
    """One host's spool and its `ttcli`."""

    def __init__(self, database: Database, home: Path) -> None:
        home.mkdir()
        (home / "config.env").touch()
        self._environ = {
            **{k: v for k, v in os.environ.items() if k.split("_")[0] not in ("EMAIL", "DB")},
            **database.environ(),
            "TTCLI_CONFIG": str(home / "config.env"),
            "APP_BASE_DIR": str(home / "spool"),
            "LOG_DIR": str(home / "logs"),
        }
        self.base = home / "spool"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begins a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "ttcli", *arguments],
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *arguments: str) -> None:
        """A command, to its good end."""
        assert self.start(*arguments).wait() == 0, arguments


def test_four_spools_end_as_the_as_of_truth(database: Database, tmp_path: Path) -> None:
    """Overlapping keys, files dealt at random, loads killed at random moments: the newest wins."""
    database.run(TABLE)
    chance = random.Random(11)
    hosts = [Host(database, tmp_path / f"host-{number}") for number in range(HOSTS)]
    truth: Dict[str, Any] = {}
    for number in range(HOSTS * FILES):
        rows = [
            (f"H{key:03}", number, chance.choice(["DEP", "ARR"]))
            for key in chance.sample(range(KEYS), KEYS // 2)
        ]
        file = tmp_path / f"{number}.csv"
        lines = ["HAWB,Pieces,Status", *(",".join(map(str, row)) for row in rows), ""]
        file.write_text("\n".join(lines))
        at = (NOON + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%S")
        hosts[number % HOSTS].run("add", str(file), "--as-of", at)
        truth.update({row[0]: row for row in rows})
    _all_at_once(hosts, "process")

    for _ in range(3):
        loading = [host.start("load") for host in hosts]
        for process in chance.sample(loading, 2):
            try:
                process.wait(chance.uniform(0.2, 0.9))
            except subprocess.TimeoutExpired:
                process.kill()
        for process in loading:
            assert process.wait() in (0, -9)
    _all_at_once(hosts, "load")

    assert database.run("SELECT hawb, pieces, status FROM tracking_data ORDER BY 1") == sorted(
        truth.values()
    )
    ledger = "SELECT count(*), count(DISTINCT item_id) FROM tracking_data_loads"
    assert database.run(ledger) == [(HOSTS * FILES, HOSTS * FILES)]
    assert [len(list((host.base / "loaded").iterdir())) for host in hosts] == [FILES] * HOSTS


def _all_at_once(hosts: List[Host], command: str) -> None:
    running = [host.start(command) for host in hosts]
    assert [process.wait() for process in running] == [0] * len(hosts)
