"""Fields that have the same value in every probe.

The chance is that of independent uniform values, for fields a sender is free to choose for each packet. What a
protocol, a target list or every sender's habit keeps constant anyway (version, protocol, flags, addresses, TOS,
lengths) has chance 0 in log10: it is stated, and proves nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.marks.base import Level, MarkKind, Toolmark
from craftmark.marks.chance import FREE, same_value
from craftmark.marks.sequences import packets_with
from craftmark.marks.wording import value_text
from craftmark.packets.fields import ACK_BIT, FIELDS, fields_of

if TYPE_CHECKING:
    from craftmark.evidence.dossier import Dossier, FieldEvidence

#: Values that single out a run or an operator, where they are not 0.
_INDIVIDUAL: Final = frozenset({
    "tcp_sport", "tcp_seq", "tcp_ack", "udp_sport", "icmp_id", "icmp6_id", "sctp_sport", "sctp_vtag",
})  # fmt: skip
_SUBCLASS: Final = frozenset({"ip_id", "ip_tos", "tcp_win", "tcp_urp", "ip6_flow", "tcp_reserved", "ip_frag"})

#: Said by other families, or by the scan itself.
_ELSEWHERE: Final = frozenset({
    "ip_src", "ip_version", "ip_ttl", "tcp_off", "tcp_options", "tcp_mss", "tcp_wscale", "tcp_tsval", "tcp_tsecr",
    "payload_len", "payload_hash", "payload_head",
})  # fmt: skip
_USUAL: Final = {"ip_ihl": 5, "ip_frag": 0, "tcp_reserved": 0}


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return a mark for each constant field in header order, and one for a constant payload."""
    marks = []
    for field in fields_of(dossier.protocol):
        evidence = dossier.field(field.name)
        if evidence is None or evidence.constant is None or field.name in _ELSEWHERE:
            continue
        if _USUAL.get(field.name) != evidence.constant:
            marks += _constant(dossier, evidence, evidence.constant)
    return marks + _payload(dossier)


def _constant(dossier: Dossier, evidence: FieldEvidence, value: int) -> list[Toolmark]:
    name = evidence.name
    text = value_text(name, value)
    if name == "ip_dst" and dossier.ip_version == 6:
        if dossier.targets_total != 1 or not dossier.targets:
            return []
        text = dossier.targets[0].address
    free = name in FREE and not _empty_by_habit(dossier, name, value)
    chance = same_value(evidence.seen, FIELDS[name].bits) if free else 0.0
    return [_mark(dossier, evidence, f"{name} = {text}", chance=chance, level=_level(name, value))]


def _empty_by_habit(dossier: Dossier, name: str, value: int) -> bool:
    """Tell whether a field is 0 because it means nothing in these packets (RFC 9293, RFC 6864, RFC 6437)."""
    if value != 0:
        return False
    if name == "tcp_ack":
        return dossier.control_bits is None or not dossier.control_bits & ACK_BIT
    return name in ("ip_id", "ip6_flow")


def _level(name: str, value: int) -> Level:
    if value and name in _INDIVIDUAL:
        return "individual"
    return "subclass" if value and name in _SUBCLASS else "class"


def _payload(dossier: Dossier) -> list[Toolmark]:
    length, content = dossier.field("payload_len"), dossier.field("payload_hash")
    if length is None or not length.constant:
        return []
    if content is None or content.constant is None:
        return [_mark(dossier, length, f"payload_len = {length.constant}", kind="payload")]
    text = f"payload = the same {length.constant:,} octets (hash of the first 64: 0x{content.constant:08X})"
    fields = ("payload_len", "payload_hash")
    return [_mark(dossier, content, text, kind="payload", level="subclass", fields=fields)]


def _mark(  # noqa: PLR0913 - what a mark consists of
    dossier: Dossier,
    evidence: FieldEvidence,
    statement: str,
    *,
    kind: MarkKind = "constant",
    chance: float = 0.0,
    level: Level = "class",
    fields: tuple[str, ...] = (),
) -> Toolmark:
    return Toolmark(
        kind=kind,
        statement=statement,
        fields=fields or (evidence.name,),
        held=evidence.seen,
        seen=evidence.seen,
        log10_chance=chance,
        level=level,
        values=(evidence.minimum,),
        packets=packets_with(dossier, evidence.name),
    )
