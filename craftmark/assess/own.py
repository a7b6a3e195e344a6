"""Which way a scan went, seen from the user's own networks: towards them, out of them, or within them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final, Literal

from craftmark.assess.base import Claim, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from craftmark.assess.base import Subject
    from craftmark.assess.hops import Distance

#: "unknown": the user named no networks. "mixed": some ends are inside and some are not.
Direction = Literal["inbound", "outbound", "internal", "elsewhere", "mixed", "unknown"]

#: Hops that a network of one's own seldom has.
DEEPEST: Final = 3
#: What an own address from farther away weighs: beside a silent holder no verdict yet, since sites can lie far apart.
TOO_FAR: Final = 0.6
_SETTLED: Final = {
    "inbound": "the targets' own logs, and what they sent out afterwards",
    "outbound": "the processes and users of these hosts at that time, or the switch port if an address was forged",
    "internal": "the processes and users of the source at that time, or the switch port if its address was forged",
    "elsewhere": "where this was captured, and whether the list of own networks is complete",
}


def inside(addresses: Iterable[str], own: tuple[str, ...]) -> list[str]:
    """Return the addresses that lie in one of the own networks."""
    networks = [ip_network(text) for text in own]
    return [text for text in addresses if any(ip_address(text) in network for network in networks)]


def direction_of(subject: Subject) -> Direction:
    """Return which way a scan went, by the addresses known by name."""
    if not subject.own:
        return "unknown"
    sources, targets = subject.sources, tuple(party.address for part in subject.parts for party in part.targets)
    from_own, to_own = len(inside(sources, subject.own)), len(inside(targets, subject.own))
    if from_own not in (0, len(sources)) or to_own not in (0, len(targets)):
        return "mixed"
    if from_own:
        return "internal" if to_own else "outbound"
    return "inbound" if to_own else "elsewhere"


def claim_of_direction(subject: Subject, *, forged: bool) -> Claim | None:
    """Return what the own networks have to do with a scan; None where the user named none, or ends are mixed."""
    direction = direction_of(subject)
    if direction not in _SETTLED:
        return None
    targets = len({party.address for part in subject.parts for party in part.targets})
    ours = ", ".join(inside(subject.sources, subject.own)[:4])
    words = {
        "inbound": f"it came from outside and was aimed at your networks ({_addresses(targets)})",
        "outbound": f"it came out of your networks: {ours} sent it",
        "internal": f"it stayed within your networks: {ours} sent it to {_addresses(targets)} there",
        "elsewhere": "neither its sources nor its targets are in your networks",
    }[direction]
    doubt = ("the source addresses are judged forged",) if forged and direction in ("outbound", "internal") else ()
    return Claim(
        about=subject.id,
        statement=words,
        confidence="fair" if doubt else "strong",
        for_=(f"your networks: {', '.join(subject.own)}",),
        against=doubt,
        settled_by=_SETTLED[direction],
        packets=subject.first_packets,
    )


def _addresses(number: int) -> str:
    return "1 address" if number == 1 else f"{number:,} addresses"


def reasons_of_own(subject: Subject, distance: Distance) -> list[Reason]:
    """Return what speaks for forging where a source claims an own address from farther away than that can be."""
    ours = inside(subject.sources, subject.own) if subject.own else []
    if not ours or not distance.hypotheses or distance.chance(range(DEEPEST + 1)) > 0.05:
        return []
    hops = distance.hypotheses[0].hops
    words = f"{ours[0]} is an address of your own networks, but its probes passed {hops} routers"
    return [Reason(words, TOO_FAR)]
