"""What a scan may have been for: purposes as data, weighed by what the packets, the answers and the sender show.

``knowledge/purposes/<purpose>.toml`` holds one purpose: its statement, how common it is (``prior``), what would settle
it, and ``[[signs]]``: conditions on facts of the scan, the factor by which the purpose becomes likelier (above 1) or
less likely when they all hold, and the words for it. A sign whose fact is not known in this capture is silent.
The weights say how the purposes stand to each other under these priors, no more; "unexplained" is always among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Final

from craftmark.assess.base import exact_weights
from craftmark.assess.listed import is_listed
from craftmark.assess.own import direction_of
from craftmark.assess.reach import bits_in_prose
from craftmark.errors import RuleError
from craftmark.stacks.stack import knowledge_files, read_table, tables_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from craftmark.assess.base import Subject
    from craftmark.assess.covert import Covert
    from craftmark.assess.reach import Reach
    from craftmark.assess.sender import OneSender
    from craftmark.assess.spoofing import Spoofing

Fact = bool | int | float | str

#: The purpose that is never left out.
UNEXPLAINED: Final = "unexplained"

#: Facts of a scan that a sign may ask for. A fact that cannot be told from this capture is missing, never filled in.
FACTS: Final = frozenset({
    "answered_share", "bits", "decoy_bursts", "direction", "handshakes", "has_payload", "is_flood", "kind",
    "kinds_of_probe", "listed", "modulated", "new_peers", "nothing", "one_sender", "ports", "probes", "probes_per_port",
    "protocol", "shape", "sources", "spoofing", "targets", "tells_host", "tells_ports", "tells_rules", "tool",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A condition on a number: at least ``low`` and at most ``high``, where given."""

    low: float | None
    high: float | None

    def holds(self, value: Fact) -> bool:
        """Tell whether a number lies within; anything else does not."""
        if isinstance(value, (str, bool)):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign: what must hold of each fact, the factor on the purpose's weight, and the words for it."""

    when: Mapping[str, Span | tuple[Fact, ...]]
    factor: float
    says: str

    def shows(self, facts: Mapping[str, Fact]) -> bool:
        """Tell whether all conditions hold; one whose fact is missing does not."""
        return all(name in facts and _holds(condition, facts[name]) for name, condition in self.when.items())


