"""With TTCLI_TEST_LEAST_RIGHTS=1 every load of this folder is done by a role that has the rights of
docs/database.md and no other; the tables are the owner's. `test_least_rights.py` runs them all so.
"""

from __future__ import annotations

import contextlib
import os

from tests.fix_postgres import PASSWORD, ROLE, Database
from ttcli.config import DatabaseSettings
from ttcli.database.connect import connect
from ttcli.database.proposal import creating, granting, standing
from ttcli.errors import ConfigError

WANTED = bool(os.environ.get("TTCLI_TEST_LEAST_RIGHTS"))
_LEAST = "ttcli_least"


def given(database: Database, settings: DatabaseSettings) -> DatabaseSettings:
    """The settings for the role, once the owner has made and granted what `ttcli init` says."""
    if settings.username != ROLE:
        return settings  # the test has a role of its own
    if not database.run("SELECT 1 FROM pg_roles WHERE rolname = %s", _LEAST):
        database.run(f"CREATE ROLE {_LEAST} LOGIN PASSWORD '{PASSWORD}'")
    database.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    owner = connect(settings, attempts=1)
    try:
        with contextlib.suppress(ConfigError):  # a table that is wrong, and meant to be
            there = standing(owner, settings)
            if there.table:
                made = creating(settings, there.table, there)
                rights = granting(settings, there.table, there, _LEAST)
                database.run("; ".join([*made, *rights]))
    finally:
        owner.close()
    return settings._replace(username=_LEAST)
