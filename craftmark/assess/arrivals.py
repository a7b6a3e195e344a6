"""How the probes arrived: times to live as seen, per source address, from exact counts and the sample.

An address is compared by its 128 bits, IPv4 in the lowest 32.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from craftmark.packets.batch import source_text
from craftmark.packets.fields import ARP, IP_SRC, IP_SRC_HIGH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.assess.base import Subject
    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The TTLs of some probes: how often each was seen, their exact bounds and the exact number of probes.

    The bounds and ``probes`` are over all probes, ``values`` over the sample.
    """

    values: Counter[int]
    low: int
    high: int
    probes: int

    @property
    def constant(self) -> bool:
        """Tell whether all probes arrived with one TTL."""
        return self.low == self.high

    @property
    def dominant(self) -> tuple[int, float]:
        """The most frequent TTL (the smaller of equals) and its share of the sample."""
        value, count = min(self.values.items(), key=lambda item: (-item[1], item[0]))
        return value, count / self.values.total()


def arrivals(parts: tuple[Dossier, ...]) -> Arrivals | None:
    """Return the TTLs of all probes of some kinds together, None where none is visible."""
    seen = [(part, field) for part in parts if part.protocol != ARP and (field := part.field("ip_ttl")) is not None]
    if not seen:
        return None
    values: Counter[int] = Counter()
    for part, _ in seen:
        values.update(_visible_ttls(part.sample).tolist())
    for _, field in seen:  # a sample can miss the ends
        values.update({bound: 1 for bound in (field.minimum, field.maximum) if bound not in values})
    low, high = min(field.minimum for _, field in seen), max(field.maximum for _, field in seen)
    return Arrivals(values=values, low=low, high=high, probes=sum(field.seen for _, field in seen))


def by_source(subject: Subject) -> dict[str, Counter[int]]:
    """Return per source address how often each TTL was seen in the sample."""
    found: dict[str, Counter[int]] = {}
    for part in subject.parts:
        if part.protocol == ARP:
            continue
        visible = part.sample.take(part.sample.present("ip_ttl"))
        number, firsts = number_sources(visible)
        addresses = [source_text(visible.words[first]) for first in firsts]
        pairs, counts = np.unique(number * 256 + visible.column("ip_ttl"), return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            found.setdefault(addresses[pair // 256], Counter())[pair % 256] += count
    return found


def number_sources(batch: PacketBatch) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each packet's source as a small number, and for each number the row of its first packet."""
    columns = [IP_SRC, IP_SRC_HIGH, IP_SRC_HIGH + 1, IP_SRC_HIGH + 2]
    _, first, number = np.unique(batch.words[:, columns], axis=0, return_index=True, return_inverse=True)
    return number.reshape(-1), first


def raised_step_by_step(subject: Subject) -> bool:
    """Tell whether the TTLs only ever rise, by single steps: a path being walked, as traceroute does it."""
    ttls = _visible_ttls(subject.main.sample).astype(np.int64)
    steps = np.diff(ttls)
    rises = bool(len(ttls)) and len(np.unique(ttls)) >= 4 and bool(((steps == 0) | (steps == 1)).all())
    return subject.shape == "path" or rises


def _visible_ttls(batch: PacketBatch) -> NDArray[np.uint32]:
    return batch.column("ip_ttl")[batch.present("ip_ttl")]
