"""From finished strands to a dossier: the strands of one kind of probe become one body of evidence.

Counts are exact: large strands bring their masks and counts, small ones their rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.distinct import REGISTER_BITS, estimate, ports_of
from craftmark.evidence.dossier import Dossier, FieldEvidence, Party, RelationEvidence
from craftmark.evidence.finished import Finished, fair_ranks, in_time_order
from craftmark.evidence.relations import evaluate
from craftmark.evidence.strides import WATCHED
from craftmark.kernels.grouping import KEY_PRESENT, KEY_UNSEEN
from craftmark.kernels.sketches import fold_targets
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, source_text, target_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints

#: Sources and targets named in a dossier, and rows that marks are inferred from.
PARTIES = 64
SAMPLE_ROWS = 65_536


def dossier_of(finished: Finished, strands: Ints) -> Dossier:
    """Return the evidence of some strands of one protocol and kind as one dossier."""
    first = int(strands[0])
    small = finished.small_rows(strands)
    protocol = int(finished.protocol[first])
    sample = _capped(finished.fair_rows(strands))
    sampled = bool((finished.slot[strands] >= 0).any()) or len(sample) < int(finished.count[strands].sum())
    probes = int(finished.count[strands].sum())
    fields = {field.name: _field(finished, strands, small, field, sample) for field in f.fields_of(protocol)}
    targets, targets_total, exact = _targets(finished, strands, small, sample, probes, sampled=sampled)
    ports = _ports(finished, strands, small)
    sources, sources_total = _sources(finished, strands)
    return Dossier(
        protocol=protocol,
        control_bits=_control_bits(finished, first),
        icmp=_icmp(finished, first),
        ip_version=int(finished.keys[first, 4] >> 16) & 15,
        probes=probes,
        first_ns=int(finished.first_ns[strands].min()),
        last_ns=int(finished.last_ns[strands].max()),
        has_time=not _masks(finished, _slots(finished, strands), f.NOTES, small.words[:, f.NOTES])[3] & f.NOTE_NO_TIME,
        layout=_layout(fields, finished, strands),
        fields=fields,
        relations=_relations(finished, sample),
        sources=sources,
        sources_total=sources_total,
        targets=targets,
        targets_total=targets_total,
        targets_exact=exact,
        ports=ports,
        ports_total=len(ports),
        sample=sample,
        sampled=sampled,
        consecutive=_capped(finished.run_rows(strands)) if sampled else sample,
    )


def _control_bits(finished: Finished, strand: int) -> int | None:
    if finished.protocol[strand] != f.TCP or finished.hides_bits[strand]:
        return None
    return int(finished.bits[strand])


def _icmp(finished: Finished, strand: int) -> tuple[int, int] | None:
    if finished.protocol[strand] not in (f.ICMP, f.ICMP6) or finished.hides_bits[strand]:
        return None
    return divmod(int(finished.bits[strand]), 256)


def _capped(batch: PacketBatch) -> PacketBatch:
    if len(batch) <= SAMPLE_ROWS:
        return batch
    ranks = fair_ranks(batch)
    return in_time_order(batch.take(np.argpartition(ranks, SAMPLE_ROWS)[:SAMPLE_ROWS]))


def _slots(finished: Finished, strands: Ints) -> Ints:
    slot = finished.slot[strands]
    return slot[slot >= 0]


def _field(finished: Finished, strands: Ints, small: PacketBatch, field: f.Field, sample: PacketBatch) -> FieldEvidence:
    bit = np.uint32(f.visibility_bit(field.word))
    count = finished.count[strands]
    shown = (finished.keys[strands, KEY_PRESENT] & bit) != 0
    hidden = (finished.keys[strands, KEY_UNSEEN] & bit) != 0
    seen, unseen = int(count[shown].sum()), int(count[hidden].sum())
    if bit == 0:
        seen, shown = int(count.sum()), np.ones(len(strands), bool)
    absent = int(count.sum()) - seen - unseen
    if not seen:
        return FieldEvidence(field.name, 0, unseen, absent, 0, 0, 0, 0, 0, 0)
    rows = small.words[:, field.word]
    if bit:
        rows = rows[(small.words[:, f.PRESENT] & bit) != 0]
    low, high, always, ever = _masks(finished, _slots(finished, strands[shown]), field.word, rows)
    column = sample.words[:, field.word]
    if bit:
        column = column[(sample.words[:, f.PRESENT] & bit) != 0]
    return FieldEvidence(
        field.name, seen, unseen, absent, low, high, always, ever,
        stride=_stride(finished, _slots(finished, strands[shown]), field.word, rows),
        distinct=1 if low == high else max(len(np.unique(column)), 2),
    )  # fmt: skip


def _masks(finished: Finished, slots: Ints, word: int, rows: NDArray[np.uint32]) -> tuple[int, int, int, int]:
    masks = finished.evidence.values.masks_of(slots, word, rows)
    return masks["low"], masks["high"], masks["always"], masks["ever"]


def _stride(finished: Finished, slots: Ints, word: int, rows: NDArray[np.uint32]) -> int:
    """Return the gcd of all differences; 0 where large strands do not watch this word."""
    column = np.flatnonzero(word == WATCHED)
    own = np.abs(rows.astype(np.int64) - int(rows[0])) if len(rows) else np.empty(0, np.int64)
    if not len(slots):
        return int(np.gcd.reduce(own))
    if not len(column):
        return 0
    state = finished.evidence.strides.state
    bases = np.append(state["base"][slots, column[0]], rows[:1].astype(np.int64))
    gaps = np.append(np.abs(bases - bases[0]), state["stride"][slots, column[0]])
    return int(np.gcd.reduce(np.append(gaps, own)))


def _layout(fields: dict[str, FieldEvidence], finished: Finished, strands: Ints) -> tuple[str, ...] | None:
    options = fields.get("tcp_options")
    if options is None or options.seen == 0 or options.unseen or options.constant is None:
        return None
    low = finished.keys[strands, 7]
    return f.option_layout(options.constant, int(low[0])) if (low == low[0]).all() else None


def _relations(finished: Finished, sample: PacketBatch) -> dict[str, RelationEvidence]:
    """Return how often each relation held in the known rows that show its fields."""
    relations = finished.evidence.relations
    values, seen = evaluate(tuple(relations.values()), sample)
    found = {}
    for number, (text, expression) in enumerate(relations.items()):
        shown = values[number, seen[number]]
        if not len(shown):
            continue
        if expression.is_predicate:
            found[text] = RelationEvidence(text, len(shown), int(np.count_nonzero(shown)), None)
            continue
        constant = bool((shown == shown[0]).all())
        found[text] = RelationEvidence(text, len(shown), len(shown) * constant, int(shown[0]) if constant else None)
    return found


def _sources(finished: Finished, strands: Ints) -> tuple[tuple[Party, ...], int]:
    number, first = np.unique(finished.source[strands], return_index=True)
    probes = np.bincount(np.searchsorted(number, finished.source[strands]), finished.count[strands])
    order = np.argsort(-probes, kind="stable")[:PARTIES]
    parties = [Party(source_name(finished, int(strands[first[i]])), int(probes[i])) for i in order]
    return tuple(sorted(parties, key=lambda party: (-party.probes, party.address))), len(number)


def source_name(finished: Finished, strand: int) -> str:
    """Return the source address of a strand as text."""
    row = np.zeros(f.WORDS, np.uint32)
    row[f.IP_SRC] = finished.keys[strand, 0]
    row[f.IP_SRC_HIGH : f.IP_SRC_HIGH + 3] = finished.keys[strand, 1:4]
    row[f.IP_VERSION] = (finished.keys[strand, 4] >> 16) & 15
    return source_text(row)


def target_identity(words: NDArray[np.uint32]) -> Ints:
    """Return one number per row that is equal exactly for equal destination addresses, within these rows."""
    low = words[:, f.IP_DST].astype(np.int64)
    high = words[:, f.IP_DST_HIGH : f.IP_DST_HIGH + 3]
    if not high.any():
        return low
    return np.unique(np.column_stack([high, words[:, f.IP_DST]]), axis=0, return_inverse=True)[1].reshape(-1)


def _targets(
    finished: Finished, strands: Ints, small: PacketBatch, sample: PacketBatch, probes: int, *, sampled: bool
) -> tuple[tuple[Party, ...], int, bool]:
    identity = target_identity(sample.words)
    _, first, counts = np.unique(identity, return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:PARTIES]
    scale = probes / max(len(sample), 1)
    parties = [Party(target_text(sample.words[first[i]]), round(int(counts[i]) * scale)) for i in order]
    total = len(counts)
    exact = not sampled or _one_target(finished, strands, small)
    if not exact:
        total = max(total, 2, min(probes, _estimated_targets(finished, strands, small)))  # each probe has one target
    return tuple(sorted(parties, key=lambda party: (-party.probes, party.address))), total, exact


def _one_target(finished: Finished, strands: Ints, small: PacketBatch) -> bool:
    """Tell whether all packets went to one address."""
    words = (f.IP_DST, f.IP_DST_HIGH, f.IP_DST_HIGH + 1, f.IP_DST_HIGH + 2)
    masks = [_masks(finished, _slots(finished, strands), word, small.words[:, word]) for word in words]
    return all(low == high for low, high, _, _ in masks)


def _estimated_targets(finished: Finished, strands: Ints, small: PacketBatch) -> int:
    sketch = finished.evidence.targets
    if sketch is None:
        return 0
    registers = np.zeros((1, 1 << REGISTER_BITS), np.uint8)
    rows = np.arange(len(small))
    fold_targets(len(rows), rows, np.zeros(len(rows), np.int64), small.words, registers, REGISTER_BITS)
    slots = _slots(finished, strands)
    every: Iterable[NDArray[np.uint8]] = [registers[0], *sketch.state["registers"][slots]]
    return estimate(np.maximum.reduce(list(every)))


def _ports(finished: Finished, strands: Ints, small: PacketBatch) -> tuple[int, ...]:
    protocol = int(finished.protocol[int(strands[0])])
    if protocol not in (f.TCP, f.UDP, f.SCTP):
        return ()
    bit = np.uint32(f.visibility_bit(f.DPORT))
    has_port = (small.words[:, f.PRESENT] & bit) != 0
    ports = [small.words[has_port, f.DPORT].astype(np.int64)]
    slots = _slots(finished, strands[(finished.keys[strands, KEY_PRESENT] & bit) != 0])
    if finished.evidence.ports is not None:
        bitmaps = finished.evidence.ports.state["bitmap"][slots]
        ports += [ports_of(np.bitwise_or.reduce(bitmaps, axis=0))] if len(slots) else []
    else:
        ports += [finished.evidence.fair.rows(int(slot)).words[:, f.DPORT].astype(np.int64) for slot in slots]
    return tuple(int(port) for port in np.unique(np.concatenate(ports)))
