"""pcap: any records written are read back, whatever the flavour; what is broken is damage and never more than that."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.packets.batch import INPUT_SHIFT, join
from craftmark.packets.fields import LINK_SRC, SPORT
from craftmark.sources import windows
from craftmark.sources.base import BATCH_ROWS, Provenance, SourceOptions
from craftmark.sources.pcap import FORMAT
from tests.strategies import LITTLE, PCAP_FLAVOURS, Record, ethernet, ipv4, pcap_file, records, tcp

CLASSIC = (0xA1B2C3D4, LITTLE, 16)


def read(data: bytes, number: int = 1):
    provenance = Provenance("case")
    source = FORMAT.open(io.BytesIO(data), provenance, number, SourceOptions())
    return join(batch.copy() for batch in source.batches()), provenance


def probe(number: int) -> bytes:
    return ethernet(ipv4(6, tcp(number & 0xFFFF, 80)), 0x800)


@given(st.lists(records(), max_size=12), st.sampled_from(PCAP_FLAVOURS))
@settings(max_examples=80, deadline=None)
def test_what_was_written_is_read_back(written: list[Record], flavour: tuple[int, str, int]) -> None:
    unit = 1 if flavour[0] == 0xA1B23C4D else 1000
    batch, provenance = read(pcap_file(written, flavour))
    assert batch.ts_ns.tolist() == [record.ts_ns // unit * unit for record in written]
    assert provenance.packets == len(written)
    assert provenance.damage == []


@given(st.lists(records(), min_size=1, max_size=5), st.sampled_from(PCAP_FLAVOURS), st.data())
@settings(max_examples=80, deadline=None)
def test_a_file_cut_anywhere_gives_its_whole_records_and_one_damage(
    written: list[Record], flavour: tuple[int, str, int], data: st.DataObject
) -> None:
    whole = pcap_file(written, flavour)
    cut = data.draw(st.integers(24, len(whole) - 1))
    ends = [len(pcap_file(written[:count], flavour)) for count in range(len(written) + 1)]
    batch, provenance = read(whole[:cut])
    assert len(batch) == sum(end <= cut for end in ends) - 1
    assert len(provenance.damage) == (cut not in ends)
    assert all(damage.packet == len(batch) + 1 for damage in provenance.damage)


def test_packet_ids_hold_the_input_and_count_from_one() -> None:
    batch, _ = read(pcap_file([Record(0, probe(k), 60) for k in range(3)], CLASSIC), number=7)
    assert batch.packet_id.tolist() == [(7 << INPUT_SHIFT) + k for k in (1, 2, 3)]


@pytest.mark.parametrize("count", [BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 1])
def test_batches_join_to_the_whole_file(count: int) -> None:
    record = struct.pack("<IIII", 5, 6, 54, 54)
    data = pcap_file([], CLASSIC) + b"".join(record + probe(k) for k in range(count))
    batch, _ = read(data)
    assert batch.words[:, SPORT].tolist() == [k & 0xFFFF for k in range(count)]
    assert set(batch.words[:, LINK_SRC].tolist()) == {0x0A0B0C0D}


def test_a_file_and_a_stream_in_small_pieces_are_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pcap_file([Record(k * 10**9, probe(k), 60) for k in range(300)], CLASSIC)
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    with path.open("rb") as file:
        source = FORMAT.open(file, Provenance("a"), 1, SourceOptions())
        mapped = join(batch.copy() for batch in source.batches())
    monkeypatch.setattr(windows, "CHUNK", 37)
    streamed, provenance = read(data)
    assert (mapped.words == streamed.words).all()
    assert (mapped.ts_ns == streamed.ts_ns).all()
    assert provenance.packets == 300


def test_reading_goes_on_behind_a_record_that_cannot_be() -> None:
    parts = [pcap_file([Record(k * 10**9, probe(k), 60)], CLASSIC)[24:] for k in range(20)]
    bad = struct.pack("<IIII", 1, 2, 0x7FFFFFFF, 0x7FFFFFFF) + b"garbage of a broken disk"
    batch, provenance = read(pcap_file([], CLASSIC) + b"".join(parts[:10]) + bad + b"".join(parts[10:]))
    assert batch.words[:, SPORT].tolist() == list(range(20))
    assert [(damage.packet, damage.byte) for damage in provenance.damage] == [(11, 24 + 10 * 70)]
    assert f"{len(bad)} bytes skipped" in provenance.damage[0].what


def test_lengths_in_the_old_order_are_told_by_the_version() -> None:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 2, 0, 0, 65535, 1)
    batch, provenance = read(head + struct.pack("<IIII", 1, 2, 1500, 54) + probe(9))
    assert batch.words[:, SPORT].tolist() == [9]
    assert provenance.damage == []


def test_a_file_that_is_not_pcap_at_all_is_damage_when_forced() -> None:
    batch, provenance = read(b"this is no capture, whatever its user says")
    assert len(batch) == 0
    assert provenance.damage_total == 1


PUBLIC = Path(__file__).parents[2].parent / "shared" / "captures"


def truths() -> list[tuple[Path, int]]:
    table = PUBLIC / "public" / "README.md"
    if not table.exists():
        return []
    rows = [line.split("|") for line in table.read_text().splitlines() if " packets |" in line]
    return [(PUBLIC / "public" / row[1].strip(), int(row[4].split(",")[1].split()[0])) for row in rows]


@pytest.mark.skipif(not truths(), reason="../shared is absent")
@pytest.mark.parametrize(("path", "packets"), truths(), ids=lambda value: getattr(value, "name", ""))
def test_public_captures_have_as_many_packets_as_their_table_says(path: Path, packets: int) -> None:
    from craftmark.sources.formats import format_of

    with path.open("rb") as file:
        found = format_of(file.read(4096))
        assert found is not None
        file.seek(0)
        source = found.open(file, Provenance(path.name), 1, SourceOptions())
        assert sum(len(batch) for batch in source.batches()) == packets
