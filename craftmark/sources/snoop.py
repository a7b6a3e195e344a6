"""snoop, the capture format of Solaris (RFC 1761): Ethernet and 802.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.kernels.traces import walk_snoop
from craftmark.packets.links import ETHERNET, link_type
from craftmark.sources.base import Damage
from craftmark.sources.walked import WalkedSource
from craftmark.sources.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.decode import Frames, Octets, State
    from craftmark.sources.base import Provenance, SourceOptions

_MAGIC: Final = b"snoop\0\0\0"
_FILE_HEADER: Final = 16
_VERSION: Final = 2
#: Link types of RFC 1761 as those of pcap; what is not here is not read.
_LINKS: Final = {0: ETHERNET, 4: ETHERNET}
_UNREAD: Final = 65_536


class SnoopSource(WalkedSource):
    """One open snoop file; says how many packets its program lost."""

    def __init__(self, stream: BinaryIO, provenance: Provenance, number: int) -> None:
        window = Window(stream)
        while len(window.data) < _FILE_HEADER and not window.ended:
            window.advance(0)
        head = window.data[:_FILE_HEADER].tobytes()
        version, code = (int.from_bytes(head[at : at + 4]) for at in (8, 12))
        link = _LINKS.get(code, _UNREAD + code)
        provenance.format = "snoop"
        provenance.link_types.append(link_type(link).name)
        if version != _VERSION and len(head) == _FILE_HEADER:
            provenance.notes.append(f"version {version} of the format, read as {_VERSION}")
        if len(head) < _FILE_HEADER:
            provenance.add_damage(Damage(1, len(head), "the file header is cut"))

        def walk(rows: int, octets: Octets, frames: Frames, state: State) -> int:
            found: int = walk_snoop(
                rows, octets, len(octets), link,
                frames.starts, frames.captured, frames.wire, frames.links, frames.ts_ns, state,
            )  # fmt: skip
            return found

        super().__init__(window, provenance, number, walk, start=min(len(head), _FILE_HEADER))

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in file order; see ``Source``."""
        yield from super().batches()
        if self.state[2]:
            self._provenance.notes.append(f"the capturing program lost {int(self.state[2])} packets")


class SnoopFormat:
    """Solaris' captures."""

    name = "snoop"

    def sniff(self, head: bytes) -> bool:
        """Tell whether the input starts with snoop's name."""
        return head.startswith(_MAGIC)

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> SnoopSource:  # noqa: ARG002
        """Open a stream positioned at its start."""
        return SnoopSource(stream, provenance, number)


FORMAT: Final = SnoopFormat()
