"""Packets made to break or to slow: nothing crashes, every packet has a role, and work grows with the packets only."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from craftmark.packets import fields as f
from craftmark.packets.batch import empty_batch
from craftmark.scans.answers import Heard
from craftmark.scans.scans import find
from tests.scans.traffic import SHAPES, finished_of

TARGET = 0xC6336401


def tcp_rows(count):
    """TCP SYNs of one source to one target, one packet a millisecond; all columns free to be made worse."""
    batch = empty_batch(count)
    words = batch.words
    words[:, f.PRESENT] = f.visibility_mask(*f.IPV4_WORDS, *f.TCP_WORDS, *f.PAYLOAD_WORDS)
    words[:, f.IP_VERSION], words[:, f.IP_IHL], words[:, f.PROTOCOL], words[:, f.TCP_FLAGS] = 4, 5, f.TCP, f.SYN
    words[:, f.IP_SRC], words[:, f.IP_DST], words[:, f.SPORT], words[:, f.DPORT] = 7, TARGET, 40000, 80
    words[:, f.IP_TTL] = 50
    batch.ts_ns[:] = 10**18 + np.arange(count) * 1_000_000
    batch.packet_id[:] = np.arange(1, count + 1)
    return batch


def forms(count):
    """One source, a form of packet each: every control bit and option layout."""
    batch = tcp_rows(count)
    number = np.arange(count)
    batch.words[:, f.TCP_FLAGS] = number % 256
    batch.words[:, f.TCP_OPTIONS] = number // 256 * 0x01000193 % (1 << 32)
    batch.words[:, f.DPORT] = number % 65536
    return batch


def sources(count):
    """One packet each, forged."""
    batch = tcp_rows(count)
    batch.words[:, f.IP_SRC] = np.arange(count) * 2654435761 % (1 << 32)
    batch.words[:, f.SPORT] = np.arange(count) * 7 % 65536
    return batch


def bots(count):
    """Sources alike in all but their time, five packets each: what joins sources must not compare all pairs."""
    batch = tcp_rows(count)
    number = np.arange(count)
    batch.words[:, f.IP_SRC] = number // 5 * 2654435761 % (1 << 32)
    batch.words[:, f.IP_DST] = TARGET + number % 5
    batch.ts_ns[:] = 10**18 + number // 5 * 97_000_000 + number % 5 * (number // 5 + 1) * 3_000_000_000
    return batch


def near_bots(count):
    """The same from one IPv6 network of 2**32 sources."""
    batch = bots(count)
    batch.words[:, f.IP_VERSION] = 6
    batch.words[:, f.IP_SRC_HIGH : f.IP_SRC_HIGH + 3] = [0x20010DB8, 0, 1]
    return batch


def twos(count):
    """Pairs of odd packets of made-up sources that share headers, five pairs a kind."""
    batch = sources(count)
    batch.words[:, f.TCP_FLAGS] = f.FIN | f.RST
    batch.words[:, f.TCP_WIN] = np.arange(count) // 5 % 65536
    return batch


def identical(count):
    return tcp_rows(count)


def one_conversation(count):
    """Both directions of one pair of ends, every control bit."""
    batch = tcp_rows(count)
    number = np.arange(count)
    back = number % 2 == 1
    batch.words[:, f.TCP_FLAGS] = number // 2 % 256
    batch.words[back, f.IP_SRC], batch.words[back, f.IP_DST] = TARGET, 7
    batch.words[back, f.SPORT], batch.words[back, f.DPORT] = 80, 40000
    return batch


def strange_times(count):
    batch = forms(count)
    batch.ts_ns[:] = np.resize([-(2**62), 2**62, 0, -1, 10**18, 2**62], count)
    return batch


def any_words(count):
    """Rows of random words in the ranges that headers allow."""
    rng = np.random.default_rng(1)
    batch = empty_batch(count)
    batch.words[:] = rng.integers(0, 1 << 32, batch.words.shape, dtype=np.uint32)
    for word, bits in ((f.SPORT, 16), (f.DPORT, 16), (f.TCP_FLAGS, 8), (f.IP_IHL, 4), (f.IP_FLAGS, 3), (f.IP_TTL, 8)):
        batch.words[:, word] %= 1 << bits
    batch.words[:, f.PROTOCOL] = rng.choice([1, 2, 6, 17, 47, 58, 132, 256, 257], count)
    icmp = np.isin(batch.words[:, f.PROTOCOL], (f.ICMP, f.ICMP6))
    batch.words[icmp, f.SPORT] %= 256
    batch.words[icmp, f.DPORT] %= 256
    batch.words[:, f.IP_VERSION] = rng.choice([4, 6], count)
    batch.words[:, f.PRESENT] &= (1 << 30) - 1
    batch.words[:, f.UNSEEN] &= ~batch.words[:, f.PRESENT]
    batch.ts_ns[:] = rng.integers(-(2**62), 2**62, count)
    batch.packet_id[:] = np.arange(1, count + 1)
    return batch


MAKERS = (forms, sources, bots, near_bots, twos, identical, one_conversation, strange_times, any_words)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("budget", [10**6, 400])
def test_every_packet_has_a_role_and_every_scan_can_be_heard(make, budget):
    finished = finished_of(make(3000), budget=budget)
    found = find(finished, SHAPES)
    assert sum(found.traffic.values()) == 3000
    for scan in (*found.scans[:20], *found.floods[:20]):
        assert scan.probes == int(finished.count[scan.strands].sum()) > 0
        assert scan.first_ns <= scan.last_ns
        assert isinstance(found.ear.hear(scan.strands), Heard)


def calls_of(finished):
    """Count Python's own and NumPy's calls: the steps that no array's length hides."""
    count = 0

    def watch(_frame, event, _arg):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        find(finished, SHAPES)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("make", MAKERS)
def test_twice_the_packets_take_at_most_some_twice_the_steps(make):
    finished = [finished_of(make(count)) for count in (2000, 4000)]
    once, twice = (calls_of(each) for each in finished)
    assert twice <= 2.6 * once


@pytest.mark.parametrize(
    ("make", "count"), [(forms, 20_000), (sources, 50_000), (bots, 20_000), (near_bots, 20_000), (twos, 20_000)]
)
def test_many_forms_and_many_sources_are_judged(make, count):
    """Large enough that anything quadratic would be felt."""
    if os.environ.get("CRAFTMARK_KERNELS") == "plain":
        count //= 10
    found = find(finished_of(make(count)), SHAPES)
    assert sum(found.traffic.values()) == count


def test_a_flood_of_forged_sources_is_one_flood():
    found = find(finished_of(sources(5000)), SHAPES)
    assert ([scan.probes for scan in found.floods], found.scans) == ([5000], ())
