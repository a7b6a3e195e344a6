"""A stream: what the watermark is, when it is looked at, and what is carried on."""

from __future__ import annotations

import numpy as np

from craftmark.packets.expressions import parse
from craftmark.packets.fields import IP_SRC
from craftmark.run.stream import Stream
from tests.marks.dossiers import probes

SECOND = 1_000_000_000


def _at(seconds, *, sport=1000):
    batch = probes(len(seconds), tcp_sport=sport, tcp_dport=np.arange(len(seconds)))
    batch.ts_ns[:] = np.asarray(seconds, np.int64) * SECOND
    return batch


def _stream(*, idle_s=30, most=1000, where=None):
    return Stream({}, idle_ns=idle_s * SECOND, most=most, where=where)


def _arrive(stream, batch):
    pieces = list(stream.arrivals(batch))
    for piece in pieces:
        stream.update(piece)
    return [len(piece) for piece in pieces]


def test_a_batch_is_cut_where_time_leaps():
    assert _arrive(_stream(), _at([1000, 1001, 1040, 1041, 1042, 2000])) == [2, 3, 1]
    assert _arrive(_stream(), _at([1000, 990, 1001])) == [3]


def test_one_absurd_time_does_not_move_the_watermark():
    stream = _stream()
    _arrive(stream, _at([1000, 1001, 9_000_000_000, 1002, 1003]))
    assert stream.watermark_ns == 1003 * SECOND


def test_the_watermark_never_goes_back():
    stream = _stream()
    _arrive(stream, _at([1000]))
    _arrive(stream, _at([400]))
    assert stream.watermark_ns == 1000 * SECOND
    assert stream.cutoff_ns == 970 * SECOND


def test_a_look_is_due_when_something_can_be_over():
    stream = _stream()
    for second in (1000, 1029):
        _arrive(stream, _at([second]))
        assert not stream.is_due
    _arrive(stream, _at([1030]))
    assert stream.is_due
    stream.carry(np.arange(len(stream.evidence.strands)))
    assert not stream.is_due


def test_time_goes_on_while_nothing_comes():
    stream = _stream()
    stream.wait(100)  # before the first packet there is no time
    assert stream.watermark_ns is None
    _arrive(stream, _at([1000]))
    stream.wait(31)
    assert stream.is_due


def test_too_many_strands_are_looked_at_at_once():
    stream = _stream(most=2)
    batch = _at([1000, 1000])
    _arrive(stream, batch)
    assert not stream.is_full  # one source, one kind of packet: one strand
    batch.words[:, IP_SRC] = [7, 8]
    _arrive(stream, batch)
    assert stream.is_full
    assert stream.is_due


def test_what_is_not_carried_leaves_and_packets_stay_counted():
    stream = _stream()
    _arrive(stream, _at([1000, 1001]))
    stream.carry(np.arange(0))
    assert (len(stream.evidence.strands), stream.packets) == (0, 2)


def test_only_chosen_packets_are_folded_but_all_are_counted():
    stream = _stream(where=parse("tcp_dport < 2"))
    _arrive(stream, _at([1000, 1001, 1002]))
    assert (stream.evidence.packets, stream.packets) == (2, 3)
