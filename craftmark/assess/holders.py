"""What the holder of a source address shows of itself: is it where the probes come from?

Our SYN+ACK goes to whoever holds the address. A raw-socket scanner's own stack resets it, and so does a live host whose
address was forged: a reset weighs only by its distance. The weight of "resets from the probes' distance" is the
chance of that at home, RESETS_AT_HOME, against the chance with a forged address: a live host elsewhere that happens
to be as far away, or a neighbour of the sender. Whoever forges can choose such a host, so this weight never reaches a
verdict (MOST_FROM_RESETS): that takes a proof (``assess/proofs.py``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from craftmark.assess.base import Reason
from craftmark.assess.hops import LONGEST_PATH, prior_of_hops

if TYPE_CHECKING:
    from craftmark.assess.base import Subject
    from craftmark.assess.hops import Distance
    from craftmark.scans.reactions import Reaction

#: A raw-socket scanner's own stack, or a firewall before it, resets our SYN+ACKs.
RESETS_AT_HOME: Final = 0.85
#: A forged address is held by a live host that resets: somewhere else, or beside the sender.
LIVE_ELSEWHERE: Final = 0.1
LIVE_BESIDE: Final = 0.025
#: A forged address is silent to our SYN+ACKs, mostly since nobody holds it.
SILENT_FORGED: Final = 0.9
SILENT_AT_HOME: Final = 0.2
#: Most that resets from the probes' distance weigh, odds of 8 to 1: the forged address can be one of a live neighbour.
MOST_FROM_RESETS: Final = 0.9
#: What a distance other than the probes' weighs: of resets, and of other packets, which one of several hosts behind the
#: address (NAT) may have sent.
FAR_RESETS: Final = 0.9
FAR_OTHERS: Final = 0.6
_RESETS: Final = "resets to our SYN+ACK"
#: What routers' errors about the address weigh, several and one.
UNREACHABLE: Final = 1.0
UNREACHABLE_ONCE: Final = 0.6
#: SYN+ACKs from which a habit shows: one could be a mistake of pairing.
ENOUGH_OFFERS: Final = 3
#: Share of the SYN+ACKs that a host resets which resets them at all.
MOST: Final = 0.8
#: Hops by which two paths of one host may differ in one capture.
TOLERANCE: Final = 1
#: Routers that a host's packets can pass to come back to its own link.
LONGEST_DETOUR: Final = 1
#: ARP requests without an answer that show an address that nobody holds.
ENOUGH_SOUGHT: Final = 3
#: Weight of no hops at all from which the probes can have come from this link.
HERE: Final = 0.5
#: Values that a system's own TTL takes on arrival, by protocol and route; more were drawn by a tool.
OWN_VALUES: Final = 2
#: TTLs that systems start their own packets from.
OWN_TTLS: Final = (64, 128, 255)


def reasons_of_holder(subject: Subject, distance: Distance, address: str) -> list[Reason]:
    """Return what the holder of one source address shows, for (above 0) and against forging."""
    reaction = subject.answers.reactions.by_source.get(address)
    resets = subject.answers.rst_ttls.get(address, ())
    found = [_of_distance(address, subject.answers.other_ttls.get(address, ()), distance, what="other packets")]
    if reaction is None:
        found.append(_of_distance(address, resets, distance, what=_RESETS))
        return _strongest(found)
    found.append(_of_distance(address, reaction.other_ttls, distance, what="other packets"))
    found.append(_of_resets(address, resets, reaction, distance))
    handshakes = subject.answers.completed_handshakes.get(address, 0)
    kept = _strongest(found)
    kept += [] if handshakes else _of_silence(address, reaction)
    return kept + _of_link(address, reaction, distance) + _of_reachability(address, reaction)


def _strongest(found: list[Reason | None]) -> list[Reason]:
    """Keep the one reason of distance that speaks most for forging: the others repeat it."""
    kept = [reason for reason in found if reason is not None]
    return [max(kept, key=lambda reason: reason.log10_odds)] if kept else []


def hops_of(ttls: tuple[int, ...], *, tolerance: int) -> set[int]:
    """Return the distances from which a system's own packets can have arrived with these TTLs."""
    return {
        initial - ttl + off
        for ttl in ttls
        for initial in OWN_TTLS
        if 0 <= initial - ttl <= LONGEST_PATH
        for off in range(-tolerance, tolerance + 1)
    }


