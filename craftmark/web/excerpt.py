"""A few packets of a case, decoded and as octets, for a reader who wants to see what a claim rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from craftmark.marks.wording import value_text
from craftmark.packets.batch import INPUT_SHIFT, source_text, target_text
from craftmark.packets.fields import fields_of
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import open_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.packets.batch import PacketBatch

#: Octets of a frame that are shown, and packets in one excerpt.
OCTETS_SHOWN: Final = 256
PACKETS_SHOWN: Final = 64


def excerpt(paths: Sequence[str], wanted: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return packets given as (input, packet), both counted from 1: their fields and octets, in the order read."""
    ids = np.array(sorted({number << INPUT_SHIFT | packet for number, packet in wanted[:PACKETS_SHOWN]}), np.int64)
    found: list[dict[str, Any]] = []
    for batch in open_inputs(list(paths), options=SourceOptions()).batches():
        found += [_packet(batch, row) for row in np.flatnonzero(np.isin(batch.packet_id, ids)).tolist()]
        if len(found) == len(ids):
            break
    return found


def _packet(batch: PacketBatch, row: int) -> dict[str, Any]:
    one = batch.take(slice(row, row + 1))
    words = one.words[0]
    fields = {"ip_src": source_text(words), "ip_dst": target_text(words)}
    for field in fields_of(int(words[4])):
        if field.name in fields:
            continue
        if one.present(field.name)[0]:
            fields[field.name] = value_text(field.name, int(one.column(field.name)[0]))
        elif one.unseen(field.name)[0]:
            fields[field.name] = "unseen"
    number = int(one.packet_id[0])
    return {
        "input": number >> INPUT_SHIFT,
        "packet": number & ((1 << INPUT_SHIFT) - 1),
        "ts_ns": int(one.ts_ns[0]),
        "fields": fields,
        "octets": _octets(batch, row),
    }


def _octets(batch: PacketBatch, row: int) -> str:
    """Return the first octets of the frame in hexadecimal, "" where there is no frame."""
    raw = batch.raw
    if raw is None:
        return ""
    first, size = int(raw.starts[row]), int(raw.captured[row])
    return raw.octets[first : first + min(size, OCTETS_SHOWN)].tobytes().hex()
