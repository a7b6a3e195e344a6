"""A rule against what is seen, line by line: agrees, disagrees, silent; and what that makes of the tool.

The tool's kind of probe that fits best speaks for it. Elimination needs a visible disagreement on something the
tool's user cannot set; a free-form crafter, whose user sets every field, is never eliminated by packets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import log10
from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import ARP, ICMP, ICMP6, SCTP, TCP, UDP
from craftmark.tools import chance
from craftmark.tools.judge import Judgement, Verdict, expectation_text, judge
from craftmark.tools.rule import bits_text
from craftmark.tools.sight import Sight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from craftmark.packets.batch import PacketBatch
    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark
    from craftmark.tools.rule import Expectation, Mode, RuleSet, Settable, ToolRule

#: Protocols that rules speak of by name; "other" in a rule is any but these.
WORDED: Final = frozenset({TCP, UDP, ICMP, ICMP6, SCTP, ARP})
_PRICES: Final = {"option": chance.OPTION_USED, "source edit": chance.EDITED, "path": chance.REWRITTEN}


@dataclass(frozen=True, slots=True)
class Line:
    """One expectation with what was seen of it.

    shared: how many unrelated rules send by default what is seen. log10_chance: where it agrees, log10 of the chance that code other than this lineage would show it. against:
    where it disagrees, log10 of the chance that the tool itself would show it, None if it never does. price: log10 of
    the chance that its user sets it to what is seen.
    """

    field: str
    verdict: Verdict
    expected: str
    seen: str
    held: int
    probes: int
    settable: Settable
    level: str
    source: str
    option: str = ""
    says: str = ""
    log10_chance: float = 0.0
    against: float | None = None
    price: float = 0.0
    relation: bool = False
    shared: int = 0
    key: tuple[object, ...] = ()

    @property
    def text(self) -> str:
        """The line for a reader."""
        if self.verdict == "agrees":
            return f"{self.seen} ({self.says or self.expected})"
        if self.verdict == "silent":
            return f"{self.says or self.expected}; {self.seen}"
        odds = "" if self.against is None else f": 10^{self.against:.0f}"
        how = f" ({self.option} sets it)" if self.option else ""
        return f"{self.says or 'expected ' + self.expected}{how}; {self.seen}{odds}"


@dataclass(frozen=True)
class Comparison:
    """One rule against one kind of probe, through its best mode; ``mode`` None where the rule has none for it."""

    rule: ToolRule
    mode: Mode | None
    lines: tuple[Line, ...] = ()
    reason: str = ""
    forbidden: bool = False
    probes: int = 0
    modes: tuple[Mode, ...] = ()

    @cached_property
    def agrees(self) -> tuple[Line, ...]:
        """Lines that agree, the most telling first."""
        return tuple(sorted((x for x in self.lines if x.verdict == "agrees"), key=lambda x: x.log10_chance))

    @cached_property
    def disagrees(self) -> tuple[Line, ...]:
        """Lines that disagree, those that nobody can set first, with the smallest odds."""
        found = (x for x in self.lines if x.verdict == "disagrees")
        return tuple(sorted(found, key=lambda x: (x.settable != "no", 0.0 if x.against is None else x.against)))

    @cached_property
    def silent(self) -> tuple[Line, ...]:
        """Lines about what cannot be seen."""
        return tuple(x for x in self.lines if x.verdict == "silent")

    @cached_property
    def total(self) -> float:
        """Log10 chance that unknown code shows all that agrees."""
        return log10(chance.UNKNOWN_SHARE) + sum(line.log10_chance for line in self.agrees)

    @cached_property
    def price(self) -> float:
        """Log10 chance that the tool's user made all settable differences; 0 if there are none."""
        return sum(line.price for line in self.disagrees if line.settable != "no")

    @cached_property
    def settings(self) -> int:
        """How many fields the tool's user must have set (arguments that every run has are not counted)."""
        return len({line.field for line in self.disagrees if line.settable in ("option", "source edit")})

    @cached_property
    def merit(self) -> float:
        """How well the rule explains what is seen, against unknown code; differences nobody can set cost most."""
        return -sum(line.log10_chance for line in self.agrees) + self.price - 1000.0 * self.barred

    @cached_property
    def barred(self) -> int:
        """How many visible disagreements are on what the tool's user cannot set."""
        return sum(line.settable == "no" for line in self.disagrees)

    @property
    def eliminated(self) -> bool:
        """Tell whether the packets rule the tool out."""
        if self.rule.free_form or self.rule.kind in ("library", "stack"):
            return False
        return self.forbidden or self.barred > 0

    @property
    def visible(self) -> bool:
        """Tell whether anything at all could be compared."""
        return bool(self.agrees or self.disagrees)


