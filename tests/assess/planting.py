"""Planted scans: packets given field by field, and the subject that a scan of them would be."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from ipaddress import IPv4Address
from operator import and_, or_

import numpy as np

from craftmark.assess.base import AnswersSeen, MakerView, Subject
from craftmark.evidence.dossier import Dossier, FieldEvidence, Party
from craftmark.packets.batch import empty_batch
from craftmark.packets.fields import FIELDS, PRESENT, TCP, visibility_bit


def plant_batch(columns, *, gap_ns=1_000_000):
    rows = max(np.size(values) for values in columns.values())
    batch = empty_batch(rows)
    for name, values in columns.items():
        batch.words[:, FIELDS[name].word] = values
        batch.words[:, PRESENT] |= np.uint32(visibility_bit(FIELDS[name].word))
    batch.ts_ns[:] = np.arange(rows) * gap_ns
    batch.packet_id[:] = np.arange(1, rows + 1)
    return batch


def field_evidence(batch, name):
    values = batch.column(name)[batch.present(name)].tolist()
    return FieldEvidence(
        name=name, seen=len(values), unseen=0, absent=len(batch) - len(values), minimum=min(values),
        maximum=max(values), always_one=reduce(and_, values), ever_one=reduce(or_, values),
        stride=int(np.gcd.reduce(np.abs(np.diff(np.array(values, np.int64))))) if len(values) > 1 else 0,
        distinct=len(set(values)),
    )  # fmt: skip


def parties(values):
    counts = Counter(values.tolist())
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Party(str(IPv4Address(one)), number) for one, number in order)


def plant_dossier(columns, *, protocol=TCP, control_bits=2, icmp=None, gap_ns=1_000_000):
    columns = {"ip_src": 0xC0000202, "ip_dst": 0xC6336401, **columns}
    batch = plant_batch(columns, gap_ns=gap_ns)
    sources, targets = parties(batch.column("ip_src")), parties(batch.column("ip_dst"))
    port = {6: "tcp_dport", 17: "udp_dport"}.get(protocol)
    ports = tuple(sorted(set(batch.column(port).tolist()))) if port in columns else ()
    return Dossier(
        protocol=protocol, control_bits=control_bits if protocol == TCP else None, icmp=icmp, ip_version=4,
        probes=len(batch), first_ns=0, last_ns=int(batch.ts_ns[-1]), has_time=True, layout=(),
        fields={name: field_evidence(batch, name) for name in columns}, relations={}, sources=sources,
        sources_total=len(sources), targets=targets, targets_total=len(targets), targets_exact=True, ports=ports,
        ports_total=len(ports), sample=batch, sampled=False, consecutive=batch,
    )  # fmt: skip


def plant_subject(columns, *, shape="port", maker=None, answers=None, is_flood=False, **more):
    part = plant_dossier(columns, **more)
    return Subject(
        "S1", shape, (part,), maker=maker or MakerView(), answers=answers or AnswersSeen(), is_flood=is_flood
    )


#: Sources of one network, and of six.
NEAR = 0xC0000200 + np.arange(5)  # one network
WIDE = np.array([0x05060708, 0x2D010203, 0x4D808080, 0x80112233, 0xB0C0D0E0, 0xC8010203])  # six networks


def decoys(sources, ports):
    """Columns of a scan with decoys: each port probed once from every source, with one draw of the values."""
    rng = np.random.default_rng(20)
    burst = len(sources)
    drawn = {name: np.repeat(rng.integers(1, 65535, ports), burst) for name in ("ip_id", "tcp_sport")}
    ttls = rng.integers(37, 60, ports * burst) - 4
    return {
        "ip_src": np.tile(sources, ports), "tcp_dport": np.repeat(np.arange(ports), burst), "tcp_seq": 7, "tcp_ack": 0,
        "ip_ttl": ttls, **drawn,
    }  # fmt: skip
