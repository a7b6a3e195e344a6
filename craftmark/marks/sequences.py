"""How families read the sample of a dossier: which packets show a field, and in which groups they are followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from craftmark.marks.base import PACKETS_SHOWN
from craftmark.packets.fields import DPORT, FIELDS, IP_DST, IP_DST_HIGH, IP_SRC, IP_SRC_HIGH, PRESENT, visibility_bit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

Key = Literal["source", "target", "port"]

#: Rows of a sample that order and counters look at: what they tell does not get clearer with more.
ROWS_FOLLOWED: Final = 8192

#: Changes of source from which it shows whether a walk goes on across them, and the share of them in which it must.
CHANGES: Final = 16
GOES_ON: Final = 0.98

_WORDS: Final[dict[Key, tuple[int, ...]]] = {
    "source": (IP_SRC, IP_SRC_HIGH, IP_SRC_HIGH + 1, IP_SRC_HIGH + 2),
    "target": (IP_DST, IP_DST_HIGH, IP_DST_HIGH + 1, IP_DST_HIGH + 2),
    "port": (DPORT,),
}


def showing(batch: PacketBatch, name: str) -> PacketBatch:
    """Return the packets that have the field and show it, the same batch if all do."""
    visible = batch.present(name)
    return batch if visible.all() else batch.take(visible)


def followed(batch: PacketBatch) -> PacketBatch:
    """Return the earliest packets, as many as families follow."""
    return batch if len(batch) <= ROWS_FOLLOWED else batch.take(slice(0, ROWS_FOLLOWED))


def column(batch: PacketBatch, name: str) -> NDArray[np.int64]:
    """Return a field's values as signed integers, so that differences keep their sign."""
    return batch.column(name).astype(np.int64)


def sources_at_one_walk(batch: PacketBatch, places: NDArray[np.int64]) -> int:
    """Return how many sources go on where another stopped in one walk, 1 where each is at a place of its own.

    Shares of a walk that several machines take (shards) do not follow one another from packet to packet.
    """
    sources = batch.column("ip_src")
    changes = np.flatnonzero(sources[1:] != sources[:-1])
    goes_on = places[changes + 1] > places[changes]
    is_one = len(changes) >= CHANGES and goes_on.mean() >= GOES_ON
    return len(np.unique(sources)) if is_one else 1


def groups(batch: PacketBatch, *keys: Key) -> NDArray[np.intp]:
    """Return a number per packet, 0 to k-1, the same for the same source, target and port as asked."""
    number = np.zeros(len(batch), np.intp)
    for key in keys:
        for word in _WORDS[key]:
            values = batch.words[:, word]
            if len(values) and (values != values[0]).any():
                inner = np.unique(values, return_inverse=True)[1]
                pair = number * (int(inner.max()) + 1) + inner
                number = np.unique(pair, return_inverse=True)[1].astype(np.intp)
    return number


def has_ports(dossier: Dossier) -> bool:
    """Tell whether the destination port is there to see."""
    return dossier.port_field is not None and dossier.field(dossier.port_field) is not None


def split(values: NDArray[np.int64], number: NDArray[np.intp], fewest: int = 1) -> list[NDArray[np.int64]]:
    """Return the values of each group of at least ``fewest``, in the order of the packets, groups by number."""
    if fewest > 1:
        large = np.bincount(number)[number] >= fewest
        values, number = values[large], number[large]
    if not len(values):
        return []
    order = np.argsort(number, kind="stable")
    cuts = np.flatnonzero(np.diff(number[order])) + 1
    return np.split(values[order], cuts)


def neighbours(values: NDArray[np.int64], number: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the values of all pairs of packets that follow each other in one group: the earlier, the later."""
    order = np.argsort(number, kind="stable")
    values, number = values[order], number[order]
    same = number[1:] == number[:-1]
    return values[:-1][same], values[1:][same]


def shown(batch: PacketBatch) -> tuple[int, ...]:
    """Return the ids of the first packets, as evidence."""
    return tuple(int(packet_id) for packet_id in batch.packet_id[:PACKETS_SHOWN])


def packets_with(dossier: Dossier, name: str) -> tuple[int, ...]:
    """Return the ids of the first packets of the sample that show a field."""
    visible = np.flatnonzero(dossier.sample.words[:, PRESENT] & np.uint32(visibility_bit(FIELDS[name].word)))
    return shown(dossier.sample.take(visible[:PACKETS_SHOWN]))
