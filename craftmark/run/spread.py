"""Work on many things that know nothing of each other, by all cores, with the results in the things' order.

Python's global lock lets one thread conclude at a time, so helpers are copies of this process: they see what was
gathered so far without a byte being copied, and send back results alone. All take the next thing from one pipe that was
filled before. Where processes cannot be copied safely (anywhere but on Linux, or while other threads are at work: a
copy has only the thread that made it, with the locks of others held forever), this process does all the work, as it
does what a helper that died has left.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Thing = TypeVar("Thing")
    Result = TypeVar("Result")

#: Things from which helpers are worth making: to make one takes some 10 ms.
THINGS_FROM: Final = 4

#: Bytes of a thing's number in the pipe, and how many numbers any pipe holds (POSIX grants 512 bytes, Linux 4,096).
_NUMBER: Final = 2
_MOST: Final = 2048


def spread(work: Callable[[Thing], Result], things: Sequence[Thing], cores: int) -> list[Result]:
    """Return ``work(thing)`` for every thing, in order; ``work`` must be pure and its results picklable."""
    if cores < 2 or not THINGS_FROM <= len(things) <= _MOST or not _can_copy():
        return [work(thing) for thing in things]
    numbers = _queue(len(things))
    helpers: list[_Helper] = []
    try:
        with contextlib.suppress(OSError):  # as many as the system lets us make
            while len(helpers) < min(cores, len(things)) - 1:
                helpers.append(_Helper(work, things, numbers))
        results = {number: work(things[number]) for number in _taken(numbers)}
        for helper in helpers:
            results |= helper.results()
    finally:
        for helper in helpers:
            helper.end()
        os.close(numbers)
    return [results[number] if number in results else work(thing) for number, thing in enumerate(things)]


def _can_copy() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1


def _queue(n: int) -> int:
    """Return the end to read of a pipe that holds the numbers below ``n``."""
    end, start = os.pipe()
    os.write(start, b"".join(number.to_bytes(_NUMBER, "big") for number in range(n)))
    os.close(start)
    return end


def _taken(numbers: int) -> Iterator[int]:
    """Take numbers until none is left: a pipe gives each of its readers whole ones, since all ask for as many bytes."""
    while number := os.read(numbers, _NUMBER):
        yield int.from_bytes(number, "big")


class _Helper:
    """A copy of this process at work."""

    def __init__(self, work: Callable[[Thing], Result], things: Sequence[Thing], numbers: int) -> None:
        self._end, start = os.pipe()
        try:
            self._process = os.fork()
        except OSError:
            os.close(self._end)
            os.close(start)
            raise
        if not self._process:
            with contextlib.suppress(BaseException):  # whatever goes wrong, it is the first process that tells
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                os.close(self._end)
                results = {number: work(things[number]) for number in _taken(numbers)}
                with os.fdopen(start, "wb") as out:
                    pickle.dump(results, out, pickle.HIGHEST_PROTOCOL)
            os._exit(0)
        os.close(start)

    def results(self) -> dict[int, Result]:
        """Wait for the results by number; none from a helper that died."""
        with os.fdopen(os.dup(self._end), "rb") as answers, contextlib.suppress(EOFError, pickle.UnpicklingError):
            return dict(pickle.load(answers))  # noqa: S301 - from a copy of this process, through its own pipe
        return {}

    def end(self) -> None:
        """Let the helper end, whether or not it is done."""
        os.close(self._end)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
