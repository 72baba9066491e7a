"""Several hosts loading into one table at once."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Dict, List

from tests.database.rows import Target, hour, make_load
from ttcli.config import DatabaseSettings
from ttcli.database.connect import connect
from ttcli.database.given import Load
from ttcli.database.load import load_item
from ttcli.database.target import read_table

HOSTS, FILES, KEYS = 4, 8, 40


def host(settings: DatabaseSettings, loads: List[Load], progress: Path) -> None:
    """One host's run: its own items one after the other, from the start when restarted."""
    connection = connect(settings)
    table = read_table(connection, settings)
    for load in loads:
        load_item(connection, settings, table, load)
        with progress.open("a") as file:
            file.write("x")
    connection.close()


def test_four_hosts_end_as_the_as_of_truth(target: Target, tmp_path: Path) -> None:
    """Overlapping keys, items in random order, hosts killed in the middle: the newest file wins."""
    choose = random.Random(7)
    truth: Dict[str, Any] = {}
    spools: List[List[Load]] = [[] for _ in range(HOSTS)]
    for number in range(HOSTS * FILES):
        keys = choose.sample(range(KEYS), KEYS // 2)
        rows = [(f"H{key:02}", choose.choice("xy"), number % 3) for key in keys]
        spools[number % HOSTS].append(make_load(tmp_path, rows, at=hour(number)))
        truth.update({row[0]: row for row in rows})
    context = multiprocessing.get_context("spawn")

    for spool in spools:
        choose.shuffle(spool)
    for killed in (True, False):
        running = []
        for number, spool in enumerate(spools):
            progress = tmp_path / f"host-{number}"
            process = context.Process(target=host, args=(target.settings, spool, progress))
            process.start()
            running.append((process, progress))
        for process, progress in running[::2] if killed else ():
            _kill_in_the_middle(process, progress)
        for process, _ in running:
            process.join()

    assert target.all() == sorted(truth.values())
    ledger = "SELECT count(*), count(DISTINCT item_id) FROM tracking_data_loads"
    assert target.database.run(ledger) == [(HOSTS * FILES, HOSTS * FILES)]
    assert target.database.run(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'temp_processing'::regnamespace"
    ) == [(0,)]


def _kill_in_the_middle(process: Any, progress: Path) -> None:
    """SIGKILL after the first items, wherever the process is just then."""
    while process.is_alive() and not (progress.exists() and progress.stat().st_size >= 2):
        time.sleep(0.001)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
