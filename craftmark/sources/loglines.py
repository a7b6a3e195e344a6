"""Logs that write one packet a line behind the system log's time: what their formats share.

A format brings a pattern, found anywhere in a line, and a function that writes what the pattern found into the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from craftmark.packets import fields as f
from craftmark.sources.logtime import LogTime
from craftmark.sources.textlines import PacketLog, TextSource

if TYPE_CHECKING:
    from craftmark.packets.rows import RowBuilder
    from craftmark.sources.base import Provenance, SourceOptions

#: Writes one line's packet into the row being built and returns what is wrong, "" if nothing is; None where the line
#: holds no packet after all.
Writer = Callable[["RowBuilder", re.Match[bytes]], str | None]


@lru_cache(maxsize=64)
def compiled(pattern: bytes) -> re.Pattern[bytes]:
    """Return a pattern compiled: patterns stay text until an input needs them, which saves time at the start."""
    return re.compile(pattern)


class LogLineParser:
    """Reads lines that each hold one packet."""

    def __init__(self, log: PacketLog, year: int | None, pattern: bytes, write: Writer) -> None:
        self._log = log
        self._time = LogTime(year)
        self._search = compiled(pattern).search
        self._write = write

    @property
    def clock(self) -> str:
        """The clock of the times, told by the first packet."""
        return self._time.clock

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        found = self._search(line)
        if found is None:
            if line.strip():
                self._log.foreign(line)
            return
        fault = self._write(self._log.rows, found)
        if fault is None:
            self._log.foreign(line)
            return
        if fault:
            self._log.damage(byte, fault)
            return
        ts_ns, is_told = self._time.ns(line[: found.start()])
        if not is_told:
            self._log.rows.note(f.NOTE_NO_TIME)
        self._log.finish_packet(ts_ns)

    def finish(self) -> None:
        """Say how the times were read."""
        for note in self._time.notes():
            self._log.note(note)


class LogLineFormat:
    """A format whose packets are one line each; ``about`` is a note for every input of it."""

    def __init__(self, name: str, pattern: bytes, write: Writer, about: str = "") -> None:
        self.name = name
        self._pattern = pattern
        self._write = write
        self._about = about

    def sniff(self, head: bytes) -> bool:
        """Tell whether a line holds what the format writes."""
        return compiled(self._pattern).search(head) is not None

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:
        """Open a log with such lines; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        if self._about:
            log.note(self._about)
        return TextSource(stream, log, LogLineParser(log, options.year, self._pattern, self._write))
