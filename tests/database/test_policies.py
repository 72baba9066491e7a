"""Per-column policies: how a stored value and a newer one become one."""

from __future__ import annotations

from typing import Callable, Optional, Tuple

import pytest

from tests.database.rows import Target, counts, hour
from ttcli.errors import ConfigError
from ttcli.table import Policy

MakeTarget = Callable[..., Target]
ORDER = ("BKD", "DEP", "ARR", "DLV")


CASES: Tuple[Tuple[Policy, Optional[str], Optional[str], Optional[str]], ...] = (
    # policy, stored, brought, kept
    (Policy("overwrite"), "a", "b", "b"),
    (Policy("overwrite"), "a", None, None),
    (Policy("keep"), "a", "b", "b"),
    (Policy("keep"), "a", None, "a"),
    (Policy("fill"), None, "b", "b"),
    (Policy("fill"), "a", "b", "a"),
    (Policy("fill"), "a", None, "a"),
    (Policy("newest"), "b", "a", "b"),
    (Policy("newest"), "a", "b", "b"),
    (Policy("newest"), None, "a", "a"),
    (Policy("newest"), "a", None, "a"),
    (Policy("monotonic", ORDER), "DEP", "ARR", "ARR"),
    (Policy("monotonic", ORDER), "DLV", "DEP", "DLV"),
    (Policy("monotonic", ORDER), "DEP", "???", "DEP"),
    (Policy("monotonic", ORDER), "???", "BKD", "BKD"),
    (Policy("monotonic", ORDER), "???", "!!!", "!!!"),
    (Policy("monotonic", ORDER), "DEP", None, "DEP"),
)


def test_each_policy_keeps_what_it_promises(target: Target) -> None:
    """The stored value after a newer row, and the count that goes with it."""
    columns = ("hawb", "status")
    for number, (policy, stored, brought, kept) in enumerate(CASES):
        hawb = f"H{number:02}"
        target.rows([(hawb, stored)], columns=columns)

        loaded = target.rows(
            [(hawb, brought)], columns=columns, at=hour(1), policies={"status": policy}
        )

        assert target.all("hawb, status")[number] == (hawb, kept), CASES[number]
        assert counts(loaded) == ((0, 0, 1, 0) if kept == stored else (0, 1, 0, 0))
        assert loaded.refused == int(brought is not None and kept != brought)


def test_refused_changes_are_listed(target: Target) -> None:
    """Place, key, column, what is stored and what was refused; the row's other cells load."""
    target.rows([("H1", "DLV", 1), ("H2", "DEP", 2)])

    loaded = target.rows(
        [("H1", "DEP", 9), ("H2", "DLV", 3), ("H3", "DEP", 1)],
        at=hour(1),
        policies={"status": Policy("monotonic", ORDER), "pieces": Policy("fill")},
    )

    assert counts(loaded) == (1, 1, 1, 0)
    assert loaded.refused == 3
    assert sorted(loaded.refusals) == [
        ("1:2", "H1", "pieces", "1", "9"),
        ("1:2", "H1", "status", "DLV", "DEP"),
        ("1:3", "H2", "pieces", "2", "3"),
    ]
    assert target.all() == [("H1", "DLV", 1), ("H2", "DLV", 2), ("H3", "DEP", 1)]


def test_policies_hold_when_rows_are_refused(make_target: MakeTarget) -> None:
    """The careful way applies the same policies."""
    target = make_target(
        "CREATE TABLE tracking_data"
        " (hawb text PRIMARY KEY, status text, pieces int CHECK (pieces > 0))"
    )
    target.rows([("H1", "DLV", 1)])

    loaded = target.rows(
        [("H1", "DEP", 5), ("H2", "DEP", -1)],
        at=hour(1),
        policies={"status": Policy("monotonic", ORDER)},
    )

    assert counts(loaded) == (0, 1, 0, 0)
    assert (loaded.refused, len(loaded.rejects)) == (1, 1)
    assert target.all() == [("H1", "DLV", 5)]


def test_an_enum_follows_its_order(make_target: MakeTarget) -> None:
    """`monotonic` compares the labels of an enum column as texts."""
    target = make_target(
        "CREATE TYPE state AS ENUM ('DLV', 'DEP');"
        "CREATE TABLE tracking_data (hawb text PRIMARY KEY, status state)"
    )
    columns = ("hawb", "status")
    target.rows([("H1", "DLV")], columns=columns)

    target.rows(
        [("H1", "DEP")],
        columns=columns,
        at=hour(1),
        policies={"status": Policy("monotonic", ("DEP", "DLV"))},
    )

    assert target.all("status::text") == [("DLV",)]


@pytest.mark.parametrize("policy", [Policy("sometimes"), Policy("monotonic")])
def test_a_policy_that_means_nothing_is_a_configuration_error(
    target: Target, policy: Policy
) -> None:
    """An unknown word, or a monotonic column without its order, names the column."""
    with pytest.raises(ConfigError, match="Column status"):
        target.rows([("H1", "DEP", 1)], policies={"status": policy})
