"""What programs say, in their own words as they were seen, and commands that ask little."""

from __future__ import annotations

import pytest

from craftmark.checks.programs import FARTHEST, Machine, program_for, read

ALL = frozenset({"ping", "hping3", "nmap", "traceroute", "tracert"})
LINUX = Machine("Linux", is_root=True, programs=ALL)
TOLD = {
    "linux": "64 bytes from 192.0.2.66: icmp_seq=1 ttl=60 time=0.127 ms\n64 bytes from 192.0.2.66: icmp_seq=2 ttl=59\n",
    "macos": "64 bytes from 192.0.2.66: icmp_seq=0 ttl=60 time=1.1 ms\n",
    "windows": "Reply from 192.0.2.66: bytes=32 time<1ms TTL=60\n",
    "silent": "PING 192.0.2.66 56(84) bytes of data.\n\n2 packets transmitted, 0 received, 100% packet loss",
    "router": "From 192.0.2.1 icmp_seq=1 Destination Host Unreachable\n",
    "another": "64 bytes from 192.0.2.67: icmp_seq=1 ttl=60 time=0.1 ms\n",
}


def check(kind, address="192.0.2.66", machine=LINUX, farthest=FARTHEST):
    return program_for(kind, address, machine).check(address, machine, farthest)


@pytest.mark.parametrize(
    ("told", "ttls", "unreachable"),
    [
        ("linux", (60, 59), False), ("macos", (60,), False), ("windows", (60,), False), ("silent", (), False),
        ("router", (), True), ("another", (), False),
    ],
)  # fmt: skip
def test_echo_replies_are_read_as_each_system_prints_them(told, ttls, unreachable):
    reading = read(check("ping"), TOLD[told])
    assert (reading.ttls, reading.answered, reading.unreachable) == (ttls, bool(ttls), unreachable)


def test_a_reset_to_a_lone_ack_is_read_from_hping_and_nmap():
    hping = "len=40 ip=192.0.2.66 ttl=60 DF id=0 sport=80 flags=R seq=0 win=0 rtt=1.0 ms\n"
    assert read(check("ack"), hping).ttls == (60,)
    assert not read(check("ack"), "1 packets transmitted, 0 packets received, 100% packet loss").answered
    nmap = check("ack", machine=Machine("Linux", is_root=True, programs=frozenset({"nmap"})))
    assert read(nmap, "Host is up, received reset ttl 60 (0.000074s latency).\n").ttls == (60,)
    assert not read(nmap, "Note: Host seems down. If it is really up, but blocking our ping probes, try -Pn").answered


def test_a_traced_way_tells_its_routers_only_where_it_arrived():
    way = "traceroute to 192.0.2.66 (192.0.2.66), 8 hops max\n 1  198.51.100.1  0.05 ms\n 2  192.0.2.66  0.02 ms\n"
    assert read(check("trace"), way).routers == 1
    assert read(check("trace"), way.replace(" 2  192.0.2.66", " 2  *")).routers is None
    assert not read(check("trace"), "traceroute: unknown host").answered


def test_a_system_is_named_only_where_nmap_names_one():
    named = read(check("system"), "22/tcp open ssh\nRunning: Linux 4.X|5.X\nOS details: Linux 4.15 - 5.8\n")
    assert (named.answered, named.system) == (True, "Linux 4.X|5.X")
    odd = read(
        check("system"), "22/tcp closed ssh\nToo many fingerprints match this host to give specific OS details\n"
    )
    assert (odd.answered, odd.system) == (True, "")
    assert not read(check("system"), "22/tcp filtered ssh\n").answered


def test_few_packets_are_asked_for_and_the_address_is_the_last_word():
    for kind, most in (("ping", 2), ("ack", 1), ("trace", 9), ("system", 60)):
        asked = check(kind, farthest=9)
        assert asked.packets == most
        assert asked.command[-1] == "192.0.2.66"
        assert asked.command[0] == asked.program


def test_without_root_nothing_is_asked_that_needs_it():
    user = Machine("Linux", is_root=False, programs=ALL)
    assert program_for("ack", "192.0.2.66", user) is None
    assert program_for("system", "192.0.2.66", user) is None
    assert program_for("ping", "192.0.2.66", user) is not None


def test_each_system_and_ip_version_has_its_words():
    windows = Machine("Windows", is_root=True, programs=ALL - {"traceroute"})
    assert check("ping", machine=windows).command == ("ping", "-n", "2", "-w", "2000", "192.0.2.66")
    assert check("trace", machine=windows, farthest=9).packets == 27
    mac = Machine("Darwin", is_root=True, programs=ALL)
    assert check("ping", "2001:db8::1", mac).command[0] == "ping6"
    assert check("ack", "2001:db8::1").command[:3] == ("nmap", "-n", "-6")


