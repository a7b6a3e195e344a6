"""Frames to rows: the arrays that say where frames stand in a buffer, and the call that decodes them.

Finding frames and decoding them are two steps: where frames stand is found in the order of the file, what they are can
be decoded by any core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from craftmark.kernels.headers import decode_frames, decode_outer, decode_records
from craftmark.kernels.records import walk_records
from craftmark.packets.batch import OuterHeaders, PacketBatch, RawFrames
from craftmark.packets.fields import NOTE_TUNNEL, NOTES, WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from craftmark.packets.batch import Words

Piece: TypeAlias = "Located | Decoded"
#: Octets of a capture; not writeable, so that all sources share one compiled kernel.
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
    """How the records of a pcap file look: byte order, header size, clock unit, order of lengths."""

    big: int
    header: int
    tick_ns: int
    lengths: int


def empty_frames(rows: int) -> Frames:
    """Return room for ``rows`` frames."""
    return Frames(*(np.zeros(rows, np.int64) for _ in range(5)))


def octets_of(buffer: bytes | bytearray | memoryview) -> Octets:
    """Return a buffer's octets as the array that kernels take; nothing is copied."""
    octets = np.frombuffer(buffer, np.uint8)
    octets.flags.writeable = False
    return octets


@dataclass(frozen=True, slots=True)
class Located:
    """Frames that were found in a buffer and not decoded yet: ``rows`` of them, numbered from ``first_id``.

    ``give_back`` is called when they were decoded and their place in memory may be used again.
    """

    octets: Octets
    frames: Frames
    rows: int
    first_id: int
    give_back: Callable[[Frames], None] | None = None

    def __len__(self) -> int:
        return self.rows

    def batches(self, decoder: Decoder) -> Iterator[PacketBatch]:
        """Yield the packets as often as the decoder has room for; each batch is valid until the next."""
        for first in range(0, self.rows, decoder.room):
            yield decoder.decode(self, first)
        if self.give_back is not None:
            self.give_back(self.frames)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A piece that was decoded when it was read; it stays valid."""

    batch: PacketBatch

    def __len__(self) -> int:
        return len(self.batch)

    def batches(self, decoder: Decoder) -> Iterator[PacketBatch]:  # noqa: ARG002
        """Yield the packets, which need no decoder."""
        yield self.batch


def locate_records(
    octets: Octets, layout: RecordLayout, frames: Frames, state: State, *, first_id: int, done: Callable[[Frames], None]
) -> Located:
    """Find pcap records from ``state[0]`` on, as many as ``frames`` has room for."""
    rows: int = walk_records(
        _most(octets, frames, state), octets, len(octets), *layout, frames.starts, frames.captured, frames.wire,
        frames.ts_ns, state,
    )  # fmt: skip
    return Located(octets, frames, rows, first_id, done)


def _most(octets: Octets, frames: Frames, state: State) -> int:
    room = len(frames.starts)
    return min(room, max(_FEW_ROWS, (len(octets) - int(state[0])) // _SHORT_RECORD))


class Decoder:
    """Decodes frames into the same rows again and again."""

    def __init__(self, rows: int) -> None:
        self.room = rows
        self._words: Words = np.zeros((rows, WORDS), np.uint32)
        self._packet_id = np.zeros(rows, np.int64)
        self._numbers = np.arange(rows)

    def decode(self, located: Located, first: int = 0) -> PacketBatch:
        """Return the frames from ``first`` on, as far as there is room; valid until the next call."""
        rows = min(self.room, located.rows - first)
        part = slice(first, first + rows)
        frames = located.frames
        starts, captured, wire, links = (
            frames.starts[part],
            frames.captured[part],
            frames.wire[part],
            frames.links[part],
        )
        decode_frames(rows, located.octets, starts, captured, wire, links, self._words)
        packet_id = np.add(self._numbers[:rows], located.first_id + first, out=self._packet_id[:rows])
        raw = RawFrames(located.octets, starts, captured, wire, links)
        words = self._words[:rows]
        return PacketBatch(words, frames.ts_ns[part], packet_id, raw, outer_headers(words, raw))

    def decode_records(
        self, octets: Octets, layout: RecordLayout, frames: Frames, state: State, *, first_id: int, most: int | None
    ) -> PacketBatch:
        """Find up to ``most`` pcap records from ``state[0]`` on and return them decoded, in one pass: for one core.

        See the kernel of that name for ``state``. Links of all ``frames`` are those of the first.
        """
        rows: int = decode_records(
            min(_most(octets, frames, state), most or self.room), octets, len(octets), *layout, int(frames.links[0]),
            frames.starts, frames.captured, frames.wire, frames.ts_ns, self._words, state,
        )  # fmt: skip
        packet_id = np.add(self._numbers[:rows], first_id, out=self._packet_id[:rows])
        raw = RawFrames(octets, frames.starts, frames.captured, frames.wire, frames.links)
        words = self._words[:rows]
        return PacketBatch(words, frames.ts_ns[:rows], packet_id, raw, outer_headers(words, raw))


def outer_headers(words: Words, raw: RawFrames) -> OuterHeaders | None:
    """Return the outermost IP headers of the rows that came through tunnels, read from their frames; None for none."""
    notes = words[:, NOTES]
    if not np.bitwise_or.reduce(notes, initial=np.uint32(0)) & NOTE_TUNNEL:
        return None
    rows = np.flatnonzero(notes & np.uint32(NOTE_TUNNEL))
    outer: Words = np.zeros((len(rows), WORDS), np.uint32)
    decode_outer(
        len(rows), rows, raw.octets, raw.starts, raw.captured, raw.wire, raw.links, outer,
    )  # fmt: skip
    return OuterHeaders(rows, outer)
