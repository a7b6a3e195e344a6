"""Logs of packet filters: what each line shows, and that nothing else is told of it."""

from __future__ import annotations

import pytest

from craftmark.errors import SourceError
from craftmark.packets import fields as f
from tests.sources.texts import ends, read, shown

FILTERLOG = (
    "Sep 30 14:35:50 fw filterlog: 53,,,1000102631,em0,match,block,in,4,0x0,,64,892,0,none,6,tcp,44,10.0.2.2,10.0.2.15,"
    "59576,22,0,S,17536001,,65535,,mss\n"
)
FILTERLOG6 = (
    "<134>1 2024-05-20T17:06:21.123456+02:00 fw filterlog 81823 - - 4,,,0,igb0,match,pass,out,6,0x00,0x12345,57,UDP,17,"
    "20,2001:db8::1,2001:db8::2,5353,53,20\n"
)


def test_filterlog_shows_the_ip_and_tcp_header_and_option_names():
    batch, told = read(FILTERLOG)
    assert (told.format, told.clock, ends(batch)) == ("filterlog", "no-year", ("10.0.2.2", "10.0.2.15"))
    assert shown(batch) == {
        "ip_proto": 6, "ip_version": 4, "ip_tos": 0, "ip_len": 44, "ip_id": 892, "ip_flags": 0, "ip_frag": 0,
        "ip_ttl": 64, "tcp_sport": 59576, "tcp_dport": 22, "tcp_seq": 17536001, "tcp_flags": f.SYN, "tcp_win": 65535,
        "tcp_options": f.encode_layout(("MSS",))[0], "payload_len": 0,
    }  # fmt: skip
    assert batch.unseen("tcp_mss")[0]
    assert batch.unseen("tcp_ack")[0]


def test_filterlog_of_ipv6_in_an_rfc_5424_log():
    batch, told = read(FILTERLOG6)
    assert (told.clock, ends(batch)) == ("epoch", ("2001:db8::1", "2001:db8::2"))
    seen = shown(batch)
    assert (seen["ip6_flow"], seen["ip_ttl"], seen["udp_dport"], seen["udp_len"]) == (0x12345, 57, 53, 20)
    assert int(batch.ts_ns[0]) == 1_716_217_581_123_456_000


def test_filterlog_icmp_types_by_name():
    line = FILTERLOG.replace("6,tcp,44", "1,icmp,84").replace("59576,22,0,S,17536001,,65535,,mss", "request,4660,564")
    batch, _ = read(line)
    seen = shown(batch)
    assert (seen["icmp_type"], seen["icmp_id"]) == (8, 4660)
    assert batch.unseen("icmp_seq")[0]
    assert batch.unseen("icmp_code")[0]


ASA = {
    "4-106023: Deny tcp src outside:192.0.2.7/31337 dst inside:198.51.100.9/80 by access-group o [0x0, 0x0]": {
        "tcp_sport": 31337,
        "tcp_dport": 80,
    },
    "2-106001: Inbound TCP connection denied from 192.0.2.7/4000 to 198.51.100.9/23 flags SYN  on interface out": {
        "tcp_sport": 4000,
        "tcp_dport": 23,
        "tcp_flags": f.SYN,
    },
    "6-106015: Deny TCP (no connection) from 192.0.2.7/4000 to 198.51.100.9/23 flags FIN PSH URG  on interface out": {
        "tcp_sport": 4000,
        "tcp_dport": 23,
        "tcp_flags": f.FIN | f.PSH | f.URG,
    },
    "2-106006: Deny inbound UDP from 192.0.2.7/53 to 198.51.100.9/161 on interface outside": {
        "udp_sport": 53,
        "udp_dport": 161,
    },
    "4-106023: Deny icmp src outside:192.0.2.7 dst inside:198.51.100.9 (type 8, code 0) by access-group o": {
        "icmp_type": 8,
        "icmp_code": 0,
    },
    "6-106100: access-list OUT denied tcp outside/192.0.2.7(4000) -> inside/198.51.100.9(22) hit-cnt 1 first hit": {
        "tcp_sport": 4000,
        "tcp_dport": 22,
    },
}
IOS = {
    "P: list 101 denied tcp 192.0.2.7(4000) -> 198.51.100.9(23), 1 packet": {"tcp_sport": 4000, "tcp_dport": 23},
    "P: list 101 denied udp 192.0.2.7(40) (Ethernet0 00aa.bbcc.ddee) -> 198.51.100.9(23), 1 packet": {
        "udp_sport": 40,
        "udp_dport": 23,
    },
    "DP: list 101 denied icmp 192.0.2.7 -> 198.51.100.9 (8/0), 1 packet": {"icmp_type": 8, "icmp_code": 0},
    "NP: list 101 denied 50 192.0.2.7 -> 198.51.100.9, 1 packet": {},
}
CISCO = {f"%ASA-{text}": told for text, told in ASA.items()} | {
    f"%SEC-6-IPACCESSLOG{text}": told for text, told in IOS.items()
}


