"""Twin of the search for short xor relations: every choice of two to four parts, in every packet."""

from __future__ import annotations

from itertools import combinations


def short_relations(columns: list[list[int]]) -> set[frozenset[int]]:
    """Which columns' xor is the same in all packets."""
    found = set()
    for count in (2, 3, 4):
        for chosen in combinations(range(len(columns)), count):
            totals = set()
            for packet in range(len(columns[0])):
                total = 0
                for place in chosen:
                    total ^= columns[place][packet]
                totals.add(total)
            if len(totals) == 1:
                found.add(frozenset(chosen))
    return found
