"""Keys whose type calls different texts equal: one row each, in whatever order they come."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

from tests.database.rows import Target, counts, hour
from ttcli.table import Policy

MakeTarget = Callable[..., Target]
ROWS = "(hawb {} PRIMARY KEY, status text, pieces int, source_at timestamptz)"
LOOSE = (
    "CREATE COLLATION loose"
    " (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
    " CREATE TABLE tracking_data " + ROWS.format("text COLLATE loose")
)
AWAY = (
    "CREATE SCHEMA away; CREATE EXTENSION citext SCHEMA away; CREATE TABLE tracking_data "
    + ROWS.format("away.citext")
)
PADDED = "CREATE TABLE tracking_data " + ROWS.format("char(4)")
CASES = [(LOOSE, "h1", "H1"), (AWAY, "h1", "H1"), (PADDED, "h1", "h1 ")]


@pytest.fixture(params=CASES, ids=["collation", "citext elsewhere", "char(4)"])
def pair(request: Any, make_target: MakeTarget) -> List[Any]:
    """A target, and two texts that are one key to it."""
    ddl, one, other = request.param
    return [make_target(ddl), one, other]


def stored(target: Target) -> Any:
    """The rows without their keys."""
    return [row[1:] for row in target.all()]


def test_twins_in_a_file_are_one_row(pair: Any) -> None:
    """The later one counts, whether the row is new or stored; the other is rejected."""
    target, one, other = pair
    for later in (1, 2):
        loaded = target.rows([(one, "first", 1), (other, "last", later)], at=hour(later))

        assert [reject.origin for reject in loaded.rejects] == ["1:2"]
        assert sum(counts(loaded)) == 1
        assert stored(target) == [("last", later)]


def test_the_other_text_finds_the_stored_row(pair: Any) -> None:
    """It updates it, as the policies say, and an older one is stale."""
    target, one, other = pair
    target.rows([(one, "DEP", 1)], at=hour(1))

    policies = {"pieces": Policy("keep")}
    assert counts(target.rows([(other, "ARR", None)], at=hour(2), policies=policies)) == (
        0,
        1,
        0,
        0,
    )
    assert counts(target.rows([(one, "OLD", 9)], at=hour(0))) == (0, 0, 0, 1)
    assert stored(target) == [("ARR", 1)]


def test_a_confirmation_under_the_other_text_counts(pair: Any) -> None:
    """Brought unchanged at 3 o'clock under one text, it is not overwritten by 2 o'clock's."""
    target, one, other = pair
    target.rows([(one, "x", 1)], at=hour(1))
    target.rows([(other, "x", 1), ("z", "z", 1)], at=hour(3))

    assert counts(target.rows([(one, "late", 1)], at=hour(2))) == (0, 0, 0, 1)
