"""The benchmark's generator: the same bytes each time, readable by others, each tool's relation in its packets."""

from __future__ import annotations

import io
from collections import Counter

import pytest

from benchmarks import load

dpkt = pytest.importorskip("dpkt")

PACKETS, SOURCES = 20_000, 3_000


def make(packets: int = PACKETS, sources: int = SOURCES, seed: int = 1) -> bytes:
    out = io.BytesIO()
    load.write(out, packets, sources, seed)
    return out.getvalue()


@pytest.fixture(scope="module")
def datagrams() -> list[object]:
    reader = dpkt.pcap.Reader(io.BytesIO(make()))
    return [dpkt.ethernet.Ethernet(octets).data for _, octets in reader]


def test_the_same_options_give_the_same_bytes_and_another_seed_others() -> None:
    assert make() == make()
    assert make() != make(seed=2)


def test_all_packets_are_there_in_the_order_of_time() -> None:
    times = [time for time, _ in dpkt.pcap.Reader(io.BytesIO(make()))]
    assert len(times) == PACKETS
    assert times == sorted(times)


def test_there_are_as_many_sources_as_asked_for_and_most_send_one_packet(datagrams: list[object]) -> None:
    packets = Counter(datagram.src for datagram in datagrams)
    assert len(packets) == SOURCES
    assert sum(1 for number in packets.values() if number == 1) == SOURCES - load.FEW_SOURCES
    assert packets.most_common(1)[0][1] > PACKETS // 10


def test_more_sources_than_packets_are_as_many_as_there_can_be() -> None:
    assert len(list(dpkt.pcap.Reader(io.BytesIO(make(packets=500, sources=10**6))))) == 500


@pytest.mark.parametrize("crowd", range(len(load.FEW)))
def test_checksums_and_lengths_of_every_kind_are_right(datagrams: list[object], crowd: int) -> None:
    addresses = {int(address).to_bytes(4) for address in load.few_addresses(crowd)}
    mine = [datagram for datagram in datagrams if datagram.src in addresses][:50]
    assert mine
    for datagram in mine:
        carried = (datagram.sum, datagram.data.sum, datagram.len)
        datagram.sum = datagram.data.sum = 0
        bytes(datagram)
        assert (datagram.sum, datagram.data.sum, len(datagram)) == carried


def sent_by(datagrams: list[object], make_rows: object) -> list[object]:
    """Return the datagrams of the few that send with one tool."""
    crowd = next(index for index, one in enumerate(load.FEW) if one.make is make_rows)
    addresses = {int(address).to_bytes(4) for address in load.few_addresses(crowd)}
    return [datagram for datagram in datagrams if datagram.src in addresses]


def test_masscans_identification_holds_target_port_and_sequence_number(datagrams: list[object]) -> None:
    mine = sent_by(datagrams, load.masscan)
    assert len(mine) > 1000
    assert all(d.id == (int.from_bytes(d.dst) ^ d.data.dport ^ d.data.seq) & 0xFFFF for d in mine)


def test_the_halves_of_nmaps_sequence_numbers_mirror_one_key(datagrams: list[object]) -> None:
    mine = sent_by(datagrams, load.nmap)
    assert len({(d.data.seq >> 16) ^ (d.data.seq & 0xFFFF) for d in mine}) == 1
    assert len({d.data.seq for d in mine}) > 100


def test_some_of_the_many_send_their_target_as_sequence_number(datagrams: list[object]) -> None:
    tcp = [datagram for datagram in datagrams if datagram.p == 6]
    assert sum(1 for d in tcp if d.data.seq == int.from_bytes(d.dst)) > 1000


def test_no_chunk_repeats_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK", 1000)
    frames = [octets for _, octets in dpkt.pcap.Reader(io.BytesIO(make(packets=3000)))]
    assert len(frames) == 3000
    assert len(set(frames)) > 2900
