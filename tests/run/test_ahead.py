"""Reading ahead changes nothing but the time it takes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from craftmark.packets.batch import PacketBatch, empty_batch
from craftmark.run.ahead import read_ahead


def numbered(count):
    """Batches in one buffer that is used again, as sources hand them out."""
    buffer = empty_batch(64)
    for number in range(count):
        rows = 1 + number % 64
        buffer.words[:] = number
        buffer.ts_ns[:] = number
        buffer.packet_id[:] = np.arange(64) + 64 * number
        yield PacketBatch(buffer.words[:rows], buffer.ts_ns[:rows], buffer.packet_id[:rows])


def test_batches_arrive_in_order_and_unchanged():
    for got, wanted in zip(read_ahead(numbered(300)), numbered(300), strict=True):
        assert (got.words == wanted.words).all()
        assert got.ts_ns.tolist() == wanted.ts_ns.tolist()
        assert got.packet_id.tolist() == wanted.packet_id.tolist()


def test_an_error_of_the_reader_is_raised_after_the_batches_before_it():
    def broken():
        yield from numbered(3)
        raise ValueError("unreadable")

    seen = []
    with pytest.raises(ValueError, match="unreadable"):
        seen.extend(len(batch) for batch in read_ahead(broken()))
    assert seen == [1, 2, 3]


def test_a_reader_that_is_no_longer_needed_ends():
    before = threading.active_count()
    for _ in range(5):
        batches = read_ahead(numbered(10_000))
        next(batches)
        batches.close()
    assert threading.active_count() == before


def test_no_batches_are_none():
    assert list(read_ahead(iter(()))) == []
