"""Frames to rows: the arrays that say where frames stand in a buffer, and the call that decodes them.

A source owns one ``Frames`` and one block of rows and uses them for all its batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.kernels.headers import PLACES, decode_network, decode_transport
from craftmark.packets.batch import PacketBatch, RawFrames
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from craftmark.packets.batch import Words

#: Octets of a capture; not writeable, so that mapped files and buffers share one compiled kernel.
Octets = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frames:
    """Where frames stand in a buffer: first octet, octets captured, octets on the wire, link type, time."""

    starts: NDArray[np.int64]
    captured: NDArray[np.int64]
    wire: NDArray[np.int64]
    links: NDArray[np.int64]
    ts_ns: NDArray[np.int64]


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
        self._places = np.zeros((rows, PLACES), np.int64)
        self._packet_id = np.zeros(rows, np.int64)

    def decode(self, octets: Octets, rows: int, *, first_id: int) -> PacketBatch:
        """Return the first ``rows`` of ``frames`` decoded, numbered from ``first_id``; valid until the next call."""
        words = self._words[:rows]
        words.fill(0)
        frames = self.frames
        network = (frames.starts, frames.captured, frames.wire, frames.links)
        decode_network(rows, octets, *network, words, self._places)
        decode_transport(rows, octets, words, self._places)
        self._packet_id[:rows] = np.arange(first_id, first_id + rows)
        raw = RawFrames(octets, *network)
        return PacketBatch(words, frames.ts_ns[:rows], self._packet_id[:rows], raw)
