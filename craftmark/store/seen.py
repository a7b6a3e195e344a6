"""Have I seen this before, when, from whom: the findings of a report beside all that were kept, by markprint.

Equality is that of markprints: structures that nothing contradicts, over enough fields that both show. There are few
different structures, so those are compared first, and only what passes is compared whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from craftmark.assess.likeness import COMPARED, Likeness, compare
from craftmark.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from craftmark.report.document import Report, Scan
    from craftmark.store.cases import Sighting

#: Sightings told of one scan, the most alike first.
MOST: Final = 50


class Seen(NamedTuple):
    """One scan of a report, and one that was kept before and has the same structure."""

    scan: Scan
    sighting: Sighting
    likeness: Likeness


def seen_before(report: Report, sightings: Sequence[Sighting]) -> list[Seen]:
    """Return what was kept of the same structure, scan by scan; of each the most alike first, then the oldest."""
    found = []
    for scan in (*report.scans, *report.floods):
        alike = sorted(_alike(scan, sightings), key=lambda one: -one.likeness.bits)
        found += alike[:MOST]
    return found


def _alike(scan: Scan, sightings: Iterable[Sighting]) -> Iterator[Seen]:
    known: dict[str, bool] = {}
    for sighting in sightings:
        if sighting.structure not in known:
            known[sighting.structure] = _compared(scan, sighting) is not None
        if known[sighting.structure] and (likeness := _compared(scan, sighting)) is not None:
            yield Seen(scan, sighting, likeness)


def _compared(scan: Scan, sighting: Sighting) -> Likeness | None:
    """Return how alike they are, None where their structures differ, or are of a version that is not read."""
    try:
        likeness = compare(scan.markprint, sighting)
    except ReportError:
        return None
    return likeness if likeness.same_structure and likeness.compared >= COMPARED else None
