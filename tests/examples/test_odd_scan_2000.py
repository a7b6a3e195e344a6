"""The example holds what was published, in both forms; read without any code of the product."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

scapy = pytest.importorskip("scapy.all")

EXAMPLES = Path(__file__).parents[2] / "examples"
PCAP = EXAMPLES / "odd-scan-2000.pcap"
TEXT = EXAMPLES / "odd-scan-2000.snort.txt"
SOURCES = {"192.160.13.4", "192.160.13.7", "192.160.13.6"}
PACKET = re.compile(
    r"(05/20-17:06:\d\d\.\d{6}) (\S+):31337 -> 172\.16\.1\.101:(\d+) TCP TTL:44 TOS:0x10 ID:242\n"
    r"\*\*\*FRP\*\* Seq: 0xA1D95 Ack: 0x53 Win: 0x400\n\n"
)


@pytest.fixture(scope="module")
def packets() -> list[object]:
    """Return the packets of the capture."""
    return list(scapy.rdpcap(str(PCAP)))


def test_the_script_writes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, EXAMPLES / "make_odd_scan_2000.py", tmp_path], check=True)
    assert (tmp_path / PCAP.name).read_bytes() == PCAP.read_bytes()
    assert (tmp_path / TEXT.name).read_bytes() == TEXT.read_bytes()


def test_the_capture_holds_the_published_constants(packets: list[object]) -> None:
    seen = {
        (
            *(p["IP"].dst, p["IP"].tos, p["IP"].id, p["IP"].ttl, p["TCP"].sport, int(p["TCP"].flags)),
            *(p["TCP"].seq, p["TCP"].ack, p["TCP"].window, tuple(p["TCP"].options)),
        )
        for p in packets
    }
    assert seen == {("172.16.1.101", 0x10, 242, 44, 31337, 0x0D, 0xA1D95, 0x53, 0x400, ())}


def test_the_capture_holds_each_port_once_per_source_in_rising_order(packets: list[object]) -> None:
    ports = defaultdict(list)
    for packet in packets:
        ports[packet["IP"].src].append(packet["TCP"].dport)
    assert dict(ports) == {source: list(range(1, 1025)) for source in SOURCES}


def test_the_capture_begins_and_lasts_as_published(packets: list[object]) -> None:
    times = [int(packet.time * 1_000_000) for packet in packets]
    begin = datetime(2000, 5, 20, 17, 6, 45, 61034, tzinfo=UTC)
    assert times[0] == int(begin.timestamp()) * 1_000_000 + 61034
    assert times[-1] - times[0] == 13_600_000
    assert times == sorted(times)


def test_the_checksums_of_the_capture_are_right(packets: list[object]) -> None:
    for packet in packets[::97]:
        again = packet.copy()
        del again["IP"].chksum
        del again["TCP"].chksum
        assert bytes(again.__class__(bytes(again))) == bytes(packet)


def test_the_text_holds_the_packets_of_the_capture(packets: list[object]) -> None:
    text = TEXT.read_text(encoding="ascii")
    lines = PACKET.findall(text)
    assert PACKET.sub("", text) == ""
    assert len(lines) == len(packets) == 3072
    assert lines == [
        (
            datetime.fromtimestamp(int(p.time), UTC).strftime("%m/%d-%H:%M:%S")
            + f".{int(p.time * 1_000_000) % 10**6:06d}",
            p["IP"].src,
            str(p["TCP"].dport),
        )
        for p in packets
    ]
