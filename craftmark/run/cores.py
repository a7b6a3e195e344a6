"""All cores: each takes pieces of the inputs, decodes and folds them into evidence of its own; then all are merged.

Where packets stand is found by whoever takes the next piece, in the order of the inputs, so that every packet has its
number; which core takes which piece changes nothing, since evidence is a commutative monoid. Kernels run without
Python's global lock, so that threads are enough, and nothing is copied between them.
"""

from __future__ import annotations

import os
import secrets
import threading
from typing import TYPE_CHECKING

from craftmark.evidence.fold import Evidence
from craftmark.packets.decode import Decoder
from craftmark.sources.base import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from craftmark.packets.decode import Piece
    from craftmark.packets.expressions import Expression


def fold_on_cores(
    pieces: Iterable[Piece],
    relations: Mapping[str, Expression],
    cores: int,
    *,
    where: Expression | None = None,
    watch: Callable[[int], None] | None = None,
) -> Evidence:
    """Return the evidence of all pieces, equal to what ``run/local`` makes of them; parameters as there."""
    work = _Work(pieces, where, watch)
    helpers = [_Helper(work, relations) for _ in range(cores - 1)]
    for helper in helpers:
        helper.start()
    evidence = _evidence(relations)
    try:
        work.fold_into(evidence)
    finally:
        work.stop()
        for helper in helpers:
            helper.join()
    if work.fault is not None:
        raise work.fault
    for helper in helpers:
        evidence.merge(helper.evidence)
    return evidence


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _evidence(relations: Mapping[str, Expression]) -> Evidence:
    return Evidence(relations, seed=secrets.randbits(60))


class _Work:
    """The pieces that are left, handed out one at a time."""

    def __init__(self, pieces: Iterable[Piece], where: Expression | None, watch: Callable[[int], None] | None) -> None:
        self._pieces = iter(pieces)
        self._where = where
        self._watch = watch
        self._lock = threading.Lock()
        self._handed_out = 0
        self._stopped = False
        self.fault: BaseException | None = None

    def fold_into(self, evidence: Evidence) -> None:
        """Decode and fold pieces until none is left; a fault of the reader ends the work of all."""
        decoder = Decoder(BATCH_ROWS)
        while (piece := self._next()) is not None:
            for batch in piece.batches(decoder):
                evidence.update(batch if self._where is None else batch.take(self._where.select(batch)))

    def _next(self) -> Piece | None:
        with self._lock:
            if self._stopped:
                return None
            try:
                piece = next(self._pieces, None)
            except BaseException as fault:  # noqa: BLE001 - raised by the one who waits for the result
                self.fault, piece = fault, None
            if piece is None:
                self._stopped = True
                return None
            self._handed_out += len(piece)
            if self._watch is not None:
                self._watch(self._handed_out)
            return piece

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._lock:
            self._stopped = True


class _Helper(threading.Thread):
    """One more core at work, with evidence of its own."""

    def __init__(self, work: _Work, relations: Mapping[str, Expression]) -> None:
        super().__init__(name="craftmark-core", daemon=True)
        self._work = work
        self.evidence = _evidence(relations)

    def run(self) -> None:
        """Work until nothing is left; a fault stops all and is raised by the one who waits for the result."""
        try:
            self._work.fold_into(self.evidence)
        except BaseException as fault:  # noqa: BLE001 - the same
            self._work.fault = fault
            self._work.stop()
