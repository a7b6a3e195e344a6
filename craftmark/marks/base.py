"""What a toolmark is: a property of packets caused by the code that made them.

A family is a module of this folder with a function ``infer(dossier) -> list[Toolmark]``, pure and independent of the
other families; FAMILIES in ``marks/infer.py`` lists them in the order a reader wants them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["class", "subclass", "individual"]
MarkKind = Literal[
    "constant", "relation", "counter", "generator", "order", "options", "ttl", "timing", "payload", "repeat"
]

#: Packets named as evidence per mark.
PACKETS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Toolmark:
    """One property of how packets were made, with its denominator and its chance.

    statement is exact and readable ("ip_id = 242"). name is the word rules may expect ("rising", "popular-first",
    "uniform"), "" where the statement says it all. held of seen probes; sampled when not all were tested.
    log10_chance: log10 of the probability that independent random values would show it (never above 0).
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
