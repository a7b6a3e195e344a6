"""A body of evidence as octets, and back: NumPy's own archive of plain arrays, nothing that runs when it is read.

Strands that are known whole are saved as their rows, the others with their deep states. What is read back finishes to
the same bytes, and goes on as the saved one would have.
"""

from __future__ import annotations

import io
import secrets
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from craftmark.errors import EvidenceError
from craftmark.evidence.fold import CAPACITIES, Evidence
from craftmark.evidence.part import enter_large
from craftmark.evidence.tunnels import Tunnels
from craftmark.kernels.grouping import INFO_COLUMNS, KEY_WORDS, SLOT
from craftmark.packets.batch import PacketBatch
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.packets.expressions import Expression

#: Form of the archive: another number is another form.
_FORM: Final = 1
_PIECE_ROWS: Final = 65_536


def save(evidence: Evidence) -> bytes:
    """Return a body of evidence as octets; it is not changed. Its relations are not part of it."""
    strands = np.arange(len(evidence.strands))
    is_large = evidence.strands.info[strands, SLOT] >= 0
    large = strands[is_large]
    rows, _ = evidence.store.in_order(evidence.strands, strands[~is_large])
    known = evidence.store.batch.take(rows)
    arrays: dict[str, Any] = {
        "form": np.array([_FORM, evidence.capacity], np.int64),
        "keys": evidence.strands.keys[large],
        "info": evidence.strands.info[large],
        "words": known.words,
        "ts_ns": known.ts_ns,
        "packet_id": known.packet_id,
    }
    slots = evidence.strands.info[large, SLOT]
    for number, accumulator in enumerate(evidence.accumulators()):
        for name, array in accumulator.arrays().items():
            arrays[f"{number}.{name}"] = array[slots]
    arrays |= {f"tunnels.{name}": array for name, array in evidence.tunnels.arrays().items()}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def read_back(octets: bytes, relations: Mapping[str, Expression]) -> Evidence:
    """Return saved evidence, for the relations that are of interest now; raises EvidenceError if it is none."""
    try:
        with np.load(io.BytesIO(octets), allow_pickle=False) as archive:
            return _entered({name: archive[name] for name in archive.files}, relations)
    except (ValueError, KeyError, IndexError, EOFError, OSError, zipfile.BadZipFile) as fault:
        raise EvidenceError(f"no saved evidence that can be read: {fault}") from fault


def _entered(arrays: Mapping[str, Any], relations: Mapping[str, Expression]) -> Evidence:
    form, capacity = arrays["form"].tolist()
    if form != _FORM or capacity not in CAPACITIES:
        raise EvidenceError(f"saved evidence is of form {form}, not {_FORM}")
    keys, info = arrays["keys"], arrays["info"]
    known = PacketBatch(arrays["words"], arrays["ts_ns"], arrays["packet_id"])
    _check(keys.shape == (len(info), KEY_WORDS) and keys.dtype == np.uint32, "keys")
    _check(info.shape == (len(keys), INFO_COLUMNS) and info.dtype == np.int64, "info")
    _check(known.words.shape == (len(known), WORDS) and known.words.dtype == np.uint32, "words")
    _check(known.packet_id.shape == known.ts_ns.shape and known.ts_ns.dtype == known.packet_id.dtype == np.int64, "ids")
    evidence = Evidence(relations, seed=secrets.randbits(60))
    evidence.lower(capacity)
    states = [_state(arrays, number, len(keys), one.arrays()) for number, one in enumerate(evidence.accumulators())]
    enter_large(evidence, keys, info, states)
    for first in range(0, len(known), _PIECE_ROWS):
        evidence.update(known.take(slice(first, first + _PIECE_ROWS)))
    evidence.tunnels = Tunnels.from_arrays(arrays["tunnels.keys"], arrays["tunnels.counts"])
    return evidence


def _state(arrays: Mapping[str, Any], number: int, strands: int, like: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays of one accumulator, which must be of the kind that it has."""
    state = {name: arrays[f"{number}.{name}"] for name in like}
    for name, array in state.items():
        _check(array.shape == (strands, *like[name].shape[1:]) and array.dtype == like[name].dtype, name)
    return state


def _check(holds: bool, name: str) -> None:  # noqa: FBT001 - what is checked
    if not holds:
        raise EvidenceError(f"saved evidence has an array {name} of another kind")
