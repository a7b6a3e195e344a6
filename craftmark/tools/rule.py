"""A knowledge file in memory: which tool, what its probes look like, and where each fact was read.

A rule says what a tool's packets show by default; each expectation says whether the tool's user can change it. Rules
hold facts only: nothing in this folder's Python knows a tool by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from craftmark.tools.wording import bits_text, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from craftmark.marks.base import Recipe
    from craftmark.packets.expressions import Expression

Kind = Literal["scanner", "crafter", "tester", "library", "worm", "backdoor", "stack"]
Settable = Literal["no", "option", "argument", "source edit", "path"]
Behaviour = Literal[
    "varies", "varies by target", "one per run", "few per run", "counter", "below 2^31", "repeats", "nonzero", "free"
]

KINDS: Final = ("scanner", "crafter", "tester", "library", "worm", "backdoor", "stack")
#: no: only other code shows another value. option: the tool has an option for it. argument: users give it in nearly
#: every run. source edit: a sample or a leaked source that people change. path: routers on the way rewrite it.
SETTABLE: Final = ("no", "option", "argument", "source edit", "path")
BEHAVIOURS: Final = (
    "varies", "varies by target", "one per run", "few per run", "counter", "below 2^31", "repeats", "nonzero", "free",
)  # fmt: skip
LEVELS: Final = ("class", "subclass", "individual")


@dataclass(frozen=True)
class Expectation:
    """One thing a tool's probes show: a field or a relation, and exactly one form of what is expected of it.

    values: the field is always one of these. bounds: all values inside. initial_ttl: the TTL it is sent with;
    initial_ttl_range: drawn anew for each packet. equals: an expression the field always equals. constant_of: an
    expression with one value per run, of ``bits`` bits. behaviour: how the field moves. options: the option layout.
    order: the name of an order mark. recipe: the name of the mark that a recipe of the same tool leads to; among so
    many targets of one source as ``shows_from`` says (0: nobody knows) it hardly ever fails to. says: the fact as a
    sentence about the tool, for a reader.
    """

    field: str
    settable: Settable
    source: str
    values: tuple[int, ...] = ()
    bounds: tuple[int, int] | None = None
    initial_ttl: int | None = None
    initial_ttl_range: tuple[int, int] | None = None
    equals: str = ""
    constant_of: str = ""
    bits: int = 16
    behaviour: Behaviour | None = None
    step: int = 1
    options: tuple[str, ...] | None = None
    order: str = ""
    recipe: str = ""
    shows_from: int = 0
    level: str = "class"
    option: str = ""
    says: str = ""
    line: int = 0

    @cached_property
    def relation(self) -> str:
        """The text of the relation that evidence must count for this expectation, empty if none."""
        return f"{self.field} == {self.equals}" if self.equals else self.constant_of

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What is expected, without whose rule it is: equal for rules that expect the same."""
        return (
            self.field, self.values, self.bounds, self.initial_ttl, self.initial_ttl_range, self.equals,
            self.constant_of, self.bits, self.behaviour, self.step, self.options, self.order,
            self.recipe,
        )  # fmt: skip

    @cached_property
    def text(self) -> str:
        """What is expected as a phrase: 'ip_id = 54321'."""
        if self.options is not None:
            return "options " + (" ".join(self.options) or "none")
        if self.values:
            return f"{self.field} = " + " or ".join(number(self.field, value) for value in self.values)
        if self.bounds:
            return f"{self.field} in {number(self.field, self.bounds[0])}..{number(self.field, self.bounds[1])}"
        if self.initial_ttl is not None:
            return f"initial TTL {self.initial_ttl}"
        if self.initial_ttl_range:
            return f"initial TTL drawn per packet from {self.initial_ttl_range[0]}..{self.initial_ttl_range[1]}"
        if self.order:
            return f"{self.order} order"
        if self.recipe:
            return f"draws as its recipe {self.recipe.partition('/')[2]!r} says"
        if self.relation:
            return self.relation if self.equals else f"{self.constant_of} has one value per run"
        return f"{self.field} goes up by {self.step} per probe" if self.behaviour == "counter" else self._moves

    @property
    def _moves(self) -> str:
        words = {
            "varies": "is drawn anew per probe", "varies by target": "differs per target",
            "one per run": "is one per run", "few per run": "takes a few values per run",
            "below 2^31": "stays below 2^31", "repeats": "repeats often", "nonzero": "is never 0",
        }  # fmt: skip
        return f"{self.field} {words.get(self.behaviour or '', 'is an argument')}"


