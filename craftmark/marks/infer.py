"""All families in the order in which a reader wants their marks.

A new family is a module of this folder with ``infer(dossier) -> list[Toolmark]`` and one line in FAMILIES. A new solver
is a module with ``solve(dossier, recipe) -> list[Toolmark]`` and one line in SOLVERS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.marks import (
    blackrock,
    chained,
    constants,
    counters,
    cyclic,
    options,
    order,
    recurrences,
    relations,
    repeats,
    reseeded,
    residues,
    streams,
    stretches,
    timing,
    ttl,
    widths,
    xorshift,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recipe, Toolmark

FAMILIES: Final[tuple[Callable[[Dossier], list[Toolmark]], ...]] = (
    constants.infer,
    ttl.infer,
    options.infer,
    relations.infer,
    residues.infer,
    counters.infer,
    widths.infer,
    recurrences.infer,
    order.infer,
    repeats.infer,
    stretches.infer,
    timing.infer,
)


#: Solvers by the kind of recipe they understand.
SOLVERS: Final[Mapping[str, Callable[[Dossier, Recipe], list[Toolmark]]]] = {
    "blackrock": blackrock.solve,
    "cyclic walk": cyclic.solve,
    "libc-rand": streams.solve,
    "libc-rand-chained": chained.solve,
    "libc-rand-each": reseeded.solve,
    "xorshift128": xorshift.solve,
}

#: Kinds of recipe that look for the one generator behind the fields of a scan.
GENERATORS: Final = frozenset({"libc-rand", "libc-rand-chained", "libc-rand-each", "xorshift128"})

#: Names of marks of a generator without its seed: where a solver gives it back, they say nothing more.
SEEDLESS: Final = frozenset({"additive", "truncated"})


def infer(dossier: Dossier, recipes: Iterable[Recipe] = ()) -> tuple[Toolmark, ...]:
    """Return the toolmarks of one dossier, those that recipes lead to last; pure, the same for the same evidence."""
    found = [mark for family in FAMILIES for mark in family(dossier)]
    solved: list[Toolmark] = []
    for recipe in sorted(recipes, key=_is_vague):
        if recipe.kind in SOLVERS and not (recipe.kind in GENERATORS and _is_generated(solved)):
            solved += SOLVERS[recipe.kind](dossier, recipe)
    if _is_generated(solved):
        found = [mark for mark in found if mark.name not in SEEDLESS]
    return (*found, *solved)


def _is_vague(recipe: Recipe) -> bool:
    """Tell whether a generator's recipe fits probes of any look: the others are tried first."""
    return recipe.kind in GENERATORS and not {"likely", "same"} & recipe.details.keys()


def _is_generated(solved: Iterable[Toolmark]) -> bool:
    """Tell whether the generator behind the fields is known: then no other recipe's need be looked for."""
    return any(mark.kind == "generator" and mark.recovered for mark in solved)
