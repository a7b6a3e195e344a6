"""The times that packet printers write: of the day, with a date, or since the epoch.

``TIME`` is the pattern, with named parts; a time of the day that jumps back by more than half a day is a midnight. The
first time decides which clock an input has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.sources.logclock import SECOND_NS, dated_ns, fraction_ns, is_time, is_year

if TYPE_CHECKING:
    import re

TIME: Final = (
    rb"(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) )? ?"
    rb"(?:(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)|(?P<epoch>[1-6]?\d{9}))(?:\.(?P<fraction>\d{1,9}))?"
)
_DAY_NS: Final = 86_400 * SECOND_NS


class PrintedTime:
    """Reads the times of one input; ``clock`` is "" until the first."""

    def __init__(self) -> None:
        self.clock = ""
        self._last_ns = 0
        self._days = 0
        self._other = 0
        self._dated = False

    def ns(self, found: re.Match[bytes]) -> tuple[int, bool]:
        """Return the time in a match of ``TIME``, and whether there is one of the input's clock."""
        clock, ts_ns = self._read(found)
        self.clock = self.clock or clock
        if not clock or clock != self.clock:
            self._other += 1
            return self._last_ns, False
        if clock == "time-of-day":
            ts_ns += self._days * _DAY_NS
            if ts_ns < self._last_ns - _DAY_NS // 2:
                self._days += 1
                ts_ns += _DAY_NS
        self._last_ns = ts_ns
        return ts_ns, True

    def _read(self, found: re.Match[bytes]) -> tuple[str, int]:
        parts = found.groupdict()
        ns = fraction_ns(parts["fraction"]) if parts.get("fraction") else 0
        if parts.get("epoch"):
            return "epoch", int(parts["epoch"]) * SECOND_NS + ns
        if not parts.get("hour"):
            return "", 0
        hour, minute, second = (int(parts[name]) for name in ("hour", "minute", "second"))
        of_day = hour * 3600 + minute * 60 + second
        if not parts.get("year"):
            return ("time-of-day", of_day * SECOND_NS + ns) if is_time(1, 1, hour, minute, second) else ("", 0)
        year, month, day = (int(parts[name]) for name in ("year", "month", "day"))
        if not (is_time(month, day, hour, minute, second) and is_year(year)):
            return "", 0
        self._dated = True
        return "epoch", dated_ns(year, month, day, of_day, ns)

    def notes(self) -> list[str]:
        """Return what a reader of the times should know."""
        notes = []
        if self._dated:
            notes.append("times have no zone and are read as UTC")
        if self._other:
            notes.append(f"{self._other} packets have no time, or one of another clock than the first packet")
        return notes
