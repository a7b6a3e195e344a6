"""pcapng: sections of either byte order, several interfaces with clocks of their own, all three packet blocks.

https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/. Unknown blocks are skipped; a block that cannot be is
damage: the reader looks for the next place where blocks follow one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np

from craftmark.kernels.blocks import (
    BLOCK_LIMIT,
    COLUMNS,
    IMPOSSIBLE,
    SECTION_HEADER,
    SPECIAL,
    UNDECLARED,
    find_block,
    walk_blocks,
)
from craftmark.kernels.records import ABSURD, NEED_MORE
from craftmark.packets.batch import INPUT_SHIFT
from craftmark.packets.decode import Decoder, Located, empty_frames
from craftmark.packets.fields import NOTE_NO_TIME, NOTES
from craftmark.packets.links import link_type
from craftmark.sources.base import BATCH_ROWS, Damage, Provenance, SourceOptions
from craftmark.sources.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.packets.batch import PacketBatch

_MAGIC = SECTION_HEADER.to_bytes(4, "big")
_ORDERS: dict[bytes, Literal["big", "little"]] = {b"\x1a\x2b\x3c\x4d": "big", b"\x4d\x3c\x2b\x1a": "little"}
_OPTION_END, _OPTION_TSRESOL, _OPTION_TSOFFSET = 0, 9, 14
_NS = 1_000_000_000
_BINARY_UNITS = 32
_OFFSET_LIMIT_S = 20_000_000_000
_DIVISOR_LIMIT = 1 << 62
_NOT_USED = ": such times are not used"


class PcapngSource:
    """One open pcapng file or stream."""

    def __init__(self, stream: BinaryIO, provenance: Provenance, number: int) -> None:
        self._provenance = provenance
        self._number = number
        self._window = Window(stream)
        self._decoder = Decoder(BATCH_ROWS)
        self._frames = empty_frames(BATCH_ROWS)
        self._untimed = np.zeros(BATCH_ROWS, np.int64)
        self._state = np.zeros(3, np.int64)
        self._order: Literal["big", "little"] = "little"
        self._interfaces = np.zeros((0, COLUMNS), np.int64)
        self._links_seen: set[int] = set()
        self._impossible = 0
        provenance.format = "pcapng"

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in file order; each batch is valid until the next is asked for."""
        while True:
            rows = self._walk()
            if rows:
                yield self._decode(rows)
            if not self._go_on():
                return

    def describe(self) -> Provenance:
        """Return the provenance; final after the last batch."""
        return self._provenance

    def _walk(self) -> int:
        frames = self._frames
        octets = self._window.data
        rows: int = walk_blocks(
            BATCH_ROWS, octets, len(octets), int(self._order == "big"), self._interfaces, len(self._interfaces),
            frames.starts, frames.captured, frames.wire, frames.links, frames.ts_ns, self._untimed, self._state,
        )  # fmt: skip
        return rows

    def _decode(self, rows: int) -> PacketBatch:
        provenance = self._provenance
        first_id = (self._number << INPUT_SHIFT) + provenance.packets + 1
        batch = self._decoder.decode(Located(self._window.data, self._frames, rows, first_id))
        untimed = self._untimed[:rows] != 0
        self._note_impossible(int(np.count_nonzero(self._untimed[:rows] == IMPOSSIBLE)))
        batch.words[untimed, NOTES] |= np.uint32(NOTE_NO_TIME)
        provenance.add_packets(rows, batch.ts_ns[~untimed])
        for number in np.unique(self._frames.links[:rows]).tolist():
            if number not in self._links_seen:
                self._links_seen.add(number)
                provenance.link_types.append(link_type(number).name)
        return batch

    def _note_impossible(self, count: int) -> None:
        """Tell how many packets bear times that no capture can have."""
        self._impossible += count
        if count:
            noun = "packet bears a time" if self._impossible == 1 else "packets bear times"
            note = f"{self._impossible:,} {noun} before 1970 or after 2106{_NOT_USED}"
            self._provenance.notes[:] = [*(old for old in self._provenance.notes if not old.endswith(_NOT_USED)), note]

    def _go_on(self) -> bool:
        """Do what the walk left to do where it stands; tell whether there is more to walk."""
        reason = int(self._state[1])
        if reason == SPECIAL:
            return self._read_special()
        if reason == ABSURD:
            return self._resume("a block whose lengths cannot be")
        if reason == UNDECLARED:
            return self._skip_undeclared()
        return self._more() if reason == NEED_MORE else True

    def _more(self) -> bool:
        """Move the window to where the walk stands; at the end of the input note what is left of a block."""
        at = int(self._state[0])
        if self._window.ended:
            rest = len(self._window.data) - at
            if rest:
                self._damage(f"the last block is cut: the file ends after {rest} of its bytes")
            return False
        self._window.advance(at)
        self._state[0] = 0
        return True

    def _block(self, length: int) -> bytes:
        at = int(self._state[0])
        return self._window.data[at : at + length].tobytes()

    def _read_special(self) -> bool:
        head = self._block(12)
        order = self._order
        if head[:4] == _MAGIC:
            if head[8:12] not in _ORDERS:
                return self._resume("a section header without its byte order")
            order = _ORDERS[head[8:12]]
        length = int.from_bytes(head[4:8], order)
        if length < 20 or length % 4 or length > BLOCK_LIMIT:
            return self._resume("a section header or interface description whose length cannot be")
        block = self._block(length)
        if len(block) < length:
            return self._more()
        if block[-4:] != head[4:8]:
            return self._resume("a block whose two lengths differ")
        if head[:4] == _MAGIC:
            self._order = order
            self._interfaces = np.zeros((0, COLUMNS), np.int64)
        else:
            row = np.array([interface_row(block[8:-4], order)], np.int64)
            self._interfaces = np.concatenate([self._interfaces, row])
        self._state[0] += length
        return True

    def _skip_undeclared(self) -> bool:
        self._damage("a packet of an interface that the section does not describe; skipped")
        self._state[0] += int.from_bytes(self._block(8)[4:8], self._order)
        return True

    def _resume(self, what: str) -> bool:
        """Go to the next place where blocks follow one another again; tell whether there is one."""
        here = self._window.base + int(self._state[0])
        at = int(self._state[0]) + 1
        while True:
            octets = self._window.data
            place: int = find_block(len(octets), octets, len(octets), int(self._order == "big"), at)
            if place >= 0 or self._window.ended:
                break
            at = max(at, len(octets) - BLOCK_LIMIT)
            self._window.advance(at)
            at = 0
        if place < 0:
            self._damage(f"{what}; nothing readable behind it", at=here)
            return False
        self._damage(f"{what}; {self._window.base + place - here} bytes skipped", at=here)
        self._state[0] = place
        return True

    def _damage(self, what: str, *, at: int | None = None) -> None:
        place = self._window.base + int(self._state[0]) if at is None else at
        self._provenance.add_damage(Damage(self._provenance.packets + 1, place, what))


