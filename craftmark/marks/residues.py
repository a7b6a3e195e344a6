"""Targets shared out among sources: the target modulo some number is one value per source.

One process that sends from n addresses often takes the address by the target's remainder modulo n (ZMap does, version
3 and later: zmap/zmap src/send.c get_src_ip). Each source then sees one remainder, in one byte order.
"""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import STATED_AT
from craftmark.marks.sequences import column, followed, groups, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier

#: Sources that may share the targets, and moduli tried from their number on: some sources may not have been seen.
_MOST_SOURCES: Final = 256
_MODULI: Final = 48
#: Share of the largest source's targets from which a source is one of those that share.
_SOME: Final = 0.4
#: Pairs of source and target that are looked at first.
_GLIMPSE: Final = 64
#: Share of the pairs of source and target that must fit, and of the first ones looked at.
_NEARLY_ALL: Final = 0.9
_MOST: Final = 0.8
_WAYS: Final = 2


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return at most one mark: the smallest modulus that tells the sources apart."""
    packets = followed(dossier.sample)
    if not 2 <= dossier.sources_total <= _MOST_SOURCES or dossier.ip_version != 4 or len(packets) < 4:
        return []
    source = groups(packets, "source")
    pairs = np.unique(np.stack([source, column(packets, "ip_dst")]), axis=1)
    orders = (("ip_dst", pairs[1]), ("swap32(ip_dst)", pairs[1].astype(np.uint32).byteswap().astype(np.int64)))
    counts = np.bincount(pairs[0])
    sources = int((counts >= _SOME * counts.max()).sum())
    few = np.linspace(0, pairs.shape[1] - 1, _GLIMPSE).astype(np.intp)
    for modulus in range(sources, sources + _MODULI) if sources > 1 else ():
        for text, targets in orders:
            residue = targets % modulus
            if _kept(pairs[0][few], residue[few], modulus).sum() < _MOST * _GLIMPSE:
                continue
            held, chance = _fit(pairs[0], residue, modulus)
            if held >= _NEARLY_ALL * len(targets) and chance <= STATED_AT:
                return [_mark(dossier, text, modulus, (held, len(targets)), chance, shown(packets))]
    return []


def _kept(source: NDArray[np.int64], residue: NDArray[np.int64], modulus: int) -> NDArray[np.int64]:
    """Return how many targets each remainder's own source has: of the sources that mostly have it, the largest."""
    table = np.zeros((int(source.max()) + 1, modulus), np.int64)
    np.add.at(table, (source, residue), 1)
    commonest = table.argmax(axis=1)
    most = table.max(axis=1)
    best = np.zeros(modulus, np.int64)
    np.maximum.at(best, commonest, most)
    return best[best > 0]


def _fit(source: NDArray[np.int64], residue: NDArray[np.int64], modulus: int) -> tuple[int, float]:
    """Return how many pairs have their source's commonest remainder, and the chance that random targets would."""
    most = _kept(source, residue, modulus)
    held = int(most.sum())
    free = held - len(most)
    missed = len(source) - held
    chance = -free * log10(modulus) + missed * log10(modulus * len(source)) if missed else -free * log10(modulus)
    return held, min(0.0, chance + log10(_WAYS * _MODULI))


def _mark(
    dossier: Dossier, text: str, modulus: int, counts: tuple[int, int], chance: float, packets: tuple[int, ...]
) -> Toolmark:
    return Toolmark(
        kind="relation",
        statement=f"{text} % {modulus} is one value per source, another for each",
        fields=("ip_src", "ip_dst"),
        held=counts[0],
        seen=counts[1],
        log10_chance=chance,
        level="class",
        name="shared-out",
        values=(modulus,),
        sampled=dossier.sampled,
        packets=packets,
    )
