"""Write a capture like a telescope's: many sources, most with one packet, a few with millions, several tools' headers.

Made in chunks, in constant memory, the same bytes for the same options:

    python benchmarks/load.py --packets 10000000 --sources 1000000 --seed 1 -o benchmarks/data/load-10m.pcap

Headers follow what the tools send; no tool is run. What is drawn: addresses, ports, identifiers, order, arrival times.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Numbers = NDArray[np.uint32]
Draw = np.random.Generator

CHUNK: Final = 1 << 18
START_S: Final = 1_700_000_000
PACKETS_PER_SECOND: Final = 100_000
SHARE_OF_SINGLES: Final = 0.5  # of the packets, at most: the rest is sent by the few
TELESCOPE: Final = 0x0A000000  # 10.0.0.0/8

PCAP_HEADER: Final = np.array([0xA1B2C3D4, 0x00040002, 0, 0, 65535, 1], "<u4").tobytes()
_RECORD: Final = [("sec", "<u4"), ("usec", "<u4"), ("caplen", "<u4"), ("len", "<u4")]
_ETHERNET: Final = [("dmac", "V6"), ("smac", "V6"), ("type", ">u2")]
_IP: Final = [
    ("ver", "u1"), ("tos", "u1"), ("tot", ">u2"), ("id", ">u2"), ("frag", ">u2"), ("ttl", "u1"), ("proto", "u1"),
    ("ipsum", ">u2"), ("src", ">u4"), ("dst", ">u4"),
]  # fmt: skip
TCP: Final = [
    ("sport", ">u2"), ("dport", ">u2"), ("seq", ">u4"), ("ack", ">u4"), ("off", "u1"), ("flags", "u1"), ("win", ">u2"),
    ("sum", ">u2"), ("urp", ">u2"),
]  # fmt: skip
_UDP: Final = [("sport", ">u2"), ("dport", ">u2"), ("ulen", ">u2"), ("sum", ">u2")]
_ICMP: Final = [("icmp", "u1"), ("code", "u1"), ("sum", ">u2"), ("ident", ">u2"), ("iseq", ">u2")]

SYN, _RST_ACK, SYN_ACK = 0x02, 0x14, 0x12
_MSS = bytes.fromhex("020405b4")
LINUX_OPTIONS = bytes.fromhex("020405b4 0402 080a0000000000000000 01 030307")
ETHERNET_LEN, IP_LEN, _SHORTEST_FRAME, RECORD_LEN = 14, 20, 60, 16


def layout(transport: list[tuple[str, str]], tail: int) -> np.dtype[np.void]:
    """Return the layout of a record: pcap header, Ethernet, IPv4, transport, ``tail`` octets, padding of the frame."""
    inside = np.dtype(transport).itemsize + tail
    padding = max(0, _SHORTEST_FRAME - ETHERNET_LEN - IP_LEN - inside)
    ends: list[tuple[str, str]] = [("tail", f"V{tail}")] if tail else []
    pad = [("pad", f"V{padding}")] if padding else []
    return np.dtype(_RECORD + _ETHERNET + _IP + transport + ends + pad)


PLAIN_TCP, MSS_TCP, LINUX_TCP = layout(TCP, 0), layout(TCP, 4), layout(TCP, 20)
_HEADER_WORDS: Final = {MSS_TCP: 6, LINUX_TCP: 10}
_DNS, _ECHO = layout(_UDP, 28), layout(_ICMP, 56)
_DNS_QUERY = bytes.fromhex("123401000001000000000000") + b"\x06sample\x03com\x00" + bytes.fromhex("00010001")


def base(kind: np.dtype[np.void], n: int, proto: int) -> NDArray[np.void]:
    """Return ``n`` records with what all of their kind have."""
    rows = np.zeros(n, kind)
    frame = kind.itemsize - RECORD_LEN
    rows["caplen"] = rows["len"] = frame
    rows["dmac"], rows["smac"] = np.void(b"\x02\x00\x5e\x00\x53\x02"), np.void(b"\x02\x00\x5e\x00\x53\x01")
    rows["type"], rows["ver"], rows["proto"] = 0x0800, 0x45, proto
    padding = kind["pad"].itemsize if "pad" in (kind.names or ()) else 0
    rows["tot"] = frame - ETHERNET_LEN - padding
    return rows


def tcp(kind: np.dtype[np.void], src: Numbers, dst: Numbers, flags: int) -> NDArray[np.void]:
    """Return TCP records; options' contents, or the payload, are left to fill in."""
    rows = base(kind, len(src), 6)
    rows["src"], rows["dst"], rows["flags"] = src, dst, flags
    rows["off"] = _HEADER_WORDS.get(kind, 5) << 4
    return rows


