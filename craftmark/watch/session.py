"""One run of a watcher: inputs one after another, looks as time goes, signals, and what is written when.

Ctrl-C and SIGTERM end it as the end of the stream does: what is open is concluded and told, and only the exit code
differs. A second Ctrl-C ends it at once. SIGUSR1 asks what is open.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from craftmark import pipeline
from craftmark.errors import ExitCode, SourceError
from craftmark.render.escape import visible
from craftmark.run.stream import Stream
from craftmark.sources.base import Damage
from craftmark.watch import checkpoint
from craftmark.watch import told as say
from craftmark.watch.checkpoint import Position
from craftmark.watch.folder import Folder
from craftmark.watch.octets import PipeOctets
from craftmark.watch.reading import LiveInput, behind
from craftmark.watch.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from craftmark.sources.base import Provenance
    from craftmark.watch.octets import Octets
    from craftmark.watch.watcher import Told

STDIN = "-"
_SECOND = 1_000_000_000
#: Inputs that are described in memory; older ones hold nothing that is open.
_INPUTS = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for; times in seconds, ``every_s`` 0 for never.

    state: the file in which what is open outlives the watcher, None for none. closes: conclude it all the same.
    """

    path: str
    settings: pipeline.Settings
    is_json: bool = False
    idle_s: float = 900
    every_s: float = 0
    strands: int = 2_000_000
    width: int = 100
    is_quiet: bool = False
    state: str | None = None
    closes: bool = False


class _Endable(Protocol):
    def stop(self) -> None:
        """Come to an end soon."""


def watch(wanted: Wanted, write: Callable[[str], None]) -> int:
    """Watch a stream to its end, ``write`` what is to be told, and return the exit code."""
    return _Session(wanted, write).run()


class _Session:
    """State of one run."""

    def __init__(self, wanted: Wanted, write: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._write = write
        grounds = pipeline.grounds_of(wanted.settings)
        where = pipeline.where_of(wanted.settings)
        stream = Stream(grounds.relations, idle_ns=int(wanted.idle_s * _SECOND), most=wanted.strands, where=where)
        self._watcher = Watcher(stream, grounds, wanted.settings)
        self._asked = False
        self._stopped = False
        self._reading: _Endable | None = None
        self._next_told = time.monotonic() + wanted.every_s
        self._first_fault: SourceError | None = None
        self._state = Path(wanted.state) if wanted.state is not None else None
        self._at = Position()
        if self._state is not None:
            self._at = checkpoint.read(self._state, self._watcher, grounds.relations)
        self._resumed = self._watcher.stream.packets > 0

    def run(self) -> int:
        with _signals(self._stop, self._ask):
            for name, octets in self._inputs():
                self._read(name, octets)
            if self._state is not None and not self._wanted.closes:
                self._tell(self._watcher.look_on(), is_open=True)
            else:
                self._tell(self._watcher.look(is_end=True))
            self._save()
            return self._end()

    def _inputs(self) -> Iterator[tuple[str, Octets]]:
        path = self._wanted.path
        if path != STDIN and Path(path).is_dir():
            folder = Folder(path, self._wait, known=self._at.known, begun=self._at.current)
            self._reading = folder
            for name, octets in folder.files():
                if folder.current != self._at.current:
                    self._at.current, self._at.rows = folder.current, 0
                yield name, octets
            return
        if path != STDIN:
            raise SourceError(
                "is no folder", name=path, code=ExitCode.UNREADABLE if Path(path).exists() else ExitCode.NO_SUCH_INPUT,
                remedy="watch a folder, or pipe a file into craftmark watch -",
            )  # fmt: skip
        if sys.stdin is None:
            raise SourceError("is closed", name="standard input", code=ExitCode.UNREADABLE, remedy="pipe a capture")
        self._at.current, self._at.rows = "", 0
        pipe = PipeOctets(sys.stdin.fileno(), self._wait)
        self._reading = pipe
        yield "standard input", pipe

    def _read(self, name: str, octets: Octets) -> None:
        """Fold one input, what was counted of it before left out; one that cannot be examined is told."""
        at, watcher = self._at, self._watcher
        goes_on = at.rows > 0
        at.inputs += not goes_on
        one = LiveInput(name, octets, at.inputs, self._wanted.settings)
        watcher.inputs = [*watcher.inputs[-_INPUTS : -1 if goes_on else None], one.provenance]
        try:
            for batch in behind(one.batches(), at.rows):
                for piece in watcher.stream.arrivals(batch):
                    self._go_on()
                    watcher.stream.update(piece)
                    at.rows += len(piece)
        except SourceError as fault:
            if fault.code != ExitCode.NO_PACKETS or not self._resumed:
                one.provenance.add_damage(Damage(1, 0, f"not examined: {fault.what}"))
            self._first_fault = self._first_fault or fault
        if not self._stopped:  # else a record is cut because it was not waited for
            at.rows = 0
            self._note_damage(one.provenance)

    def _note_damage(self, provenance: Provenance) -> None:
        self._at.damage += provenance.damage_total
        if provenance.damage_total and not self._wanted.is_quiet:
            first = provenance.damage[0]
            what = f"{provenance.name}: at packet {first.packet:,}: {first.what}"
            sys.stderr.write(f"craftmark: {visible(what)}\n")

    def _wait(self, seconds: float) -> None:
        self._watcher.stream.wait(seconds)
        self._go_on()

    def _go_on(self) -> None:
        """Look and tell what is due."""
        if self._watcher.stream.is_due:
            self._tell(self._watcher.look())
            self._save()
        every = self._wanted.every_s
        if self._asked or (every and time.monotonic() >= self._next_told):
            self._asked = False
            self._next_told = time.monotonic() + every
            self._tell_so_far()

    def _save(self) -> None:
        if self._state is not None:
            checkpoint.write(self._state, self._watcher, self._at)

    def _tell(self, told: list[Told], *, is_open: bool = False) -> None:
        for one in told:
            if self._wanted.is_json:
                self._write(say.line(one, is_open=is_open))
            else:
                self._write(say.block(one, width=self._wanted.width, is_open=is_open))

    def _tell_so_far(self) -> None:
        watcher = self._watcher
        open_now = watcher.look_on()
        self._tell(open_now, is_open=True)
        if self._wanted.is_json:
            self._write(say.so_far(watcher, open_now))
        else:
            self._write(f"So far: {len(open_now):,} open. {' '.join(say.summary(watcher))}\n")

    def _end(self) -> int:
        watcher = self._watcher
        if not watcher.stream.packets and self._first_fault is not None and not self._stopped:
            raise self._first_fault
        if self._wanted.is_json:
            self._write(say.ended(watcher, damage=self._at.damage))
        else:
            self._write("".join(f"{sentence}\n" for sentence in say.summary(watcher)))
        if self._stopped:
            return ExitCode.INTERRUPTED
        if not watcher.stream.packets:
            raise SourceError("holds no packets", name=self._wanted.path, code=ExitCode.NO_PACKETS)
        return ExitCode.DAMAGED if self._at.damage else ExitCode.EXAMINED

    def _stop(self) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True
        if self._reading is not None:
            self._reading.stop()

    def _ask(self) -> None:
        self._asked = True


@contextmanager
def _signals(stop: Any, ask: Any) -> Iterator[None]:
    """Turn signals into calls while the watcher runs."""
    before = {}
    for name, call in (("SIGINT", stop), ("SIGTERM", stop), ("SIGUSR1", ask)):
        number = getattr(signal, name, None)
        if number is not None:
            before[number] = signal.signal(number, lambda *_, call=call: call())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
