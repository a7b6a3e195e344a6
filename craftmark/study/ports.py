"""Which ports the scans of one case probed: scans and sources per port, and probes, from the rows that are known.

A small strand's rows are all known, a large one's are a fair sample: its packets are shared out as its sample is, so
that probes per port are estimates there, and sources a lower bound. Scans per port are exact.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from craftmark.packets import fields as f

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.pipeline import Judged
    from craftmark.report.concluding import Concluded

_NAMES = {f.TCP: "tcp", f.UDP: "udp", f.SCTP: "sctp"}


class PortCount(NamedTuple):
    """What one port got."""

    scans: int
    probes: int
    sources: int


def ports_of(judged: Judged) -> dict[tuple[str, int], PortCount]:
    """Return what each port got from the scans that are described, by protocol and port."""
    scans = _scans(judged.scans)
    probes = _probes(judged)
    return {key: PortCount(scans[key], *probes.get(key, (0, 0))) for key in sorted(scans)}


def _scans(found: Sequence[Concluded]) -> Counter[tuple[str, int]]:
    counts: Counter[tuple[str, int]] = Counter()
    for one in found:
        counts.update({(part.protocol_name, port) for part in one.subject.parts for port in part.ports})
    return counts


def _probes(judged: Judged) -> dict[tuple[str, int], tuple[int, int]]:
    """Return probes and sources per protocol and port."""
    finished = judged.finished
    chosen = np.zeros(len(finished), bool)
    for one in judged.scans:
        chosen[one.scan.strands] = True
    chosen &= np.isin(finished.protocol, list(_NAMES))
    of_row = finished.known_strand
    known = np.maximum(np.bincount(of_row, minlength=len(finished)), 1)
    rows = np.flatnonzero(chosen[of_row])
    strand = of_row[rows]
    port = (finished.protocol[strand] << 16) | finished.known(f.DPORT)[rows].astype(np.int64)
    ports, place = np.unique(port, return_inverse=True)
    probes = np.bincount(place, (finished.count / known)[strand], len(ports))
    pairs = np.unique(place * (int(finished.source.max(initial=0)) + 1) + finished.source[strand])
    sources = np.bincount(pairs // (int(finished.source.max(initial=0)) + 1), minlength=len(ports))
    return {
        (_NAMES[key >> 16], key & 0xFFFF): (round(count), senders)
        for key, count, senders in zip(ports.tolist(), probes.tolist(), sources.tolist(), strict=True)
    }
