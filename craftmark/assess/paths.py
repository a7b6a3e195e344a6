"""Routes that the user traced, laid beside the distance of the probes: those go out, these came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.assess.base import Claim

if TYPE_CHECKING:
    from craftmark.assess.base import Subject
    from craftmark.assess.hops import Distance
    from craftmark.assess.routes import Route

#: Routers by which the way out and the way in may differ.
TOLERANCE: Final = 2


def claims_of_paths(subject: Subject, distance: Distance) -> list[Claim]:
    """Return what the user's traced routes say beside a scan's distance."""
    if not distance.hypotheses:
        return []
    hops = distance.hypotheses[0].hops
    found = []
    for route in subject.paths:
        if route.target in subject.sources and route.routers is not None:
            found.append(_fits(subject, distance, route, route.routers))
        elif (router := route.at(hops)) is not None:
            found.append(_behind(subject, hops, router))
    return found


def _fits(subject: Subject, distance: Distance, route: Route, routers: int) -> Claim:
    near = range(max(0, routers - TOLERANCE), routers + TOLERANCE + 1)
    chance = distance.chance(near)
    hops = distance.hypotheses[0].hops
    fits = chance >= 0.5
    verdict = "which fits" if fits else "which does not fit" if chance <= 0.05 else "which leaves it open"
    return Claim(
        about=subject.id,
        statement=f"the traced route to {route.target} has {routers} routers, the probes passed {hops}, {verdict}",
        confidence="fair" if fits or chance <= 0.05 else "weak",
        for_=(f"weight {chance:.2g} for {near[0]} to {near[-1]} hops",),
        against=("a route out and the route in may differ",),
        settled_by="the TTL of packets that the holder of the address sends to us",
        packets=subject.first_packets,
    )


def _behind(subject: Subject, hops: int, router: str) -> Claim:
    return Claim(
        about=subject.id,
        statement=f"{hops} hops away on the traced route is {router}: there, or beside it, the sender would be",
        confidence="weak",
        for_=(f"the probes most likely passed {hops} routers",),
        against=("many networks are as far away, and a route out and the route in may differ",),
        settled_by="routes traced to more of the networks that the sender may be in",
        packets=subject.first_packets,
    )
