"""From how far the packets came: a posterior over initial TTL and hops, not a number.

A hypothesis is a way to choose the initial TTL (one value, or drawn anew for each packet from a range) and a number
of hops. Its weight is the product of three things: how common the choice is, more so if it is the default of the tool
that made the packets; how common the distance is; and the chance of the TTLs seen. With a drawn TTL the spread pins
the distance: nmap draws from 37..59, so hops = 59 - highest = 37 - lowest once both ends were drawn.

The prior over distances is broad, made for no capture in particular: 0 to 6 routers in laboratories and local
networks, a bell around 14 for the Internet, and a remainder up to 255 for paths nobody expects.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.assess.arrivals import Arrivals, arrivals, by_source, raised_step_by_step
from craftmark.assess.base import exact_weights
from craftmark.packets.fields import TCP

if TYPE_CHECKING:
    from collections.abc import Container

    from craftmark.assess.base import MakerView, Subject

#: Shares of the prior: a laboratory or local network, the Internet, anything further than LONGEST_PATH.
NEAR_SHARE, FAR_SHARE, ODD_SHARE = 0.35, 0.648, 0.002
NEAREST, LONGEST_PATH = 6, 32
FAR_MEAN, FAR_SPREAD = 14.0, 5.5

#: How far a tool's default is trusted: its user may have set another TTL.
DEFAULT_KEPT: Final = 0.9

#: Where a user set a sample program's other values by hand: how likely the sample's TTL too, against the tool's own.
LENT: Final = 0.5

#: How common a TTL is that the sender's user chose: half of them any value, half a multiple of ten.
HAND_SET: Final = 0.02
#: Routers beyond which a path is so rare that a TTL chosen by hand explains what is seen as well as a default.
FAR_OFF: Final = 24

#: Initial TTLs in general use: (lowest, highest, how common, who).
GENERAL: Final = (
    (64, 64, 0.42, "the default of Linux, macOS, the BSDs and most tools"),
    (128, 128, 0.22, "the default of Windows"),
    (255, 255, 0.22, "the default of network gear, Solaris, masscan and zmap before 4.1"),
    (32, 32, 0.04, "the default of some old and embedded systems"),
    (37, 59, 0.03, "drawn anew for each packet, as nmap does"),
    (60, 60, 0.02, "the default of some old systems"),
    (48, 48, 0.02, "the value of libnet 1.0's sample programs"),
    (192, 192, 0.01, "a rare default"),
    (200, 200, 0.01, "a rare default"),
)
#: TTLs that only those leave who chose them for the distance, as route tracers do.
SPENT: Final = 2
#: Wider ranges say too little about the distance.
WIDEST_DRAW: Final = 64
#: Choices of a lowest and a highest TTL that a tool unknown to us could draw between.
UNKNOWN_RANGES: Final = 255 * 256 // 2
#: More distinct distances than this are many senders, or made up.
MOST_POPULATIONS: Final = 8
#: The prior that probes with different TTLs still came from one distance.
SAME_DISTANCE: Final = 0.5
#: The prior that an address that resets our SYN+ACKs is where the probes come from.
SAME_PLACE: Final = 0.7
#: Probes in which the window law must hold; chance would do that once in 4 to the power of one less.
WINDOWS: Final = 6
#: A share of one TTL that makes the others a change of path rather than a draw.
DOMINANT: Final = 0.6


@dataclass(frozen=True, slots=True)
class HopHypothesis:
    """One explanation of the TTLs seen; ``initial_ttl`` is the highest value of a range that is drawn from."""

    initial_ttl: int
    hops: int
    weight: float
    why: str


@dataclass(frozen=True, slots=True)
class Distance:
    """All explanations, the likeliest first, with weights that add up to 1; or none, and the reason why."""

    hypotheses: tuple[HopHypothesis, ...]
    reason: str = ""

    def chance(self, hops: Container[int]) -> float:
        """Return the weight of all explanations with one of these numbers of hops."""
        return math.fsum(one.weight for one in self.hypotheses if one.hops in hops)

    def smallest_set(self, weight: float) -> tuple[int, ...]:
        """Return the fewest numbers of hops that together reach a weight, the likeliest first."""
        kept: list[int] = []
        for one in self.hypotheses:
            if self.chance(kept) >= weight:
                break
            if one.hops not in kept:
                kept.append(one.hops)
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class _Choice:
    low: int
    high: int
    prior: float
    why: str


def _bell(hops: int) -> float:
    return math.exp(-0.5 * ((hops - FAR_MEAN) / FAR_SPREAD) ** 2)


_BELL_TOTAL = math.fsum(_bell(hops) for hops in range(LONGEST_PATH + 1))


def prior_of_hops(hops: int) -> float:
    """Return how common a distance is before any packet was seen; the values for 0..255 add up to 1."""
    if hops > LONGEST_PATH:
        return ODD_SHARE / (255 - LONGEST_PATH)
    near = NEAR_SHARE / (NEAREST + 1) if hops <= NEAREST else 0.0
    return near + FAR_SHARE * _bell(hops) / _BELL_TOTAL


def assess_distance(subject: Subject, *, resets: bool = False) -> Distance:
    """Return the posterior over initial TTL and hops of a scan's probes.

    resets: weigh the resets of the source too. Whether they come from where the probes do must be judged without.
    """
    seen = arrivals(subject.parts)
    if seen is None:
        return Distance((), "the input shows no TTL")
    if raised_step_by_step(subject):
        return Distance((), "the TTL was raised step by step to walk a path: it does not tell the distance")
    if seen.high <= SPENT:
        return Distance((), "the TTL was all but spent on arrival, as on walked paths: it does not tell the distance")
    choices = _choices(subject.maker)
    if not any(choice.low - FAR_OFF <= seen.low and seen.high <= choice.high for choice in choices):
        choices += _by_hand(seen)
    for candidate in (seen, arrivals(subject.parts[:1])):
        if candidate is not None and (found := _posterior(candidate, choices)):
            found, words = _with_more(found, subject, resets=resets)
            return _listed(found, _denominator(candidate) + words)
    return _by_population(subject, seen, choices)


def _with_more(
    found: dict[tuple[int, int], tuple[float, str]], subject: Subject, *, resets: bool
) -> tuple[dict[tuple[int, int], tuple[float, str]], str]:
    """Weigh the explanations by the old window law, and by packets that the sources' own stacks sent."""
    words = ""
    if (residue := window_residue(subject)) is not None:
        kept = {key: told for key, told in found.items() if key[1] % 4 == residue}
        if kept:
            found, words = kept, f"; the windows follow the TTL as in nmap before June 2011: hops = {residue} mod 4"
    others = {ttl for ttls in subject.answers.rst_ttls.values() for ttl in ttls}
    hops = {initial - ttl for ttl in others for initial in (64, 128, 255) if 0 <= initial - ttl <= LONGEST_PATH}
    if resets and len(subject.sources) == 1 and hops:
        found = {
            key: (weight * (SAME_PLACE / len(hops) if key[1] in hops else (1 - SAME_PLACE) / LONGEST_PATH), why)
            for key, (weight, why) in found.items()
        }
        shown = ", ".join(str(ttl) for ttl in sorted(others)[:3])
        words += f"; resets that the address sent to our SYN+ACK arrived with TTL {shown}"
    return found, words


