"""Which packets belong to a probe: its answers, what its sender sent on the same ports, and errors that quote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from craftmark.packets import fields as f

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.packets.batch import Words

    Keys = NDArray[np.uint32]  # [n, 5]: protocol, the probe's source and target, and two numbers of the transport
    Rows = NDArray[np.intp]
    Truth = NDArray[np.bool_]

_PORTS = (f.TCP, f.UDP, f.SCTP)
_PINGS = (f.ICMP, f.ICMP6)


@dataclass(frozen=True, slots=True)
class Paired:
    """Per packet: the probe it belongs to (itself, of a probe; -1 for none), and whether it goes the other way."""

    probe: Rows
    is_back: Truth
    is_error: Truth


def keys_of(words: Words) -> Keys:
    """Return what names the conversation of packets sent by its first side."""
    protocol = words[:, f.PROTOCOL]
    has_ports, pings = np.isin(protocol, _PORTS), np.isin(protocol, _PINGS)
    one = np.select([has_ports, pings], [words[:, f.SPORT], words[:, f.ICMP_ID]], np.uint32(0))
    other = np.select([has_ports, pings], [words[:, f.DPORT], words[:, f.ICMP_SEQ]], np.uint32(0))
    return np.stack([protocol, words[:, f.IP_SRC], words[:, f.IP_DST], one, other], axis=1)


def keys_back(words: Words) -> Keys:
    """Return what names the conversation of packets sent by its other side, or that quote a packet of its first."""
    ahead = keys_of(words)
    pings = np.isin(words[:, f.PROTOCOL], _PINGS)
    back = np.where(pings[:, None], ahead[:, [0, 2, 1, 3, 4]], ahead[:, [0, 2, 1, 4, 3]])
    quotes = np.flatnonzero(words[:, f.NOTES] & f.NOTE_QUOTE != 0)
    quoted = words[quotes]
    of_ping = np.isin(quoted[:, f.QUOTE_PROTOCOL], _PINGS)
    back[quotes] = np.stack([
        quoted[:, f.QUOTE_PROTOCOL], quoted[:, f.IP_DST], quoted[:, f.QUOTE_DST],
        np.where(of_ping, quoted[:, f.QUOTE_SEQ] >> np.uint32(16), quoted[:, f.QUOTE_SPORT]),
        np.where(of_ping, quoted[:, f.QUOTE_SEQ] & np.uint32(0xFFFF), quoted[:, f.QUOTE_DPORT]),
    ], axis=1)  # fmt: skip
    return back


class Belonging:
    """Tells which packets are of the conversations of some probes."""

    def __init__(self, probes: Words) -> None:
        self._keys = np.unique(_packed(keys_of(probes)))

    def mine(self, words: Words) -> Truth:
        """Tell which packets are."""
        ahead, back = _packed(keys_of(words)), _packed(keys_back(words))
        found: Truth = np.isin(ahead, self._keys) | np.isin(back, self._keys)
        return found


def pair(words: Words, is_probe: Truth) -> Paired:
    """Return to which probe each packet belongs: the last before it, or the first after; rows are in time's order."""
    size = len(words)
    _, ids = np.unique(np.concatenate([_packed(keys_of(words)), _packed(keys_back(words))]), return_inverse=True)
    ahead, back = ids[:size], ids[size:]
    probed = np.zeros(int(ids.max(initial=0)) + 1, np.bool_)
    probed[ahead[is_probe]] = True
    is_back = ~is_probe & probed[back] & ((words[:, f.NOTES] & f.NOTE_QUOTE != 0) | ~probed[ahead])
    conversation = np.where(is_back, back, ahead)
    order = np.lexsort((np.arange(size), conversation))
    place = np.where(is_probe[order], np.arange(size), -1)
    begins = np.r_[True, np.diff(conversation[order]) != 0]
    latest = np.maximum.accumulate(place)
    first = np.maximum.accumulate(np.where(begins, np.arange(size), 0))
    following = np.minimum.accumulate(np.where(place >= 0, place, size)[::-1])[::-1]
    chosen = np.where(latest >= first, latest, following)
    probe = np.full(size, -1, np.intp)
    known = probed[conversation[order]]
    probe[order[known]] = order[chosen[known]]
    return Paired(probe, is_back, is_back & (words[:, f.NOTES] & f.NOTE_QUOTE != 0))


def _packed(keys: Keys) -> NDArray[np.void]:
    return np.ascontiguousarray(keys).view(np.dtype((np.void, 20)))[:, 0]
