"""init: from a sample workbook to a table that takes it, on a real PostgreSQL."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest

from tests.fix_postgres import PASSWORD
from tests.fix_world import World, workbook
from tests.packaging.source import ROOT

HEADINGS = ("HAWB No.", "MAWB", "Pcs", "Gross Weight", "ETA", "ATA", "Status", "Cartons", "Value",
            "Customs date", "Cleared", "Picked up", "Invoice No", "AWB No", "分单备注", "Order\nNo",
            "Remark", "Remark", "ctid", "x'); DROP TABLE canary; --", "processed_at",
            "%s")  # fmt: skip


def row(number: int, **changes: Any) -> List[Any]:
    """A row of such a report."""
    cells = {
        "HAWB No.": f"H{number:05}",
        "MAWB": f"020-{number * 7:08d}",
        "Pcs": number,
        "Gross Weight": number + 0.125,
        "ETA": datetime(2026, 4, 2, 13, number),
        "ATA": f"{number + 12}/04/2026",
        "Status": "DEP",
        "Cartons": number,
        "Value": number * 1.25,
        "Customs date": date(2026, 4, 2),
        "Cleared": bool(number % 2),
        "Picked up": time(3, number),
        "Invoice No": 100000 + number,
        "AWB No": f"A{number}",
        "分单备注": "好",
        "Order\nNo": f"{number:03}",
        **changes,
    }
    return [cells.get(heading, "?") for heading in HEADINGS]


@pytest.fixture
def bare(world: World) -> World:
    """A world whose database holds one table that is none of ours."""
    world.sql("DROP TABLE tracking_data; CREATE TABLE canary (id int)")
    return world


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Twenty rows under headings known, new, doubled and hostile."""
    path = tmp_path / "sample.xlsx"
    path.write_bytes(workbook([row(number) for number in range(1, 21)], HEADINGS))
    return path


@pytest.fixture
def role(bare: World) -> Iterator[str]:
    """A login role without any right."""
    bare.sql(f"CREATE ROLE loader LOGIN PASSWORD '{PASSWORD}'")
    bare.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    yield "loader"
    bare.sql("DROP OWNED BY loader; DROP ROLE loader")


