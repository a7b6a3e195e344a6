"""Sums, differences and multiples modulo 2^16 or 2^32, by direct test: a = b + K, a = b + c + K, a = K * b + C.

What a word changes by from one packet to others is a short row of numbers; equal rows are a difference, rows that add
up a sum, and the factor of a multiple follows from any change that is odd. Each is then counted in all packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.relations.formulas import SHARE, handfuls
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.marks.relations.headers import Headers
    from craftmark.packets.batch import Words

#: Packets of a handful that are looked at, and the fewest that determine anything.
_LOOKED_AT: Final = 6
_FEWEST: Final = 3
#: Handfuls tried.
_HANDFULS: Final = 6


#: Words by their first two changes, as one number.
_Known = dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class Word:
    """A field, or half of one, that takes part in arithmetic; as the grammar writes it."""

    text: str
    name: str
    is_swapped: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum or multiple that holds in ``held`` packets: the expression is ``value`` there, or an equation true.

    given: how many packets it takes to determine its numbers; log10_ways: how many such formulas were tried; with_port:
    it is a difference from the target's port alone.
    """

    text: str
    explained: str
    word: str
    bits: int
    value: int
    held: int
    given: int
    log10_ways: float
    with_port: bool = False


class _Table:
    """Words of one width with their values in all packets."""

    def __init__(self, headers: Headers, bits: int) -> None:
        self.bits = bits
        self.mask = (1 << bits) - 1
        self.chosen = headers.chosen
        self.words: list[Word] = []
        columns = []
        for word, values in _words(headers, bits):
            if (values != values[0]).any():
                self.words.append(word)
                columns.append(values)
        self.values = np.array(columns, np.uint32).reshape(len(columns), len(headers.packets))

    def is_the_senders(self, *places: int) -> bool:
        """Tell whether one of the words is the sender's to choose, and all are of different fields."""
        names = [self.words[place].name for place in places]
        return len(set(names)) == len(names) and any(name in self.chosen for name in names)

    def modulo(self, text: str) -> str:
        """Return the text of arithmetic cut to the words' width."""
        return text if self.bits == 32 else f"low16({text})"


def _words(headers: Headers, bits: int) -> Iterator[tuple[Word, Words]]:
    for name in reversed(headers.names):
        values, width = headers.values(name).astype(np.uint32), FIELDS[name].bits
        if width == bits:
            swapped = values.byteswap() if bits == 32 else values.astype(np.uint16).byteswap().astype(np.uint32)
            yield Word(name, name, is_swapped=False), values
            yield Word(f"swap{bits}({name})", name, is_swapped=True), swapped
        elif width == 32 and bits == 16:
            yield Word(f"high16({name})", name, is_swapped=False), values >> np.uint32(16)
            yield Word(f"low16({name})", name, is_swapped=False), values & np.uint32(0xFFFF)


def find(headers: Headers) -> list[Arithmetic]:
    """Return what holds in most packets."""
    if len(headers.packets) < _FEWEST:
        return []
    found: dict[str, Arithmetic] = {}
    for bits in (32, 16):
        table = _Table(headers, bits)
        if len(table.words) < 2:
            continue
        for rows in islice(handfuls(headers, len(table.words)), _HANDFULS):
            for one in _found(table, rows[:_LOOKED_AT]):
                found.setdefault(one.text, one)
    return list(found.values())


def _found(table: _Table, rows: NDArray[np.intp]) -> Iterator[Arithmetic]:
    some = table.values[:, rows]
    changes = (some[:, 1:] - some[:, :1]) & np.uint32(table.mask)
    if len(rows) >= _FEWEST:
        known = _explained(table, changes)
        if known:
            looks = (_pairs, _triples, _multiples)
            yield from chain.from_iterable(look(table, changes, known) for look in looks)


def _explained(table: _Table, changes: Words) -> _Known:
    """Return the words that a relation may explain, by their first two changes as one number."""
    known: _Known = {}
    keys = _key(changes).tolist()
    for place in np.flatnonzero(changes.any(axis=1)).tolist():
        if table.words[place].name in table.chosen and not table.words[place].is_swapped:
            known.setdefault(keys[place], []).append(place)
    return known


def _key(changes: Words) -> NDArray[np.uint64]:
    wide = changes.astype(np.uint64)
    key: NDArray[np.uint64] = wide[..., 0] << np.uint64(32) | wide[..., 1]
    return key


