"""TCP options: their layout, and the option values that never change.

The layout has no chance of its own: probes are told apart by it before marks are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import same_value
from craftmark.marks.sequences import packets_with
from craftmark.marks.wording import value_text
from craftmark.packets.fields import FIELDS, TCP, encode_layout

if TYPE_CHECKING:
    from craftmark.evidence.dossier import Dossier

#: Option values, and whether a sender's clock or randomness would change them from packet to packet.
_VALUES: Final = {"tcp_mss": False, "tcp_wscale": False, "tcp_tsval": True, "tcp_tsecr": False}


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return the layout's mark and one for each option value that is constant."""
    if dossier.protocol != TCP:
        return []
    return _layout(dossier) + [mark for name in _VALUES for mark in _value(dossier, name)]


def _layout(dossier: Dossier) -> list[Toolmark]:
    evidence = dossier.field("tcp_options")
    if dossier.layout is None or evidence is None:
        return []
    return [
        Toolmark(
            kind="options",
            statement=f"options = {','.join(dossier.layout) or 'none'}",
            fields=("tcp_options",),
            held=evidence.seen,
            seen=evidence.seen,
            log10_chance=0.0,
            level="subclass" if dossier.layout else "class",
            name=",".join(dossier.layout) or "none",
            values=encode_layout(dossier.layout),
            packets=packets_with(dossier, "tcp_options"),
        )
    ]


def _value(dossier: Dossier, name: str) -> list[Toolmark]:
    evidence = dossier.field(name)
    if evidence is None or evidence.constant is None:
        return []
    changes = _VALUES[name]
    return [
        Toolmark(
            kind="options",
            statement=f"{name} = {value_text(name, evidence.constant)}",
            fields=(name,),
            held=evidence.seen,
            seen=evidence.seen,
            log10_chance=same_value(evidence.seen, FIELDS[name].bits) if changes else 0.0,
            level="individual" if changes else "subclass",
            values=(evidence.constant,),
            packets=packets_with(dossier, name),
        )
    ]
