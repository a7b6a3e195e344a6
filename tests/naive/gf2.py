"""Twins of kernels/gf2.py from the definitions: vectors as lists of bits, spans by listing every xor."""

from __future__ import annotations

from itertools import product


def bits_of(vector: int, bits: int) -> list[int]:
    return [vector >> place & 1 for place in reversed(range(bits))]


def number_of(row: list[int]) -> int:
    return int("".join(map(str, row)) or "0", 2)


def all_sums(vectors: list[int]) -> set[int]:
    """Every xor of some of the vectors."""
    sums = {0}
    for vector in vectors:
        sums |= {vector ^ known for known in sums}
    return sums


def echelon(vectors: list[int], bits: int) -> tuple[int, ...]:
    """The textbook's reduced row echelon form, on lists of bits."""
    rows = [bits_of(vector, bits) for vector in vectors]
    top = 0
    for column in range(bits):
        chosen = next((row for row in range(top, len(rows)) if rows[row][column]), None)
        if chosen is None:
            continue
        rows[top], rows[chosen] = rows[chosen], rows[top]
        for row in range(len(rows)):
            if row != top and rows[row][column]:
                rows[row] = [a ^ b for a, b in zip(rows[row], rows[top], strict=True)]
        top += 1
    return tuple(number_of(row) for row in rows[:top])


def relations(vectors: list[int]) -> set[int]:
    """Every choice of vectors, as a mask, whose xor is 0."""
    found = set()
    for choice in product((0, 1), repeat=len(vectors)):
        total = 0
        for place, chosen in enumerate(choice):
            if chosen:
                total ^= vectors[place]
        if total == 0:
            found.add(sum(chosen << place for place, chosen in enumerate(choice)))
    return found
