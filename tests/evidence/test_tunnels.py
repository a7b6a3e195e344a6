"""Outer headers of tunnels: kept beside the rows, counted exactly however packets are cut, told with their strands."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from craftmark.evidence import tunnels as module
from craftmark.evidence.tunnels import Tunnels
from craftmark.kernels.grouping import KEY_WORDS
from craftmark.packets import fields as f
from craftmark.packets.batch import OuterHeaders, empty_batch, join
from craftmark.packets.expressions import parse
from craftmark.pipeline import Settings, examine
from craftmark.sources.inputs import open_inputs
from tests.cases.captures import PUBLIC, needs_captures
from tests.strategies import Record, ethernet, ipv4, ipv6, pcap_file, tcp

GRE = struct.pack(">HH", 0, 0x0800)


def capture(path, packets):
    framed = [ethernet(packet, kind) for packet, kind in packets]
    records = [Record(1_000_000_000 * number, frame, len(frame)) for number, frame in enumerate(framed)]
    path.write_bytes(pcap_file(records, (0xA1B2C3D4, "<", 16)))
    return path


def probe(port, flags=13):
    return ipv4(6, tcp(31337, port, flags=flags))


def random_outer(rng, rows):
    words = np.zeros((rows, f.WORDS), np.uint32)
    words[:, f.IP_VERSION], words[:, f.PROTOCOL] = 4, rng.choice([4, 41, 47], rows)
    words[:, f.IP_SRC], words[:, f.IP_DST] = rng.integers(1, 4, rows), rng.integers(1, 4, rows)
    words[:, f.IP_TTL] = rng.integers(50, 53, rows)
    return OuterHeaders(np.arange(rows), words), rng.integers(0, 3, (rows, KEY_WORDS)).astype(np.uint32) // 2


def table(parts):
    whole = Tunnels()
    for outer, strands in parts:
        whole.update(outer, strands)
    return whole


def wire(tunnels):
    return {name: array.tobytes() for name, array in tunnels.arrays().items()}


@pytest.mark.parametrize("most", [1 << 16, 40])
@pytest.mark.parametrize("seed", range(4))
def test_cutting_and_merging_changes_no_count(seed, most, monkeypatch):
    monkeypatch.setattr(module, "MOST", most)
    monkeypatch.setattr(module, "_WAITING", 64)
    rng = np.random.default_rng(seed)
    outer, strands = random_outer(rng, 700)
    once = table([(outer, strands)])
    assert len(once.arrays()["counts"]) == most or most > 40
    parts = []
    for rows in np.array_split(rng.permutation(700), 5):
        pieces = [
            (OuterHeaders(np.arange(len(one)), outer.words[one]), strands[one]) for one in np.array_split(rows, 7)
        ]
        parts.append(table(pieces))
    rng.shuffle(parts)
    merged = Tunnels()
    for part in parts:
        merged.merge(part)
    merged.merge(Tunnels())
    assert wire(merged) == wire(once)


def test_a_part_has_the_counts_of_its_strands_and_parts_merge_to_the_whole():
    rng = np.random.default_rng(4)
    outer, strands = random_outer(rng, 400)
    whole, keys = table([(outer, strands)]), np.unique(strands, axis=0)
    mine, rest = keys[::2], keys[1::2]
    alone = np.flatnonzero((strands[:, None] == mine).all(axis=2).any(axis=1))
    part = whole.part(mine)
    assert wire(part) == wire(table([(OuterHeaders(np.arange(len(alone)), outer.words[alone]), strands[alone])]))
    part.merge(whole.part(rest))
    assert wire(part) == wire(whole)


def test_counts_are_what_a_dictionary_counts():
    outer, strands = random_outer(np.random.default_rng(7), 900)
    counted = {}
    for row in outer.words.tolist():
        ends = tuple(row[word] for word in (f.IP_SRC, f.IP_DST, f.PROTOCOL))
        packets, ttls = counted.setdefault(ends, [0, set()])
        counted[ends] = [packets + 1, ttls | {row[f.IP_TTL]}]
    found = table([(outer, strands)]).of()
    told = {
        (int(one.source.split(".")[3]), int(one.target.split(".")[3]), one.protocol): [one.packets, set(one.ttls)]
        for one in found
    }
    assert told == counted
    assert sum(one.packets for one in table([(outer, strands)]).of(strands[:1])) == int(
        (strands == strands[0]).all(axis=1).sum()
    )


def test_headers_whose_hashes_collide_stay_apart(monkeypatch):
    outer, strands = random_outer(np.random.default_rng(3), 300)
    right = table([(outer, strands)]).of()
    monkeypatch.setattr(module, "_FACTORS", np.zeros_like(module._FACTORS))
    assert table([(outer, strands)]).of() == right


def test_batches_hand_their_outer_headers_on():
    batch = empty_batch(6)
    words = np.zeros((2, f.WORDS), np.uint32)
    words[:, f.IP_TTL], words[:, f.PRESENT] = (60, 61), f.visibility_bit(f.IP_TTL)
    batch = type(batch)(batch.words, batch.ts_ns, batch.packet_id, None, OuterHeaders(np.array([1, 4]), words))
    both = join([empty_batch(2), batch, batch.take(slice(0, 4))])
    assert both.column("outer_ip_ttl").tolist() == [0, 0, 0, 60, 0, 0, 61, 0, 0, 60, 0, 0]
    assert both.take(np.array([9, 6, 0])).column("outer_ip_ttl").tolist() == [60, 61, 0]
    assert both.take(np.array([0, 1])).outer is None
    assert np.flatnonzero(parse("outer_ip_ttl < 61", outer=True).select(both)).tolist() == [3, 9]
    assert np.flatnonzero(parse("not outer_ip_ttl < 61", outer=True).select(both)).tolist() == [6]


@pytest.mark.parametrize("cores", [1, 2])
def test_a_scan_through_a_tunnel_tells_its_ends_and_ttl(cores, tmp_path):
    inside = [(ipv4(47, GRE + probe(port), ttl=57), 0x800) for port in range(1, 301)]
    path = capture(tmp_path / "tunnelled.pcap", inside + [(probe(port), 0x800) for port in range(301, 401)])
    found = examine([path], Settings(cores=cores))
    assert (found.scans_total, found.scans[0].probes) == (1, 400)
    told = [(one.kind, one.ttls, one.packets) for one in found.scans[0].tunnels]
    assert told == [("gre", (57,), 300)]
    assert found.tunnels == found.scans[0].tunnels
    assert found.tunnels_total == 1
    few = examine([path], Settings(where="outer_ip_proto == 47 and tcp_dport <= 100 and outer_ip_ttl == 57"))
    assert few.scans[0].probes == 100
    none = examine([path], Settings(where="outer_ip_ttl == 58"))
    assert (none.scans, none.tunnels) == ((), ())


def test_kinds_of_tunnels_have_their_names(tmp_path):
    v6 = ipv6(6, tcp(5, 80))
    packets = [
        (ipv4(4, probe(1)), 0x800), (ipv4(41, v6), 0x800), (ipv6(4, probe(1)), 0x86DD), (ipv6(41, v6), 0x86DD),
        (ipv4(47, GRE + probe(1)), 0x800), (ipv6(47, GRE + probe(1)), 0x86DD),
    ]  # fmt: skip
    found = examine([capture(tmp_path / "kinds.pcap", packets)]).tunnels
    assert sorted(one.kind for one in found) == ["4in6", "6in4", "6in6", "gre", "gre", "ipip"]


@needs_captures
def test_public_captures_of_tunnels_name_them():
    found = examine([PUBLIC / "gre.pcapng"])
    assert [(one.kind, one.source, one.target, one.ttls, one.packets) for one in found.tunnels] == [
        ("gre", "127.0.0.1", "127.0.0.1", (64,), 2),
        ("gre", "1.2.3.4", "4.3.2.1", (64,), 1),
        ("4in6", "2607:fcd0:100:2300::b108:2a6b", "2402:f000:1:8e01::5555", (57,), 1),
        ("gre", "86.106.164.150", "72.205.54.70", (244,), 1),
    ]
    assert [one.kind for one in examine([PUBLIC / "4in6-syn.pcap"]).tunnels] == ["4in6"]
    case = open_inputs([PUBLIC / "linux-sll.pcap"])
    assert all(batch.outer is None for batch in case.batches())