@pytest.mark.parametrize("message", CISCO)
def test_cisco_messages_show_ends_and_little_else(message):
    batch, told = read(f"May 20 2024 17:06:21 fw : {message}\n")
    assert (told.format, told.damage, ends(batch)) == ("cisco", [], ("192.0.2.7", "198.51.100.9"))
    seen = shown(batch)
    assert {name: seen[name] for name in seen if name not in ("ip_proto", "ip_version")} == CISCO[message]


def test_cisco_messages_of_connections_are_foreign_lines():
    built = (
        "May 20 2024 17:06:21 fw : %ASA-6-302013: Built inbound TCP connection 1 for a:192.0.2.7/1 to b:10.0.0.1/2\n"
    )
    batch, told = read(built + f"May 20 2024 17:06:22 fw : {next(iter(CISCO))}\n")
    assert (len(batch), told.damage, len(told.notes)) == (1, [], 2)


IPFW = {
    "ipfw: 500 Deny TCP 192.0.2.7:1024 198.51.100.9:80 in via em0": {"tcp_sport": 1024, "tcp_dport": 80},
    "ipfw: 65000 Deny ICMP:8.0 192.0.2.7 198.51.100.9 in via em0": {"icmp_type": 8, "icmp_code": 0},
    "ipfw: 100 Deny P:2 192.0.2.7 198.51.100.9 in via em0": {},
    "ipfw: 100 Count UDP 192.0.2.7:1 198.51.100.9:2 out via fxp0": {"udp_sport": 1, "udp_dport": 2},
}


@pytest.mark.parametrize("line", IPFW)
def test_ipfw_lines(line):
    batch, told = read(f"May 20 17:06:21 host kernel: {line}\n", year=2024)
    assert (told.format, told.clock, ends(batch)) == ("ipfw", "epoch", ("192.0.2.7", "198.51.100.9"))
    seen = shown(batch)
    assert {name: seen[name] for name in seen if name not in ("ip_proto", "ip_version")} == IPFW[line]


WINDOWS = """#Version: 1.5
#Software: Microsoft Windows Firewall
#Time Format: Local
#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode\
 info path

2005-04-11 08:05:57 DROP UDP 192.0.2.7 198.51.100.255 137 137 78 - - - - - - - RECEIVE
2005-04-11 08:05:58 DROP TCP 192.0.2.7 198.51.100.9 4000 445 48 S 305419896 0 65535 - - - RECEIVE
2005-04-11 08:05:59 DROP ICMP 192.0.2.7 198.51.100.9 - - 60 - - - - 8 0 - RECEIVE
2021-04-11 08:05:59 ALLOW TCP 192.0.2.7 198.51.100.9 4000 445 0 - 0 0 0 - - - SEND
"""