@dataclass(frozen=True, slots=True)
class Mode:
    """One kind of probe a tool sends.

    protocol: as in dossiers (6, 17, 1, 132, 256 for ARP), -1 for any. bits: the exact sets of control bits, empty for
    any; with_bits and without_bits: bits that must be set or clear. icmp: type and code. headers: "own" when the
    tool writes them, "stack" when it asks the system for a connection. since: first day on which a tool could send it.
    """

    id: str
    protocol: int
    expects: tuple[Expectation, ...]
    bits: tuple[int, ...] = ()
    with_bits: int = 0
    without_bits: int = 0
    icmp: tuple[int, int] | None = None
    versions: str = ""
    headers: Literal["own", "stack"] = "own"
    since: int | None = None

    def sends(self, control_bits: int | None) -> bool:
        """Tell whether this kind of probe can have these control bits; unseen bits are possible."""
        if control_bits is None:
            return True
        if self.bits and control_bits not in self.bits:
            return False
        return control_bits & self.with_bits == self.with_bits and not control_bits & self.without_bits

    @property
    def bits_text(self) -> str:
        """The control bits this mode sends, for a reader."""
        if self.bits:
            return " or ".join(bits_text(bits) for bits in self.bits)
        with_text = f"with {bits_text(self.with_bits)}" if self.with_bits else ""
        without = f"without {bits_text(self.without_bits)}" if self.without_bits else ""
        return " and ".join(part for part in (with_text, without) if part) or "any"


@dataclass(frozen=True, slots=True)
class DatedFact:
    """What the versions of a time could not do: until a day, a field could not be set by option."""

    until: int  # yyyymmdd
    fields: tuple[str, ...]
    statement: str
    source: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a tool's probes tell of the run by a formula: an expression of few values, each in several probes.

    parameter: its name in the report. within: the values it can have. most: how many of them one kind of probe may
    show. least: the least of them is told alone. clock: it is the second of the start modulo this number, 0: it is not.
    """

    parameter: str
    expression: Expression
    within: tuple[int, int]
    most: int
    least: bool
    clock: int
    source: str


@dataclass(frozen=True)
class ToolRule:
    """One tool, library, worm or system stack: identity, lineage and kinds of probe.

    recipes: how it draws what it sends, for the solvers of marks/. readings: what formulas tell of a run of it.
    since: day of the first public release as yyyymmdd, the earliest day it can be where only a bound is known; None
    where no source was found. all_probes: its modes are all the kinds of probe it can send.
    """

    id: str
    name: str
    kind: Kind
    summary: str
    modes: tuple[Mode, ...]
    sources: Mapping[str, str]
    names: tuple[str, ...] = ()
    since: int | None = None
    since_source: str = ""
    status: Literal["stable", "draft"] = "stable"
    derives_from: tuple[str, ...] = ()
    confusable_with: tuple[str, ...] = ()
    free_form: bool = False
    all_probes: bool = False
    facts: tuple[DatedFact, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    readings: tuple[Reading, ...] = ()
    path: str = ""


@dataclass(frozen=True)
class RuleSet:
    """All rules known to a run, in order of id, with the hash of their texts."""

    rules: tuple[ToolRule, ...]
    sha256: str
    by_id: Mapping[str, ToolRule] = field(default_factory=dict)

    def __iter__(self) -> Iterator[ToolRule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """The texts of all relations that rules name: what evidence must count."""
        return tuple(
            sorted({e.relation for rule in self.rules for mode in rule.modes for e in mode.expects if e.relation})
        )

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes of all rules, in order of the rules."""
        return tuple(recipe for rule in self.rules for recipe in rule.recipes)

    @cached_property
    def ancestors(self) -> Mapping[str, frozenset[str]]:
        """Per rule its own id and all it descends from."""
        return {rule.id: frozenset(_line(rule.id, self.by_id)) for rule in self.rules}

    def related(self, one: str, other: str) -> bool:
        """Tell whether one of two rules descends from the other."""
        return one in self.ancestors.get(other, ()) or other in self.ancestors.get(one, ())


def _line(start: str, by_id: Mapping[str, ToolRule]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        rule_id = waiting.pop()
        if rule_id not in seen and rule_id in by_id:
            seen.add(rule_id)
            waiting.extend(by_id[rule_id].derives_from)
    return seen | {start}
