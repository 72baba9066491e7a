"""A database that is not in UTF-8 keeps what it can, and says what it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.database.rows import Target, counts, hour
from tests.fix_postgres import Database, Postgres


@pytest.fixture()
def latin(postgres: Postgres, tmp_path: Path) -> Iterator[Target]:
    """The seed's table in a database of western letters."""
    database = Database.__new__(Database)
    database.__dict__.update(postgres.__dict__, server=postgres, database="latin")
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    target = Target(database, tmp_path)
    yield target
    target.close()
    postgres.run("DROP DATABASE latin")


def test_only_the_row_with_such_a_letter_is_rejected(latin: Target) -> None:
    """The letter is named, also after a kill; the other rows load."""
    rows = [("H1", "Zürich", 1), ("H2", "北京", 2), ("H3", "x\ty\\", 3)]

    loaded = latin.rows(rows, at=hour(1))

    assert counts(loaded) == (2, 0, 0, 0)
    (reject,) = loaded.rejects
    assert reject[:2] == ("1:3", "H2")
    assert "cannot store the letter U+5317" in reject.message
    assert latin.all() == [rows[0], rows[2]]
    kept = latin.database.run("SELECT rejects->0->>1 FROM tracking_data_loads")
    assert kept == [("H2",)]


def test_words_about_a_load_keep_no_row_out(latin: Target) -> None:
    """Subject, sender and file name are stored with question marks for what is missing."""
    about = {"subject": "报告 Zürich", "sender": "王 <a@example.org>", "file_name": "报告.xlsx"}

    assert counts(latin.rows([("H1", "x", 1)], **about)) == (1, 0, 0, 0)
    assert counts(latin.rows([("H1", "x", 1), ("H2", "x", 1)], at=hour(1), **about)) == (1, 0, 1, 0)
    assert latin.all("file_source")[0] == ("??.xlsx",)
    assert latin.database.run("SELECT DISTINCT subject FROM tracking_data_loads") == [
        ("?? Zürich",)
    ]
