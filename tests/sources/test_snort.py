"""Snort's text: what each version prints, what it cannot show, and what is no packet."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.errors import SourceError
from craftmark.packets import fields as f
from craftmark.packets.batch import NUMBER_MASK, PacketBatch, join, source_text, target_text
from craftmark.sources.base import Provenance, SourceOptions
from craftmark.sources.snort import FORMAT, read_flags

ROOT = Path(__file__).parents[2]
PUBLIC = ROOT.parent / "shared" / "captures" / "public"
SEED = (
    b"05/20-17:06:45.061034 192.160.13.4:31337 -> 172.16.1.101:1 TCP TTL:44 TOS:0x10 ID:242",
    b"***FRP** Seq: 0xA1D95 Ack: 0x53 Win: 0x400",
)
FULL = b"""[**] [1:620:6] SCAN Proxy Port 8080 attempt [**]
[Classification: Attempted Information Leak] [Priority: 2]
12/15-08:34:24.299213 10.14.17.226:57008 -> 10.10.112.168:8080
TCP TTL:37 TOS:0x0 ID:19974 IpLen:20 DgmLen:60 DF
12****S* Seq: 0xDE84B23D  Ack: 0x0  Win: 0x400  TcpLen: 40
TCP Options (5) => MSS: 1460 SackOK TS: 86 7 NOP WS: 10

