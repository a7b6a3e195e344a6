"""The lab's own reader counts what scapy wrote."""

from __future__ import annotations

import pytest

from lab.modes import Mode
from lab.packets import packets
from lab.truth import relations, row_of

scapy = pytest.importorskip("scapy.all")
SENDER, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"


@pytest.fixture
def capture(tmp_path):
    sent = [
        scapy.Ether(src=SENDER, dst=OTHER)
        / scapy.IP(src="192.0.2.66", dst="198.51.100.10", ttl=60, id=(0x640A ^ port ^ 0x1234))
        / scapy.TCP(sport=4000, dport=port, seq=0xAAAA1234, flags="S", options=[("MSS", 1460)])
        for port in (21, 22, 23)
    ]
    answer = (
        scapy.Ether(src=OTHER, dst=SENDER) / scapy.IP(src="198.51.100.10", dst="192.0.2.66") / scapy.TCP(flags="RA")
    )
    path = tmp_path / "one.pcap"
    scapy.wrpcap(str(path), [*sent, answer])
    return path


def test_probes_are_told_by_who_sent_the_frame(capture):
    mode = Mode(name="one", tool="x", command="true", flags="S")
    row = row_of(mode, capture, SENDER, {"192.0.2.66"}, hops=4)
    assert (row["packets"], row["sender_packets"], row["scan_packets"]) == (4, 3, 3)
    assert row["spoofed"] == {"192.0.2.66": False}
    assert row["replies"] == {"tcp/RA": 1}
    seen = row["observed"]["tcp/S"]
    assert seen["ttl"] == {"const": 60}
    assert seen["opt"] == {"const": "M1460"}
    assert seen["dport"] == {"distinct": 3, "min": 21, "max": 23, "values": {"21": 1, "22": 1, "23": 1}}


def test_a_relation_is_named_only_if_it_holds_everywhere(capture):
    rows = [packet for packet in packets(capture) if packet["group"] == "tcp/S"]
    assert relations(rows) == ["ipid = (dst ^ dport ^ seq) & 0xffff"]
    rows[1]["ipid"] ^= 1
    assert relations(rows) == []
