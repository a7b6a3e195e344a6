from __future__ import annotations

import struct
from pathlib import Path

import pytest

from craftmark.errors import SourceError
from craftmark.pipeline import Settings, examine
from craftmark.verbs.extract import extract

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURE, LOG = str(EXAMPLES / "odd-scan-2000.pcap"), str(EXAMPLES / "odd-scan-2000.snort.txt")


def _frames(path):
    """Return seconds, fraction in ns and octets of every frame of a little-endian pcap, read by hand."""
    data = Path(path).read_bytes()
    tick = 1 if struct.unpack_from("<I", data)[0] == 0xA1B23C4D else 1000
    at, found = 24, []
    while at < len(data):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", data, at)
        found.append((seconds, fraction * tick, data[at + 16 : at + 16 + size]))
        at += 16 + size
    return found


def test_the_packets_of_the_one_scan_are_the_whole_capture_octet_for_octet(tmp_path):
    out = tmp_path / "s1.pcap"
    assert extract([CAPTURE], Settings(), "S1", out) == 3072
    assert _frames(out) == _frames(CAPTURE)


def test_what_is_written_is_examined_to_the_same_scan(tmp_path):
    out = tmp_path / "s1.pcap"
    extract([CAPTURE], Settings(), "S1", out)
    again, before = examine([out]).scans[0], examine([CAPTURE]).scans[0]
    assert (again.probes, again.maker, again.markprint) == (before.probes, before.maker, before.markprint)


def test_only_packets_of_that_scan_are_written(tmp_path):
    frames = [(seconds, ns, octets) for seconds, ns, octets in _frames(CAPTURE)]
    noisy = tmp_path / "noisy.pcap"
    with noisy.open("wb") as stream:
        stream.write(Path(CAPTURE).read_bytes()[:24])
        for place, (seconds, ns, octets) in enumerate(frames):
            stream.write(struct.pack("<IIII", seconds, ns // 1000, len(octets), len(octets)) + octets)
            if place % 100 == 0:  # an ARP reply that has nothing to do with it
                other = octets[:12] + b"\x08\x06" + bytes.fromhex("0001080006040002") + b"\x02" * 20
                stream.write(struct.pack("<IIII", seconds, ns // 1000, len(other), len(other)) + other)
    assert extract([str(noisy)], Settings(), "S1", tmp_path / "out.pcap") == 3072
    assert [octets for *_, octets in _frames(tmp_path / "out.pcap")] == [octets for *_, octets in frames]


def test_packets_selected_by_where_are_those_written(tmp_path):
    out = tmp_path / "low.pcap"
    assert extract([CAPTURE], Settings(where="tcp_dport < 101"), "S1", out) == 300


def test_a_log_has_no_frames_and_leaves_no_file(tmp_path):
    with pytest.raises(SourceError, match="packets read from a log"):
        extract([LOG], Settings(), "S1", tmp_path / "x.pcap")
    assert list(tmp_path.iterdir()) == []


def test_standard_input_cannot_be_read_twice(tmp_path):
    with pytest.raises(SourceError, match="only once; save it to a file first"):
        extract(["-"], Settings(), "S1", tmp_path / "x.pcap")