@dataclass(frozen=True, slots=True)
class PurposeRule:
    """One purpose as its file states it."""

    id: str
    statement: str
    prior: float
    settled_by: str
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose with its weight among all, and the reasons in words."""

    id: str
    statement: str
    weight: float
    for_: tuple[str, ...]
    against: tuple[str, ...]
    settled_by: str


def assess_purposes(
    subject: Subject, *, reach: Reach, spoofing: Spoofing, sender: OneSender, covert: Covert
) -> tuple[Purpose, ...]:
    """Return all purposes with weights that add up to 1, the likeliest first."""
    return weigh(facts_of(subject, reach=reach, spoofing=spoofing, sender=sender, covert=covert), purposes())


def weigh(facts: Mapping[str, Fact], rules: tuple[PurposeRule, ...]) -> tuple[Purpose, ...]:
    """Return the purposes of some rules weighed on facts, the likeliest first, equals by id."""
    shown = [[sign for sign in rule.signs if sign.shows(facts)] for rule in rules]
    raw = [rule.prior * prod(sign.factor for sign in signs) for rule, signs in zip(rules, shown, strict=True)]
    found = [
        Purpose(
            id=rule.id,
            statement=rule.statement,
            weight=weight,
            for_=tuple(sign.says for sign in signs if sign.factor > 1),
            against=tuple(sign.says for sign in signs if sign.factor < 1),
            settled_by=rule.settled_by,
        )
        for rule, signs, weight in zip(rules, shown, exact_weights(raw), strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.id)))


def facts_of(
    subject: Subject, *, reach: Reach, spoofing: Spoofing, sender: OneSender, covert: Covert
) -> dict[str, Fact]:
    """Return what is known of a scan, by the names that signs ask for."""
    main, answers = subject.main, subject.answers
    facts: dict[str, Fact] = {
        "shape": subject.shape,
        "protocol": main.protocol_name,
        "probes": subject.probes,
        "sources": subject.sources_total,
        "targets": main.targets_total,
        "kind": subject.maker.kind,
        "kinds_of_probe": len({(part.protocol, part.control_bits, part.icmp) for part in subject.parts}),
        "is_flood": subject.is_flood,
        "spoofing": spoofing.verdict,
        "one_sender": sender.verdict,
        "decoy_bursts": sender.decoy_bursts,
        "tells_ports": reach.tells_ports,
        "tells_host": reach.tells_host,
        "tells_rules": reach.tells_rules,
        "nothing": reach.nothing,
    }
    if subject.own:
        facts["direction"] = direction_of(subject)
    if subject.surveys:
        facts["listed"] = is_listed(subject)
    if covert.tested:
        facts["modulated"] = bool(covert.modulations)
    if answers.afterwards.seen:
        facts["new_peers"] = max(0, answers.afterwards.new_peers - answers.afterwards.before)
    if main.control_bits is not None:
        facts["bits"] = bits_in_prose(main.control_bits)
    if main.port_field is not None and main.ports_total:
        facts["ports"] = main.ports_total
        facts["probes_per_port"] = main.probes / (main.ports_total * max(1, main.targets_total))
    if main.field("payload_len") is not None:
        facts["has_payload"] = subject.has_payload
    if subject.maker.tool is not None:
        facts["tool"] = subject.maker.tool
    if answers.both_ways:
        facts["answered_share"] = answers.answered_probes / max(1, subject.probes)
        facts["handshakes"] = sum(answers.completed_handshakes.values())
    return facts


def _holds(condition: Span | tuple[Fact, ...], value: Fact) -> bool:
    return condition.holds(value) if isinstance(condition, Span) else value in condition


def read_purpose(entry: Traversable) -> PurposeRule:
    """Return one purpose of ``knowledge/purposes``; RuleError says what is wrong with the file."""
    path, table = entry.name, read_table(entry)
    prior = table.get("prior")
    if not isinstance(prior, float) or not 0 < prior < 1:
        raise RuleError("'prior' is no number between 0 and 1", path=path)
    signs = tables_of(table, "signs", path=path) if "signs" in table else []
    id_, statement, settled_by = (text_of(table, key, path=path) for key in ("id", "statement", "settled_by"))
    return PurposeRule(id_, statement, prior, settled_by, tuple(_read_sign(sign, path=path) for sign in signs))


def _read_sign(table: dict[str, object], *, path: str) -> Sign:
    when, factor = table.get("when"), table.get("factor")
    if not isinstance(when, dict) or not when or not set(when) <= FACTS:
        raise RuleError(f"'when' asks for {when!r}", path=path, remedy=f"name facts of {', '.join(sorted(FACTS))}")
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or factor <= 0:
        raise RuleError("'factor' is no number above 0", path=path)
    conditions = {name: _read_condition(value, path=path) for name, value in when.items()}
    return Sign(conditions, float(factor), text_of(table, "says", path=path))


def _read_condition(value: object, *, path: str) -> Span | tuple[Fact, ...]:
    if isinstance(value, dict):
        if (
            not value
            or not set(value) <= {"min", "max"}
            or not all(isinstance(one, (int, float)) for one in value.values())
        ):
            raise RuleError(f"condition {value!r}", path=path, remedy="write {min = 1, max = 9}")
        return Span(value.get("min"), value.get("max"))
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, (bool, int, float, str)) for one in values):
        raise RuleError(f"condition {value!r}", path=path, remedy="a value, a list of values, or {min, max}")
    return tuple(values)


@lru_cache(maxsize=1)
def purposes() -> tuple[PurposeRule, ...]:
    """Return all known purposes, read once; "unexplained" is one of them."""
    found = tuple(read_purpose(entry) for entry in knowledge_files("purposes"))
    if UNEXPLAINED not in {rule.id for rule in found}:
        raise RuleError(f"no purpose {UNEXPLAINED!r}", path="purposes", remedy="it is always a candidate")
    return found
