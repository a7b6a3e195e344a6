"""The markprint: what kind of code made the probes, in two short printable strings. The form is ``docs/markprint.md``.

Structure: ``cm2:<protocol>:<letters>:<layout>:<orders>:<functions>``. One letter for each field of ``printed``:

    c  constant       one value in all probes that show it
    p  per run        keeps its value from probe to probe: one per run, burst or source
    k  counter        moves by one step from packet to packet
    f  function       moves, and is given by other fields
    t  per target     moves, and is the same again for the same target, port or source
    g  generator      moves, drawn from less than the field can hold, or from a generator whose state was found
    r  random         moves, and nothing of this was found
    ?  open           fewer than ``FEWEST`` probes show it, or it neither keeps its value nor moves
    u  unseen         the input cannot show it
    -  absent         the probes have no such field

Whether a field keeps its value or moves hardly depends on how many probes there are; the finer letters need more of
them, so that comparing lets each of them stand beside ``g`` and ``r`` (see assess/likeness.py).

Values: the constants, ``name=value`` in decimal; behind a semicolon those, and the names of moving fields, that the
user of the named tool sets. The TTL on arrival is left out: it says where the observation point is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.sequences import column, followed, groups, neighbours, showing
from craftmark.packets.fields import TCP, fields_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark

VERSION: Final = "cm2"
#: Stands for the protocol of probes that try one after the other.
MIXED: Final = -1
#: Probes that must show a field before anything but unseen and absent is said of it.
FEWEST: Final = 20
#: Share of the steps without change from which a field keeps its value, and up to which it moves.
KEEPS: Final = 0.8
MOVES: Final = 0.5

#: Words for the order of ports and of targets; what a recipe leads to is no word of a print.
ORDERS: Final = frozenset({"rising", "falling", "stride", "shuffled", "popular-first"})

#: Fields that are no part of a markprint: they name the act's parties, or repeat what the protocol says.
_LEFT_OUT: Final = frozenset({
    "ip_src", "ip_dst", "ip_proto", "ip_version", "tcp_dport", "udp_dport", "sctp_dport", "tcp_options", "tcp_off",
    "payload_hash",
})  # fmt: skip
#: Names of repeat marks that say whom a value belongs to.
_OWNED: Final = frozenset({"per-source", "per-target", "per-pair", "per-target-port", "per-probe"})


def printed(protocol: int) -> tuple[str, ...]:
    """Return the names of the fields that a markprint has a letter for, in header order."""
    return tuple(field.name for field in fields_of(protocol) if field.name not in _LEFT_OUT)


def markprint(dossier: Dossier, marks: Sequence[Toolmark], user_set: Collection[str] = ()) -> tuple[str, str]:
    """Return the structure and the values of a dossier's markprint, printable ASCII.

    user_set: the fields that the user of the tool sets, where a rule names the tool; the structure is the same
    without.
    """
    numbers = dossier.field("ip_proto")
    is_mixed = numbers is not None and numbers.constant is None
    names = printed(MIXED if is_mixed else dossier.protocol)
    functions = _functions(dossier, marks, names)
    letters = "".join(_letter(dossier, marks, name, functions) for name in names)
    layout = "-" if dossier.protocol != TCP else "?" if dossier.layout is None else ",".join(dossier.layout) or "none"
    orders = ",".join(_order(marks, name) for name in (dossier.port_field, "ip_dst"))
    shown = [
        f"{name}({','.join(functions[name])})" for name, letter in zip(names, letters, strict=True) if letter == "f"
    ]
    protocol = "mixed" if is_mixed else dossier.protocol_name
    structure = ":".join((VERSION, protocol, letters, layout, orders, "+".join(shown) or "-"))
    return structure, _values(dossier, names, user_set)


def _values(dossier: Dossier, names: Sequence[str], user_set: Collection[str]) -> str:
    own, chosen = [], []
    for name in names:
        evidence = None if name == "ip_ttl" else dossier.field(name)
        if evidence is None:
            continue
        text = name if evidence.constant is None else f"{name}={evidence.constant}"
        if name in user_set:
            chosen.append(text)
        elif evidence.constant is not None:
            own.append(text)
    return ",".join(own) + (f";{','.join(chosen)}" if chosen else "")


def _letter(dossier: Dossier, marks: Sequence[Toolmark], name: str, functions: dict[str, tuple[str, ...]]) -> str:
    evidence = dossier.fields.get(name)
    if evidence is None or not evidence.seen:
        return "u" if evidence is not None and evidence.unseen else "-"
    if evidence.seen < FEWEST:
        return "?"
    if evidence.constant is not None:
        return "c"
    unchanged = _unchanged(dossier, name)
    if unchanged > MOVES:
        return "p" if unchanged >= KEEPS else "?"
    if any(mark.kind == "counter" and name in mark.fields for mark in marks):
        return "k"
    if name in functions:
        return "f"
    if any(mark.kind == "repeat" and mark.name in _OWNED and name in mark.fields for mark in marks):
        return "t"
    return "g" if any(mark.kind == "generator" and name in mark.fields for mark in marks) else "r"


def _unchanged(dossier: Dossier, name: str) -> float:
    """Return the share of steps in which a field keeps its value: from each source, where sources send several."""
    packets = followed(showing(dossier.consecutive, name))
    if len(packets) < FEWEST:
        packets = followed(showing(dossier.sample, name))
    values = column(packets, name)
    earlier, later = neighbours(values, groups(packets, "source"))
    if 2 * len(earlier) < len(packets):
        earlier, later = values[:-1], values[1:]
    return float(np.count_nonzero(earlier == later)) / max(len(earlier), 1)


def _functions(dossier: Dossier, marks: Sequence[Toolmark], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return, per field that others give, these: of a relation the first that varies, by the shortest relation."""
    found: dict[str, tuple[str, ...]] = {}
    for mark in marks:
        if mark.kind != "relation":
            continue
        varying = [one for one in mark.fields if (seen := dossier.field(one)) is not None and seen.constant is None]
        given = next((name for name in names if name in varying), None)
        if given is not None:
            others = tuple(sorted(set(varying) - {given}))
            found[given] = min(found.get(given, others), others, key=lambda fields: (len(fields), fields))
    return {given: others for given, others in found.items() if others}


def _order(marks: Sequence[Toolmark], name: str | None) -> str:
    names = [mark.name for mark in marks if mark.kind == "order" and mark.fields == (name,)]
    return next((one for one in names if one in ORDERS), "?")
