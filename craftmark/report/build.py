"""From what every floor concluded to the report document: the one place where findings become contract fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from craftmark.assess.campaigns import assess_campaigns
from craftmark.assess.own import direction_of
from craftmark.assess.spoofing import PRIOR as SPOOFING_PRIOR
from craftmark.kernels.tunnels import IP6_IN_IP, IPIP
from craftmark.packets.batch import INPUT_SHIFT, NUMBER_MASK
from craftmark.packets.fields import control_bits
from craftmark.report import document as d
from craftmark.report import examined
from craftmark.report.excerpt import drawn_of
from craftmark.sources.logclock import ASSUMED_LEAP_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.assess.base import Claim
    from craftmark.assess.conclude import Conclusions
    from craftmark.evidence.dossier import Dossier
    from craftmark.evidence.tunnels import Tunnel
    from craftmark.report.concluding import Concluded
    from craftmark.sources.base import Provenance
    from craftmark.tools.conclude import Maker
    from craftmark.tools.rule import RuleSet

#: Sources, targets and port ranges shown per scan.
PARTIES_SHOWN = 64
RANGES_SHOWN = 64

#: State of a port, or host, that an answer in the inputs means.
_STATES: dict[str, d.AnswerState] = {
    "syn+ack": "open", "rst": "closed", "rst+ack": "closed", "udp reply": "open", "sctp": "open",
    "echo reply": "up", "arp reply": "up", "icmp 14/0": "up", "icmp 18/0": "up", "icmp 16/0": "up",
    "icmp 3/3": "closed", "icmp6 1/4": "closed", "icmp 3/13": "filtered", "icmp 3/9": "filtered",
    "icmp 3/10": "filtered", "icmp6 1/1": "filtered",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clock:
    """What the inputs' times mean: the least of all inputs' clocks."""

    kind: examined.Clock

    def absolute(self, ns: int) -> int | None:
        """Return a time since the epoch, None where the clock is not of the epoch."""
        return ns if self.kind == "epoch" else None

    def text(self, ns: int) -> str | None:
        """Return a time as an input without an epoch clock writes it."""
        if self.kind == "epoch":
            return None
        seconds, rest = divmod(ns, 1_000_000_000)
        if self.kind == "since-boot":
            return f"{seconds}.{rest // 1000:06d}"
        start = datetime(ASSUMED_LEAP_YEAR if self.kind == "no-year" else 1970, 1, 1, tzinfo=UTC)
        moment = start + timedelta(seconds=seconds)
        form = "%m/%d-%H:%M:%S" if self.kind == "no-year" else "%H:%M:%S"
        return f"{moment.strftime(form)}.{rest // 1000:06d}"


def clock_of(inputs: Iterable[Provenance]) -> Clock:
    """Return the clock of a case: of the epoch only if every input's is."""
    kinds = {one.clock for one in inputs if one.packets}
    for kind in ("since-boot", "time-of-day", "no-year"):
        if kind in kinds:
            return Clock(kind)
    return Clock("epoch")


def build_input(one: Provenance) -> examined.Input:
    """Return the report's entry of an input."""
    clock = Clock(one.clock)  # type: ignore[arg-type]
    known = one.first_ns is not None and one.last_ns is not None
    return examined.Input(
        name=one.name,
        sha256=one.sha256,
        bytes=one.bytes,
        format=one.format,
        link_types=tuple(one.link_types),
        packets=one.packets,
        first_ns=clock.absolute(one.first_ns) if one.first_ns is not None else None,
        last_ns=clock.absolute(one.last_ns) if one.last_ns is not None else None,
        duration_ns=one.last_ns - one.first_ns if known else None,  # type: ignore[operator]
        first_text=clock.text(one.first_ns) if one.first_ns is not None else None,
        clock=clock.kind,
        unseen=tuple(one.unseen),
        damage=tuple(examined.Damage(each.packet, each.byte, each.what) for each in one.damage),
        damage_total=one.damage_total,
        notes=tuple(one.notes),
    )