#: What the programs of other systems print, line ends and all, with the addresses of documentation.
WINDOWS = Machine("Windows", is_root=True, programs=frozenset({"ping", "tracert", "nmap"}))
MAC = Machine("Darwin", is_root=False, programs=frozenset({"ping", "ping6", "traceroute"}))
WINDOWS_PING = (
    "\r\nPinging 192.0.2.66 with 32 bytes of data:\r\nReply from 192.0.2.66: bytes=32 time=11ms TTL=117\r\n"
    "Reply from 192.0.2.66: bytes=32 time<1ms TTL=117\r\n\r\nPing statistics for 192.0.2.66:\r\n"
    "    Packets: Sent = 2, Received = 2, Lost = 0 (0% loss),\r\nApproximate round trip times in milli-seconds:\r\n"
    "    Minimum = 0ms, Maximum = 11ms, Average = 5ms\r\n"
)
GERMAN_PING = (
    "\r\nPing wird ausgef\u00fchrt f\u00fcr 192.0.2.66 mit 32 Bytes Daten:\r\n"
    "Antwort von 192.0.2.66: Bytes=32 Zeit=11ms TTL=117\r\n"
)
WINDOWS_GONE = (
    "\r\nPinging 192.0.2.66 with 32 bytes of data:\r\nReply from 192.0.2.1: Destination host unreachable.\r\n"
    "Request timed out.\r\n\r\nPing statistics for 192.0.2.66:\r\n"
    "    Packets: Sent = 2, Received = 1, Lost = 1 (50% loss),\r\n"
)
WINDOWS_LOOP = (
    "Reply from 198.51.100.1: TTL expired in transit.\r\nReply from 198.51.100.1: TTL expired in transit.\r\n"
)
MAC_PING = (
    "PING 192.0.2.66 (192.0.2.66): 56 data bytes\n64 bytes from 192.0.2.66: icmp_seq=0 ttl=54 time=14.212 ms\n"
    "64 bytes from 192.0.2.66: icmp_seq=1 ttl=54 time=13.960 ms\n\n--- 192.0.2.66 ping statistics ---\n"
    "2 packets transmitted, 2 packets received, 0.0% packet loss\n"
    "round-trip min/avg/max/stddev = 13.960/14.086/14.212/0.126 ms\n"
)
MAC_GONE = (
    "PING 192.0.2.66 (192.0.2.66): 56 data bytes\n92 bytes from 192.0.2.1: Destination Host Unreachable\n"
    "Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst\n"
    " 4  5  00 5400 7e02   0 0000  3f  01 f6ac 198.51.100.9  192.0.2.66\n\nRequest timeout for icmp_seq 0\n"
)


@pytest.mark.parametrize(
    ("machine", "told", "ttls", "unreachable"),
    [
        (WINDOWS, WINDOWS_PING, (117,), False), (WINDOWS, GERMAN_PING, (117,), False),
        (WINDOWS, WINDOWS_GONE, (), True), (WINDOWS, WINDOWS_LOOP, (), True),
        (WINDOWS, "Request timed out.\r\n", (), False),
        (MAC, MAC_PING, (54,), False), (MAC, MAC_GONE, (), True), (MAC, "Request timeout for icmp_seq 0\n", (), False),
    ],
)  # fmt: skip
def test_pings_of_windows_and_macos_are_read(machine, told, ttls, unreachable):
    reading = read(check("ping", machine=machine), told)
    assert (reading.ttls, reading.answered, reading.unreachable) == (ttls, bool(ttls), unreachable)


TRACERT = (
    "\r\nTracing route to 192.0.2.66 over a maximum of 9 hops\r\n\r\n"
    "  1    <1 ms    <1 ms    <1 ms  198.51.100.1 \r\n  2     *        *        *     Request timed out.\r\n"
    "  3    12 ms    11 ms    13 ms  192.0.2.66 \r\n\r\nTrace complete.\r\n"
)
TRACERT_LOST = TRACERT.replace(
    "12 ms    11 ms    13 ms  192.0.2.66 ", "  198.51.100.7  reports: Destination host unreachable."
)
MAC_TRACE = (
    "traceroute to 192.0.2.66 (192.0.2.66), 9 hops max, 52 byte packets\n 1  198.51.100.1  2.101 ms\n 2  *\n"
    " 3  192.0.2.66  14.017 ms\n"
)
MAC_TRACE_LOST = "traceroute to 192.0.2.66 (192.0.2.66), 9 hops max, 52 byte packets\n 1  198.51.100.1  2.1 ms !H\n"


@pytest.mark.parametrize(
    ("machine", "told", "routers"),
    [
        (WINDOWS, TRACERT, 2), (WINDOWS, TRACERT_LOST, None), (MAC, MAC_TRACE, 2), (MAC, MAC_TRACE_LOST, None),
    ],
)  # fmt: skip
def test_traced_ways_of_windows_and_macos_are_read(machine, told, routers):
    assert read(check("trace", machine=machine), told).routers == routers


def test_windows_and_macos_ask_in_their_own_words():
    traced = check("trace", machine=WINDOWS, farthest=9).command
    assert traced == ("tracert", "-d", "-w", "2000", "-h", "9", "192.0.2.66")
    assert check("ping", machine=MAC).command == ("ping", "-n", "-c", "2", "192.0.2.66")
    assert check("trace", machine=MAC, farthest=9).command == (
        "traceroute", "-n", "-q", "1", "-w", "2", "-m", "9", "192.0.2.66"
    )  # fmt: skip
