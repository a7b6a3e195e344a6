"""Progress on stderr while a long work runs: packets, rate, share and time left, scans found so far.

Nothing is written unless stderr is a terminal and the work takes longer than a second.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Work shorter than this shows nothing.
QUIET_SECONDS = 1.0

#: Between two lines at least.
STEP_SECONDS = 0.2

#: Below this share read, the time left is a guess that would only mislead.
_ENOUGH = 0.02


class Progress:
    """One line that is written over; call it with what is done so far, as often as convenient."""

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._next = clock() + QUIET_SECONDS
        self._first: tuple[float, int, float] | None = None
        self._written = False

    def __call__(self, packets: int, *, fraction: float | None = None, scans: int | None = None) -> None:
        """Tell packets read, the share of the inputs read (None: unknown), and scans found so far (None: unknown)."""
        now = self._clock()
        if self._first is None:  # what went before, such as compiling, says nothing about the rate
            self._first = (now, packets, fraction or 0.0)
        if now < self._next:
            return
        self._next = now + STEP_SECONDS
        self._written = True
        self._stream.write(f"\r{self._line(now, packets, fraction, scans)}\x1b[K")
        self._stream.flush()

    def close(self) -> None:
        """Take the line away."""
        if self._written:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._written = False

    def _line(self, now: float, packets: int, fraction: float | None, scans: int | None) -> str:
        start, packets_then, fraction_then = self._first or (now, packets, 0.0)
        parts = [f"{packets:,} packets"]
        if now > start:
            parts.append(f"{(packets - packets_then) / (now - start):,.0f}/s")
        if fraction is not None and fraction > 0:
            parts.append(f"{min(fraction, 1) * 100:.0f} %")
            if fraction - fraction_then >= _ENOUGH:
                left = (1 - fraction) * (now - start) / (fraction - fraction_then)
                parts.append(f"{max(left, 0):.0f} s left")
        if scans is not None:
            parts.append("1 scan so far" if scans == 1 else f"{scans:,} scans so far")
        return ", ".join(parts)


@contextmanager
def watched(*, shown: bool) -> Iterator[Progress | None]:
    """Give the progress to tell, None where none is shown; its line is taken away at the end."""
    progress = Progress() if shown else None
    try:
        yield progress
    finally:
        if progress is not None:
            progress.close()
