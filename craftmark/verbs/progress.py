"""Progress on stderr while a long work runs: packets, rate, share and time left, scans found so far.

Nothing is written unless stderr is a terminal and the work takes longer than a second.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._start = clock()
        self._next = self._start + QUIET_SECONDS
        self._written = False

    def __call__(self, packets: int, *, fraction: float | None = None, scans: int | None = None) -> None:
        """Tell packets read, the share of the inputs read (None: unknown), and scans found so far (None: unknown)."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + STEP_SECONDS
        self._written = True
        self._stream.write(f"\r{self._line(packets, now - self._start, fraction, scans)}\x1b[K")
        self._stream.flush()

    def close(self) -> None:
        """Take the line away."""
        if self._written:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._written = False

    @staticmethod
    def _line(packets: int, seconds: float, fraction: float | None, scans: int | None) -> str:
        parts = [f"{packets:,} packets", f"{packets / max(seconds, 1e-9):,.0f}/s"]
        if fraction is not None and fraction > 0:
            parts.append(f"{min(fraction, 1) * 100:.0f} %")
            if fraction >= _ENOUGH:
                parts.append(f"{max(seconds / fraction - seconds, 0):.0f} s left")
        if scans is not None:
            parts.append("1 scan so far" if scans == 1 else f"{scans:,} scans so far")
        return ", ".join(parts)
