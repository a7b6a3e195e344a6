"""A rule against what is seen, line by line: agrees, disagrees, silent; and what that makes of the tool.

The tool's kind of probe that fits best speaks for it. Elimination needs a visible disagreement on something the
tool's user cannot set; a free-form crafter, whose user sets every field, is never eliminated by packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log10
from typing import TYPE_CHECKING, Final, NamedTuple

from craftmark.packets.fields import ARP, ICMP, ICMP6, SCTP, TCP, UDP
from craftmark.tools import chance
from craftmark.tools.crafted import crafted_reasons
from craftmark.tools.judge import Judgement, Verdict, judge
from craftmark.tools.sight import Sight
from craftmark.tools.wording import bits_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark
    from craftmark.packets.batch import PacketBatch
    from craftmark.tools.rule import Expectation, Mode, RuleSet, Settable, ToolRule

#: Protocols that rules speak of by name; "other" in a rule is any but these.
WORDED: Final = frozenset({TCP, UDP, ICMP, ICMP6, SCTP, ARP})
_PRICES: Final = {
    "argument": 1.0, "option": chance.OPTION_USED, "source edit": chance.EDITED, "path": chance.REWRITTEN,
    "no": chance.REBUILT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One expectation with what was seen of it.

    log10_chance: log10 of the chance that code without a rule shows what is seen of the field. against: where it
    disagrees, log10 of the chance that the tool itself would show this, None if it never does. price: log10 of the
    chance that its user, or somebody who changed the tool, made it show just this. exact: one value is expected, not a
    behaviour. fixed: one value is seen. recipe: it is about a state recovered by the rule's recipe. missing: it would
    show here, and does not.
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
    recipe: bool = False
    exact: bool = False
    fixed: bool = False
    missing: bool = False
    bits: int = 16
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
    def price(self) -> float:
        """Log10 chance that all that differs was set or changed to what is seen; 0 if nothing differs."""
        return sum(line.price for line in self.disagrees)

    @cached_property
    def settings(self) -> int:
        """How many fields the tool's user must have set (arguments that every run has are not counted)."""
        return len({line.field for line in self.disagrees if line.settable in ("option", "source edit")})

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


