"""Several hosts into one database at once: `ttcli load` on disjoint spools, plain and partitioned.

    python bench/hosts.py [--items 40] [--rows 2000] [--hosts 1 2 4] [--partitions 8] [--tables]

Each process stands for a host with its own spool. Loads of one table take turns (an advisory
lock), so more hosts share the reading of workbooks and the waiting for disks, not the server's
work; `--tables` gives each host a table of its own, which the lock does not hold up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.loading import TTCLI, Bench
from bench.processing import workbooks
from bench.server import Server, markdown, versions

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def spools(bench: Bench, files: Sequence[Path], hosts: int) -> List[Path]:
    """A processed spool for each host, with its share of the files."""
    made = []
    for number in range(hosts):
        base = bench.folder / f"of-{hosts}-host-{number}"
        environ = bench.pending(files[number::hosts], base)
        bench.server.measure([*TTCLI, "process"], environ)
        made.append(base)
    return made


def seconds(environs: Sequence[Dict[str, str]]) -> float:
    """How long it takes until all hosts have loaded all of theirs."""
    began = time.monotonic()
    running = [subprocess.Popen([*TTCLI, "load"], env=e, **QUIET) for e in environs]
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit("a host's load failed")
    return time.monotonic() - began


def loaded(bench: Bench, bases: Sequence[Path], partitions: int, tables: bool) -> float:
    """Loads copies of the spools into a fresh table, or into one of each host's own."""
    names = [f"tracking_data{number or ''}" for number in range(len(bases) if tables else 1)]
    for name in names:
        bench.server.table(partitions, name)
    environs = []
    copies = [bench.copy_of(base) for base in bases]
    for number, copy in enumerate(copies):
        environs.append({**copy.__enter__(), "DB_TARGET_TABLE": names[number % len(names)]})
    bench.server.settle()
    took = seconds(environs)
    for copy in copies:
        copy.__exit__(None, None, None)
    return took


def rates(bench: Bench, options: argparse.Namespace) -> List[Tuple[str, ...]]:
    """Rows of the table."""
    files = workbooks(bench.folder, options.rows, options.items)
    parts = options.partitions
    cases = [("plain", 0, False), (f"{parts} hash partitions", parts, False)]
    cases += [("a table for each host", 0, True)] if options.tables else []
    rows, base = [], 0.0
    for hosts in options.hosts:
        bases = spools(bench, files, hosts)
        for title, partitions, tables in cases:
            took = loaded(bench, bases, partitions, tables)
            base = base or took
            rate = options.items * options.rows / took
            rows.append((str(hosts), title, f"{took:.1f} s", f"{rate:,.0f}", f"{base / took:.2f}"))
    return rows


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--hosts", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args()
    server = Server()
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(server, Path(folder))
            server.table()
            print(versions(f"{options.items} items of {options.rows:,} rows"), flush=True)
            found = rates(bench, options)
            print("\n" + markdown(("hosts", "table", "wall", "rows/s", "speed-up"), found))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
