"""Others at work in the same table and ledger at the same moment."""

from __future__ import annotations

import threading
from typing import Any, Callable, List

import pytest

from tests.database.rows import Target, counts, hour, make_load
from ttcli.database.upsert import Upsert
from ttcli.table import Policy

MakeTarget = Callable[..., Target]


def test_a_row_that_another_writer_adds_meanwhile_is_merged(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and our INSERT: policies and rejected cells hold for it all the same."""
    original = Upsert.insert

    def insert(upsert: Upsert, *arguments: Any, **named: Any) -> Any:
        target.database.run(
            "INSERT INTO tracking_data (hawb, status, pieces)"
            " VALUES ('H1', 'theirs', 7), ('H2', 'DLV', 7) ON CONFLICT DO NOTHING"
        )
        return original(upsert, *arguments, **named)

    monkeypatch.setattr(Upsert, "insert", insert)
    policies = {"pieces": Policy("keep"), "status": Policy("monotonic", ("DEP", "DLV"))}

    target.rows([("H1", None, None), ("H2", "DEP", 8)], untouched={0: "2"}, policies=policies)

    assert target.all() == [("H1", "theirs", 7), ("H2", "DLV", 8)]


def test_several_hosts_complete_an_older_ledger_at_once(
    make_target: MakeTarget, target: Target
) -> None:
    """Each finds columns missing; one adds them, none fails, and the index comes with them."""
    target.rows([("H", "DEP", 1)])
    target.database.run(
        "ALTER TABLE tracking_data_loads DROP COLUMN keys_until, DROP COLUMN rejects"
    )
    hosts = [make_target("") for _ in range(8)]
    found: List[Any] = []
    threads = [
        threading.Thread(target=_load_one, args=(host, number, found))
        for number, host in enumerate(hosts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [(1, 0, 0, 0)] * len(hosts)
    assert target.database.run("SELECT to_regclass('tracking_data_loads_keys') IS NOT NULL") == [
        (True,)
    ]


def _load_one(host: Target, number: int, found: List[Any]) -> None:
    try:
        found.append(counts(host.rows([(f"H{number}", "DEP", 1)], at=hour(number))))
    except Exception as error:
        found.append(error)


def test_tables_of_long_names_have_ledgers_of_their_own(make_target: MakeTarget) -> None:
    """Two names that begin alike for 55 bytes: what one has loaded the other has not."""
    names = ["t" * 55 + end for end in ("one", "two")]
    ddl = ";".join(f'CREATE TABLE "{n}" (hawb text PRIMARY KEY, pieces int)' for n in names)
    one, two = (make_target(part, target=(name,)) for part, name in zip((ddl, ""), names))
    item = make_load(one.folder, [("H1", 1)], columns=("hawb", "pieces"))

    assert not one.load(item).already
    assert not two.load(item).already
    assert one.load(item).already
