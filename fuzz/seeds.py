"""Small inputs of every format, all made here: what mutations start from."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLES = Path(__file__).parents[1] / "examples"
_PCAP = (EXAMPLES / "odd-scan-2000.pcap").read_bytes()
_RECORD = 70
FRAMES = [_PCAP[at + 16 : at + _RECORD] for at in range(24, 24 + _RECORD * 12, _RECORD)]


def _erf() -> bytes:
    out = b""
    for number, frame in enumerate(FRAMES):
        extensions = number % 3
        size = 18 + 8 * extensions + len(frame)
        size += -size % 8
        head = struct.pack("<II", number << 20, 1_000_000_000 + number) + struct.pack(
            ">BBHHH", 2 | (0x80 if extensions else 0), 4, size, 0, len(frame) + 4
        )
        more = b"".join(bytes([(0x80 if left else 0) | 3]) + bytes(7) for left in reversed(range(extensions)))
        out += (head + more + b"\0\0" + frame).ljust(size, b"\0")
    return out


def _snoop() -> bytes:
    out = b"snoop\0\0\0" + struct.pack(">II", 2, 4)
    for number, frame in enumerate(FRAMES):
        size = 24 + len(frame)
        size += -size % 4
        head = struct.pack(">IIIIII", len(frame), len(frame), size, 0, 1_000_000_000 + number, 7)
        out += (head + frame).ljust(size, b"\0")
    return out


def _pcapng() -> bytes:
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 1, 0, 65_535, 20)
    blocks = [section, interface]
    for number, frame in enumerate(FRAMES):
        body = frame.ljust(len(frame) + -len(frame) % 4, b"\0")
        size = 32 + len(body)
        blocks.append(
            struct.pack("<IIIIIII", 6, size, 0, 1 << 18, number, len(frame), len(frame))
            + body
            + struct.pack("<I", size)
        )
    return b"".join(blocks)


def _zigzag(value: int) -> bytes:
    """Return a number as Avro has it."""
    value = value << 1 if value >= 0 else (-value << 1) - 1
    octets = b""
    while value > 127:
        octets, value = octets + bytes([value & 127 | 128]), value >> 7
    return octets + bytes([value])


def _text(octets: bytes) -> bytes:
    return _zigzag(len(octets)) + octets


def flow_tuples(records: Sequence[Mapping[str, int | str]], codec: str, *, per_block: int = 100) -> bytes:
    """Return records as an Avro container file with corsaro's schema; all have the first one's names."""
    kinds = {name: "string" if isinstance(value, str) else "long" for name, value in records[0].items()}
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    schema = json.dumps({"type": "record", "name": "flowtuple", "fields": fields}).encode()
    sync = b"sixteen octets.."
    parts = [b"Obj\x01", _zigzag(2), _text(b"avro.schema"), _text(schema), _text(b"avro.codec")]
    parts += [_text(codec.encode()), b"\0", sync]
    for first in range(0, len(records), per_block):
        some = records[first : first + per_block]
        values = [value for record in some for value in record.values()]
        block = b"".join(_text(value.encode()) if isinstance(value, str) else _zigzag(value) for value in values)
        packed = block if codec == "null" else zlib.compress(block)[2:-4]
        parts += [_zigzag(len(some)), _text(packed), sync]
    return b"".join(parts)


def _flowtuple() -> bytes:
    names = {"time": 1_600_000_000, "src_ip": 0xC0000207, "dst_ip": 0xC6336409, "src_port": 4000, "dst_port": 23}
    names |= {"protocol": 6, "ttl": 44, "tcp_flags": 2, "ip_len": 40, "tcp_synlen": 20, "tcp_synwinlen": 1024}
    return flow_tuples([names | {"netacq_country": "NL", "dst_port": port} for port in range(9)], "null", per_block=4)


def _eve() -> bytes:
    ends = {"timestamp": "2024-05-20T17:06:21.123456+0200", "src_ip": "192.0.2.7", "dest_ip": "198.51.100.9"}
    ends |= {"proto": "TCP", "src_port": 4000, "dest_port": 80}
    flow = {"pkts_toserver": 2, "pkts_toclient": 1, "start": "2024-05-20T17:06:20.000000+0200"}
    records = [
        ends | {"event_type": "alert", "packet": base64.b64encode(FRAMES[0]).decode(), "packet_info": {"linktype": 1}},
        ends | {"event_type": "flow", "flow": flow, "tcp": {"tcp_flags_ts": "06", "tcp_flags_tc": "12"}},
        ends | {"event_type": "drop", "drop": {"len": 40, "ttl": 44, "ipid": 242, "syn": True, "tcpseq": 7}},
    ]
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


_TEXTS = {
    "snort": (EXAMPLES / "odd-scan-2000.snort.txt").read_text()[:900],
    "netfilter": (
        "May 20 17:06:21 host kernel: [12345.678901] DROP IN=eth0 OUT= MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 "
        "SRC=192.0.2.7 DST=198.51.100.9 LEN=44 TOS=0x00 PREC=0x00 TTL=44 ID=242 DF PROTO=TCP SPT=31337 DPT=80 SEQ=7 "
        "ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0 OPT (020405B4) \n"
        "May 20 17:06:22 host kernel: IN=eth0 OUT= SRC=2001:db8::7 DST=2001:db8::9 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=7 "
        "PROTO=UDP SPT=1 DPT=2 LEN=20\n"
    ),
    "filterlog": (
        "Sep 30 14:35:50 fw filterlog: 53,,,1000,em0,match,block,in,4,0x0,,64,892,0,none,6,tcp,44,10.0.2.2,10.0.2.15,"
        "59576,22,0,S,17536001,,65535,,mss;nop;wscale\n"
        "Sep 30 14:35:50 fw filterlog[7]: 4,,,0,igb0,match,pass,out,6,0x00,0x12345,57,UDP,17,20,2001:db8::1,"
        "2001:db8::2,5353,53,20\n"
    ),
    "cisco": (
        "May 20 2024 17:06:21 fw : %ASA-4-106023: Deny tcp src outside:192.0.2.7/3133 dst inside:198.51.100.9/8 by o\n"
        "May 20 17:06:21 r 7: %SEC-6-IPACCESSLOGP: list 101 denied tcp 192.0.2.7(4000) -> 198.51.100.9(23), 1 packet\n"
    ),
    "ipfw": (
        "May 20 17:06:21 host kernel: ipfw: 500 Deny TCP 192.0.2.7:1024 198.51.100.9:80 in via em0\n"
        "May 20 17:06:21 host kernel: ipfw: 65000 Deny ICMP:8.0 192.0.2.7 198.51.100.9 in via em0\n"
    ),
    "scanlogd": (
        "Mar  5 21:44:43 srv scanlogd: 192.0.2.123 to 192.0.2.1 ports 80, 81, ..., fSrpauxy, TOS 00, TTL 49 @20:44:43\n"
    ),
    "zeek": (
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\thistory\torig_pkts\t"
        "orig_ip_bytes\tresp_pkts\n1400000000.123456\tC1\t192.0.2.7\t4000\t198.51.100.9\t80\ttcp\tSF\tShADadFf\t6\t400\t5\n"
        '{"ts":1400000000.1,"id.orig_h":"192.0.2.7","id.orig_p":1,"id.resp_h":"192.0.2.9","id.resp_p":2,"proto":"udp"}\n'
    ),
    "nfdump": (
        "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt\n"
        "2026-11-23 07:30:13,2026-11-23 07:30:13,0.0,192.0.2.7,198.51.100.9,39951,256,TCP,......S.,0,0,1,44,0,0\n"
    ),
    "winfirewall": (
        "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin "
        "icmptype icmpcode info path\n"
        "2005-04-11 08:05:58 DROP TCP 192.0.2.7 198.51.100.9 40 445 48 S 305 0 65535 - - - RECEIVE\n"
    ),
    "vpcflow": (
        "2 123456789010 eni-1235b8ca123456789 192.0.2.7 198.51.100.9 40 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
    ),
    "gcpflow": (
        '{"jsonPayload": {"connection": {"src_ip": "192.0.2.7", "dest_ip": "198.51.100.9", "src_port": 4000, '
        '"dest_port": 22, "protocol": 6}, "start_time": "2024-05-20T17:06:45.061Z", "packets_sent": "3", '
        '"bytes_sent": "900"}, "timestamp": "2024-05-20T17:07:00Z"}\n'
    ),
    "azureflow": (
        '{"records": [{"flowRecords": {"flows": [{"flowGroups": [{"rule": "r", "flowTuples": ['
        '"1663146003606,192.0.2.7,198.51.100.9,4001,80,6,I,B,NX,0,0,0,0",'
        '"1663146003637,192.0.2.7,198.51.100.9,4001,80,6,I,E,NX,9,4100,8,9000",'
        '"1542110377,192.0.2.7,198.51.100.9,35370,23,T,I,D"]}]}]}}]}\n'
    ),
    "packettrace": (
        "SENT (0.0666s) TCP 127.0.0.1:60564 > 127.0.0.2:22 S ttl=43 id=2914 iplen=44  seq=1295 win=1024 <mss 1460>\n"
        "RCVD (0.0945s) ICMP [127.0.0.2 > 127.0.0.1 Port 53 unreachable (type=3/code=3) ] IP [ttl=64 id=1 iplen=68 ]\n"
    ),
    "tshark": (
        "frame.time_epoch\tip.src\tip.dst\tip.proto\tip.id\ttcp.srcport\ttcp.dstport\ttcp.flags\n"
        "1716217581.123456789\t192.0.2.7\t198.51.100.9\t6\t0x00f2\t31337\t80\t0x000b\n"
    ),
    "tcpdump": (
        "17:06:21.000100 IP (tos 0x0, ttl 48, id 30666, offset 0, flags [none], proto TCP (6), length 44)\n"
        "    192.0.2.2.39951 > 198.51.100.10.3306: Flags [S], cksum 0x9037 (correct), seq 125, win 1024, options ["
        "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0\n"
        "17:06:22.000100 192.0.2.7.31337 > 198.51.100.9.80: SFP 1234:1234(0) win 1028 (ttl 242, id 242)\n"
        "17:06:23.000100 IP 192.0.2.7 > 192.0.2.9: ICMP 192.0.2.7 udp port 53 unreachable, length 36\n"
        "\t0x0000:  4500 0014 95bb 0000 3133 07bc c000 0202  E.......13......\n"
        "\t0x0010:  c633 640a                                .3d.\n"
    ),
    "fw1": (
        "20May2024 17:06:21 drop gw1 >eth0 proto tcp src 192.0.2.7 dst 198.51.100.9 service 445 s_port 30 len 48\n"
    ),
    "hexdump": (
        "0000  45 00 00 28 00 f2 00 00  f2 06 00 00 c0 00 02 07   E..(............\n"
        "0010  c6 33 64 09 7a 69 00 50  00 00 00 01 00 00 00 00   .3d.zi.P........\n"
        "0020  50 0b 04 04 00 00 00 00                            P.......\n"
    ),
    "columns": (
        "ts_ns,ip_src,ip_dst,present,unseen,ip_proto,ip_version,tcp_sport,tcp_dport\n"
        "958842405061034000,192.0.2.7,198.51.100.9,0x180f,0x0,6,4,31337,80\n"
    ),
}  # fmt: skip


def tables() -> list[bytes]:
    """Return the frames as Parquet and as Arrow; needs pyarrow."""
    from craftmark.export.columns import ArrowWriter  # noqa: PLC0415 - the one seed that a library writes
    from craftmark.sources.base import Provenance, SourceOptions  # noqa: PLC0415
    from craftmark.sources.formats import format_named  # noqa: PLC0415

    out = []
    for is_parquet in (True, False):
        stream = io.BytesIO()
        writer = ArrowWriter(stream, name="seed", is_parquet=is_parquet)
        source = format_named("pcap").open(io.BytesIO(SEEDS["pcap"]), Provenance("seed"), 1, SourceOptions())
        for batch in source.batches():
            writer.write(batch, "epoch")
        writer.close()
        out.append(stream.getvalue())
    return out


#: A small input of every format by its name.
SEEDS: dict[str, bytes] = {
    "pcap": _PCAP[: 24 + _RECORD * 12],
    "pcapng": _pcapng(),
    "erf": _erf(),
    "snoop": _snoop(),
    "eve": _eve(),
    "flowtuple": _flowtuple(),
    **{name: text.encode() for name, text in _TEXTS.items()},
}
