"""A batch of packets as equal-length columns.

The header fields of a packet stand side by side in one row of 32-bit words, so that a strand's masks, a sample's copy
and the later linear algebra over all header bits each touch two cache lines; ``column`` hands out single fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.packets.fields import (
    FIELDS,
    IP_DST,
    IP_DST_HIGH,
    IP_SRC,
    IP_SRC_HIGH,
    IP_VERSION,
    OUTER_FIELDS,
    PRESENT,
    UNSEEN,
    WORDS,
    visibility_bit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.packets.fields import Field

Words = NDArray[np.uint32]

#: packet_id = input number << INPUT_SHIFT | packet number in that input, 1-based as Wireshark's frame.number.
INPUT_SHIFT = 40
NUMBER_MASK = (1 << INPUT_SHIFT) - 1


@dataclass(frozen=True, slots=True)
class RawFrames:
    """Where the frames of a batch stand in a buffer, by row: first octet, octets captured and on the wire, link."""

    octets: NDArray[np.uint8]
    starts: NDArray[np.int64]
    captured: NDArray[np.int64]
    wire: NDArray[np.int64]
    links: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OuterHeaders:
    """The outermost IP headers of those packets of a batch that came through a tunnel, laid out as rows are.

    ``words[j]`` belongs to the batch's row ``rows[j]``; rows ascend. No other packet pays for them.
    """

    rows: NDArray[np.int64]
    words: Words

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice, total: int) -> OuterHeaders | None:
        """Return those of some rows of a batch of ``total``, numbered as in a batch of these; None if none is left."""
        place = np.full(total, -1)
        place[self.rows] = np.arange(len(self.rows))
        place = place[rows]
        kept = np.flatnonzero(place >= 0)
        return OuterHeaders(kept, self.words[place[kept]]) if len(kept) else None

    def copy(self) -> OuterHeaders:
        """Return headers that outlive the decoder's buffers."""
        return OuterHeaders(self.rows.copy(), self.words.copy())


@dataclass(frozen=True, slots=True)
class PacketBatch:
    """Packets in columns, valid until the source is asked for the next batch.

    words: uint32[n, WORDS], laid out by packets/fields.py. ts_ns: int64[n], nanoseconds since the epoch, or since the
    start of the input's own clock. packet_id: int64[n], never negative. raw: the frames the rows were read from, None
    where there are none (logs, and rows taken out of a batch). outer: what tunnels were around, None where none was.
    """

    words: Words
    ts_ns: NDArray[np.int64]
    packet_id: NDArray[np.int64]
    raw: RawFrames | None = None
    outer: OuterHeaders | None = None

    def __len__(self) -> int:
        return len(self.ts_ns)

    def column(self, name: str) -> Words:
        """Return the column of a field by its name, one uint32 per packet; 0 where the packet has none."""
        return self._words(name)[:, _field(name).word]

    def present(self, name: str) -> NDArray[np.bool_]:
        """Tell per packet whether the field is there and visible."""
        marked: NDArray[np.bool_] = self._words(name)[:, PRESENT] & np.uint32(visibility_bit(_field(name).word)) != 0
        return marked

    def unseen(self, name: str) -> NDArray[np.bool_]:
        """Tell per packet whether the input cannot show the field."""
        marked: NDArray[np.bool_] = self._words(name)[:, UNSEEN] & np.uint32(visibility_bit(_field(name).word)) != 0
        return marked

    def _words(self, name: str) -> Words:
        """Return the rows in which a field of this name stands: of fields of outer headers, the outer headers'."""
        if name not in OUTER_FIELDS:
            return self.words
        words = np.zeros((len(self), WORDS), np.uint32)
        if self.outer is not None:
            words[self.outer.rows] = self.outer.words
        return words

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> PacketBatch:
        """Return a batch of some rows; a copy unless ``rows`` is a slice."""
        outer = None if self.outer is None else self.outer.take(rows, len(self))
        return PacketBatch(self.words[rows], self.ts_ns[rows], self.packet_id[rows], None, outer)

    def copy(self) -> PacketBatch:
        """Return a batch that outlives the source's buffers."""
        outer = None if self.outer is None else self.outer.copy()
        return PacketBatch(self.words.copy(), self.ts_ns.copy(), self.packet_id.copy(), None, outer)


def _field(name: str) -> Field:
    return OUTER_FIELDS[name] if name in OUTER_FIELDS else FIELDS[name]


def empty_batch(rows: int = 0) -> PacketBatch:
    """Return a batch of ``rows`` zeroed packets."""
    return PacketBatch(np.zeros((rows, WORDS), np.uint32), np.zeros(rows, np.int64), np.zeros(rows, np.int64))


def join(batches: Iterable[PacketBatch]) -> PacketBatch:
    """Return one batch with the rows of all, in order."""
    parts = list(batches)
    if not parts:
        return empty_batch()
    return PacketBatch(
        np.concatenate([part.words for part in parts]),
        np.concatenate([part.ts_ns for part in parts]),
        np.concatenate([part.packet_id for part in parts]),
        None,
        _joined_outer(parts),
    )


def _joined_outer(parts: Sequence[PacketBatch]) -> OuterHeaders | None:
    """Return the outer headers of batches that are put one behind another."""
    first = np.cumsum([0, *(len(part) for part in parts)])
    found = [(part.outer, at) for part, at in zip(parts, first, strict=False) if part.outer is not None]
    if not found:
        return None
    return OuterHeaders(
        np.concatenate([outer.rows + at for outer, at in found]), np.concatenate([outer.words for outer, _ in found])
    )


def address_text(version: int, low: int, high: tuple[int, int, int]) -> str:
    """Return an address as text: RFC 791 dotted decimal, RFC 5952 for IPv6."""
    if version == 6:
        return str(IPv6Address(high[0] << 96 | high[1] << 64 | high[2] << 32 | low))
    return str(IPv4Address(low))


def source_text(row: Words) -> str:
    """Return the source address of one packet's row as text."""
    high = (int(row[IP_SRC_HIGH]), int(row[IP_SRC_HIGH + 1]), int(row[IP_SRC_HIGH + 2]))
    return address_text(int(row[IP_VERSION]), int(row[IP_SRC]), high)


def target_text(row: Words) -> str:
    """Return the destination address of one packet's row as text."""
    high = (int(row[IP_DST_HIGH]), int(row[IP_DST_HIGH + 1]), int(row[IP_DST_HIGH + 2]))
    return address_text(int(row[IP_VERSION]), int(row[IP_DST]), high)
