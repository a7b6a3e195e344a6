"""Records of flows: what they show of single packets, and what ordinary connections are not taken for."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from craftmark.packets import fields as f
from craftmark.sources.flows import Flow, answering_bits, inner_bits, opening_bits
from tests.sources.texts import ends, read, shown

EXAMPLE = Path(__file__).parents[2] / "examples" / "odd-scan-2000.pcap"
ZEEK = (
    "#separator \\x09\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\thistory\torig_pkts\t"
    "orig_ip_bytes\tresp_pkts\n"
    "1400000000.123456\tC1\t192.0.2.7\t4000\t198.51.100.9\t80\ttcp\tS0\tS\t1\t40\t0\n"
    "1400000001.5\tC2\t192.0.2.7\t4001\t198.51.100.9\t81\ttcp\tREJ\tSr\t1\t44\t1\n"
    "1400000002.5\tC3\t192.0.2.7\t4002\t198.51.100.9\t82\ttcp\tSF\tShADadFf\t6\t400\t5\n"
    "1400000003.5\tC4\t192.0.2.7\t8\t198.51.100.9\t0\ticmp\tOTH\t-\t1\t84\t1\n"
    "1400000004.5\tC5\t192.0.2.7\t4003\t198.51.100.9\t53\tudp\tS0\tD\t1\t60\t0\n"
    "#close\t2014-05-13\n"
)


def test_a_flows_first_packet_has_the_bits_that_follow_from_all_of_them():
    assert opening_bits(f.SYN | f.ACK_BIT | f.FIN, 6) == f.SYN
    assert opening_bits(f.FIN | f.PSH | f.URG, 1) == f.FIN | f.PSH | f.URG
    assert opening_bits(f.FIN | f.PSH | f.URG, 2) is None
    assert opening_bits(f.SYN | f.ACK_BIT | f.ECE, 6) is None
    assert opening_bits(None, 1) is None
    assert answering_bits(f.SYN | f.ACK_BIT | f.PSH, 4) == f.SYN | f.ACK_BIT
    assert answering_bits(f.RST | f.ACK_BIT, 3) == f.RST | f.ACK_BIT


def test_a_packet_inside_is_shown_only_of_connections_that_were_made():
    pair = (b"192.0.2.7", b"198.51.100.9")
    assert inner_bits(Flow(pair, f.TCP, bits=f.SYN, packets=3, octets=180)) is None
    assert inner_bits(Flow(pair, f.TCP, bits=f.SYN | f.ACK_BIT, packets=3)) == f.ACK_BIT
    assert inner_bits(Flow(pair, f.TCP, bits=f.SYN | f.RST, packets=2)) == f.RST
    assert inner_bits(Flow(pair, f.TCP, packets=4, octets=4000)) == f.ACK_BIT
    assert inner_bits(Flow(pair, f.UDP, packets=4, octets=4000)) is None


def test_zeeks_connections_show_openings_answers_and_length():
    batch, told = read(ZEEK)
    assert (told.format, told.damage, len(batch)) == ("zeek", [], 9)
    first = shown(batch, 0)
    assert (first["tcp_flags"], first["ip_len"], first["payload_len"], first["tcp_off"]) == (f.SYN, 40, 0, 5)
    assert int(batch.ts_ns[0]) == 1_400_000_000_123_456_000
    assert [shown(batch, row).get("tcp_flags") for row in (1, 2, 3, 4, 5)] == [2, 4, 2, 16, 18]
    assert ends(batch, 2) == ("198.51.100.9", "192.0.2.7")
    assert [shown(batch, row)["icmp_type"] for row in (6, 7)] == [8, 0]
    assert batch.unseen("tcp_seq")[:6].all()


def test_zeeks_json_says_the_same_as_its_table():
    names = ZEEK.split("\n")[2].split("\t")[1:]
    lines = [dict(zip(names, line.split("\t"), strict=True)) for line in ZEEK.split("\n")[3:8]]
    for line in lines:
        for name in ("id.orig_p", "id.resp_p", "orig_pkts", "orig_ip_bytes", "resp_pkts"):
            line[name] = int(line[name])
        line["ts"] = float(line["ts"])
        if line["history"] == "-":
            del line["history"]
    batch, _ = read("".join(json.dumps(line) + "\n" for line in lines))
    table, _ = read(ZEEK)
    assert (batch.words == table.words).all()
    assert (batch.ts_ns == table.ts_ns).all()


ENDS = {"src_ip": "192.0.2.7", "dest_ip": "198.51.100.9", "proto": "TCP", "src_port": 4000, "dest_port": 80}


def eve(**record):
    return json.dumps({"timestamp": "2024-05-20T17:06:21.123456+0200", **ENDS, **record}) + "\n"


def test_a_packet_inside_an_alert_is_decoded_whole():
    frame = EXAMPLE.read_bytes()[40:94]
    text = eve(event_type="alert", packet=base64.b64encode(frame).decode(), packet_info={"linktype": 1})
    batch, told = read(eve(event_type="alert", alert={}) + text)
    assert (told.format, len(batch)) == ("eve", 2)
    assert batch.unseen("ip_id")[0]
    assert batch.present("ip_id")[1]
    assert shown(batch, 1)["ip_id"] == int.from_bytes(frame[18:20])


def test_flows_of_eve_show_bits_and_answers():
    flow = {"pkts_toserver": 2, "pkts_toclient": 1, "start": "2024-05-20T17:06:20.000000+0200"}
    batch, _ = read(eve(event_type="flow", flow=flow, tcp={"tcp_flags_ts": "06", "tcp_flags_tc": "12"}))
    assert [shown(batch, row)["tcp_flags"] for row in range(3)] == [f.SYN, f.RST, f.SYN | f.ACK_BIT]
    assert int(batch.ts_ns[0]) == 1_716_217_580_000_000_000


def test_drops_of_eve_show_the_header():
    numbers = {"len": 40, "tos": 0, "ttl": 44, "ipid": 242, "tcpseq": 7, "tcpack": 0, "tcpwin": 1024, "tcpurgp": 0}
    drop = numbers | dict.fromkeys(("ack", "psh", "rst", "urg"), False) | {"syn": True, "fin": True}
    batch, _ = read(eve(event_type="drop", drop=drop))
    seen = shown(batch)
    assert (seen["ip_id"], seen["ip_ttl"], seen["tcp_flags"], seen["tcp_win"]) == (242, 44, f.SYN | f.FIN, 1024)


def test_an_array_printed_over_many_lines_is_read_like_lines():
    records = [json.loads(eve(event_type="alert", src_port=port)) for port in (1, 2, 3)]
    batch, _ = read(json.dumps(records, indent=2))
    assert batch.column("tcp_sport").tolist() == [1, 2, 3]


def test_a_cut_line_of_json_costs_that_line_alone():
    whole = eve(event_type="alert")
    batch, told = read(whole + whole[:60] + "\n" + whole)
    assert (len(batch), told.damage_total) == (2, 1)


NFDUMP = (
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt\n"
    "2026-11-23 07:30:13,2026-11-23 07:30:13,0.000,192.0.2.7,198.51.100.9,39951,256,TCP,......S.,0,0,1,44,0,0\n"
    "2026-11-23 07:30:13,2026-11-23 07:30:13,0.000,198.51.100.9,192.0.2.7,256,39951,TCP,...A.R..,0,0,1,40,0,0\n"
    "2026-11-23 07:30:14,2026-11-23 07:30:14,0.000,192.0.2.7,198.51.100.9,0,8.0,ICMP,........,0,0,1,28,0,0\n"
    "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n3,112,3,0,0,0\n"
)


def test_nfdumps_csv():
    batch, told = read(NFDUMP)
    assert (told.format, told.damage, len(batch)) == ("nfdump", [], 3)
    assert [shown(batch, row)["ip_len"] for row in range(3)] == [44, 40, 28]
    assert [shown(batch, row)["tcp_flags"] for row in range(2)] == [f.SYN, f.RST | f.ACK_BIT]
    assert shown(batch, 2)["icmp_type"] == 8


VPC = (
    "2 123456789010 eni-1235b8ca123456789 192.0.2.7 198.51.100.9 4000 22 6 1 40 1418530010 1418530070 REJECT OK\n"
    "2 123456789010 eni-1235b8ca123456789 192.0.2.7 198.51.100.9 4001 443 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
    "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA\n"
)


VPC_COLUMNS = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
VPC_HEADER = f"{VPC_COLUMNS} log-status\n"


@pytest.mark.parametrize("header", ["", VPC_HEADER])
def test_vpc_flow_logs(header):
    batch, told = read(header + VPC)
    assert (told.format, told.damage, len(batch)) == ("vpcflow", [], 3)
    assert shown(batch, 0)["ip_len"] == 40
    assert batch.unseen("tcp_flags").tolist() == [True, True, False]
