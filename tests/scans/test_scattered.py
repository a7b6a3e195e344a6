"""Scans of which each source sent one packet."""

from __future__ import annotations

import numpy as np

from craftmark.packets import fields as f
from tests.scans.traffic import MS, Traffic, host


def single_packets(targets, *, count=300, **words):
    """One SYN without options from each of many made-up sources."""
    traffic = Traffic()
    rng = np.random.default_rng(5)
    for number in range(count):
        source, target = host("5.0.0.0", int(rng.integers(1 << 28))), host("198.51.0.0", int(rng.integers(targets)))
        ports = int(rng.integers(1024, 65536)), int(rng.integers(1, 65536))
        traffic.tcp(number * MS, source, target, ports, f.SYN, **{name: draw(rng) for name, draw in words.items()})
    return traffic.found()


def test_made_up_sources_at_one_address_are_one_scan():
    assert [scan.probes for scan in single_packets(1, count=60).scans] == [60]


def test_made_up_sources_over_a_block_are_one_scan_also_where_few_met_at_an_address():
    found = single_packets(100)
    assert [scan.probes for scan in found.scans] == [300]
    assert found.traffic["ordinary"] == 0


def test_single_packets_of_many_forms_are_no_scan():
    found = single_packets(30_000, ip_ttl=lambda rng: rng.integers(256), tcp_win=lambda rng: rng.integers(65536))
    assert found.scans == ()
