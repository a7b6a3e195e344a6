"""Crypto-PAn: addresses to addresses, so that two share exactly as many leading bits after as before.

Xu, Fan, Ammar, Moon: "Prefix-Preserving IP Address Anonymization", ICNP 2002. The first 16 octets of the key are
AES's, the others, encrypted, the padding. IPv6 is done likewise over 128 bits, as other implementations do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.export.share.keyed import encrypt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.export.share.keyed import Blocks

_BLOCK: Final = 128
#: Addresses whose bits are encrypted together.
_AT_ONCE: Final = 4096


class CryptoPan:
    """One prefix-preserving permutation of all addresses; ``key`` has 32 octets."""

    def __init__(self, key: bytes) -> None:
        self._key = key[:16]
        pad = encrypt(self._key, np.frombuffer(key[16:32], np.uint8).reshape(1, 16))
        self._pad = np.unpackbits(pad[0])

    def v4(self, addresses: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return IPv4 addresses."""
        octets = addresses.astype(">u4").view(np.uint8).reshape(-1, 4)
        return self._moved(octets).view(">u4")[:, 0].astype(np.uint32)

    def v6(self, addresses: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return IPv6 addresses, four words each (uint32[n, 4]), the most significant first."""
        octets = np.ascontiguousarray(addresses.astype(">u4")).view(np.uint8).reshape(-1, 16)
        return self._moved(octets).view(">u4").astype(np.uint32)

    def _moved(self, octets: Blocks) -> Blocks:
        parts = [self._flipped(octets[at : at + _AT_ONCE]) for at in range(0, len(octets), _AT_ONCE)]
        return np.concatenate([octets[:0], *parts])

    def _flipped(self, octets: Blocks) -> Blocks:
        """Flip each bit by what the bits in front of it, padded, are encrypted to."""
        bits = np.unpackbits(octets, axis=1)
        size = bits.shape[1]
        blocks = np.broadcast_to(self._pad, (size, len(bits), _BLOCK)).copy()
        for place in range(1, size):
            blocks[place, :, :place] = bits[:, :place]
        encrypted = encrypt(self._key, np.packbits(blocks.reshape(-1, _BLOCK), axis=1))
        flips = (encrypted[:, 0] >> 7).reshape(size, len(bits)).T
        return np.packbits(bits ^ flips, axis=1)
