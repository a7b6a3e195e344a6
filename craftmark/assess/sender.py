"""Were all sources of a scan one sender? What speaks for it, what against, each with its weight.

Strong signs need packets of several addresses that only one program can have made together: bursts in which every
address repeats the same drawn values (decoys), or one counter that runs on across addresses. Weaker: one distance
from addresses of unrelated networks. Against: each address with a distance or a counter of its own.
Networks are told apart by the first 16 bits (IPv6: 32 bits): sources within one may share a path for honest reasons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from craftmark.assess.arrivals import by_source, number_sources
from craftmark.assess.base import Reason, probability, total_odds
from craftmark.assess.turns import reasons_of_one_program
from craftmark.packets.fields import FIELDS, IP_DST, IP_DST_HIGH, TCP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from craftmark.assess.base import Subject
    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

#: Without evidence either way: sources with the same marks at the same targets.
PRIOR: Final = 0.0
CAP: Final = 3.0
#: From these log10 odds on a verdict is given.
VERDICT: Final = 1.0
#: A single reason of so much is the doing of one program: bursts, turns, one counter, one clock, one stream.
ONE_PROGRAM: Final = 3.0
#: Hosts of unrelated networks arrive with the same TTL about once in nine times; those that one operator keeps in one
#: place under addresses of many networks do so nearly always, so that each network weighs a tenth of that.
SAME_TTL_BY_CHANCE: Final = -0.095
MOST_FROM_TTLS: Final = 2.5
#: Most that values weigh which a code chose once for all its runs: several machines can run it.
MOST_FROM_CONSTANTS: Final = 0.6
#: What TTLs weigh that differ from source to source, by much and by little: routers that share out traffic send each
#: source of one sender on a way of its own.
OWN_TTLS: Final = -1.2
NEAR_TTLS: Final = -0.4
NEAR_BY: Final = 3
#: What a counter per source weighs: Linux keeps one for each pair of addresses, forged sources too.
OWN_COUNTERS: Final = -0.9
#: Networks needed before one TTL for all of them says anything.
FEWEST_NETWORKS: Final = 4
#: Distinct values that a field must take before repeating it in a burst is no accident.
FEWEST_VALUES: Final = 16
#: A burst's packets leave one program within this time.
BURST_NS: Final = 1_000_000_000
#: Steps by which one program's counter may advance between two packets: by ones, or in the other byte order.
COUNTER_STEPS: Final = (1, 256)
#: A probe's fields beside the IP ID, which a decoy's burst repeats.
_PROBE_WORDS: Final = [
    *(FIELDS[name].word for name in ("tcp_seq", "tcp_ack", "tcp_sport", "tcp_dport")),
    *(IP_DST, IP_DST_HIGH, IP_DST_HIGH + 1, IP_DST_HIGH + 2),
]
#: Bursts count only where chance would bring as many less often than this (log10).
BURST_CHANCE: Final = -3.0
COUNTERS: Final = {"ip_id": 16, "tcp_sport": 16, "udp_sport": 16, "tcp_seq": 32, "icmp_seq": 16, "icmp6_seq": 16}


@dataclass(frozen=True, slots=True)
class OneSender:
    """The verdict with its reasons; ``log10_odds`` of one sender against several.

    networks: unrelated networks among the sources. decoy_bursts: bursts that prove one sender behind their addresses.
    one_program: something that only one program can have done is among the reasons: several machines of one operator
    cannot.
    """

    verdict: Literal["one", "several", "undecided"]
    reasons: tuple[str, ...]
    log10_odds: float
    networks: int
    decoy_bursts: int = 0
    one_program: bool = False

    @property
    def confidence(self) -> float:
        """Probability of the verdict; of the likelier side where none is given."""
        return probability(abs(self.log10_odds))


def assess_sender(subject: Subject) -> OneSender:
    """Return whether all sources of a scan were one sender."""
    networks = len(networks_of(subject.sources))
    if subject.sources_total == 1:
        return OneSender("one", ("there is only one source address",), 1.0, networks)
    bursts = decoy_bursts(subject.main)
    reasons = [reason for reason in (_bursts(bursts), *_counters(subject), _same_constants(subject)) if reason]
    reasons += [reason for reason in (_arrival(subject, networks),) if reason]
    reasons += reasons_of_one_program(subject)
    odds = total_odds(reasons, prior=PRIOR, cap=CAP)
    verdict: Literal["one", "several", "undecided"] = "undecided"
    if abs(odds) >= VERDICT:
        verdict = "one" if odds > 0 else "several"
    words = [reason.words for reason in sorted(reasons, key=lambda reason: -abs(reason.log10_odds))]
    is_one = max((reason.log10_odds for reason in reasons), default=0.0) >= ONE_PROGRAM
    return OneSender(verdict, tuple(words), round(odds, 3), networks, bursts, is_one)


def networks_of(addresses: Iterable[str]) -> set[str]:
    """Return the unrelated networks of some addresses: their first 16 bits, of IPv6 their first 32."""
    found = set()
    for text in addresses:
        address = ip_address(text)
        keep = 16 if address.version == 4 else 96
        found.add(f"{address.version}/{int(address) >> keep:x}")
    return found


def decoy_bursts(part: Dossier) -> int:
    """Return the number of bursts: the same drawn values to one port, within a second, from two or more sources.

    Zero where the values do not vary from probe to probe, since then equality shows nothing, and where chance alone
    would bring as many.
    """
    drawn = part.field("ip_id")
    if part.protocol != TCP or part.sources_total < 2 or drawn is None or drawn.distinct < FEWEST_VALUES:
        return 0
    sample = part.sample.take(part.sample.present("ip_id") & part.sample.present("tcp_dport"))
    sources, _ = number_sources(sample)
    probe = np.unique(sample.words[:, _PROBE_WORDS], axis=0, return_inverse=True)[1].reshape(-1)
    values = sample.column("ip_id").astype(np.int64)
    order = np.lexsort((sample.ts_ns, values, probe))
    probe, values, sources, times = probe[order], values[order], sources[order], sample.ts_ns[order]
    same = (probe[1:] == probe[:-1]) & (values[1:] == values[:-1])
    joins = same & (sources[1:] != sources[:-1]) & (times[1:] - times[:-1] <= BURST_NS)
    found = len(np.unique(np.stack((probe[1:][joins], values[1:][joins])), axis=1).T)
    sizes = np.bincount(probe)
    expected = float((sizes * (sizes - 1) / 2).sum()) / 2 ** (drawn.ever_one & ~drawn.always_one).bit_count()
    return found if log10_chance_of_bursts(found, expected) <= BURST_CHANCE else 0


def log10_chance_of_bursts(found: int, expected: float) -> float:
    """Return a bound on the chance of so many equal draws by accident (Chernoff's, for a Poisson count)."""
    if found <= expected or expected <= 0:
        return 0.0
    return (found - expected + found * math.log(expected / found)) / math.log(10)


def _bursts(bursts: int) -> Reason | None:
    if not bursts:
        return None
    times = "once" if bursts == 1 else f"{bursts:,} times"
    return Reason(
        f"{times} several sources sent the same IP ID, sequence number and source port to one port at once", 6.0
    )


def _counters(subject: Subject) -> list[Reason]:
    """Look for one counter across sources, and for counters of their own, in runs of consecutive probes."""
    found = []
    batch = subject.main.consecutive
    sources, firsts = number_sources(batch)
    if len(firsts) < 2:
        return []
    for name, bits in COUNTERS.items():
        field = subject.main.field(name)
        if field is None or field.constant is not None or not batch.present(name).all():
            continue
        if reason := _counter(name, steps(batch, name, bits=bits), sources):
            found.append(reason)
    return found


def steps(batch: PacketBatch, name: str, *, bits: int) -> NDArray[np.int64]:
    """Return the differences of a field between consecutive packets, modulo its width."""
    values = batch.column(name).astype(np.int64)
    differences: NDArray[np.int64] = np.bitwise_and(values[1:] - values[:-1], (1 << bits) - 1)
    return differences


def _counter(name: str, step: NDArray[np.int64], sources: NDArray[np.intp]) -> Reason | None:
    across = sources[1:] != sources[:-1]
    shown = np.isin(step, COUNTER_STEPS)
    if across.sum() >= FEWEST_VALUES and shown[across].mean() >= 0.9:
        words = f"{name} counts on across sources in {int(shown[across].sum()):,} of {int(across.sum()):,} changes"
        return Reason(words, 4.0)
    within = ~across
    enough = within.sum() >= FEWEST_VALUES and across.sum() >= FEWEST_VALUES
    if name == "ip_id" and enough and shown[within].mean() >= 0.9 and shown[across].mean() < 0.1:
        return Reason("each source continues an IP ID counter of its own", OWN_COUNTERS)
    return None


def same_constants(subject: Subject) -> list[str]:
    """Return the fields that a sender chooses or draws and that are one value, not 0, in all probes."""
    chosen = ("ip_id", "tcp_seq", "tcp_ack", "tcp_sport", "udp_sport", "icmp_id")
    fields = ((name, subject.main.field(name)) for name in chosen)
    return [name for name, field in fields if field is not None and field.constant and field.seen > 1]


def _same_constants(subject: Subject) -> Reason | None:
    held = same_constants(subject)
    if not held:
        return None
    words = f"{', '.join(held)} {'is' if len(held) == 1 else 'are'} the same in the probes of every source"
    return Reason(f"{words}: one code, with one choice of values", min(MOST_FROM_CONSTANTS, 0.2 * len(held)))


def _arrival(subject: Subject, networks: int) -> Reason | None:
    per_source = by_source(subject)
    tops = [min(values.items(), key=lambda item: (-item[1], item[0])) for values in per_source.values()]
    steady = [top for (top, count), values in zip(tops, per_source.values(), strict=True) if count == values.total()]
    if len(steady) < 2 or len(steady) < len(tops):
        return None
    distinct = len(set(steady))
    if distinct == 1 and networks >= FEWEST_NETWORKS:
        words = f"sources of {networks} unrelated networks all arrived with TTL {steady[0]}"
        return Reason(words, min(MOST_FROM_TTLS, round(-SAME_TTL_BY_CHANCE * (networks - 1), 2)))
    if distinct == 1:
        return Reason(f"all {len(steady)} sources arrived with TTL {steady[0]}", 0.3)
    several = min(values.total() for values in per_source.values()) >= FEWEST_VALUES
    words = f"the sources arrived with {distinct} different TTLs, each steady for its source"
    own = OWN_TTLS if max(steady) - min(steady) > NEAR_BY else NEAR_TTLS
    return Reason(words, own if several else 0.0)
