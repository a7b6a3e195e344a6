"""Small captures made of conversations: each test plants who sent what, and asks what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.fold import CAPACITIES, ROW_BUDGET, Evidence
from craftmark.export.frames import build
from craftmark.export.pcap import write_frames
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, empty_batch
from craftmark.scans.scans import Findings, find
from tests.laws.batches import cut

if TYPE_CHECKING:
    from pathlib import Path

    from craftmark.evidence.finished import Finished

LINUX = ("MSS", "SACKOK", "TS", "NOP", "WS")
WINDOWS = ("MSS", "NOP", "WS", "NOP", "NOP", "SACKOK")
NMAP = ("MSS",)
SHAPES = frozenset((f.SYN, 1, *f.encode_layout(layout)) for layout in (LINUX, WINDOWS))

MS = 1_000_000
SECOND = 1000 * MS
HOUR = 3600 * SECOND
DAY = 24 * HOUR
START = 1_600_000_000 * SECOND
_DF = 2
SYN_ACK = f.SYN | f.ACK_BIT
RST_ACK = f.RST | f.ACK_BIT
PUSH = f.PSH | f.ACK_BIT

US = "198.51.100.10"
SCANNER = "203.0.113.66"


def host(network: str, number: int) -> str:
    """Return the address ``number`` after ``network``."""
    return str(ip_address(network) + number)


@dataclass
class Traffic:
    """Packets in the making. Every method takes the time ``at`` in nanoseconds after the start."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    rows: list[tuple[int, dict[int, int]]] = field(default_factory=list)
    clock: int = START

    def packet(self, at: int, src: str, dst: str, protocol: int, **words: int) -> None:
        """Add one packet; other words by their names in packets/fields.py, in lower case."""
        row = {f.PROTOCOL: protocol, f.IP_TTL: 57, f.IP_ID: int(self.rng.integers(65536)), f.PAYLOAD_LEN: 0}
        row |= _addresses(src, dst)
        row |= {getattr(f, name.upper()): int(value) for name, value in words.items()}
        self.rows.append((self.clock + int(at), row))

    def tcp(self, at: int, src: str, dst: str, ports: tuple[int, int], flags: int, **words: object) -> None:
        """Add a TCP segment; ``layout`` names its options, ``df`` sets Don't Fragment."""
        layout = f.encode_layout(words.pop("layout", ()))  # type: ignore[arg-type]
        flags_of_ip = _DF if words.pop("df", False) else 0
        values = {
            "seq": int(self.rng.integers(1 << 32)), "ack": 0, "tcp_win": 1024, "tcp_off": 5 + len(layout), **words,
        }  # fmt: skip
        self.packet(
            at, src, dst, f.TCP, sport=ports[0], dport=ports[1], tcp_flags=flags, tcp_options=layout[0],
            tcp_options_low=layout[1], ip_flags=flags_of_ip, **values,
        )  # fmt: skip

    def udp(self, at: int, src: str, dst: str, ports: tuple[int, int], payload: int = 40) -> None:
        """Add a UDP datagram."""
        self.packet(at, src, dst, f.UDP, sport=ports[0], dport=ports[1], udp_len=payload + 8, payload_len=payload)

    def icmp(self, at: int, src: str, dst: str, kind: tuple[int, int], **words: int) -> None:
        """Add an ICMP message."""
        self.packet(at, src, dst, f.ICMP, icmp_type=kind[0], icmp_code=kind[1], **{"payload_len": 56, **words})

    def refusal(self, at: int, by: str, to: str, about: tuple[str, int, int, int]) -> None:
        """Add an ICMP port unreachable that quotes (target, protocol, source port, port)."""
        target, protocol, sport, dport = about
        quote = {"quote_protocol": protocol, "quote_dst": int(ip_address(target)), "quote_sport": sport}
        self.icmp(at, by, to, (3, 3), notes=f.NOTE_QUOTE, quote_dport=dport, **quote)

    def arp(self, at: int, src: str, dst: str, operation: int = 1) -> None:
        """Add an ARP request or reply."""
        self.packet(at, src, dst, f.ARP, arp_op=operation)

    def connect(
        self,
        at: int,
        client: str,
        server: str,
        ports: tuple[int, int],
        *,
        answer: str = "open",
        layout: tuple[str, ...] = LINUX,
    ) -> None:
        """Add a connection by a standard stack: completed with data, refused (``closed``), or unanswered (``none``)."""
        back, isn, server_isn = (ports[1], ports[0]), int(self.rng.integers(1 << 31)), int(self.rng.integers(1 << 31))
        self.tcp(at, client, server, ports, f.SYN, layout=layout, df=True, seq=isn, tcp_win=64240)
        if answer == "closed":
            self.tcp(at + MS, server, client, back, RST_ACK, ack=isn + 1, seq=0, tcp_win=0, df=True)
        if answer != "open":
            return
        said = {"df": True, "layout": ("NOP", "NOP", "TS")}
        self.tcp(at + MS, server, client, back, SYN_ACK, layout=layout, df=True, seq=server_isn, ack=isn + 1)
        self.tcp(at + 2 * MS, client, server, ports, f.ACK_BIT, seq=isn + 1, ack=server_isn + 1, **said)
        self.tcp(at + 3 * MS, client, server, ports, PUSH, seq=isn + 1, ack=server_isn + 1, payload_len=200, **said)
        self.tcp(at + 5 * MS, server, client, back, PUSH, seq=server_isn + 1, ack=isn + 201, payload_len=900, **said)
        self.tcp(at + 6 * MS, client, server, ports, f.FIN | f.ACK_BIT, seq=isn + 201, ack=server_isn + 901, **said)
        self.tcp(at + 7 * MS, server, client, back, f.FIN | f.ACK_BIT, seq=server_isn + 901, ack=isn + 202, **said)

    def syn_probe(
        self, at: int, src: str, dst: str, port: int, *, sport: int = 40000, answer: str = "none", **words: object
    ) -> None:
        """Add a SYN as nmap makes it, with the answer of the target and the source's own stack's RST."""
        seq = int(words.pop("seq", 77))  # type: ignore[call-overload]
        self.tcp(at, src, dst, (sport, port), f.SYN, seq=seq, **{"layout": NMAP, **words})
        if answer == "closed":
            self.tcp(at + MS, dst, src, (port, sport), RST_ACK, ack=seq + 1, seq=0, tcp_win=0)
        if answer == "open":
            self.tcp(at + MS, dst, src, (port, sport), SYN_ACK, ack=seq + 1, layout=NMAP, df=True)
            self.tcp(at + 2 * MS, src, dst, (sport, port), f.RST, seq=seq + 1, ip_ttl=60, df=True, tcp_win=0)

    def batch(self) -> PacketBatch:
        """Return all packets, numbered in order of time."""
        rows = sorted(self.rows, key=lambda row: row[0])
        batch = empty_batch(len(rows))
        for number, (ts_ns, row) in enumerate(rows):
            batch.ts_ns[number] = ts_ns
            for word, value in row.items():
                batch.words[number, word] = value % (1 << 32)
        batch.packet_id[:] = np.arange(1, len(rows) + 1)
        return _shown(batch)

    def write(self, path: Path) -> Path:
        """Write all packets as a pcap file and return its path."""
        with path.open("wb") as stream:
            write_frames(stream, build(self.batch()).batch, name=str(path))
        return path

    def found(self, **how: int) -> Findings:
        """Return what is found in these packets; see ``finished_of``."""
        return find(finished_of(self.batch(), **how), SHAPES)


