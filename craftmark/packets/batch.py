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
    PRESENT,
    UNSEEN,
    WORDS,
    visibility_bit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

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
class PacketBatch:
    """Packets in columns, valid until the source is asked for the next batch.

    words: uint32[n, WORDS], laid out by packets/fields.py. ts_ns: int64[n], nanoseconds since the epoch, or since the
    start of the input's own clock. packet_id: int64[n], never negative. raw: the frames the rows were read from, None
    where there are none (logs, and rows taken out of a batch).
    """

    words: Words
    ts_ns: NDArray[np.int64]
    packet_id: NDArray[np.int64]
    raw: RawFrames | None = None

    def __len__(self) -> int:
        return len(self.ts_ns)

    def column(self, name: str) -> Words:
        """Return the column of a field by its name, one uint32 per packet; 0 where the packet has none."""
        return self.words[:, FIELDS[name].word]

    def present(self, name: str) -> NDArray[np.bool_]:
        """Tell per packet whether the field is there and visible."""
        marked: NDArray[np.bool_] = self.words[:, PRESENT] & np.uint32(visibility_bit(FIELDS[name].word)) != 0
        return marked

    def unseen(self, name: str) -> NDArray[np.bool_]:
        """Tell per packet whether the input cannot show the field."""
        marked: NDArray[np.bool_] = self.words[:, UNSEEN] & np.uint32(visibility_bit(FIELDS[name].word)) != 0
        return marked

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> PacketBatch:
        """Return a batch of some rows; a copy unless ``rows`` is a slice."""
        return PacketBatch(self.words[rows], self.ts_ns[rows], self.packet_id[rows])

    def copy(self) -> PacketBatch:
        """Return a batch that outlives the source's buffers."""
        return PacketBatch(self.words.copy(), self.ts_ns.copy(), self.packet_id.copy())


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
