"""Compressed inputs: gzip, bzip2, xz, zstd and LZ4, told by content, also one inside another.

Whatever can be decompressed is handed on in constant memory. Data that end early or are corrupt end the stream, and
``fault`` says where; so does a stream that grows out of proportion, as decompression bombs do.
"""

from __future__ import annotations

import bz2
import io
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, Protocol

from craftmark.errors import ExitCode, SourceError
from craftmark.sources.base import SNIFF_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

#: Layers of compression that are taken off.
MAX_LAYERS = 3
#: Octets that any stream may grow to before its expansion is looked at.
FREE_BYTES = 1 << 28
_FEED = 1 << 16
#: Binary logarithm of the largest window of Zstandard's that is held in memory.
_ZSTD_WINDOW = 28
_XZ_MEMORY = 1 << 28
#: Names of what libraries raise that are imported only where such an input comes.
_FAULTS = ("ZstdError", "IsalError")


class Decompressor(Protocol):
    """One member, frame or stream of compressed data, as bz2 and lzma have it."""

    @property
    def eof(self) -> bool:
        """Tell whether the member is complete."""

    @property
    def unused_data(self) -> bytes | None:
        """Return what was fed behind the end of the member."""

    @property
    def needs_input(self) -> bool:
        """Tell whether all that was fed has been used."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Take more data, give at most ``max_length`` octets."""


class _Gzip:
    """A decompressor of gzip with the interface of bz2's: that of ISA-L, or zlib's where there is none."""

    def __init__(self) -> None:
        self._inner = _zlib().decompressobj(wbits=31)
        self._was_full = False

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    @property
    def needs_input(self) -> bool:
        return not self._was_full

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        given: bytes = self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))
        self._was_full = len(given) == max_length
        return given


def _zlib() -> ModuleType:
    """Return the faster of two modules with the same interface; ISA-L is made for some processors only."""
    try:
        from isal import isal_zlib  # noqa: PLC0415 - only where such an input comes
    except ImportError:
        return zlib
    return isal_zlib


def _zstd() -> Decompressor:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - only where such an input comes
    else:
        from backports import zstd  # noqa: PLC0415 - the same
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})


def _lz4() -> Decompressor:
    import lz4.frame  # noqa: PLC0415 - only where such an input comes

    inner: Decompressor = lz4.frame.LZ4FrameDecompressor()
    return inner


_LAYERS: dict[str, tuple[bytes, Callable[[], Decompressor]]] = {
    "gzip": (b"\x1f\x8b\x08", _Gzip),
    "bzip2": (b"BZh", bz2.BZ2Decompressor),
    "xz": (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)),
    "zstd": (b"\x28\xb5\x2f\xfd", _zstd),
    "lz4": (b"\x04\x22\x4d\x18", _lz4),
}


def compression_of(head: bytes) -> str | None:
    """Return the name of the compression that data starting so are in, None if they are in none we know."""
    for name, (magic, _) in _LAYERS.items():
        if head.startswith(magic):
            return name
    return "zstd" if len(head) >= 8 and head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F else None


class Decompressed(io.RawIOBase):
    """The octets inside one layer of compression.

    ``fault`` says why they ended early, None if they did not; ``fault_at`` at which compressed byte.
    """

    def __init__(self, stream: BinaryIO, name: str, max_expansion: int | None) -> None:
        self.layer = name
        self.fault: str | None = None
        self.fault_at = 0
        self._stream = stream
        self._make = _LAYERS[name][1]
        self._inner: Decompressor | None = None
        self._fed = b""
        self._taken = 0
        self._given = 0
        self._ready = memoryview(b"")
        self._ended = False
        self._max_expansion = max_expansion

    def readable(self) -> bool:
        """Tell that this is read, not written."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as there are octets; 0 at the end."""
        room = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(room):
            if not self._ready and not self._refill(len(room) - filled):
                break
            part = self._ready[: len(room) - filled]
            self._ready = self._ready[len(part) :]
            room[filled : filled + len(part)] = part
            filled += len(part)
        return filled

    def _refill(self, size: int) -> bool:
        """Decompress until there is something to give; tell whether there is."""
        while not self._ready and not self._ended:
            try:
                self._step(size)
            except (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError) as fault:
                self._stop(f"the {self.layer} data are corrupt ({fault})")
            except Exception as fault:
                if type(fault).__name__ not in _FAULTS:
                    raise
                self._stop(f"the {self.layer} data are corrupt ({fault})")
        return bool(self._ready)

    def _step(self, size: int) -> None:
        if self._inner is None and not self._next_member():
            return
        assert self._inner is not None
        data = b""
        if self._inner.needs_input:
            data = self._feed()
            if not data:
                nothing = "" if self._given else ", inside their first block: nothing of it can be read"
                self._stop(f"the {self.layer} data end early{nothing}")
                return
        self._ready = memoryview(self._inner.decompress(data, size))
        self._given += len(self._ready)
        if self._inner.eof:
            unused = self._inner.unused_data or b""
            self._fed = unused + self._fed
            self._taken -= len(unused)
            self._inner = None
        self._guard()

    def _next_member(self) -> bool:
        """Start the next member or frame; what follows the last one and is none is left alone, as gzip does."""
        head = self._fed
        while len(head) < 8 and (more := self._stream.read(_FEED)):
            head += more
        self._fed = head
        if compression_of(head) == self.layer:
            self._inner = self._make()
            return True
        self._ended = True
        if head.strip(b"\0") and self._taken:
            self._stop(f"{self.layer} data are followed by something else")
        return False

    def _feed(self) -> bytes:
        if not self._fed:
            self._fed = self._stream.read(_FEED)
        data, self._fed = self._fed[:_FEED], self._fed[_FEED:]
        self._taken += len(data)
        return data

    def _guard(self) -> None:
        limit = self._max_expansion
        if limit is not None and self._given > FREE_BYTES and self._given > limit * self._taken:
            self._stop(
                f"the {self.layer} data grow more than {limit} times, as a decompression bomb does: "
                f"stopped after {self._given} bytes"
            )

    def _stop(self, why: str) -> None:
        self._ended = True
        self.fault = why
        self.fault_at = self._taken


def peel(
    stream: io.BufferedReader, *, name: str, max_expansion: int | None
) -> tuple[io.BufferedReader, list[Decompressed]]:
    """Return the stream inside all layers of compression, and the layers, outermost first.

    Raises SourceError if there are more than ``MAX_LAYERS``, or if a layer's library is not installed.
    """
    layers: list[Decompressed] = []
    while (kind := compression_of(stream.peek(SNIFF_BYTES)[:8])) is not None:
        if len(layers) == MAX_LAYERS:
            raise SourceError(
                f"compressed more than {MAX_LAYERS} times over", name=name, code=ExitCode.UNREADABLE,
                remedy="decompress it first",
            )  # fmt: skip
        layers.append(Decompressed(stream, kind, max_expansion))
        stream = io.BufferedReader(layers[-1], SNIFF_BYTES)
        try:
            stream.peek(1)
        except ImportError as fault:
            raise SourceError(
                f"{kind} cannot be read here: {fault}", name=name, code=ExitCode.UNREADABLE,
                remedy=f"decompress it first, or install the Python package of {kind}",
            ) from fault  # fmt: skip
    return stream, layers
