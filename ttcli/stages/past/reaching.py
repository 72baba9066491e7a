"""The database for commands that do without it when it is away: they say so, and go on."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

from ttcli.config import Config
from ttcli.errors import OutsideFault
from ttcli.table import TargetTable


class Reached(NamedTuple):
    """What was found, or why nothing was."""

    found: Any
    trouble: str = ""


def reached(config: Config, ask: Callable[[Any, TargetTable], Any]) -> Reached:
    """What `ask(connection, table)` returns, tried once."""
    if not config.db_name:
        return Reached(None, "DB_NAME is not set")
    from ttcli.database.connect import connect
    from ttcli.database.target import read_table

    settings = config.database
    connection: Optional[Any] = None
    try:
        connection = connect(settings, attempts=1)
        return Reached(ask(connection, read_table(connection, settings)))
    except OutsideFault as fault:
        return Reached(None, fault.message)
    finally:
        if connection is not None:
            connection.close()
