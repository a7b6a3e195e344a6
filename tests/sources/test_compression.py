"""Compressed inputs: told by content, nested, cut, corrupt, and grown out of proportion."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from typing import TYPE_CHECKING

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.errors import SourceError
from craftmark.sources import compression
from craftmark.sources.compression import Decompressed, compression_of, peel

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
}  # fmt: skip
TEXT = b"".join(b"%d;" % (k * k) for k in range(20_000))


def opened(data: bytes, max_expansion: int | None = 1000) -> tuple[io.BufferedReader, list[Decompressed]]:
    return peel(io.BufferedReader(io.BytesIO(data)), name="case", max_expansion=max_expansion)


@pytest.mark.parametrize("name", LAYERS)
def test_each_compression_is_told_by_content_and_taken_off(name: str) -> None:
    stream, layers = opened(LAYERS[name](TEXT))
    assert (stream.read(), [layer.layer for layer in layers], layers[0].fault) == (TEXT, [name], None)


@pytest.mark.parametrize("name", LAYERS)
def test_several_members_in_a_row_are_one_stream(name: str) -> None:
    stream, layers = opened(LAYERS[name](TEXT) + LAYERS[name](b"more"))
    assert (stream.read(), layers[0].fault) == (TEXT + b"more", None)


@given(st.lists(st.sampled_from(sorted(LAYERS)), min_size=2, max_size=3), st.binary(max_size=300))
@settings(max_examples=30, deadline=None)
def test_one_inside_another_is_taken_off_too(names: list[str], data: bytes) -> None:
    packed = b"#" + data
    for name in reversed(names):
        packed = LAYERS[name](packed)
    stream, layers = opened(packed)
    assert (stream.read(), [layer.layer for layer in layers]) == (b"#" + data, names)


def test_a_fourth_layer_is_refused() -> None:
    packed = TEXT
    for _ in range(4):
        packed = gzip.compress(packed)
    with pytest.raises(SourceError, match="more than 3 times"):
        opened(packed)


@pytest.mark.parametrize("name", LAYERS)
def test_data_that_end_early_give_a_prefix_and_a_fault(name: str) -> None:
    packed = LAYERS[name](TEXT * 20)
    stream, layers = opened(packed[:-9])
    data = stream.read()
    assert (TEXT * 20).startswith(data)
    assert layers[0].fault == f"the {name} data end early"
    assert layers[0].fault_at == len(packed) - 9


@pytest.mark.parametrize("name", ["bzip2", "zstd"])
def test_half_of_an_only_block_gives_nothing_and_says_why(name: str) -> None:
    packed = LAYERS[name](TEXT[:9000])
    stream, layers = opened(packed[: len(packed) // 2])
    assert stream.read() == b""
    assert layers[0].fault == f"the {name} data end early, inside their first block: nothing of it can be read"


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_corrupt_data_end_with_a_fault_and_no_exception(name: str) -> None:
    packed = bytearray(LAYERS[name](TEXT * 20))
    packed[len(packed) // 2] ^= 0xFF
    stream, layers = opened(bytes(packed))
    assert stream.read() != TEXT * 20
    assert layers[0].fault is not None


@given(st.sampled_from(sorted(LAYERS)), st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_anything_behind_a_magic_number_is_survived(name: str, rest: bytes) -> None:
    magic = compression._LAYERS[name][0]
    stream, _ = opened(magic + rest)
    stream.read()


def test_what_follows_the_last_member_is_a_fault_unless_it_is_padding() -> None:
    for tail, fault in ((bytes(512), None), (b"something", "gzip data are followed by something else")):
        stream, layers = opened(gzip.compress(TEXT) + tail)
        assert (stream.read(), layers[0].fault) == (TEXT, fault)


@pytest.mark.parametrize("name", LAYERS)
def test_a_bomb_is_stopped_unless_the_limit_is_lifted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 1 << 18)
    size = 1 << (26 if name == "zstd" else 23)  # a few hundred octets of Zstandard hold 8 MiB
    packed = LAYERS[name](bytes(size))
    stream, layers = opened(packed, max_expansion=50)
    assert len(stream.read()) < size
    assert "decompression bomb" in (layers[0].fault or "")
    stream, layers = opened(packed, max_expansion=None)
    assert (len(stream.read()), layers[0].fault) == (size, None)


def test_plain_data_are_in_no_compression() -> None:
    assert compression_of(b"\xd4\xc3\xb2\xa1") is None
    assert compression_of(b"") is None
