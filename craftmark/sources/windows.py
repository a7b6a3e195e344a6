"""The octets of an input as arrays: a window that moves forward over a file or a stream, in constant memory.

A reader asks for the octets from where it stands (``data``), works through them, and calls ``advance`` with how many
it is done with; at the end of the input ``ended`` is true and ``data`` holds what is left. Octets are read, never
mapped: a mapped file that somebody cuts short would kill the process. That costs some 25 ns a packet.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from craftmark.packets.decode import octets_of

if TYPE_CHECKING:
    from pathlib import Path

    from craftmark.packets.decode import Octets

#: Octets that a window asks for at a time; it grows where one record is longer.
CHUNK = 1 << 18


class Window:
    """Octets of a stream from ``base`` on; arrays handed out stay as they are when the window moves on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.base = 0
        self.ended = False
        self.data: Octets = octets_of(b"")
        self.advance(0)

    def advance(self, used: int) -> None:
        """Drop the first ``used`` octets and read more behind the rest."""
        self.base += used
        rest = len(self.data) - used
        octets = np.empty(rest + CHUNK, np.uint8)
        octets[:rest] = self.data[used:]
        more = self._stream.readinto(octets[rest:]) or 0  # type: ignore[attr-defined]
        self.ended = not more
        self.data = octets[: rest + more]
        self.data.flags.writeable = False


class FileAsOpened(io.FileIO):
    """A file up to the size it had when it was opened: one that grows as fast as it is read has an end too."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.size = os.fstat(self.fileno()).st_size

    def readinto(self, buffer: bytearray | memoryview, /) -> int | None:  # type: ignore[override]
        """Read as FileIO does, never beyond the size."""
        room = memoryview(buffer).cast("B")
        return super().readinto(room[: max(0, self.size - self.tell())])

    def readall(self) -> bytes:
        """Read the rest, up to the size."""
        return self.read(max(0, self.size - self.tell())) or b""

    @property
    def grown(self) -> int:
        """By how many bytes the file is larger now than when it was opened; negative if it shrank."""
        return os.fstat(self.fileno()).st_size - self.size