def test_windows_firewall_shows_the_header_in_old_logs_and_ports_alone_in_new_ones():
    batch, told = read(WINDOWS)
    assert (told.format, len(batch), told.damage) == ("winfirewall", 4, [])
    assert shown(batch, 0)["ip_len"] == 78
    old = shown(batch, 1)
    assert (old["tcp_flags"], old["tcp_seq"], old["tcp_win"], old["ip_len"]) == (f.SYN, 305419896, 65535, 48)
    assert shown(batch, 2)["icmp_type"] == 8
    assert set(shown(batch, 3)) == {"ip_proto", "ip_version", "tcp_sport", "tcp_dport"}


FW1 = {
    "May 20 17:06:21 host Checkpoint: 20May2024 17:06:21 drop 10.0.0.1 >eth1 rule: 134; src: 192.0.2.7; "
    "dst: 198.51.100.9; proto: tcp; product: VPN-1 & FireWall-1; service: 445; s_port: 3000;": 3000,
    "20May2024 17:06:21 drop gw1 >eth0 proto tcp src 192.0.2.7 dst 198.51.100.9 service 445 s_port 3000 len 48 rule 12":
        3000,
    '1 2024-05-20T17:06:21Z gw CheckPoint 123 - [action:"Drop"; src:"192.0.2.7"; dst:"198.51.100.9"; proto:"6"; '
    's_port:"3000"; service:"445"; product:"Firewall"]': 3000,
}  # fmt: skip
EXPORT = (
    "num;date;time;orig;type;action;alert;i/f_name;i/f_dir;product;src;dst;proto;rule;service;s_port\n"
    "0;20May2024;17:06:21;gw;log;drop;;eth0;inbound;VPN-1 & FireWall-1;192.0.2.7;198.51.100.9;tcp;5;445;3000\n"
    "1;20May2024;17:06:22;gw;control;ctl;;daemon;inbound;VPN-1 & FireWall-1;;;;;;\n"
)


@pytest.mark.parametrize("line", [*FW1, EXPORT])
def test_check_points_lines_and_exports(line):
    batch, told = read(line if line is EXPORT else f"{line}\n", year=2024)
    assert (told.format, len(batch), ends(batch)) == ("fw1", 1, ("192.0.2.7", "198.51.100.9"))
    assert (shown(batch)["tcp_sport"], shown(batch)["tcp_dport"]) == (3000, 445)
    assert batch.unseen("tcp_flags")[0]


SCANLOGD = (
    "Mar  5 21:44:43 srv scanlogd: 192.0.2.123 to 192.0.2.1 ports 80, 81, 83, ..., fSrpauxy, TOS 00, TTL 49 @20:44:43\n"
    "Mar  5 21:44:44 srv scanlogd: 192.0.2.123 to 192.0.2.1 ports 80, 443, f????uxy @20:44:44\n"
)


def test_scanlogd_names_ports_and_what_all_packets_had_in_common():
    batch, told = read(SCANLOGD)
    assert (told.format, len(batch)) == ("scanlogd", 5)
    first = shown(batch, 0)
    assert (first["tcp_dport"], first["tcp_flags"], first["ip_ttl"]) == (80, f.SYN, 49)
    assert batch.unseen("tcp_flags").tolist() == [False] * 3 + [True] * 2


@pytest.mark.parametrize("text", [FILTERLOG, WINDOWS, FW1 and next(iter(FW1)) + "\n", SCANLOGD])
def test_lines_of_others_between_are_counted_and_no_damage(text):
    alone, _ = read(text, year=2024)
    mixed, told = read("some text\n" + text + "May 20 17:06:22 host sshd[1]: a login\n", year=2024)
    assert (len(mixed), told.damage_total) == (len(alone), 0)


def test_an_address_that_is_none_is_damage():
    with pytest.raises(SourceError, match="none can be read"):
        read(FILTERLOG.replace("10.0.2.15", "10.0.2.999"))
