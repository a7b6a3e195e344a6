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
