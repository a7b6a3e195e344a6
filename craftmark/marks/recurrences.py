"""Fields that follow from the same and other fields of earlier probes: generators told without rule and without seed.

Looked for in fields drawn anew in each probe, on runs of probes with none missing between: linear congruences with
unknown parameters (each value from the one before), those of C libraries that give out only upper bits of their state,
and the additive generator of degree 31 of random() in glibc, uClibc and the BSDs, whose outputs are the sums of those 3
and 31 before, whatever it was seeded with and however they are dealt out to fields.

Cost of one scan: 1 ms; 20 ms where the top bits of a field are clear in all probes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.congruences import KNOWN, full, outputs, states
from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.chance import LOG10_2, STATED_AT, at_least
from craftmark.marks.sequences import shown
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.kernels.congruences import Truncated
    from craftmark.packets.batch import PacketBatch

    Ints = NDArray[np.int64]

_FIELDS: Final = (
    "tcp_seq",
    "tcp_ack",
    "ip_id",
    "tcp_sport",
    "udp_sport",
    "tcp_win",
    "icmp_id",
    "icmp_seq",
    "sctp_vtag",
)
#: Probes below which nothing is looked for, and probes looked at.
FEWEST: Final = 14
_ROWS: Final = 512
#: Share of different values from which a field is drawn anew in each probe.
_DRAWN: Final = 0.9
#: Values in a row that a congruence is fitted on, and places where it is tried.
_FITTED: Final = 12
_HIDDEN_FITTED: Final = 6
_PLACES: Final = 4
#: Values from which a clear top bit is no chance.
_CLEAR_FROM: Final = 20
#: Outputs of one generator that a probe may take, at most.
_STEPS: Final = 4
_NTH: Final = ("", "", "second", "third", "fourth")
#: Values that a fit of unknown factor, addend and modulus takes up.
_SPENT: Final = 4
_LAGS: Final = (3, 31)
_RANDOM: Final = "random() of glibc, uClibc or a BSD"
_HALF: Final = 0xFFFF
#: Probes needed beyond the longest lag of the additive generator.
_ADDITIVE_FROM: Final = 48


@dataclass(frozen=True, slots=True)
class Column:
    """Values of a field in the order of the probes, in the byte order of the wire or the other."""

    name: str
    values: Ints
    is_swapped: bool

    @property
    def bits(self) -> int:
        """Width of the field."""
        return FIELDS[self.name].bits

    @property
    def says(self) -> str:
        """The field, for a statement."""
        return f"swap{self.bits}({self.name})" if self.is_swapped else self.name


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of some fields: the family's name, whose generator it is, and in how many probes it held.

    checked: of these, how many it was not fitted on.
    """

    fields: tuple[str, ...]
    statement: str
    name: str
    generator: str
    values: tuple[int, ...]
    held: int
    seen: int
    checked: int
    log10_chance: float


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return a mark for each field that follows from earlier probes by a congruence or a sum."""
    if dossier.probes < FEWEST:
        return []
    packets = dossier.consecutive.take(slice(0, _ROWS))
    columns = list(_columns(dossier, packets))
    found = [one for column in columns for one in (_full(column), _hidden(column)) if one is not None]
    return [_mark(dossier, packets, one) for one in found or _additive(columns)]


def _columns(dossier: Dossier, packets: PacketBatch) -> Iterator[Column]:
    """Yield the fields drawn anew in each probe, in both byte orders."""
    for name in _FIELDS:
        evidence = dossier.field(name)
        if evidence is None or evidence.constant is not None or 2 * evidence.distinct < min(evidence.seen, FEWEST):
            continue
        if not packets.present(name).all():
            continue
        values = packets.column(name)
        if len(np.unique(values)) >= _DRAWN * len(values):
            swapped = values.astype(np.uint16 if FIELDS[name].bits == 16 else np.uint32).byteswap()
            yield Column(name, values.astype(np.int64), is_swapped=False)
            yield Column(name, swapped.astype(np.int64), is_swapped=True)


def _places(count: int, length: int) -> list[int]:
    """Return the rows at which a fit is tried: a foreign probe may be among the first."""
    return sorted({place for place in (0, length, count // 2, count - length) if 0 <= place <= count - length})


def _full(column: Column) -> Finding | None:
    """Return a congruence with whatever parameters, of which the field shows each value whole."""
    values = column.values
    for place in _places(len(values), _FITTED):
        law = full(values[place : place + _FITTED].tolist())
        if law is None or law.factor == 1:
            continue
        held = int((law.after(values[:-1]) == values[1:]).sum())
        chance = log10(len(_FIELDS) * 2 * _PLACES) + at_least(len(values) - 1 - _SPENT, held - _SPENT, 1 / law.modulus)
        if chance <= STATED_AT:
            modulus = _power(law.modulus)
            return Finding(
                fields=(column.name,),
                statement=f"{column.says} = (previous * {law.factor} + {law.addend}) mod {modulus}",
                name="congruential",
                generator=f"x * {law.factor} + {law.addend} mod {modulus}",
                values=(law.factor, law.addend, law.modulus),
                held=held,
                seen=len(values) - 1,
                checked=held - _FITTED + 1,
                log10_chance=chance,
            )
    return None


def _power(number: int) -> str:
    return f"2^{number.bit_length() - 1}" if number & number - 1 == 0 else f"{number:,}"


def _hidden(column: Column) -> Finding | None:
    """Return a library's generator of which the field shows the upper bits."""
    values = column.values
    for known in KNOWN.values():
        if known.bits >= column.bits or len(values) < _CLEAR_FROM or int(values.max()) >> known.bits:
            continue
        for place in _places(len(values), _HIDDEN_FITTED):
            for step in range(1, _STEPS + 1):
                found = _followed(column, known, place, step)
                if found is not None:
                    return found
    return None


