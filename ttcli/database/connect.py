"""One connection to PostgreSQL, with session settings that make loads repeatable."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import Any, Callable, Dict, Iterator, List, Optional, Set

import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from ttcli.config import DatabaseSettings
from ttcli.database.again import Result, again
from ttcli.database.faults import from_pg_error, translated
from ttcli.errors import Temporary

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10
_LOST_AT_MOST = 3

# Values in rows.tsv are ISO text and times without a zone are UTC, whatever the role's defaults.
# The timeouts end what hangs for ever (a lock nobody releases, a host that went away in the
# middle) and are far above what the largest workbook takes. Where citext is not on the search path,
# its = would be that of text, which tells H1 from h1. JIT costs more than it gains on
# statements that run once; the default memory for joins makes a large load a third slower. A role
# that commits asynchronously could lose what we acknowledge.
_SESSION = """
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET standard_conforming_strings = on;
SET lock_timeout = '10min';
SET statement_timeout = '2h';
SET idle_in_transaction_session_timeout = '15min';
SET jit = off;
SELECT set_config('search_path', concat_ws(', ', nullif(current_setting('search_path'), ''),
                                           quote_ident(n.nspname)), false)
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typname = 'citext' AND NOT pg_type_is_visible(t.oid);
SELECT set_config('transaction_timeout', '4h', false)
  FROM pg_settings WHERE name = 'transaction_timeout';
SELECT set_config('synchronous_commit', 'on', false)
  FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off';
SELECT set_config('work_mem', '32MB', false)
  FROM pg_settings WHERE name = 'work_mem' AND setting::bigint < 32768;
"""


class Connection(psycopg2.extensions.connection):
    """A connection whose methods can be replaced, which psycopg2's own do not allow.

    Attributes:
        prepared: What was made sure of on this connection and need not be asked again.
        stages: The staging tables that this session keeps; None where it may have none.
        texts: Statements put together before, see rendered.py.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.prepared: Set[Any] = set()
        self.stages: Dict[Any, Optional[sql.Identifier]] = {}
        self.texts: Dict[Any, List[str]] = {}


def connect(settings: DatabaseSettings, attempts: int = 4) -> Connection:
    """Opens a connection; a server that is away is tried again after 1, 2, 4 … seconds.

    Raises:
        Temporary: The server is away, starting up or full, after all attempts.
        AccessDenied: The server refuses the role or its password.
        ConfigError: The database does not exist, or TLS cannot be had as DB_SSLMODE asks.
    """
    return again(
        lambda: _connect(settings), lambda error: isinstance(error, Temporary), attempts, _say_so
    )


def _say_so(state: Any) -> None:
    failure = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0
    log.warning("%s; trying again in %d s", failure, seconds)


def _connect(settings: DatabaseSettings) -> Connection:
    try:
        connection: Connection = psycopg2.connect(
            connection_factory=Connection, **_parameters(settings)
        )
        # Under REPEATABLE READ the snapshot would be older than the lock that we wait for.
        connection.set_session(isolation_level="READ COMMITTED", autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
        connection.autocommit = False
    except psycopg2.Error as error:
        raise from_pg_error(error, f"PostgreSQL at {settings.host}:{settings.port}") from error
    return connection


def _parameters(settings: DatabaseSettings) -> Dict[str, Any]:
    """What libpq is told; `tcp_user_timeout` is in milliseconds, the others in seconds."""
    given: Dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "dbname": settings.name,
        "user": settings.username,
        "sslmode": settings.sslmode,
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "ttcli",
        "client_encoding": "UTF8",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    }
    if "," in settings.host:  # a primary and its standbys, in whatever roles they are today
        given["target_session_attrs"] = "read-write"
    if settings.password:
        given["password"] = settings.password.reveal()
    files = ("sslrootcert", "sslcert", "sslkey")
    return {**given, **{n: str(getattr(settings, n)) for n in files if getattr(settings, n)}}


class Session:
    """A connection that is opened again when it is lost.

    For work that may be repeated, as loading an item may: the ledger knows whether it was done.
    """

    def __init__(self, settings: DatabaseSettings, attempts: int = 4) -> None:
        self._settings = settings
        self._attempts = attempts
        self._connection: Optional[Connection] = None

    @property
    def connection(self) -> Connection:
        """The connection, opened when first asked for and after a loss; raises as `connect`."""
        if self._connection is None or self._connection.closed:
            self._connection = None  # so that failing to open one is told from losing one
            self._connection = connect(self._settings, self._attempts)
        return self._connection

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns; it is repeated, a few times at most, when the connection was lost.

        Raises:
            Temporary: The server did not come back, or what else `work` raises.
        """
        return again(lambda: work(self.connection), self._lost, _LOST_AT_MOST, _say_so)

    def _lost(self, error: BaseException) -> bool:
        """Whether the work failed with its connection, and not in opening one."""
        opened = self._connection
        if opened is None or not isinstance(error, Temporary):
            return False
        # Over a socket, psycopg2 may yet call a connection open of which no answer came.
        if isinstance(error.__cause__, psycopg2.Error) and not error.__cause__.pgcode:
            opened.close()
        return bool(opened.closed)

    def cancel(self) -> None:
        """Asks the server to end the statement under way; for another thread to call."""
        connection = self._connection
        with suppress(psycopg2.Error):  # closed meanwhile, or the server is away
            if connection is not None:
                connection.cancel()

    def close(self) -> None:
        """Ends the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def transaction(connection: psycopg2.extensions.connection) -> Iterator[None]:
    """COMMIT at the end, ROLLBACK on any exception; psycopg2's errors leave as ours.

    A connection lost while COMMIT is under way leaves the outcome open; the ledger tells the
    next run.
    """
    with translated():
        try:
            yield
            connection.commit()
        except BaseException:
            if not connection.closed:
                _roll_back(connection)
            raise


@contextmanager
def savepoint(connection: psycopg2.extensions.connection) -> Iterator[Any]:
    """A cursor whose work stays in the open transaction; an exception undoes just that work."""
    with translated(), connection.cursor() as cursor:
        cursor.execute("SAVEPOINT ttcli")
        try:
            yield cursor
        except BaseException:
            if not connection.closed:
                with suppress(psycopg2.Error):  # the first error says more
                    cursor.execute("ROLLBACK TO SAVEPOINT ttcli")
            raise
        cursor.execute("RELEASE SAVEPOINT ttcli")


def _roll_back(connection: psycopg2.extensions.connection) -> None:
    try:
        connection.rollback()
    except psycopg2.Error:  # the first error says more, and the server rolls back by itself
        log.debug("ROLLBACK failed", exc_info=True)
