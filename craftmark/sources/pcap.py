"""The capture format of libpcap: microseconds, nanoseconds, and Kuznetzov's modified one, in both byte orders.

https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/. A record that cannot be is damage: the reader looks for the
next place where records follow one another again, and says how many bytes it skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeVar

import numpy as np

from craftmark.kernels.records import (
    ABSURD,
    CAPTURED_FIRST,
    FRAME_LIMIT,
    MAYBE_SWAPPED,
    ROWS_FULL,
    SWAPPED,
    find_record,
)
from craftmark.packets.batch import INPUT_SHIFT
from craftmark.packets.decode import Decoder, Located, RecordLayout, empty_frames, locate_records
from craftmark.packets.links import link_type
from craftmark.sources.base import BATCH_ROWS, PIECE_ROWS, Damage, Provenance, SourceOptions
from craftmark.sources.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.decode import Frames

    Part = TypeVar("Part", PacketBatch, Located)

_FILE_HEADER = 24
_NS = 1_000_000_000
#: Records behind damage are believed if their times are this near to the last one read.
_NEAR_S = 30 * 86_400
_ANY_S = 1 << 33
#: Octets kept of a stream's window that was searched in vain: records that start there may end in the next.
_TAIL = 65_536
#: Packets of the first batch, which is only looked at before it is known how the rest will be read.
_FIRST_ROWS = 64


@dataclass(frozen=True, slots=True)
class _Flavour:
    """What a magic number says: byte order, size of a record's header, unit of the fraction of a second."""

    is_big: bool
    header: int
    tick_ns: int


_FLAVOURS = {
    bytes.fromhex("a1b2c3d4"): _Flavour(is_big=True, header=16, tick_ns=1000),
    bytes.fromhex("d4c3b2a1"): _Flavour(is_big=False, header=16, tick_ns=1000),
    bytes.fromhex("a1b23c4d"): _Flavour(is_big=True, header=16, tick_ns=1),
    bytes.fromhex("4d3cb2a1"): _Flavour(is_big=False, header=16, tick_ns=1),
    bytes.fromhex("a1b2cd34"): _Flavour(is_big=True, header=24, tick_ns=1000),
    bytes.fromhex("34cdb2a1"): _Flavour(is_big=False, header=24, tick_ns=1000),
}


def _order(is_big: bool | int) -> Literal["big", "little"]:  # noqa: FBT001 - the one thing it turns into a name
    return "big" if is_big else "little"


