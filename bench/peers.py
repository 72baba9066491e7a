"""ttcli against what else brings a workbook into an upserted table, on the same files and server.

    python bench/peers.py --install [--venvs /tmp/ttcli-peers]   # once: a virtualenv for each peer
    python bench/peers.py [--rows 100000] [--small 50] [--rounds 3] [--only NAME...]

`ways.py` says how each is used. ttcli's side is `ttcli process` and `ttcli load`, start-up, fsyncs,
checks and bookkeeping included. A peer whose virtualenv is missing, or whose table is not right
afterwards, is named with the reason. ogr2ogr is Debian's gdal-bin.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.loading import TTCLI, total
from bench.processing import spool_with, workbooks
from bench.server import Server, Took, markdown, versions

WAYS = Path(__file__).with_name("ways.py")
SLING = "1.4.11"  # the last that brings its program in a wheel
DUCKDB = "1.4.4"  # the last whose extensions can be had as packages


class Peer(NamedTuple):
    """A peer: what is installed, what of it is named in the results, and where its rows land."""

    packages: Sequence[str]
    shown: Sequence[str]
    table: str = "tracking_data"


PEERS = {
    "duckdb": Peer((f"duckdb=={DUCKDB}", "duckdb-ext-excel", "duckdb-ext-postgres"), ("duckdb",)),
    "polars_adbc": Peer(
        ("polars", "fastexcel", "pyarrow", "adbc-driver-postgresql"),
        ("polars", "fastexcel", "adbc-driver-postgresql"),
    ),
    "pandas_copy": Peer(
        ("pandas", "python-calamine", "psycopg2-binary"), ("pandas", "python-calamine")
    ),
    "pandas_to_sql": Peer(
        ("pandas", "openpyxl", "sqlalchemy", "psycopg2-binary"), ("pandas", "sqlalchemy")
    ),
    "openpyxl": Peer(("openpyxl", "psycopg2-binary"), ("openpyxl",)),
    "ogr2ogr": Peer((), ()),
    "dlt": Peer(("dlt[postgres]", "pandas", "openpyxl", "pyarrow"), ("dlt",), "dlt.tracking_data"),
    "sling": Peer(
        (f"sling=={SLING}", f"sling-linux-amd64=={SLING}"), ("sling",), "sling.tracking_data"
    ),
    "csvkit": Peer(("csvkit", "psycopg2-binary"), ("csvkit",)),
}


def install(venvs: Path, names: Sequence[str]) -> None:
    """Makes a virtualenv for each peer; what cannot be had is said and skipped later."""
    for name in names:
        subprocess.check_call([sys.executable, "-m", "venv", "--clear", venvs / name])
        pip = [venvs / name / "bin/pip", "install", "-q", "--disable-pip-version-check"]
        packages = PEERS[name].packages
        if packages and subprocess.call([*pip, *packages]):
            print(f"{name}: cannot be installed")
            shutil.rmtree(venvs / name)


def version(venvs: Path, name: str) -> str:
    """The versions that were measured."""
    if name == "ogr2ogr":
        return subprocess.check_output(["ogr2ogr", "--version"], text=True).split(",")[0]
    code = "import sys; from importlib.metadata import version as v; print(*map(v, sys.argv[1:]))"
    command = [venvs / name / "bin/python", "-c", code, *PEERS[name].shown]
    found = subprocess.check_output(command, text=True).split()
    return ", ".join(f"{package} {number}" for package, number in zip(PEERS[name].shown, found))


def missing(venvs: Path, name: str) -> str:
    """Why a peer cannot be measured here, or nothing."""
    if name == "ogr2ogr" and not shutil.which("ogr2ogr"):
        return "not installed: apt-get install gdal-bin"
    return "" if (venvs / name / "bin/python").exists() else "not installed: --install"


class Race:
    """The same files into the same table by everybody."""

    def __init__(self, server: Server, folder: Path, files: Sequence[Path], rows: int) -> None:
        self._server = server
        self._folder = folder
        self._files = files
        self._rows = rows
        # A password that needs no escapes: sling does not undo them.
        server.run("DROP ROLE IF EXISTS peer; CREATE ROLE peer SUPERUSER LOGIN PASSWORD 'peer'")
        self._url = f"postgresql://peer:peer@127.0.0.1:{server.port}/postgres?sslmode=disable"

    def ttcli(self) -> Took:
        """Both commands on a fresh spool."""
        self._fresh()
        base = self._folder / "spool"
        spool_with(self._files, base)
        environ = self._server.spool_environ(base)
        commands = [[*TTCLI, name] for name in ("process", "load")]
        took = total([self._server.measure(command, environ) for command in commands])
        shutil.rmtree(base)
        return self._checked(took, "tracking_data")

    def peer(self, python: Path, name: str) -> Took:
        """One peer in its virtualenv."""
        self._fresh()
        with tempfile.TemporaryDirectory() as own:
            environ = {**os.environ, "PEER_FOLDER": own}
            command = [str(python), str(WAYS), name, self._url, *map(str, self._files)]
            return self._checked(self._server.measure(command, environ), PEERS[name].table)

    def _fresh(self) -> None:
        self._server.run("DROP SCHEMA IF EXISTS dlt, dlt_staging, sling CASCADE")
        self._server.run("DROP TABLE IF EXISTS staging")
        self._server.table()
        self._server.settle()

    def _checked(self, took: Took, table: str) -> Took:
        """Whether the rows are all there."""
        query = f"SELECT count(*), count(DISTINCT hawb), sum(pieces::int)::bigint FROM {table}"
        (found,) = self._server.run(query)
        if found[:2] != (self._rows, self._rows) or not found[2]:
            raise SystemExit(f"{table} holds {found} instead of {self._rows} rows")
        return took


def everybody(race: Race, venvs: Path, names: Sequence[str], rounds: int) -> Dict[str, List[Took]]:
    """Everybody in turns; whoever fails is out."""
    found: Dict[str, List[Took]] = {"ttcli": []}
    out = {name: why for name in names if (why := missing(venvs, name))}
    for _ in range(rounds):
        found["ttcli"].append(race.ttcli())
        for name in names:
            if name in out:
                continue
            try:
                took = race.peer(venvs / name / "bin/python", name)
            except SystemExit as failure:
                out[name] = str(failure)
            else:
                found.setdefault(name, []).append(took)
    for name, why in out.items():
        found.pop(name, None)
        print(f"skipped: {name}: {why[-600:]}", flush=True)
    return found


def table(found: Dict[str, List[Took]], venvs: Path) -> str:
    """The results as Markdown, the quickest first."""
    medians = {name: Took(*map(statistics.median, zip(*runs))) for name, runs in found.items()}
    base = medians["ttcli"]
    rows = [
        (
            *(name, "" if name == "ttcli" else version(venvs, name)),
            *(f"{took.wall:.2f} s", f"{took.wall / base.wall:.2f}"),
            *(f"{took.cpu:.2f} s", f"{took.cpu / base.cpu:.2f}", f"{took.peak:.0f} MB"),
        )
        for name, took in sorted(medians.items(), key=lambda pair: pair[1].cpu)
    ]
    return markdown(("", "versions", "wall", "ratio", "CPU", "ratio", "peak"), rows)


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--venvs", type=Path, default=Path("/tmp/ttcli-peers"))
    parser.add_argument("--only", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000])
    parser.add_argument("--small", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.install:
        install(options.venvs, options.only)
        return
    server = Server()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            print(versions(f"{options.rounds} rounds, medians"), flush=True)
            cases = [(rows, 1) for rows in options.rows]
            cases += [(200, options.small)] if options.small else []
            for rows, count in cases:
                files = workbooks(folder, rows, count)
                race = Race(server, folder, files, rows * count)
                found = everybody(race, options.venvs, options.only, options.rounds)
                title = f"{count} x {rows:,} rows of 25 columns, .xlsx into an upserted table"
                print(f"\n{title}\n\n{table(found, options.venvs)}", flush=True)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