"""


def read(text: bytes, year: int | None = None) -> tuple[PacketBatch, Provenance]:
    provenance = Provenance("alert")
    source = FORMAT.open(io.BytesIO(text), provenance, 3, SourceOptions(year=year))
    return join(source.batches()), source.describe()


def shown(batch: PacketBatch, row: int = 0) -> dict[str, int]:
    """Return the fields that a row shows."""
    fields = f.fields_of(int(batch.column("ip_proto")[row]))
    return {field.name: int(batch.column(field.name)[row]) for field in fields if batch.present(field.name)[row]}


@pytest.mark.parametrize("glue", [b" ", b"\n", b" / ", b"\r\n"])
def test_a_packet_of_snort_1_is_read_from_one_line_or_several(glue: bytes) -> None:
    batch, provenance = read(glue.join(SEED) + b"\n")
    assert (source_text(batch.words[0]), target_text(batch.words[0])) == ("192.160.13.4", "172.16.1.101")
    values = shown(batch)
    del values["ip_src"], values["ip_dst"]
    assert values == {
        "ip_proto": 6, "ip_version": 4, "ip_tos": 0x10, "ip_id": 242, "ip_flags": 0, "ip_frag": 0, "ip_ttl": 44,
        "tcp_sport": 31337, "tcp_dport": 1, "tcp_seq": 0xA1D95, "tcp_ack": 0x53, "tcp_flags": f.FIN | f.RST | f.PSH,
        "tcp_win": 0x400,
    }  # fmt: skip
    assert provenance.damage_total == 0


def test_what_snort_1_does_not_print_is_unseen_and_named() -> None:
    batch, provenance = read(b"\n".join(SEED))
    hidden = ["ip_ihl", "ip_len", "tcp_urp", "tcp_off", "tcp_reserved", "tcp_options", "tcp_mss", "payload_len"]
    assert all(batch.unseen(name)[0] for name in hidden)
    assert set(hidden) <= set(provenance.unseen)
    assert "tcp_seq" not in provenance.unseen


def test_the_slashes_between_addresses_on_one_line_do_not_end_a_packet() -> None:
    batch, provenance = read(b"\n".join(b" / ".join(SEED) for _ in range(3)))
    assert len(batch) == 3
    assert provenance.packets == 3
    assert [int(number) & NUMBER_MASK for number in batch.packet_id] == [1, 2, 3]
    assert int(batch.packet_id[0]) >> 40 == 3


@pytest.mark.parametrize(
    ("column", "bits", "order"),
    [
        (b"***FRP**", f.FIN | f.RST | f.PSH, "2 1 S F R P A U"),
        (b"****PR*F", f.FIN | f.RST | f.PSH, "1 2 U A P R S F"),
        (b"21S*****", f.SYN | f.ECE | f.CWR, "2 1 S F R P A U"),
        (b"12****S*", f.SYN | f.ECE | f.CWR, "1 2 U A P R S F"),
        (b"*2****S*", f.SYN | f.ECE, "1 2 U A P R S F"),
        (b"2*S*****", f.SYN | f.ECE, "2 1 S F R P A U"),
        (b"*FRP**", f.FIN | f.RST | f.PSH, "S F R P A U"),
        (b"S*****2", f.SYN | f.ECE, "S F R P A U"),
        (b"S*****21", f.SYN | f.ECE | f.CWR, "S F R P A U"),
        (b"********", 0, ""),
    ],
)
def test_the_order_of_the_flag_column_is_told_by_its_letters(column: bytes, bits: int, order: str) -> None:
    assert read_flags(column) == (bits, order)


@given(st.integers(1, 255))
def test_every_set_of_flags_is_read_back_from_both_orders(bits: int) -> None:
    later = zip(b"12UAPRSF", (f.CWR, f.ECE, f.URG, f.ACK_BIT, f.PSH, f.RST, f.SYN, f.FIN), strict=True)
    early = zip(b"21SFRPAU", (f.ECE, f.CWR, f.SYN, f.FIN, f.RST, f.PSH, f.ACK_BIT, f.URG), strict=True)
    for order in (later, early):
        flags = read_flags(bytes(letter if bits & bit else 42 for letter, bit in order))
        assert flags is not None
        assert flags[0] == bits


def test_a_flag_column_of_no_order_is_damage_and_its_packet_keeps_the_rest() -> None:
    batch, provenance = read(SEED[0] + b"\nU******U Seq: 0x1 Ack: 0x0 Win: 0x1\n")
    assert provenance.damage_total == 1
    assert "U******U" in provenance.damage[0].what
    assert shown(batch)["ip_id"] == 242
    assert batch.unseen("tcp_flags")[0]


def test_a_full_alert_of_snort_2_shows_lengths_and_options() -> None:
    batch, provenance = read(FULL)
    values = shown(batch)
    assert values["tcp_flags"] == f.SYN | f.ECE | f.CWR
    assert (values["ip_ihl"], values["ip_len"], values["ip_flags"], values["tcp_off"]) == (5, 60, 2, 10)
    assert (values["tcp_mss"], values["tcp_wscale"], values["tcp_tsval"], values["tcp_tsecr"]) == (1460, 10, 86, 7)
    high, low = int(batch.words[0, f.TCP_OPTIONS]), int(batch.words[0, f.TCP_OPTIONS_LOW])
    assert f.option_layout(high, low) == ("MSS", "SACKOK", "TS", "NOP", "WS")
    assert values["payload_len"] == 0
    assert provenance.unseen == ["tcp_reserved", "tcp_urp"]
    assert provenance.notes == ["flag columns in the order 1 2 U A P R S F: 1 packets"]


def test_a_header_of_twenty_octets_has_no_options() -> None:
    text = FULL.replace(b"DgmLen:60", b"DgmLen:45").replace(b"TcpLen: 40", b"TcpLen: 20")
    batch, _ = read(b"\n".join(line for line in text.split(b"\n") if not line.startswith(b"TCP Options")))
    values = shown(batch)
    assert values["tcp_options"] == 0
    assert values["payload_len"] == 5
    assert not batch.present("tcp_mss")[0]
    assert not batch.unseen("tcp_mss")[0]
    assert batch.unseen("payload_hash")[0]


def test_options_that_are_not_all_printed_stay_unseen() -> None:
    batch, _ = read(FULL.replace(b"(5) =>", b"(6) =>"))
    assert batch.unseen("tcp_options")[0]
    assert batch.unseen("tcp_mss")[0]


def test_options_broken_over_two_lines_are_one_layout() -> None:
    batch, _ = read(FULL.replace(b"SackOK TS", b"SackOK \nTCP Options => TS"))
    assert shown(batch)["tcp_wscale"] == 10


def test_a_urgent_pointer_is_seen_only_where_it_is_printed() -> None:
    urgent = FULL.replace(b"12****S*", b"**U*P**F").replace(b"TcpLen: 40", b"TcpLen: 40  UrgPtr: 0x7")
    batch, _ = read(urgent + FULL)
    assert int(batch.column("tcp_urp")[0]) == 7
    assert batch.unseen("tcp_urp").tolist() == [False, True]


def test_fast_alerts_show_addresses_ports_and_protocol_only() -> None:
    text = (
        b"07/11-10:29:01.860293  [**] [1:2:3] x {UDP} y [**] [Priority: 3] {TCP} 2.57.1.2:28487 -> 1.2.3.4:80\n"
        b"07/11-10:29:02.860293  [**] [1:2:3] ping [**] [Priority: 3] {ICMP} 2.57.1.2 -> 1.2.3.4\n"
        b"07/11-10:29:03.860293  [**] [1:2:3] six [**] [Priority: 3] {TCP} 2001:db8::1:443 -> 2001:db8::2:80\n"
    )
    batch, provenance = read(text)
    assert batch.column("ip_proto").tolist() == [6, 1, 6]
    assert batch.column("tcp_sport").tolist() == [28487, 0, 443]
    assert source_text(batch.words[2]) == "2001:db8::1"
    assert batch.unseen("tcp_flags").tolist() == [True, False, True]
    assert batch.unseen("icmp_type")[1]
    assert provenance.damage_total == 0


def test_udp_lengths_of_old_and_new_snorts_mean_the_same() -> None:
    line = b"07/11-10:29:01.860293 1.2.3.4:53 -> 4.3.2.1:53\nUDP TTL:64 TOS:0x0 ID:7 IpLen:20 DgmLen:48\nLen: %d\n\n"
    old = b"07/11-10:29:01.860293 1.2.3.4:53 -> 4.3.2.1:53\nUDP TTL:64 TOS:0x0 ID:7 \nLen: 28\n\n"
    batch, provenance = read(line % 28 + line % 20 + line % 3 + old)
    assert batch.column("udp_len").tolist() == [28, 28, 0, 28]
    assert batch.unseen("udp_len").tolist() == [False, False, True, False]
    assert batch.column("payload_len").tolist()[:2] == [20, 20]
    assert batch.unseen("payload_len")[3]
    assert provenance.unseen == ["udp_sum", "payload_hash", "payload_head"]


def test_icmp_is_read_with_type_or_by_its_name() -> None:
    head = b"07/11-10:29:01.860293 1.2.3.4 -> 4.3.2.1\nICMP TTL:64 TOS:0x0 ID:7 "
    new = head + b"IpLen:20 DgmLen:84\nType:8  Code:0  ID:513   Seq:2  ECHO\n\n"
    old = head + b"\nID:258   Seq:512  ECHO\n\n" + head + b"\nDESTINATION UNREACHABLE: PORT UNREACHABLE\n\n"
    batch, _ = read(new + old)
    assert batch.column("icmp_type").tolist() == [8, 8, 3]
    assert batch.column("icmp_id").tolist() == [513, 0, 0]
    assert batch.unseen("icmp_id").tolist() == [False, True, False]
    assert batch.unseen("icmp_code").tolist() == [False, True, False]
    assert int(batch.column("payload_len")[0]) == 56


def test_an_icmp_error_carries_its_quote() -> None:
    text = (
        b"07/11-10:29:01.860293 1.2.3.4 -> 4.3.2.1\nICMP TTL:64 TOS:0x0 ID:7 IpLen:20 DgmLen:56\n"
        b"Type:3  Code:3  DESTINATION UNREACHABLE: PORT UNREACHABLE\n"
        b"** ORIGINAL DATAGRAM DUMP:\n4.3.2.1:31337 -> 1.2.3.4:80\n"
        b"TCP TTL:44 TOS:0x0 ID:242 IpLen:20 DgmLen:40\nSeq: 0xA1D95\n** END OF DUMP\n\n"
    )
    batch, provenance = read(text)
    row = batch.words[0]
    assert int(row[f.NOTES]) & f.NOTE_QUOTE
    quote = (f.QUOTE_PROTOCOL, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ)
    assert [int(row[word]) for word in quote] == [6, 31337, 80, 242, 0xA1D95]
    assert int(batch.column("ip_ttl")[0]) == 64
    assert provenance.damage_total == 0


def test_a_later_fragment_has_no_transport_header() -> None:
    text = b"07/11-10:29:01.860293 1.2.3.4 -> 4.3.2.1\nTCP TTL:64 TOS:0x0 ID:7 IpLen:20 DgmLen:28 MF\n"
    text += b"Frag Offset: 0x1   Frag Size: 0x8\n\n"
    batch, provenance = read(text)
    assert shown(batch)["ip_frag"] == 1
    assert shown(batch)["ip_flags"] == 1
    assert not batch.unseen("tcp_dport")[0]
    assert int(batch.words[0, f.NOTES]) & f.NOTE_FRAGMENT
    assert provenance.damage_total == 0


def test_link_addresses_are_read() -> None:
    text = (
        b"07/11-10:29:01.860293 0:1F:E2:10:8B:C9 -> 0:C:29:C9:67:0 type:0x800 len:0x3C\n"
        b"10.1.1.1:49191 -> 10.1.1.2:80 TCP TTL:128 TOS:0x0 ID:20640 IpLen:20 DgmLen:40 DF\n"
        b"***A**** Seq: 0x1  Ack: 0x2  Win: 0x3  TcpLen: 20\n"
    )
    batch, provenance = read(text)
    assert int(batch.words[0, f.LINK_SRC]) == 0xE2108BC9
    assert shown(batch)["tcp_dport"] == 80
    assert provenance.damage_total == 0


def test_without_a_year_the_clock_says_so_and_times_keep_their_order() -> None:
    line = b"%s-23:59:59.000001 1.2.3.4:1 -> 4.3.2.1:2 TCP TTL:1 TOS:0x0 ID:1 ******S* Seq: 0x1 Ack: 0x0 Win: 0x1\n"
    batch, provenance = read(b"".join(line % day for day in (b"02/29", b"12/31", b"01/01", b"03/01")))
    assert provenance.clock == "no-year"
    gaps = [int(after - before) // 86_400_000_000_000 for before, after in pairwise(batch.ts_ns.tolist())]
    assert gaps == [306, 1, 59]


def test_with_a_year_the_times_are_of_the_epoch() -> None:
    batch, provenance = read(b"\n".join(SEED), year=2000)
    assert provenance.clock == "epoch"
    assert provenance.first_ns == 958_842_405_061_034_000
    assert batch.ts_ns.tolist() == [provenance.first_ns]


def test_a_year_in_the_line_is_used() -> None:
    batch, provenance = read(SEED[0].replace(b"05/20-", b"05/20/00-") + b"\n" + SEED[1])
    assert provenance.clock == "epoch"
    assert batch.ts_ns.tolist() == [958_842_405_061_034_000]


def test_a_header_without_its_second_line_is_damage() -> None:
    batch, provenance = read(b"\n".join((*SEED, b"", SEED[0])))
    assert len(batch) == 2
    assert provenance.damage_total == 1
    assert (provenance.damage[0].packet, provenance.damage[0].byte) == (3, len(b"\n".join(SEED)) + 2)
    assert batch.unseen("tcp_flags").tolist() == [False, True]


def test_lines_of_other_programs_are_counted_and_quoted_without_control_characters() -> None:
    _, provenance = read(b"hello \x1b[31mred\n" + b"\n".join(SEED) + b"\n\nbye\n")
    assert "2 lines are not snort packets, the first: 'hello .[31mred'" in provenance.notes


def test_a_payload_dump_is_no_foreign_line() -> None:
    dump = b"\n47 45 54 20 2F 69 6D 61  67 65 73 2F 70 32 52 55  GET /ima ges/p2RU\n=+=+=+=+=+=+\n"
    _, provenance = read(FULL.rstrip() + dump + FULL)
    assert provenance.packets == 2
    assert not any("not understood" in note or "lines are not" in note for note in provenance.notes)


def test_a_payload_printed_as_text_cannot_change_the_header_above_it() -> None:
    batch, provenance = read(b"\n".join(SEED) + b"\nTCP TTL:1 TOS:0x0 ID:1\n***F**** Seq: 0x1 Ack: 0x1 Win: 0x1\n")
    assert shown(batch)["ip_ttl"] == 44
    assert shown(batch)["tcp_flags"] == 0x0D
    assert any("2 lines after packet headers" in note for note in provenance.notes)


@pytest.mark.parametrize(
    "line",
    [
        b"05/20-27:06:45.061034 1.2.3.4:1 -> 1.2.3.4:1 TCP TTL:44 TOS:0x10 ID:242",
        b"05/20-17:06:45.061034 1.2.3.400:1 -> 1.2.3.4:1 TCP TTL:44 TOS:0x10 ID:242",
        b"05/20-17:06:45.061034 1.2.3.4:1 -> 1.2.3.4:1 TCP TTL:444 TOS:0x10 ID:242",
        b"05/20-17:06:45.061034 1.2.3.4:1 -> 1.2.3.4:1 WHAT TTL:44 TOS:0x10 ID:242",
        b"05/20-17:06:45.061034 1.2.3.4:1 -> 1.2.3.4:1",
    ],
)
def test_what_should_be_a_packet_and_is_none_is_damage(line: bytes) -> None:
    _, provenance = read(b"\n".join((*SEED, line, SEED[0], SEED[1])))
    assert provenance.packets == 2
    assert provenance.damage_total == 1


def test_text_with_no_packet_that_can_be_read_is_refused_with_the_reason() -> None:
    with pytest.raises(SourceError, match="neither a protocol nor the line with TTL"):
        read(b"11/09-13:55:43.123456 192.168.1.5 -> 192.168.1.10\n")


@pytest.mark.skipif(not PUBLIC.exists(), reason="needs ../shared")
def test_a_format_like_snorts_that_no_snort_writes_is_refused_with_the_reason() -> None:
    text = (PUBLIC / "snort-fast-like.log").read_bytes()
    assert FORMAT.sniff(text)
    with pytest.raises(SourceError, match="2 lines begin like snort packets, none can be read; at byte 63"):
        read(text)


def test_the_example_of_2000_is_read_whole() -> None:
    text = (ROOT / "examples" / "odd-scan-2000.snort.txt").read_bytes()
    assert FORMAT.sniff(text[:65_536])
    batch, provenance = read(text)
    assert (len(batch), provenance.packets, provenance.damage_total) == (3072, 3072, 0)
    assert set(batch.column("tcp_flags").tolist()) == {0x0D}
    assert sorted(batch.column("tcp_dport").tolist()) == sorted(list(range(1, 1025)) * 3)


@pytest.mark.parametrize(
    "head", [b"", b"\x89PNG\r\n\x1a\n", b"IN=eth0 OUT= SRC=1.2.3.4", b"05/20 hello", b"\xd4\xc3\xb2\xa1"]
)
def test_other_content_is_not_taken_for_snort(head: bytes) -> None:
    assert not FORMAT.sniff(head)


@given(
    st.lists(
        st.sampled_from([*FULL.split(b"\n"), *SEED, b"\xff\x00", b"** ORIGINAL DATAGRAM DUMP:"])
        | st.binary(max_size=80)
    )
)
def test_no_order_of_lines_raises_anything_but_a_source_error(lines: list[bytes]) -> None:
    try:
        batch, provenance = read(b"\n".join(lines))
    except SourceError:
        return
    assert len(batch) == provenance.packets > 0


@given(st.integers(0, len(FULL) - 1), st.binary(max_size=6))
def test_no_changed_octets_raise_anything_but_a_source_error(place: int, octets: bytes) -> None:
    try:
        batch, _ = read(FULL[:place] + octets + FULL[place + len(octets) :])
    except SourceError:
        return
    both = batch.words[:, f.PRESENT] & batch.words[:, f.UNSEEN]
    assert not both.any()


@pytest.mark.parametrize(
    "long",
    [
        b" " * 65_000,
        b"A" + b" " * 65_000 + b"x",
        b"{" * 65_000,
        b"{a} a -> b" * 6_500,
        b"\n" * 65_000,
        b"1.2.3.4 -> " * 5_900,
    ],
)
def test_long_lines_of_any_kind_come_to_an_end(long: bytes) -> None:
    FORMAT.sniff(long)
    for line in (SEED[0] + long, SEED[0] + b"\n" + long, SEED[0][:22] + b"[**] " + long):
        _, provenance = read(b"\n".join((*SEED, b"", line)))
        assert provenance.packets >= 1
