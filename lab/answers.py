"""Measure what the running kernel answers to all 256 combinations of control bits, and compare it with the knowledge.

    sudo python lab/answers.py              print one line per disagreement, and how many rows agree
    sudo python lab/answers.py --csv FILE   also write all rows

Two network namespaces joined by a link of their own: nothing leaves them, and they are gone at the end. The probes
come from an address that no host has, so that no kernel answers for the prober. Needs root, ``ip`` and, for the states
behind filter rules, ``nft``.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from craftmark.packets.fields import ACK_BIT, FIN, ICMP, RST, SYN, UDP
from craftmark.stacks.respond import predict
from craftmark.stacks.stack import stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROBER, TARGET = f"craftmark-prober-{os.getpid()}", f"craftmark-target-{os.getpid()}"
SOURCE, HOST, GATE = "10.213.0.77", "10.213.0.2", "10.213.0.1"
OPEN, CLOSED, DROP, REJECT_ICMP, REJECT_ADMIN, REJECT_RESET = 7001, 7002, 7003, 7004, 7005, 7006
ENDS = socket.inet_aton(SOURCE) + socket.inet_aton(HOST)
SEQ, ACK = 0x1A2B3C4D, 0x5E6F7081
OPTIONS = bytes.fromhex("020405b4 0402080a 0000000100000000 01030307".replace(" ", ""))
T = TypeVar("T")
#: Protocols beside TCP, UDP and ICMP that this kernel speaks: IGMP, PIM, UDP-Lite.
SPOKEN = (2, 103, 136)
CLONE_NEWNET = 0x40000000
RULES = f"""table ip lab {{
  chain input {{
    type filter hook input priority 0
    tcp dport {DROP} drop
    tcp dport {REJECT_ICMP} reject with icmp port-unreachable
    tcp dport {REJECT_ADMIN} reject with icmp admin-prohibited
    tcp dport {REJECT_RESET} reject with tcp reset
  }}
}}
"""
FILTERS = {
    "DROP": DROP,
    "REJECT with icmp-port-unreachable": REJECT_ICMP,
    "REJECT with icmp-admin-prohibited": REJECT_ADMIN,
    "REJECT with tcp-reset": REJECT_RESET,
}


@dataclass(frozen=True)
class Row:
    """One probe and what came back: ``carries`` is "", "payload" or "options"."""

    state: str
    rule: str
    carries: str
    flags: int
    answer: str
    seq: int | None = None
    ack: int | None = None
    ttl: int | None = None
    window: int | None = None


def run(*words: str, text: str | None = None) -> None:
    """Run a program that must succeed."""
    subprocess.run(words, check=True, input=text, text=True, capture_output=True)


@contextmanager
def namespaces() -> Iterator[None]:
    """Hold the two namespaces and their link."""
    for name in (PROBER, TARGET):
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", "eth0", "netns", PROBER, "type", "veth", "peer", "name", "eth0", "netns", TARGET)
        for name, address in ((PROBER, GATE), (TARGET, HOST)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
        mac = inside(PROBER, lambda: _mac("eth0"))
        run("ip", "-n", TARGET, "neighbour", "add", SOURCE, "lladdr", mac.hex(":"), "dev", "eth0")
        for sysctl in (
            "tcp_invalid_ratelimit=0",
            "icmp_ratelimit=0",
            "tcp_challenge_ack_limit=1000000",
            "icmp_msgs_per_sec=1000000",
            "icmp_msgs_burst=1000000",
        ):
            subprocess.run(
                ["ip", "netns", "exec", TARGET, "sysctl", "-w", f"net.ipv4.{sysctl}"], check=False, capture_output=True
            )
        if shutil.which("nft"):
            run("ip", "netns", "exec", TARGET, "nft", "-f", "-", text=RULES)
        yield
    finally:
        for name in (PROBER, TARGET):
            run("ip", "netns", "del", name)


def inside(name: str, work: Callable[[], T]) -> T:
    """Return what ``work`` returns inside a namespace; sockets made there stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open() as home, Path("/run/netns", name).open() as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return work()
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def _mac(interface: str) -> bytes:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((interface, 0))
        return link.getsockname()[4]


