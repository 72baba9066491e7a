"""Serials become dates at the server, by the same rounding as in the workbook's room."""

from __future__ import annotations

import random
from typing import Any, Callable

import pytest

from tests.database.rows import Target, counts, hour
from ttcli.database import staging
from ttcli.rows.columns.serials import from_serial, to_serial
from ttcli.table import Policy

MakeTarget = Callable[..., Target]
COLUMNS = ("hawb", "eta", "day", "status")
SERIALS = {"eta": "timestamp", "day": "date"}
TABLE = """CREATE TABLE tracking_data (
    hawb text PRIMARY KEY, eta timestamp, day date, status varchar(5), source_at timestamptz)"""
EXTREMES = [
    *("1", "60", "61", "45974", "45974.5", "45973.999999999999", "45974.000000000001", "-693594"),
    *("99999.99999999999", "10000", "2958465", "4.5974E4"),
    *("45974.25000578", "45974.250005787", "45974.2500057871", to_serial(b"0001-01-01").decode()),
    *map(bytes.decode, map(to_serial, (b"9999-12-31 23:59:59.999", b"2173-10-14 13:37:00.001"))),
]


@pytest.fixture(params=["large", "small"])
def dated(request: Any, make_target: MakeTarget, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A target with dates, loaded through either kind of staging table."""
    if request.param == "large":
        monkeypatch.setattr(staging, "_SMALL", 0)
    return make_target(TABLE)


def some_serials() -> Any:
    """Moments of every resolution, odd ones by name."""
    chance = random.Random(7)
    seconds = [repr(40_000 + chance.randrange(86400 * 9000) / 86400) for _ in range(1000)]
    thousandths = [repr(chance.randrange(86_400_000 * 99_999) / 86_400_000) for _ in range(1000)]
    doubles = [repr(chance.uniform(-600_000, 2_900_000)) for _ in range(1000)]
    return [*EXTREMES, *seconds, *thousandths, *doubles]


def test_every_serial_is_the_moment_its_text_would_be(dated: Target) -> None:
    """To the millisecond, for both types."""
    rows = [(f"H{n:05}", value, value, None) for n, value in enumerate(some_serials())]

    loaded = dated.rows(rows, columns=COLUMNS, serials=SERIALS)

    assert counts(loaded) == (len(rows), 0, 0, 0)
    found = dated.all("hawb, eta::text, day::text")
    wrong = [
        (value, eta, day)
        for (_, value, _, _), (_, eta, day) in zip(rows, found)
        if "BC" not in eta and not same(value, eta, day)
    ]
    assert wrong == []


def same(serial: str, eta: str, day: str) -> bool:
    """Whether the server's texts are ours; it leaves out zeros behind the point."""
    ours = from_serial(serial, "timestamp")
    return (ours.rstrip("0") if "." in ours else ours, from_serial(serial, "date")) == (eta, day)


def test_texts_and_serials_of_one_moment_are_equal_rows(dated: Target) -> None:
    """A reload in the other form writes nothing."""
    dated.rows([("H1", "2025-11-13 14:05:10", "2025-11-13", "DEP")], columns=COLUMNS)

    row = ("H1", "45974.586921296", "45974.9", "DEP")
    loaded = dated.rows([row], columns=COLUMNS, serials=SERIALS, at=hour(1))

    assert counts(loaded) == (0, 0, 1, 0)


def test_a_refused_row_is_left_out_and_the_serials_of_the_others_load(dated: Target) -> None:
    """The careful way reads serials too, and names the column of one that is none."""
    rows = [
        ("H1", "45974.5", "45974", "DEP"),
        ("H2", "45974", "45974", "too long"),
        ("H3", "soon", None, None),
    ]

    loaded = dated.rows(rows, columns=COLUMNS, serials=SERIALS)

    assert dated.all("hawb, eta::text, day::text") == [("H1", "2025-11-13 12:00:00", "2025-11-13")]
    assert [(reject.key, reject.message.split(":")[0]) for reject in loaded.rejects] == [
        ("H2", "status"),
        ("H3", "eta"),
    ]


def test_policies_compare_dates_and_blanks_stay_blank(dated: Target) -> None:
    """The statements see a date like any other."""
    dated.rows([("H1", "45974.5", "45974", None)], columns=COLUMNS, serials=SERIALS)

    dated.rows(
        [("H1", "45970", None, None)],
        columns=COLUMNS,
        serials=SERIALS,
        at=hour(1),
        policies={"eta": Policy("newest")},
    )

    assert dated.all("eta::text, day::text") == [("2025-11-13 12:00:00", None)]


def test_the_targets_own_precision_holds(make_target: MakeTarget) -> None:
    """timestamp(0) rounds as it does with a text."""
    target = make_target(TABLE.replace("eta timestamp", "eta timestamp(0)"))
    half = to_serial(b"2025-11-13 14:05:10.500").decode()

    target.rows([("H1", half, None, None)], columns=COLUMNS, serials=SERIALS)
    target.rows([("H2", "2025-11-13 14:05:10.500", None, None)], columns=COLUMNS)

    assert [row[1] for row in target.all("hawb, eta::text")] == ["2025-11-13 14:05:11"] * 2
