"""The decoder against its naive twin, plain against compiled, and frames of every kind by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from craftmark.kernels._jit import plain
from craftmark.kernels.headers import decode_frames
from craftmark.packets import fields as f
from craftmark.packets.decode import Decoder, Located, empty_frames, octets_of
from tests.naive import headers as naive
from tests.strategies import ethernet, frames, ipv4, ipv6, tcp, udp

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch

WORDS = {
    "sport": f.SPORT, "dport": f.DPORT, "seq": f.SEQ, "ack": f.ACK, "win": f.TCP_WIN, "urp": f.TCP_URP,
    "flags": f.TCP_FLAGS, "off": f.TCP_OFF, "reserved": f.TCP_RESERVED, "options": f.TCP_OPTIONS,
    "options_low": f.TCP_OPTIONS_LOW, "mss": f.TCP_MSS, "wscale": f.TCP_WSCALE, "tsval": f.TCP_TSVAL,
    "tsecr": f.TCP_TSECR, "udp_len": f.UDP_LEN, "udp_sum": f.UDP_SUM, "icmp_type": f.ICMP_TYPE,
    "icmp_code": f.ICMP_CODE, "icmp_id": f.ICMP_ID, "icmp_seq": f.ICMP_SEQ, "vtag": f.SCTP_VTAG, "chunk": f.SCTP_CHUNK,
    "quote_protocol": f.QUOTE_PROTOCOL, "quote_dst": f.QUOTE_DST, "quote_sport": f.QUOTE_SPORT,
    "quote_dport": f.QUOTE_DPORT, "quote_ip_id": f.QUOTE_IP_ID, "quote_seq": f.QUOTE_SEQ, "arp_op": f.ARP_OP,
}  # fmt: skip
NOTES = {
    "fragment": f.NOTE_FRAGMENT, "first fragment": f.NOTE_FIRST_FRAGMENT, "tunnel": f.NOTE_TUNNEL, "cut": f.NOTE_CUT,
    "bad options": f.NOTE_BAD_OPTIONS, "bad length": f.NOTE_BAD_LENGTH, "ip sum": f.NOTE_IP_SUM_BAD,
    "sum": f.NOTE_SUM_BAD, "quote": f.NOTE_QUOTE,
}  # fmt: skip


def word_of(name: str) -> int:
    return WORDS[name] if name in WORDS else f.FIELDS[name].word


def decode(*packets: tuple[bytes, int, int]) -> np.ndarray:
    """Return the rows of frames, as ``decoded`` takes them."""
    return decoded(*packets).words


def decoded(*packets: tuple[bytes, int, int]) -> PacketBatch:
    """Return the batch of frames given with their length on the wire and link type, between other octets."""
    frames_at = empty_frames(len(packets))
    buffer = b"\xff" * 3
    for row, (frame, wire, link) in enumerate(packets):
        frames_at.starts[row], frames_at.captured[row] = len(buffer), len(frame)
        frames_at.wire[row], frames_at.links[row] = wire, link
        buffer += frame + b"\xff" * 3
    return Decoder(len(packets)).decode(Located(octets_of(buffer), frames_at, len(packets), 1))


def row_of(frame: bytes, *, link: int = 1, cut: int | None = None) -> np.ndarray:
    return decode((frame[:cut], len(frame), link))[0]


def shown(row: np.ndarray, word: int) -> int | None:
    return int(row[word]) if int(row[f.PRESENT]) & f.visibility_bit(word) else None


def expected(packet: naive.Packet) -> tuple[dict[int, int], int, int, int]:
    """Return the twin's packet as words, visibility bits of what is unseen, notes and protocol."""
    words = {word_of(name): value for name, value in packet.fields.items()}
    unseen = f.visibility_mask(*(word_of(name) for name in packet.unseen))
    return words, unseen, sum(NOTES[note] for note in packet.notes), packet.protocol


def actual(row: np.ndarray) -> tuple[dict[int, int], int, int, int]:
    present = int(row[f.PRESENT])
    words = {word: int(row[word]) for word in range(2, 32) if present & f.visibility_bit(word)}
    for low, high in ((f.IP_SRC, f.IP_SRC_HIGH), (f.IP_DST, f.IP_DST_HIGH)):
        if low in words:
            words[low] += int(row[high]) << 96 | int(row[high + 1]) << 64 | int(row[high + 2]) << 32
    return words, int(row[f.UNSEEN]), int(row[f.NOTES]), int(row[f.PROTOCOL])


@given(st.lists(frames(), min_size=1, max_size=20))
@example([(bytes.fromhex("020000004510001500f200002c0112cdc0a00d04ac10016500"), 25, 0)])  # sums to zero
@settings(max_examples=150, deadline=None)
def test_rows_say_what_the_naive_twin_reads(packets: list[tuple[bytes, int, int]]) -> None:
    for packet, row in zip(packets, decode(*packets), strict=True):
        assert actual(row) == expected(naive.decode(*packet)), packet