def _checksum(octets: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + b"\0" * (len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Prober:
    """Sends segments from an address nobody has, and hears what comes back to it."""

    def __init__(self) -> None:
        self._link = inside(PROBER, _raw_link)
        mac = inside(TARGET, lambda: _mac("eth0"))
        self._ethernet = mac + self._link.getsockname()[4] + b"\x08\x00"

    def send(self, sport: int, dport: int, flags: int, *, seq: int = SEQ, ack: int = ACK, carries: str = "") -> None:
        """Send one segment."""
        options = OPTIONS if carries == "options" else b""
        data = b"craftmrk" if carries == "payload" else b""
        size = 20 + len(options)
        tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, size // 4 << 4, flags, 1024, 0, 0) + options + data
        checksum = _checksum(ENDS + struct.pack("!HH", 6, len(tcp)) + tcp)
        self.send_ip(6, tcp[:16] + struct.pack("!H", checksum) + tcp[18:])

    def send_ip(self, protocol: int, body: bytes) -> None:
        """Send one IPv4 packet."""
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 242, 0, 64, protocol, 0) + ENDS
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
        self._link.send(self._ethernet + head + body)

    def close(self) -> None:
        """Close the link."""
        self._link.close()

    def listen(self, seconds: float) -> list[bytes]:
        """Return the packets to the prober's address that arrive until nothing came for so long."""
        found = []
        while select.select([self._link], [], [], seconds)[0]:
            frame, (_, _, kind, *_) = self._link.recvfrom(2048)
            if (
                kind != socket.PACKET_OUTGOING
                and frame[12:14] == b"\x08\x00"
                and frame[30:34] == socket.inet_aton(SOURCE)
            ):
                found.append(frame[14:])
        return found


def _raw_link() -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    link.bind(("eth0", 0x0800))
    return link


def _port_of(packet: bytes) -> int:
    """Return the prober's port that an answer is for."""
    size = (packet[0] & 15) * 4
    if packet[9] == 6:
        return int(struct.unpack("!H", packet[size + 2 : size + 4])[0])
    quoted = size + 8 + (packet[size + 8] & 15) * 4
    return int(struct.unpack("!H", packet[quoted : quoted + 2])[0])


def _row(where: tuple[str, str, str], flags: int, packet: bytes | None) -> Row:
    if packet is None:
        return Row(*where, flags, "none")
    size, ttl = (packet[0] & 15) * 4, packet[8]
    if packet[9] == 1:
        return Row(*where, flags, f"icmp {packet[size]}/{packet[size + 1]}", ttl=ttl)
    seq, ack, _, bits, window = struct.unpack("!IIBBH", packet[size + 4 : size + 16])
    names = ((SYN, "syn"), (FIN, "fin"), (RST, "rst"), (ACK_BIT, "ack"), (64, "ece"))
    return Row(*where, flags, "+".join(name for bit, name in names if bits & bit), seq, ack, ttl, window)


def measure(prober: Prober, where: tuple[str, str, str], dport: int) -> list[Row]:
    """Return the answers of one port to all combinations, each from a source port of its own."""
    rows: list[Row] = []
    for start in range(0, 256, 32):
        prober.listen(0.0)
        for flags in range(start, start + 32):
            prober.send(20_000 + flags, dport, flags, carries=where[2])
        answers = {_port_of(packet): packet for packet in reversed(prober.listen(0.05))}
        for flags in range(start, start + 32):
            rows.append(_row(where, flags, answers.get(20_000 + flags)))
            prober.send(20_000 + flags, dport, RST, seq=SEQ + 1)  # a half-open connection would send again
    return rows


def established(prober: Prober, listener: socket.socket, state: str) -> list[Row]:
    """Return the answers of connections to segments with made-up numbers; "time-wait" after the target closed."""
    rows = []
    for flags in range(256):
        port = 30_000 + flags + (1000 if state == "time-wait" else 0)
        prober.send(port, OPEN, SYN, seq=1000)
        opened = next(packet for packet in prober.listen(0.02) if _port_of(packet) == port)
        mine = struct.unpack("!I", opened[24:28])[0] + 1
        prober.send(port, OPEN, ACK_BIT, seq=1001, ack=mine)
        connection = listener.accept()[0]
        if state == "time-wait":
            connection.close()
            prober.send(port, OPEN, FIN | ACK_BIT, seq=1001, ack=mine + 1)
        prober.listen(0.01)
        prober.send(port, OPEN, flags, seq=1001 - 200_000 & 0xFFFFFFFF)
        answers = [packet for packet in prober.listen(0.02) if _port_of(packet) == port]
        rows.append(_row((state, "", ""), flags, answers[0] if answers else None))
        connection.close()
        prober.send(port, OPEN, RST, seq=1001, ack=mine)
    return rows


def syn_sent(prober: Prober) -> list[Row]:
    """Return the answers of connections that the target is opening."""
    rows = []
    for flags in range(256):
        caller = inside(TARGET, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        caller.setblocking(False)
        caller.connect_ex((SOURCE, 9000 + flags))
        asked = next(packet for packet in prober.listen(0.01) if packet[9] == 6)
        port = struct.unpack("!H", asked[20:22])[0]
        prober.send(9000 + flags, port, flags)
        answers = [one for one in prober.listen(0.02) if _port_of(one) == 9000 + flags and one[33] != SYN]
        rows.append(_row(("syn-sent", "", ""), flags, answers[0] if answers else None))
        caller.close()
        prober.send(9000 + flags, port, RST, seq=SEQ + 1)
    return rows


def other_protocols(prober: Prober) -> Iterator[Row]:
    """Yield the answers to UDP, with and without data, to every ICMP type and to every other protocol."""
    udp = inside(TARGET, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind((HOST, OPEN))
    for state, port in (("open", OPEN), ("closed", CLOSED)):
        for carries, data in (("", b""), ("payload", b"craftmrk")):
            prober.send_ip(17, struct.pack("!HHHH", 40_000, port, 8 + len(data), 0) + data)
            yield _portless(f"udp {state}", carries, 0, prober.listen(0.05))
    for kind in range(256):
        body = struct.pack("!BBHHH", kind, 0, 0, 7, 1) + bytes(12)
        prober.send_ip(1, body[:2] + struct.pack("!H", _checksum(body)) + body[4:])
        yield _portless("icmp", "", kind, prober.listen(0.01))
    for protocol in range(256):
        if protocol not in (1, 6, 17, 58, 132):  # these have rules of their own
            prober.send_ip(protocol, bytes(32))
            yield _portless("protocol", "", protocol, prober.listen(0.01))


def _portless(state: str, carries: str, number: int, packets: list[bytes]) -> Row:
    if not packets:
        return Row(state, "", carries, number, "none")
    packet = packets[0]
    size = (packet[0] & 15) * 4
    kind = {0: "echo reply", 14: "timestamp reply"}.get(packet[size], f"icmp {packet[size]}/{packet[size + 1]}")
    return Row(state, "", carries, number, kind if packet[9] == 1 else f"protocol {packet[9]}", ttl=packet[8])


def rows_of_this_kernel() -> Iterator[Row]:
    """Yield all measured rows."""
    with namespaces():
        listener = inside(TARGET, lambda: socket.create_server((HOST, OPEN), backlog=1024))
        prober = Prober()
        for carries in ("", "payload", "options"):
            yield from measure(prober, ("open", "", carries), OPEN)
            yield from measure(prober, ("closed", "", carries), CLOSED)
        if shutil.which("nft"):
            for rule, port in FILTERS.items():
                yield from measure(prober, ("filtered", rule, ""), port)
        yield from other_protocols(prober)
        yield from syn_sent(prober)
        for state in ("established", "time-wait"):
            yield from established(prober, listener, state)


def expected(row: Row) -> tuple[str | None, tuple[object, ...] | None]:
    """Return the answer the knowledge gives, and (seq, ack, TTL, window) where it gives them."""
    if row.state.startswith(("udp", "icmp", "protocol")):
        return _expected_of_portless(row), None
    linux = next(stack for stack in stacks() if stack.id == "linux")
    state = next((one for one in linux.states if (one.state, one.rule) == (row.state, row.rule)), None)
    assert state is not None, row
    line = state.rule_for(row.flags)
    assert line is not None
    form = linux.form(line)
    if form is None:
        return line.answer, None
    data = 8 if row.carries == "payload" else 0
    if line.answer.startswith("syn"):
        data = 0  # data beside a SYN waits until the handshake is done
    ack = form.acknowledges(SEQ, syn=bool(row.flags & SYN), fin=bool(row.flags & FIN), data=data)
    seq = {"0": 0, "SEG.ACK": ACK}.get(form.seq)
    return line.answer, (seq, ack, form.ttl, form.window)


def _expected_of_portless(row: Row) -> str:
    protocol = {"udp": UDP, "icmp": ICMP}.get(row.state.partition(" ")[0], row.flags)
    icmp = (row.flags, 0) if row.state == "icmp" else None
    unknown = row.state == "protocol" and row.flags not in SPOKEN
    state = row.state.partition(" ")[2] or ("closed" if unknown else "open")
    rows = predict(protocol, None, icmp=icmp, has_payload=row.carries == "payload")
    return next(one.answer for one in rows if one.state == state)


def differs(row: Row) -> str:
    """Return in words what differs from the knowledge, "" where nothing does."""
    answer, header = expected(row)
    if row.answer not in (answer or "").split(" or "):
        return f"{row.answer}, where {answer} is known"
    if header is None:
        return ""
    measured = (row.seq if header[0] is not None else None, row.ack, row.ttl, row.window)
    return "" if measured == header or row.carries == "options" else f"header {measured}, where {header} is known"


def main() -> int:
    """Measure, compare, and return 0 if every row agrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", help="write all rows")
    args = parser.parse_args()
    if os.geteuid() or not shutil.which("ip"):
        print("needs root and the program ip: nothing was measured", file=sys.stderr)
        return 2
    started = time.monotonic()
    rows = list(rows_of_this_kernel())
    if args.csv:
        with Path(args.csv).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(Row.__annotations__)
            writer.writerows([getattr(row, name) for name in Row.__annotations__] for row in rows)
    wrong = [(row, words) for row in rows if (words := differs(row))]
    for row, words in wrong:
        print(f"{row.state} {row.rule} {row.carries} flags {row.flags:#04x}: {words}")
    seconds = time.monotonic() - started
    print(f"{len(rows) - len(wrong):,} of {len(rows):,} rows of Linux {os.uname().release} agree ({seconds:.0f} s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
