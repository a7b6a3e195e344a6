"""The decoder against Scapy, an outside oracle: options, extension headers, tunnels, quotes, checksums."""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
scapy = pytest.importorskip("scapy.all", reason="scapy is not installed")

from craftmark.packets import fields as f  # noqa: E402 - behind the import that may skip
from craftmark.packets.batch import PacketBatch, source_text, target_text  # noqa: E402
from craftmark.packets.decode import Decoder, Located, empty_frames, octets_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable

IP, IPv6, TCP, UDP, ICMP, SCTP = scapy.IP, scapy.IPv6, scapy.TCP, scapy.UDP, scapy.ICMP, scapy.SCTP
V4 = {"src": "192.160.13.4", "dst": "172.16.1.101"}
V6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}


LINK = scapy.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")  # else Scapy asks the network for addresses


def decode(packets: Iterable[object]) -> PacketBatch:
    raw = [scapy.raw(packet) for packet in packets]
    frames = empty_frames(len(raw))
    at = 0
    for row, frame in enumerate(raw):
        frames.starts[row], frames.links[row] = at, 1
        frames.captured[row] = frames.wire[row] = len(frame)
        at += len(frame)
    return Decoder(len(raw)).decode(Located(octets_of(b"".join(raw)), frames, len(raw), first_id=1))


def one(packet: object, *names: str) -> list[int | None]:
    """Return fields of one packet behind an Ethernet header, None where it has none."""
    batch = decode([LINK / packet])
    return [int(batch.column(name)[0]) if batch.present(name)[0] else None for name in names]


def notes(packet: object) -> int:
    return int(decode([LINK / packet]).words[0, f.NOTES])


def test_fields_of_tcp_are_what_scapy_wrote() -> None:
    packet = IP(**V4, ttl=44, tos=16, id=242, flags="DF") / TCP(
        sport=31337, dport=7, flags="FRP", seq=0xA1D95, ack=0x53, window=0x400, urgptr=3, reserved=2
    )
    names = ["ip_ttl", "ip_tos", "ip_id", "ip_flags", "tcp_sport", "tcp_dport", "tcp_flags", "tcp_seq", "tcp_ack",
             "tcp_win", "tcp_urp", "payload_len"]  # fmt: skip
    assert one(packet, *names) == [44, 16, 242, 2, 31337, 7, 0x0D, 0xA1D95, 0x53, 0x400, 3, 0]
    assert notes(packet) == 0


@pytest.mark.parametrize(
    ("options", "layout", "values"),
    [
        ([("MSS", 1460)], ("MSS",), [1460, None, None, None]),
        ([("MSS", 1360), ("SAckOK", b""), ("Timestamp", (5, 6)), ("NOP", None), ("WScale", 7)],
         ("MSS", "SACKOK", "TS", "NOP", "WS"), [1360, 7, 5, 6]),
        ([("NOP", None), ("NOP", None), ("SAck", (1, 2))], ("NOP", "NOP", "SACK"), [None] * 4),
        ([("TFO", (9, 8)), ("EOL", None)], ("TFO", "EOL"), [None] * 4),
    ],
)  # fmt: skip
def test_options_are_what_scapy_wrote(
    options: list[tuple[str, object]], layout: tuple[str, ...], values: list[int | None]
) -> None:
    packet = IP(**V4) / TCP(options=options)
    row = decode([LINK / packet]).words[0]
    got = f.option_layout(int(row[f.TCP_OPTIONS]), int(row[f.TCP_OPTIONS_LOW]))
    assert got[: len(layout)] == layout
    assert one(packet, "tcp_mss", "tcp_wscale", "tcp_tsval", "tcp_tsecr") == values


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [scapy.IPv6ExtHdrHopByHop()],
        [scapy.IPv6ExtHdrDestOpt(), scapy.IPv6ExtHdrRouting(addresses=["2001:db8::9"])],
        [scapy.IPv6ExtHdrFragment(offset=0, m=0, id=9)],
        [scapy.AH(nh=17, payloadlen=4, icv=b"\0" * 12)],
    ],
    ids=lambda headers: "+".join(type(header).__name__ for header in headers) or "none",
)
def test_extension_headers_lead_to_the_transport(headers: list[object]) -> None:
    packet = IPv6(**V6, hlim=61, fl=0xABCDE)
    for header in headers:
        packet = packet / header
    packet = packet / UDP(sport=5, dport=53) / b"query"
    names = ["ip_proto", "ip_ttl", "ip6_flow", "udp_sport", "udp_dport", "payload_len"]
    assert one(packet, *names) == [17, 61, 0xABCDE, 5, 53, 5]


