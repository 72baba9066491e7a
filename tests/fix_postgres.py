"""A real PostgreSQL, private to the test run: no system service, user or file is touched.

Started as an unprivileged account (`postgres` or `nobody` when the tests run as root) on a socket
in a temporary folder and on a free port of 127.0.0.1, without fsync, removed afterwards.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional

import pytest

from ttcli.config import DatabaseSettings, Secret

ROLE = "ttcli_test"
PASSWORD = "tests only, #1"

_HBA = """\
local   all  all                trust
host    all  all  127.0.0.1/32  scram-sha-256
"""


def _binaries() -> Path:
    """The programs of the newest installed server, or those that TTCLI_TEST_POSTGRES names."""
    if os.environ.get("TTCLI_TEST_POSTGRES"):
        return Path(os.environ["TTCLI_TEST_POSTGRES"])
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if not on_path:
        pytest.fail("PostgreSQL's server is missing: apt-get install postgresql", pytrace=False)
    return Path(on_path).resolve().parent


def _account() -> Optional[pwd.struct_passwd]:
    """Whom to become: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.fail("neither an account postgres nor nobody to run PostgreSQL as", pytrace=False)


def _becoming(account: Optional[pwd.struct_passwd]) -> Optional[Callable[[], None]]:
    """What the child runs before exec; subprocess's `user=` needs Python 3.9."""
    if account is None:
        return None
    uid, gid = account.pw_uid, account.pw_gid

    def become() -> None:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    return become


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """The server; its methods speak of the database `postgres`, `Database`'s of a fresh one."""

    database = "postgres"
    options = "-c fsync=off -c max_connections=50 -c shared_buffers=32MB -c timezone=Asia/Tokyo"

    def __init__(self) -> None:
        self._bin = _binaries()
        self._account = _account()
        self.folder = Path(tempfile.mkdtemp(prefix="ttcli-pg-", dir="/tmp"))
        if self._account:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        self.data = self.folder / "data"
        self.port = _free_port()
        try:
            self._initdb()
            self.start()
        except BaseException:
            self.remove()
            raise

    def _run(self, program: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's programs and fails with what it said."""
        with tempfile.TemporaryFile() as said:
            # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
            code = subprocess.call(
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                preexec_fn=_becoming(self._account),
            )
            said.seek(0)
            assert code == 0, said.read().decode(errors="replace")

    def _initdb(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n", encoding="utf-8")
        secret.chmod(0o644)
        self._run(
            "initdb",
            *("-D", str(self.data), "-U", ROLE, "--pwfile", str(secret), "--no-sync"),
            *("-A", "scram-sha-256", "-E", "UTF8", "--locale", "C"),
        )
        (self.data / "pg_hba.conf").write_text(_HBA, encoding="utf-8")

    def start(self) -> None:
        """Starts the server on the same port as before, unless it runs."""
        if self.running:
            return
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {self.options}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", log, "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stops the server; mode `immediate` is a crash."""
        if self.running:
            self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    @property
    def running(self) -> bool:
        """Whether the server's pid file stands."""
        return (self.data / "postmaster.pid").exists()

    def remove(self) -> None:
        """Stops the server and leaves nothing behind."""
        self.stop("immediate")
        shutil.rmtree(self.folder)

    @contextmanager
    def tls(self) -> Iterator[Path]:
        """Has the server offer TLS with a certificate for 127.0.0.1; gives its CA's file."""
        from tests.fix_dovecot import make_certificates  # pytest wants to load plugins itself

        certificates = self.folder / "certificates"
        certificates.mkdir(exist_ok=True)
        make_certificates(certificates)
        for made, name in (("server.pem", "server.crt"), ("server.key", "server.key")):
            shutil.copy(str(certificates / made), str(self.data / name))
            if self._account:
                os.chown(self.data / name, self._account.pw_uid, self._account.pw_gid)
            (self.data / name).chmod(0o600)
        self._reload("ssl = on")
        try:
            yield certificates / "ca.pem"
        finally:
            self._reload("ssl = off")

    def _reload(self, setting: str) -> None:
        self.run(f"ALTER SYSTEM SET {setting}")
        self.run("SELECT pg_reload_conf()")
        name, _, value = setting.split()
        while self.run(f"SHOW {name}") != [(value,)]:  # the signal is on its way
            time.sleep(0.01)

    def settings(self, **overrides: Any) -> DatabaseSettings:
        """Settings as the configuration would give them, over TCP with the password."""
        return DatabaseSettings(
            host="127.0.0.1",
            port=self.port,
            name=self.database,
            username=ROLE,
            password=Secret(PASSWORD),
            sslmode="prefer",
            sslrootcert=None,
            temp_schema="temp_processing",
            target=("tracking_data",),
            key=("hawb",),
            source_time_column="source_at",
        )._replace(**overrides)

    def environ(self) -> Dict[str, str]:
        """The DB_* variables that lead to the same settings."""
        return {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.port),
            "DB_NAME": self.database,
            "DB_USERNAME": ROLE,
            "DB_PASSWORD": PASSWORD,
        }

    def connect(self, user: str = ROLE) -> Any:
        """An autocommit connection over the socket, where every role is trusted."""
        import psycopg2

        connection = psycopg2.connect(
            host=str(self.folder), port=self.port, dbname=self.database, user=user
        )
        connection.autocommit = True
        return connection

    def run(self, statement: str, *parameters: Any) -> Any:
        """Runs SQL on a connection of its own and returns the rows, if any."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


class Database(Postgres):
    """One database on the session's server, as good as new for each test."""

    def __init__(self, server: Postgres, name: str) -> None:
        # Shares the server's process and folder instead of starting another.
        self.__dict__.update(server.__dict__)
        self.server = server
        self.database = name
        server.run(f'CREATE DATABASE "{name}"')
        self._grants = self._public_grants()

    def _public_grants(self) -> str:
        """What everybody may do in schema public: from PostgreSQL 15 on no longer CREATE."""
        may = self.run(
            "SELECT r FROM unnest(ARRAY['USAGE', 'CREATE']) r"
            " WHERE has_schema_privilege('pg_monitor', 'public', r)"
        )
        return ", ".join(right for (right,) in may)

    def clean(self) -> None:
        """Throws out whoever is still connected, then everything a test can have left.

        A tenth of the time that dropping and creating a database takes.
        """
        self.server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            self.database,
        )
        schemas = self.run(
            "SELECT quote_ident(nspname) FROM pg_namespace"
            " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        )
        self.run("".join(f"DROP SCHEMA {name} CASCADE; " for (name,) in schemas) + "SELECT 1")
        self.run(f"CREATE SCHEMA public; GRANT {self._grants} ON SCHEMA public TO PUBLIC")
        self.server.run(f'ALTER DATABASE "{self.database}" RESET ALL')

    def drop(self) -> None:
        """Removes it, with whoever is still connected."""
        self.clean()
        self.server.run(f'DROP DATABASE "{self.database}"')


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One private server for the whole session."""
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def one_database(postgres: Postgres) -> Database:
    """The database that the tests use one after the other."""
    return Database(postgres, f"test_{os.urandom(4).hex()}")


@pytest.fixture()
def database(postgres: Postgres, one_database: Database) -> Iterator[Database]:
    """A database of the test's own, empty, on a running server."""
    try:
        yield one_database
    finally:
        postgres.start()
        one_database.clean()
