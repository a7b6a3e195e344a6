"""Which probes stand out from their sweep: another value where all others have one, or a kind hardly ever sent.

A sweep is noise to whoever waits for one packet in it. A probe that stands out need not be a message: routers rewrite
fields, senders start again, other programs share the address. It is named, so that somebody can look at what followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.assess.base import PACKETS_SHOWN, Claim
from craftmark.assess.carriers import CHOSEN
from craftmark.assess.reach import bits_in_prose
from craftmark.marks.wording import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.assess.base import Subject
    from craftmark.evidence.dossier import Dossier

#: Probes from which a sweep is a background, and the largest share of it, and number, that stand out from it.
FEWEST: Final = 64
RARE: Final = 0.01
MOST: Final = 16
#: Fields that a sweep keeps and that a message could be in, beside those whose value a code chooses.
KEPT: Final = (*CHOSEN, "payload_len", "payload_hash")


@dataclass(frozen=True, slots=True)
class Outlier:
    """Probes that stand out alike: how, in words, how many, and packet_id of the first of them."""

    words: str
    probes: int
    packets: tuple[int, ...]


def outliers(subject: Subject) -> tuple[Outlier, ...]:
    """Return what stands out from a scan's main kind of probe; pure."""
    main = subject.main
    if subject.is_flood or main.probes < FEWEST or subject.maker.kind == "stack":
        return ()
    return (*_odd_values(main), *_rare_kinds(subject))


def _odd_values(part: Dossier) -> Iterator[Outlier]:
    """Yield rare values of fields that are otherwise one value, field by field."""
    batch = part.sample
    for name in KEPT:
        evidence = part.field(name)
        if evidence is None or evidence.constant is not None:
            continue
        shown = batch.take(batch.present(name))
        values, place, counts = np.unique(shown.column(name), return_inverse=True, return_counts=True)
        if len(shown) < FEWEST or len(values) < 2:
            continue
        usual = int(counts.argmax())
        odd = np.flatnonzero(place.reshape(-1) != usual)
        if len(odd) > min(MOST, RARE * len(shown)):
            continue
        others = ", ".join(value_text(name, int(one)) for one in np.delete(values, usual)[:3])
        words = (
            f"{name} is {others}, where {len(shown) - len(odd):,} probes have {value_text(name, int(values[usual]))}"
        )
        yield Outlier(words, len(odd), tuple(int(one) for one in shown.packet_id[odd][:PACKETS_SHOWN]))


def _rare_kinds(subject: Subject) -> Iterator[Outlier]:
    """Yield the other kinds of probe of the scan that are as rare."""
    for part in subject.parts[1:]:
        if part.probes <= min(MOST, RARE * subject.main.probes):
            kind = " ".join(word for word in (part.protocol_name, bits_in_prose(part.control_bits)) if word)
            packets = tuple(int(one) for one in part.sample.packet_id[:PACKETS_SHOWN])
            yield Outlier(f"{kind}, where {subject.main.probes:,} probes are of another kind", part.probes, packets)


def claim_of_outliers(subject: Subject) -> Claim | None:
    """Return which probes stand out, None where none does."""
    found = outliers(subject)
    if not found:
        return None
    packets = tuple(dict.fromkeys(packet for one in found for packet in one.packets))
    number = "1 probe stands" if len(packets) == 1 else f"{max(len(packets), found[0].probes):,} probes stand"
    return Claim(
        about=subject.id,
        statement=f"{number} out from the sweep: {found[0].words}",
        confidence="fair",
        for_=tuple(f"{one.probes:,}: {one.words}" for one in found),
        against=("a router may have rewritten a field, or another program shares the source",),
        settled_by="what the targets sent out right after these packets",
        packets=packets[:PACKETS_SHOWN],
    )
