"""A folder of rotating captures: files one after another, the last of them while it is still written.

Files come in the order of their last change, then of their names. One that was read is known by its first octets inside
all compression, so that neither a new name nor a later ``gzip`` makes it come again; a name that is used again for
something else does. The file that is read ends when there is another one to read.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from craftmark.errors import SourceError
from craftmark.sources.compression import peel
from craftmark.watch.octets import TICK_S, FileOctets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The first octets that tell one file from another: a capture's header and first packet, a log's first lines.
_IDENTITY: Final = 256
#: Shorter files hold no packet yet.
_LEAST: Final = 41


class _Stamp(NamedTuple):
    """What a file's folder says of it."""

    inode: int
    size: int
    changed_ns: int


class Folder:
    """The files of a folder as they come; hidden ones are none.

    known: identities of files that were read to their end. begun: of the one to go on with, if it is still there.
    """

    def __init__(
        self, path: str, on_wait: Callable[[float], None], *, known: set[str] | None = None, begun: str = ""
    ) -> None:
        self._path = Path(path)
        self._on_wait = on_wait
        self._seen: dict[str, _Stamp] = {}
        self.known = set() if known is None else known
        self.current = ""
        self._begun = begun
        self._open: FileOctets | None = None
        self._stopped = False

    def stop(self) -> None:
        """Come to an end; may be called by a signal's handler."""
        self._stopped = True
        if self._open is not None:
            self._open.stop()

    def files(self) -> Iterator[tuple[str, FileOctets]]:
        """Yield one file after another, each read to its end before the next; ends only when told to stop."""
        while not self._stopped:
            found = self._resumed() or self._next()
            if found is None:
                time.sleep(TICK_S)
                self._on_wait(TICK_S)
                continue
            path, self.current = found
            self._open = FileOctets(str(path), self._on_wait, is_over=self._is_over)
            yield str(path), self._open
            if not self._stopped:
                self.known.add(self.current)

    def _resumed(self) -> tuple[Path, str] | None:
        """Return the file to go on with, once."""
        begun, self._begun = self._begun, ""
        if not begun or begun in self.known:
            return None
        return next(((path, begun) for path, _ in self._listed() if _identity(path) == begun), None)

    def _is_over(self) -> bool:
        return self._next(besides=self.current) is not None

    def _next(self, besides: str = "") -> tuple[Path, str] | None:
        """Return the first file that was not read, with its identity."""
        for path, stamp in self._listed():
            if self._seen.get(path.name) == stamp:
                continue
            identity = _identity(path)
            if identity and identity not in (*self.known, besides):
                return path, identity
            if identity != besides:
                self._seen[path.name] = stamp
        return None

    def _listed(self) -> list[tuple[Path, _Stamp]]:
        found = []
        for path in self._path.iterdir():
            try:
                status = path.stat()
            except OSError:
                continue
            if path.is_file() and not path.name.startswith("."):
                found.append((path, _Stamp(status.st_ino, status.st_size, status.st_mtime_ns)))
        return sorted(found, key=lambda each: (each[1].changed_ns, each[0].name))


def _identity(path: Path) -> str:
    """Return what a file is known by, "" while it is too short to hold a packet, or cannot be read."""
    try:
        with path.open("rb") as outer:
            stream, _ = peel(outer, name=str(path), max_expansion=None)
            head = stream.read(_IDENTITY)
    except (OSError, SourceError):
        return ""
    return hashlib.sha256(head).hexdigest() if len(head) >= _LEAST else ""
