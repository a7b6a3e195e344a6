"""The finished evidence of one kind of probe in one scan: what marks, rules and claims are inferred from.

A scan whose act has several kinds of probe (nmap's host discovery) has one dossier for each kind. Counts in a dossier
are exact over all probes; only what needs single packets (relations, order, timing, distinct values) looks at
``sample``, which holds every probe when ``sampled`` is false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.packets.fields import ARP, ICMP, ICMP6, TCP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.packets.batch import PacketBatch


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """One header field over all probes: in how many it was seen, and what its values had in common.

    ``seen + unseen + absent`` is the number of probes. With ``seen`` 0 the other numbers mean nothing.
    ``stride`` is the greatest common divisor of all differences (0: constant; or a word that large strands do not
    watch, see evidence/strides.py). ``distinct`` counts values in the
    sample: exact when the dossier is not sampled, else a lower bound.
    """

    name: str
    seen: int
    unseen: int
    absent: int
    minimum: int
    maximum: int
    always_one: int
    ever_one: int
    stride: int
    distinct: int

    @property
    def constant(self) -> int | None:
        """The one value of the field in all probes that show it, else None."""
        return self.minimum if self.seen and self.minimum == self.maximum else None


@dataclass(frozen=True, slots=True)
class RelationEvidence:
    """One expression over the probes of the sample that show its fields.

    An equation (``a == b``) counts ``held`` of ``seen``; for any other expression ``held`` is ``seen`` if its value
    was the same in all, and ``value`` is that value (None if it varied, or for an equation).
    """

    text: str
    seen: int
    held: int
    value: int | None


@dataclass(frozen=True, slots=True)
class Party:
    """One address with the number of probes it sent or got."""

    address: str
    probes: int


@dataclass(frozen=True, slots=True)
class Dossier:
    """Finished evidence of one kind of probe in one scan.

    ``sample`` is in time order, all probes or a fair sample of them; ``consecutive`` holds runs of probes with none
    missing between (equal to ``sample`` when not sampled). ``sources`` and ``targets`` are the largest first, capped;
    totals beside them. ``ports`` are the destination ports seen, ascending (complete up to ``ports_total``).
    """

    protocol: int
    control_bits: int | None
    icmp: tuple[int, int] | None
    ip_version: int
    probes: int
    first_ns: int
    last_ns: int
    has_time: bool
    layout: tuple[str, ...] | None  # TCP option kinds in order; None if they vary, are unseen, or not TCP
    fields: Mapping[str, FieldEvidence]
    relations: Mapping[str, RelationEvidence]
    sources: tuple[Party, ...]
    sources_total: int
    targets: tuple[Party, ...]
    targets_total: int
    targets_exact: bool
    ports: tuple[int, ...]
    ports_total: int
    sample: PacketBatch
    sampled: bool
    consecutive: PacketBatch

    def field(self, name: str) -> FieldEvidence | None:
        """Return the evidence of a field, or None where this protocol has no such field or nobody could see it."""
        evidence = self.fields.get(name)
        return evidence if evidence is not None and evidence.seen else None

    @property
    def port_field(self) -> str | None:
        """Name of the destination port's field, None for protocols without ports."""
        return {TCP: "tcp_dport", 17: "udp_dport", 132: "sctp_dport"}.get(self.protocol)

    @property
    def protocol_name(self) -> str:
        """The protocol as the report spells it."""
        names = {TCP: "tcp", 17: "udp", ICMP: "icmp", ICMP6: "icmp6", 132: "sctp", ARP: "arp"}
        return names.get(self.protocol, str(self.protocol))
