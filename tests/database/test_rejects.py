"""The database says no to a row: that row is rejected with PostgreSQL's words, the rest loads."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from tests.database.rows import Target, counts, hour, make_load
from tests.fix_postgres import PASSWORD
from ttcli.errors import AccessDenied, BadItem

MakeTarget = Callable[..., Target]


def numbered(count: int, **odd: Any) -> Any:
    """Rows H00000… with 1 piece each; `odd` gives the pieces of some by their number: n7=-1."""
    return [(f"H{n:05}", "DEP", odd.get(f"n{n}", 1)) for n in range(count)]


def test_a_constraint_rejects_its_row_only(make_target: MakeTarget) -> None:
    """A CHECK names itself, the row's place and key are told, the other rows load."""
    target = make_target(
        "CREATE TABLE tracking_data"
        " (hawb text PRIMARY KEY, status text, pieces int CONSTRAINT positive CHECK (pieces > 0))"
    )

    loaded = target.rows(numbered(1000, n7=-1, n900=0))

    assert counts(loaded) == (998, 0, 0, 0)
    assert [(r.origin, r.key) for r in loaded.rejects] == [("1:9", "H00007"), ("1:902", "H00900")]
    assert 'violates check constraint "positive"' in loaded.rejects[0].message
    assert target.database.run("SELECT rejected FROM tracking_data_loads") == [(2,)]


def test_a_value_that_does_not_fit_names_its_column(target: Target) -> None:
    """Values that COPY refuses are found by their column, whatever the type."""
    rows = [
        ("H1", "fits", 1, "1.5", None),
        ("H" * 51, "long key", 1, "1.5", None),
        ("H3", "no number", "many", "1.5", None),
        ("H4", "too large", 1, "123456789.00", None),
        ("H5", "no date", 1, "1.5", "2026-02-30"),
    ]

    loaded = target.rows(rows, columns=("hawb", "status", "pieces", "weight", "eta"))

    assert counts(loaded) == (1, 0, 0, 0)
    assert [r.message for r in loaded.rejects] == [
        "hawb: value too long for type character varying(50)",
        'pieces: invalid input syntax for type integer: "many"',
        "weight: numeric field overflow",
        'eta: date/time field value out of range: "2026-02-30"',
    ]


def test_updates_are_rejected_like_inserts(make_target: MakeTarget) -> None:
    """A change that a constraint refuses leaves the stored row as it is."""
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, status text,"
        " pieces int CHECK (pieces > 0), source_at timestamptz)"
    )
    target.rows(numbered(500))

    loaded = target.rows(numbered(501, n3=-1, n4=2), at=hour(1))

    assert counts(loaded) == (1, 1, 498, 0)
    assert [reject.key for reject in loaded.rejects] == ["H00003"]
    assert target.all()[3:5] == [("H00003", "DEP", 1), ("H00004", "DEP", 2)]


def test_foreign_keys_and_triggers_reject_rows(make_target: MakeTarget) -> None:
    """A foreign key, even a deferred one, tells the missing value; a trigger has its own words."""
    target = make_target("""
        CREATE TABLE states (code text PRIMARY KEY);
        INSERT INTO states VALUES ('DEP');
        CREATE TABLE tracking_data (hawb text PRIMARY KEY,
            status text REFERENCES states DEFERRABLE INITIALLY DEFERRED, pieces int);
        CREATE FUNCTION no_13() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.pieces = 13 THEN
                RAISE EXCEPTION 'unlucky %', NEW.hawb USING ERRCODE = 'UX013';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER luck BEFORE INSERT OR UPDATE ON tracking_data
            FOR EACH ROW EXECUTE FUNCTION no_13();
    """)

    loaded = target.rows([("H1", "DEP", 1), ("H2", "XXX", 1), ("H3", "DEP", 13)])

    assert counts(loaded) == (1, 0, 0, 0)
    missing, unlucky = loaded.rejects
    assert missing.message.endswith('Key (status)=(XXX) is not present in table "states".')
    assert unlucky.message == "unlucky H3"


def test_a_required_column_without_value_rejects(make_target: MakeTarget) -> None:
    """NOT NULL without default refuses new rows; with one, a blank becomes the default."""
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, status text NOT NULL,"
        " pieces int NOT NULL DEFAULT 7)"
    )

    loaded = target.rows([("H1", None, 1), ("H2", "DEP", None)])

    assert counts(loaded) == (1, 0, 0, 0)
    assert [reject.key for reject in loaded.rejects] == ["H1"]
    assert target.all() == [("H2", "DEP", 7)]
    target.rows([("H2", "DEP", 9)], at=hour(1))
    assert counts(target.rows([("H2", "DEP", None)], at=hour(2))) == (0, 0, 1, 0)


def test_rows_without_a_whole_key_are_rejected(make_target: MakeTarget) -> None:
    """A nullable part of a unique key would let the same row in again and again."""
    target = make_target(
        "CREATE TABLE tracking_data"
        " (hawb text, forwarder text, pieces int, UNIQUE (hawb, forwarder))",
        key=("forwarder", "hawb"),
    )

    loaded = target.rows([("H1", None, 1), ("H1", "X", 2)], columns=("hawb", "forwarder", "pieces"))

    assert counts(loaded) == (1, 0, 0, 0)
    assert loaded.rejects[0].message == "a part of the key is empty"


