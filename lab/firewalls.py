"""Measure what this kernel's connection tracking makes of all 256 combinations of control bits; compare the knowledge.

    sudo python -m lab.firewalls        print one line per disagreement, and how many rows agree

A first packet is judged by nftables and by iptables-legacy, with ``tcp_loose`` on and off. A segment that meets a
connection is sent with the connection's own numbers and with made-up ones, to a target that hears nothing of it: only
the segment itself can refresh or end the entry. In network namespaces of its own; needs root, ``ip``, ``nft``,
``conntrack`` and, for that column, ``iptables-legacy``.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import ACK_BIT, SYN
from craftmark.stacks.firewall import firewalls
from lab.answers import ACK, CLOSED, HOST, OPEN, TARGET, Prober, _port_of, inside, namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL: Final = range(256)
FIRST_PORT, OPENED_PORT = 20_000, 30_000
#: How long entries are left alone before the segments, so that a refresh shows, and how late they may be read.
PAUSE_S, LATE_S = 5, 3
FULL_S: Final = 1000
RULES: Final = """table ip lab {
  set bad { type inet_service; flags dynamic; size 65535; }
  chain early { type filter hook input priority -10; ct state invalid update @bad { tcp sport }; }
  chain late { type filter hook input priority 10; }
}
"""
#: Numbers of a segment that meets a connection, as the knowledge calls them: (sequence number ahead, its own ACK).
NUMBERS: Final = {"the connection's own": (0, True), "made up": (1 << 30, False)}


@dataclass(frozen=True)
class Row:
    """One segment and what became of it: verdict "INVALID" or "", for a connection's entry "state, what, seconds"."""

    how: str
    setting: str
    flags: int
    verdict: str
    entry: str = ""


def there(*words: str, stdin: str | None = None) -> str:
    """Return what a program prints in the target's namespace."""
    return subprocess.run(
        ["ip", "netns", "exec", TARGET, *words], check=True, capture_output=True, text=True, input=stdin
    ).stdout


def invalid_by_nft(first: int) -> set[int]:
    """Return the control bits of the segments that nftables called invalid, by their source ports."""
    listed = there("nft", "list", "set", "ip", "lab", "bad").partition("elements")[2]
    return {int(one) - first for one in re.findall(r"\d+", listed)}


def first_packets(loose: int) -> Iterator[Row]:
    """Yield the verdicts on first packets."""
    legacy = shutil.which("iptables-legacy") is not None
    with namespaces():
        there("sysctl", "-qw", f"net.netfilter.nf_conntrack_tcp_loose={loose}")
        there("nft", "-f", "-", stdin=RULES)
        lines = [f"-A INPUT -p tcp --sport {FIRST_PORT + one} -m conntrack --ctstate INVALID" for one in ALL]
        if legacy:
            there("iptables-legacy-restore", stdin="\n".join(["*filter", *lines, "COMMIT", ""]))
        prober = Prober()
        for flags in ALL:
            prober.send(FIRST_PORT + flags, CLOSED, flags)
        prober.listen(0.1)
        found = {"nft": invalid_by_nft(FIRST_PORT)}
        if legacy:
            counted = re.findall(
                r"\[(\d+):\d+\] -A INPUT -p tcp -m tcp --sport (\d+)", there("iptables-legacy-save", "-c")
            )
            found["iptables-legacy"] = {int(port) - FIRST_PORT for count, port in counted if int(count)}
        prober.close()
    for how, invalid in found.items():
        for flags in ALL:
            yield Row(how, f"tcp_loose={loose}", flags, "INVALID" if flags in invalid else "")


def connections(numbers: str) -> Iterator[Row]:
    """Yield what a segment does to the entry of an established connection."""
    ahead, own_ack = NUMBERS[numbers]
    with namespaces():
        there("sysctl", "-qw", f"net.netfilter.nf_conntrack_tcp_timeout_established={FULL_S}")
        there("nft", "-f", "-", stdin=RULES)
        listener = inside(TARGET, lambda: socket.create_server((HOST, OPEN), backlog=1024))
        prober = Prober()
        next_numbers = _open_all(prober)
        there("nft", "add", "rule", "ip", "lab", "late", "tcp", "dport", str(OPEN), "drop")
        time.sleep(PAUSE_S)
        for flags in ALL:
            ack = next_numbers[OPENED_PORT + flags] if own_ack else ACK
            prober.send(OPENED_PORT + flags, OPEN, flags, seq=1001 + ahead, ack=ack)
        prober.listen(0.1)
        invalid, entries = invalid_by_nft(OPENED_PORT), _entries()
        prober.close()
        listener.close()
    for flags in ALL:
        verdict = "INVALID" if flags in invalid else ""
        yield Row("connection", numbers, flags, verdict, _became(*entries.get(OPENED_PORT + flags, ("gone", 0))))


def _open_all(prober: Prober) -> dict[int, int]:
    """Open a connection per combination; return the target's next sequence number by source port."""
    following: dict[int, int] = {}
    for start in range(0, len(ALL), 32):
        for flags in ALL[start : start + 32]:
            prober.send(OPENED_PORT + flags, OPEN, SYN, seq=1000)
        for packet in prober.listen(0.05):
            following[_port_of(packet)] = struct.unpack("!I", packet[24:28])[0] + 1
    for flags in ALL:
        prober.send(OPENED_PORT + flags, OPEN, ACK_BIT, seq=1001, ack=following[OPENED_PORT + flags])
    prober.listen(0.1)
    return following


def _entries() -> dict[int, tuple[str, int]]:
    """Return state and seconds left of each entry by source port."""
    listed = there("conntrack", "-L", "-p", "tcp")
    found = re.findall(r"tcp\s+6 (\d+) (\S+) src=\S+ dst=\S+ sport=(\d+)", listed)
    return {int(port): (state, int(seconds)) for seconds, state, port in found}


def _became(state: str, seconds: int) -> str:
    if state != "ESTABLISHED":
        return f"{state} for {-(-seconds // 10) * 10} s"
    return "refreshed" if seconds > FULL_S - LATE_S else "kept"


def differs(row: Row) -> str:
    """Return in words what differs from the knowledge, "" where nothing does."""
    known = next(one for one in firewalls() if one.id == "netfilter-conntrack")
    if row.how == "connection":
        meeting = next(one for one in known.meetings if one.numbers == row.setting)
        said = meeting.outcome(row.flags)
        measured = f"{row.entry}, INVALID" if row.verdict else row.entry
        return "" if said == measured else f"{measured}, where {said!r} is known"
    setting = next(one for one in known.settings if one.name.startswith(row.setting))
    said = setting.verdict(row.flags)
    return "" if (said == "INVALID") == (row.verdict == "INVALID") else f"{row.verdict}, where {said} is known"


def main() -> int:
    """Measure, compare, and return 0 if every row agrees."""
    lacking = [name for name in ("ip", "nft", "conntrack") if shutil.which(name) is None]
    if os.geteuid() or lacking:
        print(f"needs root and {', '.join(lacking or ['ip, nft, conntrack'])}: nothing was measured", file=sys.stderr)
        return 2
    rows = [row for loose in (1, 0) for row in first_packets(loose)]
    rows += [row for numbers in NUMBERS for row in connections(numbers)]
    wrong = [(row, words) for row in rows if (words := differs(row))]
    for row, words in wrong:
        print(f"{row.how} {row.setting} flags {row.flags:#04x}: {words}")
    print(f"{len(rows) - len(wrong):,} of {len(rows):,} rows of Linux {os.uname().release} agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
