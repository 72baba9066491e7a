"""The world's faults while loading: nothing half-done, and an error that says what helps."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, List

import pytest

from tests.database.rows import Target, counts, hour, make_load
from tests.fix_postgres import PASSWORD, Database
from ttcli.config import Secret
from ttcli.database import load as load_module
from ttcli.database.connect import Connection, Session, connect
from ttcli.database.load import Loaded, load_item
from ttcli.database.target import read_table
from ttcli.errors import AccessDenied, ConfigError, Temporary

ROWS = [(f"H{n:04}", "DEP", n) for n in range(500)]
MakeTarget = Callable[..., Target]


def test_a_wrong_password_is_access_denied_and_not_told(database: Database) -> None:
    """The message names the server and never the password."""
    with pytest.raises(AccessDenied, match="password authentication failed") as caught:
        connect(database.settings(password=Secret("hunter2 wrong")))

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.__cause__)


def test_a_missing_database_is_a_configuration_error(database: Database) -> None:
    """Trying again does not create it."""
    with pytest.raises(ConfigError, match="does not exist"):
        connect(database.settings(name="nowhere"))


def test_tls_that_cannot_be_had_is_a_configuration_error(database: Database) -> None:
    """A server without TLS is not waited for when DB_SSLMODE asks for it."""
    with pytest.raises(ConfigError, match="SSL"):
        connect(database.settings(sslmode="require"))


def test_a_server_that_is_away_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four attempts, waiting 1, 2 and 4 seconds, then a temporary fault."""
    waited: List[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    database.stop()

    with pytest.raises(Temporary, match="refused"):
        connect(database.settings())

    assert waited == [1, 2, 4]


def test_a_server_that_comes_back_is_used(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The waiting ends as soon as the server answers."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: database.start())
    database.stop()

    connect(database.settings()).close()


def test_the_session_is_ours_whatever_the_role_says(database: Database) -> None:
    """Settings of the role that would change values, or lose commits, do not apply."""
    for setting in ("TimeZone = 'Asia/Tokyo'", "synchronous_commit = off", "DateStyle = 'German'"):
        database.run(f'ALTER DATABASE "{database.database}" SET {setting}')

    connection = connect(database.settings())

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT '2026-08-22 12:00'::timestamptz::text, current_setting('synchronous_commit')"
        )
        assert cursor.fetchone() == ("2026-08-22 12:00:00+00", "on")
    connection.close()


@pytest.mark.parametrize("moment", ["copy", "_merge", "write", "commit"])
def test_a_crash_of_the_server_leaves_nothing(
    target: Target, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Killed at any step, the item is not in the table and not in the ledger; later it loads."""
    target.rows(ROWS[:10])
    item = make_load(target.folder, ROWS, at=hour(1))
    _before(monkeypatch, target, moment, lambda: target.database.stop("immediate"))

    with pytest.raises(Temporary):
        target.load(item)

    monkeypatch.undo()
    target.database.start()
    assert target.database.run("SELECT count(*) FROM tracking_data") == [(10,)]
    target.connection = connect(target.settings)
    assert counts(target.load(item)) == (490, 0, 10, 0)


def _before(
    monkeypatch: pytest.MonkeyPatch, target: Target, moment: str, act: Callable[[], None]
) -> None:
    """Has `act` done just before a step of the load."""
    places: Any = {
        "copy": load_module.staging,
        "_merge": load_module,
        "write": load_module.ledger,
        "commit": target.connection,
    }
    original = getattr(places[moment], moment)
    if moment == "commit":
        target.rows([])  # what is made sure of once a connection is done, so one commit is left

    def first(*arguments: Any) -> Any:
        if moment != "commit" or _written(target):
            act()
        return original(*arguments)

    monkeypatch.setattr(places[moment], moment, first)


def _written(target: Target) -> bool:
    """Whether the connection's transaction has changed anything yet."""
    with target.connection.cursor() as cursor:
        cursor.execute("SELECT txid_current_if_assigned() IS NOT NULL")
        return bool(cursor.fetchone()[0])


def test_a_failure_of_our_own_rolls_back(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any exception leaves the connection usable and the database as it was."""
    item = make_load(target.folder, ROWS)

    def fail() -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        _before(patch, target, "write", fail)
        with pytest.raises(RuntimeError):
            target.load(item)

    assert target.all() == []
    assert counts(target.load(item)) == (500, 0, 0, 0)


def test_a_deadlock_is_tried_again(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The victim of a deadlock starts over on the same connection."""
    target.rows(ROWS[:2])
    other = target.database.connect()
    other.autocommit = False
    cursor = other.cursor()
    cursor.execute(
        "SET deadlock_timeout = '1h'; SELECT * FROM tracking_data WHERE hawb = 'H0001' FOR UPDATE"
    )
    # Ours takes H0000 with its first statement and wants H0001 with the second.
    original = load_module._merge
    tried = []

    def merge(cursor: Any, *arguments: Any) -> Any:
        tried.append(1)
        if len(tried) == 1:
            cursor.execute("UPDATE tracking_data SET status = 'x' WHERE hawb = 'H0000'")
            thread.start()
            _until_waiting(target.database)
        return original(cursor, *arguments)

    def rival() -> None:
        cursor.execute("UPDATE tracking_data SET status = 'y' WHERE hawb = 'H0000'")
        other.commit()

    thread = threading.Thread(target=rival)
    monkeypatch.setattr(load_module, "_merge", merge)

    loaded = target.rows([("H0000", "ARR", 0), ("H0001", "ARR", 1)], at=hour(1))

    thread.join()
    other.close()
    assert len(tried) == 2
    assert counts(loaded) == (0, 2, 0, 0)


def _until_waiting(database: Database) -> None:
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = %s"
    )
    while not database.run(query, "Lock"):
        time.sleep(0.01)


def test_a_lost_connection_is_opened_again(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session repeats the load over a new connection; the item is loaded once."""
    waited: List[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    item = make_load(target.folder, ROWS)
    session = Session(target.settings)
    table = read_table(session.connection, target.settings)
    pids = [session.connection.get_backend_pid()]

    def work(connection: Connection) -> Loaded:
        pids.append(connection.get_backend_pid())
        if len(pids) == 2:
            target.database.run("SELECT pg_terminate_backend(%s)", pids[0])
        return load_item(connection, target.settings, table, item)

    loaded = session.run(work)

    session.close()
    assert counts(loaded) == (500, 0, 0, 0)
    assert pids[0] == pids[1] != pids[2]
    assert waited == [1]


@pytest.mark.parametrize("over", ["127.0.0.1", "a socket"])
def test_a_server_that_crashed_meanwhile_is_used_again(
    target: Target, monkeypatch: pytest.MonkeyPatch, over: str
) -> None:
    """Between two items the server goes and comes: the next item is loaded in the same run."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    place = str(target.database.folder) if over == "a socket" else over
    settings = target.settings._replace(host=place)
    session = Session(settings)
    table = session.run(lambda connection: read_table(connection, settings))
    target.database.stop("immediate")
    target.database.start()

    item = make_load(target.folder, ROWS)
    loaded = session.run(lambda connection: load_item(connection, settings, table, item))

    session.close()
    assert counts(loaded) == (500, 0, 0, 0)


def test_of_several_hosts_the_one_that_takes_writes_is_used(
    database: Database, make_target: MakeTarget
) -> None:
    """A host that is not there is passed over; a pair that takes no writes is waited for."""
    pair = f"/nonexistent,{database.folder}"
    target = make_target(host=pair)
    assert counts(target.rows(ROWS)) == (500, 0, 0, 0)
    target.close()

    database.run(f'ALTER DATABASE "{database.database}" SET default_transaction_read_only = on')
    try:
        with pytest.raises(Temporary, match="no host of DB_HOST takes writes"):
            connect(database.settings(host=pair), attempts=1)
    finally:
        database.server.run(f'ALTER DATABASE "{database.database}" RESET ALL')


def test_a_server_that_stays_away_ends_the_session(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost and not to be had again: a temporary fault, after the attempts of one connection."""
    waited: List[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    session = Session(target.settings, attempts=2)

    def work(connection: Connection) -> None:
        target.database.stop("immediate")
        read_table(connection, target.settings)

    with pytest.raises(Temporary):
        session.run(work)

    session.close()
    assert waited == [1, 1]


def test_tls_that_breaks_off_is_temporary(database: Database, make_target: MakeTarget) -> None:
    """A connection lost under TLS is no matter of certificates."""
    with database.tls():
        target = make_target(sslmode="require")
        target.rows(ROWS[:1])
        database.stop("immediate")
        with pytest.raises(Temporary):
            target.rows(ROWS[:2], at=hour(1))
        database.start()


def test_a_missing_right_names_the_grant(database: Database, make_target: MakeTarget) -> None:
    """A role that may not write is told the statement for the table's owner."""
    target = make_target()
    target.rows(ROWS[:1])
    database.run(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    try:
        database.run("GRANT SELECT ON tracking_data TO reader")
        database.run("GRANT SELECT, INSERT ON tracking_data_loads TO reader")
        database.run("GRANT USAGE, CREATE ON SCHEMA temp_processing TO reader")
        reader = make_target("", username="reader")
        with pytest.raises(AccessDenied, match="GRANT SELECT, INSERT, UPDATE ON tracking_data TO"):
            reader.rows([("H9", "DEP", 9)], at=hour(1))
        reader.close()
    finally:
        database.run("DROP OWNED BY reader; DROP ROLE reader")