class PcapSource:
    """One open pcap file or stream."""

    def __init__(self, stream: BinaryIO, provenance: Provenance, number: int) -> None:
        self._provenance = provenance
        self._number = number
        self._window = Window(stream)
        self._state = np.zeros(2, np.int64)
        self._layout: RecordLayout | None = None
        self._link = 0
        self._read_file_header()

    def _read_file_header(self) -> None:
        head = self._window.data[:_FILE_HEADER].tobytes()
        while len(head) < _FILE_HEADER and not self._window.ended:
            self._window.advance(0)
            head = self._window.data[:_FILE_HEADER].tobytes()
        self._provenance.format = "pcap"
        if len(head) < _FILE_HEADER:
            self._damage("the file header is cut", at=len(head))
            return
        flavour = _FLAVOURS.get(head[:4])
        if flavour is None:
            self._damage("it does not start with a magic number of pcap", at=0)
            return
        order = _order(flavour.is_big)
        link = int.from_bytes(head[20:24], order) & 0xFFFF
        version = tuple(int.from_bytes(head[at : at + 2], order) for at in (4, 6))
        lengths = SWAPPED if version < (2, 3) else MAYBE_SWAPPED if version == (2, 3) else CAPTURED_FIRST
        self._layout = RecordLayout(int(flavour.is_big), flavour.header, flavour.tick_ns, lengths)
        self._link = link
        self._provenance.link_types.append(link_type(link).name)
        self._state[0] = _FILE_HEADER

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in file order; each batch is valid until the next is asked for."""
        decoder, frames = Decoder(BATCH_ROWS), self._room(BATCH_ROWS)

        def read(layout: RecordLayout, first_id: int) -> PacketBatch:
            most = None if self._provenance.packets else _FIRST_ROWS
            octets, state = self._window.data, self._state
            return decoder.decode_records(octets, layout, frames, state, first_id=first_id, most=most)

        return self._read(read, lambda batch: batch.ts_ns)

    def pieces(self) -> Iterator[Located]:
        """Yield where the frames stand, in file order: what is left is to decode them, by whoever and whenever."""
        free: SimpleQueue[Frames] = SimpleQueue()

        def read(layout: RecordLayout, first_id: int) -> Located:
            frames = self._room(PIECE_ROWS) if free.empty() else free.get()
            return locate_records(self._window.data, layout, frames, self._state, first_id=first_id, done=free.put)

        return self._read(read, lambda located: located.frames.ts_ns[: len(located)])

    def _read(
        self, read: Callable[[RecordLayout, int], Part], times: Callable[[Part], NDArray[np.int64]]
    ) -> Iterator[Part]:
        """Yield what ``read`` finds from where the walk stands, up to the end of the input."""
        while self._layout is not None:
            part = read(self._layout, (self._number << INPUT_SHIFT) + self._provenance.packets + 1)
            if len(part):
                self._provenance.add_packets(len(part), times(part))
                yield part
            if self._state[1] == ROWS_FULL:
                continue
            if self._state[1] == ABSURD:
                if not self._resume(self._layout):
                    return
            elif self._window.ended:
                self._note_rest()
                return
            else:
                self._window.advance(int(self._state[0]))
                self._state[0] = 0

    def _room(self, rows: int) -> Frames:
        frames = empty_frames(rows)
        frames.links[:] = self._link
        return frames

    def describe(self) -> Provenance:
        """Return the provenance; final after the last batch."""
        return self._provenance

    def _note_rest(self) -> None:
        """Note a last record that the end of the file cuts."""
        rest = len(self._window.data) - int(self._state[0])
        if rest:
            self._damage(
                f"the last record is cut: the file ends after {rest} of its bytes",
                at=self._window.base + int(self._state[0]),
            )

    def _resume(self, layout: RecordLayout) -> bool:
        """Go to the next place where records follow one another again; tell whether there is one."""
        at = int(self._state[0])
        here = self._window.base + at
        size = int.from_bytes(self._window.data[at + 8 : at + 12].tobytes(), _order(layout.big))
        found = self._search(layout, at + 1)
        self._damage(
            f"a record claims {size} bytes, more than the {FRAME_LIMIT} a frame can have; "
            + (f"{found - here} bytes skipped" if found >= 0 else "nothing readable behind it"),
            at=here,
        )
        return found >= 0

    def _search(self, layout: RecordLayout, at: int) -> int:
        """Return the file's byte where records follow one another again, and stand there; -1 if there is none."""
        last_ns = self._provenance.last_ns
        near_s, spread_s = (0, _ANY_S) if last_ns is None else (last_ns // _NS, _NEAR_S)
        while True:
            octets = self._window.data
            place: int = find_record(
                len(octets), octets, len(octets), layout.big, layout.header, _NS // layout.tick_ns,
                near_s, spread_s, at,
            )  # fmt: skip
            if place >= 0:
                self._state[0] = place
                return self._window.base + place
            if self._window.ended:
                return -1
            self._window.advance(max(at, len(octets) - _TAIL))
            at = 0

    def _damage(self, what: str, *, at: int) -> None:
        self._provenance.add_damage(Damage(self._provenance.packets + 1, at, what))


class PcapFormat:
    """Recognises and opens pcap."""

    name = "pcap"

    def sniff(self, head: bytes) -> bool:
        """Tell whether the input starts with one of pcap's magic numbers."""
        return head[:4] in _FLAVOURS

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> PcapSource:  # noqa: ARG002
        """Open a stream positioned at its start."""
        return PcapSource(stream, provenance, number)


FORMAT = PcapFormat()
