"""`ttcli check` of the database, and the role with the least rights."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest

from tests.database.rows import Target, counts, hour
from tests.fix_postgres import PASSWORD, Database
from ttcli.database.check import facts
from ttcli.database.connect import connect
from ttcli.errors import CONFIG, DENIED, AccessDenied, ConfigError
from ttcli.facts import Fact

MakeTarget = Callable[..., Target]
DOCUMENT = Path(__file__).parents[2] / "docs" / "database.md"


def found(target: Target) -> Dict[str, Fact]:
    """The facts by their names."""
    return {fact.name: fact for fact in facts(target.connection, target.settings)}


@pytest.fixture()
def role(database: Database) -> Iterator[str]:
    """A login role without any right."""
    name = f"loader_{database.database}"
    database.run(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    database.run(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_all_is_well_before_the_first_load(target: Target) -> None:
    """What a load would create is no fault."""
    there = found(target)

    assert all(fact.ok for fact in there.values())
    assert there["server"].text.startswith("PostgreSQL 1")
    assert "will be created" in there["staging schema"].text
    assert "will be created" in there["ledger"].text
    target.rows([("H1", "DEP", 1)])
    assert found(target)["ledger"].text == '"public"."tracking_data_loads"'


def test_a_missing_as_of_column_is_advice(make_target: MakeTarget) -> None:
    """Loads work without it; the ALTER TABLE is told."""
    fact = found(make_target("CREATE TABLE tracking_data (hawb text PRIMARY KEY)"))["as-of column"]

    assert fact.ok
    assert fact.fix == 'ALTER TABLE "public"."tracking_data" ADD COLUMN "source_at" timestamptz;'


def test_an_as_of_column_of_another_type_is_a_fault(make_target: MakeTarget) -> None:
    """A text cannot tell what is newer."""
    fact = found(make_target("CREATE TABLE tracking_data (hawb text PRIMARY KEY, source_at text)"))

    assert not fact["as-of column"].ok


def test_a_missing_table_is_a_fact(make_target: MakeTarget) -> None:
    """The rest that can be looked at still is."""
    there = found(make_target(""))

    assert not there["target table"].ok
    assert there["target table"].exit_code == CONFIG
    assert there["server"].ok


def test_missing_rights_come_with_their_grant(
    make_target: MakeTarget, database: Database, role: str
) -> None:
    """Each right that is missing is a fact of its own, and its statement cures it."""
    make_target()
    database.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    loader = make_target("", username=role)

    there = found(loader)

    bad = {name: fact for name, fact in there.items() if not fact.ok}
    assert set(bad) == {"target rights", "staging schema", "ledger"}
    assert {fact.exit_code for fact in bad.values()} == {DENIED}
    for fact in bad.values():
        database.run(re.sub(r"^as .*?: ", "", fact.fix))
    assert all(fact.ok for fact in found(loader).values())
    assert counts(loader.rows([("H1", "DEP", 1)])) == (1, 0, 0, 0)
    loader.close()


def test_without_the_right_to_create_the_statements_are_told(
    make_target: MakeTarget, database: Database, role: str
) -> None:
    """A load that may create neither schema nor ledger says what the owner is to run."""
    make_target()
    database.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    loader = make_target("", username=role)
    row = [("H1", "DEP", 1)]
    database.run(f"GRANT SELECT, INSERT, UPDATE ON tracking_data TO {role}")

    with pytest.raises(AccessDenied, match="CREATE SCHEMA") as caught:
        loader.rows(row)
    database.run(caught.value.hint.partition(": ")[2])
    with pytest.raises(AccessDenied, match="CREATE TABLE") as caught:
        loader.rows(row)
    database.run(caught.value.hint.partition(": ")[2])

    assert counts(loader.rows(row)) == (1, 0, 0, 0)
    loader.close()


def test_the_documented_role_is_enough(
    make_target: MakeTarget, database: Database, role: str
) -> None:
    """The GRANTs in docs/database.md are all that loading, late items and checking need."""
    make_target()
    database.run("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    script = re.search(r"```sql\n-- least rights\n(.*?)```", DOCUMENT.read_text(), re.S)
    assert script
    database.run(f"CREATE SCHEMA IF NOT EXISTS public; {script[1].replace('ttcli_loader', role)}")
    loader = make_target("", username=role)

    for late in (1, 3, 2):
        status = "y" if late == 2 else "x"
        loader.rows([("H1", status, 1), (f"H{late}", "x", 1)], at=hour(late))
    rejected = loader.rows([("H9", "x", "many")], at=hour(4))

    assert len(rejected.rejects) == 1
    assert loader.all("status")[0] == ("x",)
    assert all(fact.ok for fact in found(loader).values())
    loader.close()


def test_tls_is_shown_and_checked(make_target: MakeTarget, database: Database) -> None:
    """Protocol and cipher are told; a server with another CA is not spoken to."""
    with database.tls() as ca:
        secure = make_target(sslmode="verify-full", sslrootcert=ca)
        assert re.match(
            r"TLSv1\.[23], \S+, sslmode verify-full", found(secure)["database TLS"].text
        )
        secure.close()
        other = ca.parent / "other"
        other.mkdir()
        wrong: Any = _other_ca(other)
        with pytest.raises(ConfigError, match="certificate"):
            connect(database.settings(sslmode="verify-full", sslrootcert=wrong), attempts=1)


def _other_ca(folder: Path) -> Path:
    from tests.fix_dovecot import make_certificates

    make_certificates(folder)
    return folder / "ca.pem"


def test_a_certificate_of_our_own_is_shown(make_target: MakeTarget, database: Database) -> None:
    """A server that asks who is there gets DB_SSLCERT; a key that others can read is refused."""
    with database.tls() as ca:
        shutil.copy(str(ca), str(database.data / "ca.crt"))
        (database.data / "ca.crt").chmod(0o644)
        database.run("ALTER SYSTEM SET ssl_ca_file = 'ca.crt'")
        database.run("SELECT pg_reload_conf()")
        while database.run("SHOW ssl_ca_file") != [("ca.crt",)]:
            time.sleep(0.01)
        try:
            key = ca.parent / "server.key"
            key.chmod(0o600)
            shown = {"sslcert": ca.parent / "server.pem", "sslkey": key}
            secure = make_target(sslmode="verify-full", sslrootcert=ca, **shown)
            with secure.connection.cursor() as cursor:
                cursor.execute("SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                assert cursor.fetchone() == ("/CN=localhost",)
            secure.close()
            key.chmod(0o644)
            with pytest.raises(ConfigError, match="private key"):
                connect(database.settings(sslmode="verify-full", sslrootcert=ca, **shown))
        finally:
            database.run("ALTER SYSTEM RESET ssl_ca_file")
            database.run("SELECT pg_reload_conf()")


def test_plain_connections_are_told(target: Target, make_target: MakeTarget) -> None:
    """Without TLS check says so, and what would insist on it; a socket needs none."""
    assert found(target)["database TLS"].fix == "DB_SSLMODE=require refuses to go without"

    over_socket = make_target("", host=str(target.database.folder))
    fact = found(over_socket)["database TLS"]
    assert fact.text.startswith("none: the socket in")
    assert not fact.fix
