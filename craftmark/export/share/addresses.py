"""Which addresses are the user's own, and what stands for each of them in a bundle.

Crypto-PAn over the whole address space, but private space stays private: behind the bits of its block. No stand-in is
an address that was captured, nor one that cannot be a host's: if one is, the next key is tried.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.assess.spoofing import RESERVED
from craftmark.errors import ExitCode, SourceError
from craftmark.export.share.cryptopan import CryptoPan
from craftmark.packets import fields as f

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from craftmark.export.share.keyed import Key
    from craftmark.packets.batch import Words

    Addresses = NDArray[np.uint32]  # [n, 4], the most significant word first; of IPv4 only the last is used

_PRIVATE: Final = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
#: Keys tried with private space kept, and in all.
_TRIES_PRIVATE, _TRIES = 16, 48
#: The networks of targets that are own where the user named none.
_DEFAULT_V4, _DEFAULT_V6 = 24, 64

#: The words of a row that hold an address: its three high words, and the low one.
SIDES: Final = {"ip_src": (f.IP_SRC_HIGH, f.IP_SRC), "ip_dst": (f.IP_DST_HIGH, f.IP_DST)}


def addresses_of(words: Words, side: str) -> Addresses:
    """Return the addresses of one side of packets."""
    high, low = SIDES[side]
    return words[:, [high, high + 1, high + 2, low]]


class Own:
    """The user's own networks."""

    def __init__(self, networks: Iterable[str]) -> None:
        self.networks = tuple(dict.fromkeys(ip_network(one, strict=False) for one in networks))
        self._v4: dict[int, NDArray[np.uint32]] = {}
        for length in sorted({one.prefixlen for one in self.networks if one.version == 4}):
            starts = [int(one.network_address) for one in self.networks if (one.version, one.prefixlen) == (4, length)]
            self._v4[length] = np.unique(np.array(starts, np.uint64) >> np.uint64(32 - length)).astype(np.uint32)
        self._v6 = [one for one in self.networks if isinstance(one, IPv6Network)]

    @classmethod
    def around(cls, words: Words) -> Own:
        """Return the networks of the targets of some probes: /24 and /64."""
        is_v6 = words[:, f.IP_VERSION] == 6
        v4 = np.unique(words[~is_v6, f.IP_DST] & np.uint32(0xFFFFFF00)).tolist()
        v6 = np.unique(words[is_v6][:, [f.IP_DST_HIGH, f.IP_DST_HIGH + 1]], axis=0).tolist()
        return cls(
            [
                *(str(IPv4Network((one, _DEFAULT_V4))) for one in v4),
                *(str(IPv6Network((high << 96 | low << 64, _DEFAULT_V6))) for high, low in v6),
            ]
        )

    def hold(self, words: Words, side: str) -> NDArray[np.bool_]:
        """Tell which packets have an own address on that side."""
        addresses = addresses_of(words, side)
        is_v6 = words[:, f.IP_VERSION] == 6
        inside = np.zeros(len(words), np.bool_)
        for length, starts in self._v4.items():
            shifted = (addresses[:, 3].astype(np.uint64) >> np.uint64(32 - length)).astype(np.uint32)
            inside |= ~is_v6 & np.isin(shifted, starts)
        if self._v6 and is_v6.any():
            distinct, where = np.unique(addresses[is_v6], axis=0, return_inverse=True)
            told = np.array([self._holds_v6(_number(row)) for row in distinct], np.bool_)
            inside[is_v6] = told[where.reshape(-1)]
        return inside

    def texts(self, words: Words) -> list[bytes]:
        """Return the own addresses in packets as octets in both orders and as text, to be searched for."""
        found: set[bytes] = set()
        for side in SIDES:
            chosen = words[self.hold(words, side)]
            version = chosen[:, f.IP_VERSION] == 6
            for row in np.unique(np.concatenate([addresses_of(chosen, side), version[:, None]], axis=1), axis=0):
                address = IPv6Address(_number(row)) if row[4] else IPv4Address(int(row[3]))
                found |= {address.packed, address.packed[::-1], str(address).encode()}
        return sorted(found)

    def _holds_v6(self, address: int) -> bool:
        return any(
            address >> 128 - one.prefixlen == int(one.network_address) >> 128 - one.prefixlen for one in self._v6
        )


