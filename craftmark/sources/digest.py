"""SHA-256 of inputs as they are stored: of files in a thread beside the reading, of streams while they pass by."""

from __future__ import annotations

import hashlib
import io
import threading
from typing import TYPE_CHECKING, BinaryIO

from craftmark.sources.windows import FileAsOpened

if TYPE_CHECKING:
    from pathlib import Path

#: Files up to this size are hashed at once.
_SMALL = 1 << 20


class FileDigest:
    """The SHA-256 of a file, computed beside other work (hashlib lets it run)."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._hex = ""
        self._thread: threading.Thread | None = None
        if size > _SMALL:
            self._thread = threading.Thread(target=self._compute, name="sha256", daemon=True)
            self._thread.start()
        else:
            self._compute()

    def _compute(self) -> None:
        try:
            with FileAsOpened(self._path) as file:
                self._hex = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        except OSError:
            self._hex = ""

    def hexdigest(self) -> str:
        """Wait for the digest and return it; empty if the file could not be read to its end."""
        if self._thread is not None:
            self._thread.join()
        return self._hex


class HashedStream(io.RawIOBase):
    """A stream that can be read once, counted and hashed as it passes; closed with this one if it ``is_ours``."""

    def __init__(self, stream: BinaryIO, *, is_ours: bool = False) -> None:
        self._inner = stream
        self._is_ours = is_ours
        self._sha256 = hashlib.sha256()
        self.bytes = 0

    def readable(self) -> bool:
        """Tell that this is read, not written."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer, also from a pipe that gives little at a time; fewer octets only at the end."""
        room = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(room):
            part = self._inner.read(len(room) - filled)
            if not part:
                break
            room[filled : filled + len(part)] = part
            filled += len(part)
        self._sha256.update(room[:filled])
        self.bytes += filled
        return filled

    def close(self) -> None:
        """Close the stream behind this one if that is ours to do."""
        if self._is_ours:
            self._inner.close()
        super().close()

    def hexdigest(self) -> str:
        """Read what is left and return the digest of all."""
        while self.read(_SMALL):
            pass
        return self._sha256.hexdigest()
