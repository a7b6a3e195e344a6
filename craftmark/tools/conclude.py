"""Who made a scan: every rule compared with every kind of probe in it, and what follows, in the examiner's words.

Identification needs marks beyond chance and no visible disagreement on what nobody can set; where two unrelated rules
explain what is seen about equally well, neither is named. A wrong name is worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import log10
from typing import TYPE_CHECKING, Final, Literal

from craftmark.packets.batch import join
from craftmark.tools import chance
from craftmark.tools.compare import Comparer, Comparison
from craftmark.tools.likelihood import Fact, facts_of, mixture, other_cost, own_cost, settings_for, unknown_cost
from craftmark.tools.parameters import changed, told_by, user_set
from craftmark.tools.stacks import contradiction, stack_fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recovered, Toolmark
    from craftmark.tools.compare import Line
    from craftmark.tools.rule import RuleSet, ToolRule

Conclusion = Literal["identification", "inconclusive", "elimination", "unsuitable"]

#: Decades within which another rule explains what is seen as well.
MARGIN: Final = 2.0
#: Share of a scan's probes that a rule must speak of.
COVERED: Final = 0.5
#: Values of a template that no unrelated rule sends by default, for its identification.
TEMPLATE_VALUES: Final = 3
#: A value of a template that fewer than one maker in thirty sends anyway.
CHOSEN: Final = -1.5
#: A line that says at least this much (log10) counts as a mark of its own.
TELLING: Final = -0.2
#: Parts with a smaller share of the probes do not rule a tool out: they may be another sender's.
STRAY_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class ToolConclusion:
    """What was concluded of one tool, and from what.

    settings_needed: fields its user must have set to get what is seen; price_log10: log10 chance of just those
    settings. by_date: ruled out only because no version existed then.
    """

    tool: str
    conclusion: Conclusion
    agrees: tuple[str, ...] = ()
    disagrees: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    settings_needed: int | None = None
    price_log10: float | None = None
    reason: str = ""
    log10_chance: float | None = None
    by_date: bool = False


@dataclass(frozen=True, slots=True)
class Maker:
    """The answer to "what made these packets": kind, tool if one is proven, every rule's conclusion.

    alike: ids that explain what is seen equally well and so keep each other from being named. user_set: the fields
    that the named tool's user set.
    """

    kind: Literal["crafted", "stack", "undecided"]
    kind_why: tuple[str, ...]
    conclusion: Conclusion
    tool: str | None
    version: str | None
    confidence: float
    tools: tuple[ToolConclusion, ...]
    parameters: Mapping[str, Recovered] = field(default_factory=dict)
    alike: tuple[str, ...] = ()
    user_set: tuple[str, ...] = ()


@dataclass
class _Standing:
    """One rule over all parts of a scan; ``parts`` are its comparisons with each, in the scan's order."""

    rule: ToolRule
    parts: list[Comparison]
    dated: str = ""
    chance: float | None = None
    alike: tuple[str, ...] = ()
    forks: tuple[str, ...] = ()

    @cached_property
    def compared(self) -> list[Comparison]:
        return [part for part in self.parts if part.mode is not None and part.visible]

    @cached_property
    def facts(self) -> list[Fact]:
        return facts_of(self.parts)

    @cached_property
    def differing(self) -> list[Line]:
        return [fact.line for fact in self.facts if fact.line.verdict == "disagrees"]

    @cached_property
    def eliminated_by(self) -> Comparison | None:
        total = sum(part.probes for part in self.parts)
        against = [part for part in self.parts if part.eliminated and part.probes >= STRAY_SHARE * total]
        return max(against, key=lambda part: part.probes, default=None)

    @property
    def eliminated(self) -> bool:
        return bool(self.dated) or self.eliminated_by is not None

    @cached_property
    def own(self) -> float:
        """Log10 chance that its user made all that differs."""
        return own_cost(self.facts)

    @cached_property
    def missing(self) -> Line | None:
        """What the tool's probes would show here, as hardly anything else would, and do not."""
        return next((line for part in self.compared for line in part.silent if line.missing), None)

    @cached_property
    def alone(self) -> float:
        """Log10 chance of unknown code, relative to the own settings: what there is to gain at most."""
        return log10(chance.UNKNOWN_SHARE) + unknown_cost(self.facts) - self.own

    @property
    def settings(self) -> int:
        return len({line.field for line in self.differing if line.settable in ("option", "source edit", "argument")})

    @cached_property
    def coverage(self) -> float:
        return sum(part.probes for part in self.compared) / max(sum(part.probes for part in self.parts), 1)


