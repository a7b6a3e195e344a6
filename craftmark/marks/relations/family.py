"""The family: all relations of a dossier, each told once, in the rules' words where a rule has words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import at_least
from craftmark.marks.relations import bit_words, bits, formulas, named, streams, sums
from craftmark.marks.relations.headers import Headers, different_rows, headers_of
from craftmark.marks.relations.phrasing import phrased
from craftmark.marks.relations.proof import FOUND_AT, relation_chance, ways
from craftmark.marks.relations.told import Told
from craftmark.marks.sequences import shown
from craftmark.packets.expressions import parse
from craftmark.packets.linear import linear_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.relations.bits import BitRelation
    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression


#: Share of the packets from which those that break a relation are foreign.
_NEARLY_ALL: Final = 0.8


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return a mark for each relation that holds beyond chance and does not follow from those before it."""
    told = Told(dossier)
    by_rules = [(expression, mark) for expression, mark in named.find(dossier) if told.adds(expression)]
    marks = [mark for _, mark in by_rules]
    headers = headers_of(dossier)
    if headers is not None:
        found = list(_discovered(headers, told, _explained(headers.packets, by_rules), dossier))
        marks += [mark for mark, _ in found]
        marks += _bits(dossier, _kept(headers, [held for _, held in found]), told)
        explained = frozenset(mark.fields[0] for mark in marks)
        marks += streams.find(dossier, headers, explained)
    return marks + named.equal_constants(dossier)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A relation to be proven: what it explains, by how many bits, and how many were tried to find it."""

    expression: Expression
    explained: str
    word: Expression
    bits: int
    value: int
    given: int
    held: int
    log10_ways: float
    with_port: bool = False

    def rank(self, rows: int) -> tuple[object, ...]:
        """Return its place among all: what holds most often first, then what explains most, then the simplest."""
        text = str(self.expression)
        return -formulas.share_step(self.held, rows), -self.bits, self.log10_ways, len(text), self.value, text

    def holds(self, packets: PacketBatch) -> NDArray[np.bool_]:
        """Tell in which packets it holds."""
        held: NDArray[np.bool_] = self.expression.evaluate(packets) == (
            1 if self.expression.is_equation else self.value
        )
        return held


def _candidates(headers: Headers) -> list[_Candidate]:
    found = formulas.find(headers)
    parts = formulas.parts_of(headers) if found else 0
    candidates = [
        _Candidate(
            parse(one.text), one.explained, parse(one.word), one.bits, one.value, 1 if one.value else 0, one.held,
            sum(ways(parts, count) for count in one.parts),
        )
        for one in phrased(found, headers.chosen)
    ] + [
        _Candidate(
            parse(one.text), one.explained, parse(one.word), one.bits, one.value, one.given, one.held, one.log10_ways,
            one.with_port,
        )
        for one in sums.find(headers)
    ]  # fmt: skip
    return sorted(candidates, key=lambda one: one.rank(len(headers.packets)))


def _explained(packets: PacketBatch, by_rules: list[tuple[Expression, Toolmark]]) -> dict[str, NDArray[np.bool_]]:
    """Return per field the packets in which a relation that rules name gives it."""
    explained: dict[str, NDArray[np.bool_]] = {}
    for expression, mark in by_rules:
        wanted = 1 if expression.is_predicate else mark.values[0]
        held: NDArray[np.bool_] = expression.seen(packets) & (expression.evaluate(packets) == wanted)
        explained[mark.fields[0]] = held | explained.get(mark.fields[0], False)
    return explained


def _discovered(
    headers: Headers, told: Told, explained: dict[str, NDArray[np.bool_]], dossier: Dossier
) -> Iterator[tuple[Toolmark, NDArray[np.bool_]]]:
    """Yield the marks of candidates that are proven and new, with the packets in which each holds.

    An xor relation that holds in all packets is new if it does not follow from those told; any other must hold where
    nothing explains its field yet; and what arithmetic ties together needs no second relation.
    """
    tied: list[tuple[frozenset[str], NDArray[np.bool_]]] = []
    for one in _candidates(headers):
        held, names = one.holds(headers.packets), frozenset(one.expression.fields)
        is_linear = linear_form(one.expression) is not None
        known = [rows for fields, rows in tied if names <= fields]
        if one.explained in explained and not (is_linear and held.all()):
            known.append(explained[one.explained])
        if any(2 * np.count_nonzero(held & rows) > np.count_nonzero(held) for rows in known):
            continue
        chance = _chance(headers, one, held)
        if chance > FOUND_AT or not told.adds(one.expression):
            continue
        explained[one.explained] = held | explained.get(one.explained, False)
        if not is_linear:
            tied.append((names, held))
        yield found_mark(dossier, one.expression, one.value, chance), held


def _kept(headers: Headers, helds: list[NDArray[np.bool_]]) -> Headers:
    """Return the packets that keep what nearly all keep: the others are foreign."""
    nearly = [held for held in helds if not held.all() and np.count_nonzero(held) >= _NEARLY_ALL * len(held)]
    if not nearly:
        return headers
    return Headers(headers.packets.take(np.logical_and.reduce(nearly)), headers.given, headers.chosen)


def _chance(headers: Headers, one: _Candidate, held: NDArray[np.bool_]) -> float:
    """Return the chance of a candidate, corrected for all that were tried.

    A source port that goes with the target's port is told also where both only count: the scan steps both at once.
    """
    names = [name for name in one.expression.fields if name != one.explained] or [one.explained]
    everything, good = different_rows(headers.packets, names), different_rows(headers.packets.take(held), names)
    if one.with_port:
        return at_least(everything - one.given, good - one.given, 2.0**-one.bits) + one.log10_ways
    values = one.word.evaluate(headers.packets).astype(np.int64)
    return relation_chance(values, held, everything, good, one.bits, given=one.given) + one.log10_ways


def _bits(dossier: Dossier, headers: Headers, told: Told) -> Iterator[Toolmark]:
    """Yield what single bits are told of that no whole field is."""
    for run in bit_words.groups(bits.find(headers, told)):
        chance = sum(one.log10_chance for one in run)
        said = bit_words.formula(run)
        if said is not None:
            yield found_mark(dossier, parse(said[0]), said[1], chance)
        else:
            yield _bits_mark(dossier, run, chance)


def _bits_mark(dossier: Dossier, run: list[BitRelation], chance: float) -> Toolmark:
    sample = dossier.sample
    names = list(dict.fromkeys([run[0].bit[0], *sorted({name for one in run for name, _ in one.others})]))
    seen = np.logical_and.reduce([sample.present(name) for name in names])
    held = seen.copy()
    for one in run:
        total = np.full(len(sample), one.constant, np.int64)
        for name, place in one.others | {one.bit}:
            total ^= sample.column(name).astype(np.int64) >> place
        held &= total & 1 == 0
    return Toolmark(
        kind="relation",
        statement=bit_words.words(run),
        fields=tuple(names),
        held=int(held.sum()),
        seen=int(seen.sum()),
        log10_chance=chance,
        level="class",
        name="bits",
        sampled=dossier.sampled,
        packets=shown(sample.take(held)),
    )


def found_mark(dossier: Dossier, expression: Expression, value: int, chance: float) -> Toolmark:
    """Return the mark of a discovered relation, counted in all probes that are known."""
    seen = expression.seen(dossier.sample)
    held = seen & (expression.evaluate(dossier.sample) == (1 if expression.is_equation else value))
    return Toolmark(
        kind="relation",
        statement=named.statement(expression, value),
        fields=expression.fields,
        held=int(held.sum()),
        seen=int(seen.sum()),
        log10_chance=min(chance, 0.0),
        level="class" if expression.is_equation else "individual",
        values=() if expression.is_equation else (value,),
        sampled=dossier.sampled,
        packets=shown(dossier.sample.take(held)),
    )
