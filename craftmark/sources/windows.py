"""The octets of an input as an array: a mapped file whole, a stream in a window that moves forward.

A reader asks for the octets from where it stands (``data``), works through them, and calls ``advance`` with how many
it is done with; at the end of the input ``ended`` is true and ``data`` holds what is left.
"""

from __future__ import annotations

import mmap
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from craftmark.packets.decode import octets_of

if TYPE_CHECKING:
    from craftmark.packets.decode import Octets

#: Octets that a stream's window asks for at a time; it grows where one record is longer.
CHUNK = 1 << 20


class Window:
    """Octets of a stream from ``base`` on, in constant memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = b""
        self.base = 0
        self.ended = False
        self.data: Octets = octets_of(b"")
        self.advance(0)

    def advance(self, used: int) -> None:
        """Drop the first ``used`` octets and read more behind the rest."""
        self.base += used
        rest = self._rest[used:]
        more = self._stream.read(CHUNK)
        self.ended = not more
        self._rest = rest + more
        self.data = octets_of(self._rest)

    def reached(self, at: int) -> None:
        """Be told how far the reader got, for those who watch the stream's position."""


class MappedWindow(Window):
    """All octets of a file, mapped."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_SEQUENTIAL"):
            self._map.madvise(mmap.MADV_SEQUENTIAL)
        self.base = 0
        self.ended = True
        self._whole = octets_of(memoryview(self._map))
        self.data = self._whole

    def advance(self, used: int) -> None:
        """Drop the first ``used`` octets."""
        self.base += used
        self.data = self._whole[self.base :]

    def reached(self, at: int) -> None:
        """Move the stream's position to where the reader is."""
        self._stream.seek(self.base + at)


def window_of(stream: BinaryIO) -> Window:
    """Map the stream's file if it is a regular one that is not empty, else read the stream piece by piece."""
    try:
        status = os.fstat(stream.fileno())
    except (AttributeError, OSError):
        return Window(stream)
    if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        return Window(stream)
    try:
        return MappedWindow(stream)
    except (OSError, ValueError):
        return Window(stream)
