"""Everything that is drawn by the key of a bundle: subkeys, numbers, permutations of numbers. AES is the library's.

HKDF (RFC 5869) gives each purpose a key of its own; the same key and label give the same numbers on any machine.
Permutations of small domains are Feistel networks of AES rounds, walked until they are inside (Black and Rogaway,
"Ciphers with Arbitrary Finite Domains", 2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

Numbers = NDArray[np.uint32]
Blocks = NDArray[np.uint8]

#: Octets of a bundle's key.
KEY_OCTETS: Final = 32
_ROUNDS: Final = 8
#: Steps after which a walk gives up: the domain holds at least 1/64 of what the network permutes.
_WALK: Final = 20_000


def encrypt(key: bytes, blocks: Blocks) -> Blocks:
    """Return 16-octet blocks (uint8[n, 16]) as AES in ECB mode encrypts each."""
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - single blocks, as a random function
    return np.frombuffer(cipher.update(np.ascontiguousarray(blocks).tobytes()), np.uint8).reshape(-1, 16)


@dataclass(frozen=True, slots=True)
class Domain:
    """The numbers that a field may take: from ``low`` to ``high``, with the bits of ``always``, within ``ever``."""

    low: int
    high: int
    always: int
    ever: int

    def holds(self, values: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
        """Tell which numbers are inside; 0 never is, since it stands for what was not set."""
        bounds = (values >= self.low) & (values <= self.high) & (values != 0)
        inside: NDArray[np.bool_] = bounds & (values & self.always == self.always) & (values | self.ever == self.ever)
        return inside

    @property
    def free(self) -> tuple[int, ...]:
        """The bits that vary, lowest first."""
        return tuple(bit for bit in range(32) if (self.ever & ~self.always) >> bit & 1)


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a bundle: 32 octets that nobody else has."""

    octets: bytes

    def sub(self, label: str, size: int = KEY_OCTETS) -> bytes:
        """Return the key for one purpose."""
        return HKDF(SHA256(), size, salt=None, info=f"craftmark share: {label}".encode()).derive(self.octets)

    def numbers(self, label: str, *columns: Numbers) -> Numbers:
        """Return one number per row that depends on the row's columns (four at most) and nothing else."""
        blocks = np.zeros((len(columns[0]), 4), ">u4")
        for place, column in enumerate(columns):
            blocks[:, place] = column
        return encrypt(self.sub(label), blocks.view(np.uint8))[:, :4].copy().view(">u4")[:, 0].astype(np.uint32)

    def order(self, label: str, size: int) -> NDArray[np.intp]:
        """Return 0 .. size - 1 in an order that only the key tells."""
        blocks = np.zeros((size, 2), ">u8")
        blocks[:, 1] = np.arange(size)
        return np.argsort(encrypt(self.sub(label), blocks.view(np.uint8)).copy().view(">u8")[:, 0], kind="stable")

    def permuted(self, label: str, values: Numbers, domain: Domain) -> Numbers:
        """Return other numbers of the domain, the same for the same and different for different ones; 0 stays 0."""
        distinct, where = np.unique(values, return_inverse=True)
        moved = distinct.copy()
        inside = np.flatnonzero(domain.holds(distinct))
        moved[inside] = self._walked(self.sub(label), distinct[inside], domain)
        return moved[where.reshape(-1)]

    def _walked(self, key: bytes, values: Numbers, domain: Domain) -> Numbers:
        by_bits, size = domain.free, domain.high - domain.low + 1
        is_range = size < 1 << len(by_bits)
        bits = max(2, ((size - 1).bit_length() if is_range else len(by_bits)) + 1 & ~1)
        places = _offsets(values, domain.low) if is_range else _gathered(values, by_bits)
        todo = np.arange(len(values))
        found = values.copy()
        for _ in range(_WALK):
            if not len(todo):
                break
            places[todo] = _feistel(key, places[todo], bits)
            now = _offsets(places[todo], -domain.low) if is_range else _scattered(places[todo], by_bits, domain.always)
            in_network = places[todo] < np.uint64(size if is_range else 1 << len(by_bits))
            inside = in_network & domain.holds(now)
            found[todo[inside]] = now[inside]
            todo = todo[~inside]
        return found


def _offsets(values: NDArray[np.generic], low: int) -> NDArray[np.uint64]:
    return (values.astype(np.int64) - low).astype(np.uint64)


def _gathered(values: Numbers, bits: tuple[int, ...]) -> NDArray[np.uint64]:
    places = np.zeros(len(values), np.uint64)
    for place, bit in enumerate(bits):
        places |= (values.astype(np.uint64) >> np.uint64(bit) & np.uint64(1)) << np.uint64(place)
    return places


def _scattered(places: NDArray[np.uint64], bits: tuple[int, ...], always: int) -> NDArray[np.uint64]:
    values = np.full(len(places), always, np.uint64)
    for place, bit in enumerate(bits):
        values |= (places >> np.uint64(place) & np.uint64(1)) << np.uint64(bit)
    return values


def _feistel(key: bytes, places: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    half = np.uint64(bits // 2)
    mask = np.uint64((1 << bits // 2) - 1)
    left, right = places >> half, places & mask
    blocks = np.zeros((len(places), 2), ">u8")
    for number in range(_ROUNDS):
        blocks[:, 0] = number << 8 | bits
        blocks[:, 1] = right
        drawn = encrypt(key, blocks.view(np.uint8)).copy().view(">u8")[:, 0].astype(np.uint64) & mask
        left, right = right, left ^ drawn
    return left << half | right
