"""Packets that a text holds octet for octet (hex dumps, base64): gathered, and decoded together where a batch ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.packets import fields as f
from craftmark.packets.batch import OuterHeaders, PacketBatch, RawFrames
from craftmark.packets.decode import Decoder, Located, empty_frames, octets_of
from craftmark.packets.links import ETHERNET, RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

_ETHERTYPES = frozenset((0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x8864))
_VLANS = frozenset((0x8100, 0x88A8))


class FramesInText:
    """Frames of the batch being gathered, by row."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._rows: list[int] = []
        self._frames: list[bytes] = []
        self._links: list[int] = []
        self._wire: list[int] = []
        self._notes: list[int] = []

    def add(self, row: int, frame: bytes, link: int, wire: int, notes: int) -> None:
        """Remember the frame of a row that is put there when the batch ends."""
        self._rows.append(row)
        self._frames.append(frame)
        self._links.append(link)
        self._wire.append(max(wire, len(frame)))
        self._notes.append(notes)

    def decode(self, batch: PacketBatch) -> PacketBatch:
        """Return a batch with the rows of frames decoded; with the frames, where every row is one."""
        if not self._rows:
            return batch
        rows, count = np.array(self._rows), len(self._rows)
        size = np.array([len(frame) for frame in self._frames], np.int64)
        frames = empty_frames(count)
        frames.captured[:] = size
        frames.starts[:] = np.cumsum(size) - size
        frames.wire[:] = self._wire
        frames.links[:] = self._links
        octets = octets_of(b"".join(self._frames))
        decoded = Decoder(count).decode(Located(octets, frames, count, 0))
        batch.words[rows] = decoded.words
        batch.words[rows, f.NOTES] |= np.array(self._notes, np.uint32)
        raw = None
        if count == len(batch):
            raw = RawFrames(octets, frames.starts, frames.captured, frames.wire, frames.links)
        self._clear()
        outer = decoded.outer and OuterHeaders(rows[decoded.outer.rows], decoded.outer.words)
        return PacketBatch(batch.words, batch.ts_ns, batch.packet_id, raw, outer)


def link_of(frame: Sequence[int]) -> int | None:
    """Return the link type that octets without one have by their look: raw IP or Ethernet, None if neither.

    Raw IP is told by its version, length of header and total length; Ethernet by its type.
    """
    if len(frame) >= 20 and frame[0] >> 4 == 4 and frame[0] & 15 >= 5 and frame[2] << 8 | frame[3] >= 20:
        ethernet = len(frame) >= 34 and frame[12] << 8 | frame[13] in _ETHERTYPES and frame[14] >> 4 in (4, 6)
        return ETHERNET if ethernet and frame[8] == 0 else RAW
    if len(frame) >= 40 and frame[0] >> 4 == 6 and (len(frame) < 14 or frame[12] << 8 | frame[13] not in _ETHERTYPES):
        return RAW
    if len(frame) >= 14:
        kind = frame[12] << 8 | frame[13]
        if kind in _VLANS and len(frame) >= 18:
            kind = frame[16] << 8 | frame[17]
        if kind in _ETHERTYPES:
            return ETHERNET
    return None
