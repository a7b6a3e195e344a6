"""Relations from one probe to the next: streams of shift registers, whose bits are xor of bits one or two probes ago.

Looked for in fields that are drawn anew in each probe (a counter's low bits need no algebra), and in targets that are
drawn so. What holds within one probe is no stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import LOG10_2
from craftmark.marks.relations.columns import SPARE, Columns, goes_by_rule
from craftmark.marks.relations.headers import conversations, field_values
from craftmark.marks.relations.proof import FOUND_AT, toggles
from craftmark.marks.sequences import groups, shown
from craftmark.marks.wording import counted, listed
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.relations.headers import Headers
    from craftmark.packets.batch import PacketBatch

#: Probes looked at, and columns of single bits beyond which only the probe before is.
_ROWS: Final = 1024
_COLUMNS: Final = 240
#: Share of different values from which a field is drawn anew in each probe.
_DRAWN: Final = 0.9
_BEFORE: Final = ("", "previous ", "earlier ")

Values = dict[str, "NDArray[np.int64]"]


def find(dossier: Dossier, headers: Headers, explained: frozenset[str]) -> list[Toolmark]:
    """Return a mark for each field whose bits follow from the probes before, of those not explained already."""
    packets = dossier.consecutive.take(slice(0, _ROWS))
    if len(packets) < SPARE or conversations(packets) is not None:
        return []
    drawn = _drawn(headers, packets, explained)
    bits = sum(FIELDS[name].bits for name in drawn)
    for lags in (1, 2):
        if not drawn or (lags + 1) * bits > _COLUMNS:
            break
        rows = _runs(packets, lags)
        if len(rows) < (lags + 1) * bits / 2 + SPARE:
            break
        marks = _found(dossier, packets, drawn, rows)
        if marks:
            return marks
    return []


def _drawn(headers: Headers, packets: PacketBatch, explained: frozenset[str]) -> Values:
    """Return the fields that are drawn anew in each probe, the target first."""
    found: Values = {}
    for name in headers.names:
        values = field_values(packets, name)
        if name in explained or name in ("ip_src", "tcp_dport", "udp_dport", "sctp_dport"):
            continue
        if len(np.unique(values)) >= _DRAWN * len(values) and not goes_by_rule(values, FIELDS[name].bits):
            found[name] = values
    return found


def _runs(packets: PacketBatch, lags: int) -> NDArray[np.intp]:
    """Return the rows of each probe and of those before it from the same source, the latest first."""
    number = groups(packets, "source")
    order = np.argsort(number, kind="stable")
    columns = [order[lags - lag : len(order) - lag] for lag in range(lags + 1)]
    same = number[columns[0]] == number[columns[-1]]
    return np.stack([column[same] for column in columns], axis=1)


def _found(dossier: Dossier, packets: PacketBatch, drawn: Values, rows: NDArray[np.intp]) -> list[Toolmark]:
    lags = range(rows.shape[1] - 1, -1, -1)
    fields = [(_BEFORE[lag] + name, FIELDS[name].bits, drawn[name][rows[:, lag]]) for lag in lags for name in drawn]
    table = Columns(fields, frozenset(drawn))
    before, masks = table.relations(table.everything)
    tried = len(table.independent([*before, *masks])) + 1 + len(fields)
    found: dict[str, list[tuple[set[str], float]]] = {}
    for mask in masks:
        *others, (name, place) = table.bits_of(mask)
        sources = {other for other, _ in others}
        if sources <= set(drawn):
            continue
        proof = min(toggles(drawn[name][rows[:, 0]] >> place & 1), len(rows) - 1.0)
        if (tried - proof) * LOG10_2 <= FOUND_AT:
            found.setdefault(name, []).append((sources, (tried - proof) * LOG10_2))
    return [_mark(dossier, packets, name, bits, len(rows)) for name, bits in found.items()]


def _mark(dossier: Dossier, packets: PacketBatch, name: str, bits: list[tuple[set[str], float]], rows: int) -> Toolmark:
    fields = sorted({source.split(" ")[1] for sources, _ in bits for source in sources if " " in source})
    is_one = all(source.startswith(_BEFORE[1]) for sources, _ in bits for source in sources if " " in source)
    before = f"{listed(fields)} in {'the probe' if is_one else 'the two probes'} before"
    count = len(bits)
    return Toolmark(
        kind="generator",
        statement=f"{counted(count, 'bit')} of {name} {'is' if count == 1 else 'are'} xor of bits of {before}",
        fields=(name,),
        held=rows,
        seen=rows,
        log10_chance=sum(chance for _, chance in bits),
        level="class",
        name="shift-register",
        values=(count,),
        sampled=rows < dossier.probes - 1,
        packets=shown(packets),
    )
