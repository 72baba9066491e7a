"""`ttcli load` and `ttcli process` + `load`, against psql's \\copy and one plain upsert.

    python bench/loading.py [--rows 100000 1000000] [--rounds 3] [--small 500]

On a PostgreSQL of its own. The floor does the same with the same rows, the dates as texts: \\copy
into an unlogged staging table, INSERT … SELECT … ON CONFLICT DO UPDATE of every row, in one
transaction; for a workbook, inflating it comes first. Whole commands in turns, start-up included.
CPU is user and system time of the command and of its sessions at the server.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.processing import spool_with, workbooks
from bench.server import Server, Took, markdown, versions
from bench.workload import COLUMNS

TTCLI = [sys.executable, "-m", "ttcli"]
NAMES = ", ".join(COLUMNS)
UPSERT = f"""
INSERT INTO tracking_data ({NAMES}, source_at, processed_at, file_source)
SELECT {NAMES}, '2026-08-22 12:00Z', now(), 'report.xlsx' FROM staging
ON CONFLICT (hawb) DO UPDATE SET
{", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])},
source_at = excluded.source_at, processed_at = excluded.processed_at,
file_source = excluded.file_source;
"""
INFLATE = """
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    for name in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):
        with archive.open(name) as part:
            while part.read(1 << 16): pass
"""
# As if the load had been that of another file: the same item is neither known nor a duplicate.
FORGET = "UPDATE tracking_data_loads SET item_id = number::text, rows_sha256 = ''"
Side = Callable[[], List[Took]]


class Bench:
    """The server, a folder, and processed spools to start from."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._spools = 0

    def processed(self, files: Sequence[Path]) -> Path:
        """A spool whose items are read."""
        base = self.folder / f"processed-{len(files)}-{files[0].stem}"
        environ = self.pending(files, base)
        self.server.measure([*TTCLI, "process"], environ)
        return base

    def pending(self, files: Sequence[Path], base: Path) -> Dict[str, str]:
        """A spool with these files, and the environment for it."""
        spool_with(files, base)
        return self.server.spool_environ(base)

    @contextlib.contextmanager
    def copy_of(self, base: Path) -> Iterator[Dict[str, str]]:
        """A spool to be used up; what it holds is on disk before anything is measured."""
        self._spools += 1
        copy = self.folder / f"spool-{self._spools}"
        shutil.copytree(base, copy)
        os.sync()
        yield self.server.spool_environ(copy)
        shutil.rmtree(copy)

    def load(self, base: Path) -> List[Took]:
        """`ttcli load` of a copy of a processed spool."""
        with self.copy_of(base) as environ:
            self.server.settle()
            return [self.server.measure([*TTCLI, "load"], environ)]

    def process_and_load(self, base: Path) -> List[Took]:
        """Both commands, one after the other."""
        with self.copy_of(base) as environ:
            self.server.settle()
            return [self.server.measure([*TTCLI, name], environ) for name in ("process", "load")]

    def write_texts(self, base: Path) -> None:
        """Writes the rows of a processed spool as any other tool would: dates as texts."""
        self.server.table()
        self.load(base)
        with self.texts(base).open("wb") as out, self.server.connect().cursor() as cursor:
            cursor.copy_expert(f"COPY (SELECT {NAMES}, '1:1' FROM tracking_data) TO STDOUT", out)

    def texts(self, base: Path) -> Path:
        """Where they are."""
        return self.folder / f"{base.name}.tsv"

    def floor(self, spool: Path, workbook: Path = Path()) -> List[Took]:
        """The floor for the only item of a processed spool."""
        script = self.folder / "floor.sql"
        script.write_text(
            "BEGIN; CREATE UNLOGGED TABLE staging AS SELECT"
            f" {NAMES}, ''::text AS ttcli_origin FROM tracking_data WITH NO DATA;\n"
            f"\\copy staging from '{self.texts(spool)}'\n{UPSERT} DROP TABLE staging; COMMIT;\n"
        )
        self.server.settle()
        inflating = [[sys.executable, "-c", INFLATE, str(workbook)]] if workbook.name else []
        commands = [*inflating, [*self.server.psql, "-f", str(script)]]
        return [self.server.measure(command, dict(os.environ)) for command in commands]