def test_a_later_ipv6_fragment_has_no_ports() -> None:
    packet = IPv6(**V6) / scapy.IPv6ExtHdrFragment(offset=9, m=1, nh=17) / b"sixteen octets.."
    assert one(packet, "ip_proto", "udp_sport") == [17, None]
    assert notes(packet) == f.NOTE_FRAGMENT


@pytest.mark.parametrize(
    "outer",
    [
        IP(src="1.1.1.1", dst="2.2.2.2"),
        IPv6(src="::1", dst="::2"),
        IP(src="1.1.1.1", dst="2.2.2.2") / scapy.GRE(),
        IP(src="1.1.1.1", dst="2.2.2.2") / scapy.GRE(chksum_present=1, key_present=1, seqnum_present=1),
        IPv6(src="::1", dst="::2") / scapy.GRE() / LINK,
        IP(src="1.1.1.1", dst="2.2.2.2") / scapy.GRE_PPTP(seqnum_present=1, acknum_present=1) / scapy.PPP(),
    ],
    ids=lambda packet: packet.command()[:60],
)
@pytest.mark.parametrize("inner", [IP(**V4, ttl=9), IPv6(**V6, hlim=9)], ids=["4", "6"])
def test_the_row_of_a_tunnel_is_its_inner_packet(outer: object, inner: object) -> None:
    packet = outer / inner / TCP(sport=1025, dport=80)
    assert one(packet, "ip_ttl", "tcp_sport", "tcp_dport") == [9, 1025, 80]
    assert notes(packet) == f.NOTE_TUNNEL
    row = decode([LINK / packet]).words[0]
    told = [source_text(row), target_text(row)]
    assert [ip_address(text) for text in told] == [ip_address(inner.src), ip_address(inner.dst)]


def test_icmp_errors_quote_the_probe() -> None:
    probe = IP(**V4, id=242) / TCP(sport=31337, dport=99, seq=7)
    error = IP(src=V4["dst"], dst=V4["src"]) / ICMP(type=3, code=3) / scapy.raw(probe)[:28]
    row = decode([LINK / error]).words[0]
    words = [f.QUOTE_PROTOCOL, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ]
    assert [int(row[word]) for word in words] == [6, 31337, 99, 242, 7]
    assert int(row[f.NOTES]) == f.NOTE_QUOTE


def test_icmp6_errors_quote_the_probe() -> None:
    probe = IPv6(**V6) / UDP(sport=4000, dport=33434) / b"x"
    row = decode([LINK / IPv6(src="::9", dst=V6["src"]) / scapy.ICMPv6DestUnreach(code=4) / probe]).words[0]
    words = [f.QUOTE_PROTOCOL, f.QUOTE_DST, f.QUOTE_SPORT, f.QUOTE_DPORT]
    assert [int(row[word]) for word in words] == [17, 2, 4000, 33434]


@pytest.mark.parametrize(
    "packet",
    [
        IP(**V4) / ICMP(id=77, seq=3) / b"abcde",
        IPv6(**V6) / scapy.ICMPv6EchoRequest(id=77, seq=3, data=b"abcde"),
    ],
    ids=["icmp", "icmp6"],
)
def test_echo_requests_have_identifier_sequence_and_payload(packet: object) -> None:
    kind = "icmp6" if packet.version == 6 else "icmp"
    assert one(packet, f"{kind}_id", f"{kind}_seq", "payload_len", "payload_head") == [77, 3, 5, 0x61626364]
    assert notes(packet) == 0


def test_arp_asks_with_both_addresses() -> None:
    row = decode([LINK / scapy.ARP(op=1, psrc="10.0.0.1", pdst="10.0.0.9")]).words[0]
    assert [int(row[word]) for word in (f.PROTOCOL, f.ARP_OP, f.IP_SRC, f.IP_DST)] == [
        f.ARP, 1, 0x0A000001, 0x0A000009,
    ]  # fmt: skip


def test_sctp_tells_its_tag_and_first_chunk() -> None:
    packet = IP(**V4) / SCTP(sport=1, dport=2, tag=9) / scapy.SCTPChunkInit()
    assert one(packet, "sctp_dport", "sctp_vtag", "sctp_chunk") == [2, 9, 1]


@pytest.mark.parametrize("transport", [TCP(chksum=0x1234), UDP(chksum=0x1234), ICMP(chksum=0x1234)])
def test_a_wrong_checksum_is_noted(transport: object) -> None:
    assert notes(IP(**V4) / transport / b"data") == f.NOTE_SUM_BAD
    assert notes(IP(**V4, chksum=0x1234) / UDP()) == f.NOTE_IP_SUM_BAD