def build_scan(found: Concluded, clock: Clock, rules: RuleSet, *, rows: int) -> d.Scan:
    """Return the report's entry of a scan or flood; ``rows``: how many probes its pictures may draw."""
    subject, parts = found.subject, found.subject.parts
    main = subject.main
    names = {_protocol(part) for part in parts}
    protocol = names.pop() if len(names) == 1 else "mixed"
    first, last = min(part.first_ns for part in parts), max(part.last_ns for part in parts)
    widest = max(parts, key=lambda part: part.targets_total)
    return d.Scan(
        id=subject.id,
        shape=subject.shape,
        protocol=protocol,
        parts=tuple(map(_part, parts, found.part_prints)),
        control_bits=_bits(main) if protocol == "tcp" else None,
        probes=found.scan.probes,
        first_ns=clock.absolute(first) if main.has_time else None,
        last_ns=clock.absolute(last) if main.has_time else None,
        duration_ns=last - first if main.has_time else None,
        first_text=clock.text(first) if main.has_time else None,
        sources=_sources(found),
        sources_total=subject.sources_total,
        targets=tuple(d.Target(one.address, one.probes) for one in widest.targets[:PARTIES_SHOWN]),
        targets_total=widest.targets_total,
        ports=_ports(sorted(set().union(*(part.ports for part in parts)))),
        toolmarks=tuple(_marks(found)),
        markprint=d.Markprint(*found.part_prints[0]),
        maker=_maker(found.maker, rules),
        sender=_sender(found.conclusions),
        answers=_answers(found),
        purposes=tuple(
            d.Purpose(one.id, one.statement, one.weight, one.for_, one.against, one.settled_by)
            for one in found.conclusions.purposes
        ),
        drawn=drawn_of(main, found.part_marks[0], rows),
        direction=direction_of(subject),
        tunnels=build_tunnels(found.tunnels),
        tunnels_total=len(found.tunnels),
    )


def build_claims(concluded: Iterable[Concluded]) -> tuple[d.Claim, ...]:
    """Return the claims of all scans, numbered."""
    every: list[Claim] = [claim for found in concluded for claim in found.conclusions.claims]
    return tuple(
        d.Claim(
            id=f"C{number}",
            about=claim.about,
            statement=claim.statement,
            confidence=claim.confidence,
            for_=claim.for_,
            against=claim.against,
            settled_by=claim.settled_by,
            packets=_packets(claim.packets),
        )
        for number, claim in enumerate(every, 1)
    )


def build_campaigns(concluded: Iterable[Concluded], rules: RuleSet) -> tuple[d.Campaign, ...]:
    """Return the campaigns among scans, numbered."""
    known = frozenset(
        (one.field, v) for rule in rules for mode in rule.modes for one in mode.expects for v in one.values
    )
    found = assess_campaigns([one.subject for one in concluded], known)
    return tuple(
        d.Campaign(f"K{number}", one.scans, one.statement, one.log10_chance, one.why)
        for number, one in enumerate(found, 1)
    )


def build_tunnels(tunnels: Sequence[Tunnel]) -> tuple[d.Tunnel, ...]:
    """Return the report's entries of the largest tunnels."""
    return tuple(
        d.Tunnel(_tunnel_kind(one), one.source, one.target, one.ttls, one.packets) for one in tunnels[:PARTIES_SHOWN]
    )


def _tunnel_kind(tunnel: Tunnel) -> d.TunnelKind:
    if tunnel.protocol == IPIP:
        return "ipip" if tunnel.version == 4 else "4in6"
    if tunnel.protocol == IP6_IN_IP:
        return "6in4" if tunnel.version == 4 else "6in6"
    return "gre"


def build_unseen(inputs: Sequence[Provenance]) -> tuple[d.Unseen, ...]:
    """Return what no input can show, with what would show it."""
    used = [one for one in inputs if one.packets]
    if not used:
        return ()
    hidden = set.intersection(*(set(one.unseen) for one in used))
    found = [d.Unseen(name, "a capture of the packets") for name in sorted(hidden)]
    if any(one.clock != "epoch" for one in used):
        found.append(d.Unseen("the date", "a log with years, or --year where only that is missing"))
    return tuple(found)


def _protocol(part: Dossier) -> str:
    evidence = part.field("ip_proto")
    return part.protocol_name if evidence is None or evidence.constant is not None else "mixed"


def _bits(part: Dossier) -> tuple[str, ...] | None:
    return control_bits(part.control_bits) if part.control_bits is not None else None


def _part(part: Dossier, markprint: tuple[str, str]) -> d.Part:
    icmp = d.IcmpKind(*part.icmp) if part.icmp is not None else None
    return d.Part(_protocol(part), _bits(part), icmp, part.probes, d.Markprint(*markprint))


def _sources(found: Concluded) -> tuple[d.Source, ...]:
    probes: dict[str, int] = {}
    for part in found.subject.parts:
        for party in part.sources:
            probes[party.address] = probes.get(party.address, 0) + party.probes
    largest = sorted(probes.items(), key=lambda item: (-item[1], item[0]))[:PARTIES_SHOWN]
    spoofing = found.conclusions.spoofing
    return tuple(d.Source(address, count, spoofing.of(address)) for address, count in largest)


