"""What is over is told once, with all its packets; what goes on is carried; every packet has one role."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark import pipeline
from craftmark.run.stream import Stream
from craftmark.sources.base import Provenance
from craftmark.watch.watcher import Watcher
from tests.scans.traffic import MS, SECOND, Traffic, host

SETTINGS = pipeline.Settings(cores=1)
GROUNDS = pipeline.grounds_of(SETTINGS)
FIRST, SECOND_SCANNER = "203.0.113.66", "203.0.113.99"


def _watcher(*, idle_s=30, most=1_000_000):
    stream = Stream(GROUNDS.relations, idle_ns=idle_s * SECOND, most=most)
    watcher = Watcher(stream, GROUNDS, SETTINGS)
    provenance = Provenance("planted", packets=1)
    watcher.inputs.append(provenance)
    return watcher


def _scan(traffic, source, *, first_s, last_s, probes, answer="none"):
    """Plant an address scan; the two scanners' code differs in all that it sets."""
    how = {"sport": 41000} if source == FIRST else {"sport": 52001, "layout": (), "tcp_win": 4000, "seq": 5}
    for number in range(probes):
        at = first_s * SECOND + (last_s - first_s) * SECOND * number // probes
        target, port = host("198.51.100.0", number % 200), 22 if source == FIRST else 3389
        traffic.syn_probe(at + MS, source, target, port, answer=answer, **how)


def _two_scans(answer="none"):
    traffic = Traffic()
    _scan(traffic, FIRST, first_s=0, last_s=20, probes=100, answer=answer)
    _scan(traffic, SECOND_SCANNER, first_s=5, last_s=200, probes=190, answer=answer)
    for number in range(30):
        traffic.connect(number * 6 * SECOND, host("192.0.2.0", number), "198.51.100.250", (50_000 + number, 80))
    return traffic.batch()


def _arrive(watcher, batch):
    told = []
    for piece in watcher.stream.arrivals(batch):
        if watcher.stream.is_due:
            told += watcher.look()
        watcher.stream.update(piece)
    return told


def _watched(batch, watcher, *, rows=7):
    told = []
    for first in range(0, len(batch), rows):
        told += _arrive(watcher, batch.take(slice(first, first + rows)))
    return told, watcher.look(is_end=True)


def _senders(told):
    return {one.scan.sources[0].address: one.scan.probes for one in told}


@pytest.mark.parametrize("answer", ["none", "closed"])
def test_a_scan_is_told_when_it_is_over_and_one_that_goes_on_at_the_end_whole(answer):
    batch = _two_scans(answer)
    before, end = _watched(batch, _watcher())
    assert _senders(before) == {FIRST: 100}
    assert _senders(end) == {SECOND_SCANNER: 190}
    assert [one.scan.id for one in (*before, *end)] == ["S1", "S2"]
    assert not any(one.continues for one in (*before, *end))


@pytest.mark.parametrize("idle_s", [10, 30, 100, 100_000])
def test_all_packets_are_counted_in_one_role(idle_s):
    batch, watcher = _two_scans("closed"), _watcher(idle_s=idle_s)
    before, end = _watched(batch, watcher)
    assert sum(watcher.totals.traffic.values()) == len(batch) == watcher.stream.packets
    assert watcher.totals.traffic["probe"] == 290
    assert watcher.totals.traffic["answer"] == 290
    assert len(before) + len(end) == watcher.totals.scans == 2
    assert watcher.totals.traffic["ordinary"] == 7 * 30
    assert len(watcher.stream.evidence.strands) == 0


def test_answers_are_with_a_scan_that_goes_on():
    traffic = Traffic()
    _scan(traffic, FIRST, first_s=0, last_s=100, probes=200, answer="closed")
    watcher = _watcher(idle_s=30)
    before, end = _watched(traffic.batch(), watcher)
    assert not before
    assert end[0].scan.answers.answered_probes == 200


def test_a_scan_that_pauses_longer_is_told_again_and_says_so():
    traffic = Traffic()
    for start in (0, 100):
        _scan(traffic, FIRST, first_s=start, last_s=start + 10, probes=60)
    for second in range(0, 130, 2):
        traffic.connect(second * SECOND, host("192.0.2.0", second % 9), "198.51.100.250", (50_000 + second, 80))
    before, end = _watched(traffic.batch(), _watcher())
    assert [(one.scan.id, one.scan.probes, one.continues) for one in before] == [("S1", 60, "")]
    assert [(one.scan.id, one.scan.probes, one.continues) for one in end] == [("S2", 60, "S1")]


def test_looking_on_changes_nothing():
    batch = _two_scans("closed")
    plain, curious = _watcher(), _watcher()
    whole = _watched(batch, plain)
    told = []
    for first in range(0, len(batch), 7):
        told += _arrive(curious, batch.take(slice(first, first + 7)))
        if first % 210 == 0:
            assert all(one.scan.probes for one in curious.look_on())
    assert ([one.scan.probes for one in told], curious.look(is_end=True)[0].scan.probes) == ([100], 190)
    assert curious.totals.traffic == plain.totals.traffic
    assert len(whole[0]) == 1


def test_memory_is_bounded_under_forged_sources():
    """More strands than allowed: all that is open leaves, is told and counted, and a real scan goes on by name."""
    traffic = Traffic()
    rng = np.random.default_rng(4)
    for number in range(3000):
        source = str(np.uint32(rng.integers(1 << 24, 200 << 24)))
        at = number * SECOND // 100
        traffic.tcp(at, host("1.0.0.0", int(source)), host("198.51.100.0", number % 250), (4000, 80), 2)
    _scan(traffic, FIRST, first_s=0, last_s=30, probes=240)
    batch, watcher = traffic.batch(), _watcher(idle_s=10_000, most=1000)
    largest, told = 0, []
    for first in range(0, len(batch), 100):
        told += _arrive(watcher, batch.take(slice(first, first + 100)))
        largest = max(largest, len(watcher.stream.evidence.strands))
    told += watcher.look(is_end=True)
    assert largest < 1200
    assert watcher.totals.cut >= 2
    assert sum(watcher.totals.traffic.values()) == len(batch)
    of_scanner = [one for one in told if one.scan.sources[0].address == FIRST]
    assert sum(one.scan.probes for one in of_scanner) == 240
    assert all(one.continues for one in of_scanner[1:])
