"""Dossiers by brute force: straight from the definitions in evidence/dossier.py, one NumPy call per number.

Also usable as the independent twin of the evidence code: it never folds, merges or samples.
"""

from __future__ import annotations

from collections import Counter
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.evidence.dossier import Dossier, FieldEvidence, Party, RelationEvidence
from craftmark.packets.batch import PacketBatch, empty_batch, source_text, target_text
from craftmark.packets.expressions import parse
from craftmark.packets.fields import (
    DPORT,
    FIELDS,
    ICMP,
    ICMP6,
    IP_IHL,
    IP_VERSION,
    IPV4_WORDS,
    NOTE_NO_TIME,
    NOTES,
    PAYLOAD_WORDS,
    PRESENT,
    PROTOCOL,
    SCTP,
    SPORT,
    TCP,
    TCP_FLAGS,
    TCP_OFF,
    TCP_OPTIONS,
    TCP_OPTIONS_LOW,
    TCP_WORDS,
    UDP,
    UDP_LEN,
    UDP_SUM,
    encode_layout,
    fields_of,
    option_layout,
    visibility_mask,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_TRANSPORT = {TCP: TCP_WORDS, UDP: (SPORT, DPORT, UDP_LEN, UDP_SUM)}


def probes(
    count: int, *, protocol: int = TCP, layout: tuple[str, ...] = (), gap_ns: int = 1_000_000, **columns: Any
) -> PacketBatch:
    """Return IPv4 packets, all fields of their protocol present; columns by field name, one value or one for each."""
    batch = empty_batch(count)
    words = batch.words
    words[:, PROTOCOL], words[:, IP_VERSION], words[:, IP_IHL], words[:, TCP_OFF] = protocol, 4, 5, 5
    names = [name for name in columns if FIELDS[name].word not in _TRANSPORT.get(protocol, ())]
    shown = (*IPV4_WORDS, *_TRANSPORT.get(protocol, (13, 14, 15, 16)), *PAYLOAD_WORDS)
    words[:, PRESENT] = visibility_mask(*shown, *(FIELDS[name].word for name in names))
    words[:, TCP_OPTIONS], words[:, TCP_OPTIONS_LOW] = encode_layout(layout)
    for name, values in columns.items():
        words[:, FIELDS[name].word] = np.asarray(values).astype(np.uint32)
    batch.ts_ns[:] = 958_842_405_061_034_000 + np.arange(count) * gap_ns
    batch.packet_id[:] = 1 + np.arange(count)
    return batch


def dossier_from_batch(batch: PacketBatch, relations: Iterable[str] = ()) -> Dossier:
    """Return the dossier of packets that are all of one kind of probe."""
    batch = batch.take(np.lexsort((batch.packet_id, batch.ts_ns)))
    words = batch.words
    protocol = int(words[0, PROTOCOL])
    sources = [source_text(row) for row in words]
    targets = [target_text(row) for row in words]
    port_field = {TCP: "tcp_dport", UDP: "udp_dport", SCTP: "sctp_dport"}.get(protocol)
    ports = sorted(set(batch.column(port_field)[batch.present(port_field)].tolist())) if port_field else []
    flags = set(words[:, TCP_FLAGS].tolist()) if protocol == TCP and batch.present("tcp_flags").all() else set()
    kinds = {(int(row[SPORT]), int(row[DPORT])) for row in words} if protocol in (ICMP, ICMP6) else set()
    timed = batch.ts_ns[(words[:, NOTES] & NOTE_NO_TIME) == 0]
    return Dossier(
        protocol=protocol,
        control_bits=flags.pop() if len(flags) == 1 else None,
        icmp=kinds.pop() if len(kinds) == 1 else None,
        ip_version=int(words[0, IP_VERSION]),
        probes=len(batch),
        first_ns=int(timed.min()) if len(timed) else 0,
        last_ns=int(timed.max()) if len(timed) else 0,
        has_time=len(timed) == len(batch),
        layout=_layout(batch, protocol),
        fields={field.name: field_evidence(batch, field.name) for field in fields_of(protocol)},
        relations={text: relation_evidence(batch, text) for text in (str(parse(text)) for text in relations)},
        sources=_parties(sources),
        sources_total=len(set(sources)),
        targets=_parties(targets),
        targets_total=len(set(targets)),
        targets_exact=True,
        ports=tuple(ports),
        ports_total=len(ports),
        sample=batch,
        sampled=False,
        consecutive=batch,
    )


def field_evidence(batch: PacketBatch, name: str) -> FieldEvidence:
    """Return the evidence of one field, all values at hand."""
    seen, unseen = batch.present(name), batch.unseen(name)
    values = [int(value) for value in batch.column(name)[seen]]
    always, ever, stride = 0xFFFFFFFF if values else 0, 0, 0
    for value in values:
        always, ever, stride = always & value, ever | value, gcd(stride, value - values[0])
    return FieldEvidence(
        name=name,
        seen=len(values),
        unseen=int(unseen.sum()),
        absent=int((~seen & ~unseen).sum()),
        minimum=min(values, default=0),
        maximum=max(values, default=0),
        always_one=always,
        ever_one=ever,
        stride=stride,
        distinct=len(set(values)),
    )


def relation_evidence(batch: PacketBatch, text: str) -> RelationEvidence:
    """Return in how many packets a relation held, or whether an expression had one value."""
    expression = parse(text)
    values = expression.evaluate(batch)[expression.seen(batch)].tolist()
    if expression.is_equation:
        return RelationEvidence(text, len(values), sum(values), None)
    is_one = len(set(values)) == 1
    return RelationEvidence(text, len(values), len(values) if is_one else 0, int(values[0]) if is_one else None)


def _layout(batch: PacketBatch, protocol: int) -> tuple[str, ...] | None:
    if protocol != TCP or not batch.present("tcp_options").all():
        return None
    layouts = {option_layout(int(row[TCP_OPTIONS]), int(row[TCP_OPTIONS_LOW])) for row in batch.words}
    return layouts.pop() if len(layouts) == 1 else None


def _parties(addresses: list[str]) -> tuple[Party, ...]:
    return tuple(
        Party(address, count) for address, count in sorted(Counter(addresses).items(), key=lambda x: (-x[1], x[0]))
    )