def psql(world: World, script: str) -> None:
    """Runs a script as psql does, as the owner, and fails with the first error."""
    place = ["-h", str(world.database.folder), "-p", str(world.database.port)]
    program = str(world.database._bin / "psql")
    command = [program, *place, "-U", "ttcli_test", "-qX", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(
        [*command, world.database.database],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def types(world: World, table: str = "tracking_data") -> List[Tuple[str, str]]:
    """The columns of a table and their types, in its order."""
    return world.sql(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        table,
    )


def load_all(world: World, *files: Path) -> None:
    """add, process, load; each row of each file must come through whole."""
    world.ttcli("add", *map(str, files))
    for stage in ("process", "load"):
        world.ttcli(stage)


WITHOUT = {"DB_NAME": "", "DB_USERNAME": "", "DB_PASSWORD": "", "DB_HOST": "203.0.113.1"}


def test_a_workbook_alone_gives_sql_that_psql_runs(bare: World, sample: Path) -> None:
    """No database, no spool, no configuration: the script makes a table that takes every row."""
    script = bare.ttcli("init", "--from", str(sample), **WITHOUT).stdout
    assert not bare.base.exists()
    psql(bare, script)

    assert types(bare) == [
        ("hawb", "character varying(50)"),
        ("mawb", "text"),
        ("pieces", "integer"),
        ("weight", "numeric"),
        ("eta", "timestamp without time zone"),
        ("ata", "timestamp without time zone"),
        ("status", "text"),
        ("cartons", "integer"),
        ("value", "numeric"),
        ("customs_date", "date"),
        ("cleared", "boolean"),
        ("picked_up", "time without time zone"),
        ("invoice_no", "text"),
        ("awb_no", "text"),
        ("分单备注", "text"),
        ("order_no", "text"),
        ("x_drop_table_canary", "text"),
        ("s", "text"),
        ("source_at", "timestamp with time zone"),
        ("processed_at", "timestamp without time zone"),
        ("file_source", "character varying(255)"),
    ]
    load_all(bare, sample)
    assert bare.counts() == {"loaded": 1}
    (item,) = bare.status()["last_loads"]
    assert (item["inserted"], item["rejected"]) == (20, 0)
    columns = "hawb, weight::text, ata, cleared, picked_up, invoice_no, order_no, s"
    assert bare.sql(f"SELECT {columns} FROM tracking_data ORDER BY 1")[4] == (
        "H00005", "5.125", datetime(2026, 4, 17), True, time(3, 5), "100005", "005", "?",
    )  # fmt: skip
    assert bare.sql("SELECT to_regclass('canary') IS NOT NULL") == [(True,)]


def test_apply_creates_once_and_says_so(bare: World, sample: Path) -> None:
    """Table, ledger, staging schema and mapping.toml; again, everything is there already."""
    mapping = bare.base.parent / "mapping.toml"
    first = bare.ttcli("init", "--from", str(sample), "--apply").stdout
    made, text = types(bare), mapping.read_text()
    load_all(bare, sample)
    mapping.write_text("# mine\n")

    again = bare.ttcli("init", "--from", str(sample), "--apply").stdout

    assert "statements run" in first
    assert "all is there" in again
    assert types(bare) == made
    assert mapping.read_text() == "# mine\n"
    assert all(line.startswith("#") or not line for line in text.splitlines())
    assert bare.sql("SELECT count(*) FROM tracking_data, tracking_data_loads") == [(20,)]


def test_without_apply_nothing_is_done(bare: World, sample: Path) -> None:
    """Not even with a database at hand; the JSON has what the text has."""
    found = json.loads(bare.ttcli("init", "--from", str(sample), "--json").stdout)

    assert bare.sql("SELECT to_regclass('tracking_data'), to_regnamespace('temp_processing')") == [
        (None, None)
    ]
    assert not (bare.base.parent / "mapping.toml").exists()
    assert (found["applied"], found["exists"], found["unasked"]) == (False, False, None)
    assert found["columns"][0] == {
        "name": "hawb", "type": "varchar(50)", "heading": "HAWB No.", "cell": "A1",
    }  # fmt: skip
    assert (found["sample"]["read"], found["sample"]["written"]) == (20, 20)


def test_a_table_that_is_there_is_never_altered(bare: World, sample: Path) -> None:
    """What it lacks is shown as ALTER TABLE; neither --apply nor psql runs that."""
    bare.sql("CREATE TABLE tracking_data (hawb text PRIMARY KEY, gross_weight numeric, foo int)")
    before = types(bare)

    script = bare.ttcli("init", "--from", str(sample)).stdout
    bare.ttcli("init", "--from", str(sample), "--apply")
    psql(bare, script)

    assert types(bare) == before
    lines = re.findall(r"^-- (ALTER TABLE .*;)$", script, re.M)
    assert 'ALTER TABLE "public"."tracking_data" ADD COLUMN "source_at" timestamptz;' in lines
    assert not any('"weight"' in line for line in lines)
    psql(bare, "\n".join(lines))
    load_all(bare, sample)
    assert bare.sql("SELECT count(gross_weight), count(cartons) FROM tracking_data") == [(20, 20)]


def test_without_a_workbook_it_is_the_readme_s_table(bare: World) -> None:
    """The table that the README shows, column by column."""
    psql(bare, bare.ttcli("init").stdout)
    shown = re.search(
        r"```sql\n(CREATE TABLE tracking_data .*?)```", (ROOT / "README.md").read_text(), re.S
    )
    assert shown
    bare.sql(shown[1].replace("tracking_data", "readme"))

    assert types(bare) == types(bare, "readme")
    assert "ok" in bare.ttcli("check").stdout


def test_names_and_keys_of_the_configuration_are_made(bare: World, sample: Path) -> None:
    """A schema of its own, a name with blanks, a key of several columns in the case they have."""
    settings = {"DB_TARGET_TABLE": 'freight."Tracking Data"', "DB_UNIQUE_KEY": "HAWB,Status"}

    bare.ttcli("init", "--from", str(sample), "--apply", **settings)
    bare.ttcli("add", str(sample))
    bare.ttcli("process", **settings)
    bare.ttcli("load", **settings)

    rows = 'SELECT count(DISTINCT ("HAWB", "Status")) FROM freight."Tracking Data"'
    assert bare.sql(rows) == [(20,)]


def test_the_rights_it_grants_are_enough(bare: World, sample: Path, role: str) -> None:
    """Run by the owner for a role without any right, the script lets that role do all there is."""
    as_role = {"DB_USERNAME": role}
    assert "with psql" in bare.ttcli("init", "--apply", code=77, **as_role).stderr

    psql(bare, bare.ttcli("init", "--from", str(sample), **as_role).stdout)

    bare.environ.update(as_role)
    bare.ttcli("check")
    load_all(bare, sample)
    assert bare.counts() == {"loaded": 1}


def test_suggestions_become_true_without_their_marks(bare: World, tmp_path: Path) -> None:
    """Orders, units and words seen stand in mapping.toml as comments; taken in, no cell is left."""
    rows = [row(n, **{"ATA": f"{n:02}/04/2026", "Gross Weight": f"{n} KG" if n % 3 else n,
                      "ETA": "TBA" if n == 7 else row(n)[4]}) for n in range(1, 21)]  # fmt: skip
    sample = tmp_path / "sample.xlsx"
    sample.write_bytes(workbook(rows, HEADINGS))
    mapping = bare.base.parent / "mapping.toml"

    bare.ttcli("init", "--from", str(sample), "--apply")
    text = mapping.read_text()
    load_all(bare, sample)
    assert bare.sql("SELECT count(*), count(ata) FROM tracking_data") == [(20, 9)]

    assert "'13/04/2026' in F14 fits no other" in text
    mapping.write_text(re.sub(r"^#(?=\[columns|date_order|unit|null_words)", "", text, flags=re.M))
    found = json.loads(bare.ttcli("inspect", str(sample), "--json").stdout)
    assert (found["written"], found["cells_rejected"]) == (20, 0)


def test_equal_headings_are_told_apart_by_a_person(bare: World, sample: Path) -> None:
    """No column is made for them, and the line that would tell which is which is shown."""
    said = bare.ttcli("init", "--from", str(sample)).stdout

    assert "Remark (Q1, R1) stands more than once" in said
    assert '-- #column_r1 = { heading = "Remark", nth = 2 }' in said
    assert "ctid (S1) makes no name of a column" in said


def test_a_workbook_without_the_key_makes_nothing(bare: World, tmp_path: Path) -> None:
    """65 and the line of mapping.toml to write; which heading is the key is never guessed."""
    sample = tmp_path / "sample.xlsx"
    sample.write_bytes(workbook([["A1", 1, 2]], ["AWB No", "Pcs", "Weight"]))

    said = bare.ttcli("init", "--from", str(sample), "--apply", code=65).stderr
    assert '[headings] hawb = "AWB No"' in said
    assert bare.sql("SELECT to_regclass('tracking_data')") == [(None,)]

    mapping = bare.base.parent / "mapping.toml"
    mapping.write_text('[headings]\nhawb = "AWB No"\n[columns.status]\npolicy = "fill"\n')
    bare.ttcli("init", "--from", str(sample), "--apply")
    load_all(bare, sample)
    assert bare.sql("SELECT hawb, pieces, status FROM tracking_data") == [("A1", 1, None)]


def test_a_server_that_is_away_matters_to_apply_only(bare: World, sample: Path) -> None:
    """The proposal is made without it, and says so; --apply is tried again later."""
    bare.database.stop()

    said = bare.ttcli("init", "--from", str(sample)).stdout
    bare.ttcli("init", "--from", str(sample), "--apply", code=75)

    assert "-- The database was not asked" in said
    assert """-- CREATE ROLE "ttcli_test" LOGIN PASSWORD '…';""" in said
    assert "CREATE TABLE" in said


def test_a_table_without_its_key_is_told_the_cure(bare: World, sample: Path) -> None:
    """A table that is there and cannot be loaded is no table to be made."""
    bare.sql("CREATE TABLE tracking_data (hawb text)")

    assert "CREATE UNIQUE INDEX" in bare.ttcli("init", "--apply", code=78).stderr
