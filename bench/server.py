"""A PostgreSQL of the benchmark's own, durable as a real one is, and what its work costs.

fsync is on. Checkpoints and autovacuum are kept out of the measured time: they come when they
like, and would hit one side of a comparison and not the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, NamedTuple, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from bench.workload import COLUMNS, TIMESTAMPS  # noqa: E402
from tests.fix_postgres import PASSWORD, ROLE, Postgres  # noqa: E402

_TYPES = {
    "hawb": "text PRIMARY KEY",
    "pieces": "integer",
    **dict.fromkeys(("weight", "chargeable_weight", "volume", "declared_value"), "float8"),
    **{COLUMNS[number]: "timestamp" for number in TIMESTAMPS},
}
_FILLED = "source_at timestamptz, processed_at timestamp, file_source varchar(255)"
_TICK = os.sysconf("SC_CLK_TCK")


class Took(NamedTuple):
    """What a command cost: seconds, MB. `server` is the CPU of its sessions at the server."""

    wall: float
    client: float
    server: float
    peak: float
    wal: float

    @property
    def cpu(self) -> float:
        """Both sides together."""
        return self.client + self.server


class Server(Postgres):
    """The server, with the table of the workload."""

    options = (
        "-c shared_buffers=256MB -c max_wal_size=16GB -c checkpoint_timeout=1h -c autovacuum=off"
        " -c jit=off -c max_connections=50"
    )

    def table(self, partitions: int = 0, name: str = "tracking_data") -> None:
        """Makes the target table anew, plain or hash-partitioned by its key."""
        columns = ", ".join(f"{column} {_TYPES.get(column, 'text')}" for column in COLUMNS)
        by = " PARTITION BY HASH (hawb)" if partitions else ""
        self.run(f"DROP TABLE IF EXISTS {name}, {name}_loads")
        self.run(f"CREATE TABLE {name} ({columns}, {_FILLED}){by}")
        for number in range(partitions):
            of = f"FOR VALUES WITH (MODULUS {partitions}, REMAINDER {number})"
            self.run(f"CREATE TABLE {name}_{number} PARTITION OF {name} {of}")

    def settle(self) -> None:
        """Does now what the server would otherwise do while somebody is measured."""
        self.run("VACUUM ANALYZE")
        self.run("CHECKPOINT")

    @property
    def psql(self) -> Sequence[str]:
        """psql, stopping at the first mistake."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", ROLE, "-d", "postgres"]
        return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *where]

    @property
    def url(self) -> str:
        """Where the server is, for programs that want a URL; over the socket as all others."""
        return f"postgresql://{ROLE}@/postgres?host={self.folder}&port={self.port}"

    def spool_environ(self, base: Path) -> Dict[str, str]:
        """The environment for `ttcli` on a spool."""
        base.mkdir(parents=True, exist_ok=True)
        (base / "config.env").touch()
        own = {
            **self.environ(),
            "DB_HOST": str(self.folder),
            "DB_PASSWORD": PASSWORD,
            "APP_BASE_DIR": str(base),
            "LOG_DIR": str(base / "logs"),
            "TTCLI_CONFIG": str(base / "config.env"),
            "PYTHONPATH": str(REPOSITORY),
        }
        return {**os.environ, **own}

    def measure(self, command: Sequence[str], environ: Dict[str, str]) -> Took:
        """Runs one command; its peak memory is that of its largest process."""
        server, position = self._spent(), self.run("SELECT pg_current_wal_lsn()")[0][0]
        returned, client, wall, peak, said = json.loads(
            subprocess.check_output([sys.executable, "-c", _MEASURE, *command], env=environ)
        )
        if returned:
            sys.exit(f"{' '.join(command[:4])} … ended with {returned}: {said}")
        time.sleep(0.2)  # a session's CPU is known once the postmaster has seen it end
        wal = self.run("SELECT pg_current_wal_lsn() - %s::pg_lsn", position)[0][0]
        return Took(wall, client, self._spent() - server, peak, float(wal) / 1e6)

    def _spent(self) -> float:
        """CPU of all sessions that have ended: the postmaster's children, without itself."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / _TICK


_MEASURE = """
import json, resource, subprocess, sys, tempfile, time
with tempfile.TemporaryFile() as said:
    began = time.monotonic()
    code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=said)
    wall = time.monotonic() - began
    said.seek(0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps([code, cpu, wall, used.ru_maxrss / 1024, said.read()[-2000:].decode()]))
"""


def versions(*more: str) -> str:
    """What was measured, for the line above a table."""
    psql = subprocess.check_output(["psql", "--version"], text=True).split()[2]
    return ", ".join([f"Python {sys.version.split()[0]}", f"PostgreSQL {psql}", *more])


def markdown(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table for bench/README.md."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
