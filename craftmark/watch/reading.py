"""From octets that come as time goes to batches: the input is told by its content, as everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from craftmark.errors import ExitCode, SourceError
from craftmark.packets.batch import INPUT_SHIFT
from craftmark.packets.links import is_read
from craftmark.sources.base import SNIFF_BYTES, Damage, Provenance, SourceOptions
from craftmark.sources.compression import peel
from craftmark.sources.duplicates import Tally, without_copies
from craftmark.sources.formats import appearance, format_named, format_of

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator

    from craftmark.packets.batch import PacketBatch
    from craftmark.pipeline import Settings
    from craftmark.sources.compression import Decompressed
    from craftmark.watch.octets import Octets


class LiveInput:
    """One input that is read as it comes."""

    def __init__(self, name: str, octets: Octets, number: int, settings: Settings) -> None:
        self.number = number
        self.provenance = Provenance(name)
        self._octets = octets
        self._settings = settings

    def batches(self) -> Iterator[PacketBatch]:
        """Yield packets as they come, numbered; each batch is valid until the next is asked for.

        Raises SourceError where the input is empty, of no known format, or of a link type that is not read.
        """
        tally = Tally()
        try:
            for batch in without_copies(self._decoded(), tally):
                yield replace(batch, packet_id=batch.packet_id + (self.number << INPUT_SHIFT))
        finally:
            self._octets.close()
        if tally.dropped:
            self.provenance.packets -= tally.dropped
            self.provenance.notes.append(tally.note())

    def _decoded(self) -> Iterator[PacketBatch]:
        provenance = self.provenance
        head = self._octets.peek(SNIFF_BYTES)[:SNIFF_BYTES]
        if not head:
            raise SourceError("is empty", name=provenance.name, code=ExitCode.NO_PACKETS, remedy="was it written?")
        options = SourceOptions(year=self._settings.year, max_expansion=None)
        stream, layers = peel(cast("io.BufferedReader", self._octets), name=provenance.name, max_expansion=None)
        chosen = self._settings.format_name
        known = format_named(chosen) if chosen else format_of(stream.peek(SNIFF_BYTES)[:SNIFF_BYTES])
        if known is None:
            raise self._unknown(head)
        try:
            yield from known.open(stream, provenance, 0, options).batches()
        except OSError as fault:
            why = f"cannot be read further: {fault.strerror or fault}"
            provenance.add_damage(Damage(provenance.packets + 1, 0, why))
        self._finish(layers)

    def _finish(self, layers: list[Decompressed]) -> None:
        provenance = self.provenance
        for layer in layers:
            if layer.fault is not None:
                provenance.add_damage(Damage(provenance.packets + 1, layer.fault_at, layer.fault))
        if provenance.link_types and not any(map(is_read, provenance.link_types)):
            links = ", ".join(provenance.link_types)
            raise SourceError(
                f"its packets have link type {links}, which is not read", name=provenance.name,
                code=ExitCode.LINK_TYPE, remedy="capture on an Ethernet, cooked or raw IP interface",
            )  # fmt: skip

    def _unknown(self, head: bytes) -> SourceError:
        what, remedy = appearance(head)
        return SourceError(
            "is of no format that is read" + (f": it looks like {what}" if what else ""),
            name=self.provenance.name,
            code=ExitCode.UNKNOWN_FORMAT,
            remedy=remedy or "give a capture (pcap, pcapng) or a log, or name its format with --format",
        )


def behind(batches: Iterable[PacketBatch], rows: int) -> Iterator[PacketBatch]:
    """Yield batches without the first ``rows`` packets."""
    for batch in batches:
        if rows < len(batch):
            yield batch.take(slice(rows, None)) if rows else batch
        rows = max(rows - len(batch), 0)