def fixed(src: Numbers, low: int, span: int) -> Numbers:
    """Return a number in ``low`` .. ``low + span - 1`` that depends on the source alone."""
    mixed = (src.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return (low + mixed % span).astype(np.uint32)


def drawn(rng: Draw, n: int, bits: int = 32) -> Numbers:
    """Return ``n`` random numbers of up to 32 bits."""
    return rng.integers(0, 1 << bits, n, np.uint64).astype(np.uint32)


def any_target(rng: Draw, n: int) -> Numbers:
    """Return random addresses of the telescope."""
    return drawn(rng, n, 24) | np.uint32(TELESCOPE)


def masscan(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """SYN with the IP ID that holds the target, port and sequence number together."""
    rows = tcp(PLAIN_TCP, src, any_target(rng, len(src)), SYN)
    rows["dport"] = rng.choice(np.array([80, 443, 22, 3389, 8080], np.uint16), len(src))
    rows["seq"] = drawn(rng, len(src))
    rows["id"] = (rows["dst"] ^ rows["dport"] ^ rows["seq"]) & 0xFFFF
    rows["sport"], rows["win"], rows["ttl"] = fixed(src, 40_000, 20_000), 1024, 255 - fixed(src, 8, 12)
    return rows


def zmap(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """SYN with IP ID 54321 and window 65535."""
    rows = tcp(PLAIN_TCP, src, any_target(rng, len(src)), SYN)
    rows["dport"], rows["id"], rows["win"] = fixed(src, 440, 6), 54321, 65535
    rows["sport"], rows["seq"] = rng.integers(32768, 61001, len(src)), drawn(rng, len(src))
    rows["ttl"] = 255 - fixed(src, 8, 12)
    return rows


def nmap(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """SYN with MSS 1460 and a sequence number whose halves mirror each other, to the ports of one host each."""
    rows = tcp(MSS_TCP, src, fixed(src, 1, 1 << 23) | np.uint32(TELESCOPE), SYN)
    high = drawn(rng, len(src), 16)
    rows["seq"] = high << np.uint32(16) | (high ^ fixed(src, 0, 1 << 16))
    rows["dport"], rows["id"] = drawn(rng, len(src), 16), drawn(rng, len(src), 16)
    rows["sport"], rows["win"] = fixed(src, 33_000, 32_000), 1024
    rows["ttl"] = rng.integers(37, 60, len(src)) - fixed(src, 5, 10)
    rows["tail"] = np.void(_MSS)
    return rows


def mirai(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """SYN whose sequence number is the target address; one of ten goes to port 2323."""
    rows = tcp(PLAIN_TCP, src, any_target(rng, len(src)), SYN)
    rows["seq"] = rows["dst"]
    rows["dport"] = np.where(rng.integers(0, 10, len(src)) == 0, 2323, 23)
    rows["id"], rows["sport"], rows["win"] = drawn(rng, len(src), 16), fixed(src, 1024, 60_000), fixed(src, 100, 65_000)
    rows["ttl"] = 64 - fixed(src, 8, 15)
    return rows


def linux(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """SYN of an operating system's own stack."""
    rows = tcp(LINUX_TCP, src, any_target(rng, len(src)), SYN)
    rows["dport"], rows["frag"], rows["win"] = fixed(src, 20, 6), 0x4000, 64240
    rows["id"], rows["seq"] = drawn(rng, len(src), 16), drawn(rng, len(src))
    rows["sport"], rows["ttl"] = rng.integers(32768, 60999, len(src)), 64 - fixed(src, 6, 16)
    rows["tail"] = np.void(LINUX_OPTIONS)
    stamp_at = LINUX_TCP.fields["tail"][1] + 8 if LINUX_TCP.fields else 0
    octets = rows.view(np.uint8).reshape(len(src), -1)
    octets[:, stamp_at : stamp_at + 4] = drawn(rng, len(src)).astype(">u4").view(np.uint8).reshape(-1, 4)
    return rows


def syn_ack(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """Backscatter of a flooded open port."""
    rows = tcp(MSS_TCP, src, any_target(rng, len(src)), SYN_ACK)
    rows["sport"], rows["dport"], rows["frag"] = np.where(fixed(src, 0, 2), 80, 443), drawn(rng, len(src), 16), 0x4000
    rows["seq"], rows["ack"], rows["win"] = drawn(rng, len(src)), drawn(rng, len(src)), 64240
    rows["ttl"] = 64 - fixed(src, 6, 16)
    rows["tail"] = np.void(_MSS)
    return rows


def rst(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """Backscatter of a flooded closed port."""
    rows = tcp(PLAIN_TCP, src, any_target(rng, len(src)), _RST_ACK)
    rows["sport"], rows["dport"], rows["frag"] = fixed(src, 1, 1024), drawn(rng, len(src), 16), 0x4000
    rows["ack"], rows["ttl"] = drawn(rng, len(src)), 64 - fixed(src, 6, 16)
    return rows


def dns(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """UDP queries for a name, to port 53."""
    rows = base(_DNS, len(src), 17)
    rows["src"], rows["dst"] = src, any_target(rng, len(src))
    rows["sport"], rows["dport"], rows["ulen"] = drawn(rng, len(src), 16), 53, 36
    rows["id"], rows["ttl"], rows["tail"] = 54321, 250 - fixed(src, 6, 16), np.void(_DNS_QUERY)
    return rows


def echo(rng: Draw, src: Numbers) -> NDArray[np.void]:
    """ICMP echo requests."""
    rows = base(_ECHO, len(src), 1)
    rows["src"], rows["dst"], rows["icmp"] = src, any_target(rng, len(src)), 8
    rows["ident"], rows["iseq"] = fixed(src, 0, 65536), drawn(rng, len(src), 16)
    rows["id"], rows["ttl"] = drawn(rng, len(src), 16), 64 - fixed(src, 6, 16)
    return rows


@dataclass(frozen=True, slots=True)
class Crowd:
    """Senders of one kind: their share of packets among the few, and how many they are (0: a crowd of singles)."""

    make: Callable[[Draw, Numbers], NDArray[np.void]]
    weight: int
    sources: int = 0


FEW: Final = (
    Crowd(masscan, 35, 2), Crowd(zmap, 20, 4), Crowd(nmap, 5, 1), Crowd(linux, 5, 40), Crowd(syn_ack, 15, 6),
    Crowd(rst, 8, 3), Crowd(dns, 8, 2), Crowd(echo, 4, 2),
)  # fmt: skip
MANY: Final = (
    Crowd(mirai, 55), Crowd(linux, 20), Crowd(masscan, 5), Crowd(syn_ack, 8), Crowd(rst, 4), Crowd(dns, 4),
    Crowd(echo, 4),
)  # fmt: skip
FEW_SOURCES: Final = sum(crowd.sources for crowd in FEW)


def few_addresses(crowd: int) -> Numbers:
    """Return the source addresses of a crowd of the few: 192.0.2.0 on, one after the other."""
    before = sum(one.sources for one in FEW[:crowd])
    return np.arange(0xC0000200 + before, 0xC0000200 + before + FEW[crowd].sources, dtype=np.uint32)


def single_address(numbers: NDArray[np.int64]) -> Numbers:
    """Return the address of each numbered single: all different, scattered over 11.0.0.0 to 74.255.255.255."""
    scattered = (numbers.astype(np.uint64) * np.uint64(0x5851F42D) + np.uint64(12345)) & np.uint64((1 << 30) - 1)
    return (scattered + np.uint64(0x0B000000)).astype(np.uint32)


def sums(rows: NDArray[np.void], transport_at: int) -> None:
    """Fill in the checksums of IP and of the transport."""
    words = rows.view("<u2").reshape(len(rows), -1)
    ip_at = (RECORD_LEN + ETHERNET_LEN) // 2
    rows["ipsum"] = complement(sum_words(words, ip_at, ip_at + 10))
    length, proto = int(rows["tot"][0]) - IP_LEN, int(rows["proto"][0])
    total = sum_words(words, transport_at // 2, transport_at // 2 + length // 2)
    if proto != 1:
        total += sum_words(words, ip_at + 6, ip_at + 10) + np.uint32(swapped(proto) + swapped(length))
    rows["sum"] = complement(total)


def swapped(number: int) -> int:
    """Return a 16-bit number with its octets swapped: sums are made in the machine's own order."""
    return (number & 0xFF) << 8 | number >> 8


def sum_words(words: NDArray[np.uint16], at: int, stop: int) -> Numbers:
    """Return the sum of some columns of 16-bit words."""
    total = np.zeros(len(words), np.uint32)
    for place in range(at, stop):
        total += words[:, place]
    return total


def complement(total: Numbers) -> NDArray[np.uint16]:
    """Return checksums of sums (RFC 1071), in network order's values."""
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).astype(np.uint16).byteswap()


def chunk(rng: Draw, first: int, n: int, singles: range) -> bytes:
    """Return the records of packets ``first`` to ``first + n - 1``, of which ``singles`` are sent by one each."""
    kinds = np.concatenate([np.zeros(n - len(singles), np.int64), np.ones(len(singles), np.int64)])
    rng.shuffle(kinds)
    parts = []
    for crowds, is_single in ((FEW, 0), (MANY, 1)):
        places = np.flatnonzero(kinds == is_single)
        numbers = np.arange(singles.start, singles.stop, dtype=np.int64) if is_single else None
        parts += list(crowd_parts(rng, crowds, places, numbers))
    time_us = (np.arange(first, first + n) * 1_000_000 + rng.integers(0, 1_000_000, n)) // PACKETS_PER_SECOND
    return interleave(parts, time_us)


def crowd_parts(
    rng: Draw, crowds: tuple[Crowd, ...], places: NDArray[np.int64], numbers: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.void]]]:
    """Yield the records of each crowd with the places they take in the chunk."""
    weights = np.array([crowd.weight for crowd in crowds], float)
    which = rng.choice(len(crowds), len(places), p=weights / weights.sum())
    for index, crowd in enumerate(crowds):
        mine = which == index
        if not mine.any():
            continue
        if numbers is None:
            addresses = few_addresses(index)
            src = addresses[rng.integers(0, len(addresses), int(mine.sum()))]
        else:
            src = single_address(numbers[mine])
        rows = crowd.make(rng, src)
        sums(rows, RECORD_LEN + ETHERNET_LEN + IP_LEN)
        yield places[mine], rows


def interleave(parts: list[tuple[NDArray[np.int64], NDArray[np.void]]], time_us: NDArray[np.int64]) -> bytes:
    """Return all records in the order of their places, with their times."""
    sizes = np.zeros(len(time_us), np.int64)
    for places, rows in parts:
        sizes[places] = rows.dtype.itemsize
        rows["sec"], rows["usec"] = START_S + time_us[places] // 1_000_000, time_us[places] % 1_000_000
    starts = np.cumsum(sizes) - sizes
    out = np.zeros(int(sizes.sum()) // 2, np.uint16)
    for places, rows in parts:
        width = rows.dtype.itemsize // 2
        out[(starts[places] // 2)[:, None] + np.arange(width)] = rows.view(np.uint16).reshape(-1, width)
    return out.tobytes()


def write(out: BinaryIO, packets: int, sources: int, seed: int) -> None:
    """Write the capture; ``sources`` is the number of different sources, as far as there are packets for them."""
    singles = max(0, min(sources - FEW_SOURCES, int(packets * SHARE_OF_SINGLES)))
    out.write(PCAP_HEADER)
    for first in range(0, packets, CHUNK):
        n = min(CHUNK, packets - first)
        rng = np.random.Generator(np.random.SFC64([seed, first]))
        out.write(chunk(rng, first, n, range(first * singles // packets, (first + n) * singles // packets)))


def main() -> None:
    """Read the options and write the file."""
    parser = argparse.ArgumentParser(description="write a capture like a telescope's")
    parser.add_argument("--packets", type=int, default=10_000_000)
    parser.add_argument("--sources", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("wb") as out:
        write(out, options.packets, options.sources, options.seed)
    print(f"{options.output}: {options.packets:,} packets, {options.output.stat().st_size:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
