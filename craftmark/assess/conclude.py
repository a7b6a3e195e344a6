"""All conclusions beyond the tool about one scan, in the order they need each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.assess.base import Claim, graded
from craftmark.assess.covert import assess_covert, claim_of_covert
from craftmark.assess.hops import assess_distance
from craftmark.assess.listed import claim_of_surveys
from craftmark.assess.outliers import claim_of_outliers
from craftmark.assess.own import claim_of_direction
from craftmark.assess.paths import claims_of_paths
from craftmark.assess.purpose import assess_purposes
from craftmark.assess.reach import assess_reach, claim_of_reach
from craftmark.assess.sender import assess_sender, same_constants
from craftmark.assess.spoofing import assess_spoofing
from craftmark.stacks.firewall import remember
from craftmark.stacks.respond import predict

if TYPE_CHECKING:
    from craftmark.assess.base import Subject
    from craftmark.assess.covert import Covert
    from craftmark.assess.hops import Distance
    from craftmark.assess.purpose import Purpose
    from craftmark.assess.reach import Reach
    from craftmark.assess.sender import OneSender
    from craftmark.assess.spoofing import Spoofing
    from craftmark.stacks.firewall import Remembered
    from craftmark.stacks.respond import Prediction


@dataclass(frozen=True, slots=True)
class Conclusions:
    """What is concluded about one scan beyond the tool, and the claims that say so."""

    distance: Distance
    spoofing: Spoofing
    one_sender: OneSender
    predicted: tuple[Prediction, ...]
    remembered: tuple[Remembered, ...]
    reach: Reach
    covert: Covert
    purposes: tuple[Purpose, ...]
    claims: tuple[Claim, ...]


def conclude(subject: Subject) -> Conclusions:
    """Return all conclusions beyond the tool; pure."""
    main = subject.main
    predicted = tuple(
        predict(
            main.protocol,
            main.control_bits,
            icmp=main.icmp,
            has_payload=subject.has_payload,
            ip_version=main.ip_version,
        )
    )
    remembered = tuple(remember(main.protocol, main.control_bits, icmp=main.icmp, ip_version=main.ip_version))
    distance, told = assess_distance(subject), assess_distance(subject, resets=True)
    sender = assess_sender(subject)
    spoofing = assess_spoofing(subject, distance=distance, sender=sender)
    reach = assess_reach(subject, predicted)
    covert = assess_covert(subject)
    purposes = assess_purposes(subject, reach=reach, spoofing=spoofing, sender=sender, covert=covert)
    found = (
        claim_of_distance(subject, told),
        *claims_of_paths(subject, told),
        claim_of_direction(subject, forged=spoofing.verdict == "spoofed"),
        claim_of_surveys(subject, forged=spoofing.verdict == "spoofed"),
        claim_of_spoofing(subject, spoofing),
        claim_of_code(subject),
        claim_of_sender(subject, sender),
        claim_of_reach(subject, reach, predicted),
        claim_of_covert(subject, covert, nothing=reach.nothing),
        claim_of_outliers(subject),
    )
    return Conclusions(
        distance=told,
        spoofing=spoofing,
        one_sender=sender,
        predicted=predicted,
        remembered=remembered,
        reach=reach,
        covert=covert,
        purposes=purposes,
        claims=tuple(claim for claim in found if claim is not None),
    )


def claim_of_distance(subject: Subject, distance: Distance) -> Claim | None:
    """Return the likeliest distance as a claim, None where the TTLs tell nothing."""
    if not distance.hypotheses:
        return None
    best = distance.hypotheses[0]
    chance = distance.chance([best.hops])
    others = tuple(
        f"initial TTL {one.initial_ttl}, {one.hops} hops, weight {one.weight:.2g}: {one.why.partition(';')[0]}"
        for one in distance.hypotheses[1:6]
    )
    hops = "1 hop" if best.hops == 1 else f"{best.hops} hops"
    return Claim(
        about=subject.id,
        statement=f"the sender is {hops} away (initial TTL {best.initial_ttl})",
        confidence=graded(chance),
        for_=(best.why,),
        against=others,
        settled_by="a traceroute to the claimed source, and the sender's own TTL in packets it did not craft",
        packets=subject.first_packets,
    )


def claim_of_spoofing(subject: Subject, spoofing: Spoofing) -> Claim | None:
    """Return the verdict on the source addresses as a claim, None where it is undecided."""
    if spoofing.verdict == "undecided":
        return None
    what = "are forged" if spoofing.verdict == "spoofed" else "are the sender's own"
    return Claim(
        about=subject.id,
        statement=f"the source addresses {what}",
        confidence=graded(spoofing.confidence),
        for_=spoofing.reasons,
        settled_by="flow records of the networks on the way: where did these packets enter",
        packets=subject.first_packets,
    )


def claim_of_sender(subject: Subject, sender: OneSender) -> Claim | None:
    """Return the verdict on the number of senders as a claim, None for one source or where it is undecided."""
    if sender.verdict == "undecided" or subject.sources_total == 1:
        return None
    named = f"one sender sent for all {subject.sources_total:,} sources"
    if sender.verdict == "several":
        named = f"the {subject.sources_total:,} sources are several senders"
    return Claim(
        about=subject.id,
        statement=named,
        confidence=graded(sender.confidence),
        for_=sender.reasons,
        settled_by="clock, counters and distance of each source in its other traffic",
        packets=subject.first_packets,
    )


def claim_of_code(subject: Subject) -> Claim | None:
    """Return the claim that one code made the packets of all sources, None for one source or without shared values."""
    held = same_constants(subject)
    if subject.sources_total == 1 or not held:
        return None
    return Claim(
        about=subject.id,
        statement=f"the same code sent for all {subject.sources_total:,} sources",
        confidence="strong" if len(held) >= 3 else "fair",
        for_=(f"{', '.join(held)}: one value in the probes of every source, {subject.probes:,} probes in all",),
        settled_by="a source whose packets differ in one of these fields",
        packets=subject.first_packets,
    )
