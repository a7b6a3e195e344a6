"""One row of truth per capture: what ran, from where, and what its packets show, counted by the lab's own reader."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from lab.packets import Packet, packets

if TYPE_CHECKING:
    from pathlib import Path

    from lab.modes import Mode

SHOWN = (
    "ttl",
    "tos",
    "ipid",
    "df",
    "mf",
    "ln",
    "ihl",
    "sport",
    "dport",
    "seq",
    "ack",
    "win",
    "urg",
    "rsv",
    "opt",
    "pay",
    "icmpid",
    "icmpseq",
)
LISTED_SOURCES, LISTED_TARGETS = 40, 20


def groups_of(mode: Mode) -> tuple[str, ...]:
    """Return the groups that a mode's probes are in: named, or what its protocol and flags say."""
    if mode.groups:
        return mode.groups
    return (f"tcp/{mode.flags}",) if mode.proto == "tcp" else (mode.proto,)


def in_groups(packet: Packet, groups: tuple[str, ...]) -> bool:
    """Is this packet one of the mode's probes? A group `icmp/*` stands for all that begin so."""
    return any(
        packet["group"] == group or (group.endswith("*") and packet["group"].startswith(group[:-1])) for group in groups
    )


def number(address: str) -> int:
    """Return an IPv4 address as an integer."""
    return int.from_bytes(bytes(int(part) for part in address.split(".")), "big")


def shown(values: list[Any]) -> dict[str, Any]:
    """Say what a column held: one value, few with their counts, or a range."""
    counts = Counter(values)
    if len(counts) == 1:
        return {"const": values[0]}
    said: dict[str, Any] = {"distinct": len(counts)}
    if isinstance(values[0], int):
        said |= {"min": min(values), "max": max(values)}
    if len(counts) <= 5:
        said["values"] = {str(value): count for value, count in counts.most_common()}
    return said


def relations(rows: list[Packet]) -> list[str]:
    """Name the relations of known tools that hold in every packet of a TCP group."""
    if len(rows) < 3 or "seq" not in rows[0] or len({row["ipid"] for row in rows}) == 1:
        return []
    held = []
    if all(row["ipid"] == (number(row["dst"]) ^ row["dport"] ^ row["seq"]) & 0xFFFF for row in rows):
        held.append("ipid = (dst ^ dport ^ seq) & 0xffff")
    if all(row["seq"] == number(row["dst"]) for row in rows):
        held.append("seq = dst")
    return held


def observed(rows: list[Packet]) -> dict[str, Any]:
    """Return what one group of packets showed, field by field."""
    said: dict[str, Any] = {"packets": len(rows)}
    for name in SHOWN:
        values = [row[name] for row in rows if name in row]
        if values:
            said[name] = shown(values)
    said |= {"src_distinct": len({row["src"] for row in rows if "src" in row}), "relations": relations(rows)}
    return said


def row_of(mode: Mode, path: Path, from_mac: str, own: set[str], **facts: Any) -> dict[str, Any]:
    """Return the truth of one capture; `from_mac` tells which frames came from the sender, `own` its true addresses."""
    every = list(packets(path))
    sent = [packet for packet in every if packet["mac_src"] == from_mac and packet["ethertype"] in {0x0800, 0x0806}]
    if mode.proto != "arp":
        sent = [packet for packet in sent if packet["ethertype"] == 0x0800]
    groups = groups_of(mode)
    probes = [packet for packet in sent if in_groups(packet, groups)]
    by_group: dict[str, list[Packet]] = defaultdict(list)
    for packet in sent:
        by_group[packet["group"]].append(packet)
    sources = Counter(packet["src"] for packet in probes or sent)
    listed = [address for address, _ in sources.most_common(LISTED_SOURCES)]
    targets = Counter(packet["dst"] for packet in probes or sent)
    answers = Counter(packet["group"] for packet in every if packet["mac_src"] != from_mac)
    data = path.read_bytes()
    return {
        "name": mode.name, "file": path.name, "kind": mode.kind, "tool": mode.tool, **facts, "made_by": mode.made_by,
        "capture_point": mode.at, "proto": mode.proto, "flags": mode.flags,
        "sources": listed, "sources_total": len(sources), "spoofed": {source: source not in own for source in listed},
        "spoofed_packets": sum(count for source, count in sources.items() if source not in own),
        "targets": [target for target, _ in targets.most_common(LISTED_TARGETS)], "targets_total": len(targets),
        "packets": len(every), "sender_packets": len(sent),
        "scan_packets": 0 if mode.kind == "negative" else len(probes),
        "scan_groups": list(groups), "capture_seconds": round(every[-1]["ts"] - every[0]["ts"], 3) if every else 0.0,
        "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "note": mode.note, "run": mode.run,
        "observed": {group: observed(rows) for group, rows in sorted(by_group.items())}, "replies": dict(answers),
    }  # fmt: skip