class _Score(NamedTuple):
    """How well one kind of probe explains what is seen."""

    barred: bool
    sends: bool
    agrees: int
    merit: float

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Order of preference; of modes that are all ruled out, the one most like what is seen shows best why."""
        return (False, self.sends, self.agrees) if self.barred else (True, True, self.merit)


class Comparer:
    """Compares all rules of a set with one kind of probe; judgements are made once for all that expect the same.

    family: samples of all parts of the scan. when: day of the capture as yyyymmdd, where its clock is trusted.
    """

    def __init__(
        self,
        rules: RuleSet,
        dossier: Dossier,
        marks: Iterable[Toolmark],
        *,
        family: PacketBatch | None = None,
        when: int | None = None,
    ) -> None:
        self.rules = rules
        self._when = when
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
        found = [mode for mode in rule.modes if mode.protocol in kinds and self._existed(mode)]
        return tuple(mode for mode in found if mode.icmp is None or dossier.icmp in (None, mode.icmp))

    def _existed(self, mode: Mode) -> bool:
        return self._when is None or mode.since is None or mode.since <= self._when

    def has_default(self, rule: ToolRule, name: str) -> bool:
        """Tell whether a rule sends by default, in some kind of probe, the one value that is seen of a field."""
        lines = [e for mode in self.modes(rule) for e in mode.expects if e.field == name and (e.values or e.options)]
        return any(self.judge(expected).verdict == "agrees" for expected in lines)

    def compare(self, rule: ToolRule) -> Comparison:
        """Compare one rule: its best kind of probe, with every line."""
        dossier = self.sight.dossier
        modes = self.modes(rule)
        if not modes:
            why = f"{rule.name} sends no {dossier.protocol_name} probes" if rule.all_probes else ""
            missing = f"no description of {dossier.protocol_name} probes of {rule.name}"
            return Comparison(rule, None, reason=why or missing, forbidden=bool(why), probes=dossier.probes)
        scores = {mode.id: self._score(rule, mode) for mode in modes}
        best = max(modes, key=lambda mode: scores[mode.id].rank)
        merit = scores[best.id].merit
        near = tuple(mode for mode in modes if not scores[mode.id].barred and scores[mode.id].merit >= merit - 1)
        return Comparison(rule, best, self._lines(rule, best), probes=dossier.probes, modes=near)

    def _score(self, rule: ToolRule, mode: Mode) -> _Score:
        """Return how well a kind of probe explains what is seen, without writing its lines."""
        sends = mode.sends(self.sight.dossier.control_bits)
        barred, agrees, merit = not sends, 0, 0.0
        barred |= mode.headers == "stack" and rule.kind != "stack" and bool(self.crafted)
        for expected in mode.expects:
            judged = self.judge(expected)
            if judged.verdict == "agrees":
                agrees += 1
                merit -= judged.base
            elif judged.verdict == "disagrees":
                barred |= expected.settable == "no"
                merit += log10(_PRICES[expected.settable])
        return _Score(barred, sends, agrees, merit)

    def _lines(self, rule: ToolRule, mode: Mode) -> tuple[Line, ...]:
        lines = [self._line(expected) for expected in mode.expects]
        bits = self.sight.dossier.control_bits
        if not mode.sends(bits) and bits is not None:
            lines.insert(0, self._bits_line(rule, mode, bits))
        if mode.headers == "stack" and rule.kind != "stack" and self.crafted:
            lines.insert(0, self._stack_line(rule, self.crafted[0]))
        return tuple(lines)

    @cached_property
    def crafted(self) -> tuple[str, ...]:
        """Reasons why no standard stack sent these probes."""
        return tuple(crafted_reasons(self.sight))

    def _stack_line(self, rule: ToolRule, reason: str) -> Line:
        probes = self.sight.dossier.probes
        return Line(
            field="", verdict="disagrees", expected="headers of the system's own stack", seen=reason, held=0,
            probes=probes, settable="no", level="class", source="",
            says=f"{rule.name} asks the system to send, and writes no headers itself", log10_chance=log10(0.1),
            price=log10(0.1 * chance.REBUILT),
        )  # fmt: skip

    def _bits_line(self, rule: ToolRule, mode: Mode, bits: int) -> Line:
        probes = self.sight.dossier.probes
        return Line(
            field="tcp_flags", verdict="disagrees", expected=f"control bits {mode.bits_text}",
            seen=f"control bits {bits_text(bits)} in {probes:,} of {probes:,}", held=0, probes=probes, settable="no",
            level="class", source=next((e.source for e in mode.expects), ""),
            says=f"{rule.name} sends {mode.bits_text} in such probes", log10_chance=log10(0.1),
            price=log10(0.1 * chance.REBUILT),
        )  # fmt: skip

    def _line(self, e: Expectation) -> Line:
        judged = self.judge(e)
        evidence = self.sight.field(e.field)
        price = 0.0
        if judged.verdict == "disagrees":
            price = log10(_PRICES[e.settable]) + judged.price
        return Line(
            field=e.field, verdict=judged.verdict,
            expected=e.text, seen=judged.text, held=judged.held, probes=judged.seen,
            settable=e.settable, level=e.level, source=e.source, option=e.option, says=e.says,
            log10_chance=judged.price if judged.verdict == "disagrees" else judged.base,
            against=judged.against, price=price, relation=bool(e.relation or e.recipe), recipe=bool(e.recipe),
            exact=bool(e.values), fixed=evidence is not None and evidence.constant is not None,
            missing=judged.missing, bits=e.bits, key=e.key,
        )  # fmt: skip
