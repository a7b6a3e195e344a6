"""The markprint: what kind of code made the probes, in two short printable strings.

Structure: ``cm1:<protocol>:<letters>:<layout>:<order>``. One letter for each field of ``printed``, in that order:

    c  constant       the same value in all probes that show it
    k  counter        one step more from packet to packet
    f  function       given by other fields: the first field of a relation that holds
    g  generator      drawn from less than the field can hold
    t  per target     the same again for the same source, target or port
    r  varies         none of these was found
    u  unseen         the input cannot show it
    -  absent         the probes have no such field

Layout: the option kinds joined by commas, "none", or "?" where unseen or varying (always "-" outside TCP). Order: the
class of the destination ports' order, of the targets' order, joined by a comma, "?" for each unknown.

Values: the constants themselves, ``name=value`` in decimal, in the same field order, joined by commas. The TTL on
arrival is left out: it says where the observation point is, not what was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import TCP, fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark

#: Fields that are no part of a markprint: they name the act's parties, or repeat what the protocol says.
_LEFT_OUT: Final = frozenset({
    "ip_src", "ip_dst", "ip_proto", "ip_version", "tcp_dport", "udp_dport", "sctp_dport", "tcp_options", "tcp_off",
    "payload_hash", "payload_head",
})  # fmt: skip

_LETTERS: Final = (("counter", "k"), ("relation", "f"), ("generator", "g"), ("repeat", "t"))


def printed(protocol: int) -> tuple[str, ...]:
    """Return the names of the fields that a markprint has a letter for, in header order."""
    return tuple(field.name for field in fields_of(protocol) if field.name not in _LEFT_OUT)


def markprint(dossier: Dossier, marks: Sequence[Toolmark]) -> tuple[str, str]:
    """Return the structure and the values of a dossier's markprint, printable ASCII."""
    names = printed(dossier.protocol)
    letters = "".join(_letter(dossier, marks, name) for name in names)
    layout = "-" if dossier.protocol != TCP else "?" if dossier.layout is None else ",".join(dossier.layout) or "none"
    orders = ",".join(_order(marks, name) for name in (dossier.port_field, "ip_dst"))
    structure = f"cm1:{dossier.protocol_name}:{letters}:{layout}:{orders}"
    values = ",".join(f"{name}={value}" for name in names if (value := _constant(dossier, name)) is not None)
    return structure, values


def _constant(dossier: Dossier, name: str) -> int | None:
    evidence = dossier.field(name)
    return None if evidence is None or name == "ip_ttl" else evidence.constant


def _letter(dossier: Dossier, marks: Sequence[Toolmark], name: str) -> str:
    evidence = dossier.fields.get(name)
    if evidence is None or not evidence.seen:
        return "u" if evidence is not None and evidence.unseen else "-"
    if evidence.constant is not None:
        return "c"
    for kind, letter in _LETTERS:
        if any(mark.kind == kind and name in _decided(dossier, mark) for mark in marks):
            return letter
    return "r"


def _decided(dossier: Dossier, mark: Toolmark) -> tuple[str, ...]:
    """Return the fields whose values a mark explains: of a relation the first that varies."""
    if mark.kind != "relation":
        return mark.fields
    varying = [name for name in mark.fields if (one := dossier.field(name)) is not None and one.constant is None]
    return tuple(varying[:1])


def _order(marks: Sequence[Toolmark], name: str | None) -> str:
    names = [mark.name for mark in marks if mark.kind == "order" and mark.fields == (name,) and mark.name != "passes"]
    return names[0] if names else "?"
