"""The times that log lines carry, as integer nanoseconds.

Months without a year (RFC 3164, Snort) get the year that the user gave; else times count from the start of an assumed
leap year, so that 29 February has a place, and the clock is "no-year". A jump back by more than half a year is a New
Year and adds one. ISO 8601 and RFC 5424 times with a zone are the epoch's.
"""

from __future__ import annotations

import calendar
import re
from functools import lru_cache
from typing import Final

SECOND_NS: Final = 1_000_000_000
_DAY_S: Final = 86_400
_HALF_YEAR_S: Final = 183 * _DAY_S
_MOST_YEARS: Final = 100  # a log that jumps back more often is not in order at all
_LAST_YEAR: Final = 2261  # the last whole one in 64 bits of nanoseconds since the epoch

#: The year assumed when none is known; a leap year. Times are counted from its start, so it never shows.
ASSUMED_LEAP_YEAR: Final = 2000

_DAYS_BEFORE: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), start=1
    )
}  # fmt: skip

ISO_PATTERN: Final = (
    rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:\d*)\s?(Z|[+-]\d\d:?\d\d|[+-]\d\d)?(?!\d)"
)
ISO_TIME: Final = re.compile(ISO_PATTERN)


@lru_cache(maxsize=4096)
def fraction_ns(digits: bytes) -> int:
    """Return the nanoseconds that the digits after the decimal point stand for."""
    return int(digits[:9].ljust(9, b"0"))


@lru_cache(maxsize=64)
def _year_start_s(year: int) -> int:
    return calendar.timegm((year, 1, 1, 0, 0, 0))


def _second_of_year(year: int, month: int, day: int, second_of_day: int) -> int:
    leap = 1 if month > 2 and calendar.isleap(year) else 0
    return (_DAYS_BEFORE[month - 1] + leap + day - 1) * _DAY_S + second_of_day


def is_time(month: int, day: int, hour: int, minute: int, second: int) -> bool:
    """Tell whether the parts can be a time (60 is a leap second)."""
    return 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60


def is_year(year: int) -> bool:
    """Tell whether a year's times fit into 64 bits of nanoseconds since the epoch, with a century to spare."""
    return 1970 <= year <= 2150


class YearlessClock:
    """Turns month, day and time of day into nanoseconds that keep their order over a New Year."""

    def __init__(self, year: int | None) -> None:
        self._year = ASSUMED_LEAP_YEAR if year is None else year
        self._origin_s = _year_start_s(ASSUMED_LEAP_YEAR) if year is None else 0
        self._first_year = self._year
        self._last_year = min(self._year + _MOST_YEARS, _LAST_YEAR)
        self._last_s: int | None = None

    def ns(self, month: int, day: int, second_of_day: int, nanosecond: int) -> int:
        """Return the time since the epoch, or since the start of the assumed year."""
        seconds = self._seconds(self._year, month, day, second_of_day)
        if self._last_s is None:
            self._last_s = seconds
        elif seconds < self._last_s - _HALF_YEAR_S and self._year < self._last_year:
            self._year += 1
            seconds = self._seconds(self._year, month, day, second_of_day)
        elif seconds > self._last_s + _HALF_YEAR_S and self._year > self._first_year:
            # A late line of the year that just ended: the clock stays in the new one.
            return self._seconds(self._year - 1, month, day, second_of_day) * SECOND_NS + nanosecond
        self._last_s = seconds
        return seconds * SECOND_NS + nanosecond

    def _seconds(self, year: int, month: int, day: int, second_of_day: int) -> int:
        return _year_start_s(year) + _second_of_year(year, month, day, second_of_day) - self._origin_s


class FinerClock:
    """Puts the kernel's microseconds into the whole seconds of the system log.

    The phase of the two clocks is unknown at first and learnt: each time is kept inside the second that the log
    states, and the kernel's clock gives the distances. A kernel clock that runs backwards is a restart.
    """

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._kernel_ns = 0

    def ns(self, wall_ns: int, kernel_ns: int) -> int:
        """Return the time of a line whose log says ``wall_ns`` (whole seconds) and whose kernel ``kernel_ns``."""
        if self._offset_ns is None or kernel_ns < self._kernel_ns - SECOND_NS:
            self._offset_ns = wall_ns - kernel_ns
        ts_ns = min(max(kernel_ns + self._offset_ns, wall_ns), wall_ns + SECOND_NS - 1)
        self._offset_ns = ts_ns - kernel_ns
        self._kernel_ns = kernel_ns
        return ts_ns


#: Seconds since the epoch that a decimal number may tell: until 2242, so that nanoseconds fit 63 bits.
_MOST_S: Final = 1 << 33


@lru_cache(maxsize=4096)
def epoch_ns(text: bytes) -> int | None:
    """Return the nanoseconds of seconds since the epoch with a fraction, or of an ISO 8601 time; None if neither."""
    whole, _, fraction = text.partition(b".")
    if whole.isdigit() and len(whole) <= 10 and (not fraction or fraction.isdigit()):
        seconds = int(whole)
        return seconds * SECOND_NS + (fraction_ns(fraction[:9]) if fraction else 0) if seconds < _MOST_S else None
    iso = ISO_TIME.match(text)
    return None if iso is None else iso_ns(iso)


def dated_ns(year: int, month: int, day: int, second_of_day: int, nanosecond: int) -> int:
    """Return the nanoseconds since the epoch of a full date, read as UTC."""
    return (_year_start_s(year) + _second_of_year(year, month, day, second_of_day)) * SECOND_NS + nanosecond


@lru_cache(maxsize=4096)
def _zone_s(zone: bytes | None) -> int:
    if not zone or zone == b"Z":
        return 0
    digits = zone[1:].replace(b":", b"").ljust(4, b"0")
    offset = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -offset if zone[:1] == b"-" else offset


def iso_ns(match: re.Match[bytes]) -> int | None:
    """Return the nanoseconds since the epoch of an ISO_TIME match, None if it is no time; no zone means UTC."""
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    if not (is_time(month, day, hour, minute, second) and is_year(year)):
        return None
    nanosecond = fraction_ns(match[7]) if match[7] else 0
    return dated_ns(year, month, day, hour * 3600 + minute * 60 + second, nanosecond) - _zone_s(match[8]) * SECOND_NS
