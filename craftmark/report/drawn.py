"""The part of the report that pictures are drawn from; see document.py for what holds for all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldRole = Literal["constant", "relation", "counter", "generator", "varies", "unseen", "absent"]


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One header field over all probes of the largest part: what is known of each bit.

    ``always`` and ``ever`` are masks of the bits set in all and in any of the ``seen`` probes. ``ones`` is, per bit
    from the highest on, in how many of a thousand sampled probes it was set; empty where nothing varies. ``formula``
    says what gives the field where its ``role`` is constant, relation, counter or generator.
    """

    name: str
    bits: int
    seen: int
    unseen: int
    absent: int
    always: int
    ever: int
    ones: tuple[int, ...]
    role: FieldRole
    formula: str


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one field in the rows of a Sample, None where the packet does not show it."""

    field: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some probes in the order of time, as pictures draw them.

    ``offset_ns``: since the scan's first probe, empty where the inputs tell no time. ``columns``: the fields that vary,
    addresses as 32-bit numbers (the low bits of IPv6's). ``complete``: these are all probes. ``consecutive``: none is
    missing between any two of them.
    """

    rows: int = 0
    complete: bool = False
    consecutive: bool = False
    offset_ns: tuple[int, ...] = ()
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class GapBin:
    """How many gaps between consecutive probes were at least ``from_ns`` and below ``to_ns``."""

    from_ns: int
    to_ns: int
    gaps: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What pictures of a scan are drawn from: the header bit by bit, probes spread over the scan, a run, the gaps."""

    header: tuple[HeaderField, ...] = ()
    spread: Sample = Sample()
    run: Sample = Sample()
    gaps: tuple[GapBin, ...] = ()


#: Of reports saved before they held pictures' data.
NOTHING_DRAWN = Drawn()
