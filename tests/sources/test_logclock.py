"""Times without a year, and two clocks in one line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.sources.logclock import ISO_TIME, SECOND_NS, FinerClock, YearlessClock, dated_ns, iso_ns

DAY_NS = 86_400 * SECOND_NS


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2150, 12, 31)))
def test_dates_are_those_of_the_standard_library(moment: datetime) -> None:
    second = moment.hour * 3600 + moment.minute * 60 + moment.second
    found = dated_ns(moment.year, moment.month, moment.day, second, 0)
    assert found == int(moment.replace(tzinfo=UTC, microsecond=0).timestamp()) * SECOND_NS


def test_a_year_turns_when_the_date_jumps_back_by_months() -> None:
    clock = YearlessClock(1999)
    times = [clock.ns(12, 31, 0, 0), clock.ns(1, 1, 0, 0), clock.ns(12, 31, 5, 0), clock.ns(1, 2, 0, 0)]
    start = dated_ns(1999, 12, 31, 0, 0)
    assert times == [start, start + DAY_NS, start + 5 * SECOND_NS, start + 2 * DAY_NS]


def test_a_small_step_back_is_no_new_year() -> None:
    clock = YearlessClock(2001)
    assert clock.ns(5, 2, 0, 0) - clock.ns(5, 1, 0, 0) == DAY_NS


def test_a_leap_day_has_a_place_when_the_year_is_unknown() -> None:
    clock = YearlessClock(None)
    assert [clock.ns(2, 29, 0, 0) // DAY_NS, clock.ns(3, 1, 0, 0) // DAY_NS] == [59, 60]


@pytest.mark.parametrize("year", [None, 2000, 2261])
def test_a_log_in_wild_disorder_stays_within_64_bits(year: int | None) -> None:
    clock = YearlessClock(year)
    times = [clock.ns(month, 1, 0, 0) for _ in range(5000) for month in (12, 1)]
    assert max(times) < 1 << 63


@pytest.mark.parametrize("text", [b"2015-13-07T05:09:30Z", b"0000-01-01T00:00:00Z", b"9999-01-01 25:00:00"])
def test_impossible_times_are_none(text: bytes) -> None:
    match = ISO_TIME.match(text)
    assert match is not None
    assert iso_ns(match) is None


@given(st.lists(st.integers(0, 3_000_000_000), min_size=1, max_size=30))
def test_the_finer_clock_never_leaves_the_second_of_the_log(gaps: list[int]) -> None:
    clock, kernel = FinerClock(), 5 * SECOND_NS
    for gap in gaps:
        kernel += gap
        wall = (kernel + 123_456_789) // SECOND_NS * SECOND_NS
        assert 0 <= clock.ns(wall, kernel) - wall < SECOND_NS


def test_a_restart_of_the_kernel_starts_the_finer_clock_anew() -> None:
    clock = FinerClock()
    assert clock.ns(10 * SECOND_NS, 5000 * SECOND_NS) == 10 * SECOND_NS
    assert clock.ns(20 * SECOND_NS, 3 * SECOND_NS) == 20 * SECOND_NS
