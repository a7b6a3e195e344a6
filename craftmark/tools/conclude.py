"""Who made a scan: every rule compared with every kind of probe in it, and what follows, in the examiner's words.

Identification needs marks beyond chance and no visible disagreement on what nobody can set; where two unrelated rules
explain what is seen about equally well, neither is named. A wrong name is worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log10
from typing import TYPE_CHECKING, Final, Literal

from craftmark.packets.batch import join
from craftmark.tools import chance
from craftmark.tools.compare import Comparer, Comparison
from craftmark.tools.crafted import crafted_reasons
from craftmark.tools.parameters import Parameter, recovered
from craftmark.tools.stacks import stack_fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark
    from craftmark.tools.compare import Line
    from craftmark.tools.rule import RuleSet, ToolRule

Part = "tuple[Dossier, Sequence[Toolmark]]"
Conclusion = Literal["identification", "inconclusive", "elimination", "unsuitable"]

#: Decades by which the best explanation must beat an unrelated one.
MARGIN: Final = 2.0
#: Values of a template that no unrelated rule sends by default, for its identification.
TEMPLATE_VALUES: Final = 3
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

    alike: ids that explain what is seen equally well and so keep each other from being named.
    """

    kind: Literal["crafted", "stack", "undecided"]
    kind_why: tuple[str, ...]
    conclusion: Conclusion
    tool: str | None
    version: str | None
    confidence: float
    tools: tuple[ToolConclusion, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    alike: tuple[str, ...] = ()


@dataclass(slots=True)
class _Standing:
    """One rule over all parts of a scan."""

    rule: ToolRule
    parts: list[Comparison]
    dated: str = ""

    @property
    def compared(self) -> list[Comparison]:
        return [part for part in self.parts if part.mode is not None and part.visible]

    @property
    def eliminated_by(self) -> Comparison | None:
        total = sum(part.probes for part in self.parts)
        against = [part for part in self.parts if part.eliminated and part.probes >= STRAY_SHARE * total]
        return max(against, key=lambda part: part.probes, default=None)

    @property
    def eliminated(self) -> bool:
        return bool(self.dated) or self.eliminated_by is not None

    @property
    def agreeing(self) -> list[Line]:
        """Lines that agree, each fact once over all parts, with its best chance."""
        best: dict[tuple[object, ...], Line] = {}
        for part in self.compared:
            for line in part.agrees:
                if line.key not in best or line.log10_chance < best[line.key].log10_chance:
                    best[line.key] = line
        return sorted(best.values(), key=lambda line: line.log10_chance)

    @property
    def total(self) -> float:
        return log10(chance.UNKNOWN_SHARE) + sum(line.log10_chance for line in self.agreeing)

    @property
    def differing(self) -> list[Line]:
        best = {line.key: line for part in self.compared for line in part.disagrees}
        return list(best.values())

    @property
    def price(self) -> float:
        return sum(line.price for line in self.differing)

    @property
    def settings(self) -> int:
        return len({line.field for line in self.differing if line.settable in ("option", "source edit")})

    @property
    def merit(self) -> float:
        barred = sum(line.settable == "no" for line in self.differing)
        return -sum(line.log10_chance for line in self.agreeing) + self.price - 3.0 * barred

    @property
    def coverage(self) -> float:
        return sum(part.probes for part in self.compared) / max(sum(part.probes for part in self.parts), 1)


def conclude(
    parts: Sequence[tuple[Dossier, Sequence[Toolmark]]], rules: RuleSet, *, when: int | None = None
) -> Maker:
    """Return who made a scan, from the evidence and marks of each kind of probe in it.

    when: day of the capture as yyyymmdd where its clock is trusted, else None and dates are silent.
    """
    family = join(dossier.sample for dossier, _ in parts) if len(parts) > 1 else None
    comparers = [Comparer(rules, dossier, marks, family=family) for dossier, marks in parts]
    standings = [_standing(rule, comparers, when) for rule in rules if rule.kind != "stack"]
    named, alike = _name(standings, rules)
    kind, why = _kind(comparers, rules, named)
    conclusions = tuple(_conclusion(s, named=s is named, alike=alike) for s in standings)
    return Maker(
        kind=kind,
        kind_why=tuple(why),
        conclusion=_overall(named, conclusions),
        tool=named.rule.id if named else None,
        version=_version(named) if named else None,
        confidence=_confidence(named, [dossier for dossier, _ in parts]),
        tools=conclusions,
        parameters=recovered(named.rule, named.compared, [c.sight for c in comparers]) if named else {},
        alike=tuple(s.rule.id for s in alike),
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


def _name(standings: Sequence[_Standing], rules: RuleSet) -> tuple[_Standing | None, list[_Standing]]:
    """Return the tool that is identified, if one is, and those that cannot be told apart."""
    able = [s for s in standings if not s.eliminated and _meets_bound(s)]
    if not able:
        return None, []
    programs = [s for s in able if s.rule.kind != "library"] or able
    best = max(programs, key=lambda s: (s.merit, -len(rules.ancestors[s.rule.id]), s.rule.id))
    rivals = [s for s in standings if s is not best and not s.eliminated and _is_rival(s, best, rules)]
    if best.rule.kind != "library" and any(s.rule.kind == "library" for s in able):
        template = max((s for s in able if s.rule.kind == "library"), key=lambda s: s.merit)
        if template.merit > best.merit - MARGIN:
            return template, []
    if rivals:
        return None, [best, *rivals]
    return best, []


def _is_rival(other: _Standing, best: _Standing, rules: RuleSet) -> bool:
    if rules.related(other.rule.id, best.rule.id) or (other.rule.kind == "library") != (best.rule.kind == "library"):
        return False
    return bool(other.compared) and other.merit >= best.merit - MARGIN


def _meets_bound(standing: _Standing) -> bool:
    """Tell whether what agrees is beyond chance, on more than one settable field, and only on this rule's values."""
    lines = standing.agreeing
    telling = [line for line in lines if line.log10_chance <= TELLING]
    bound = chance.BOUND + log10(chance.OPTION_USED) * standing.settings
    if standing.rule.kind == "library":
        own = [line for line in telling if line.shared == 0 and line.field != "ip_ttl"]
        return len({x.field for x in own}) >= TEMPLATE_VALUES and standing.total <= chance.BOUND
    if standing.rule.status == "draft" or standing.total > bound or standing.coverage < 0.5:  # noqa: PLR2004
        return False
    if any(line.settable == "no" for line in standing.differing):
        return False
    return len({line.field for line in telling}) > 1 or any(line.settable == "no" for line in telling)


def _kind(
    comparers: Sequence[Comparer], rules: RuleSet, named: _Standing | None
) -> tuple[Literal["crafted", "stack", "undecided"], list[str]]:
    reasons: list[str] = []
    for place, comparer in enumerate(comparers):
        reasons += [r for r in crafted_reasons(comparer.sight, family=place == 0) if r not in reasons]
    own = bool(named) and any(part.mode is not None and part.mode.headers == "own" for part in named.compared)
    if named and own:
        return "crafted", [*reasons, f"identified as {named.rule.name}, which writes its own headers"]
    if reasons:
        return "crafted", reasons
    fits = [stack_fit(comparer, rules) for comparer in comparers]
    if fits and all(fits):
        return "stack", [fit for fit in dict.fromkeys(fits) if fit]
    return "undecided", ["nothing seen that only crafted packets show, and no known stack's description fits in full"]


def _conclusion(standing: _Standing, *, named: bool, alike: Sequence[_Standing]) -> ToolConclusion:
    rule, out = standing.rule, standing.eliminated_by
    shown = [out] if out is not None else standing.compared
    agrees = tuple(dict.fromkeys(line.text for part in shown for line in part.agrees))
    disagrees = tuple(dict.fromkeys(line.text for part in shown for line in part.disagrees))
    silent = tuple(dict.fromkeys(line.text for part in shown for line in part.silent))
    word: Conclusion = "inconclusive" if standing.compared else "unsuitable"
    reason = standing.parts[0].reason if not standing.compared else ""
    if named:
        word, reason = "identification", f"10^{standing.total:.0f} by chance of another maker"
    elif standing.dated:
        word, reason, disagrees = "elimination", standing.dated, (standing.dated, *disagrees)
    elif out is not None:
        word, reason = "elimination", out.disagrees[0].text if out.disagrees else out.reason
        disagrees = disagrees or (out.reason,)
    elif any(standing is other for other in alike):
        reason = "cannot be told from " + ", ".join(o.rule.id for o in alike if o is not standing)
    counted = standing.compared and not standing.eliminated
    return ToolConclusion(
        rule.id, word, agrees, disagrees, silent,
        settings_needed=standing.settings if counted else None,
        price_log10=round(standing.price, 1) if counted else None,
        reason=reason,
        log10_chance=round(standing.total, 1) if standing.compared else None,
        by_date=bool(standing.dated),
    )  # fmt: skip


def _overall(named: _Standing | None, conclusions: Sequence[ToolConclusion]) -> Conclusion:
    if named:
        return "identification"
    return "unsuitable" if all(c.conclusion == "unsuitable" for c in conclusions) else "inconclusive"


def _version(standing: _Standing) -> str | None:
    """Return the version ranges that fit every part; None where the rule does not tell versions apart."""
    ranges: list[str] = []
    for part in standing.compared:
        found = [mode.versions for mode in (part.modes or (part.mode,)) if mode is not None]
        if found and all(found):
            ranges += found
    return "; ".join(dict.fromkeys(ranges)) or None


def _confidence(named: _Standing | None, dossiers: Sequence[Dossier]) -> float:
    if named is None:
        return 0.0
    return chance.confidence(named.total, named.settings, sampled=any(d.sampled for d in dossiers))
