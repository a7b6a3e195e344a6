"""What packet printers print: read back, it says what the capture says, or leaves it unseen."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from craftmark.packets import fields as f
from craftmark.packets.batch import join
from craftmark.sources.inputs import open_inputs
from tests.cases.captures import LAB, PUBLIC, needs_captures
from tests.sources.texts import ends, read, shown

EXAMPLE = Path(__file__).parents[2] / "examples" / "odd-scan-2000.pcap"
OLD = (
    "17:06:21.000100 192.0.2.7.31337 > 198.51.100.9.80: SFP 1234:1234(0) win 1028 (ttl 242, id 242)\n"
    "17:06:22.000100 192.0.2.7.31337 > 198.51.100.9.81: S [tcp sum ok] 1234:1234(0) win 512 <mss 1460> (DF) "
    "(ttl 60, id 7, len 44)\n"
    "17:06:23.000100 198.51.100.9.81 > 192.0.2.7.31337: R 0:0(0) ack 1235 win 0\n"
)


def test_tcpdump_of_the_year_2000():
    batch, told = read(OLD)
    assert (told.format, told.clock, told.damage, len(batch)) == ("tcpdump", "time-of-day", [], 3)
    first = shown(batch, 0)
    assert (first["tcp_flags"], first["ip_id"], first["ip_ttl"], first["tcp_win"], first["tcp_seq"]) == (
        11,
        242,
        242,
        1028,
        1234,
    )
    second = shown(batch, 1)
    assert (second["ip_flags"], second["ip_len"], second["tcp_mss"]) == (2, 44, 1460)
    assert shown(batch, 2)["tcp_flags"] == f.RST | f.ACK_BIT
    assert batch.unseen("ip_id")[2]


def test_midnight_is_no_step_back():
    lines = OLD.replace("17:06:21", "23:59:59").replace("17:06:22", "00:00:00").replace("17:06:23", "00:00:01")
    batch, _ = read(lines)
    assert np.diff(batch.ts_ns).tolist() == [1_000_000_000, 1_000_000_000]


def test_names_in_place_of_addresses_are_damage_with_a_remedy():
    _, told = read(OLD + "17:06:24.000100 IP a.example.31337 > b.example.http: Flags [S], seq 1, win 1, length 0\n")
    assert "tcpdump -n" in told.damage[0].what


HEX = """From: someone
> Seen this morning:
> 0000  45 00 00 28 00 f2 00 00  f2 06 00 00 c0 00 02 07   E..(............
> 0010  c6 33 64 09 7a 69 00 50  00 00 00 01 00 00 00 00   .3d.zi.P........
> 0020  50 0b 04 04 00 00 00 00                            P.......

45 00 00 28 00 f2 00 00 f2 06 00 00 c0 00 02 07
c6 33 64 09 7a 69 00 51 00 00 00 01 00 00 00 00
50 0b 04 04 00 00 00 00
"""


def test_hex_dumps_in_a_mail_are_packets():
    batch, told = read(HEX)
    assert (told.format, len(batch), told.damage) == ("hexdump", 2, [])
    assert [shown(batch, row)["tcp_dport"] for row in range(2)] == [80, 81]
    assert shown(batch)["ip_id"] == 242
    assert ends(batch) == ("192.0.2.7", "198.51.100.9")


TRACE = (
    "SENT (0.0666s) TCP 127.0.0.1:60564 > 127.0.0.2:22 S ttl=43 id=2914 iplen=44  seq=1295138748 win=1024 <mss 1460>\n"
    "RCVD (0.0666s) TCP 127.0.0.2:22 > 127.0.0.1:60564 RA ttl=64 id=0 iplen=40  seq=0 win=0 \n"
    "RCVD (0.0945s) ICMP [127.0.0.2 > 127.0.0.1 Port 53 unreachable (type=3/code=3) ] IP [ttl=64 id=13251 iplen=68 ]\n"
    "SENT (0.0077s) ICMP [127.0.0.1 > 127.0.0.2 Echo request (type=8/code=0) id=12119 seq=1] "
    "IP [ttl=64 id=45275 iplen=28 ]\n"
    "SENT (0.0121s) esp (50) 127.0.0.1 > 127.0.0.2: ttl=55 id=57768 iplen=20 \n"
    "SENT (0.2256s) TCP ::1:44078 > ::2:80 S hopl=255 flow=0 payloadlen=24 seq=751140985 win=1024 <mss 1460>\n"
)


def test_nmaps_packet_trace():
    batch, told = read(TRACE)
    assert (told.format, told.clock, told.damage, len(batch)) == ("packettrace", "since-boot", [], 6)
    first = shown(batch, 0)
    assert (first["ip_id"], first["ip_ttl"], first["ip_len"], first["tcp_seq"], first["tcp_mss"]) == (
        2914, 43, 44, 1295138748, 1460,
    )  # fmt: skip
    assert (first["tcp_flags"], shown(batch, 1)["tcp_flags"]) == (f.SYN, f.RST | f.ACK_BIT)
    echo = shown(batch, 3)
    assert (echo["icmp_id"], echo["icmp_seq"], echo["ip_id"]) == (12119, 1, 45275)
    assert shown(batch, 4)["ip_proto"] == 50
    assert ends(batch, 5) == ("::1", "::2")


def test_packet_numbers_of_a_table_of_tshark():
    text = (
        "frame.time_epoch\tip.src\tip.dst\tip.proto\tip.id\ttcp.srcport\ttcp.dstport\ttcp.flags\ttcp.seq\n"
        "1716217581.123456789\t192.0.2.7\t198.51.100.9\t6\t0x00f2\t31337\t80\t0x000b\t0\n"
    )
    batch, told = read(text)
    assert (told.format, int(batch.ts_ns[0])) == ("tshark", 1_716_217_581_123_456_789)
    assert (shown(batch)["ip_id"], shown(batch)["tcp_flags"]) == (242, 11)
    assert batch.unseen("tcp_seq")[0], "a relative number is not the header's"


def rows_of(path):
    case = open_inputs([path])
    return join([batch.copy() for batch in case.batches()])


def contradictions(capture, text):
    """Return the fields that two readings show differently, or that only the text claims to be there or absent."""
    wrong = {}
    for word in range(2, f.NOTES):
        bit = np.uint32(f.visibility_bit(word))
        if not bit:
            continue
        there, shown_there = capture.words[:, f.PRESENT] & bit != 0, text.words[:, f.PRESENT] & bit != 0
        differs = there & shown_there & (capture.words[:, word] != text.words[:, word])
        lost = there & ~shown_there & (text.words[:, f.UNSEEN] & bit == 0)
        count = int((differs | lost | (shown_there & ~there)).sum())
        if count:
            wrong[word] = count
    return wrong


PRINTED = {
    "nmap_sS_top1000.pcap": LAB, "hping3_udp.pcap": LAB, "nmap_sY_sctp_init.pcap": LAB, "nmap_PR_arp_lan.pcap": LAB,
    "nping_icmp.pcap": LAB, "traceroute_udp.pcap": LAB, "neg_curl_open.pcap": LAB, "nmap_badsum.pcap": LAB,
    "null-loopback.pcap": PUBLIC, "linux-sll.pcap": PUBLIC, "fragments-tcp-flags.pcap": PUBLIC, "vlan.pcap": PUBLIC,
    "ipv6-atomic-fragments.pcap": PUBLIC, "pppoe.pcap": PUBLIC,
}  # fmt: skip


@needs_captures
@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not here")
@pytest.mark.parametrize("form", ["-n", "-nv", "-nvvStttt", "-ntte", "-nttx", "-ntttte -v -S"])
@pytest.mark.parametrize("name", PRINTED)
def test_what_tcpdump_prints_contradicts_no_capture(name, form, tmp_path):
    path, text = PRINTED[name] / name, tmp_path / "text"
    with text.open("wb") as out:
        subprocess.run(["tcpdump", *form.split(), "-r", path], stdout=out, stderr=subprocess.DEVNULL, check=True)
    capture, printed = rows_of(path), rows_of(text)
    assert len(capture) == len(printed)
    assert contradictions(capture, printed) == {}


@needs_captures
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
@pytest.mark.parametrize("form", [["-T", "json"], ["-T", "ek"], ["-T", "json", "-x"], ["-x"], ["-P", "-x", "-t", "ad"]])
@pytest.mark.parametrize("name", ["hping3_udp.pcap", "nmap_PR_arp_lan.pcap", "traceroute_tcp_syn.pcap"])
def test_what_tshark_prints_contradicts_no_capture(name, form, tmp_path):
    text = tmp_path / "text"
    with text.open("wb") as out:
        subprocess.run(["tshark", *form, "-r", LAB / name], stdout=out, stderr=subprocess.DEVNULL, check=True)
    capture, printed = rows_of(LAB / name), rows_of(text)
    assert len(capture) == len(printed)
    assert contradictions(capture, printed) == {}


@pytest.mark.parametrize("program", [["xxd"], ["hexdump", "-C"], ["od", "-Ax", "-tx1"]])
def test_hex_dumps_of_three_programs(program):
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not here")
    frames = [EXAMPLE.read_bytes()[at + 16 : at + 70] for at in (24, 94)]
    text = b"".join(subprocess.run(program, input=frame, capture_output=True, check=True).stdout for frame in frames)
    batch, _ = read(text)
    expected = rows_of(EXAMPLE).words[:2]
    assert (batch.words[:, f.NOTES] == f.NOTE_NO_TIME).all()
    assert (np.delete(batch.words, f.NOTES, axis=1) == np.delete(expected, f.NOTES, axis=1)).all()