def finished_of(
    batch: PacketBatch, *, pieces: int = 1, seed: int = 0, budget: int = ROW_BUDGET, capacity: int = CAPACITIES[0]
) -> Finished:
    """Fold packets in ``pieces`` random batches (in order if one), with at most ``capacity`` rows a strand."""
    evidence = Evidence(seed=seed + 1, budget=budget)
    evidence.lower(capacity)
    for piece in [batch] if pieces == 1 else cut(batch, np.random.default_rng(seed), pieces):
        evidence.update(piece)
    return evidence.finish()


def _addresses(src: str, dst: str) -> dict[int, int]:
    row = {f.IP_VERSION: ip_address(src).version, f.IP_IHL: 5 if ip_address(src).version == 4 else 0}
    for word, high, text in ((f.IP_SRC, f.IP_SRC_HIGH, src), (f.IP_DST, f.IP_DST_HIGH, dst)):
        value = int(ip_address(text))
        row |= {word: value & 0xFFFFFFFF} | {high + w: value >> (96 - 32 * w) & 0xFFFFFFFF for w in range(3)}
    return row


_TRANSPORT = {
    f.TCP: f.TCP_WORDS, f.UDP: (f.SPORT, f.DPORT, f.UDP_LEN, f.UDP_SUM),
    f.ICMP: (f.SPORT, f.DPORT, f.SEQ, f.ACK), f.ICMP6: (f.SPORT, f.DPORT, f.SEQ, f.ACK),
    f.SCTP: (f.SPORT, f.DPORT, f.SCTP_VTAG, f.SCTP_CHUNK),
}  # fmt: skip


def _shown(batch: PacketBatch) -> PacketBatch:
    """Mark the fields that packets of each protocol have."""
    for protocol in np.unique(batch.words[:, f.PROTOCOL]):
        rows = batch.words[:, f.PROTOCOL] == protocol
        if protocol == f.ARP:
            words: tuple[int, ...] = (f.IP_SRC, f.IP_DST, f.ARP_OP)
        else:
            words = (*f.IPV4_WORDS, *_TRANSPORT.get(int(protocol), ()), *f.PAYLOAD_WORDS)
        batch.words[rows, f.PRESENT] = f.visibility_mask(*words)
    six = batch.words[:, f.IP_VERSION] == 6
    batch.words[six, f.PRESENT] &= ~np.uint32(f.visibility_mask(f.IP_ID, f.IP_FLAGS, f.IP_FRAG, f.IP_IHL))
    return batch
