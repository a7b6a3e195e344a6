"""What the user had asked the claimed sources after the scan: the document's part that ``craftmark verify`` adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckKind = Literal["ping", "ack", "trace", "system"]
CheckOutcome = Literal["answered", "unreachable", "silent", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """One question that the user had put to an address by a program of the system (``craftmark verify``).

    ``packets``: at most so many were sent. ``ttls``: of the answers. ``hops``: the distances these leave, or the
    routers on a traced way. ``system``: what the program names, "" for nothing. ``output``: its words, capped.
    """

    address: str
    kind: CheckKind
    program: str
    command: tuple[str, ...]
    packets: int
    asked_ns: int
    outcome: CheckOutcome
    ttls: tuple[int, ...]
    hops: tuple[int, ...]
    system: str
    output: str


NO_CHECKS: tuple[Check, ...] = ()
