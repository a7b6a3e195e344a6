"""Numbers, times and lists as a reader says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.report.document import PacketRef

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: From this many seconds on a duration is told in the next unit, with the name of its own.
_UNITS = ((2 * 86_400, 86_400, "days"), (2 * 3600, 3600, "h"), (120, 60, "min"), (1, 1, "s"), (1e-3, 1e-3, "ms"))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return "1 probe", "3,072 probes"."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}"


def duration(ns: int) -> str:
    """Return a duration with about three figures, in the unit a reader would choose."""
    seconds = ns / _SECOND
    for least, unit, name in _UNITS:
        if seconds >= least:
            return f"{_figures(seconds / unit)} {name}"
    return f"{ns / 1000:.3g} us" if ns else "0 s"


def moment(ns: int) -> str:
    """Return a time of day and date, to the microsecond, in UTC."""
    when = _EPOCH + timedelta(microseconds=ns // 1000)
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year} {when:%H:%M:%S}.{when.microsecond:06d} UTC"


def power(log10: float) -> str:
    """Return a probability: a small one as a power of ten."""
    if log10 > -1:
        return f"{10 ** min(log10, 0):.2g}"
    return f"10^{log10:.0f}" if log10 <= -10 else f"10^{log10:.1f}"


def percent(weight: float) -> str:
    """Return a weight as percent, never 0 % for what has one, never 100 % for what is not certain."""
    if 0 < weight < 0.0001:
        return "< 0.01 %"
    if 0 < weight < 0.01:
        return f"{weight * 100:.1g} %"
    if 0.995 <= weight < 1:
        return "> 99 %"
    return f"{weight * 100:.0f} %"


def listed(words: Sequence[str], *, most: int = 0, last: str = "and") -> str:
    """Return "a, b and c"; beyond ``most`` words the rest is counted."""
    if most and len(words) > most + 1:
        words = [*words[:most], f"{len(words) - most:,} more"]
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def packet_refs(packets: Sequence[PacketRef], *, inputs: int) -> str:
    """Return packet numbers as Wireshark's frame.number, with the input before them where there are several."""
    return " ".join(f"{ref.input}#{ref.packet}" if inputs > 1 else f"#{ref.packet}" for ref in packets)


def _figures(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
