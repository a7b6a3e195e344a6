from __future__ import annotations

import io

import numpy as np
import pytest

from craftmark.errors import SourceError
from craftmark.export.pcap import PcapWriter
from craftmark.packets.batch import PacketBatch, RawFrames, empty_batch


def _batch(*, links=(1, 1), ts_ns=(1_500_000_001, 2_000_000_002)):
    octets = np.frombuffer(b"....abcdefXYZ", np.uint8)
    raw = RawFrames(octets, np.array([4, 10]), np.array([6, 3]), np.array([60, 3]), np.array(links))
    rows = empty_batch(2)
    return PacketBatch(rows.words, np.array(ts_ns, np.int64), rows.packet_id, raw)


def _written(batch, *rows):
    stream = io.BytesIO()
    writer = PcapWriter(stream, name="out.pcap")
    for row in rows:
        writer.write(batch, row)
    return writer, stream.getvalue()


def test_frames_are_written_with_their_times_and_lengths_on_the_wire():
    writer, data = _written(_batch(), 0, 1)
    assert writer.written == 2
    assert data[:4] == bytes.fromhex("4d3cb2a1")
    assert data[20:24] == (1).to_bytes(4, "little")
    assert data[24:] == (
        b"".join(n.to_bytes(4, "little") for n in (1, 500_000_001, 6, 60)) + b"abcdef"
        + b"".join(n.to_bytes(4, "little") for n in (2, 2, 3, 3)) + b"XYZ"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (empty_batch(2), "packets read from a log"),
        (_batch(links=(1, 101)), "link types 1 and 101"),
        (_batch(ts_ns=(0, -1)), "none that pcap can hold"),
    ],
)
def test_what_pcap_cannot_hold_is_refused(batch, words):
    with pytest.raises(SourceError, match=words):
        _written(batch, 0, 1)


def test_nothing_written_is_no_file_header():
    assert _written(_batch())[1] == b""