def window_residue(subject: Subject) -> int | None:
    """Return the hops modulo 4 by the window law of nmap before June 2011; None where the windows do not follow it.

    That nmap sent the window 1024 * (initial TTL mod 4 + 1), with an initial TTL drawn for every packet.
    """
    batch = subject.main.sample
    if subject.main.protocol != TCP or len(batch) < WINDOWS or not batch.present("tcp_win").all():
        return None
    windows, ttls = batch.column("tcp_win").astype(int), batch.column("ip_ttl").astype(int)
    if len(set(windows.tolist())) < 2 or not set(windows.tolist()) <= {1024, 2048, 3072, 4096}:
        return None
    residues = set(((windows // 1024 - 1 - ttls) % 4).tolist())
    return residues.pop() if len(residues) == 1 else None


def _choices(maker: MakerView) -> list[_Choice]:
    trust = DEFAULT_KEPT * maker.confidence if maker.initial_ttls else 0.0
    whole = math.fsum(prior for _, _, prior, _ in GENERAL)
    general = [_Choice(low, high, (1.0 - trust) * prior / whole, why) for low, high, prior, why in GENERAL]
    lent = trust * LENT if maker.lent_ttls else 0.0
    whose = maker.tool or ("the system that sent them" if maker.kind == "stack" else "the tool that made them")
    special = [
        _Choice(low, high, (trust - lent) / len(maker.initial_ttls), _words_of_default(low, high, whose))
        for low, high in maker.initial_ttls
    ]
    why = "the value of the sample whose other values were set by hand"
    special += [_Choice(low, high, lent / len(maker.lent_ttls), why) for low, high in maker.lent_ttls]
    return [choice for choice in special + general if choice.high - choice.low <= WIDEST_DRAW and choice.prior > 0]


def _by_hand(seen: Arrivals) -> list[_Choice]:
    """Return every value that a user can have set, where none in general use is within a usual path's length."""
    values = range(seen.high, min(seen.low + LONGEST_PATH, 255) + 1)
    return [_Choice(value, value, _hand_set(value), "set by hand: none in general use is near") for value in values]


def _hand_set(value: int) -> float:
    return HAND_SET / 2 / 255 + (HAND_SET / 2 / 25 if value % 10 == 0 else 0.0)


def _words_of_default(low: int, high: int, whose: str) -> str:
    return f"the default of {whose}" if low == high else f"{whose} draws it anew from {low}..{high}"


def _posterior(seen: Arrivals, choices: list[_Choice]) -> dict[tuple[int, int], tuple[float, str]]:
    """Return weight and reason per (initial TTL, hops); empty where no known choice explains the TTLs well."""
    found: dict[tuple[int, int], tuple[float, str]] = {}
    best_unknown = -seen.probes * math.log(seen.high - seen.low + 1) - math.log(UNKNOWN_RANGES)
    scale = -math.inf
    logs: list[tuple[_Choice, int, float]] = []
    for choice in choices:
        for hops in range(max(0, choice.low - seen.low), choice.high - seen.high + 1):
            chance = -seen.probes * math.log(choice.high - choice.low + 1)
            logs.append((choice, hops, math.log(choice.prior) + math.log(prior_of_hops(hops)) + chance))
            scale = max(scale, logs[-1][2])
    if not logs or (not seen.constant and scale < best_unknown):
        return {}
    for choice, hops, log_weight in logs:
        key = (choice.high, hops)
        weight, why = found.get(key, (0.0, choice.why))
        found[key] = (weight + math.exp(log_weight - scale), why)
    return found


def _listed(found: dict[tuple[int, int], tuple[float, str]], seen: str) -> Distance:
    order = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))
    weights = exact_weights(weight for _, (weight, _) in order)
    hypotheses = tuple(
        HopHypothesis(initial, hops, weight, f"{why}; {seen}")
        for ((initial, hops), (_, why)), weight in zip(order, weights, strict=True)
        if weight > 0
    )
    return Distance(hypotheses)


def _denominator(seen: Arrivals) -> str:
    number = f"all {seen.probes:,} probes" if seen.probes > 1 else "the one probe"
    if seen.constant:
        return f"{number} arrived with TTL {seen.low}"
    return f"{number} arrived with TTLs from {seen.low} to {seen.high}"


def _by_population(subject: Subject, seen: Arrivals, choices: list[_Choice]) -> Distance:
    """Explain probes that arrived with several TTLs, each source with its own, or one path that changed."""
    value, share = seen.dominant
    per_source = by_source(subject)
    counts: Counter[int] = Counter()
    for values in per_source.values():
        top, number = min(values.items(), key=lambda item: (-item[1], item[0]))
        if number < DOMINANT * values.total():
            return Distance((), _not_told(seen))
        counts[top] += values.total()
    if not counts or len(counts) > MOST_POPULATIONS:
        return Distance((), _not_told(seen))
    if len(counts) == 1 and share >= DOMINANT:
        words = f"{share:.0%} of the probes arrived with TTL {value}, the others took another path"
    else:
        value, number = min(counts.items(), key=lambda item: (-item[1], item[0]))
        words = f"the {number:,} probes of sources that arrived with TTL {value}, the largest of {len(counts)} groups"
    constants = [choice for choice in choices if choice.low == choice.high]
    return _listed(_joint(value, [ttl for ttl in counts if ttl != value], constants), words)


def _joint(value: int, others: list[int], choices: list[_Choice]) -> dict[tuple[int, int], tuple[float, str]]:
    """Weigh the largest population's explanations, with or without the other populations at the same distance."""
    prior_of: dict[int, float] = {}
    for choice in choices:
        prior_of[choice.high] = prior_of.get(choice.high, 0.0) + choice.prior
    apart = math.prod(
        math.fsum(prior * prior_of_hops(initial - ttl) for initial, prior in prior_of.items() if initial >= ttl)
        for ttl in others
    )
    found: dict[tuple[int, int], tuple[float, str]] = {}
    for choice in choices:
        hops = choice.high - value
        if hops >= 0:
            together = math.prod(prior_of.get(ttl + hops, 0.0) for ttl in others)
            joint = SAME_DISTANCE * together + (1.0 - SAME_DISTANCE) * apart
            weight, why = found.get((choice.high, hops), (0.0, choice.why))
            found[choice.high, hops] = (weight + choice.prior * prior_of_hops(hops) * joint, why)
    return found


def _not_told(seen: Arrivals) -> str:
    return (
        f"the TTL takes {len(seen.values)} values from {seen.low} to {seen.high} and follows no known default: it was "
        f"drawn at random, or the probes came from many places; no more than {255 - seen.high} hops for the highest"
    )