def test_keys_that_only_the_type_calls_equal_are_found(make_target: MakeTarget) -> None:
    """Of two rows whose keys the type calls equal the later one counts, the other is rejected."""
    target = make_target("CREATE TABLE tracking_data (hawb numeric PRIMARY KEY, status text)")
    columns = ("hawb", "status")
    target.rows([("1", "old")], columns=columns)

    loaded = target.rows([("1.0", "first"), ("1.00", "last")], columns=columns, at=hour(1))

    assert counts(loaded) == (0, 1, 0, 0)
    assert loaded.rejects[0][:2] == ("1:2", "1.0")
    assert target.all("status") == [("last",)]


def test_row_level_security_rejects_rows(make_target: MakeTarget) -> None:
    """A row that a policy of the table forbids is rejected; a missing GRANT still is a fault."""
    target = make_target()
    target.rows([("H0", "DEP", 1)])
    run = target.database.run
    run(f"CREATE ROLE loader LOGIN PASSWORD '{PASSWORD}'")
    try:
        run("GRANT USAGE, CREATE ON SCHEMA temp_processing TO loader")
        run("GRANT SELECT, INSERT, UPDATE ON tracking_data_loads TO loader")
        run("GRANT SELECT, INSERT ON tracking_data TO loader")
        run("ALTER TABLE tracking_data ENABLE ROW LEVEL SECURITY")
        run("CREATE POLICY small ON tracking_data TO loader USING (true) WITH CHECK (pieces < 9)")
        loader = make_target("", username="loader")
        item = make_load(target.folder, [("H1", "DEP", 1), ("H2", "DEP", 10)], at=hour(1))
        with pytest.raises(AccessDenied, match="permission denied"):
            loader.load(item)
        run("GRANT UPDATE ON tracking_data TO loader")

        loaded = loader.load(item)

        assert counts(loaded) == (1, 0, 0, 0)
        assert "row-level security" in loaded.rejects[0].message
        loader.close()
    finally:
        run("DROP OWNED BY loader; DROP ROLE loader")


def test_many_bad_rows_need_few_round_trips(make_target: MakeTarget) -> None:
    """The number of statements does not grow with the number of rejected rows."""
    target = make_target(
        "CREATE TABLE tracking_data"
        " (hawb text PRIMARY KEY, status text, pieces int CHECK (pieces > 0))"
    )
    target.rows([("H", "DEP", 1)])
    with target.connection.cursor() as cursor:
        cursor.execute("SET log_statement = 'all'")
        target.connection.commit()
    sent = []
    for bad in (1, 1000):
        before = _statements(target)
        rows = [(f"{bad}-{n}", "DEP", -1 if n < bad else 1) for n in range(1200)]
        loaded = target.rows(rows, at=hour(bad))
        sent.append(_statements(target) - before)
        assert counts(loaded) == (1200 - bad, 0, 0, 0)
        assert len(loaded.rejects) == bad

    assert sent[0] == sent[1]
    assert 10 < sent[0] < 60


def _statements(target: Target) -> int:
    """How many statements the load's session has sent: the server's log tells."""
    log = (target.database.folder / "log").read_text(encoding="utf-8", errors="replace")
    return log.count(f"[{target.connection.get_backend_pid()}] LOG:  statement")


def test_rejects_are_told_again_after_a_crash(make_target: MakeTarget) -> None:
    """Killed after COMMIT, the next run hears of the rejected rows from the ledger."""
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, pieces int CHECK (pieces > 0))"
    )
    item = make_load(target.folder, [("H1", 1), ("H2", -1)], columns=("hawb", "pieces"))
    first = target.load(item)

    again = target.load(item)

    assert again.already
    assert again.rejects == first.rejects
    assert len(again.rejects) == 1


def test_a_corrected_table_takes_the_same_file_again(make_target: MakeTarget) -> None:
    """A file with refused rows, sent again after the table was corrected, is no duplicate."""
    target = make_target(
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, pieces int CHECK (pieces > 0))"
    )
    rows, columns = [("H1", 1), ("H2", -1)], ("hawb", "pieces")
    target.rows(rows, columns=columns)
    target.database.run("ALTER TABLE tracking_data DROP CONSTRAINT tracking_data_pieces_check")

    assert counts(target.rows(rows, columns=columns, at=hour(1))) == (1, 0, 1, 0)


def test_lines_that_are_no_rows_are_the_items_fault(target: Target) -> None:
    """A damaged rows.tsv sets its item aside and changes nothing."""
    item = make_load(target.folder, [("H1", "DEP", 1)])
    item.rows.write_bytes(b"H1\tDEP\n")

    with pytest.raises(BadItem, match="PostgreSQL cannot take the rows"):
        target.load(item)

    assert target.all() == []
