"""Captures and logs that nobody of this project wrote, with what their origins say of them."""

from __future__ import annotations

from functools import cache

import pytest

from craftmark.errors import CraftmarkError
from craftmark.pipeline import examine
from tests.cases.captures import PUBLIC, needs_captures

pytestmark = needs_captures

QUIET = (
    "nano-le.pcap", "nano-be.pcap", "bigendian-nfs.pcap", "modified-magic.pcap", "pcapng-multi-interface.pcapng",
    "pcapng-be-basic.pcapng", "pcapng-mixed-endian-sections.pcapng", "truncated-fuzz.pcap", "snap-cut-tcp-headers.pcap",
    "snap-cut-mid-header.pcap", "vlan.pcap", "qinq.pcap", "ipv6-atomic-fragments.pcap", "gre.pcapng", "4in6-syn.pcap",
    "fragments-tcp-flags.pcap", "raw-ip.pcap", "null-loopback.pcap", "linux-sll.pcap", "linux-sll2.pcap",
    "cisco-hdlc.pcap", "nflog.pcap", "pppoe.pcap", "all-eight-flags.pcap", "normal-chat-sll.pcap",
    "normal-http-49-connections.pcap", "psad-iptables-ping.log",
)  # fmt: skip
#: Packets (or lines) in a file, as its truth counts them.
PACKETS = {
    "nano-le.pcap": 9, "nano-be.pcap": 10, "bigendian-nfs.pcap": 128, "modified-magic.pcap": 1,
    "pcapng-multi-interface.pcapng": 6, "pcapng-be-basic.pcapng": 4, "pcapng-mixed-endian-sections.pcapng": 8,
    "snap-cut-tcp-headers.pcap": 24, "snap-cut-mid-header.pcap": 1, "vlan.pcap": 14, "qinq.pcap": 14,
    "ipv6-atomic-fragments.pcap": 38, "gre.pcapng": 7, "4in6-syn.pcap": 1, "fragments-tcp-flags.pcap": 6,
    "raw-ip.pcap": 52, "null-loopback.pcap": 59, "linux-sll.pcap": 12, "linux-sll2.pcap": 5, "cisco-hdlc.pcap": 17,
    "nflog.pcap": 13, "pppoe.pcap": 65, "all-eight-flags.pcap": 1, "normal-chat-sll.pcap": 347,
    "normal-http-49-connections.pcap": 655, "nmap-syn-old.pcap": 2011, "few-probes-four-kinds.pcapng": 30,
    "xmas-two-packets.pcap": 4, "macos-connect-ten-ports.pcap": 10, "synthetic-zero-window.pcap": 10,
    "psad-iptables-ping.log": 5, "psad-iptables-fin.log": 302, "psad-iptables-syn.log": 1002,
    "psad-iptables-udp.log": 302, "psad-iptables-proto.log": 510, "psad-ip6tables-connect.log": 1009,
    "psad-iptables-iso-time.log": 6, "pfsense-filterlog-edited.log": 16, "suricata-fast.log": 4,
    "suricata-eve-alerts-honeypot.json": 44,
}  # fmt: skip
#: File: control bits of its scan (None: no TCP), probes at least, kind of maker, tools that may be named.
SCANS = {
    "nmap-syn-old.pcap": (("SYN",), 1990, "crafted", {"nmap"}),
    "few-probes-four-kinds.pcapng": (None, 3, None, {None, "nmap"}),
    "xmas-two-packets.pcap": (("FIN", "PSH", "URG"), 2, "crafted", {None, "nmap"}),
    "macos-connect-ten-ports.pcap": (("SYN",), 10, None, {None, "nmap"}),
    "synthetic-zero-window.pcap": (("SYN",), 10, "crafted", {None}),
    "psad-iptables-fin.log": (("FIN",), 302, "crafted", {None, "nmap"}),
    "psad-iptables-syn.log": (("SYN",), 1000, "crafted", {None, "nmap"}),
    "psad-iptables-udp.log": (None, 300, None, {None, "nmap"}),
    "psad-iptables-proto.log": (None, 500, None, {None, "nmap"}),
    "psad-ip6tables-connect.log": (("SYN",), 990, None, {None, "nmap"}),
}
#: Records or lines that hold packets, in files whose rows are more or fewer: up to three a flow, one a port named.
RECORDS = {
    "suricata-eve.log": (5, 15), "zeek-conn.log": (360, 1080), "zeek-conn.json": (50, 150), "zeek-weird.log": (11, 11),
    "scanlogd.log": (4, 40),
}  # fmt: skip
NOT_READ = ("radiotap.pcap", "snort-fast-like.log")


@cache
def report_of(name):
    return examine([PUBLIC / name])


@pytest.mark.parametrize("name", QUIET)
def test_ordinary_traffic_and_stray_packets_are_no_scan(name):
    assert (report_of(name).scans, report_of(name).floods) == ((), ())


@pytest.mark.parametrize("name", PACKETS)
def test_every_packet_is_read_and_has_a_role(name):
    report, roles = report_of(name), report_of(name).traffic
    every = (roles.probe, roles.answer, roles.backscatter, roles.flood, roles.ordinary, roles.undecoded)
    assert sum(every) == report.inputs[0].packets == PACKETS[name]


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_of_a_log_is_read_without_damage(name):
    least, most = RECORDS[name]
    (told,) = report_of(name).inputs
    assert least <= told.packets <= most
    assert told.damage_total == 0


@pytest.mark.parametrize("name", ["zeek-conn.json", "suricata-eve.log", "suricata-fast.log", "zeek-weird.log"])
def test_logs_of_ordinary_connections_are_no_scan(name):
    assert report_of(name).scans == ()


def test_lines_of_filterlog_with_one_sequence_number_are_crafted():
    (scan,) = report_of("pfsense-filterlog-edited.log").scans
    assert (scan.control_bits, scan.probes, scan.maker.kind, scan.maker.tool) == (("SYN",), 16, "crafted", None)


@pytest.mark.parametrize("name", SCANS)
def test_the_scan_is_found_and_no_other_tool_named(name):
    bits, probes, kind, tools = SCANS[name]
    assert len(report_of(name).scans) == 1
    scan = report_of(name).scans[0]
    assert scan.probes >= probes
    assert bits is None or scan.control_bits == bits
    assert kind is None or scan.maker.kind == kind
    assert scan.maker.tool in tools


def test_a_macos_stack_is_not_called_crafted():
    assert report_of("macos-connect-ten-ports.pcap").scans[0].maker.kind != "crafted"


def test_a_kernels_packets_over_ipv6_are_not_called_crafted():
    assert report_of("psad-ip6tables-connect.log").scans[0].maker.kind != "crafted"


def test_a_file_that_ends_within_a_record_says_so():
    assert report_of("truncated-fuzz.pcap").inputs[0].damage_total >= 1


def test_lines_copied_by_hand_name_no_wrong_tool():
    named = {scan.maker.tool for scan in report_of("iptables-partly-copied.log").scans}
    assert named <= {None, "nmap"}


def refusal_of(name):
    try:
        return "" if report_of(name).scans == () else "found a scan"
    except CraftmarkError as refused:
        return str(refused)


@pytest.mark.parametrize("name", NOT_READ)
def test_what_cannot_be_read_is_refused_by_name_or_left_undecoded(name):
    assert refusal_of(name) == "" or name in refusal_of(name)
