"""Write the scan of 20 May 2000 as a capture and as Snort 1.x text, the same bytes each time.

The scan is known from a published analysis, which printed single packets and described the rest. What it states is in
PUBLISHED; everything else that a packet needs is in FILLED_IN, chosen here, neutral and the same for all packets where
it can be. No claim about the event of 2000 may rest on a filled-in value.

The text form shows less than the capture: no lengths, no checksums, no urgent pointer, no link layer, no year.

    python examples/make_odd_scan_2000.py [FOLDER]
"""

from __future__ import annotations

import calendar
import struct
import sys
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

PUBLISHED: Final = {
    "sources": ("192.160.13.4", "192.160.13.7", "192.160.13.6"),
    "target": "172.16.1.101",
    "source port": 31337,
    "destination ports": "1 to 1024 in rising order, from each source",
    "packets": 3072,
    "duration": "13.6 s",
    "first packet": "20 May 2000, 17:06:45.061034, from 192.160.13.4 to port 1",
    "flags": "FIN+RST+PSH",
    "sequence number": 0xA1D95,
    "acknowledgment number": 0x53,
    "window": 0x400,
    "IP ID": 242,
    "TTL on arrival": 44,
    "TOS": 0x10,
    "TCP options": "none",
    "form": "Snort 1.x text; its flag column reads 2 1 S F R P A U",
}

FILLED_IN: Final = {
    "how the sources take turns": "all three send a port before any sends the next; their order is drawn for each port",
    "gaps between packets": "13.6 s over 3,071 gaps, each even gap moved by up to 40% of it, by the same generator",
    "time zone": "UTC",
    "IP flags and fragment offset": 0,
    "IP options": "none: IHL 5",
    "payload": "none: Total Length 40",
    "TCP reserved bits": 0,
    "urgent pointer": 0,
    "checksums": "correct",
    "link layer": "Ethernet, addresses 02:00:5e:00:53:01 to 02:00:5e:00:53:02 (not those of any host), no padding",
    "snapshot length": 65535,
}

#: A linear congruential generator (Knuth's MMIX constants), so that the files depend on nothing but this script.
_LCG_MULTIPLIER: Final = 6364136223846793005
_LCG_INCREMENT: Final = 1442695040888963407
_MASK_64: Final = (1 << 64) - 1
_SEED: Final = 20000520

_START_S: Final = calendar.timegm((2000, 5, 20, 17, 6, 45))
_START_US: Final = 61034
_DURATION_US: Final = 13_600_000
_PORTS: Final = 1024
_FLAGS: Final = 0x01 | 0x04 | 0x08
_LINK: Final = bytes.fromhex("02005e00530202005e0053010800")


class Generator:
    """Numbers that look drawn and are the same on every run."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, bound: int) -> int:
        """Return the next number from 0 to ``bound`` - 1."""
        self._state = (self._state * _LCG_MULTIPLIER + _LCG_INCREMENT) & _MASK_64
        return (self._state >> 33) % bound


def probes() -> list[tuple[int, str, int]]:
    """Return time (microseconds after the first), source and destination port of all packets, in order."""
    generator = Generator(_SEED)
    order: list[tuple[str, int]] = []
    for port in range(1, _PORTS + 1):
        waiting = list(PUBLISHED["sources"])
        while waiting:
            # The published first packet is from the first source.
            place = 0 if not order else generator.below(len(waiting))
            order.append((waiting.pop(place), port))
    last = len(order) - 1
    gap = _DURATION_US // last
    times = [number * _DURATION_US // last for number in range(last + 1)]
    for number in range(1, last):
        times[number] += generator.below(2 * gap * 2 // 5) - gap * 2 // 5
    return [(time, source, port) for time, (source, port) in zip(times, order, strict=True)]


def checksum(octets: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of an even number of octets."""
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source: str, port: int) -> bytes:
    """Return one packet with its Ethernet header."""
    addresses = IPv4Address(source).packed + IPv4Address(PUBLISHED["target"]).packed
    fields = (PUBLISHED["source port"], port, PUBLISHED["sequence number"], PUBLISHED["acknowledgment number"])
    tcp = struct.pack(">HHIIBBHHH", *fields, 5 << 4, _FLAGS, PUBLISHED["window"], 0, 0)
    tcp_sum = checksum(addresses + struct.pack(">HH", 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack(">H", tcp_sum) + tcp[18:]
    start = struct.pack(">BBHHHBB", 0x45, PUBLISHED["TOS"], 40, PUBLISHED["IP ID"], 0, PUBLISHED["TTL on arrival"], 6)
    return _LINK + start + struct.pack(">H", checksum(start + addresses)) + addresses + tcp


def write_pcap(path: Path) -> None:
    """Write the capture: classic pcap, little-endian, microseconds, Ethernet."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for time_us, source, port in probes():
            seconds, micros = divmod(_START_US + time_us, 1_000_000)
            octets = frame(source, port)
            out.write(struct.pack("<IIII", _START_S + seconds, micros, len(octets), len(octets)) + octets)


def write_snort(path: Path) -> None:
    """Write the text: addresses and IP line, then the TCP line, then an empty line."""
    lines = []
    for time_us, source, port in probes():
        seconds, micros = divmod(45_000_000 + _START_US + time_us, 1_000_000)
        stamp = f"05/20-17:06:{seconds:02d}.{micros:06d}"
        ends = f"{source}:{PUBLISHED['source port']} -> {PUBLISHED['target']}:{port}"
        lines.append(
            f"{stamp} {ends} TCP TTL:{PUBLISHED['TTL on arrival']} TOS:0x{PUBLISHED['TOS']:X} ID:{PUBLISHED['IP ID']}\n"
            f"***FRP** Seq: 0x{PUBLISHED['sequence number']:X} Ack: 0x{PUBLISHED['acknowledgment number']:X} "
            f"Win: 0x{PUBLISHED['window']:X}\n\n"
        )
    path.write_text("".join(lines), encoding="ascii", newline="\n")


def main(folder: Path) -> None:
    """Write both forms into a folder."""
    write_pcap(folder / "odd-scan-2000.pcap")
    write_snort(folder / "odd-scan-2000.snort.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
