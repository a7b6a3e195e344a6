"""The plain executor: selection, progress, and a result that no seed moves."""

from __future__ import annotations

import numpy as np

from craftmark.packets.expressions import parse
from craftmark.packets.fields import TCP, UDP
from craftmark.run.local import fold
from tests.laws.batches import cut, random_batch
from tests.laws.test_laws import wire
from tests.marks.dossiers import probes


def test_two_runs_tell_the_same_whatever_the_seed():
    batch = random_batch(21)
    once, again = (fold(cut(batch, np.random.default_rng(n), 3), {}).finish() for n in (1, 2))
    assert wire(once) == wire(again)


def test_where_selects_packets_for_which_the_predicate_is_true():
    batches = [probes(30, tcp_dport=np.arange(30)), probes(4, protocol=UDP, udp_dport=53)]
    finished = fold(batches, {}, where=parse("tcp_dport < 10")).finish()
    assert (finished.protocol.tolist(), finished.count.tolist()) == ([TCP], [10])


def test_where_does_not_need_every_field_it_names():
    """A UDP packet to port 53 satisfies the second half, though it has no TCP port."""
    batches = [probes(30, tcp_dport=np.arange(30)), probes(4, protocol=UDP, udp_dport=53)]
    finished = fold(batches, {}, where=parse("tcp_dport == 7 or udp_dport == 53")).finish()
    assert sorted(zip(finished.protocol.tolist(), finished.count.tolist(), strict=True)) == [(TCP, 1), (UDP, 4)]


def test_the_watcher_is_told_all_packets_read_not_only_the_chosen():
    told = []
    fold([probes(30), probes(12)], {}, where=parse("tcp_dport == 1"), watch=told.append)
    assert told == [30, 42]


def test_relations_are_counted_under_their_names():
    relations = {"tcp_win == 5": parse("tcp_win == 5")}
    finished = fold([probes(3, tcp_win=[5, 5, 6])], relations).finish()
    assert list(finished.evidence.relations) == ["tcp_win == 5"]
