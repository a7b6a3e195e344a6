"""One input: opened, taken out of its compression, recognised, read once from its first packet to its last."""

from __future__ import annotations

import io
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from craftmark.errors import ExitCode, SourceError
from craftmark.packets.batch import INPUT_SHIFT, PacketBatch
from craftmark.packets.decode import Decoded
from craftmark.packets.links import is_read
from craftmark.sources.base import SNIFF_BYTES, Damage, Provenance, SourceOptions
from craftmark.sources.compression import Decompressed, peel
from craftmark.sources.digest import FileDigest, HashedStream
from craftmark.sources.formats import appearance, format_of
from craftmark.sources.windows import FileAsOpened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from craftmark.packets.decode import Located, Piece
    from craftmark.sources.base import Format, Source


class Input:
    """One input of a case. ``look`` at it first; its batches can be read once."""

    def __init__(
        self, name: str, path: Path | None, stream: BinaryIO | None, *, options: SourceOptions, chosen: Format | None
    ) -> None:
        self.name = name
        self.number = 1
        self.notes: list[str] = []
        self.beside: list[str] = []
        self.size: int | None = None
        self._path = path
        self._given = stream
        self._options = options
        self._chosen = chosen
        self._outer: io.BufferedReader | None = None
        self._file: FileAsOpened | None = None
        self._hashed: HashedStream | None = None
        self._digest: FileDigest | None = None
        self._layers: list[Decompressed] = []
        self._source: Source | None = None
        self._batches: Iterator[PacketBatch] = iter(())
        self._first: PacketBatch | None = None
        self._done = False
        self._provenance = Provenance(name)
        self.first = (0, 0)

    def note_beside(self, note: str) -> None:
        """Note what only the inputs beside this one tell; kept apart too, for who reads this one alone."""
        self.notes.append(note)
        self.beside.append(note)

    def look(self, *, keep: bool) -> None:
        """Read the first batch, to know that there is one and when it was; then close unless told to ``keep``.

        Raises SourceError if the input cannot be examined.
        """
        try:
            self._begin()
            if self._first is None:
                raise self._nothing()
            if self._provenance.format == "pcap" and not any(map(is_read, self._provenance.link_types)):
                raise self._wrong_link()
        except SourceError:
            self.close()
            raise
        if keep and self._hashed is None:
            self._start_digest()
        has_epoch = self._provenance.clock == "epoch"
        self.first = (0 if has_epoch else 1, int(self._first.ts_ns[0]))
        if not keep and self._hashed is None:
            self.close()

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the input's packets, numbered; each batch is valid until the next is asked for."""
        for batch in self._whole(in_pieces=False):
            assert isinstance(batch, PacketBatch)
            yield replace(batch, packet_id=batch.packet_id + (self.number << INPUT_SHIFT))

    def pieces(self) -> Iterator[Piece]:
        """Yield the input's packets in pieces, numbered, in their order; any core may decode a piece at any time."""
        number = self.number << INPUT_SHIFT
        for part in self._whole(in_pieces=True):
            if isinstance(part, PacketBatch):
                yield Decoded(replace(part.copy(), packet_id=part.packet_id + number))
            else:
                yield replace(part, first_id=part.first_id + number)

    def _whole(self, *, in_pieces: bool) -> Iterator[PacketBatch | Located]:
        """Yield the packets of an input, opened now or looked at before; describe it behind the last."""
        if self._source is None:
            self._begin()
        if self._hashed is None:
            self._start_digest()
        try:
            yield from self._to_the_end(in_pieces=in_pieces)
            self._finish()
        finally:
            self.close()

    def _to_the_end(self, *, in_pieces: bool) -> Iterator[PacketBatch | Located]:
        """Yield the first batch, which was read to see that there is one, then all others."""
        try:
            if self._first is None:
                return
            yield self._first
            find = getattr(self._source, "pieces", None)
            yield from find() if in_pieces and find is not None else self._batches
        except OSError as fault:
            why = f"cannot be read further: {fault.strerror or fault}"
            self._provenance.add_damage(Damage(self._provenance.packets + 1, self.position, why))

    def describe(self) -> Provenance:
        """Return the provenance; final after the last batch."""
        return self._provenance

    @property
    def first_batch(self) -> PacketBatch | None:
        """The first packets of an input that was looked at and kept open."""
        return self._first

    def first_packets(self) -> PacketBatch | None:
        """Return the input's first packets, opening it where it is not; None where there are none."""
        if self._source is None:
            self._begin()
        return self._first

    @property
    def layers(self) -> tuple[Decompressed, ...]:
        """The layers of compression around the input, outermost first; known once it was looked at."""
        return tuple(self._layers)

    @property
    def position(self) -> int:
        """How many bytes of the input, as stored, were read."""
        if self._done:
            return self.size or 0
        return self._outer.tell() if self._outer is not None and self._hashed is None else 0

    @property
    def sha256(self) -> str:
        """SHA-256 of the input as stored; of a stream, known only after its last batch, empty before."""
        if self._hashed is not None:
            return self._provenance.sha256
        self._start_digest()
        assert self._digest is not None
        return self._digest.hexdigest()

    def _start_digest(self) -> None:
        if self._digest is None and self._path is not None:
            self._digest = FileDigest(self._path, self.size or 0)

    def _begin(self) -> None:
        """Open the input and read its first batch."""
        self._provenance = Provenance(self.name, notes=self.notes)
        self._outer = self._open()
        try:
            head = self._outer.peek(SNIFF_BYTES)[:SNIFF_BYTES]
            if not head:
                raise SourceError(
                    "is empty", name=self.name, code=ExitCode.NO_PACKETS, remedy="was the capture written?"
                )
            limit = self._options.max_expansion
            inner, self._layers = peel(self._outer, name=self.name, max_expansion=limit)
            chosen = self._chosen or self._recognise(inner.peek(SNIFF_BYTES)[:SNIFF_BYTES])
            self._source = chosen.open(inner, self._provenance, 0, self._options)
            self._batches = self._source.batches()
            self._first = next(self._batches, None)
        except OSError as fault:
            raise self._unreadable(fault) from fault

    def _open(self) -> io.BufferedReader:
        if self._given is not None:
            self._hashed = HashedStream(self._given)
            return io.BufferedReader(self._hashed, SNIFF_BYTES)
        assert self._path is not None
        try:
            if stat.S_ISREG(self._path.stat().st_mode):
                self._file = FileAsOpened(self._path)
                self.size = self._file.size
                return io.BufferedReader(self._file, SNIFF_BYTES)
            stream = self._path.open("rb")
        except OSError as fault:
            raise self._unreadable(fault) from fault
        self._hashed = HashedStream(stream, is_ours=True)
        return io.BufferedReader(self._hashed, SNIFF_BYTES)

    def _recognise(self, head: bytes) -> Format:
        found = format_of(head)
        if found is not None:
            return found
        if not head:
            raise self._nothing()
        what, remedy = appearance(head)
        inside = "".join(f" inside {layer.layer}" for layer in reversed(self._layers))
        raise SourceError(
            f"is of no format that is read{inside}" + (f": it looks like {what}" if what else ""),
            name=self.name,
            code=ExitCode.UNKNOWN_FORMAT,
            remedy=remedy or "give a capture (pcap, pcapng) or a log, or name its format with --format",
        )

    def _finish(self) -> None:
        """Complete the provenance behind the last batch."""
        provenance = self._provenance
        for layer in self._layers:
            if layer.fault is not None:
                provenance.add_damage(Damage(provenance.packets + 1, layer.fault_at, layer.fault))
        if self._hashed is not None:
            provenance.sha256 = self._hashed.hexdigest()
            provenance.bytes = self.size = self._hashed.bytes
        else:
            provenance.sha256 = self.sha256
            provenance.bytes = self.size or 0
            self._tell_of_change()
        self._done = True
        if provenance.link_types and not any(map(is_read, provenance.link_types)):
            raise self._wrong_link()

    def _tell_of_change(self) -> None:
        """Tell whether the file is another size now than when it was opened."""
        grown = self._file.grown if self._file is not None else 0
        if grown < 0:
            what = f"the file was cut short by {-grown:,} bytes while it was read"
            self._provenance.add_damage(Damage(self._provenance.packets + 1, (self.size or 0) + grown, what))
        elif grown > 0:
            self.notes.append(f"the file grew by {grown:,} bytes while it was read: those are not examined")

    def close(self) -> None:
        """Let go of the file; what was described stays."""
        self._source = None
        self._batches = iter(())
        self._first = None
        if self._outer is not None and self._given is None:
            self._outer.close()
        self._outer = None

    def _nothing(self) -> SourceError:
        for layer in self._layers:
            if layer.fault is not None:
                return SourceError(layer.fault, name=self.name, code=ExitCode.UNREADABLE, remedy="get it again")
        harm = self._provenance.damage
        if harm:
            what = f"holds no packet that can be read: {harm[0].what} (byte {harm[0].byte})"
        elif self._provenance.format in ("pcap", "pcapng"):
            what = f"holds no packets, only the header of a {self._provenance.format} file"
        else:
            what = "holds no packets"
        remedy = "was the capture stopped too early, or its filter too narrow?"
        return SourceError(what, name=self.name, code=ExitCode.NO_PACKETS, remedy=remedy)

    def _wrong_link(self) -> SourceError:
        links = ", ".join(self._provenance.link_types)
        return SourceError(
            f"its packets have link type {links}, which is not read",
            name=self.name,
            code=ExitCode.LINK_TYPE,
            remedy="capture on an Ethernet, cooked or raw IP interface",
        )

    def _unreadable(self, fault: OSError) -> SourceError:
        return SourceError(
            f"cannot be read: {fault.strerror or fault}", name=self.name, code=ExitCode.UNREADABLE,
            remedy="check its permissions",
        )  # fmt: skip
