"""The time at the start of a line of a system log, in the forms that syslog daemons, journald and dmesg write.

RFC 3164 (``Mar 15 20:57:02``, no year), ISO 8601 and RFC 5424, journald's unix, full and JSON forms, ``dmesg -T``, and
the kernel's ``[12345.678901]``. The first packet decides which clock an input has; times of another clock are not used.
"""

from __future__ import annotations

import re

from craftmark.sources.logclock import (
    ISO_PATTERN,
    MONTHS,
    SECOND_NS,
    FinerClock,
    YearlessClock,
    dated_ns,
    fraction_ns,
    is_time,
    is_year,
    iso_ns,
)

_MONTH = rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_RFC_3164 = re.compile(
    rb"(?:<\d{1,3}>)?\s*" + _MONTH + rb" +(\d{1,2})(?:,? (\d{4}))?,? (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    rb"(?: (\d{4})(?= ))?"
)
_ISO = re.compile(rb"(?:<\d{1,3}>\d? ?)?(?:[A-Z][a-z]{2} )?" + ISO_PATTERN)
_DMESG = re.compile(rb"\s*\[[A-Z][a-z]{2} " + _MONTH + rb" +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\]")
_UNIX = re.compile(rb"([1-6]?\d{9})\.(\d{3,9}) ")
_JOURNAL = re.compile(rb'"__REALTIME_TIMESTAMP" ?: ?"([1-6]?\d{9})(\d{6})"')
_KERNEL = re.compile(rb"\[ {0,12}(\d{1,9})\.(\d{3,9})\]")


class LogTime:
    """Reads the times of one input's lines; ``clock`` is "" until the first."""

    def __init__(self, year: int | None) -> None:
        self.clock = ""
        self._year = year
        self._years = YearlessClock(year)
        self._finer = FinerClock()
        self._last_ns = 0
        self._other = 0
        self._zoneless = False
        self._kernel_used = False
        # The last RFC 3164 time and what it says: many lines share a second.
        self._same_second = b"\n"
        self._same = ("", 0, False)

    def ns(self, prefix: bytes) -> tuple[int, bool]:
        """Return the time of a line from what stands before its packet, and whether the line told it."""
        clock, ts_ns, is_whole_second = self._wall(prefix)
        kernel = _KERNEL.search(prefix)
        if kernel is not None:
            kernel_ns = int(kernel[1]) * SECOND_NS + fraction_ns(kernel[2])
            if clock == "":
                clock, ts_ns = "since-boot", kernel_ns
            elif is_whole_second:
                ts_ns = self._finer.ns(ts_ns, kernel_ns)
                self._kernel_used = True
        self.clock = self.clock or clock
        if clock != self.clock or clock == "":
            self._other += 1
            return self._last_ns, False
        self._last_ns = ts_ns
        return ts_ns, True

    def peek(self, line: bytes) -> tuple[int, bool]:
        """Return the time that a line begins with, if any, and whether it does; one without is no matter."""
        clock, _, _ = self._wall(line)
        return self.ns(line) if clock and clock == (self.clock or clock) else (self._last_ns, False)

    def notes(self) -> list[str]:
        """Return what a reader of the times should know."""
        notes = []
        if self._kernel_used:
            notes.append("within a second, times follow the kernel's clock in the line")
        if self._zoneless:
            notes.append("times without a zone are read as UTC")
        if self._other:
            notes.append(f"{self._other} packets have no time, or one of another clock than the first packet")
        return notes

    def _wall(self, prefix: bytes) -> tuple[str, int, bool]:
        """Return clock, time and whether it is cut to whole seconds; an empty clock if there is none."""
        if prefix.startswith(self._same_second):
            return self._same
        short = _RFC_3164.match(prefix)
        if short is not None:
            told = self._short(short)
            self._same_second, self._same = short[0] + b" ", told
            return told
        iso = _ISO.match(prefix)
        if iso is not None:
            ts_ns = iso_ns(iso)
            self._zoneless |= iso[8] is None
            return ("", 0, False) if ts_ns is None else ("epoch", ts_ns, iso[7] is None)
        unix = _UNIX.match(prefix)
        if unix is not None:
            return "epoch", int(unix[1]) * SECOND_NS + fraction_ns(unix[2]), False
        journal = _JOURNAL.search(prefix) if prefix[:1] == b"{" else None
        if journal is not None:
            return "epoch", int(journal[1]) * SECOND_NS + fraction_ns(journal[2]), False
        dmesg = _DMESG.match(prefix)
        if dmesg is not None:
            return self._dated(dmesg, int(dmesg[6]), (3, 4, 5))
        return "", 0, False

    def _short(self, match: re.Match[bytes]) -> tuple[str, int, bool]:
        year = match[3] or match[8]
        if year is not None:
            return self._dated(match, int(year), (4, 5, 6))
        month, day = MONTHS[match[1]], int(match[2])
        hour, minute, second = int(match[4]), int(match[5]), int(match[6])
        if not is_time(month, day, hour, minute, second):
            return "", 0, False
        nanosecond = fraction_ns(match[7]) if match[7] else 0
        ts_ns = self._years.ns(month, day, hour * 3600 + minute * 60 + second, nanosecond)
        self._zoneless |= self._year is not None
        return ("no-year" if self._year is None else "epoch"), ts_ns, match[7] is None

    def _dated(self, match: re.Match[bytes], year: int, groups: tuple[int, int, int]) -> tuple[str, int, bool]:
        month, day = MONTHS[match[1]], int(match[2])
        hour, minute, second = (int(match[group]) for group in groups)
        if not (is_time(month, day, hour, minute, second) and is_year(year)):
            return "", 0, False
        self._zoneless = True
        return "epoch", dated_ns(year, month, day, hour * 3600 + minute * 60 + second, 0), True