def total(parts: Sequence[Took]) -> Took:
    """Commands one after the other."""
    sums = [sum(values) for values in zip(*parts)]
    return Took(*sums)._replace(peak=max(part.peak for part in parts))


def in_turns(rounds: int, sides: Dict[str, Side], prepare: Callable[[], None]) -> Dict[str, Took]:
    """Medians of each side; in each round every side begins with what `prepare` makes."""
    found: Dict[str, List[Took]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            prepare()
            found[name].append(total(side()))
    return {name: Took(*map(statistics.median, zip(*runs))) for name, runs in found.items()}


def lines(case: str, medians: Dict[str, Took], per: Took) -> List[Tuple[str, ...]]:
    """Rows of the table; ratios are to `per`."""
    return [
        (
            *(case, name, f"{took.wall:.2f} s", f"{took.wall / per.wall:.2f}"),
            *(f"{took.client:.2f} + {took.server:.2f} s", f"{took.cpu / per.cpu:.2f}"),
            *(f"{took.peak:.0f} MB", f"{took.wal:.2f} MB"),
        )
        for name, took in medians.items()
    ]


def one_workbook(bench: Bench, rows: int, rounds: int) -> List[Tuple[str, ...]]:
    """All new, all unchanged, and from the workbook, each beside its floor."""
    (workbook,) = workbooks(bench.folder, rows, 1)
    processed = bench.processed([workbook])
    bench.write_texts(processed)
    pending = bench.folder / f"pending-{rows}"
    bench.pending([workbook], pending)
    empty = bench.server.table

    def full() -> None:
        bench.server.table()
        bench.load(processed)
        bench.server.run(FORGET)

    def confirmed() -> None:
        full()
        bench.load(processed)
        bench.server.run(FORGET)

    floor, whole = "\\copy + upsert", "inflate + \\copy + upsert"
    load: Dict[str, Side] = {
        floor: lambda: bench.floor(processed),
        "`ttcli load`": lambda: bench.load(processed),
    }
    both: Dict[str, Side] = {
        whole: lambda: bench.floor(processed, workbook),
        "`ttcli process`, `load`": lambda: bench.process_and_load(pending),
    }
    new = in_turns(rounds, load, empty)
    unchanged = in_turns(rounds, load, full)
    again = in_turns(rounds, load, confirmed)
    end = in_turns(rounds, both, empty)
    for path in (workbook, processed, pending, bench.texts(processed)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return [
        *lines(f"{rows:,} rows, all new", new, new[floor]),
        *lines(f"{rows:,} rows, all unchanged", unchanged, unchanged[floor]),
        *lines(f"{rows:,} rows, all unchanged again", again, again[floor]),
        *lines(f"{rows:,} rows, from .xlsx, all new", end, end[whole]),
    ]


def small(bench: Bench, count: int, rounds: int) -> List[Tuple[str, ...]]:
    """Many small items, each committed durably; items a second."""
    processed = bench.processed(workbooks(bench.folder, 200, count))
    medians = in_turns(rounds, {"load": lambda: bench.load(processed)}, bench.server.table)
    (took,) = medians.values()
    return [
        (
            *(f"{count} items of 200 rows", f"{took.wall:.1f} s", f"{count / took.wall:.0f}"),
            *(f"{took.client:.2f} + {took.server:.2f} s", f"{count / took.cpu:.0f}"),
            *(f"{took.peak:.0f} MB", f"{took.wal / count * 1000:.0f} kB"),
        )
    ]


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=500)
    options = parser.parse_args()
    server = Server()
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(server, Path(folder))
            server.table()
            print(versions(f"{options.rounds} rounds, medians"), flush=True)
            found = [line for r in options.rows for line in one_workbook(bench, r, options.rounds)]
            heading = ("case", "", "wall", "ratio", "CPU client + server", "ratio", "peak", "WAL")
            print("\n" + markdown(heading, found), flush=True)
            if options.small:
                head = ("case", "wall", "items/s", "CPU client + server", "items/s of CPU")
                found = small(bench, options.small, options.rounds)
                print("\n" + markdown((*head, "peak", "WAL per item"), found))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
