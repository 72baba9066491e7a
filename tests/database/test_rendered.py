"""The remembered texts of statements are those that would be put together anew."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest

from tests.database.rows import Target, counts, hour, make_load
from ttcli.database import merge, staging
from ttcli.database.given import Given
from ttcli.database.rendered import rendered
from ttcli.database.target import read_table
from ttcli.table import Policy

ODD = """
CREATE TABLE tracking_data (
    hawb text PRIMARY KEY, "a{b}%s" text, "c""d" int, file_source text, source_at timestamptz)
"""
COLUMNS = ("hawb", "a{b}%s", 'c"d')
STATEMENTS: Dict[str, List[Any]] = {
    "census": [()],
    "update": [()],
    "insert": [(False,), (True,)],
}


def test_each_text_is_that_of_its_load(make_target: Callable[..., Target]) -> None:
    """For other times, file names, untouched cells and policies, and names that need quoting."""
    target = make_target(ODD)
    target.rows([], columns=COLUMNS)  # which makes the ledger and the schema
    table = read_table(target.connection, target.settings)
    texts = set()
    for number in range(12):
        left = {0: "2"} if number % 2 else {}
        policies = {"a{b}%s": Policy("keep")} if number % 3 else {}
        rows = [("H1", "x{}%s", number)]
        load = make_load(target.folder, rows, COLUMNS, hour(number), left, file_name=f"'{number}")
        given = Given(target.settings, table, load, policies)
        stage = staging.kept(target.connection, given)
        assert stage is not None
        with target.connection.cursor() as cursor:
            staging.copy(cursor, stage, load)
            upsert = merge.upsert_of(cursor, given, stage)
            for kind, all_options in STATEMENTS.items():
                for options in all_options:
                    anew = getattr(upsert, kind)(*options).as_string(cursor)
                    assert rendered(cursor, upsert, kind, *options) == anew
                    texts.add(anew)
        target.connection.rollback()

    assert len(texts) == 12 * 4
    assert len(target.connection.texts) == 4 * 4  # of untouched or not, policies or not


def test_a_table_made_for_one_load_is_not_remembered(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name never comes again; the session would grow with every large file."""
    monkeypatch.setattr(staging, "_SMALL", 0)

    assert counts(target.rows([("H1", "x", 1)])) == (1, 0, 0, 0)
    assert target.connection.texts == {}


def test_what_is_remembered_loads_right(target: Target) -> None:
    """Each item's rows have the name and the time of their own file."""
    for number in range(3):
        target.rows([(f"H{number}", "x", 0), ("H9", "x", number)], at=hour(number))

    found = target.all("hawb, source_at, file_source")
    assert [at for _, at, _ in found] == [hour(0), hour(1), hour(2), hour(2)]
    assert len({name for _, _, name in found}) == 3
    assert found[2][2] == found[3][2]
