"""Small dossiers made by hand: columns of header values in, finished evidence out.

Written from the definitions in evidence/dossier.py, apart from the fold that makes real ones.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.dossier import Dossier, FieldEvidence, Party, RelationEvidence
from craftmark.packets.batch import PacketBatch, empty_batch, source_text, target_text
from craftmark.packets.expressions import parse
from craftmark.packets.fields import (
    ICMP,
    IP_VERSION,
    PRESENT,
    PROTOCOL,
    TCP,
    TCP_OPTIONS_LOW,
    UDP,
    encode_layout,
    fields_of,
    visibility_bit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike

SOURCE = 0xC0000202  # 192.0.2.2
TARGET = 0xC633640A  # 198.51.100.10
PORTS = {TCP: ("tcp_sport", "tcp_dport"), UDP: ("udp_sport", "udp_dport"), 132: ("sctp_sport", "sctp_dport")}


def tcp(probes: int, bits: int = 2, options: Sequence[str] = (), **columns: ArrayLike) -> Dossier:
    """Return a dossier of TCP probes; columns by field name, numbers or one per probe."""
    high, low = encode_layout(tuple(options))
    given = {
        "tcp_flags": bits, "tcp_seq": 0, "tcp_ack": 0, "tcp_win": 1024, "tcp_urp": 0, "tcp_reserved": 0,
        "tcp_options": high, "tcp_sport": 40000, "tcp_dport": np.arange(1, probes + 1), **columns,
    }  # fmt: skip
    return dossier(TCP, probes, given, layout=tuple(options), low=low)


def udp(probes: int, **columns: ArrayLike) -> Dossier:
    """Return a dossier of UDP probes."""
    given = {"udp_sport": 40000, "udp_dport": np.arange(1, probes + 1), "udp_sum": 0x1234, "payload_len": 0, **columns}
    return dossier(UDP, probes, given)


def icmp(probes: int, kind: tuple[int, int] = (8, 0), **columns: ArrayLike) -> Dossier:
    """Return a dossier of ICMP probes."""
    given = {"icmp_type": kind[0], "icmp_code": kind[1], "icmp_id": 1, "icmp_seq": 0, "payload_len": 0, **columns}
    return dossier(ICMP, probes, given, icmp_kind=kind)


def other(protocol: int, probes: int, **columns: ArrayLike) -> Dossier:
    """Return a dossier of probes of an IP protocol without ports."""
    return dossier(protocol, probes, {"payload_len": 0, **columns})


def dossier(
    protocol: int,
    probes: int,
    columns: Mapping[str, ArrayLike],
    *,
    layout: tuple[str, ...] | None = None,
    low: int = 0,
    icmp_kind: tuple[int, int] | None = None,
) -> Dossier:
    """Return the finished evidence of probes given by columns; a field that is not given is unseen."""
    base = {"ip_src": SOURCE, "ip_dst": TARGET, "ip_proto": protocol, "ip_version": 4, "ip_tos": 0, "ip_flags": 0,
            "ip_ttl": 60, "ip_id": 0}  # fmt: skip
    batch = _batch(protocol, probes, {**base, **columns}, low)
    fields = {field.name: _field(field.name, batch) for field in fields_of(protocol)}
    sources, targets = _parties(batch, "ip_src"), _parties(batch, "ip_dst")
    port = PORTS.get(protocol, ("", ""))[1]
    ports = tuple(sorted(set(batch.column(port).tolist()))) if port else ()
    flags = fields.get("tcp_flags")
    return Dossier(
        protocol=protocol, control_bits=flags.constant if flags and flags.seen else None, icmp=icmp_kind,
        ip_version=4, probes=probes, first_ns=0, last_ns=probes * 1_000_000, has_time=True,
        layout=layout if "tcp_options" in columns else None, fields=fields, relations={},
        sources=sources, sources_total=len(sources), targets=targets, targets_total=len(targets), targets_exact=True,
        ports=ports, ports_total=len(ports), sample=batch, sampled=False, consecutive=batch,
    )  # fmt: skip


def with_relations(made: Dossier, texts: Iterable[str]) -> Dossier:
    """Return the dossier with these relations counted over its probes."""
    from dataclasses import replace

    return replace(made, relations={text: _relation(text, made.sample) for text in texts})


def unseen(made: Dossier, *names: str) -> Dossier:
    """Return the dossier as an input would give it that cannot show these fields."""
    from dataclasses import replace

    hidden = {name: replace(made.fields[name], seen=0, unseen=made.probes) for name in names}
    words = made.sample.words.copy()
    for name in names:
        words[:, PRESENT] &= np.uint32(0xFFFFFFFF ^ visibility_bit(_word(name)))
    batch = PacketBatch(words, made.sample.ts_ns, made.sample.packet_id)
    bits = None if "tcp_flags" in names else made.control_bits
    layout = None if "tcp_options" in names else made.layout
    return replace(
        made, fields={**made.fields, **hidden}, sample=batch, consecutive=batch, control_bits=bits, layout=layout
    )


def _word(name: str) -> int:
    from craftmark.packets.fields import FIELDS

    return FIELDS[name].word


def _batch(protocol: int, probes: int, columns: Mapping[str, ArrayLike], low: int) -> PacketBatch:
    batch = empty_batch(probes)
    batch.words[:, PROTOCOL] = protocol
    for name, values in columns.items():
        batch.column(name)[:] = np.asarray(values).astype(np.uint32)
        batch.words[:, PRESENT] |= np.uint32(visibility_bit(_word(name)))
    if protocol == TCP:
        batch.words[:, TCP_OPTIONS_LOW] = low
    batch.words[:, IP_VERSION] = 4
    batch.ts_ns[:] = np.arange(probes) * 1_000_000
    batch.packet_id[:] = np.arange(1, probes + 1)
    return batch


def _field(name: str, batch: PacketBatch) -> FieldEvidence:
    values = [int(value) for value in batch.column(name)[batch.present(name)]]
    if not values:
        return FieldEvidence(name, 0, len(batch), 0, 0, 0, 0, 0, 0, 0)
    ones, ever, stride = values[0], 0, 0
    for value in values:
        ones, ever, stride = ones & value, ever | value, gcd(stride, value - values[0])
    least, most = min(values), max(values)
    hidden = len(batch) - len(values)
    return FieldEvidence(name, len(values), hidden, 0, least, most, ones, ever, stride, len(set(values)))


def _parties(batch: PacketBatch, name: str) -> tuple[Party, ...]:
    text = source_text if name == "ip_src" else target_text
    counts: dict[str, int] = {}
    for row in batch.words:
        counts[text(row)] = counts.get(text(row), 0) + 1
    return tuple(Party(address, count) for address, count in sorted(counts.items(), key=lambda item: -item[1]))


def _relation(text: str, batch: PacketBatch) -> RelationEvidence:
    expression = parse(text)
    seen = expression.seen(batch)
    values = expression.evaluate(batch)[seen]
    if expression.is_predicate:
        return RelationEvidence(text, int(seen.sum()), int(values.sum()), None)
    same = len(values) > 0 and bool((values == values[0]).all())
    return RelationEvidence(text, int(seen.sum()), int(seen.sum()) if same else 0, int(values[0]) if same else None)
