"""Azure's flow logs, of network security groups (versions 1 and 2) and of virtual networks: JSON around tuples.

A tuple is a string of values with commas (Azure Network Watcher, "Flow logging for network security groups", "Virtual
network flow logs"): time (seconds; milliseconds of virtual networks), ends, ports, protocol (T, U or a number),
direction, decision or state, and in later versions packets and octets each way since the last tuple of the flow. Since
nothing else shows packets, tuples are looked for wherever they stand, so that files of any length are read piece by
piece. B begins a flow, D denies it; C and E go on with one that was begun and tell what came back. Control bits, and
the length of packets, are never told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.sources.base import BATCH_ROWS
from craftmark.sources.flows import Flow, write_flow
from craftmark.sources.shown import protocol_number
from craftmark.sources.textlines import PacketLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.packets.batch import PacketBatch
    from craftmark.sources.base import Provenance, SourceOptions

_CHUNK: Final = 1 << 16
#: No tuple is longer.
_LONGEST: Final = 400
_TUPLE: Final = re.compile(
    rb'"(\d{10}|\d{13}),([0-9A-Fa-f.:]{3,45}),([0-9A-Fa-f.:]{3,45}),(\d{0,5}),(\d{0,5}),([TU]|\d{1,3}),([IO]),([A-Z])'
    rb'((?:,[A-Z0-9_]{0,40}){0,5})"'
)
_PROTOCOLS: Final = {b"T": f.TCP, b"U": f.UDP}
_MOST_S: Final = 1 << 33
_GOES_ON: Final = (b"C", b"E")


class AzureFlowSource:
    """One open flow log."""

    def __init__(self, stream: BinaryIO, log: PacketLog) -> None:
        self._stream = stream
        self._log = log

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in the order of the tuples; see ``Source``."""
        text, base = b"", 0
        while chunk := self._stream.read(_CHUNK):
            text += chunk
            used = 0
            for found in _TUPLE.finditer(text):
                used = found.end()
                fault = _write(self._log, found)
                if fault:
                    self._log.damage(base + found.start(), fault)
            used = max(used, len(text) - _LONGEST)
            text, base = text[used:], base + used
            if len(self._log.rows) >= BATCH_ROWS:
                yield self._log.take()
        self._log.close()
        if len(self._log.rows):
            yield self._log.take()

    def describe(self) -> Provenance:
        """Return the provenance; see ``Source``."""
        return self._log.provenance


def _write(log: PacketLog, found: re.Match[bytes]) -> str:
    """Write what one tuple shows; return what is wrong with it."""
    time, source, target, sport, dport, name, _, verdict = found.groups()[:8]
    protocol = _PROTOCOLS.get(name) or protocol_number(name)
    if protocol is None:
        return f"no protocol: {name.decode()}"
    seconds, fraction = int(time[:10]), int(time[10:] or b"0")
    if seconds >= _MOST_S:
        return f"a time that cannot be: {time.decode()}"
    state, counts = _state(verdict, found[9].split(b",")[1:])
    flow = Flow((source, target), protocol)
    for word, text in ((f.SPORT, sport), (f.DPORT, dport)):
        if text and protocol in (f.TCP, f.UDP, f.SCTP):
            flow.words[word] = int(text)
    if counts:
        flow.packets, flow.answers = counts[0], counts[2]
        flow.octets = counts[1] if counts[0] > 1 else None
    return write_flow(log, flow, seconds * 1_000_000_000 + fraction * 1_000_000, goes_on=state in _GOES_ON)


def _state(verdict: bytes, rest: list[bytes]) -> tuple[bytes, list[int]]:
    """Return a flow's state, and the packets and octets of either way where they are told.

    Virtual networks' tuples have the state in place of the decision, and encryption before the counts; version 2 of
    security groups' has the state behind the decision.
    """
    state = rest[0] if verdict == b"A" and rest else verdict
    counts = [int(text) if text.isdigit() else 0 for text in rest[1:5]]
    return state, counts if len(counts) == 4 and counts[0] else []


class AzureFlowFormat:
    """Flow logs of Azure."""

    name = "azureflow"

    def sniff(self, head: bytes) -> bool:
        """Tell whether JSON names flow tuples."""
        return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and b'"flowTuples"' in head

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> AzureFlowSource:  # noqa: ARG002
        """Open a flow log; see ``Format``."""
        provenance.format = self.name
        return AzureFlowSource(stream, PacketLog(provenance, number))


FORMAT: Final = AzureFlowFormat()
