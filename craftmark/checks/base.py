"""What a check is: one question to one address, put by one run of a program that the system has.

craftmark sends nothing itself. ``addresses`` says which addresses may be asked, ``programs`` how each program is asked
and what its words mean, ``plan`` lists the checks of a case, ``running`` runs them, ``judge`` lays what came back
beside the scan. A new program is one entry of ``programs.PROGRAMS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["ping", "ack", "trace", "system"]


@dataclass(frozen=True, slots=True)
class Check:
    """One run of a program: ``command`` as a list of words, ``packets`` at most; ``asks`` says what it asks."""

    address: str
    kind: Kind
    program: str
    command: tuple[str, ...]
    packets: int
    asks: str


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended. ``code`` is None where it was stopped or could not start; ``asked_ns`` since the epoch."""

    code: int | None
    output: str
    asked_ns: int


class Runner(Protocol):
    """Runs a command to its end; tests hand in one that sends nothing."""

    def __call__(self, command: Sequence[str]) -> Ran:
        """Return what the program wrote; never raises for a program that fails."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a program's words say. ttls: of the answers, distinct, as they arrived. routers: on the traced way.

    unreachable: a router said that the address cannot be reached. system: what nmap names, "" for none.
    """

    answered: bool = False
    unreachable: bool = False
    ttls: tuple[int, ...] = ()
    routers: int | None = None
    system: str = ""