def _pairs(table: _Table, changes: Words, known: _Known) -> Iterator[Arithmetic]:
    """Yield a - b = K and a + b = K."""
    mask = np.uint32(table.mask)
    ways = log10(4 * len(table.words) ** 2)
    for sign, rows in ((1, changes), (-1, -changes & mask)):
        for other, key in enumerate(_key(rows).tolist()):
            for one in known.get(key, ()):
                if (changes[one] == rows[other]).all() and table.is_the_senders(one, other):
                    yield from _counted(table, one, [(other, sign)], ways)


def _triples(table: _Table, changes: Words, known: _Known) -> Iterator[Arithmetic]:
    """Yield a = b + c + K and a = b - c + K."""
    mask = np.uint32(table.mask)
    wanted = np.array(sorted(known), np.uint64)
    plain = [p for p, word in enumerate(table.words) if not word.is_swapped and changes[p].any()]
    some, ways = changes[plain], log10(8) + 3 * log10(len(table.words))
    for sign in (1, -1):
        rows = (some[:, None] + some[None, :] if sign > 0 else some[:, None] - some[None, :]) & mask
        keys = _key(rows)
        for i, j in np.argwhere(np.isin(keys, wanted)).tolist():
            second, third = plain[i], plain[j]
            for one in known[int(keys[i, j])]:
                is_once = i < j if sign > 0 else i != j
                fits = is_once and one not in (second, third) and (changes[one] == rows[i, j]).all()
                if fits and table.is_the_senders(one, second, third):
                    yield from _counted(table, one, [(second, 1), (third, sign)], ways)


def _counted(table: _Table, one: int, terms: list[tuple[int, int]], ways: float) -> Iterator[Arithmetic]:
    """Count in all packets a word minus others, each with its sign."""
    rest = table.values[one].copy()
    for place, sign in terms:
        rest -= table.values[place] if sign > 0 else -table.values[place]
    value, held = _commonest(rest & np.uint32(table.mask))
    if held < SHARE * len(rest):
        return
    words = [(table.words[place].text, sign) for place, sign in terms]
    if value == 0 and words[0][1] > 0:
        right = words[0][0] + "".join(f" {'+' if sign > 0 else '-'} {word}" for word, sign in words[1:])
        text = f"{table.words[one].text} == {right if len(words) == 1 else table.modulo(right)}"
    else:
        left = table.words[one].text + "".join(f" {'-' if sign > 0 else '+'} {word}" for word, sign in words)
        text = table.modulo(left)
    with_port = len(terms) == 1 and terms[0][1] > 0 and table.words[terms[0][0]].text.endswith("_dport")
    yield Arithmetic(
        text, table.words[one].name, table.words[one].text, table.bits, value, held, 1 if value else 0, ways, with_port
    )


def _multiples(table: _Table, changes: Words, known: _Known) -> Iterator[Arithmetic]:
    """Yield a = K * b + C, the factor from the first odd change of b."""
    wide, mask = changes.astype(np.uint64), np.uint64(table.mask)
    places = [place for same in known.values() for place in same]
    odd = changes & 1
    others = np.flatnonzero(odd.any(axis=1))
    if not places or not len(others):
        return
    first = odd[others].argmax(axis=1)
    inverses = [pow(change, -1, 1 << table.bits) for change in changes[others, first].tolist()]
    factors = wide[places][:, first] * np.array(inverses, np.uint64) & mask
    fits = ((factors[:, :, None] * wide[others] & mask) == wide[places][:, None]).all(axis=2)
    for i, j in np.argwhere(fits).tolist():
        one, other, factor = places[i], int(others[j]), int(factors[i, j])
        if factor not in (1, table.mask) and table.is_the_senders(one, other):
            yield from _multiple(table, one, other, factor)


def _multiple(table: _Table, one: int, other: int, factor: int) -> Iterator[Arithmetic]:
    word = table.words[one]
    rest = (table.values[one] - table.values[other] * np.uint32(factor)) & np.uint32(table.mask)
    value, held = _commonest(rest)
    if held < SHARE * len(rest):
        return
    product = f"{table.words[other].text} * {factor}"
    text = f"{word.text} == {table.modulo(product)}" if value == 0 else table.modulo(f"{word.text} - {product}")
    yield Arithmetic(
        text, word.name, word.text, table.bits, value, held, 2 if value else 1, log10(4 * len(table.words) ** 2)
    )


def _commonest(values: Words) -> tuple[int, int]:
    sizes, counts = np.unique(values, return_counts=True)
    best = int(counts.argmax())
    return int(sizes[best]), int(counts[best])
