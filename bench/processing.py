"""`ttcli process`, everything included, against python-calamine's iter_rows() over the same file.

    python bench/processing.py [--rows 100000] [--rounds 3] [--small 500] [--jobs 2]

Whole commands in turns: CPU is user and system time of the command and its children, memory the
peak of the largest process. The database is away, as it may be: the table's snapshot is used.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Dict, List, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from bench.workload import COLUMNS, TIMESTAMPS  # noqa: E402
from ttcli import table as tables  # noqa: E402
from ttcli.spool.batch import create  # noqa: E402
from ttcli.spool.store import Spool  # noqa: E402
from ttcli.table import TableColumn, TargetTable  # noqa: E402

CALAMINE = """
import sys
from python_calamine import CalamineWorkbook
for path in sys.argv[1:]:
    for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows(): pass
"""

# What the machine gives a second process: each reads every other file.
CALAMINE_TWICE = """
import os, sys
from python_calamine import CalamineWorkbook
for first in (1, 2):
    if not os.fork():
        for path in sys.argv[first::2]:
            for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows(): pass
        os._exit(0)
for _ in range(2):
    assert not os.wait()[1]
"""

TWICE = (
    ("calamine iter_rows", "calamine, two processes"),
    ("ttcli process, jobs 1", "ttcli process, jobs 2"),
)


def target() -> TargetTable:
    """The table of the workload."""
    kinds = {"pieces": "int4"}
    kinds.update(dict.fromkeys(("weight", "chargeable_weight", "volume"), "float8"))
    kinds["declared_value"] = "float8"
    kinds.update({COLUMNS[number]: "timestamp" for number in TIMESTAMPS})
    columns = tuple(TableColumn(n, kinds.get(n, "text"), kinds.get(n, "text")) for n in COLUMNS)
    return TargetTable("public", "tracking_data", ("hawb",), columns)


def spool_with(files: Sequence[Path], base: Path) -> Dict[str, str]:
    """A spool with these files pending; returns the environment for `ttcli`."""
    spool = Spool(base)
    spool.prepare()
    noon = datetime(2026, 8, 22, 12, tzinfo=timezone.utc)
    for number, file in enumerate(files):
        create(spool, noon + timedelta(seconds=number), file.read_bytes(), file.name, {})
    spool.write_state("table", tables.to_json(target()))
    (base / "config.env").touch()
    settings = {
        "TTCLI_CONFIG": str(base / "config.env"),
        "APP_BASE_DIR": str(base),
        "LOG_DIR": str(base / "logs"),
        "DB_HOST": "127.0.0.1",
        "DB_PORT": "1",
        "DB_NAME": "x",
        "DB_USERNAME": "x",
        "DB_PASSWORD": "",
    }
    return {**os.environ, **settings, "PYTHONPATH": str(REPOSITORY)}


def measured(command: Sequence[str], environ: Dict[str, str]) -> Dict[str, float]:
    """CPU s, wall s and peak MB of one command."""
    code = (
        "import resource,subprocess,sys,json,time;t=time.time();"
        "r=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL).returncode;"
        "u=resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(json.dumps([r,u.ru_utime+u.ru_stime,time.time()-t,u.ru_maxrss/1024]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    returned, cpu, wall, peak = json.loads(done.stdout)
    if returned:
        sys.exit(f"{' '.join(command[:4])} … ended with {returned}")
    return {"cpu": cpu, "wall": wall, "MB": peak}


def workbooks(folder: Path, rows: int, count: int) -> List[Path]:
    """The files to measure with."""
    made = []
    for number in range(count):
        path = folder / f"{rows}-{number}.xlsx"
        first = str(number * rows)
        command = [sys.executable, "bench/workload.py", str(rows), str(path), "--first", first]
        subprocess.run(command, cwd=REPOSITORY, check=True)
        made.append(path)
    return made


def compare(title: str, files: Sequence[Path], rounds: int, jobs: Sequence[str]) -> None:
    """Prints medians and ratios of calamine and of `ttcli process` with each number of jobs.

    The spools lie beside the files, and are removed at the end: ext4 gives the inodes of removed
    files out again only after a while, and until then whoever makes new files looks for others.
    """
    found: Dict[str, List[Dict[str, float]]] = {}
    scripts = {TWICE[0][0]: CALAMINE}
    if len(files) > 1:
        scripts[TWICE[0][1]] = CALAMINE_TWICE
    for _ in range(rounds):
        for name, script in scripts.items():
            command = [sys.executable, "-c", script, *map(str, files)]
            found.setdefault(name, []).append(measured(command, dict(os.environ)))
        for number in jobs:
            environ = spool_with(files, Path(tempfile.mkdtemp(dir=files[0].parent)) / "spool")
            environ["MAX_CONCURRENT_JOBS"] = number
            command = [sys.executable, "-m", "ttcli", "process"]
            found.setdefault(f"ttcli process, jobs {number}", []).append(measured(command, environ))
    print(f"\n{title}")
    base = statistics.median(run["cpu"] for run in found[TWICE[0][0]])
    for name, runs in found.items():
        cpu, wall, peak = (
            statistics.median(run[key] for run in runs) for key in ("cpu", "wall", "MB")
        )
        rate = len(files) / cpu
        print(f"  {name:<25} cpu {cpu:6.2f} s = {cpu / base:4.2f}x   wall {wall:6.2f} s   "
              f"{peak:5.0f} MB   {rate:6.1f} files/s/core")  # fmt: skip
    for one, two in TWICE:
        if two in found:
            times = [a["wall"] / b["wall"] for a, b in zip(found[one], found[two])]
            print(f"  {two}: {statistics.median(times):.2f} times as fast as {one} "
                  f"({min(times):.2f} to {max(times):.2f})")  # fmt: skip


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--jobs", nargs="*", default=["1", "2"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            files = workbooks(Path(folder), rows, 1)
            compare(f"one workbook of {rows:,} x 25", files, options.rounds, ["1"])
        if options.small:
            files = workbooks(Path(folder), 200, options.small)
            compare(f"{options.small} workbooks of 200 x 25", files, options.rounds, options.jobs)


if __name__ == "__main__":
    main()
