"""As-of order with rows that were brought unchanged and so not written."""

from __future__ import annotations

import itertools
from typing import List

from tests.database.rows import Target, counts, hour

X, Y = [("H1", "x", 1)], [("H1", "y", 1)]
Z = [("Z", "z", 1)]


def keys_kept(target: Target) -> List[List[str]]:
    """The lists of confirmed keys in the ledger, oldest load first: H0 to H9, found by hash."""
    return [
        keys
        for (keys,) in target.database.run(
            "SELECT ARRAY(SELECT coalesce(k, '?') FROM unnest(keys_hashed) AS h LEFT JOIN"
            " (SELECT 'H' || n AS k FROM generate_series(0, 9) AS n) AS known"
            "  ON h = hashtextextended(k, 0) ORDER BY 1)"
            " FROM tracking_data_loads WHERE keys_hashed <> '{}' ORDER BY number"
        )
    ]


def as_older_versions(target: Target, *keys: str) -> None:
    """The ledger's lists as the keys themselves."""
    target.database.run(
        "UPDATE tracking_data_loads SET keys = %s, keys_hashed = NULL WHERE keys_hashed <> '{}'",
        list(keys),
    )


def test_a_late_file_does_not_undo_what_a_newer_one_confirmed(target: Target) -> None:
    """x at 1, x again at 3 and not written, y of 2 coming last: it stays x."""
    target.rows(X, at=hour(1))
    target.rows([*X, *Z], at=hour(3))

    assert counts(target.rows(Y, at=hour(2))) == (0, 0, 0, 1)
    assert target.all() == [*X, *Z]


def test_a_skipped_duplicate_confirms_too(target: Target) -> None:
    """The same file once more, skipped, still says that its rows hold as of its own time."""
    target.rows(X, at=hour(1))
    assert target.rows(X, at=hour(3)).duplicate_of

    assert counts(target.rows(Y, at=hour(2))) == (0, 0, 0, 1)
    assert target.all() == X


def test_what_was_confirmed_before_may_be_overwritten(target: Target) -> None:
    """A confirmation says nothing about later files."""
    target.rows(X, at=hour(1))
    target.rows([*X, *Z], at=hour(3))

    assert counts(target.rows(Y, at=hour(4))) == (0, 1, 0, 0)


def test_other_rows_of_a_late_file_still_load(target: Target) -> None:
    """Only the confirmed keys of a late file are stale."""
    target.rows([*X, ("H2", "x", 1)], at=hour(1))
    target.rows([*X, *Z], at=hour(3))

    loaded = target.rows([("H1", "y", 1), ("H2", "y", 1), ("H3", "y", 1)], at=hour(2))

    assert counts(loaded) == (1, 1, 0, 1)
    assert target.all("status") == [("x",), ("y",), ("y",), ("z",)]


def test_any_order_of_arrival_ends_the_same(target: Target) -> None:
    """The newest file that brings a key decides, however the four files come."""
    files = [
        [("A", "1", 0), ("B", "1", 0), ("C", "1", 0)],
        [("A", "2", 0), ("B", "1", 0)],
        [("A", "1", 0), ("C", "1", 0), ("D", "1", 0)],
        [("B", "1", 0), ("D", "1", 0)],
    ]
    for order in itertools.permutations(range(4)):
        for number in order:
            target.rows(files[number], at=hour(number))

        assert [status for (status,) in target.all("status")] == ["1"] * 4, order
        target.database.run("TRUNCATE tracking_data, tracking_data_loads")


def test_a_steady_set_of_keys_is_kept_once(target: Target) -> None:
    """Hourly files with the same keys move a time on instead of storing the keys again."""
    keys = [f"H{n}" for n in range(5)]
    for later in range(4):
        target.rows([(key, "x", later if key == "H0" else 0) for key in keys], at=hour(later))

    assert keys_kept(target) == [keys]
    late = target.rows([(key, "late", 0) for key in keys], at=hour(2.5))
    assert counts(late) == (0, 0, 0, 5)


def test_a_moving_set_of_keys_stays_about_one_entry_a_key(target: Target) -> None:
    """What a newer file of the same sender confirms goes out of its older list."""
    for later in range(4):
        target.rows([(f"H{n}", "x", 0) for n in range(later, later + 3)], at=hour(later))

    assert keys_kept(target) == [["H1"], ["H2"], ["H3", "H4", "H5"]]


def test_the_list_of_an_older_version_counts(target: Target) -> None:
    """It had the keys themselves: they guard their rows, and are thinned out like others."""
    target.rows(X, at=hour(1))
    target.rows([*X, *Z], at=hour(3))
    as_older_versions(target, "H1", "Z")

    assert counts(target.rows(Y, at=hour(2))) == (0, 0, 0, 1)
    target.rows([*X, ("H2", "x", 1)], at=hour(4))
    target.rows([*X, ("H3", "x", 1)], at=hour(5))
    assert keys_kept(target)[1:] == [["H2"], ["H1", "H3"]]
    assert counts(target.rows([("Z", "late", 1)], at=hour(2))) == (0, 0, 0, 1)


def test_a_thinned_list_is_not_taken_for_the_whole(target: Target) -> None:
    """Keys taken out of an older list are stored again when the old set of keys comes back."""
    for later, keys in enumerate(("abc", "abc", "bcd", "abc")):
        target.rows([(key, "x", later if key == "c" else 0) for key in keys], at=hour(later))

    assert counts(target.rows([("b", "late", 0)], at=hour(2.5))) == (0, 0, 0, 1)


def test_without_unchanged_rows_nothing_is_kept(target: Target) -> None:
    """Files of only new and changed rows leave no keys behind: their rows have the time."""
    target.rows(X, at=hour(1))
    target.rows(Y, at=hour(2))

    assert keys_kept(target) == []


def test_a_row_deleted_by_hand_comes_back(target: Target) -> None:
    """A confirmed key whose row is gone is new, whichever file brings it."""
    target.rows(X, at=hour(1))
    target.rows([*X, *Z], at=hour(3))
    target.database.run("DELETE FROM tracking_data WHERE hawb = 'H1'")

    assert counts(target.rows(Y, at=hour(2))) == (1, 0, 0, 0)
