"""Small evidence: neighbouring probes of a capture, with all rules, and with its tool's rule held out.

With its rule a tool may be named or not; without it nobody may be named: the sample must come out as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.fold import Evidence
from craftmark.evidence.gather import dossier_of
from craftmark.marks.infer import infer
from craftmark.packets.expressions import parse
from craftmark.tools.conclude import conclude
from craftmark.tools.load import load_rules
from craftmark.tools.rule import RuleSet
from lab.accuracy.truths import probes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.packets.batch import PacketBatch
    from craftmark.tools.conclude import Maker
    from lab.accuracy.truths import Truth

SIZES = (1, 2, 5, 20, 50)


@dataclass(frozen=True, slots=True)
class Trial:
    """One sample and what was said of it. chance: log10 of the likeliest tool's, whether it was named or not."""

    capture: str
    tool: str
    size: int
    held_out: bool
    named: str | None
    confidence: float
    likeliest: str | None
    chance: float
    is_right: bool

    @property
    def verdict(self) -> str:
        """right, wrong or inconclusive."""
        if self.named is None:
            return "inconclusive"
        return "right" if self.is_right else "wrong"


def without(rules: RuleSet, ids: frozenset[str]) -> RuleSet:
    """Return a rule set without some rules and all of their lineage."""
    kept = tuple(rule for rule in rules if not any(rules.related(rule.id, gone) for gone in ids if gone in rules.by_id))
    return RuleSet(kept, rules.sha256, {rule.id: rule for rule in kept})


def concluded(sample: PacketBatch, rules: RuleSet) -> Maker:
    """Return who made some probes of one kind, as if they were all there is."""
    evidence = Evidence({text: parse(text) for text in rules.relations}, seed=1)
    evidence.update(sample)
    finished = evidence.finish()
    dossier = dossier_of(finished, np.arange(len(finished)))
    return conclude([(dossier, infer(dossier, rules.recipes))], rules)


def samples(probes: PacketBatch, size: int, repeats: int, rng: np.random.Generator) -> Iterator[PacketBatch]:
    """Yield runs of neighbouring probes from random places; none where there are too few."""
    if len(probes) < size:
        return
    for start in rng.integers(0, len(probes) - size + 1, min(repeats, len(probes) - size + 1)):
        yield probes.take(np.arange(start, start + size))


def trial(truth: Truth, size: int, maker: Maker, *, held_out: bool) -> Trial:
    """Return what was said, with the likeliest of the tools that were not ruled out."""
    open_tools = [t for t in maker.tools if t.log10_chance is not None and t.conclusion != "elimination"]
    likeliest = min(open_tools, key=lambda t: (t.tool != maker.tool, t.log10_chance, t.tool), default=None)
    name = likeliest.tool if likeliest else None
    return Trial(
        capture=truth.name, tool=truth.row["tool"], size=size, held_out=held_out, named=maker.tool,
        confidence=maker.confidence, likeliest=name, chance=likeliest.log10_chance or 0.0 if likeliest else 0.0,
        is_right=(maker.tool or name) in truth.ids,
    )  # fmt: skip


def trials_of(truth: Truth, repeats: int, seed: int) -> list[Trial]:
    """Return the trials of one capture: every size, with and without the tool's own rule."""
    rules = load_rules()
    held_out = without(rules, truth.ids)
    probes = probes_of(truth)
    rng = np.random.default_rng(seed)
    found = []
    for size in SIZES:
        for sample in samples(probes, size, repeats, rng):
            found += [trial(truth, size, concluded(sample, rules), held_out=False)]
            found += [trial(truth, size, concluded(sample, held_out), held_out=True)]
    return found