class StandIns:
    """What stands for each own address that was captured; the same key gives the same."""

    def __init__(self, own: Own, parts: Sequence[Words], key: Key) -> None:
        self._own = own
        v4, v6, strangers = _captured(own, parts)
        for number in range(_TRIES):
            self._pan = CryptoPan(key.sub(f"addresses {number}"))
            self._keeps_private = number < _TRIES_PRIVATE
            self.used = np.unique(self._v4(v4))
            if not _is_refused(self.used, v4, strangers) and not np.isin(v6[:, 3], self._pan.v6(v6)[:, 3]).any():
                #: Own IPv4 addresses, and the numbers they are in the other byte order.
                self.tell_tales = np.concatenate([v4, v4.byteswap()])
                return
        what = "own addresses cannot be replaced: the networks named hold too much of all addresses"
        raise SourceError(what, name="--own", code=ExitCode.USAGE, remedy="name the networks that are yours alone")

    def put(self, words: Words) -> None:
        """Replace own addresses on both sides of packets."""
        for side, (high, low) in SIDES.items():
            rows = np.flatnonzero(self._own.hold(words, side))
            is_v6 = words[rows, f.IP_VERSION] == 6
            words[rows[~is_v6], low] = self._each(words[rows[~is_v6], low])
            if is_v6.any():
                moved = self._pan.v6(addresses_of(words[rows[is_v6]], side))
                words[np.ix_(rows[is_v6], [high, high + 1, high + 2, low])] = moved

    def networks(self) -> tuple[str, ...]:
        """Return what the own networks have become."""
        return tuple(str(self._network(one)) for one in self._own.networks)

    def _network(self, one: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
        first = int(one.network_address)
        if isinstance(one, IPv4Network):
            moved = int(self._v4(np.array([first], np.uint32))[0])
            return IPv4Network((moved, one.prefixlen), strict=False)
        row = np.array([[first >> shift & 0xFFFFFFFF for shift in (96, 64, 32, 0)]], np.uint32)
        return IPv6Network((_number(self._pan.v6(row)[0]), one.prefixlen), strict=False)

    def _each(self, addresses: NDArray[np.uint32]) -> NDArray[np.uint32]:
        distinct, where = np.unique(addresses, return_inverse=True)
        return self._v4(distinct)[where.reshape(-1)]

    def _v4(self, addresses: NDArray[np.uint32]) -> NDArray[np.uint32]:
        moved = self._pan.v4(addresses)
        for block in _PRIVATE if self._keeps_private else ():
            mask = np.uint32(int(block.netmask))
            inside = addresses & mask == int(block.network_address)
            moved[inside] = moved[inside] & ~mask | np.uint32(int(block.network_address))
        return moved


def _captured(own: Own, parts: Sequence[Words]) -> tuple[NDArray[np.uint32], Addresses, NDArray[np.uint32]]:
    """Return the own IPv4 and IPv6 addresses in packets, and the IPv4 addresses of others."""
    mine: list[NDArray[np.uint32]] = []
    others: list[NDArray[np.uint32]] = []
    six: list[Addresses] = [np.zeros((0, 4), np.uint32)]
    for words in parts:
        is_v6 = words[:, f.IP_VERSION] == 6
        for side, (_, low) in SIDES.items():
            held = own.hold(words, side)
            mine.append(np.unique(words[held & ~is_v6, low]))
            others.append(np.unique(words[~held & ~is_v6, low]))
            six.append(addresses_of(words[held & is_v6], side))
    return np.unique(np.concatenate(mine)), np.unique(np.concatenate(six), axis=0), np.unique(np.concatenate(others))


def _is_refused(used: NDArray[np.uint32], captured: NDArray[np.uint32], strangers: NDArray[np.uint32]) -> bool:
    """Tell whether a stand-in is somebody's address, or no public one for a public one."""
    if np.isin(used, captured).any() or np.isin(used, strangers).any():
        return True
    for block in RESERVED:
        is_private = block in _PRIVATE
        inside = used & np.uint32(int(block.netmask)) == int(block.network_address)
        came_from = captured & np.uint32(int(block.netmask)) == int(block.network_address)
        if inside.any() and not (is_private and inside.sum() == came_from.sum()):
            return True
    return False


def _number(row: NDArray[np.uint32]) -> int:
    return int(row[0]) << 96 | int(row[1]) << 64 | int(row[2]) << 32 | int(row[3])
