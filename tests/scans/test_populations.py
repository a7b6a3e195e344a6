"""Two tools behind one address whose packets have one form are told apart; one tool with several values is not."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.fold import Evidence
from craftmark.evidence.populations import Population, dossier_of_population
from craftmark.packets import fields as f
from craftmark.packets.batch import join
from craftmark.scans.populations import populations_of
from craftmark.scans.scans import find
from tests.marks.dossiers import probes

SHAPES = frozenset({(2, 1, 1, 0)})


def scanner(seed, count, **columns):
    rng = np.random.default_rng(seed)
    given = {
        "ip_src": 0xC0000202, "ip_dst": 0xC6120000 + rng.permutation(count), "tcp_flags": 2, "tcp_dport": 80,
        "tcp_seq": rng.integers(1, 1 << 32, count), "ip_ttl": 251,
    } | columns  # fmt: skip
    return probes(count, **given)


def like_zmap(count):
    sports = np.random.default_rng(3).integers(32768, 61000, count)
    return scanner(1, count, ip_id=54321, tcp_sport=sports, tcp_win=65535)


def like_masscan(count):
    return scanner(2, count, ip_id=np.random.default_rng(4).integers(0, 65536, count), tcp_sport=45678, tcp_win=1024)


def finished_of(*batches, budget=10**6):
    batch = join(batches)
    batch.packet_id[:] = np.arange(1, len(batch) + 1) + (1 << 40)
    evidence = Evidence(budget=budget)
    evidence.update(batch)
    return evidence.finish()


def test_two_tools_of_one_form_are_two_scans():
    found = find(finished_of(like_zmap(300), like_masscan(500)), SHAPES)
    assert [(scan.probes, scan.population) for scan in found.scans] == [
        (500, Population(f.TCP_WIN, 1024)),
        (300, Population(f.TCP_WIN, 65535)),
    ]
    assert found.scans_total == 2
    assert found.traffic["probe"] == 800


def test_the_evidence_of_each_is_its_own():
    finished = finished_of(like_zmap(300), like_masscan(500))
    strands = np.arange(len(finished))
    zmap = dossier_of_population(finished, strands, Population(f.TCP_WIN, 65535))
    assert (zmap.probes, zmap.sampled) == (300, False)
    assert zmap.fields["ip_id"].constant == 54321
    assert zmap.fields["tcp_sport"].constant is None


def test_of_a_sample_the_probes_are_estimated():
    finished = finished_of(like_zmap(3000), like_masscan(9000), budget=5000)
    assert not finished.complete.any()
    found = find(finished, SHAPES)
    assert [scan.probes for scan in found.scans] == [pytest.approx(9000, rel=0.1), pytest.approx(3000, rel=0.25)]
    dossier = dossier_of_population(finished, np.arange(len(finished)), Population(f.TCP_WIN, 1024))
    assert dossier.sampled


def test_windows_drawn_by_one_tool_part_nothing():
    """nmap until 2011: one of four windows and any of 23 TTLs, one port, one sequence number."""
    rng = np.random.default_rng(8)
    ttl = rng.integers(37, 60, 400)
    one = scanner(
        5,
        400,
        tcp_win=1024 * (1 + ttl % 4),
        ip_ttl=ttl - 4,
        tcp_sport=50001,
        tcp_seq=77,
        ip_id=rng.integers(0, 65536, 400),
    )
    finished = finished_of(one)
    assert populations_of(finished, np.arange(len(finished))) == ()


def test_a_handful_of_strangers_parts_nothing():
    finished = finished_of(like_zmap(300), like_masscan(8))
    assert populations_of(finished, np.arange(len(finished))) == ()