class Comparer:
    """Compares all rules of a set with one kind of probe; judgements are made once for all that expect the same."""

    def __init__(
        self, rules: RuleSet, dossier: Dossier, marks: Iterable[Toolmark], *, family: PacketBatch | None = None
    ) -> None:
        self.rules = rules
        self.sight = Sight(dossier, tuple(marks), family)
        self._judged: dict[tuple[object, ...], Judgement] = {}

    def judge(self, expected: Expectation) -> Judgement:
        """Return the judgement of an expectation, made once."""
        key = expected.key
        if key not in self._judged:
            self._judged[key] = judge(expected, self.sight)
        return self._judged[key]

    def modes(self, rule: ToolRule) -> tuple[Mode, ...]:
        """Return a rule's kinds of probe for this protocol, whatever control bits."""
        dossier = self.sight.dossier
        kinds = (-1, dossier.protocol, -2) if dossier.protocol not in WORDED else (-1, dossier.protocol)
        found = [mode for mode in rule.modes if mode.protocol in kinds]
        return tuple(mode for mode in found if mode.icmp is None or dossier.icmp in (None, mode.icmp))

    @cached_property
    def habits(self) -> Mapping[str, tuple[frozenset[str], frozenset[str]]]:
        """Per field the ids of rules that say something visible about it, and of those whose default is seen."""
        known: dict[str, set[str]] = {}
        agreeing: dict[str, set[str]] = {}
        bits = self.sight.dossier.control_bits
        for rule in self.rules:
            for mode in self.modes(rule):
                if not mode.sends(bits):
                    continue
                for name, verdicts in self._verdicts(mode).items():
                    known.setdefault(name, set()).add(rule.id)
                    if verdicts == {"agrees"}:
                        agreeing.setdefault(name, set()).add(rule.id)
        return {name: (frozenset(ids), frozenset(agreeing.get(name, ()))) for name, ids in known.items()}

    def _verdicts(self, mode: Mode) -> dict[str, set[str]]:
        verdicts: dict[str, set[str]] = {}
        for expected in mode.expects:
            judged = self.judge(expected)
            if judged.verdict != "silent" and judged.habit:
                verdicts.setdefault(expected.field, set()).add(judged.verdict)
        return verdicts

    def compare(self, rule: ToolRule) -> Comparison:
        """Compare one rule: its best kind of probe, with every line."""
        dossier = self.sight.dossier
        modes = self.modes(rule)
        if not modes:
            why = f"{rule.name} sends no {dossier.protocol_name} probes" if rule.all_probes else ""
            missing = f"no description of {dossier.protocol_name} probes of {rule.name}"
            return Comparison(rule, None, reason=why or missing, forbidden=bool(why), probes=dossier.probes)
        found = [Comparison(rule, mode, self._lines(rule, mode), probes=dossier.probes) for mode in modes]
        best = max(found, key=lambda one: one.merit)
        near = tuple(one.mode for one in found if one.mode and one.merit >= best.merit - 2 and not one.barred)
        return Comparison(rule, best.mode, best.lines, probes=dossier.probes, modes=near)

    def _lines(self, rule: ToolRule, mode: Mode) -> tuple[Line, ...]:
        lines = [self._line(rule, expected) for expected in mode.expects]
        bits = self.sight.dossier.control_bits
        if not mode.sends(bits) and bits is not None:
            lines.insert(0, self._bits_line(rule, mode, bits))
        return tuple(_once_per_field(lines))

    def _bits_line(self, rule: ToolRule, mode: Mode, bits: int) -> Line:
        probes = self.sight.dossier.probes
        return Line(
            field="tcp_flags", verdict="disagrees", expected=f"control bits {mode.bits_text}",
            seen=f"control bits {bits_text(bits)} in {probes:,} of {probes:,}", held=0, probes=probes, settable="no",
            level="class", source=next((e.source for e in mode.expects), ""),
            says=f"{rule.name} sends {mode.bits_text} in such probes",
        )  # fmt: skip

    def _line(self, rule: ToolRule, e: Expectation) -> Line:
        judged = self.judge(e)
        price = 0.0
        if judged.verdict == "disagrees" and e.settable in _PRICES:
            price = log10(_PRICES[e.settable]) + judged.price
        return Line(
            field=e.field, verdict=judged.verdict,
            expected=expectation_text(e), seen=judged.text, held=judged.held, probes=judged.seen,
            settable=e.settable, level=e.level, source=e.source, option=e.option, says=e.says,
            log10_chance=self._chance(rule, e, judged), shared=self._alike(rule, e)[0], against=judged.against, price=price,
            relation=bool(e.relation), key=e.key,
        )  # fmt: skip

    def _chance(self, rule: ToolRule, e: Expectation, judged: Judgement) -> float:
        if judged.verdict != "agrees":
            return 0.0
        if not judged.habit or e.field not in self.habits:
            return judged.base
        alike, known = self._alike(rule, e)
        return chance.share(alike, known, 10**judged.base)

    def _alike(self, rule: ToolRule, e: Expectation) -> tuple[int, int]:
        """Return how many unrelated rules send by default what is seen of a field, of how many that speak of it."""
        known, agreeing = self.habits.get(e.field, (frozenset(), frozenset()))
        others = [other for other in known if not self.rules.related(other, rule.id)]
        return sum(other in agreeing for other in others), len(others)


def _once_per_field(lines: list[Line]) -> list[Line]:
    """Count a field's habit once: of several agreeing lines on one field only the most telling has a chance.

    Relations stand for themselves: they say something that no value of one field says.
    """
    best: dict[str, Line] = {}
    for line in lines:
        known = best.get(line.field)
        if line.verdict == "agrees" and not line.relation and (known is None or line.log10_chance < known.log10_chance):
            best[line.field] = line
    return [
        line if line.relation or line.verdict != "agrees" or best[line.field] is line else replace(line, log10_chance=0.0)
        for line in lines
    ]
