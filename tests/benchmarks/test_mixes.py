"""The benchmark's captures are what they say, to readers of others."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from benchmarks import history, mixes

if TYPE_CHECKING:
    from pathlib import Path

dpkt = pytest.importorskip("dpkt")

PACKETS = 12_000


def datagrams(mix: str) -> list[object]:
    out = io.BytesIO()
    mixes.MIXES[mix](out, PACKETS, None)
    return [dpkt.ethernet.Ethernet(octets).data for _, octets in dpkt.pcap.Reader(io.BytesIO(out.getvalue()))]


@pytest.mark.parametrize("mix", mixes.MIXES)
def test_there_are_as_many_packets_as_asked_for_with_right_checksums(mix: str) -> None:
    found = datagrams(mix)
    assert len(found) == PACKETS
    for datagram in found[:: PACKETS // 100]:
        carried = (datagram.sum, datagram.data.sum, datagram.len)
        datagram.sum = datagram.data.sum = 0
        bytes(datagram)
        assert (datagram.sum, datagram.data.sum, len(datagram)) == carried


def test_one_scan_has_one_sender_and_no_answers() -> None:
    found = datagrams("one scan")
    assert len({one.src for one in found}) == 1
    assert {one.data.flags for one in found} == {dpkt.tcp.TH_SYN}


def test_each_conversation_is_whole_and_its_numbers_follow_each_other() -> None:
    due: dict[tuple[object, ...], int] = {}
    for one in datagrams("ordinary"):
        segment, ends = one.data, (one.src, one.data.sport, one.dst, one.data.dport)
        assert due.get(ends, segment.seq) == segment.seq
        if segment.flags & dpkt.tcp.TH_ACK:
            assert segment.ack == due[ends[2], ends[3], ends[0], ends[1]]
        counted = len(segment.data) + bool(segment.flags & dpkt.tcp.TH_SYN) + bool(segment.flags & dpkt.tcp.TH_FIN)
        due[ends] = segment.seq + counted
    assert len(due) > PACKETS / 10


def test_a_ratio_that_fell_by_more_than_a_tenth_is_told(tmp_path: Path) -> None:
    records = tmp_path / "history.jsonl"
    assert history.fallen({"m": {"a": 1.0}}, 10, records=records) == []
    history.record({"m": {"a": 1.0, "b": 1.0}}, 10, records=records)
    assert history.fallen({"m": {"a": 0.91, "b": 0.89}}, 10, records=records)[0].startswith("m: b at 0.89x, 1.00x at ")
    assert history.fallen({"m": {"a": 0.5}}, 11, records=records) == []
    assert "| m | a 1.00, b 1.00 |" in history.table(records)
