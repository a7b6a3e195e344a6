"""Netfilter's log: what its lines show, what they prove, and what stays unseen."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.errors import SourceError
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, join, source_text, target_text
from craftmark.sources.base import Provenance, SourceOptions
from craftmark.sources.netfilter import FORMAT

SHARED = Path(__file__).parents[3] / "shared" / "captures"
SYN = (
    b"Mar 11 20:35:11 linux kernel: [463490.251762] DROP IN=eth1 OUT= MAC=23:87:fc:c6:24:58:00:21:3f:98:99:78:08:00 "
    b"SRC=192.168.10.55 DST=192.168.10.1 LEN=60 TOS=0x10 PREC=0x20 TTL=53 ID=15270 DF PROTO=TCP SPT=56247 DPT=1025 "
    b"SEQ=2389571888 ACK=7 WINDOW=3072 RES=0x04 CWR ECE SYN URGP=9 OPT (020405B40402080A86E7F712000000000103030A) "
)
BARE = b"SRC=1.2.3.4 DST=4.3.2.1 LEN=%d TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=%s"
TCP = b"TCP SPT=1 DPT=2 WINDOW=5 RES=0x00 SYN URGP=0"


def read(*lines: bytes, year: int | None = None) -> tuple[PacketBatch, Provenance]:
    provenance = Provenance("messages")
    source = FORMAT.open(io.BytesIO(b"\n".join(lines) + b"\n"), provenance, 1, SourceOptions(year=year))
    return join(source.batches()), source.describe()


def packet(rest: bytes) -> bytes:
    return b"Mar 11 20:35:11 host kernel: IN=eth0 OUT= MAC= " + rest


def shown(batch: PacketBatch, row: int = 0) -> dict[str, int]:
    fields = f.fields_of(int(batch.column("ip_proto")[row]))
    return {field.name: int(batch.column(field.name)[row]) for field in fields if batch.present(field.name)[row]}


def test_a_tcp_line_with_all_its_options_is_read_whole() -> None:
    batch, provenance = read(SYN)
    assert (source_text(batch.words[0]), target_text(batch.words[0])) == ("192.168.10.55", "192.168.10.1")
    values = shown(batch)
    del values["ip_src"], values["ip_dst"], values["tcp_options"]
    assert values == {
        "ip_proto": 6, "ip_version": 4, "ip_ihl": 5, "ip_tos": 0x30, "ip_len": 60, "ip_id": 15270, "ip_flags": 2,
        "ip_frag": 0, "ip_ttl": 53, "tcp_sport": 56247, "tcp_dport": 1025, "tcp_seq": 2389571888, "tcp_ack": 7,
        "tcp_flags": f.SYN | f.ECE | f.CWR, "tcp_reserved": 1, "tcp_off": 10, "tcp_win": 3072, "tcp_urp": 9,
        "tcp_mss": 1460, "tcp_wscale": 10, "tcp_tsval": 0x86E7F712, "tcp_tsecr": 0, "payload_len": 0,
    }  # fmt: skip
    high, low = int(batch.words[0, f.TCP_OPTIONS]), int(batch.words[0, f.TCP_OPTIONS_LOW])
    assert f.option_layout(high, low) == ("MSS", "SACKOK", "TS", "NOP", "WS")
    assert int(batch.words[0, f.LINK_SRC]) == 0x3F989978
    assert int(batch.words[0, f.NOTES]) & f.NOTE_TOS_PARTIAL
    assert (provenance.damage_total, provenance.unseen) == (0, [])


def test_numbers_without_log_tcp_sequence_are_unseen() -> None:
    batch, provenance = read(packet(BARE % (44, TCP)))
    assert batch.unseen("tcp_seq")[0]
    assert batch.unseen("tcp_ack")[0]
    assert "tcp_seq" in provenance.unseen


def test_a_length_without_room_proves_that_there_are_no_options_and_no_payload() -> None:
    batch, _ = read(packet(BARE % (40, TCP)))
    values = shown(batch)
    assert (values["tcp_options"], values["payload_len"], values["ip_ihl"]) == (0, 0, 5)
    assert batch.unseen("tcp_off")[0]
    assert not batch.unseen("tcp_mss")[0]


def test_a_length_with_room_leaves_options_and_payload_unseen() -> None:
    batch, _ = read(packet(BARE % (44, TCP)))
    assert all(batch.unseen(name)[0] for name in ("tcp_options", "payload_len", "ip_ihl", "tcp_off", "tcp_mss"))


def test_shown_options_shorter_than_the_room_leave_the_payload_unseen() -> None:
    batch, _ = read(packet(BARE % (50, TCP + b" OPT (020405B4)")))
    assert shown(batch)["tcp_off"] == 6
    assert batch.unseen("payload_len")[0]


def test_ip_options_that_are_shown_give_the_header_length_and_the_payload() -> None:
    ip = b"SRC=1.2.3.4 DST=4.3.2.1 LEN=55 TOS=0x00 PREC=0x00 TTL=64 ID=1 OPT (94040000) PROTO="
    batch, _ = read(packet(ip + TCP + b" OPT (020405B4)"))
    assert (shown(batch)["ip_ihl"], shown(batch)["payload_len"]) == (6, 7)


def test_wrong_option_lengths_are_noted() -> None:
    batch, _ = read(packet(BARE % (44, TCP + b" OPT (02FF05B4)")))
    assert int(batch.words[0, f.NOTES]) & f.NOTE_BAD_OPTIONS


@pytest.mark.parametrize(
    ("words", "flags", "reserved"),
    [
        (b"RES=0x00 SYN", f.SYN, 0),
        (b"RES=0x00 CWR ECE SYN", f.SYN | f.ECE | f.CWR, 0),
        (b"RES=0x03 SYN", f.SYN | f.ECE | f.CWR, 0),
        (b"RES=0x3c FIN", f.FIN, 15),
        (b"RES=0x00 AE ACK", f.ACK_BIT, 1),
        (b"RES=0x00", 0, 0),
        (b"RES=0x00 URG ACK PSH RST SYN FIN", 63, 0),
    ],
)
def test_flags_and_reserved_bits_of_old_and_new_kernels(words: bytes, flags: int, reserved: int) -> None:
    batch, provenance = read(packet(BARE % (40, b"TCP SPT=1 DPT=2 WINDOW=5 " + words + b" URGP=0")))
    assert (shown(batch)["tcp_flags"], shown(batch)["tcp_reserved"]) == (flags, reserved)
    assert provenance.damage_total == 0


def test_udp_and_icmp_lines_are_read() -> None:
    batch, provenance = read(
        packet(BARE % (28, b"UDP SPT=44318 DPT=1146 LEN=8 ")),
        packet(BARE % (28, b"ICMP TYPE=8 CODE=0 ID=2158 SEQ=512")),
        packet(BARE % (20, b"UDP INCOMPLETE [0 bytes] ")),
    )
    assert (shown(batch)["udp_dport"], shown(batch)["udp_len"], shown(batch)["payload_len"]) == (1146, 8, 0)
    assert (shown(batch, 1)["icmp_type"], shown(batch, 1)["icmp_id"], shown(batch, 1)["icmp_seq"]) == (8, 2158, 512)
    assert shown(batch, 1)["ip_id"] == 1
    assert not batch.present("udp_dport")[2]
    assert not batch.unseen("udp_dport")[2]
    assert int(batch.words[2, f.NOTES]) & f.NOTE_BAD_LENGTH
    assert provenance.damage_total == 0


def test_an_icmp_error_carries_its_quote() -> None:
    inner = b"[SRC=4.3.2.1 DST=1.2.3.4 LEN=40 TOS=0x00 PREC=0x00 TTL=44 ID=242 PROTO=TCP SPT=31337 DPT=80 %s] "
    tcp = b"SEQ=662933 ACK=83 WINDOW=1024 RES=0x00 PSH RST FIN URGP=0 "
    batch, provenance = read(
        packet(BARE % (68, b"ICMP TYPE=3 CODE=3 " + inner % tcp)),
        packet(BARE % (68, b"ICMP TYPE=11 CODE=0 " + inner % b"INCOMPLETE [8 bytes] ")),
        packet(BARE % (68, b"ICMP TYPE=3 CODE=1 ")),
    )
    words = (f.QUOTE_PROTOCOL, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ)
    assert batch.words[0, list(words)].tolist() == [6, 31337, 80, 242, 662933]
    unseen = [int(row[f.UNSEEN]) & f.visibility_bit(f.QUOTE_SEQ) != 0 for row in batch.words]
    assert unseen == [False, True, True]
    assert [int(row[f.NOTES]) & f.NOTE_QUOTE != 0 for row in batch.words] == [True, True, False]
    assert shown(batch)["ip_ttl"] == 64
    assert provenance.damage_total == 0


def test_a_later_fragment_has_no_transport_header() -> None:
    line = b"SRC=1.2.3.4 DST=4.3.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 MF FRAG:64 PROTO=TCP "
    batch, provenance = read(packet(line))
    assert (shown(batch)["ip_flags"], shown(batch)["ip_frag"]) == (1, 64)
    assert not batch.unseen("tcp_dport")[0]
    assert provenance.damage_total == 0


def test_ipv6_is_read_with_its_flow_label() -> None:
    line = b"SRC=2001:0db8:0000:0000:0000:0000:0000:0002 DST=ff02:0000:0000:0000:0000:0001:ff00:0001 "
    line += b"LEN=%d TC=5 HOPLIMIT=255 "
    batch, provenance = read(
        packet(line % 60 + b"FLOWLBL=77 PROTO=TCP SPT=1 DPT=2 WINDOW=5 RES=0x00 SYN URGP=0 "),
        packet(line % 72 + b"FLOWLBL=0 PROTO=ICMPv6 TYPE=135 CODE=0 "),
        packet(line % 48 + b"FLOWLBL=0 FRAG:0 INCOMPLETE ID:0000abcd PROTO=UDP SPT=5 DPT=6 LEN=8 "),
    )
    values = shown(batch)
    assert (source_text(batch.words[0]), target_text(batch.words[0])) == ("2001:db8::2", "ff02::1:ff00:1")
    assert (values["ip6_flow"], values["ip_len"], values["ip_tos"], values["ip_ttl"]) == (77, 20, 5, 255)
    assert values["payload_len"] == 0
    assert shown(batch, 1)["icmp6_type"] == 135
    assert not batch.unseen("icmp6_id")[1]
    assert int(batch.words[2, f.NOTES]) & f.NOTE_FIRST_FRAGMENT
    assert not int(batch.words[0, f.NOTES]) & f.NOTE_TOS_PARTIAL
    assert provenance.damage_total == 0


def test_arp_lines_are_read() -> None:
    arp = b"ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=02:00:00:00:00:01 IPSRC=10.0.0.1 "
    arp += b"MACDST=00:00:00:00:00:00 IPDST=10.0.0.2"
    batch, provenance = read(b"[ 12.500000] IN=eth0 OUT= " + arp)
    assert (int(batch.words[0, f.PROTOCOL]), int(batch.words[0, f.ARP_OP])) == (f.ARP, 1)
    assert int(batch.words[0, f.IP_DST]) == 0x0A000002
    assert provenance.damage_total == 0


def test_a_protocol_printed_by_number_hides_its_header() -> None:
    batch, provenance = read(packet(BARE % (52, b"132 ")), packet(BARE % (20, b"132 ")))
    assert batch.unseen("sctp_dport").tolist() == [True, False]
    assert provenance.damage_total == 0


def test_decoded_link_addresses_are_read() -> None:
    mac = b"IN=eth0 OUT= MACSRC=02:00:5e:00:53:01 MACDST=02:00:5e:00:53:02 MACPROTO=0800 "
    batch, provenance = read(b"[ 12.500000] " + mac + BARE % (40, TCP))
    assert int(batch.words[0, f.LINK_SRC]) == 0x5E005301
    assert provenance.damage_total == 0


def test_a_tcp_line_that_netfilter_would_not_write_is_damage_and_keeps_its_ports() -> None:
    batch, provenance = read(packet(BARE % (104, b"TCP SPT=50616 DPT=53 LEN=84")))
    assert shown(batch)["tcp_dport"] == 53
    assert batch.unseen("tcp_flags")[0]
    assert "without WINDOW" in provenance.damage[0].what


@pytest.mark.parametrize(
    "rest",
    [
        b"SRC=1.2.3.4 DST=4.3.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=6",
        b"SRC=1.2.3.4 DST=4.3.2.400 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=2",
        b"SRC=1.2.3.4 DST=4.3.2.1 LEN=99999 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=2",
        b"SRC=1.2.3.4 DST=4.3.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=999",
        b"",
    ],
)
def test_a_line_that_should_be_a_packet_and_is_none_is_damage(rest: bytes) -> None:
    good = packet(BARE % (40, TCP))
    _, provenance = read(good, packet(rest), good)
    assert provenance.packets == 2
    assert [(d.packet, d.byte) for d in provenance.damage] == [(2, len(good) + 1)]


def test_lines_of_other_programs_are_counted() -> None:
    _, provenance = read(b"Mar 11 20:35:11 host sshd[1]: hello", packet(BARE % (40, TCP)), b"")
    assert any(note.startswith("1 lines are not netfilter packets") for note in provenance.notes)


def test_a_log_without_any_packet_is_refused() -> None:
    with pytest.raises(SourceError, match="no netfilter packet in it"):
        read(b"Mar 11 20:35:11 host sshd[1]: hello")


def test_overlong_lines_are_cut_and_do_not_swallow_the_next() -> None:
    line = packet(BARE % (40, TCP))
    batch, provenance = read(line, b"x" * 3_000_000, line + b" " * 200_000, line)
    assert len(batch) == 3
    assert provenance.damage_total == 0


@pytest.mark.parametrize(
    ("stamp", "clock", "ts_ns"),
    [
        (b"2015-03-07T05:09:30.045015+02:00 host kernel: ", "epoch", 1_425_697_770_045_015_000),
        (b"<4>1 2015-03-07T03:09:30Z host kernel - - - ", "epoch", 1_425_697_770_000_000_000),
        (b"2015-03-07T03:09:30+0000 host kernel: ", "epoch", 1_425_697_770_000_000_000),
        (b"Sat 2015-03-07 03:09:30 UTC host kernel: ", "epoch", 1_425_697_770_000_000_000),
        (b"1425697770.045015 host kernel: ", "epoch", 1_425_697_770_045_015_000),
        (b"[Sat Mar  7 03:09:30 2015] ", "epoch", 1_425_697_770_000_000_000),
        (b"Mar  7 2015 03:09:30 host kernel: ", "epoch", 1_425_697_770_000_000_000),
        (b"<4>Jan  2 00:00:01 host kernel: ", "no-year", 86_401_000_000_000),
        (b"[ 4754.566687] LAB: ", "since-boot", 4_754_566_687_000),
    ],
)
def test_the_time_of_a_line_is_read(stamp: bytes, clock: str, ts_ns: int) -> None:
    batch, provenance = read(stamp + b"IN=eth0 OUT= MAC= " + BARE % (40, TCP))
    assert provenance.clock == clock
    assert batch.ts_ns.tolist() == [ts_ns]
    assert not int(batch.words[0, f.NOTES]) & f.NOTE_NO_TIME


def test_a_year_makes_times_of_the_epoch() -> None:
    batch, provenance = read(b"Mar  7 03:09:30 h kernel: IN=eth0 OUT= MAC= " + BARE % (40, TCP), year=2015)
    assert provenance.clock == "epoch"
    assert batch.ts_ns.tolist() == [1_425_697_770_000_000_000]


def test_the_kernels_clock_orders_lines_within_a_second_and_never_leaves_it() -> None:
    lines = [
        b"Mar  7 03:09:%02d h kernel: [%d.%06d] IN=eth0 OUT= MAC= " % (30 + s, 100 + u // 1_000_000, u % 1_000_000)
        for s, u in ((0, 900_000), (0, 900_100), (1, 1_400_000), (1, 1_500_000), (2, 2_700_000))
    ]
    batch, _ = read(*(line + BARE % (40, TCP) for line in lines))
    start = 66 * 86_400 + 3 * 3600 + 9 * 60 + 30
    assert [ts // 1_000_000_000 - start for ts in batch.ts_ns.tolist()] == [0, 0, 1, 1, 2]
    assert batch.ts_ns.tolist() == sorted(batch.ts_ns.tolist())
    assert int(batch.ts_ns[1] - batch.ts_ns[0]) == 100_000
    assert int(batch.ts_ns[3] - batch.ts_ns[2]) == 100_000_000


def test_packets_with_another_clock_than_the_first_have_no_time() -> None:
    body = b"IN=eth0 OUT= MAC= " + BARE % (40, TCP)
    batch, provenance = read(b"2015-03-07T03:09:30Z h kernel: " + body, b"[ 12.500000] " + body, body)
    assert [int(notes) & f.NOTE_NO_TIME != 0 for notes in batch.words[:, f.NOTES]] == [False, True, True]
    assert len(set(batch.ts_ns.tolist())) == 1
    assert any(note.startswith("2 packets have no time") for note in provenance.notes)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared")
@pytest.mark.parametrize(
    ("name", "packets", "damaged"),
    [
        ("public/psad-iptables-fin.log", 302, 0),
        ("public/psad-iptables-syn.log", 1002, 0),
        ("public/psad-iptables-udp.log", 302, 0),
        ("public/psad-iptables-proto.log", 510, 0),
        ("public/psad-iptables-ping.log", 5, 0),
        ("public/psad-iptables-iso-time.log", 6, 0),
        ("public/psad-ip6tables-connect.log", 1009, 0),
        ("public/iptables-partly-copied.log", 49, 32),
        ("text/iptables_masscan.log", 400, 0),
        ("text/iptables_nc_z.log", 120, 0),
        ("text/iptables_nmap_sS.log", 200, 0),
    ],
)
def test_every_line_of_real_logs_is_accounted_for(name: str, packets: int, damaged: int) -> None:
    text = (SHARED / name).read_bytes()
    assert FORMAT.sniff(text[:65_536])
    batch, provenance = read(*text.splitlines())
    assert (len(batch), provenance.damage_total) == (packets, damaged)
    assert not any("lines are not" in note for note in provenance.notes)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared")
def test_the_numbers_of_a_real_log_are_those_that_a_plain_search_finds() -> None:
    text = (SHARED / "text" / "iptables_masscan.log").read_bytes()
    batch, _ = read(*text.splitlines())
    for name, pattern in (
        ("ip_ttl", b"TTL"),
        ("ip_id", b"ID"),
        ("tcp_seq", b"SEQ"),
        ("tcp_dport", b"DPT"),
        ("tcp_win", b"WINDOW"),
    ):
        found = [int(number) for number in re.findall(rb" %s=(\d+)" % pattern, text)]
        assert batch.column(name).tolist() == found


@pytest.mark.parametrize("head", [b"", b"IN=eth0 OUT=eth1 \n", b"05/20-17:06:45.061034 1.2.3.4:1 -> 1.2.3.4:2"])
def test_other_content_is_not_taken_for_netfilter(head: bytes) -> None:
    assert not FORMAT.sniff(head)


@given(st.integers(0, len(SYN) - 1), st.binary(max_size=8))
def test_no_changed_octets_raise_anything_but_a_source_error(place: int, octets: bytes) -> None:
    try:
        batch, provenance = read(SYN[:place] + octets + SYN[place + len(octets) :], SYN[: place + 1])
    except SourceError:
        return
    assert len(batch) == provenance.packets
    assert not (batch.words[:, f.PRESENT] & batch.words[:, f.UNSEEN]).any()


@given(st.lists(st.binary(max_size=60) | st.sampled_from(SYN.split(b" ")), max_size=60))
def test_no_order_of_words_raises_anything_but_a_source_error(words: list[bytes]) -> None:
    try:
        batch, _ = read(b" ".join(words))
    except SourceError:
        return
    assert len(batch) > 0


@pytest.mark.parametrize("long", [b" " * 65_000, b"IN= OUT= " * 7_000, b"OPT ( ) " * 8_000, b"[" * 65_000])
def test_long_lines_of_any_kind_come_to_an_end(long: bytes) -> None:
    FORMAT.sniff(long)
    ipv6 = b"SRC=::1 DST=::2 LEN=60 TC=5 HOPLIMIT=255 FLOWLBL=7 "
    _, provenance = read(packet(BARE % (40, TCP)), packet(ipv6 + long), packet(long), long)
    assert provenance.packets >= 1


def test_journalds_json_tells_the_time_in_microseconds():
    line = (
        b'{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1716217581123456","MESSAGE":"DROP IN=eth0 OUT= '
        b'SRC=192.0.2.7 DST=198.51.100.9 LEN=40 TOS=0x00 PREC=0x00 TTL=44 ID=242 PROTO=UDP SPT=1 DPT=2 LEN=20 "}\n'
    )
    batch, told = read(line)
    assert (told.format, told.clock, int(batch.ts_ns[0])) == ("netfilter", "epoch", 1_716_217_581_123_456_000)
