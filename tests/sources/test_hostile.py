"""Broken and hostile inputs of every format: cut anywhere, flipped anywhere, mutated, made to cost time or memory."""

from __future__ import annotations

import io
import random
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.sources.base import Provenance, SourceOptions
from craftmark.sources.formats import FORMATS
from craftmark.sources.textlines import LINE_CAP
from fuzz.mutate import mutate
from fuzz.seeds import SEEDS
from fuzz.targets import TARGETS, read
from fuzz.torture import seeds_of

BY_NAME = {one.name: one for one in FORMATS}
#: Formats whose records are counted in octets: a cut anywhere leaves whole records as they were.
CAPTURES = ("pcap", "pcapng", "erf", "snoop")
#: Formats in which the last line's end can be cut off and still be a line.
TEXTS = tuple(name for name in SEEDS if name not in CAPTURES)


@pytest.mark.parametrize("name", SEEDS)
def test_every_format_recognises_and_reads_its_seed(name):
    assert BY_NAME[name].sniff(SEEDS[name])
    assert len(read(BY_NAME[name], SEEDS[name])) == 1
    first = next(one.name for one in FORMATS if one.sniff(SEEDS[name]))
    assert first == name


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_cut_at_any_byte_yields_a_prefix_and_says_what_was_lost(name):
    data = SEEDS[name]
    whole = np.concatenate(read(BY_NAME[name], data))
    for cut in range(24, len(data), 3):
        provenance = Provenance("cut")
        source = BY_NAME[name].open(io.BytesIO(data[:cut]), provenance, 1, SourceOptions())
        rows = [batch.words.copy() for batch in source.batches()]
        got = np.concatenate(rows) if rows else whole[:0]
        assert (got == whole[: len(got)]).all(), cut
        assert provenance.damage_total or len(got) == provenance.packets


@pytest.mark.parametrize("name", TEXTS)
def test_a_log_cut_at_any_byte_yields_a_prefix_but_for_its_last_line(name):
    data = SEEDS[name]
    whole = np.concatenate(read(BY_NAME[name], data))
    for cut in range(0, len(data), 1 if len(data) < 900 else 7):
        rows = read(BY_NAME[name], data[:cut])
        got = np.concatenate(rows) if rows else whole[:0]
        sure = max(0, len(got) - 3)  # a record of a flow is up to three rows
        assert len(got) <= len(whole), cut
        assert (got[:sure] == whole[:sure]).all(), cut


@pytest.mark.parametrize("name", SEEDS)
def test_one_flipped_bit_anywhere_is_survived(name):
    data, rng = SEEDS[name], random.Random(7)
    for _ in range(150):
        at = rng.randrange(len(data))
        TARGETS[name](data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :])


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in ("rules", "recognise")])
def test_mutations_raise_nothing_that_is_not_promised(name):
    seeds, rng = seeds_of(name), random.Random(11)
    end = time.monotonic() + 0.7
    while time.monotonic() < end:
        TARGETS[name](mutate(rng.choice(seeds), rng))


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_octets_are_recognised_or_refused(data):
    TARGETS["recognise"](data)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("filler", [b"a", b" ", b"0", b".", b",", b"(", b"[", b'"', b"\0", b"1.", b"a:", b"=x ", b"{"])
def test_a_long_line_costs_little_time_wherever_it_begins(name, filler):
    seed = SEEDS[name]
    line = seed.rstrip(b"\n").rsplit(b"\n", 1)[-1]
    middle = len(line) // 2
    long = filler * (2 * LINE_CAP // len(filler))
    began = time.process_time()
    TARGETS[name](seed + line[:middle] + long + line[middle:] + b"\n" + long + b"\n" + seed)
    assert time.process_time() - began < 3.0


@pytest.mark.parametrize("name", ["netfilter", "eve", "tcpdump", "hexdump", "columns"])
def test_memory_does_not_grow_with_lines_that_never_end(name):
    class Endless(io.RawIOBase):
        left = 40 << 20

        def readable(self):
            return True

        def readinto(self, buffer):
            size = min(len(buffer), self.left)
            buffer[:size] = b"{" * size
            self.left -= size
            return size

    head = SEEDS[name]
    tracemalloc.start()
    try:
        provenance = Provenance("endless")
        chosen = BY_NAME[name]
        stream = io.BufferedReader(_Joined(head, Endless()), 1 << 16)
        list(chosen.open(stream, provenance, 1, SourceOptions(year=2024)).batches())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


class _Joined(io.RawIOBase):
    """Octets, then a stream."""

    def __init__(self, head, rest):
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self):
        return True

    def readinto(self, buffer):
        part = self._head.read(len(buffer))
        buffer[: len(part)] = part
        return len(part) or self._rest.readinto(buffer)


def test_deeply_nested_json_is_damage_and_no_recursion():
    hostile = b'{"event_type":"alert","a":' * 20_000 + b"\n" + SEEDS["eve"]
    TARGETS["eve"](hostile)


def test_numbers_of_a_thousand_digits_cost_nothing():
    TARGETS["eve"](b'{"event_type":"alert","timestamp":"x","src_port":' + b"9" * 200_000 + b"}\n" + SEEDS["eve"])