def conclude(parts: Sequence[tuple[Dossier, Sequence[Toolmark]]], rules: RuleSet, *, when: int | None = None) -> Maker:
    """Return who made a scan, from the evidence and marks of each kind of probe in it.

    when: day of the capture as yyyymmdd where its clock is trusted, else None and dates are silent.
    """
    family = join(dossier.sample for dossier, _ in parts) if len(parts) > 1 else None
    comparers = [Comparer(rules, dossier, marks, family=family, when=when) for dossier, marks in parts]
    standings = [_standing(rule, comparers, when) for rule in rules]
    named, alike = _name(standings, comparers, rules)
    kind, why = _kind(comparers, standings, named)
    conclusions = tuple(_conclusion(s, named) for s in standings if s.rule.kind != "stack")
    return Maker(
        kind=kind,
        kind_why=tuple(why),
        conclusion=_overall(standings, named),
        tool=named.rule.id if named else None,
        version=_version(named) if named else None,
        confidence=_confidence(named, [dossier for dossier, _ in parts]),
        tools=conclusions,
        parameters={
            **told_by(mark for _, marks in parts for mark in marks),
            **(changed(named.rule, named.compared, [c.sight for c in comparers]) if named else {}),
        },
        alike=alike,
        user_set=user_set(named.compared) if named else (),
    )


def _standing(rule: ToolRule, comparers: Sequence[Comparer], when: int | None) -> _Standing:
    standing = _Standing(rule, [comparer.compare(rule) for comparer in comparers])
    if when is not None:
        standing.dated = _out_of_time(standing, when)
    return standing


def _out_of_time(standing: _Standing, when: int) -> str:
    rule = standing.rule
    if rule.since is not None and rule.since > when:
        return f"first public release {_day_text(rule.since)}, after this capture ({rule.since_source})"
    changed = {line.field for line in standing.differing}
    for fact in rule.facts:
        if when < fact.until and changed & set(fact.fields):
            return f"{fact.statement} ({rule.sources.get(fact.source, fact.source)})"
    return ""


def _day_text(day: int) -> str:
    return f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"


def _name(
    standings: Sequence[_Standing], comparers: Sequence[Comparer], rules: RuleSet
) -> tuple[_Standing | None, tuple[str, ...]]:
    """Return the tool that is identified, if one is, and the ids of those that cannot be told from the best."""
    able = [s for s in standings if s.rule.kind != "stack" and _is_candidate(s, comparers, rules)]
    for standing in able:
        _weigh(standing, standings, rules)
    able.sort(key=lambda s: (s.chance or 0.0, len(rules.ancestors[s.rule.id]), s.rule.id))
    for best in able:
        best.forks = tuple(
            s.rule.name
            for s in standings
            if best.rule.id in s.rule.derives_from and s.compared and not s.eliminated and s.alone <= chance.BOUND
        )
        if best.chance is not None and best.chance <= chance.BOUND and _has_own_field(best):
            return best, ()
    if able and able[0].alike:
        return None, (able[0].rule.id, *able[0].alike)
    return None, ()


def _is_candidate(standing: _Standing, comparers: Sequence[Comparer], rules: RuleSet) -> bool:
    """Tell whether a rule may be identified at all, before anybody else is asked."""
    if standing.eliminated or not standing.compared or standing.rule.status == "draft":
        return False
    if standing.alone > chance.BOUND or standing.coverage < COVERED or standing.missing is not None:
        return False
    if standing.rule.kind == "library" and not any(f.line.recipe for f in standing.facts):
        return len(_template_values(standing, comparers, rules)) >= TEMPLATE_VALUES
    return all(line.settable != "no" for line in standing.differing)


def _weigh(standing: _Standing, standings: Sequence[_Standing], rules: RuleSet) -> None:
    """Ask every unrelated rule what the same packets would cost it."""
    others = [s for s in standings if not rules.related(s.rule.id, standing.rule.id)]
    costs = {s.rule.id: other_cost(standing.facts, s.parts) for s in others}
    total = mixture(costs.values(), unknown_cost(standing.facts), len(standings))
    standing.chance = min(total - standing.own, 0.0)
    standing.alike = tuple(sorted(rule_id for rule_id, cost in costs.items() if cost >= standing.own - MARGIN))


def _has_own_field(standing: _Standing) -> bool:
    """Tell whether more than one settable field speaks for the rule, or one that nobody can set."""
    telling = [f.line for f in standing.facts if f.line.verdict == "agrees" and f.line.log10_chance <= TELLING]
    return len({line.field for line in telling}) > 1 or any(line.settable == "no" for line in telling)


