"""The shape of a scan is what it varied."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.packets.fields import ICMP, TCP, UDP
from craftmark.scans.shapes import shape_of
from tests.marks.dossiers import dossier_from_batch, probes

NUMBERS = np.arange(120)


def dossier(count=120, protocol=TCP, **columns):
    return dossier_from_batch(probes(count, protocol=protocol, **columns))


@pytest.mark.parametrize(
    ("shape", "columns"),
    [
        ("port", {"ip_dst": 5, "tcp_dport": NUMBERS}),
        ("port", {"ip_dst": NUMBERS % 3, "tcp_dport": NUMBERS // 3}),
        ("address", {"ip_dst": NUMBERS, "tcp_dport": 80}),
        ("address", {"ip_dst": NUMBERS, "tcp_dport": NUMBERS % 4}),
        ("address", {"ip_dst": NUMBERS, "tcp_dport": NUMBERS % 10}),
        ("block", {"ip_dst": NUMBERS, "tcp_dport": NUMBERS % 60}),
        ("spot", {"ip_dst": 5, "tcp_dport": 80}),
        ("path", {"ip_dst": 5, "tcp_dport": 80, "ip_ttl": 1 + NUMBERS // 10}),
    ],
)
def test_shapes_of_port_scans(shape, columns):
    assert shape_of([dossier(**columns)]) == shape


def test_pings_are_a_host_scan_or_a_spot():
    assert shape_of([dossier(protocol=ICMP, icmp_type=8, icmp_code=0, ip_dst=NUMBERS)]) == "host"
    assert shape_of([dossier(protocol=ICMP, icmp_type=8, icmp_code=0, ip_dst=7)]) == "spot"


def test_a_shuffled_ttl_is_no_path():
    ttl = np.random.default_rng(1).permutation(1 + NUMBERS // 10)
    assert shape_of([dossier(ip_dst=5, tcp_dport=80, ip_ttl=ttl)]) == "spot"


def test_many_protocols_are_a_protocol_scan():
    parts = [dossier(1, protocol=number, ip_dst=9) for number in (TCP, UDP, ICMP, 2, 47)]
    assert shape_of(parts) == "protocol"