def _of_distance(address: str, ttls: tuple[int, ...], distance: Distance, *, what: str) -> Reason | None:
    if not ttls or not distance.hypotheses:
        return None
    shown = ", ".join(str(ttl) for ttl in ttls[:3])
    if len(ttls) > OWN_VALUES or hops_of(ttls[:1], tolerance=TOLERANCE).isdisjoint(hops_of(ttls[-1:], tolerance=0)):
        return Reason(f"the {what} of {address} (TTL {shown}) are no system's own: they tell no distance", 0.0)
    if distance.chance(hops_of(ttls, tolerance=0)) >= 0.5:
        words = f"the {what} of {address} (TTL {shown}) come from as far as the probes: weak evidence for a genuine one"
        return Reason(words, -0.3)
    if distance.chance(hops_of(ttls, tolerance=TOLERANCE)) <= 0.05:
        weight = FAR_RESETS if what == _RESETS else FAR_OTHERS
        return Reason(f"the {what} of {address} (TTL {shown}) come from another distance than the probes", weight)
    return Reason(f"the {what} of {address} (TTL {shown}) leave its distance open", 0.0)


def _of_resets(address: str, ttls: tuple[int, ...], reaction: Reaction, distance: Distance) -> Reason | None:
    weak = _of_distance(address, ttls, distance, what=_RESETS)
    agreeing = weak is not None and weak.log10_odds < 0
    if not agreeing or reaction.reset < MOST * reaction.offered or not reaction.reset:
        return weak
    enough = min(1.0, reaction.reset / ENOUGH_OFFERS)
    weight = min(MOST_FROM_RESETS, weight_of_resets(hops_of(ttls, tolerance=0))) * enough
    words = (
        f"{address} reset {reaction.reset:,} of our {reaction.offered:,} SYN+ACKs, from the probes' own distance: who "
        "holds the address is where they come from, or as far away; any live host resets, so this proves nothing"
    )
    return Reason(words, -round(weight, 2))


def weight_of_resets(hops: set[int]) -> float:
    """Return log10 of how much likelier resets from the probes' distance are with a genuine address than a forged."""
    by_chance = math.fsum(prior_of_hops(one) for one in hops if 0 <= one <= LONGEST_PATH)
    return math.log10(RESETS_AT_HOME / (LIVE_ELSEWHERE * by_chance + LIVE_BESIDE))


def _of_silence(address: str, reaction: Reaction) -> list[Reason]:
    if reaction.offered < ENOUGH_OFFERS or reaction.reset:
        return []
    words = (
        f"{address} was silent to SYN+ACKs of {reaction.offered:,} ports: a scanner's own stack resets them, a forged "
        "address that nobody holds cannot"
    )
    return [Reason(words, round(math.log10(SILENT_FORGED / SILENT_AT_HOME), 2))]


def _of_link(address: str, reaction: Reaction, distance: Distance) -> list[Reason]:
    """Weigh that another card of this link holds the address; one that asks by ARP itself is a matter of proof.

    A host with several cards, or one that sends by way of a router on its own link, does so too: only probes that
    passed several routers cannot be its.
    """
    if not reaction.arp_links:
        return _of_search(address, reaction, distance)
    if len(reaction.probe_links) != 1:
        return []
    if set(reaction.arp_links) & set(reaction.probe_links):
        words = f"ARP packets for {address} come from the link address that sent the probes, a router's or its holder's"
        return [Reason(words, -0.5)]
    words = f"by ARP, {address} is held on this link by another card than the one that sent the probes"
    if distance.hypotheses and distance.chance(range(LONGEST_DETOUR + 1)) <= 0.05:
        return [Reason(f"{words}, and these passed {distance.hypotheses[0].hops} routers", 1.5)]
    return [Reason(words, 0.9)]


def _of_search(address: str, reaction: Reaction, distance: Distance) -> list[Reason]:
    """Weigh that nobody answered who was asked by ARP for an address whose probes came from this very link."""
    if reaction.sought < ENOUGH_SOUGHT or distance.chance((0,)) < HERE:
        return []
    words = (
        f"{address} was sought by ARP {reaction.sought:,} times on the link that its probes came from: nobody holds it"
    )
    return [Reason(words, 1.5)]


def _of_reachability(address: str, reaction: Reaction) -> list[Reason]:
    if not reaction.unreachable:
        return []
    weight = UNREACHABLE_ONCE if reaction.unreachable == 1 else UNREACHABLE
    times = "once" if reaction.unreachable == 1 else f"{reaction.unreachable:,} times"
    return [Reason(f"routers said {times} that {address} cannot be reached", weight)]