def _template_values(standing: _Standing, comparers: Sequence[Comparer], rules: RuleSet) -> set[str]:
    """Return the fields that show the sample's value where no unrelated rule has it as default."""
    agreeing = {
        fact.line.field
        for fact in standing.facts
        if fact.line.verdict == "agrees" and fact.line.exact and fact.line.log10_chance <= CHOSEN
    }
    return {
        name
        for name in agreeing
        if not any(
            comparer.has_default(other, name)
            for comparer in comparers
            for other in rules
            if not rules.related(other.id, standing.rule.id)
        )
    }


def _kind(
    comparers: Sequence[Comparer], standings: Sequence[_Standing], named: _Standing | None
) -> tuple[Literal["crafted", "stack", "undecided"], list[str]]:
    stacks = [s for s in standings if s.rule.kind == "stack"]
    reasons: list[str] = []
    fits: list[str] = []
    for place, comparer in enumerate(comparers):
        compared = [stack.parts[place] for stack in stacks]
        found = [*comparer.crafted, contradiction(compared)]
        reasons += [reason for reason in found if reason and reason not in reasons]
        fits.append(stack_fit(compared, comparer.sight.dossier.protocol))
    if named and any(part.mode is not None and part.mode.headers == "own" for part in named.compared):
        return "crafted", [*reasons, f"identified as {named.rule.name}, which writes its own headers"]
    if reasons:
        return "crafted", reasons
    if fits and all(fits):
        return "stack", list(dict.fromkeys(fits))
    return "undecided", ["nothing seen that only crafted packets show, and no known stack's description fits in full"]


def _conclusion(standing: _Standing, named: _Standing | None) -> ToolConclusion:
    out = standing.eliminated_by
    shown = [out] if out is not None else standing.compared
    word, reason = _word(standing, named)
    settings, price = _settings(standing, named)
    least = standing.alone if standing.chance is None else standing.chance
    dated = (standing.dated,) if standing.dated else ()
    missing = (out.reason,) if out is not None and not out.disagrees else ()
    return ToolConclusion(
        tool=standing.rule.id,
        conclusion=word,
        agrees=tuple(dict.fromkeys(line.text for part in shown for line in part.agrees)),
        disagrees=(*missing, *dict.fromkeys(line.text for part in shown for line in part.disagrees), *dated),
        silent=tuple(dict.fromkeys(line.text for part in shown for line in part.silent)),
        settings_needed=settings,
        price_log10=price,
        reason=reason,
        log10_chance=round(min(least, 0.0), 1) if settings is not None else None,
        by_date=bool(standing.dated) and out is None,
    )


def _word(standing: _Standing, named: _Standing | None) -> tuple[Conclusion, str]:
    out = standing.eliminated_by
    if standing is named:
        fork = f"; or its fork {', '.join(standing.forks)}" if standing.forks else ""
        return "identification", f"chance of another maker 10^{standing.chance or 0.0:.0f}{fork}"
    if out is not None:
        return "elimination", out.disagrees[0].text if out.disagrees else out.reason
    if standing.dated:
        return "elimination", standing.dated
    if not standing.compared:
        return "unsuitable", standing.parts[0].reason or "nothing of it is visible here"
    if standing.missing is not None:
        line = standing.missing
        return "inconclusive", f"{line.says}: {line.seen}, and anybody can copy the headers"
    return "inconclusive", "cannot be told from " + ", ".join(standing.alike) if standing.alike else ""


def _settings(standing: _Standing, named: _Standing | None) -> tuple[int | None, float | None]:
    """Return what it would take a tool's user to get what is seen: just these values, where a maker is named."""
    if not standing.compared or standing.eliminated:
        return None, None
    if named is None or standing is named:
        return standing.settings, round(standing.own, 1)
    price = other_cost(named.facts, standing.parts)
    return settings_for(named.facts, standing.parts), round(max(price, -chance.HOPELESS), 1)


def _overall(standings: Sequence[_Standing], named: _Standing | None) -> Conclusion:
    if named:
        return "identification"
    return "inconclusive" if any(standing.compared for standing in standings) else "unsuitable"


def _version(standing: _Standing) -> str | None:
    """Return the version ranges that fit every part; None where the rule does not tell versions apart."""
    found = [{mode.versions for mode in part.modes if mode.versions} for part in standing.compared]
    known = [versions for versions in found if versions]
    common = set.intersection(*known) if known else set()
    return "; ".join(sorted(common or set().union(*known))) or None


def _confidence(named: _Standing | None, dossiers: Sequence[Dossier]) -> float:
    if named is None:
        return 0.0
    return chance.confidence(named.chance or 0.0, named.settings, sampled=any(d.sampled for d in dossiers))
