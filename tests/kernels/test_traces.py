"""The walks over ERF and snoop records against their naive twins, plain and compiled, on records and on damage."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.kernels import traces
from craftmark.kernels.records import ABSURD, NEED_MORE
from tests.kernels.both import run_both
from tests.naive import traces as naive

U32 = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from([1, 2, 10, 11, 16, 22, 23, 48, 5, 0x82, 0x96, 0x81, 0xB0])


def _erf(kind, stamp, body, wlen, claimed):
    return struct.pack("<Q", stamp) + struct.pack(">BBHHH", kind, 4, max(16 + len(body) + claimed, 0), 0, wlen) + body


def _snoop(included, more, drops, second, micro, padding):
    numbers = (len(included) + more, len(included), 24 + len(included) + padding, drops, second, micro)
    return struct.pack(">6I", *numbers) + included + bytes(padding)


ERF = st.builds(_erf, KINDS, st.integers(0, 2**64 - 1), st.binary(max_size=40), st.integers(0, 80),
                st.sampled_from([0] * 9 + [-20, 3]))  # fmt: skip
SNOOP = st.builds(_snoop, st.binary(max_size=40), st.integers(0, 99), U32, U32, U32, st.integers(0, 3))


def walked(kernel, data, *link):
    """Return what a walk finds in octets, the same plain and compiled."""
    n = len(data) // 16 + 1
    found = [np.zeros(n, np.int64) for _ in range(5)]
    state = np.zeros(3, np.int64)
    octets = np.frombuffer(data or b"\0", np.uint8)
    rows, (_, _, *rest) = run_both(kernel, n, octets, len(data), *link, *found, state)
    found, state = rest[-6:-1], rest[-1]
    reasons = {NEED_MORE: "more", ABSURD: "absurd"}
    frames = [tuple(int(column[row]) for column in found) for row in range(rows)]
    return frames, int(state[0]), reasons[int(state[1])], int(state[2])


def expected(found, unread):
    frames = [(start, got, wire, unread if link is None else link, ns) for start, got, wire, link, ns in found.frames]
    return frames, found.at, found.why, found.counted


def damaged(records):
    """Return records one behind another, with octets overwritten, cut anywhere."""
    places = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=2)
    return st.builds(_damage, st.lists(records, max_size=6), places, st.integers(0, 30))


def _damage(records, places, cut):
    data = bytearray(b"".join(records))
    for place, value in places:
        if place < len(data):
            data[place] = value
    return bytes(data[: len(data) - cut] if cut < 10 else data)


@given(damaged(ERF))
@settings(max_examples=150, deadline=None)
def test_erf_records_stand_where_the_twin_finds_them(data):
    assert walked(traces.walk_erf, data) == expected(naive.walk_erf(data), traces._UNREAD_LINK)


@given(damaged(SNOOP))
@settings(max_examples=100, deadline=None)
def test_snoop_records_stand_where_the_twin_finds_them(data):
    assert walked(traces.walk_snoop, data, 1) == expected(naive.walk_snoop(data), traces._UNREAD_LINK)
