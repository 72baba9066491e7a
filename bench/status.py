"""`ttcli status`: its start against `import typer`, and a spool of 50,000 items.

    python bench/status.py [--items 50000] [--rounds 15]

Processor times, the two commands in turn; the spool is made in a temporary folder, in each shape
in turn: nearly all loaded (with and without what is remembered of them), all pending, all failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Dict, List

from ttcli.spool.item import item_id, time_text
from ttcli.spool.store import Spool
from ttcli.stages.health.loads import Loads

STATUS = [sys.executable, "-m", "ttcli", "status"]
TYPER = [sys.executable, "-c", "import typer"]


def spent(command: List[str], environ: Dict[str, str]) -> float:
    """Processor seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def record(number: int, now: datetime) -> Dict[str, object]:
    """An item as a load of 200 rows leaves it."""
    as_of = now - timedelta(seconds=50 * number)
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    stamps = [
        {"at": time_text(as_of + timedelta(seconds=60 * step)), "event": event}
        for step, event in enumerate(("fetched", "processed", "loaded"))
    ]
    source = {
        "sender": f"ops{number % 40}@carrier.example",
        "subject": "Track and Trace",
        "internaldate": time_text(as_of),
    }
    return {
        "schema": 1,
        "id": item_id(as_of, sha256),
        "source": source,
        "payload": {"name": f"report {number}.xlsx", "bytes": 9000, "sha256": sha256},
        "attempts": 0,
        "rows": {"read": 200, "written": 198, "rejected": 2, "sheets": []},
        "load": {"inserted": 100, "updated": 50, "unchanged": 48, "stale": 0, "duration_ms": 90},
        "history": stamps,
    }


def fill(base: Path, state: str, items: int) -> None:
    """A spool with that many items in one state."""
    Spool(base).prepare()
    now = datetime.now(timezone.utc)
    for number in range(items):
        content = record(number, now)
        folder = base / state / str(content["id"])
        folder.mkdir()
        (folder / "item.json").write_text(json.dumps(content))


def timed(label: str, environ: Dict[str, str], rounds: int) -> None:
    """Prints the median wall and processor time of `ttcli status`."""
    wall, processor = [], []
    for _ in range(rounds):
        began = time.monotonic()
        processor.append(spent(STATUS, environ))
        wall.append(time.monotonic() - began)
    print(
        f"{label:<34}{statistics.median(wall):6.3f} s wall{statistics.median(processor):7.3f} s cpu"
    )


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        base = Path(home) / "spool"
        environ = {**os.environ, "APP_BASE_DIR": str(base)}
        pairs = [(spent(STATUS, environ), spent(TYPER, environ)) for _ in range(chosen.rounds)]
        ratio = statistics.median(ours / typers for ours, typers in pairs)
        print(f"start: {ratio:.2f} times `import typer`")
        for state in ("loaded", "pending", "failed"):
            shutil.rmtree(base, ignore_errors=True)
            fill(base, state, chosen.items)
            timed(f"{chosen.items} {state}", environ, 5)
            if state == "loaded":
                Loads(Spool(base)).catch_up()
                timed(f"{chosen.items} loaded and remembered", environ, 5)


if __name__ == "__main__":
    main()
