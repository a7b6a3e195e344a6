"""What conclusions beyond the tool are made of and made from.

A subject of assessment is a module of this folder: pure functions from a ``Subject`` (and from the conclusions of
other subjects, handed in) to frozen results. ``assess/conclude.py`` calls them in order.

Odds are added up in decimal logarithms: a reason's ``log10_odds`` says how many times likelier what was seen is under
the statement than under its opposite. They are judgements, kept in constants beside their reason, and capped, since
a capture can be wrong in ways nobody thought of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from craftmark.packets.batch import PacketBatch, empty_batch
from craftmark.packets.fields import ARP
from craftmark.scans.afterwards import Afterwards
from craftmark.scans.reactions import Reactions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from craftmark.assess.routes import Route
    from craftmark.assess.surveys import Surveys
    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark

Confidence = Literal["certain", "strong", "fair", "weak"]
Shape = Literal["port", "address", "block", "protocol", "host", "spot", "path"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One conclusion with its evidence; its id is given where all claims of a report come together.

    about: id of the scan. for_ and against: reasons in words. settled_by: what would decide it. packets: packet_id of
    a few packets that show it.
    """

    about: str
    statement: str
    confidence: Confidence
    for_: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    settled_by: str = ""
    packets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MakerView:
    """What is concluded about who made the packets, as far as other conclusions need it.

    initial_ttls: the ranges from which the tool, or the stack, draws the initial TTL by default: ((48, 48),) for a
    constant, ((37, 59),) for a value drawn anew for each packet, ((64, 64), (255, 255)) where versions differ.
    lent_ttls: the same of a sample program whose values the tool's user set by hand, likely with its TTL.
    drawn: fields that the identified tool draws, counts or derives for each probe, so that their variation is its own.
    """

    kind: Literal["crafted", "stack", "undecided"] = "undecided"
    tool: str | None = None
    confidence: float = 0.0
    initial_ttls: tuple[tuple[int, int], ...] = ()
    lent_ttls: tuple[tuple[int, int], ...] = ()
    drawn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AnswersSeen:
    """What the capture shows in answer to a scan's probes.

    counts: answers by kind ("syn+ack", "rst", "rst+ack", "icmp 3/3", "icmp6 1/4", "udp reply", "echo reply", "arp
    reply", ...). ports: the probed ports behind each kind of answer. answered_probes: probes with at least one
    answer. both_ways: the capture holds packets from targets
    to sources at all, so that a missing answer means something.
    completed_handshakes: per source address, its ACKs of a target's own sequence number: only who receives what is
    sent to the address can know it. resets: the first RSTs of sources to a target's answer. rst_ttls: per source, the
    distinct TTLs of its RSTs to our SYN+ACK. other_ttls: per source, the distinct TTLs of its other, ordinary packets.
    answered_again, unanswered_again: (ports that were probed more than once, all ports) among those that answered
    and those that did not: who repeats only what stayed unanswered sees the answers. silent_runs: stretches of silent
    ports, in order of target and port: more than one or two are no accident of which part was repeated.
    reactions: what the holders of the source addresses did. afterwards: what the targets opened after the scan began.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    ports: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    answered_probes: int = 0
    both_ways: bool = False
    completed_handshakes: Mapping[str, int] = field(default_factory=dict)
    resets: PacketBatch = field(default_factory=empty_batch, compare=False)
    rst_ttls: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    other_ttls: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    answered_again: tuple[int, int] = (0, 0)
    unanswered_again: tuple[int, int] = (0, 0)
    silent_runs: int = 0
    reactions: Reactions = field(default_factory=Reactions)
    afterwards: Afterwards = field(default_factory=Afterwards)


@dataclass(frozen=True, slots=True)
class Subject:
    """One scan, or flood, as conclusions need it: its kinds of probe, marks, maker, and what came back.

    parts: one dossier per kind of probe, the one with most probes first. is_flood: many packets that can teach the
    sender nothing, as the finding was classed. own: the user's own networks, as text. paths: routes that
    the user traced. surveys: lists of networks that the user knows as those of surveys.
    """

    id: str
    shape: Shape
    parts: tuple[Dossier, ...]
    marks: tuple[Toolmark, ...] = ()
    maker: MakerView = field(default_factory=MakerView)
    answers: AnswersSeen = field(default_factory=AnswersSeen)
    is_flood: bool = False
    own: tuple[str, ...] = ()
    paths: tuple[Route, ...] = ()
    surveys: tuple[Surveys, ...] = ()

    @property
    def main(self) -> Dossier:
        """The kind of probe with most packets."""
        return self.parts[0]

    @property
    def probes(self) -> int:
        """Probes of all kinds together."""
        return sum(part.probes for part in self.parts)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source addresses known by name, in order of the first part that has them; may be capped."""
        return tuple(dict.fromkeys(party.address for part in self.parts for party in part.sources))

    @property
    def sources_total(self) -> int:
        """Number of source addresses: at least that of the part with most."""
        return max(len(self.sources), *(part.sources_total for part in self.parts))

    @property
    def determined(self) -> frozenset[str]:
        """Fields that a mark determines in every probe of the main kind: derived, counted, or of a generator."""
        kinds = ("relation", "counter", "generator")
        return frozenset(mark.fields[0] for mark in self.marks if mark.kind in kinds and mark.held == mark.seen)

    @property
    def accounted(self) -> frozenset[str]:
        """Fields whose variation is accounted for: by a mark, or by what the identified tool does."""
        return self.determined | self.maker.drawn

    @property
    def has_ttl(self) -> bool:
        """Tell whether a time to live is visible: ARP has none."""
        return any(part.protocol != ARP and part.field("ip_ttl") is not None for part in self.parts)

    @property
    def first_packets(self) -> tuple[int, ...]:
        """packet_id of the first few probes of the main kind."""
        return tuple(self.main.sample.packet_id[:PACKETS_SHOWN].tolist())

    @property
    def has_payload(self) -> bool:
        """Tell whether some probe of the main kind carries data."""
        evidence = self.main.field("payload_len")
        return evidence is not None and evidence.maximum > 0


#: Packets named as evidence per claim.
PACKETS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason with its weight: above 0 it speaks for the statement, below 0 against; 0 is context."""

    words: str
    log10_odds: float


def total_odds(reasons: Iterable[Reason], *, prior: float, cap: float) -> float:
    """Return the decimal logarithm of the odds after all reasons, within plus or minus ``cap``."""
    return max(-cap, min(cap, prior + sum(reason.log10_odds for reason in reasons)))


def probability(log10_odds: float) -> float:
    """Return the probability that belongs to odds given by their decimal logarithm."""
    return 1.0 / (1.0 + math.pow(10.0, -log10_odds))


def graded(chance: float) -> Confidence:
    """Return the word for a probability; "certain" is left to what cannot be otherwise."""
    return "strong" if chance >= 0.95 else "fair" if chance >= 0.75 else "weak"


#: Weights are given in millionths, so that they add up to exactly 1.
MILLION = 1_000_000


def exact_weights(raw: Iterable[float]) -> tuple[float, ...]:
    """Return weights in whole millionths that add up to 1, in proportion to ``raw`` (none negative, not all 0)."""
    values = list(raw)
    whole = sum(values)
    shares = [value / whole * MILLION for value in values]
    floors = [int(share) for share in shares]
    by_remainder = sorted(range(len(values)), key=lambda place: (floors[place] - shares[place], place))
    for place in by_remainder[: MILLION - sum(floors)]:
        floors[place] += 1
    return tuple(share / MILLION for share in floors)
