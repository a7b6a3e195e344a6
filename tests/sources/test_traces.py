"""ERF and snoop: records written by hand and by editcap, read back."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from craftmark.errors import SourceError
from craftmark.packets.batch import join
from craftmark.sources.inputs import open_inputs

EXAMPLE = Path(__file__).parents[2] / "examples" / "odd-scan-2000.pcap"


def rows_of(path):
    case = open_inputs([path])
    return join([batch.copy() for batch in case.batches()]), case.describe()[0]


def erf_record(frame, seconds=1_000_000_000, *, extensions=0, kind=2):
    pad = -(18 + 8 * extensions + len(frame)) % 8
    size = 18 + 8 * extensions + len(frame) + pad
    head = struct.pack("<II", 1 << 31, seconds) + struct.pack(
        ">BBHHH", kind | (0x80 if extensions else 0), 4, size, 0, len(frame) + 4
    )
    more = b"".join(bytes([(0x80 if left else 0) | 3]) + bytes(7) for left in reversed(range(extensions)))
    return head + more + b"\0\0" + frame + bytes(pad)


@pytest.fixture
def frames():
    data = EXAMPLE.read_bytes()
    return [data[at + 16 : at + 70] for at in range(24, 24 + 70 * 40, 70)]


@pytest.mark.parametrize("extensions", [0, 1, 3])
def test_erf_with_and_without_extension_headers(frames, extensions, tmp_path):
    path = tmp_path / "trace"
    path.write_bytes(b"".join(erf_record(frame, extensions=extensions) for frame in frames))
    batch, told = rows_of(path)
    expected, _ = rows_of(EXAMPLE)
    assert (told.format, told.link_types, told.damage) == ("erf", ["EN10MB"], [])
    assert (batch.words == expected.words[: len(frames)]).all()
    assert set(batch.ts_ns.tolist()) == {1_000_000_000_500_000_000}


def test_pad_records_of_erf_are_no_packets(frames, tmp_path):
    path = tmp_path / "trace"
    path.write_bytes(erf_record(frames[0]) + erf_record(b"", kind=48) + erf_record(frames[1]))
    assert len(rows_of(path)[0]) == 2


def test_a_cut_erf_says_so_and_keeps_what_was_whole(frames, tmp_path):
    path = tmp_path / "trace"
    data = b"".join(erf_record(frame) for frame in frames)
    path.write_bytes(data[:-5])
    batch, told = rows_of(path)
    assert (len(batch), told.damage_total) == (len(frames) - 1, 1)


@pytest.mark.skipif(shutil.which("editcap") is None, reason="editcap is not here")
def test_snoop_as_editcap_writes_it(tmp_path):
    path = tmp_path / "capture"
    subprocess.run(["editcap", "-F", "snoop", EXAMPLE, path], check=True)
    batch, told = rows_of(path)
    expected, _ = rows_of(EXAMPLE)
    assert (told.format, told.link_types, told.damage) == ("snoop", ["EN10MB"], [])
    assert (batch.words == expected.words).all()
    assert (batch.ts_ns == expected.ts_ns).all()


def test_a_snoop_header_alone_holds_no_packet(tmp_path):
    path = tmp_path / "capture"
    path.write_bytes(b"snoop\0\0\0" + struct.pack(">II", 2, 4))
    with pytest.raises(SourceError, match="no packets"):
        rows_of(path)
