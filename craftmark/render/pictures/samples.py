"""Rows of a report's samples as charts want them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from craftmark.packets.batch import address_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Scan
    from craftmark.report.drawn import Sample

_SECOND = 1e9
_SOURCES_APART = 5


def column(sample: Sample, name: str) -> tuple[int | None, ...] | None:
    """Return the values of a field, None where it does not vary or was not seen."""
    return next((one.values for one in sample.columns if one.field == name), None)


def moments(sample: Sample) -> tuple[float, ...]:
    """Return the seconds since the scan's first probe, or the rows' numbers where no time is told."""
    if sample.offset_ns:
        return tuple(ns / _SECOND for ns in sample.offset_ns)
    return tuple(float(number) for number in range(1, sample.rows + 1))


def time_title(sample: Sample) -> str:
    """Return what the axis of ``moments`` is called."""
    return "seconds since the first probe" if sample.offset_ns else "probe, in order"


def drawn_note(scan: Scan, sample: Sample) -> str:
    """Return how many probes are drawn, of how many."""
    return f"{sample.rows:,} of {scan.probes:,} probes" if not sample.complete else f"all {sample.rows:,} probes"


def source_names(sample: Sample) -> tuple[str, ...]:
    """Return per row the source's address, "others" beyond the few that can be told apart by colour."""
    sources = column(sample, "ip_src")
    if sources is None:
        return ("",) * sample.rows
    known = [one for one in sources if one is not None]
    often = sorted(set(known), key=lambda one: (-known.count(one), one))[:_SOURCES_APART]
    names = {one: address_text(4, one, (0, 0, 0)) for one in often}
    return tuple(names.get(one, "others") if one is not None else "unseen" for one in sources)


def pairs(sample: Sample, name: str) -> Iterator[tuple[int, int]]:
    """Yield the values of a field in neighbouring rows."""
    values = column(sample, name) or ()
    for earlier, later in pairwise(values):
        if earlier is not None and later is not None:
            yield earlier, later
