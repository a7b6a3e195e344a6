"""Reading ahead: the inputs are read and decoded in a thread of their own while evidence is folded in this one.

Kernels run without Python's global lock, so the two overlap. Batches arrive in order and unchanged; errors of the
reader are raised where its next batch was awaited.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from craftmark.packets.batch import PacketBatch, empty_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from craftmark.packets.batch import OuterHeaders

#: Batches that may wait: one being folded, two ready, one being filled.
_BUFFERS = 4


def read_ahead(batches: Iterable[PacketBatch]) -> Iterator[PacketBatch]:
    """Yield the same batches, read ahead; each is valid until the next is asked for."""
    reader = _Reader(batches)
    try:
        yield from reader.batches()
    finally:
        reader.stop()


class _Filled(NamedTuple):
    """A buffer with a batch in it; outer headers are nobody's buffer and go along as they are."""

    buffer: PacketBatch
    rows: int
    outer: OuterHeaders | None


class _Reader:
    """A thread that copies batches into buffers of its own, which go round."""

    def __init__(self, batches: Iterable[PacketBatch]) -> None:
        self._source = batches
        self._free: queue.SimpleQueue[PacketBatch] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[_Filled | BaseException | None] = queue.SimpleQueue()
        self._stopped = False
        for _ in range(_BUFFERS):
            self._free.put(empty_batch())
        self._thread = threading.Thread(target=self._read, name="craftmark-reader", daemon=True)
        self._thread.start()

    def batches(self) -> Iterator[PacketBatch]:
        """Yield batches as they become ready."""
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield replace(item.buffer.take(slice(0, item.rows)), outer=item.outer)
            self._free.put(item.buffer)

    def stop(self) -> None:
        """Let the thread end, also in the middle of an input."""
        self._stopped = True
        self._free.put(empty_batch())
        self._thread.join()

    def _read(self) -> None:
        try:
            for batch in self._source:
                buffer = _copied(batch, self._free.get())
                if self._stopped:
                    return
                self._ready.put(_Filled(buffer, len(batch), batch.outer))
        except BaseException as fault:  # noqa: BLE001 - handed to the thread that waits for it
            self._ready.put(fault)
        else:
            self._ready.put(None)


def _copied(batch: PacketBatch, buffer: PacketBatch) -> PacketBatch:
    """Copy a batch into a buffer, a new one if it is too small."""
    if len(buffer) < len(batch):
        buffer = empty_batch(len(batch))
    rows = len(batch)
    buffer.words[:rows] = batch.words
    buffer.ts_ns[:rows] = batch.ts_ns
    buffer.packet_id[:rows] = batch.packet_id
    return buffer
