"""ERF, the records of Endace's DAG cards, with extension headers: Ethernet, HDLC and raw IP.

"Extensible Record Format" (EDM11-01). The format has no magic number: it is told by records that follow one another and
whose times rise. Times are 2**-32 s; the length on the wire includes Ethernet's checksum, which is taken off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.kernels.traces import LAST_ERF_TYPE, walk_erf
from craftmark.sources.walked import WalkedSource
from craftmark.sources.windows import Window

if TYPE_CHECKING:
    from craftmark.packets.decode import Frames, Octets, State
    from craftmark.sources.base import Provenance, SourceOptions

_HEADER: Final = 16
_CHAIN: Final = 6
_TYPES: Final = frozenset((1, 2, 10, 11, 16, 22, 23, 48))
_FIRST_S, _LAST_S = 631_152_000, 4_102_444_800  # 1990 to 2100
#: Records are believed whose times lie this near to one another.
_NEAR_S: Final = 7 * 86_400


def _walk(rows: int, octets: Octets, frames: Frames, state: State) -> int:
    found: int = walk_erf(
        rows, octets, len(octets), frames.starts, frames.captured, frames.wire, frames.links, frames.ts_ns, state
    )
    return found


class ErfFormat:
    """Endace's records."""

    name = "erf"

    def sniff(self, head: bytes) -> bool:
        """Tell whether records of known types follow one another with times near to each other."""
        at, good, last_s = 0, 0, None
        while good < _CHAIN and at + _HEADER <= len(head):
            seconds = int.from_bytes(head[at + 4 : at + 8], "little")
            kind, length = head[at + 8] & 0x7F, int.from_bytes(head[at + 10 : at + 12])
            if kind not in _TYPES or kind > LAST_ERF_TYPE or length < _HEADER or not _FIRST_S < seconds < _LAST_S:
                return False
            if last_s is not None and abs(seconds - last_s) > _NEAR_S:
                return False
            at, good, last_s = at + length, good + 1, seconds
        return good == _CHAIN or (good > 0 and at == len(head))

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> WalkedSource:  # noqa: ARG002
        """Open a stream positioned at its start."""
        provenance.format = self.name
        return WalkedSource(Window(stream), provenance, number, _walk)


FORMAT: Final = ErfFormat()
