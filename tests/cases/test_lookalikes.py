"""Headers anybody can copy: a sweep with all of ZMap's, in an order that is no walk of its, is not named ZMap."""

from __future__ import annotations

from ipaddress import ip_address

import numpy as np
import pytest

from craftmark import examine
from craftmark.packets import fields as f
from tests.cases.captures import KEPT
from tests.scans.traffic import MS, SCANNER, Traffic

BLOCK = int(ip_address("20.0.0.0"))


@pytest.fixture
def lookalike(tmp_path):
    """Return what writes a shuffled sweep with the headers of ZMap 3 over so many targets of a /8."""

    def make(targets):
        rng = np.random.default_rng(targets)
        traffic = Traffic()
        for number, place in enumerate(rng.choice(1 << 24, targets, replace=False).tolist()):
            traffic.tcp(
                number * MS, SCANNER, str(ip_address(BLOCK + place)), (int(rng.integers(32768, 61001)), 80), f.SYN,
                layout=("MSS",), tcp_off=6, tcp_mss=1460, ip_len=44, ip_id=54321, tcp_win=65535, ip_ttl=250,
            )  # fmt: skip
        return traffic.write(tmp_path / f"{targets}.pcap")

    return make


def zmap_of(path):
    maker = examine(path).scans[0].maker
    return maker, next(verdict for verdict in maker.tools if verdict.tool == "zmap")


def test_a_sweep_without_zmaps_walk_is_not_named(lookalike):
    maker, verdict = zmap_of(lookalike(300))
    assert maker.tool is None
    assert verdict.conclusion == "inconclusive"
    assert "300 targets" in verdict.reason


@pytest.mark.parametrize("name", ["zmap_seed1_block24", "sid_zmap_seed42_n1500", "zmap_seed6_icmp_echo"])
def test_real_runs_are_named_by_their_walk(name):
    maker, verdict = zmap_of(KEPT / f"{name}.pcap.gz")
    assert maker.tool == "zmap"
    assert verdict.conclusion == "identification"
    assert any("walk" in line or "generator" in line for line in verdict.agrees)
