"""The captures that programs are measured on: a telescope's mix, one large scan, ordinary traffic.

Each is written in chunks, in constant memory, the same bytes for the same size.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import numpy as np

from benchmarks.load import (
    CHUNK,
    ETHERNET_LEN,
    IP_LEN,
    LINUX_OPTIONS,
    LINUX_TCP,
    PACKETS_PER_SECOND,
    PCAP_HEADER,
    PLAIN_TCP,
    RECORD_LEN,
    SYN,
    TCP,
    Draw,
    Numbers,
    fixed,
    interleave,
    layout,
    masscan,
    sums,
    tcp,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

DATA: Final = Path(__file__).parent / "data"

#: Packets to each source of a telescope's mix, where nobody says otherwise.
_PACKETS_A_SOURCE: Final = 10
_SENDER: Final = 0xC6336407
#: Conversations under way at the same time in ordinary traffic, its clients and its servers.
_LANES: Final = 512
_CLIENTS, _SERVERS = 2_000, 300
_CLIENT, _SERVER = 0x0A010000, 0xCB007100
_EPHEMERAL, _PORTS = 32_768, 28_000
_ACK, _PUSH, _FIN = 0x10, 0x08, 0x01
_REQUEST, _RESPONSE = layout(TCP, 200), layout(TCP, 1400)


class _Step(NamedTuple):
    """One packet of a conversation: from whom, its layout and control bits, octets sent before by each end."""

    is_client: bool
    kind: np.dtype[np.void]
    flags: int
    client: int
    server: int


_CONVERSATION: Final = (
    _Step(True, LINUX_TCP, SYN, 0, 0),
    _Step(False, LINUX_TCP, SYN | _ACK, 1, 0),
    _Step(True, PLAIN_TCP, _ACK, 1, 1),
    _Step(True, _REQUEST, _PUSH | _ACK, 1, 1),
    _Step(False, _RESPONSE, _ACK, 201, 1),
    _Step(False, _RESPONSE, _PUSH | _ACK, 201, 1401),
    _Step(True, PLAIN_TCP, _ACK, 201, 2801),
    _Step(True, PLAIN_TCP, _FIN | _ACK, 201, 2801),
    _Step(False, PLAIN_TCP, _FIN | _ACK, 202, 2801),
    _Step(True, PLAIN_TCP, _ACK, 202, 2802),
)


def telescope(out: BinaryIO, packets: int, sources: int | None = None) -> None:
    """Write what a telescope sees: many sources, most with one packet, a few with most packets, backscatter."""
    write(out, packets, sources or max(100, packets // _PACKETS_A_SOURCE), seed=1)


def one_scan(out: BinaryIO, packets: int, sources: int | None = None) -> None:
    """Write one sender's sweep over a /8, with masscan's headers; ``sources`` has no meaning here."""
    del sources
    _write(out, packets, lambda rng, _, n: [(np.arange(n), _summed(masscan(rng, np.full(n, _SENDER, np.uint32))))])


def ordinary(out: BinaryIO, packets: int, sources: int | None = None) -> None:
    """Write conversations of clients with web servers, several hundred at a time; ``sources`` has no meaning here."""
    del sources
    _write(out, packets, _conversations)


MIXES: Final[dict[str, Callable[[BinaryIO, int, int | None], None]]] = {
    "telescope": telescope,
    "one scan": one_scan,
    "ordinary": ordinary,
}

Parts = list[tuple["NDArray[np.int64]", "NDArray[np.void]"]]


def capture(mix: str, packets: int, sources: int | None = None) -> str:
    """Return the path of a generated capture, made if it is not there yet."""
    told = "" if sources is None else f"-{sources}"
    path = DATA / f"{mix.replace(' ', '-')}-{packets}{told}.pcap"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as out:
            MIXES[mix](out, packets, sources)
        unfinished.rename(path)
    return str(path)


def _write(out: BinaryIO, packets: int, parts: Callable[[Draw, int, int], Parts]) -> None:
    out.write(PCAP_HEADER)
    for first in range(0, packets, CHUNK):
        n = min(CHUNK, packets - first)
        rng = np.random.Generator(np.random.SFC64([7, first]))
        time_us = (np.arange(first, first + n) * 1_000_000 + rng.integers(0, 1_000_000, n)) // PACKETS_PER_SECOND
        out.write(interleave(parts(rng, first, n), time_us))


def _conversations(rng: Draw, first: int, n: int) -> Parts:
    """Return packets ``first`` to ``first + n - 1`` of all conversations, which take turns."""
    del rng
    number = np.arange(first, first + n)
    turn, lane = number // _LANES, number % _LANES
    conversation = (turn // len(_CONVERSATION)) * _LANES + lane
    parts: Parts = []
    for at, step in enumerate(_CONVERSATION):
        places = np.flatnonzero(turn % len(_CONVERSATION) == at)
        if len(places):
            parts.append((places, _packets(step, conversation[places].astype(np.uint32))))
    return parts


def _packets(step: _Step, conversation: Numbers) -> NDArray[np.void]:
    client = np.uint32(_CLIENT) + conversation % np.uint32(_CLIENTS)
    server = np.uint32(_SERVER) + fixed(conversation, 0, _SERVERS)
    sport = _EPHEMERAL + (conversation // _CLIENTS) % _PORTS
    ends = (client, server) if step.is_client else (server, client)
    rows = tcp(step.kind, *ends, step.flags)
    rows["sport"], rows["dport"] = (sport, 443) if step.is_client else (443, sport)
    ours, theirs = fixed(conversation, 1, 1 << 24) + step.client, fixed(~conversation, 1, 1 << 24) + step.server
    rows["seq"], rows["ack"] = (ours, theirs) if step.is_client else (theirs, ours)
    if not step.flags & _ACK:
        rows["ack"] = 0
    rows["frag"], rows["win"], rows["ttl"] = 0x4000, 502, 64 if step.is_client else 52
    rows["id"] = fixed(conversation, 0, 1 << 16) + step.client + step.server
    if step.kind is LINUX_TCP:
        rows["tail"], rows["win"] = np.void(LINUX_OPTIONS), 64240
    return _summed(rows)


def _summed(rows: NDArray[np.void]) -> NDArray[np.void]:
    sums(rows, RECORD_LEN + ETHERNET_LEN + IP_LEN)
    return rows
