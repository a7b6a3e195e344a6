"""What an input format is: how it is recognised, read, and what it admits it cannot show.

A format is a module of this folder with one class that satisfies ``Source``; it is added to the list in
``sources/formats.py`` and to nothing else. Inputs are told by content, never by name. A format never fills in what it
does not see: missing stays unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch

#: Packets per batch: few enough that their octets and rows stay in a core's caches, enough that calls cost little.
BATCH_ROWS = 4096
#: Packets per piece, what one core takes at a time.
PIECE_ROWS = 16_384

#: Bytes that ``sniff`` gets to see.
SNIFF_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Damage:
    """One place where an input could not be read: at which packet (1-based, the next one) and byte, and what."""

    packet: int
    byte: int
    what: str


@dataclass(slots=True)
class Provenance:
    """What one input is and what it cannot show; complete once its last batch was read.

    clock: "epoch", "no-year", "time-of-day" or "since-boot". unseen: names of fields this input cannot show in any
    packet. link_types: names as tcpdump prints them. Damage is capped at ``DAMAGE_CAP`` entries, the total is kept.
    """

    name: str
    format: str = ""
    sha256: str = ""
    bytes: int = 0
    link_types: list[str] = field(default_factory=list)
    packets: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    clock: str = "epoch"
    unseen: list[str] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    damage_total: int = 0
    notes: list[str] = field(default_factory=list)

    def add_damage(self, damage: Damage) -> None:
        """Record a damaged place; beyond ``DAMAGE_CAP`` only counted."""
        self.damage_total += 1
        if len(self.damage) < DAMAGE_CAP:
            self.damage.append(damage)

    def add_packets(self, count: int, ts_ns: NDArray[np.int64]) -> None:
        """Count packets, and widen the time they span by the times of those that have one."""
        self.packets += count
        if len(ts_ns) == 0:
            return
        first, last = int(ts_ns.min()), int(ts_ns.max())
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)


DAMAGE_CAP = 100


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to read.

    year: for logs without one (None: year unknown, the clock is "no-year"). max_expansion: how many times larger than
    its compressed form an input may grow before it is taken for a decompression bomb (None: no limit).
    """

    year: int | None = None
    max_expansion: int | None = 1000


class Source(Protocol):
    """One open input."""

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in input order. Damage ends or skips, and is recorded; it does not raise.

        Raises SourceError only when nothing at all can be examined.
        """

    def describe(self) -> Provenance:
        """Return the provenance; final after the last batch."""


class Format(Protocol):
    """One kind of input."""

    name: str

    def sniff(self, head: bytes) -> bool:
        """Tell from the first ``SNIFF_BYTES`` bytes (fewer at the end of input) whether this is the format."""

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> Source:
        """Open a stream positioned at its start; ``number`` is the input's number in packet_id."""
