"""Frames to rows: the arrays that say where frames stand in a buffer, and the call that decodes them.

A source owns one ``Frames`` and one block of rows and uses them for all its batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from craftmark.kernels.headers import decode_frames, decode_records
from craftmark.packets.batch import PacketBatch, RawFrames
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from craftmark.packets.batch import Words

#: Octets of a capture; not writeable, so that mapped files and buffers share one compiled kernel.
Octets = NDArray[np.uint8]
State = NDArray[np.int64]
#: A record this short is the shortest to expect; a walk is told how many rows it may fill, not how many there are.
_SHORT_RECORD = 60
_FEW_ROWS = 64


@dataclass(frozen=True, slots=True)
class Frames:
    """Where frames stand in a buffer: first octet, octets captured, octets on the wire, link type, time."""

    starts: NDArray[np.int64]
    captured: NDArray[np.int64]
    wire: NDArray[np.int64]
    links: NDArray[np.int64]
    ts_ns: NDArray[np.int64]


class RecordLayout(NamedTuple):
    """How the records of a pcap file look: byte order, header size, clock unit, order of lengths, link type."""

    big: int
    header: int
    tick_ns: int
    lengths: int
    link: int


def empty_frames(rows: int) -> Frames:
    """Return room for ``rows`` frames."""
    return Frames(*(np.zeros(rows, np.int64) for _ in range(5)))


def octets_of(buffer: bytes | bytearray | memoryview) -> Octets:
    """Return a buffer's octets as the array that kernels take; nothing is copied."""
    octets = np.frombuffer(buffer, np.uint8)
    octets.flags.writeable = False
    return octets


class Decoder:
    """Decodes frames into the same rows again and again."""

    def __init__(self, rows: int) -> None:
        self.frames = empty_frames(rows)
        self._words: Words = np.zeros((rows, WORDS), np.uint32)
        self._packet_id = np.zeros(rows, np.int64)
        self._numbers = np.arange(rows)
        self._link = 0

    def decode(self, octets: Octets, rows: int, *, first_id: int) -> PacketBatch:
        """Return the first ``rows`` of ``frames`` decoded, numbered from ``first_id``; valid until the next call."""
        frames = self.frames
        decode_frames(rows, octets, frames.starts, frames.captured, frames.wire, frames.links, self._words)
        return self._batch(octets, rows, first_id)

    def decode_records(self, octets: Octets, layout: RecordLayout, state: State, *, first_id: int) -> PacketBatch:
        """Find pcap records from ``state[0]`` on and return them decoded; see the kernel of that name for ``state``."""
        frames = self.frames
        most = max(_FEW_ROWS, min(len(frames.starts), (len(octets) - int(state[0])) // _SHORT_RECORD))
        rows: int = decode_records(
            min(most, len(frames.starts)), octets, len(octets), *layout,
            frames.starts, frames.captured, frames.wire, frames.ts_ns, self._words, state,
        )  # fmt: skip
        if layout.link != self._link:
            frames.links[:] = self._link = layout.link
        return self._batch(octets, rows, first_id)

    def _batch(self, octets: Octets, rows: int, first_id: int) -> PacketBatch:
        frames, words = self.frames, self._words[:rows]
        packet_id = np.add(self._numbers[:rows], first_id, out=self._packet_id[:rows])
        raw = RawFrames(octets, frames.starts, frames.captured, frames.wire, frames.links)
        return PacketBatch(words, frames.ts_ns[:rows], packet_id, raw)
