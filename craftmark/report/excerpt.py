"""What pictures of a scan are drawn from: a bounded excerpt of its evidence, kept in the report.

A saved report is drawn again without the capture, so whatever a picture needs stands in the document; the whole
document stays small, since all scans share a budget of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.wording import value_text
from craftmark.packets.fields import FIELDS, IP_DST, IP_SRC, visibility_bit
from craftmark.report import drawn as d

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from craftmark.evidence.dossier import Dossier, FieldEvidence
    from craftmark.marks.base import Toolmark
    from craftmark.packets.batch import PacketBatch

#: Rows of all samples in one report, and of one sample at most and at least.
ROWS_IN_ALL: Final = 8_192
ROWS_AT_MOST: Final = 512
ROWS_AT_LEAST: Final = 32

#: Fields whose bits say nothing of the code: derived from the packet's bytes, or of the link.
_NOT_HEADER: Final = frozenset({"payload_hash", "payload_head", "link_src", "tcp_options"})

_ROLES: Final[Mapping[str, d.FieldRole]] = {"relation": "relation", "counter": "counter", "generator": "generator"}


def rows_each(scans: int) -> int:
    """Return how many rows each of so many scans may draw."""
    return max(ROWS_AT_LEAST, min(ROWS_AT_MOST, ROWS_IN_ALL // max(scans, 1)))


def drawn_of(part: Dossier, marks: Sequence[Toolmark], rows: int) -> d.Drawn:
    """Return what the pictures of one kind of probe are drawn from."""
    every = len(part.sample) <= rows and not part.sampled
    run = part.consecutive.take(slice(0, rows // 2))
    return d.Drawn(
        header=tuple(_field(part, evidence, marks) for evidence in part.fields.values() if _is_header(evidence)),
        spread=_sample(part, _spread(part.sample, rows), complete=every, consecutive=every),
        run=_sample(part, run.take(slice(0, 0)) if every else run, complete=False, consecutive=not every),
        gaps=tuple(_gaps(part.consecutive.ts_ns)) if part.has_time else (),
    )


def _is_header(evidence: FieldEvidence) -> bool:
    return evidence.name not in _NOT_HEADER and bool(evidence.seen or evidence.unseen)


def _field(part: Dossier, evidence: FieldEvidence, marks: Sequence[Toolmark]) -> d.HeaderField:
    varies = bool(evidence.seen) and evidence.constant is None
    role, formula = _role(evidence, marks)
    return d.HeaderField(
        name=evidence.name,
        bits=FIELDS[evidence.name].bits,
        seen=evidence.seen,
        unseen=evidence.unseen,
        absent=evidence.absent,
        always=evidence.always_one if evidence.seen else 0,
        ever=evidence.ever_one,
        ones=_ones(part.sample, evidence.name) if varies else (),
        role=role,
        formula=formula,
    )


def _role(evidence: FieldEvidence, marks: Iterable[Toolmark]) -> tuple[d.FieldRole, str]:
    if not evidence.seen:
        return ("unseen" if evidence.unseen else "absent"), ""
    if evidence.constant is not None:
        return "constant", f"{evidence.name} = {value_text(evidence.name, evidence.constant)}"
    for mark in marks:
        if mark.kind in _ROLES and mark.fields[:1] == (evidence.name,):
            return _ROLES[mark.kind], mark.statement
    return "varies", ""


def _ones(sample: PacketBatch, name: str) -> tuple[int, ...]:
    """Return per bit, the highest first, in how many of a thousand packets that show the field it is set."""
    values = sample.column(name)[sample.present(name)] if visibility_bit(FIELDS[name].word) else sample.column(name)
    if not len(values):
        return ()
    bits = FIELDS[name].bits
    shifted = values[:, None] >> np.arange(bits - 1, -1, -1, dtype=np.uint32)
    counts = np.count_nonzero(shifted & np.uint32(1), axis=0)
    return tuple(int(count) * 1000 // len(values) for count in counts)


def _spread(sample: PacketBatch, rows: int) -> PacketBatch:
    """Return at most so many packets, evenly over the sample's order."""
    if len(sample) <= rows:
        return sample
    return sample.take(np.linspace(0, len(sample) - 1, rows).round().astype(np.intp))


def _sample(part: Dossier, batch: PacketBatch, *, complete: bool, consecutive: bool) -> d.Sample:
    offsets = (batch.ts_ns - part.first_ns).tolist() if part.has_time else []
    columns = [_column(batch, name) for name in part.fields if _is_drawn(part, name)]
    return d.Sample(len(batch), complete, consecutive, tuple(offsets), tuple(columns))


def _is_drawn(part: Dossier, name: str) -> bool:
    evidence = part.field(name)
    if evidence is None or name in _NOT_HEADER:
        return False
    return evidence.constant is None or FIELDS[name].word in (IP_SRC, IP_DST)


def _column(batch: PacketBatch, name: str) -> d.Column:
    shown = batch.present(name) | (visibility_bit(FIELDS[name].word) == 0)
    values = batch.column(name).tolist()
    return d.Column(name, tuple(value if seen else None for value, seen in zip(values, shown.tolist(), strict=True)))


def _gaps(ts_ns: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterable[d.GapBin]:
    """Yield the gaps between neighbours in bins of a quarter of a power of ten, empty ones left out; 0 by itself."""
    gaps = np.diff(np.sort(ts_ns))
    if not len(gaps):
        return
    zero = int(np.count_nonzero(gaps == 0))
    if zero:
        yield d.GapBin(0, 1, zero)
    places = np.floor(np.log10(gaps[gaps > 0]) * 4).astype(np.int64)
    for place, count in zip(*np.unique(places, return_counts=True), strict=True):
        yield d.GapBin(_edge(int(place)), _edge(int(place) + 1), int(count))


def _edge(place: int) -> int:
    return round(10 ** (place / 4))
