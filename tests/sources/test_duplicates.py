"""Copies of packets: found where all that varies repeats too, and never among what a crafter repeats."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, join
from craftmark.pipeline import examine
from craftmark.sources.duplicates import Tally, copies_in, same_packets, without_copies
from craftmark.sources.inputs import open_inputs
from tests.cases.captures import LAB, PUBLIC, lab_truths, needs_captures

EXAMPLE = Path(__file__).parents[2] / "examples" / "odd-scan-2000.pcap"


def talk(rows: int, *, ids: bool = True) -> PacketBatch:
    """Return packets of two hosts that answer each other."""
    words = np.zeros((rows, f.WORDS), np.uint32)
    number = np.arange(rows, dtype=np.uint32)
    words[:, f.IP_VERSION] = 4
    words[:, f.PROTOCOL] = f.TCP
    words[:, f.IP_TTL] = 64
    words[:, f.IP_SRC] = np.where(number % 2, 0xC0000207, 0xC6336409)
    words[:, f.IP_DST] = np.where(number % 2, 0xC6336409, 0xC0000207)
    words[:, f.IP_ID] = 1 + number // 2 if ids else 0
    words[:, f.SEQ] = number // 2
    return PacketBatch(words, number.astype(np.int64) * 1_000_000, number.astype(np.int64) + 1)


def doubled(batch: PacketBatch, *, lag_ns: int = 40_000, hops: int = 0) -> PacketBatch:
    """Return a batch with a copy of each packet, in the order of time."""
    words = batch.words.copy()
    words[:, f.IP_TTL] -= hops
    both = join([batch, PacketBatch(words, batch.ts_ns + lag_ns, batch.packet_id)])
    order = np.argsort(both.ts_ns, kind="stable")
    return PacketBatch(both.words[order], both.ts_ns[order], np.arange(1, len(order) + 1))


@pytest.mark.parametrize("hops", [0, 1, 7])
def test_copies_are_dropped_with_lag_and_hops_told(hops):
    batch, tally = talk(400), Tally()
    parts = doubled(batch, hops=hops)
    cut = [parts.take(slice(0, 201)), parts.take(slice(201, 500)), parts.take(slice(500, 800))]
    kept = join(without_copies(cut, tally))
    assert (kept.words == batch.words).all()
    assert tally.dropped == 400
    assert (tally.copies.hops, tally.copies.lag_ns) == (hops, 40_000)
    assert "counted once" in tally.note()


def test_a_few_losses_of_either_sensor_change_nothing():
    parts = doubled(talk(400))
    lost = np.ones(len(parts), bool)
    lost[[10, 51, 300]] = False
    tally = Tally()
    assert len(join(without_copies([parts.take(lost)], tally))) == 400
    assert tally.dropped == 397


def test_packets_that_are_not_doubled_pass_as_they_are():
    batch, tally = talk(400), Tally()
    assert next(iter(without_copies([batch], tally))) is batch
    assert tally.note() == ""


def test_identical_packets_of_a_crafter_and_identical_answers_are_no_copies():
    assert copies_in(doubled(talk(400, ids=False))) is None
    one_way = talk(400)
    one_way.words[:, f.IP_SRC], one_way.words[:, f.IP_DST] = 1, 2
    assert copies_in(doubled(one_way)) is None
    flood = talk(400)
    flood.words[:] = flood.words[0]
    assert copies_in(flood) is None


def test_a_lag_that_is_not_steady_is_no_sensors():
    batch = talk(400)
    later = PacketBatch(batch.words, batch.ts_ns + np.arange(400) ** 3 * 7_000, batch.packet_id)
    both = join([batch, later])
    order = np.argsort(both.ts_ns, kind="stable")
    assert copies_in(PacketBatch(both.words[order], both.ts_ns[order], both.packet_id[order])) is None


def twice(path: Path, target: Path, *, lower_ttl: int) -> None:
    """Write a little-endian pcap of Ethernet with a copy of each packet 30 us behind it, its TTL lower."""
    data = path.read_bytes()
    out, at = bytearray(data[:24]), 24
    while at < len(data):
        second, fraction, captured, wire = struct.unpack("<IIII", data[at : at + 16])
        frame = bytearray(data[at + 16 : at + 16 + captured])
        out += data[at : at + 16 + captured]
        if frame[12:14] == b"\x08\x00":
            frame[22] = (frame[22] - lower_ttl) & 255
        later = fraction + 30
        out += struct.pack("<IIII", second + later // 1_000_000, later % 1_000_000, captured, wire) + frame
        at += 16 + captured
    target.write_bytes(out)


@needs_captures
@pytest.mark.parametrize("lower_ttl", [0, 1])
def test_a_mirrored_capture_leads_to_the_same_scans_as_the_plain_one(lower_ttl, tmp_path):
    mirrored = tmp_path / "mirrored"
    twice(PUBLIC / "normal-http-49-connections.pcap", mirrored, lower_ttl=lower_ttl)
    plain, again = examine(PUBLIC / "normal-http-49-connections.pcap"), examine(mirrored)
    assert again.inputs[0].packets == plain.inputs[0].packets
    assert (again.traffic, again.scans) == (plain.traffic, plain.scans)
    assert any("counted once" in note for note in again.inputs[0].notes)


def test_captures_at_two_places_are_told_with_the_hops_between():
    batch = talk(400)
    words = batch.words.copy()
    words[:, f.IP_TTL] -= 3
    other = PacketBatch(words, batch.ts_ns + 5_000_000_000, batch.packet_id)
    found = same_packets(batch.take(slice(0, 390)), other.take(slice(4, 400)))
    assert (found.hops, found.lag_ns) == (3, 5_000_000_000)
    assert same_packets(batch, talk(400, ids=False)) is None
    assert same_packets(talk(400, ids=False), talk(400, ids=False)) is None


@needs_captures
def test_two_captures_of_one_link_say_so(tmp_path):
    original, mirrored = PUBLIC / "normal-http-49-connections.pcap", tmp_path / "other"
    data = bytearray(original.read_bytes())
    at = 24
    while at < len(data):
        (captured,) = struct.unpack("<I", data[at + 8 : at + 12])
        data[at + 16 + 22] = (data[at + 16 + 22] - 2) & 255
        at += 16 + captured
    mirrored.write_bytes(data)
    notes = [note for one in examine([original, mirrored]).inputs for note in one.notes]
    assert sum("2 hops" in note for note in notes) == 1


@needs_captures
def test_no_capture_of_the_lab_loses_a_packet():
    for truth in lab_truths():
        case = open_inputs([LAB / truth["file"]])
        assert sum(map(len, case.batches())) == case.describe()[0].packets
        assert not any("counted once" in note for note in case.describe()[0].notes), truth["file"]


def test_the_example_loses_no_packet():
    assert examine(EXAMPLE).inputs[0].packets == 3072