def _followed(column: Column, known: Truncated, place: int, step: int) -> Finding | None:
    """Fit the hidden bits on a few values, and follow the others."""
    values = column.values[place:]
    found = states(known, values[:_HIDDEN_FITTED], step)
    if not len(found):
        return None
    held = int((outputs(known, int(found[0]), step, len(values)) == values).sum())
    tried = log10(len(_FIELDS) * 2 * _PLACES * _STEPS * len(KNOWN)) + known.shift * LOG10_2
    chance = tried + at_least(len(values) - 1, held - 1, 2.0**-known.bits)
    every = "" if step == 1 else f", every {_NTH[step]} output"
    return (
        Finding(
            fields=(column.name,),
            statement=f"{column.says}: {known.says}{every}",
            name="truncated",
            generator=known.says,
            values=(int(found[0]),),
            held=held,
            seen=len(values),
            checked=held - _HIDDEN_FITTED,
            log10_chance=chance,
        )
        if chance <= STATED_AT
        else None
    )


def _additive(columns: list[Column]) -> list[Finding]:
    """Return what is found of fields that are sums of fields of earlier probes, as random() makes them."""
    wide = [one for one in columns if one.bits == 32 and not int(one.values.max()) >> 31]
    if not wide or len(wide[0].values) < _ADDITIVE_FROM:
        return []
    dealt = [*wide, *(one for one in columns if one.bits == 16)]
    sums = [one for one in (_sum(column, dealt) for column in dealt) if one is not None]
    if not sums:
        return []
    held = sum(one.held for one in sums)
    says = "; ".join(one.statement for one in sums)
    return [
        Finding(
            fields=tuple(dict.fromkeys(one.fields[0] for one in sums)),
            statement=f"{says}: outputs of {_RANDOM}, sums of those {_LAGS[0]} and {_LAGS[1]} before",
            name="additive",
            generator=_RANDOM,
            values=(),
            held=held,
            seen=sum(one.seen for one in sums),
            checked=held,
            log10_chance=min(one.log10_chance for one in sums),
        )
    ]


def _sum(column: Column, dealt: list[Column]) -> Finding | None:
    """Return in how many probes a field is the sum of two earlier ones, or one more: the carry of a hidden bit."""
    rows = np.arange(_LAGS[1], len(column.values))
    lags = range(1, _LAGS[1] + 1)
    earlier = np.stack([one.values[rows - lag] & _HALF for one in dealt for lag in lags])
    for near in dealt:
        for lag in range(int(near is column), _LAGS[0] + 1):
            rest = column.values[rows] - near.values[rows - lag]
            counts = ((rest - earlier & _HALF) <= 1).sum(axis=1)
            best = int(np.argmax(counts))
            far, back = dealt[best // len(lags)], lags[best % len(lags)]
            bits = min(31, column.bits, near.bits, far.bits)
            held = int((rest - far.values[rows - back] & (1 << bits) - 1 <= 1).sum())
            tried = log10(len(dealt) ** 3 * len(lags) * (_LAGS[0] + 1))
            chance = tried + at_least(len(rows), held, 2.0 ** (1 - bits))
            if chance <= STATED_AT:
                says = f"{column.says} = {_before(near, lag)} + {_before(far, back)}"
                return Finding((column.name,), says, "sum", _RANDOM, (), held, len(rows), held, chance)
    return None


def _before(column: Column, lag: int) -> str:
    return {0: column.says, 1: f"previous {column.says}"}.get(lag, f"{column.says} {lag} probes ago")


def _mark(dossier: Dossier, packets: PacketBatch, found: Finding) -> Toolmark:
    return Toolmark(
        kind="generator",
        statement=found.statement,
        fields=found.fields,
        held=found.held,
        seen=found.seen,
        log10_chance=min(0.0, found.log10_chance),
        level="class",
        name=found.name,
        values=found.values,
        sampled=len(packets) < dossier.probes,
        packets=shown(packets),
        recovered=(Recovered("generator", found.generator, 0.95, max(found.checked, 0)),),
        one_stream=len(np.unique(packets.column("ip_src"))),
    )
