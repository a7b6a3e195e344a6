"""What a toolmark is: a property of packets caused by the code that made them.

A family is a module of this folder with a function ``infer(dossier) -> list[Toolmark]``, pure and independent of the
other families; FAMILIES in ``marks/infer.py`` lists them in the order a reader wants them. A solver is a module with
``solve(dossier, recipe) -> list[Toolmark]``: it recovers the state behind fields that a rule's recipe says are made by
a generator or a permutation; SOLVERS there lists them by the kind of recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Level = Literal["class", "subclass", "individual"]
MarkKind = Literal[
    "constant", "relation", "counter", "generator", "order", "options", "ttl", "timing", "payload", "repeat"
]

#: Packets named as evidence per mark.
PACKETS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a tool draws what it sends, as its knowledge file says: what a solver needs to look for the state behind it.

    kind: the solver that understands it. tool: id of the rule it stands in. source: the citation. details: everything
    else the file says, as TOML values; the solver's module says what it expects there.
    """

    id: str
    kind: str
    tool: str
    source: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recovered:
    """Something recovered of the run behind the probes: a seed, a start time, a key.

    name: as the report's parameters are called. checked: how many packet fields the recovered state predicts that it
    was not fitted on.
    """

    name: str
    value: int | float | str | tuple[str, ...]
    confidence: float
    checked: int


@dataclass(frozen=True, slots=True)
class Toolmark:
    """One property of how packets were made, with its denominator and its chance.

    statement is exact and readable ("ip_id = 242"). name is the word rules may expect ("rising", "popular-first",
    "uniform"), "" where the statement says it all. held of seen probes; sampled when not all were tested.
    log10_chance: log10 of the probability that independent random values would show it (never above 0). recovered: what
    the mark tells of the run. one_stream: sources whose probes took turns at one state of a generator, no output twice.
    """

    kind: MarkKind
    statement: str
    fields: tuple[str, ...]
    held: int
    seen: int
    log10_chance: float
    level: Level
    name: str = ""
    values: tuple[int, ...] = ()
    sampled: bool = False
    packets: tuple[int, ...] = ()
    recovered: tuple[Recovered, ...] = ()
    one_stream: int = 1
