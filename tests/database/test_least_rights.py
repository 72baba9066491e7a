"""The role with the least rights does all that the tests of this folder ask of a load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database import least_rights
from tests.database.rows import Target, counts
from tests.fix_postgres import PASSWORD, Database
from ttcli.errors import AccessDenied

# These are about what is not there yet, about the owner, or about a table without its rights.
OWNERS = (
    "test_all_is_well_before_the_first_load",
    "test_without_the_right_to_create_the_statements_are_told",
    "test_the_documented_role_is_enough",
    "test_a_dry_run_creates_nothing",
    "test_many_bad_rows_need_few_round_trips",
    "test_several_hosts_complete_an_older_ledger_at_once",
    "test_names_are_taken_exactly_then_folded",
    "test_a_table_without_schema_follows_the_search_path",
)


@pytest.mark.nightly
@pytest.mark.skipif(least_rights.WANTED, reason="this is that run")
def test_the_whole_suite_runs_with_the_least_rights() -> None:
    """Every other test of this folder, once more, by that role."""
    folder = Path(__file__).parent
    without = " and ".join(f"not {name}" for name in OWNERS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(
        [*command, "-m", "not nightly", "-k", without],
        env={**os.environ, "TTCLI_TEST_LEAST_RIGHTS": "1"},
        cwd=folder.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_a_table_needs_besides_is_granted_by_name(
    make_target: type, database: Database
) -> None:
    """A serial column's sequence and a type's schema: each missing right names its GRANT."""
    database.run(f"CREATE ROLE loader LOGIN PASSWORD '{PASSWORD}'")
    try:
        owner = make_target(
            "CREATE SCHEMA types; CREATE TYPE types.state AS ENUM ('DEP');"
            "CREATE TABLE tracking_data (hawb text PRIMARY KEY, status types.state, n serial)"
        )
        owner.rows([], columns=("hawb",))
        database.run(
            "GRANT ALL ON tracking_data, tracking_data_loads TO loader;"
            "GRANT ALL ON SCHEMA temp_processing TO loader"
        )
        loader: Target = make_target("", username="loader")
        for right in ("USAGE ON SCHEMA types", "USAGE ON SEQUENCE tracking_data_n_seq"):
            with pytest.raises(AccessDenied, match=f"GRANT {right} TO") as caught:
                loader.rows([("H1", "DEP")], columns=("hawb", "status"))
            database.run(caught.value.hint.partition(": ")[2])

        assert counts(loader.rows([("H1", "DEP")], columns=("hawb", "status"))) == (1, 0, 0, 0)
        loader.close()
    finally:
        database.run("DROP OWNED BY loader; DROP ROLE loader")
