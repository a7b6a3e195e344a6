"""Twins of the hashing kernels, in plain Python: ranks, registers, samples and port sets by their definitions."""

from __future__ import annotations

from craftmark.packets import fields as f

MASK_32 = 0xFFFFFFFF
SEED = 0x1B873593


def mix(state: int, word: int) -> int:
    """Return the 32-bit hash step: two odd multiplications, each followed by a shifted exclusive or."""
    value = (state ^ word) * 0x2C1B3C6D % 2**32
    value = value ^ value >> 15
    value = value * 0x297A2D39 % 2**32
    return value ^ value >> 14


def pair_hash(row: list[int]) -> int:
    """Return the hash of both ends: of the sum of the addresses' low words, then of the sum of the ports."""
    ports = row[f.SPORT] + row[f.DPORT] if row[f.PROTOCOL] in (f.TCP, f.UDP, f.SCTP) else 0
    return mix(mix(SEED, (row[f.IP_SRC] + row[f.IP_DST]) % 2**32), ports % 2**32)


def fair_rank(row: list[int], packet_id: int) -> int:
    """Return the rank of a packet in fair samples: 32 bits of a hash of its ends, 30 of one of its number."""
    ends = pair_hash(row)
    return ends * 2**30 + mix(mix(ends, packet_id % 2**32), packet_id // 2**32) // 4


def run_rank(ts_ns: int) -> int:
    """Return the rank of a packet in samples of runs: hash of its slice of 2**32 ns, then its place in the slice."""
    piece, place = ts_ns // 2**32, ts_ns % 2**32
    hashed = mix(mix(SEED, piece % 2**32), piece // 2**32 % 2**32)
    return hashed // 4 * 2**32 + place


def bottom_k(rows: list[int], rank: dict[int, int], ident: dict[int, int], k: int) -> list[int]:
    """Return the ``k`` rows of least (rank, ident), greatest first."""
    return sorted(rows, key=lambda row: (rank[row], ident[row]))[:k][::-1]


def register_of(address: tuple[int, int, int, int], bits: int) -> tuple[int, int]:
    """Return (register, trailing zeros + 1) of an address given low word first."""
    low, *high = address
    hashed = mix(SEED, low)
    if high[0]:
        for word in high:
            hashed = mix(hashed, word)
    rest = mix(hashed, 0x5BD1E995)
    rank = 33 if rest == 0 else (rest & -rest).bit_length()
    return hashed % 2**bits, rank


def registers_of(addresses: list[tuple[int, int, int, int]], bits: int) -> list[int]:
    """Return the HyperLogLog registers of some addresses."""
    registers = [0] * 2**bits
    for address in addresses:
        place, rank = register_of(address, bits)
        registers[place] = max(registers[place], rank)
    return registers


def bitmap_of(ports: list[int]) -> bytes:
    """Return the set of ports, one bit each, least significant bit of each octet first."""
    bitmap = bytearray(8192)
    for port in ports:
        bitmap[port // 8] |= 1 << port % 8
    return bytes(bitmap)
