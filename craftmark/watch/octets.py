"""Octets that come as time goes: of a pipe, read ahead by a thread, or of a file that still grows.

``read`` gives what is there, at least one octet, and nothing at the end: whoever reads sees a packet when it has come,
not when a buffer is full. While nothing comes, ``on_wait`` is called about once in ``TICK_S`` with the seconds since.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S: Final = 0.25
#: Octets that a pipe's thread reads ahead at most: some seconds of a busy link, while scans are concluded.
AHEAD: Final = 1 << 28
#: Octets read at once.
_CHUNK: Final = 1 << 20
#: After an end was asked for, a pipe's writer may still write what it holds: so long in all, and so long in silence.
_DRAIN_S: Final = 5.0
_SILENCE_S: Final = 1.0


class Octets:
    """A stream of octets. Give ``fetch``, which returns what has come, b"" if nothing has, None at the end."""

    def __init__(self, on_wait: Callable[[float], None]) -> None:
        self._on_wait = on_wait
        self._ready = b""
        self._ended = False
        self._stopped_at: float | None = None

    def fetch(self, seconds: float) -> bytes | None:
        """Return what has come, waiting at most so long."""
        raise NotImplementedError

    def stop(self) -> None:
        """Come to an end soon; may be called by a signal's handler."""
        self._stopped_at = time.monotonic()

    def peek(self, size: int) -> bytes:
        """Return the next octets without taking them: ``size`` of them, or what came before a moment's silence."""
        while len(self._ready) < size and not self._ended:
            more = self._next(patient=len(self._ready) < _HEAD)
            if not more:
                break
            self._ready += more
        return self._ready

    def read(self, size: int = -1) -> bytes:
        """Return what is there, at most ``size`` octets; b"" is the end."""
        found = self._ready or self._next(patient=True)
        if 0 <= size < len(found):
            found, self._ready = found[:size], found[size:]
        else:
            self._ready = b""
        return found

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Put what is there into a buffer and return how many octets that are; 0 is the end."""
        room = memoryview(buffer).cast("B")
        found = self.read(len(room))
        room[: len(found)] = found
        return len(found)

    def _next(self, *, patient: bool) -> bytes:
        """Return what comes next; b"" at the end, or after a moment's silence if not ``patient``."""
        began = told = time.monotonic()
        while not self._ended:
            more = self.fetch(TICK_S)
            self._ended = more is None or self._is_drained(began)
            if more or self._ended or not patient:
                return more or b""
            now = time.monotonic()
            self._on_wait(now - told)
            told = now
        return b""

    def _is_drained(self, silent_since: float) -> bool:
        """Tell whether enough was waited for after an end was asked for."""
        if self._stopped_at is None:
            return False
        now = time.monotonic()
        silent = now - max(silent_since, self._stopped_at)
        return now - self._stopped_at > _DRAIN_S or silent > _SILENCE_S

    def close(self) -> None:
        """Let go of the file."""


#: Octets that are waited for before an input is told by its content.
_HEAD: Final = 64


class PipeOctets(Octets):
    """What comes through a pipe, or any other descriptor, read ahead by a thread of its own."""

    def __init__(self, descriptor: int, on_wait: Callable[[float], None], *, ahead: int = AHEAD) -> None:
        super().__init__(on_wait)
        self._descriptor = descriptor
        self._ahead = ahead
        self._held: deque[bytes] = deque()
        self._octets = 0
        self._over = False
        self._closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._fill, name="craftmark-pipe", daemon=True).start()

    def _fill(self) -> None:
        """Read until the end; a descriptor is read without Python's buffers, which no thread may hold at exit."""
        while True:
            try:
                more = os.read(self._descriptor, _CHUNK)
            except OSError:
                more = b""
            with self._changed:
                self._held.append(more)
                self._octets += len(more)
                self._changed.notify()
                if not more or self._closed:
                    self._over = True
                    return
                while self._octets >= self._ahead and not self._closed:
                    self._changed.wait()

    def fetch(self, seconds: float) -> bytes | None:
        """Return what has come, waiting at most so long."""
        with self._changed:
            if not self._held:
                self._changed.wait(seconds)
            found = [self._held.popleft() for _ in range(min(len(self._held), 4))]
            self._octets -= sum(map(len, found))
            self._changed.notify()
            if found and not found[-1] and len(found) > 1:
                self._held.append(found.pop())
        if not found:
            return b""
        return b"".join(found) or None

    def close(self) -> None:
        """Read no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()


class FileOctets(Octets):
    """A file that may still be written; it ends where it ends once ``is_over`` says that nobody writes it any more."""

    def __init__(self, path: str, on_wait: Callable[[float], None], is_over: Callable[[], bool]) -> None:
        super().__init__(on_wait)
        self._file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed by close
        self._is_over = is_over

    def fetch(self, seconds: float) -> bytes | None:
        """Return what was written meanwhile, waiting at most so long."""
        found = self._file.read(_CHUNK)
        if found:
            return found
        if self._is_over():
            return self._file.read(_CHUNK) or None
        time.sleep(seconds)
        return self._file.read(_CHUNK) or b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()
