"""Expected reports: how they are written, when one is missing, how many rows are odd."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import List

import pytest

from ttcli.errors import ConfigError
from ttcli.rows import expect
from ttcli.rows.mapping_file import load_mapping

# The zone's own clock is told by zoneinfo, which Python 3.8 does not have.
needs_zones = pytest.mark.skipif(sys.version_info < (3, 9), reason="no zoneinfo")


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026, whose 2nd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("written", "days", "times"),
    [
        ("daily by 18:00", 7, ["18:00"]),
        ("Weekdays by 14:00, 8:05", 5, ["08:05", "14:00"]),
        ("mon, Thursday by 9:30", 2, ["09:30"]),
    ],
)
def test_schedules_are_read(written: str, days: int, times: List[str]) -> None:
    """Days in any case, short or long; times in order."""
    schedule = expect.read_schedule(written)
    assert (len(schedule.days), [f"{at:%H:%M}" for at in schedule.times]) == (days, times)


def test_every_mistake_is_named_at_once() -> None:
    """Each with its place, and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        load_mapping(
            """
            [[sender]]
            match = "@a.example"
            expect = "weekly by 18:00"
            expect_rows = "80%"
            expect_zone = "Asia/Nowhere!"
            [[sender]]
            match = "@b.example"
            expect = "daily by 25:00"
            expect_rows = 3
            expct = "daily by 18:00"
            [[sender]]
            match = "@c.example"
            expect = "daily 18:00"
            [[sender]]
            match = "@d.example"
            expect_zone = "UTC"
            """
        )
    # once each: without zoneinfo, in Python 3.8, a zone has a second mistake
    places = list(dict.fromkeys(mistake.split(":")[0] for mistake in caught.value.mistakes))
    assert places == [
        *("sender 1.expect", "sender 1.expect_rows", "sender 1.expect_zone"),
        *("sender 2.expect", "sender 2.expect_rows", "sender 2.expct"),
        *("sender 3.expect", "sender 4.expect_zone"),
    ]
    assert "did you mean expect?" in str(caught.value)


def missing(schedule: str, arrived: List[datetime], now: datetime) -> bool:
    """Whether a report is missing, by UTC."""
    *passed, _ = expect.deadlines(expect.read_schedule(schedule), timezone.utc, now)
    return expect.is_missing(passed, arrived, now)


@pytest.mark.parametrize(
    ("arrived", "now", "expected"),
    [
        ([utc(9, 14), utc(10, 14)], utc(10, 19), False),
        ([utc(9, 14), utc(10, 14)], utc(11, 12), False),  # not due yet
        ([utc(9, 14), utc(10, 14)], utc(11, 18, 1), True),
        ([utc(9, 14), utc(10, 14), utc(11, 18, 30)], utc(11, 19), False),  # late, but there
        ([utc(9, 14), utc(10, 18, 30)], utc(11, 19), True),  # the 10th's, late
        ([utc(8, 14), utc(10, 14)], utc(10, 19), False),  # the 9th's never came; this is the 10th's
        ([utc(9, 23, 50)], utc(10, 19), False),  # the evening before, and a first one
        ([], utc(10, 19), True),
    ],
)
def test_a_missing_daily_report_is_known(
    arrived: List[datetime], now: datetime, expected: bool
) -> None:
    """One that came late for the day before is not today's."""
    assert missing("daily by 18:00", arrived, now) == expected


def test_two_reports_a_day_are_two() -> None:
    """The morning's is not the afternoon's, and nobody works on Saturday."""
    schedule = "weekdays by 8:00, 14:00"
    friday = [utc(5, 13), utc(6, 7), utc(6, 13)]
    assert not missing(schedule, friday, utc(8, 20))
    assert not missing(schedule, [*friday, utc(9, 7)], utc(9, 13))
    assert missing(schedule, [*friday, utc(9, 7)], utc(9, 14, 1))


@needs_zones
def test_the_clock_is_the_sender_s() -> None:
    """18:00 in Ho Chi Minh City is 11:00 UTC; in Berlin summer time moves it."""
    daily = expect.read_schedule("daily by 18:00")
    due = expect.deadlines(daily, expect.zone_of("Asia/Ho_Chi_Minh"), utc(10, 12))
    assert due[-2:] == [utc(10, 11), utc(11, 11)]
    october = datetime(2026, 10, 25, 20, tzinfo=timezone.utc)
    berlin = expect.deadlines(daily, expect.zone_of("Europe/Berlin"), october)
    assert berlin[-2] - berlin[-3] == timedelta(hours=25)


def test_odd_is_far_from_usual() -> None:
    """The bounds themselves are not odd; fewer than three earlier reports say nothing."""
    rows = expect.read_rows("−80 %…+300 %")
    assert rows == expect.read_rows("-80%..+300%")._replace(text=rows.text)
    usually = expect.usual([100, 90, 5000])
    assert usually == 100
    assert [n for n in (0, 19, 20, 400, 401) if expect.is_odd(rows, n, usually)] == [0, 19, 401]
    assert expect.usual([100, 90]) is None
