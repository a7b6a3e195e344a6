"""Values drawn from less than their field can hold: a libc's 31 bits, 15-bit halves, a port range, a fixed remainder.

Counted on distinct values, so that repeated packets do not add up; fields that rise or fall with time are left to
the counters.
"""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import LOG10_2, STATED_AT, unevenness
from craftmark.marks.sequences import column, followed, packets_with, showing
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier, FieldEvidence

_DRAWN: Final = (
    "ip_id", "tcp_sport", "udp_sport", "sctp_sport", "tcp_seq", "tcp_ack", "tcp_win", "icmp_id", "icmp_seq",
    "icmp6_id", "icmp6_seq", "sctp_vtag",
)  # fmt: skip
#: Below so many distinct values the few values themselves are told.
_FEW: Final = 4
#: Distinct values from which a range of ports is told, and the widest one.
_RANGE_FROM: Final = 200
_RANGE_CELLS: Final = 16
_WIDEST_SHARE: Final = 0.75
_UNEVEN: Final = 3.1
#: Rank correlation with time beyond which values are said to follow it.
_FOLLOWS_TIME: Final = 0.5
#: Probes from which a small set of values is told.
_SET_FROM: Final = 16


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return at most one mark per field: few values, a power of two as bound, a remainder, or a range."""
    marks = []
    for name in _DRAWN:
        evidence = dossier.field(name)
        if evidence is None or evidence.constant is not None:
            continue
        values = column(followed(showing(dossier.sample, name)), name)
        if len(values) < _FEW or _follows_time(values):
            continue
        distinct = np.unique(values)
        marks += (
            _few(dossier, evidence, distinct)
            or _remainder(dossier, evidence, distinct)
            or _bound(dossier, evidence, distinct)
            or _range(dossier, evidence, distinct)
        )
    return marks


def _follows_time(values: NDArray[np.int64]) -> bool:
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    if len(values) < 3:
        return False
    return bool(abs(np.corrcoef(ranks, np.arange(len(values)))[0, 1]) > _FOLLOWS_TIME)


def _few(dossier: Dossier, evidence: FieldEvidence, distinct: NDArray[np.int64]) -> list[Toolmark]:
    if len(distinct) > _FEW or evidence.distinct > _FEW or evidence.seen < _SET_FROM:
        return []
    bits = FIELDS[evidence.name].bits
    chance = (evidence.seen - len(distinct)) * (log10(len(distinct)) - bits * LOG10_2)
    text = ", ".join(str(value) for value in distinct)
    return _mark(dossier, evidence, f"{evidence.name} in {{{text}}}", "few", distinct.tolist(), chance)


def _remainder(dossier: Dossier, evidence: FieldEvidence, distinct: NDArray[np.int64]) -> list[Toolmark]:
    modulus = evidence.stride
    if modulus < 2:
        return []
    chance = (len(distinct) - 1) * -log10(modulus)
    rest = evidence.minimum % modulus
    return _mark(dossier, evidence, f"{evidence.name} % {modulus} = {rest}", "remainder", [modulus, rest], chance)


def _bound(dossier: Dossier, evidence: FieldEvidence, distinct: NDArray[np.int64]) -> list[Toolmark]:
    bits, used = FIELDS[evidence.name].bits, evidence.ever_one.bit_length()
    if used >= bits or len(distinct) > (1 << used) / 4 or evidence.maximum < (1 << used) * _WIDEST_SHARE:
        return []
    chance = len(distinct) * (used - bits) * LOG10_2
    return _mark(dossier, evidence, f"{evidence.name} < 2^{used}", f"{used}-bit", [used], chance)


def _range(dossier: Dossier, evidence: FieldEvidence, distinct: NDArray[np.int64]) -> list[Toolmark]:
    low, high, bits = evidence.minimum, evidence.maximum, FIELDS[evidence.name].bits
    size = high - low + 1
    if bits > 16 or len(distinct) < _RANGE_FROM or size > _WIDEST_SHARE * (1 << bits):
        return []
    cells = np.histogram(distinct, bins=_RANGE_CELLS, range=(low, high + 1))[0]
    if unevenness(cells) > _UNEVEN:
        return []
    chance = len(distinct) * (log10(size) - bits * LOG10_2)
    return _mark(dossier, evidence, f"{evidence.name} drawn from {low}..{high}", "range", [low, high], chance)


def _mark(
    dossier: Dossier, evidence: FieldEvidence, statement: str, name: str, values: list[int], chance: float
) -> list[Toolmark]:
    if chance > STATED_AT:
        return []
    return [
        Toolmark(
            kind="generator",
            statement=statement,
            fields=(evidence.name,),
            held=evidence.seen,
            seen=evidence.seen,
            log10_chance=chance,
            level="individual" if name == "few" else "class",
            name=name,
            values=tuple(values),
            sampled=dossier.sampled and name == "few",
            packets=packets_with(dossier, evidence.name),
        )
    ]
