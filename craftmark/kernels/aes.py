"""AES-128 under many keys at once (FIPS 197), one block each; for searches over small keys, not for secrecy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

#: Place in the block that each byte comes from when rows are shifted (FIPS 197, 5.1.2).
_SHIFTED: Final = np.array([0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11])
_ROUNDS: Final = 10


def _doubled(value: int) -> int:
    """Return x times a polynomial modulo x**8 + x**4 + x**3 + x + 1 (FIPS 197, 4.2.1)."""
    return ((value << 1) ^ (0x1B if value & 0x80 else 0)) & 0xFF


def _substitutes() -> list[int]:
    """Return the table of FIPS 197, 5.1.1: each byte's inverse, then an affine map."""
    logs, power, value = [0] * 256, [], 1
    for exponent in range(255):
        logs[value] = exponent
        power.append(value)
        value ^= _doubled(value)
    found = []
    for byte in range(256):
        inverse = power[(255 - logs[byte]) % 255] if byte else 0
        turned = [((inverse << turn) | (inverse >> (8 - turn))) & 0xFF for turn in range(5)]
        found.append(0x63 ^ turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4])
    return found


_BOX: Final = np.array(_substitutes(), np.uint8)
_TWICE: Final = np.array([_doubled(value) for value in range(256)], np.uint8)


def encrypt(keys: Bytes, blocks: Bytes) -> Bytes:
    """Encrypt one block under each key: both uint8[n, 16]."""
    key, constant = keys.copy(), 1
    state = blocks ^ key
    for step in range(1, _ROUNDS + 1):
        key[:, 0:4] ^= _BOX[key[:, [13, 14, 15, 12]]]
        key[:, 0] ^= np.uint8(constant)
        constant = _doubled(constant)
        for word in (4, 8, 12):
            key[:, word : word + 4] ^= key[:, word - 4 : word]
        state = _BOX[state][:, _SHIFTED]
        if step < _ROUNDS:
            state = _mixed(state)
        state ^= key
    return state


def _mixed(state: Bytes) -> Bytes:
    """Mix each column of four bytes (FIPS 197, 5.1.3)."""
    columns = state.reshape(-1, 4, 4)
    every: Bytes = np.bitwise_xor.reduce(columns, axis=2, keepdims=True)
    pairs = columns ^ np.roll(columns, -1, axis=2)
    mixed: Bytes = columns ^ every ^ _TWICE[pairs]
    return mixed.reshape(-1, 16)