@given(st.lists(frames(), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_outer_headers_are_what_the_naive_twin_reads(packets: list[tuple[bytes, int, int]]) -> None:
    batch = decoded(*packets)
    tunnelled = [row for row, packet in enumerate(packets) if "tunnel" in naive.decode(*packet).notes]
    assert (batch.outer.rows.tolist() if batch.outer else []) == tunnelled
    for place, row in enumerate(tunnelled):
        for name, value in naive.outermost(*packets[row]).items():
            assert actual(batch.outer.words[place])[0][word_of(name)] == value, (name, packets[row])


@given(st.lists(st.tuples(st.binary(max_size=90), st.integers(0, 99), st.sampled_from(
    [0, 1, 9, 12, 50, 51, 101, 104, 108, 113, 117, 127, 204, 228, 239, 276])), min_size=1, max_size=40))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_plain_and_compiled_decode_alike(packets: list[tuple[bytes, int, int]]) -> None:
    buffer = octets_of(b"".join(frame for frame, _, _ in packets) or b"\0")
    sizes = np.array([len(frame) for frame, _, _ in packets], np.int64)
    starts = np.cumsum(sizes) - sizes
    wire = sizes + np.array([more for _, more, _ in packets], np.int64)
    links = np.array([link for _, _, link in packets], np.int64)
    results = []
    for compiled in (False, True):
        words = np.full((len(packets), f.WORDS), 7, np.uint32)
        arrays = (buffer, starts, sizes, wire, links, words)
        if compiled:
            decode_frames.dispatcher()(len(packets), *arrays)
        else:
            plain(decode_frames)(len(packets), *(array.data for array in arrays))
        results.append(words)
    assert np.array_equal(*results)


@given(frames(), st.binary(min_size=3, max_size=3))
@settings(max_examples=60, deadline=None)
def test_no_octet_behind_the_captured_ones_is_read(packet: tuple[bytes, int, int], other: bytes) -> None:
    frame, wire, link = packet
    frames_at = empty_frames(1)
    frames_at.captured[0], frames_at.wire[0], frames_at.links[0] = len(frame), wire, link
    rows = [
        Decoder(1).decode(Located(octets_of(frame + rest), frames_at, 1, 1)).words
        for rest in (b"\xff" * 90, other * 30)
    ]
    assert np.array_equal(*rows)


PROBE = ipv4(6, tcp(31337, 80, flags=13))


@pytest.mark.parametrize(
    ("link", "head"),
    [
        (1, ethernet(b"", 0x800)),
        (1, ethernet(b"", 0x800, (0x8100,))),
        (1, ethernet(b"", 0x800, (0x88A8, 0x8100))),
        (1, ethernet(b"\0\1\0\x40\0\2\1\x40", 0x8847)),
        (1, ethernet(b"\x11\0\0\1\0\x2a\0\x21", 0x8864)),
        (1, ethernet(b"\xaa\xaa\3\0\0\0\x08\0", 48)),
        (0, b"\2\0\0\0"),
        (0, b"\0\0\0\2"),
        (108, b"\0\0\0\2"),
        (9, b"\xff\3\0\x21"),
        (9, b"\x21"),
        (50, b"\xff\3\0\x21"),
        (50, b"\x0f\0\x08\0"),
        (51, b"\x11\0\0\1\0\x2a\0\x21"),
        (12, b""),
        (14, b""),
        (101, b""),
        (228, b""),
        (104, b"\x0f\0\x08\0"),
        (113, bytes(14) + b"\x08\0"),
        (117, b"\x3d\2" + bytes(62)),
        (204, b"\0\xff\3\0\x21"),
        (239, b"\2\0\0\0" + b"\x08\0\1\0\x08\0\3\0" + b"\x05\0\x0a\0x\0\0\0" + b"\x2c\0\x09\0"),
        (239, b"\2\0\0\0" + b"\0\x08\0\1\x08\0\3\0" + b"\0\x2c\0\x09"),
        (276, b"\x08\0" + bytes(18)),
    ],
)
def test_every_link_layer_leads_to_the_same_probe(link: int, head: bytes) -> None:
    row = row_of(head + PROBE, link=link)
    assert actual(row)[0] == actual(row_of(PROBE, link=101))[0]
    assert shown(row, f.SPORT) == 31337


@pytest.mark.parametrize("link", [127, 105, 195, 9999])
def test_a_link_type_that_is_not_read_gives_a_row_that_says_so(link: int) -> None:
    row = row_of(ethernet(PROBE, 0x800), link=link)
    assert (int(row[f.PROTOCOL]), int(row[f.PRESENT]), int(row[f.NOTES])) == (f.NOT_IP, 0, 0)


def test_padding_of_short_frames_is_no_payload() -> None:
    assert shown(row_of(ethernet(PROBE, 0x800) + b"\0" * 6), f.PAYLOAD_LEN) == 0


def test_the_source_of_the_link_is_kept() -> None:
    assert int(row_of(ethernet(PROBE, 0x800))[f.LINK_SRC]) == 0x0A0B0C0D


def test_options_are_told_by_layout_and_value() -> None:
    options = b"\2\4\5\xb4" + b"\4\2" + b"\x08\x0a\0\0\1\0\0\0\0\7" + b"\1" + b"\3\3\7"
    row = row_of(ipv4(6, tcp(options=options)), link=101)
    assert f.option_layout(int(row[f.TCP_OPTIONS]), int(row[f.TCP_OPTIONS_LOW])) == ("MSS", "SACKOK", "TS", "NOP", "WS")
    assert [shown(row, word) for word in (f.TCP_MSS, f.TCP_WSCALE, f.TCP_TSVAL, f.TCP_TSECR)] == [1460, 7, 256, 7]


def test_values_of_options_that_are_not_there_are_absent() -> None:
    row = row_of(PROBE, link=101)
    assert shown(row, f.TCP_MSS) is None
    assert int(row[f.UNSEEN]) == 0


@pytest.mark.parametrize("cut", range(20, 40))
def test_what_a_snaplen_cuts_of_tcp_is_unseen(cut: int) -> None:
    row = row_of(PROBE, link=101, cut=cut)
    needs = {f.SPORT: 22, f.DPORT: 24, f.SEQ: 28, f.ACK: 32, f.TCP_FLAGS: 34, f.TCP_WIN: 36, f.TCP_URP: 40}
    for word, need in needs.items():
        bit = f.visibility_bit(word)
        assert (bool(row[f.PRESENT] & bit), bool(row[f.UNSEEN] & bit)) == (cut >= need, cut < need)
    assert int(row[f.NOTES]) == f.NOTE_CUT


def test_a_later_fragment_has_no_transport() -> None:
    row = row_of(ipv4(6, tcp(), place=0x0003), link=101)
    assert int(row[f.NOTES]) == f.NOTE_FRAGMENT
    assert shown(row, f.SPORT) is None
    assert int(row[f.PROTOCOL]) == f.TCP


def test_the_rest_of_a_tiny_first_fragment_is_unseen_but_not_cut() -> None:
    row = row_of(ipv4(6, tcp()[:8], place=0x2000), link=101)
    assert int(row[f.NOTES]) == f.NOTE_FIRST_FRAGMENT
    assert int(row[f.UNSEEN]) & f.visibility_bit(f.TCP_FLAGS)


def test_a_bad_checksum_is_noted_and_a_good_one_is_not() -> None:
    segment = bytearray(tcp())
    pseudo = bytes.fromhex("c0a00d04ac100165") + b"\0\6" + len(segment).to_bytes(2, "big")
    total = sum(int.from_bytes((pseudo + segment)[k : k + 2], "big") for k in range(0, 32, 2))
    segment[16:18] = ((~(total % 0xFFFF)) & 0xFFFF).to_bytes(2, "big")
    assert int(row_of(ipv4(6, bytes(segment)), link=101)[f.NOTES]) == 0
    assert int(row_of(ipv4(6, tcp()), link=101)[f.NOTES]) == f.NOTE_SUM_BAD


def test_a_probe_quoted_by_an_icmp_error_is_told() -> None:
    row = row_of(ipv4(1, b"\3\3" + bytes(6) + PROBE[:28]), link=101)
    words = (f.QUOTE_PROTOCOL, f.QUOTE_DST, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ)
    assert [shown(row, word) for word in words] == [6, 0xAC100165, 31337, 80, 242, 7]
    assert int(row[f.NOTES]) & f.NOTE_QUOTE


def test_five_tunnels_deep_is_where_following_ends() -> None:
    packet = ipv4(17, udp())
    for depth in range(1, 6):
        packet = ipv4(4, packet, ttl=depth)
    row = row_of(packet, link=101)
    assert (int(row[f.PROTOCOL]), shown(row, f.IP_TTL)) == (4, 1)


def test_ipv6_addresses_fill_their_words() -> None:
    row = row_of(ipv6(17, udp()), link=101)
    assert [int(word) for word in row[f.IP_SRC_HIGH : f.IP_SRC_HIGH + 3]] == [0x00010203, 0x04050607, 0x08090A0B]
    assert shown(row, f.IP_SRC) == 0x0C0D0E0F
