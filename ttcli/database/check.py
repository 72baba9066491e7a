"""What `ttcli check` says of the database: one fact a line, with what cures it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Iterator

from ttcli.config import DatabaseSettings
from ttcli.database import ledger
from ttcli.database.connect import Connection, transaction
from ttcli.database.target import quoted, read_table
from ttcli.errors import DENIED, OutsideFault
from ttcli.facts import Fact, clock
from ttcli.table import TargetTable

_OLDEST = 120000


def facts(connection: Connection, settings: DatabaseSettings) -> Iterator[Fact]:
    """Looks at server, TLS, clock, target table, rights, as-of column, staging schema and ledger.

    What depends on the target table is left out when it cannot be read.
    """
    yield _server(connection)
    yield _tls(connection, settings)
    yield _clock(connection)
    try:
        table = read_table(connection, settings)
    except OutsideFault as fault:
        yield Fact("target table", False, fault.message, fault.hint, exit_code=fault.exit_code)
        return
    key = ", ".join(table.key)
    where = quoted(table.schema, table.name)
    yield Fact("target table", True, f"{where}, {len(table.columns)} columns, key {key}")
    with transaction(connection), connection.cursor() as cursor:
        yield from _rights(cursor, settings, table)
        yield _as_of(settings, table)
        yield _staging(cursor, settings)
        yield _ledger(cursor, settings, table)


def _server(connection: Connection) -> Fact:
    encoding = connection.get_parameter_status("server_encoding") or ""
    version = connection.get_parameter_status("server_version") or ""
    text = f"PostgreSQL {version}, database {connection.info.dbname}, encoding {encoding}"
    if connection.server_version < _OLDEST:
        return Fact("server", False, text, "ttcli needs PostgreSQL 12 or newer")
    if encoding != "UTF8":
        return Fact(
            "server", True, text, "texts outside this encoding are rejected; UTF8 takes all"
        )
    return Fact("server", True, text)


def _tls(connection: Connection, settings: DatabaseSettings) -> Fact:
    info = connection.info
    if info.ssl_in_use:
        protocol, cipher = info.ssl_attribute("protocol"), info.ssl_attribute("cipher")
        text = f"{protocol}, {cipher}, sslmode {settings.sslmode}"
        weak = settings.sslmode in ("require", "prefer", "allow")
        fix = "DB_SSLROOTCERT makes sure that it is the right server" if weak else ""
        return Fact("database TLS", True, text, fix)
    if (info.host or "").startswith("/"):
        return Fact("database TLS", True, f"none: the socket in {info.host}")
    return Fact("database TLS", True, "none", "DB_SSLMODE=require refuses to go without")


def _clock(connection: Connection) -> Fact:
    before = datetime.now(timezone.utc)
    with transaction(connection), connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone() or ()
    after = datetime.now(timezone.utc)
    return clock("database clock", theirs, before + (after - before) / 2)


def _rights(cursor: Any, settings: DatabaseSettings, table: TargetTable) -> Iterator[Fact]:
    where = quoted(table.schema, table.name)
    cursor.execute(
        "SELECT r FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) r"
        " WHERE NOT has_table_privilege(%s, r) AND NOT has_any_column_privilege(%s, r)",
        (where, where),
    )
    missing = [right for (right,) in cursor.fetchall()]
    if missing:
        grant = (
            f"as its owner: GRANT {', '.join(missing)} ON {where} TO {quoted(settings.username)};"
        )
        yield Fact("target rights", False, f"no {', '.join(missing)}", grant, exit_code=DENIED)
    else:
        yield Fact("target rights", True, "SELECT, INSERT, UPDATE")


def _as_of(settings: DatabaseSettings, table: TargetTable) -> Fact:
    name = settings.source_time_column
    if not name:
        return Fact(
            "as-of column", True, "none: DB_SOURCE_TIME_COLUMN is empty, late items overwrite"
        )
    column = next((c for c in table.columns if c.name.lower() == name.lower()), None)
    where = quoted(table.schema, table.name)
    add = f"ALTER TABLE {where} ADD COLUMN {quoted(name)} timestamptz;"
    if column is None:
        # Loads work without it, so this is advice and no fault.
        return Fact("as-of column", True, f"no column {name}: late items overwrite newer rows", add)
    if column.type not in ("timestamptz", "timestamp"):
        return Fact("as-of column", False, f"{name} is {column.declared}", "it must be timestamptz")
    return Fact("as-of column", True, f"{column.name} {column.declared}")


def _staging(cursor: Any, settings: DatabaseSettings) -> Fact:
    schema, role = quoted(settings.temp_schema), quoted(settings.username)
    cursor.execute(
        "SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')"
        " FROM pg_namespace WHERE nspname = %s",
        (settings.temp_schema,),
    )
    row = cursor.fetchone()
    if row and row[0]:
        return Fact("staging schema", True, schema)
    if row:
        fix = f"as its owner: GRANT USAGE, CREATE ON SCHEMA {schema} TO {role};"
        return Fact(
            "staging schema", False, f"{schema}: no right to create in it", fix, exit_code=DENIED
        )
    cursor.execute("SELECT has_database_privilege(current_database(), 'CREATE')")
    if cursor.fetchone()[0]:
        return Fact("staging schema", True, f"{schema} will be created by the first load")
    fix = f"as the database's owner: CREATE SCHEMA {schema} AUTHORIZATION {role};"
    return Fact("staging schema", False, f"{schema} does not exist", fix, exit_code=DENIED)


def _ledger(cursor: Any, settings: DatabaseSettings, table: TargetTable) -> Fact:
    where = quoted(table.schema, ledger.name_of(table))
    cursor.execute(
        "SELECT has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')"
        " AND has_table_privilege(c.oid, 'UPDATE') FROM pg_class c WHERE c.oid = to_regclass(%s)",
        (where,),
    )
    row = cursor.fetchone()
    if row and row[0]:
        return Fact("ledger", True, where)
    role = quoted(settings.username)
    if row:
        fix = f"as its owner: {ledger.grant(table, role)}"
        return Fact("ledger", False, f"{where}: no right to it", fix, exit_code=DENIED)
    cursor.execute("SELECT has_schema_privilege(%s, 'CREATE')", (table.schema,))
    if cursor.fetchone()[0]:
        return Fact("ledger", True, f"{where} will be created by the first load")
    cure = "; ".join([*ledger.statements(table), ledger.grant(table, role)])
    fix = f"as the owner of schema {quoted(table.schema)}: {cure}"
    return Fact("ledger", False, f"{where} does not exist", fix, exit_code=DENIED)
