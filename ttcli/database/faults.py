"""What PostgreSQL's errors mean to us, by SQLSTATE (the manual's appendix A)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Iterator, Tuple, Type

import psycopg2

from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.patterns import late

MISSING_RIGHT = "42501"
_AGAIN = "nothing was changed; the next run tries again"

# The most specific prefix of the SQLSTATE decides.
_BY_STATE: Tuple[Tuple[str, Type[OutsideFault], str], ...] = (
    ("08", Temporary, _AGAIN),
    (
        "25006",
        Temporary,
        "a standby, or default_transaction_read_only is set: point DB_HOST at the primary",
    ),
    ("25P03", Temporary, _AGAIN),
    ("25P04", Temporary, "the role's transaction_timeout is too short; " + _AGAIN),
    ("40", Temporary, _AGAIN),
    ("53100", Temporary, "make room on the database server; nothing was changed"),
    ("53", Temporary, _AGAIN),
    ("55006", Temporary, _AGAIN),
    ("55P03", Temporary, "another session holds a lock: see pg_stat_activity; " + _AGAIN),
    ("57", Temporary, _AGAIN),
    ("58", Temporary, "look at the server's log and disks; nothing was changed"),
    ("XX", Temporary, "an internal error of PostgreSQL: look at the server's log"),
    ("28", AccessDenied, "check DB_USERNAME, DB_PASSWORD and the server's pg_hba.conf"),
    ("3D000", ConfigError, "check DB_NAME, or create it: createdb NAME"),
    (
        "3F000",
        ConfigError,
        "create it: CREATE SCHEMA NAME, or correct DB_TARGET_TABLE, DB_TEMP_SCHEMA",
    ),
    (
        "42P01",
        ConfigError,
        "check DB_TARGET_TABLE; `ttcli init` writes a CREATE TABLE",
    ),
    (
        "42703",
        ConfigError,
        "the table was altered meanwhile, or add the column: ALTER TABLE … ADD COLUMN",
    ),
)

# A failed connection has no SQLSTATE in psycopg2, only libpq's or the server's words.
_BY_WORDS: Tuple[Tuple[str, Type[OutsideFault], str], ...] = (
    (
        r"password authentication failed|no password supplied|role .* does not exist"
        r"|authentication failed|not permitted to log in|no pg_hba\.conf entry|permission denied",
        AccessDenied,
        "check DB_USERNAME, DB_PASSWORD and the server's pg_hba.conf",
    ),
    (r"database .* does not exist", ConfigError, "check DB_NAME, or create it: createdb NAME"),
    (
        r"does not support SSL|certificate|private key|sslmode|unknown ca|unsupported protocol"
        r"|wrong version",
        ConfigError,
        "check DB_SSLMODE, DB_SSLROOTCERT, DB_SSLCERT and DB_SSLKEY against the server's",
    ),
    (
        r"session is read-only|server is in hot standby mode",
        Temporary,
        "no host of DB_HOST takes writes: is a failover under way?",
    ),
    (
        r"could not translate host name|[Nn]ame or service not known",
        Temporary,
        "check DB_HOST and the name server",
    ),
)


_OUTSIDE = (psycopg2.OperationalError, psycopg2.InterfaceError)


def from_pg_error(error: psycopg2.Error, where: str = "PostgreSQL") -> OutsideFault:
    """Says whose fault an error of PostgreSQL is, and what helps.

    Args:
        error: As psycopg2 raised it; a refused row is not for this function.
        where: Names the server in the message.
    """
    text = f"{where}: {_first_line(error)}"
    if error.pgcode == MISSING_RIGHT:
        return AccessDenied(text, _grant(error))
    if error.pgcode:
        return _from_state(error.pgcode, text)
    # The bare class is psycopg2's for an answer that never came.
    if type(error) is psycopg2.DatabaseError or isinstance(error, _OUTSIDE):
        return _from_words(text, str(error))
    return ConfigError(text, "this is not expected: please report it with this message")


# Classes of SQLSTATE that are no row's doing: the world's faults, transactions and cursors, our
# statements, PostgreSQL's own. A trigger may raise any other.
NOT_A_ROWS = (
    "00", "01", "02", "03", "08", "0A", "25", "26", "28", "2D", "34", "3B", "3D", "3F",
    "40", "42", "53", "55", "57", "58", "72", "F0", "HV", "XX",
)  # fmt: skip


def refuses_a_row(error: psycopg2.Error) -> bool:
    """Whether a value, constraint or trigger is the cause: other rows may well be taken.

    Row-level security refuses a row with the same SQLSTATE as a missing GRANT does.
    """
    state = error.pgcode or "XX"
    return state == MISSING_RIGHT or state[:2] not in NOT_A_ROWS


@contextmanager
def translated(where: str = "PostgreSQL") -> Iterator[None]:
    """Raises what psycopg2 raises inside as the fault it is."""
    try:
        yield
    except psycopg2.Error as error:
        raise from_pg_error(error, where) from error


def _first_line(error: psycopg2.Error) -> str:
    words = error.diag.message_primary or str(error).strip() or type(error).__name__
    return " ".join(words.splitlines()[0].split())


def _from_state(state: str, text: str) -> OutsideFault:
    for prefix, fault, hint in _BY_STATE:
        if state.startswith(prefix):
            return fault(text, hint)
    return ConfigError(f"{text} [{state}]", "PostgreSQL refuses what ttcli asks of this table")


def _from_words(text: str, said: str) -> OutsideFault:
    """By all that was said: of several hosts each has its line."""
    for pattern, fault, hint in _BY_WORDS:
        if re.search(pattern, said):
            return fault(text, hint)
    return Temporary(text, "is the server running? " + _AGAIN)


_DENIED = late(r"permission denied for (?:(\w+) )?(\S+)")
_RIGHTS = {
    "schema": "USAGE, CREATE",
    "database": "CREATE",
    "table": "SELECT, INSERT, UPDATE",
    "sequence": "USAGE",
}


def _grant(error: psycopg2.Error) -> str:
    """The statement that gives the missing right; the server's words name the object."""
    match = _DENIED.search(_first_line(error))
    role = _role(error)
    if not match or match[1] not in _RIGHTS:
        return f"ask the owner, or run it as the owner; the role is {role}"
    kind = "" if match[1] == "table" else match[1].upper() + " "
    return f"as its owner: GRANT {_RIGHTS[match[1]]} ON {kind}{match[2]} TO {role};"


def _role(error: psycopg2.Error) -> str:
    cursor = error.cursor
    return f'"{cursor.connection.info.user}"' if cursor is not None else "the role of DB_USERNAME"
