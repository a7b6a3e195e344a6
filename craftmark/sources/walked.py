"""Captures that are records one after another, walked by a kernel of their own: what ERF and snoop share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from craftmark.kernels.records import NEED_MORE, ROWS_FULL
from craftmark.packets.batch import INPUT_SHIFT
from craftmark.packets.decode import Decoder, Frames, Located, Octets, State, empty_frames
from craftmark.packets.links import link_type
from craftmark.sources.base import BATCH_ROWS, Damage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.packets.batch import PacketBatch
    from craftmark.sources.base import Provenance
    from craftmark.sources.windows import Window

#: Finds up to so many frames in octets: (rows, octets, frames, state) -> rows found; see kernels/traces.py.
Walk = Callable[[int, Octets, Frames, State], int]


class WalkedSource:
    """One open capture of records; ``state`` is the walk's: where it stands, why it ended, what it counted."""

    def __init__(self, window: Window, provenance: Provenance, number: int, walk: Walk, *, start: int = 0) -> None:
        self.state = np.zeros(3, np.int64)
        self.state[0] = start
        self._window = window
        self._provenance = provenance
        self._number = number
        self._walk = walk
        self._decoder = Decoder(BATCH_ROWS)
        self._frames = empty_frames(BATCH_ROWS)

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in file order; each batch is valid until the next is asked for."""
        while True:
            octets, frames = self._window.data, self._frames
            room = min(BATCH_ROWS, max(1, (len(octets) - int(self.state[0])) // 16))
            rows = self._walk(room, octets, frames, self.state)
            if rows:
                yield self._batch(octets, frames, rows)
            if self.state[1] == ROWS_FULL:
                continue
            if self.state[1] != NEED_MORE:
                self._damage("a record that cannot be; nothing behind it is read")
                return
            if self._window.ended:
                if len(self._window.data) > self.state[0]:
                    rest = len(self._window.data) - int(self.state[0])
                    self._damage(f"the last record is cut: the file ends after {rest} of its bytes")
                return
            self._window.advance(int(self.state[0]))
            self.state[0] = 0

    def _batch(self, octets: Octets, frames: Frames, rows: int) -> PacketBatch:
        provenance = self._provenance
        first_id = (self._number << INPUT_SHIFT) + provenance.packets + 1
        for number in np.unique(frames.links[:rows]).tolist():
            name = link_type(number).name
            if name not in provenance.link_types:
                provenance.link_types.append(name)
        batch = self._decoder.decode(Located(octets, frames, rows, first_id))
        provenance.add_packets(rows, batch.ts_ns)
        return batch

    def _damage(self, what: str) -> None:
        at = self._window.base + int(self.state[0])
        self._provenance.add_damage(Damage(self._provenance.packets + 1, at, what))

    def describe(self) -> Provenance:
        """Return the provenance; final after the last batch."""
        return self._provenance
