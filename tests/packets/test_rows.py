"""The row builder: what is neither set nor lacking is unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.packets import fields as f
from craftmark.packets.rows import RowBuilder, parse_address, read_options, words_of


def build(protocol: int) -> RowBuilder:
    rows = RowBuilder()
    rows.put_addresses((0x01020304,), (0x05060708,))
    rows.put(f.PROTOCOL, protocol)
    return rows


@pytest.mark.parametrize("protocol", [f.TCP, f.UDP, f.ICMP, f.SCTP, 47])
def test_every_field_of_a_packet_is_present_or_unseen_unless_it_is_lacking(protocol: int) -> None:
    rows = build(protocol)
    rows.lack(f.PAYLOAD_LEN)
    rows.finish_row(5, 9)
    row = rows.take().words[0]
    shown = f.visibility_mask(f.IP_SRC, f.IP_DST, f.PROTOCOL, f.IP_VERSION)
    expected = f.visibility_mask(*words_of(4, protocol)) & ~f.visibility_bit(f.PAYLOAD_LEN)
    assert int(row[f.PRESENT]) == shown
    assert int(row[f.UNSEEN]) == expected & ~shown


def test_a_row_starts_without_what_the_row_before_it_had() -> None:
    rows = build(f.TCP)
    rows.put(f.LINK_SRC, 7)
    rows.note(f.NOTE_CUT)
    rows.lack(f.SEQ)
    rows.finish_row(1, 1)
    rows.put_addresses((1,), (2,))
    rows.put(f.PROTOCOL, f.TCP)
    rows.finish_row(2, 2)
    batch = rows.take()
    assert batch.words[1, [f.LINK_SRC, f.NOTES]].tolist() == [0, 0]
    assert batch.unseen("tcp_seq").tolist() == [False, True]
    assert (batch.ts_ns.tolist(), batch.packet_id.tolist()) == ([1, 2], [1, 2])
    assert len(rows) == len(rows.take()) == 0


def test_a_dropped_row_leaves_nothing() -> None:
    rows = build(f.TCP)
    rows.put(f.SEQ, 5)
    rows.drop_row()
    assert rows.get(f.SEQ) is None
    assert len(rows) == 0


def test_unseeing_a_field_takes_its_value_away() -> None:
    rows = build(f.TCP)
    rows.set("tcp_seq", 5)
    rows.unsee("tcp_seq")
    rows.finish_row(0, 1)
    batch = rows.take()
    assert batch.unseen("tcp_seq")[0]
    assert int(batch.column("tcp_seq")[0]) == 0


def test_fields_that_no_packet_showed_are_named() -> None:
    rows = build(f.UDP)
    rows.put_run(f.SPORT, (53, 53, 8))
    rows.finish_row(0, 1)
    assert "udp_sum" in rows.never_shown()
    assert "udp_len" not in rows.never_shown()
    assert "ip6_flow" not in rows.never_shown()


@given(st.lists(st.sampled_from(["NOP", "MSS", "SACKOK", "WS", "TS"]), max_size=10))
def test_layouts_and_values_are_read_from_the_octets_of_options(names: list[str]) -> None:
    octets = {"NOP": "01", "MSS": "020405b4", "SACKOK": "0402", "WS": "030307", "TS": "080a0000000100000002"}
    options = bytes.fromhex("".join(octets[name] for name in names))
    rows = build(f.TCP)
    rows.put_options(options)
    rows.finish_row(0, 1)
    batch = rows.take()
    row = batch.words[0]
    assert f.option_layout(int(row[f.TCP_OPTIONS]), int(row[f.TCP_OPTIONS_LOW])) == tuple(names)
    assert bool(batch.present("tcp_mss")[0]) == ("MSS" in names)
    assert not batch.unseen("tcp_mss")[0]
    assert int(batch.column("tcp_tsecr")[0]) == (2 if "TS" in names else 0)


@given(st.binary(max_size=40))
def test_any_octets_can_be_options(octets: bytes) -> None:
    nibbles, values, _ = read_options(octets)
    assert all(0 < nibble < 16 for nibble in nibbles)
    assert all(0 <= value < 1 << 32 for _, value in values)


@pytest.mark.parametrize("text", [b"", b"1.2.3", b"1.2.3.256", b"01.2.3.4x", b":", b"1::2::3", b"\xff\xfe"])
def test_what_is_no_address_is_none(text: bytes) -> None:
    assert parse_address(text) is None


def test_addresses_are_read_as_words() -> None:
    assert parse_address(b"192.0.2.1") == (0xC0000201,)
    assert parse_address(b"2001:db8::1") == (0x20010DB8, 0, 0, 1)
