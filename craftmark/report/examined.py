"""What was examined and how: the document's part about inputs, options and the roles of packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Clock = Literal["epoch", "no-year", "time-of-day", "since-boot"]


@dataclass(frozen=True, slots=True)
class Damage:
    """A place where an input could not be read: the packet that would have come next, the byte, and what is wrong."""

    packet: int
    byte: int
    what: str


@dataclass(frozen=True, slots=True)
class Input:
    """One input: what it is, and what it cannot show.

    Without an epoch clock ``first_ns`` and ``last_ns`` are None and ``first_text`` gives the first time as the input
    writes it; ``duration_ns`` stays.
    """

    name: str
    sha256: str
    bytes: int
    format: str
    link_types: tuple[str, ...]
    packets: int
    first_ns: int | None
    last_ns: int | None
    duration_ns: int | None
    first_text: str | None
    clock: Clock
    unseen: tuple[str, ...]
    damage: tuple[Damage, ...]
    damage_total: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what conditions the inputs were examined: the options that can change a conclusion or the choice shown.

    ``where`` selected packets before they were examined; ``only`` is the one scan or flood this document was cut to.
    ``paths``: files with traced routes; ``surveys``: files that list networks of surveys.
    """

    year: int | None
    trust_clock: bool
    own: tuple[str, ...]
    where: str | None
    only: str | None
    paths: tuple[str, ...] = ()
    surveys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """Packets by their role; the roles add up to all packets.

    ``probe`` also counts packets that no stack sends and nobody answered, of sources that sent too few for a scan.
    """

    probe: int
    answer: int
    backscatter: int
    flood: int
    ordinary: int
    undecoded: int
