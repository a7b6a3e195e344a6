"""pcapng: sections, interfaces, clocks and all packet blocks; broken blocks are damage."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.packets.batch import join
from craftmark.packets.fields import NOTE_NO_TIME, NOTES, SPORT
from craftmark.sources import windows
from craftmark.sources.base import Provenance, SourceOptions
from craftmark.sources.pcapng import FORMAT
from tests.strategies import (
    BIG,
    LITTLE,
    Record,
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    pcap_file,
    records,
    section,
    tcp,
)

PROBE = ethernet(ipv4(6, tcp(31337, 80)), 0x800)


def read(data: bytes):
    provenance = Provenance("case")
    source = FORMAT.open(io.BytesIO(data), provenance, 1, SourceOptions())
    return join(batch.copy() for batch in source.batches()), provenance


RESOLUTIONS = st.sampled_from([None, 6, 9, 3, 0x80 | 10])
SECTIONS = st.lists(
    st.tuples(st.sampled_from([BIG, LITTLE]), RESOLUTIONS, st.lists(records(), max_size=5)),
    min_size=1, max_size=3,
)  # fmt: skip


def written(parts: list[tuple[str, int | None, list[Record]]]) -> bytes:
    data = b""
    for order, resolution, members in parts:
        per_second = 1024 if resolution == 0x80 | 10 else 10 ** (6 if resolution is None else resolution)
        data += section(order) + interface(order, resolution=resolution)
        data += b"".join(enhanced(order, record.ts_ns * per_second // 10**9, record) for record in members)
    return data


@given(SECTIONS)
@settings(max_examples=60, deadline=None)
def test_what_was_written_is_read_back_in_sections_of_any_byte_order(
    parts: list[tuple[str, int | None, list[Record]]],
) -> None:
    batch, provenance = read(written(parts))
    times = []
    for _, resolution, members in parts:
        per_second = 1024 if resolution == 0x80 | 10 else 10 ** (6 if resolution is None else resolution)
        stamps = [record.ts_ns * per_second // 10**9 for record in members]
        times += [stamp * 10**9 // per_second for stamp in stamps]
    assert batch.ts_ns.tolist() == times
    assert provenance.damage == []


@given(SECTIONS, st.data())
@settings(max_examples=60, deadline=None)
def test_a_file_cut_anywhere_gives_a_prefix_and_at_most_one_damage(
    parts: list[tuple[str, int | None, list[Record]]], data: st.DataObject
) -> None:
    whole = written(parts)
    cut = data.draw(st.integers(28, len(whole)))
    batch, provenance = read(whole[:cut])
    full, _ = read(whole)
    assert batch.ts_ns.tolist() == full.ts_ns.tolist()[: len(batch)]
    assert provenance.damage_total <= 1


def test_simple_packets_have_no_time_and_say_so() -> None:
    data = section(BIG) + interface(BIG) + enhanced(BIG, 5_000_000, Record(0, PROBE, 54))
    batch, provenance = read(data + block(BIG, 3, struct.pack(">I", 54) + PROBE))
    assert batch.ts_ns.tolist() == [5 * 10**9, 5 * 10**9]
    assert (batch.words[:, NOTES] & NOTE_NO_TIME).tolist() == [0, NOTE_NO_TIME]
    assert batch.words[:, SPORT].tolist() == [31337, 31337]
    assert (provenance.first_ns, provenance.packets) == (5 * 10**9, 2)


@pytest.mark.parametrize(
    ("stamp", "offset"), [(1 << 63, 0), ((1 << 64) - 1, 0), (1 << 60, 0), (5, -6), (5, (1 << 63) - 1), (5, -(1 << 63))]
)
def test_times_that_cannot_be_are_not_used_and_told(stamp: int, offset: int) -> None:
    good = section(LITTLE) + interface(LITTLE) + enhanced(LITTLE, 7, Record(0, PROBE, 54))
    batch, provenance = read(
        good + interface(LITTLE, offset_s=offset) + enhanced(LITTLE, stamp, Record(0, PROBE, 54), number=1)
    )
    assert batch.ts_ns.tolist() == [7000, 7000]
    assert (batch.words[:, NOTES] & NOTE_NO_TIME).tolist() == [0, NOTE_NO_TIME]
    assert (provenance.first_ns, provenance.last_ns) == (7000, 7000)
    assert provenance.notes == ["1 packet bears a time before 1970 or after 2106: such times are not used"]


def test_old_packet_blocks_are_read() -> None:
    body = struct.pack("<HHIIII", 0, 0, 0, 7, 54, 54) + PROBE
    batch, _ = read(section(LITTLE) + interface(LITTLE) + block(LITTLE, 2, body))
    assert (batch.ts_ns.tolist(), batch.words[:, SPORT].tolist()) == ([7000], [31337])


def test_interfaces_keep_their_own_link_types_and_offsets() -> None:
    data = section(LITTLE) + interface(LITTLE) + interface(LITTLE, link=101, offset_s=100)
    data += enhanced(LITTLE, 1, Record(0, PROBE, 54)) + enhanced(LITTLE, 1, Record(0, PROBE[14:], 40), number=1)
    batch, provenance = read(data)
    assert batch.words[:, SPORT].tolist() == [31337, 31337]
    assert batch.ts_ns.tolist() == [1000, 100 * 10**9 + 1000]
    assert provenance.link_types == ["EN10MB", "RAW"]


def test_unknown_blocks_are_skipped() -> None:
    blocks = block(BIG, 0xBAD, b"anything") + block(BIG, 5, bytes(12)) + block(BIG, 0x40000BAD, b"")
    batch, provenance = read(section(BIG) + interface(BIG) + blocks + enhanced(BIG, 1, Record(0, PROBE, 54)) + blocks)
    assert (len(batch), provenance.damage) == (1, [])


def test_a_packet_of_an_undescribed_interface_is_damage_and_skipped() -> None:
    packets = [enhanced(BIG, 1, Record(0, PROBE, 54), number=number) for number in (0, 3, 0)]
    batch, provenance = read(section(BIG) + interface(BIG) + b"".join(packets))
    assert (len(batch), provenance.damage_total) == (2, 1)


@pytest.mark.parametrize("bad", [b"\0\0\0\6\xff\xff\xff\xf0", b"\0\0\0\6\0\0\0\2", b"\0\0\0\6\0\0\0\x20" + bytes(40)])
def test_reading_goes_on_behind_a_block_that_cannot_be(bad: bytes) -> None:
    packet = enhanced(BIG, 1, Record(0, PROBE, 54))
    batch, provenance = read(section(BIG) + interface(BIG) + packet * 2 + bad + packet * 3)
    assert (len(batch), provenance.damage_total) == (5, 1)
    assert f"{len(bad)} bytes skipped" in provenance.damage[0].what


def test_a_stream_in_small_pieces_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    data = section(BIG) + interface(BIG) + enhanced(BIG, 1, Record(0, PROBE, 54)) * 50
    monkeypatch.setattr(windows, "CHUNK", 37)
    batch, provenance = read(data)
    assert (len(batch), provenance.damage) == (50, [])


def test_pcap_is_not_taken_for_pcapng() -> None:
    assert not FORMAT.sniff(pcap_file([], (0xA1B2C3D4, LITTLE, 16)))
    assert FORMAT.sniff(section(LITTLE))
