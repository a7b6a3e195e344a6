"""Populations: the packets of some strands that share one value of one field, where two senders made one strand.

Their evidence is folded anew from the rows that are known, so it is exact where all rows are, and of the sample where
they are not: its denominators then count the sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.fold import Evidence
from craftmark.evidence.gather import dossier_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints
    from craftmark.evidence.dossier import Dossier
    from craftmark.evidence.finished import Finished


@dataclass(frozen=True, slots=True)
class Population:
    """The packets whose word ``word`` (packets/fields.py) is ``value``."""

    word: int
    value: int

    def holds(self, words: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Tell of packets, by their rows, whether they belong to it."""
        held: NDArray[np.bool_] = words[:, self.word] == self.value
        return held


def dossier_of_population(finished: Finished, strands: Ints, population: Population) -> Dossier:
    """Return the evidence of one population of some strands."""
    known = finished.fair_rows(strands)
    evidence = Evidence(finished.evidence.relations)
    evidence.update(known.take(population.holds(known.words)))
    alone = evidence.finish()
    dossier = dossier_of(alone, np.arange(len(alone)))
    return dossier if finished.complete[strands].all() else replace(dossier, sampled=True)