def _ports(ports: Sequence[int]) -> d.Ports | None:
    if not ports:
        return None
    runs: list[list[int]] = []
    for port in ports:
        if runs and port == runs[-1][1] + 1:
            runs[-1][1] = port
        else:
            runs.append([port, port])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in runs[:RANGES_SHOWN]]
    return d.Ports(len(ports), ",".join(texts) + (",..." if len(runs) > RANGES_SHOWN else ""))


def _marks(found: Concluded) -> Iterable[d.Toolmark]:
    """Yield the marks of all kinds of probe, the others' statements led by their kind."""
    number = 0
    several = len(found.subject.parts) > 1
    for part, marks, markprint in zip(found.subject.parts, found.part_marks, found.part_prints, strict=True):
        label = _part(part, markprint).label
        for mark in marks:
            number += 1
            yield d.Toolmark(
                id=f"{found.subject.id}.M{number}",
                kind=mark.kind,
                statement=f"{label}: {mark.statement}" if several else mark.statement,
                name=mark.name,
                fields=mark.fields,
                held=mark.held,
                seen=mark.seen,
                sampled=mark.sampled,
                log10_chance=round(mark.log10_chance, 3) + 0.0,
                level=mark.level,
                packets=_packets(mark.packets),
            )


def _packets(ids: Iterable[int]) -> tuple[d.PacketRef, ...]:
    return tuple(d.PacketRef(int(one) >> INPUT_SHIFT, int(one) & NUMBER_MASK) for one in ids)


def _maker(maker: Maker, rules: RuleSet) -> d.Maker:
    conclusion = maker.conclusion if maker.conclusion != "elimination" else "inconclusive"
    return d.Maker(
        kind=maker.kind,
        kind_why=maker.kind_why,
        conclusion=conclusion,
        tool=maker.tool,
        version=maker.version,
        confidence=round(maker.confidence, 4),
        tools=tuple(
            d.ToolVerdict(
                tool=one.tool,
                name=rules.by_id[one.tool].name,
                kind=rules.by_id[one.tool].kind,
                version=maker.version if one.tool == maker.tool else None,
                conclusion=one.conclusion,
                reason=one.reason,
                agrees=one.agrees,
                disagrees=one.disagrees,
                silent=one.silent,
                settings_needed=one.settings_needed,
                price_log10=_rounded(one.price_log10),
                log10_chance=_rounded(one.log10_chance),
                packets=(),
            )
            for one in maker.tools
        ),
        parameters={
            name: d.Parameter(one.value, round(one.confidence, 4), one.checked)
            for name, one in sorted(maker.parameters.items())
        },
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3) + 0.0


def _sender(conclusions: Conclusions) -> d.Sender:
    distance, spoofing, one = conclusions.distance, conclusions.spoofing, conclusions.one_sender
    return d.Sender(
        hops=tuple(d.Hop(each.initial_ttl, each.hops, each.weight, each.why) for each in distance.hypotheses),
        hops_reason=distance.reason,
        spoofing=d.Spoofing(
            spoofing.verdict, round(spoofing.confidence, 4), spoofing.reasons, spoofing.log10_odds, SPOOFING_PRIOR
        ),
        one_sender=d.OneSender(one.verdict, round(one.confidence, 4), one.reasons),
    )


def _answers(found: Concluded) -> d.Answers:
    heard, conclusions = found.heard, found.conclusions
    return d.Answers(
        seen=tuple(
            d.AnswerSeen(_STATES.get(answer, "unclear"), answer, count, _ports(heard.ports.get(answer, ())))
            for answer, count in sorted(heard.counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        answered_probes=heard.answered,
        both_ways=heard.both_ways,
        predicted=tuple(
            d.Predicted(one.stack, one.state, one.answer, one.source, one.rule, one.basis)
            for one in conclusions.predicted
        ),
        remembered=tuple(
            d.Remembered(one.firewall, one.creates_state, one.verdict, one.source, one.entry, one.meets, one.logged)
            for one in conclusions.remembered
        ),
        reach=conclusions.reach.text,
        told=tuple(
            d.Told(one.answer, one.packets, _ports(one.ports), one.meaning, one.why) for one in conclusions.reach.told
        ),
        distinguishes=tuple(
            d.Distinguished(one.stack, one.groups, one.alive) for one in conclusions.reach.distinguishes
        ),
    )
