"""The packets of a dossier as relations are looked for in: which fields vary, and who decides them.

The target, its port and the source are given by what is scanned and from where: relations among these alone say
nothing about the code. Fields that a header's other parts determine (lengths, checksums, hashes) are left out.
Packets that show the same again in all fields looked at are one packet: a repetition proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.packets.fields import DPORT, FIELDS, IP_DST, IP_SRC, SPORT, fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

#: Different packets looked at: a thousand leave no doubt about a bit, and bound the cost.
ROWS: Final = 1024

#: Fields that a program can fill as it likes, in each packet anew.
_CHOSEN: Final = frozenset({
    "ip_id", "ip6_flow", "ip_ttl", "ip_tos", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_win", "tcp_urp", "tcp_mss",
    "tcp_wscale", "tcp_tsval", "tcp_tsecr", "udp_sport", "icmp_id", "icmp_seq", "icmp6_id", "icmp6_seq", "sctp_sport",
    "sctp_vtag", "payload_head",
})  # fmt: skip
_ENDS: Final = [IP_SRC, IP_DST, SPORT, DPORT]
#: Share of the probes that must show a field.
_SHOWN: Final = 0.9


@dataclass(frozen=True, slots=True)
class Headers:
    """Different packets in time order, and the names of the fields that vary in them, by who decides them."""

    packets: PacketBatch
    given: tuple[str, ...]
    chosen: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All fields that vary, what is given first."""
        return self.given + self.chosen

    def values(self, name: str) -> NDArray[np.int64]:
        """Return a field in each packet, no wider than the field is."""
        return field_values(self.packets, name)


def field_values(packets: PacketBatch, name: str) -> NDArray[np.int64]:
    """Return a field's values as signed integers, cut to the field's width."""
    return packets.column(name).astype(np.int64) & ((1 << FIELDS[name].bits) - 1)


def headers_of(dossier: Dossier) -> Headers | None:
    """Return what relations are looked for in, None where the sender's fields do not vary or nothing repeats."""
    chosen = [field.name for field in fields_of(dossier.protocol) if field.name in _CHOSEN]
    chosen = [name for name in chosen if _varies(dossier, name)]
    if not chosen:
        return None
    given = [name for name in ("ip_src", "ip_dst", dossier.port_field) if name and _varies(dossier, name)]
    packets = _showing(dossier.sample, [*given, *chosen])
    packets = _different(packets, [*given, *chosen])
    if len(packets) < 2:
        return None
    return Headers(packets, tuple(given), tuple(chosen))


def first_of_each_conversation(headers: Headers) -> Headers:
    """Return the first packet between each two ends, where most packets belong to conversations of several.

    What later packets of a conversation repeat of the first is not chosen anew.
    """
    rows = conversations(headers.packets)
    return headers if rows is None else Headers(headers.packets.take(rows), headers.given, headers.chosen)


def conversations(packets: PacketBatch) -> NDArray[np.intp] | None:
    """Return the first packet of each conversation, None where most packets stand alone, or all are one."""
    rows = np.unique(packets.words[:, _ENDS], axis=0, return_index=True)[1]
    return None if len(rows) == 1 or len(rows) >= len(packets) / 2 else np.sort(rows)


def _varies(dossier: Dossier, name: str) -> bool:
    evidence = dossier.field(name)
    return evidence is not None and evidence.constant is None and evidence.seen >= _SHOWN * dossier.probes


def _showing(packets: PacketBatch, names: list[str]) -> PacketBatch:
    shown = np.logical_and.reduce([packets.present(name) for name in names])
    return packets if shown.all() else packets.take(shown)


def _different(packets: PacketBatch, names: list[str]) -> PacketBatch:
    """Return each different packet once, the earliest; of too many, some that are spread evenly."""
    if len(packets) > 2 * ROWS:
        packets = packets.take(np.linspace(0, len(packets) - 1, 2 * ROWS).astype(np.intp))
    rows = np.sort(np.unique(_whole(packets, names), return_index=True)[1])
    if len(rows) > ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, ROWS).astype(np.intp)]
    return packets if len(rows) == len(packets) else packets.take(rows)


def different_rows(packets: PacketBatch, names: Sequence[str]) -> int:
    """Count the different combinations of values that some fields have."""
    return len(np.unique(_whole(packets, names)))


def _whole(packets: PacketBatch, names: Sequence[str]) -> NDArray[np.void]:
    words = np.ascontiguousarray(packets.words[:, [FIELDS[name].word for name in names]])
    return words.view(np.dtype((np.void, words.shape[1] * 4))).reshape(-1)
