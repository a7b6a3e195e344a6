"""Frames read in one piece against the same frames read header by header, and which frames those are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.kernels.usual import LEAST, usual
from craftmark.packets import fields as f
from craftmark.packets.decode import Decoder, Located, empty_frames, octets_of
from tests.naive import headers as naive
from tests.strategies import OPTIONS, SHORT, checksum, ethernet, ipv4, ipv6, tcp, udp

ECHO = b"\x08\0\0\0\0\1\0\2"
MSS = b"\2\4\5\xb4"


def framed(packet: bytes) -> bytes:
    return ethernet(packet, 0x800)


def summed(protocol: int, segment: bytes, at: int) -> bytes:
    """Return the segment between the addresses of ``ipv4`` with its checksum at ``at``."""
    pseudo = b"" if protocol == 1 else ipv4(protocol, b"")[12:20] + bytes((0, protocol)) + len(segment).to_bytes(2)
    blank = segment[:at] + b"\0\0" + segment[at + 2 :]
    return blank[:at] + checksum(pseudo + blank).to_bytes(2) + blank[at + 2 :]


PAYLOADS = st.one_of(st.just(b""), st.binary(max_size=9), st.binary(min_size=58, max_size=110))
SEGMENTS = st.one_of(
    st.builds(lambda options, payload: (6, summed(6, tcp(options=options, payload=payload), 16)),
              st.one_of(st.just(MSS), OPTIONS), PAYLOADS),
    st.builds(lambda a, payload: (17, summed(17, udp(a, 53, payload), 6)), SHORT, PAYLOADS),
    st.builds(lambda payload: (17, udp(9, 9, payload)), PAYLOADS),
    st.builds(lambda kind, payload: (1, summed(1, bytes([kind]) + ECHO[1:] + payload, 2)),
              st.sampled_from([0, 8, 13, 3]), PAYLOADS),
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, 70), st.integers(0, 255)), max_size=2)


@st.composite
def near_usual(draw: st.DrawFn) -> bytes:
    """Return a frame that is usual or was, before an octet of it changed."""
    protocol, segment = draw(SEGMENTS)
    frame = bytearray(framed(ipv4(protocol, segment, place=draw(st.sampled_from([0, 0x4000, 0x2000])))))
    for place, value in draw(CHANGES):
        if place < len(frame):
            frame[place] = value
    return bytes(frame) + bytes(draw(st.integers(0, 12)))


def rows_of(frames: list[tuple[bytes, int]]) -> np.ndarray:
    """Return the rows of Ethernet frames given with their length on the wire."""
    frames_at = empty_frames(len(frames))
    starts = np.cumsum([0] + [len(frame) for frame, _ in frames])
    for row, (frame, wire) in enumerate(frames):
        frames_at.starts[row], frames_at.captured[row] = starts[row], len(frame)
        frames_at.wire[row], frames_at.links[row] = wire, 1
    octets = octets_of(b"".join(frame for frame, _ in frames))
    return Decoder(len(frames)).decode(Located(octets, frames_at, len(frames), 1)).words


def read_at_once(frame: bytes) -> np.ndarray | None:
    """Return the row of a frame read in one piece; None if it is not usual."""
    words = np.full((1, f.WORDS), 9, np.uint32)
    is_usual = len(frame) >= LEAST and usual(0, memoryview(frame), words.data, 0, len(frame))
    if not is_usual:
        assert (words == 9).all()
    return words[0] if is_usual else None


@given(st.lists(near_usual(), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_rows_of_usual_frames_say_what_the_naive_twin_reads(frames: list[bytes]) -> None:
    for frame, row in zip(frames, rows_of([(frame, len(frame)) for frame in frames]), strict=True):
        packet = naive.decode(frame, len(frame), 1)
        present = int(row[f.PRESENT])
        assert int(row[f.PROTOCOL]) == packet.protocol
        assert present & int(row[f.UNSEEN]) == 0
        notes = {f.NOTE_SUM_BAD: "sum", f.NOTE_IP_SUM_BAD: "ip sum", f.NOTE_BAD_LENGTH: "bad length"}
        assert {note for bit, note in notes.items() if int(row[f.NOTES]) & bit} == packet.notes & set(notes.values())
        for name in ("ip_id", "ip_ttl", "ip_len", "ip_tos", "payload_len", "payload_hash", "payload_head"):
            word = f.FIELDS[name].word
            shown = int(row[word]) if present & f.visibility_bit(word) else None
            assert shown == packet.fields.get(name), (name, frame.hex())


@given(near_usual())
@settings(max_examples=150, deadline=None)
def test_a_frame_read_in_one_piece_has_the_row_of_the_frame_read_by_headers(frame: bytes) -> None:
    """Behind a VLAN tag a frame is not usual, but its packet is the same."""
    at_once = read_at_once(frame)
    if at_once is None:
        return
    tagged = frame[:12] + b"\x81\0\0\5" + frame[12:]
    assert read_at_once(tagged) is None
    assert np.array_equal(at_once, rows_of([(tagged, len(tagged))])[0])


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(6, tcp()),
        ipv4(6, tcp(options=MSS), place=0x4000),
        ipv4(6, tcp(options=MSS + b"\4\2\1\3\3\7", payload=b"hello")),
        ipv4(17, udp(payload=b"q" * 300)),
        ipv4(1, ECHO + b"w" * 56),
    ],
)
def test_what_tools_send_is_usual(packet: bytes) -> None:
    assert read_at_once(framed(packet) + bytes(12)) is not None


@pytest.mark.parametrize(
    "frame",
    [
        framed(ipv4(6, tcp(), options=b"\1\1\1\0")),
        framed(ipv4(6, tcp(), place=0x2000)),
        framed(ipv4(6, tcp(), place=0x0001)),
        framed(ipv4(17, udp()[:4] + b"\0\x63\0\0" + b"wrong length")),
        framed(ipv4(1, b"\3\1" + bytes(6) + ipv4(6, tcp()))),
        framed(ipv4(4, ipv4(6, tcp()))),
        framed(ipv4(6, b"\0" * 12 + b"\x40" + b"\0" * 7)),
        framed(ipv4(6, tcp()[:12] + b"\xf0" + tcp()[13:])),
        ethernet(ipv6(6, tcp()), 0x86DD),
        framed(b"\x65" + ipv4(6, tcp())[1:]),
    ],
)
def test_what_is_odd_is_left_to_the_reading_by_headers(frame: bytes) -> None:
    assert read_at_once(frame + bytes(20)) is None


def test_a_frame_that_was_cut_is_left_to_the_reading_by_headers() -> None:
    frame = framed(ipv4(6, tcp(payload=b"cut")))
    assert read_at_once(frame) is not None
    assert read_at_once(frame[:-1]) is None


@pytest.mark.parametrize(
    ("protocol", "segment", "at"), [(6, tcp(options=MSS), 16), (17, udp(payload=b"odd"), 6), (1, ECHO + b"odd", 2)]
)
def test_the_sum_of_a_usual_frame_is_verified(protocol: int, segment: bytes, at: int) -> None:
    good = bytearray(framed(ipv4(protocol, summed(protocol, segment, at)))) + bytes(20)
    assert read_at_once(bytes(good))[f.NOTES] == 0
    good[34 + at] ^= 1
    assert read_at_once(bytes(good))[f.NOTES] == f.NOTE_SUM_BAD