def interface_row(body: bytes, order: Literal["big", "little"]) -> tuple[int, int, int, int, int]:
    """Return the row of an interface in the kernel's table, from the body of its description block."""
    options = _options(body[8:], order)
    resolution = options.get(_OPTION_TSRESOL, b"\x06")[:1] or b"\x06"
    divisor, per_second = clock(resolution[0])
    offset = int.from_bytes(options.get(_OPTION_TSOFFSET, b"")[:8], order, signed=True)
    offset = max(-_OFFSET_LIMIT_S, min(offset, _OFFSET_LIMIT_S))
    link, snaplen = int.from_bytes(body[:2], order), int.from_bytes(body[4:8], order)
    return link, snaplen, divisor, per_second, offset


def clock(resolution: int) -> tuple[int, int]:
    """Return divisor and units per second of a value of if_tsresol; finer units than we keep are divided away."""
    power = resolution & 0x7F
    if resolution & 0x80:
        kept = min(power, _BINARY_UNITS)
        return min(1 << (power - kept), _DIVISOR_LIMIT), 1 << kept
    kept = min(power, 9)
    return min(int(10 ** (power - kept)), _DIVISOR_LIMIT), int(10**kept)


def _options(body: bytes, order: Literal["big", "little"]) -> dict[int, bytes]:
    """Return the options of a block by code; the first of each, up to the first that does not fit."""
    options: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(body):
        code, size = int.from_bytes(body[at : at + 2], order), int.from_bytes(body[at + 2 : at + 4], order)
        if code == _OPTION_END or at + 4 + size > len(body):
            break
        options.setdefault(code, body[at + 4 : at + 4 + size])
        at += 4 + (size + 3) // 4 * 4
    return options


class PcapngFormat:
    """Recognises and opens pcapng."""

    name = "pcapng"

    def sniff(self, head: bytes) -> bool:
        """Tell whether the input starts with a section header."""
        return head[:4] == _MAGIC and head[8:12] in _ORDERS

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> PcapngSource:  # noqa: ARG002
        """Open a stream positioned at its start."""
        return PcapngSource(stream, provenance, number)


FORMAT = PcapngFormat()
