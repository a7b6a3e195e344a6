"""All families in the order in which a reader wants their marks.

A new family is a module of this folder with ``infer(dossier) -> list[Toolmark]`` and one line in FAMILIES; families
that look for relations nobody named stand beside ``pairs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.marks import constants, counters, options, order, pairs, relations, repeats, timing, ttl, widths

if TYPE_CHECKING:
    from collections.abc import Callable

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark

FAMILIES: Final[tuple[Callable[[Dossier], list[Toolmark]], ...]] = (
    constants.infer,
    ttl.infer,
    options.infer,
    relations.infer,
    pairs.infer,
    counters.infer,
    widths.infer,
    order.infer,
    repeats.infer,
    timing.infer,
)


def infer(dossier: Dossier) -> tuple[Toolmark, ...]:
    """Return the toolmarks of one dossier; pure, the same for the same evidence."""
    return tuple(mark for family in FAMILIES for mark in family(dossier))
