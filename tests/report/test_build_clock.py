from __future__ import annotations

import pytest

from craftmark.report.build import Clock
from craftmark.sources.logclock import YearlessClock


@pytest.mark.parametrize(
    ("month", "day", "text"), [(1, 1, "01/01"), (2, 29, "02/29"), (5, 20, "05/20"), (12, 31, "12/31")]
)
def test_a_day_without_a_year_is_told_as_the_log_wrote_it(month, day, text):
    ns = YearlessClock(None).ns(month, day, 17 * 3600 + 6 * 60 + 45, 61_034_000)
    assert Clock("no-year").text(ns) == f"{text}-17:06:45.061034"
    assert Clock("no-year").absolute(ns) is None


def test_an_epoch_clock_tells_its_time_as_a_number():
    assert Clock("epoch").absolute(5) == 5
    assert Clock("epoch").text(5) is None


def test_times_since_boot_are_seconds():
    assert Clock("since-boot").text(12_345_678_900) == "12.345678"
