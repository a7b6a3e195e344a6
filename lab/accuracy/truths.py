"""Captures with their truth as the accuracy measure needs them: the ids that name the maker, the probes' rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, join
from craftmark.sources.inputs import open_inputs
from lab.kept import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SHARED = KEPT.parents[2] / "shared" / "captures" / "lab"
#: What a truth calls a tool where its id is another.
IDS = {
    "hping3": "hping",
    "zmap-git": "zmap",
    "masscan-git": "masscan",
    "scapy-2.8": "scapy",
    "libnet sample": "libnet-1.1-samples",
}
#: Values of the scan of 2000, set by hand in other tools: no reader can tell, so its template is right too.
TEMPLATE = {"seq": {"const": 0xA1D95}, "ack": {"const": 0x53}, "ipid": {"const": 242}}
PROTOCOLS = {"tcp": f.TCP, "udp": f.UDP, "icmp": f.ICMP, "sctp": f.SCTP, "arp": f.ARP}
LETTERS = "FSRPAUEC"


@dataclass(frozen=True, slots=True)
class Truth:
    """One capture with what is known of it."""

    path: Path
    row: dict[str, Any]

    @property
    def name(self) -> str:
        """The capture's name, with the folder where two folders have one of it."""
        return str(self.row["name"])

    @property
    def ids(self) -> frozenset[str]:
        """The ids that name its maker rightly; all of them where several tools made it."""
        named = {IDS.get(tool, tool) for tool in self.row["tool"].split("+")}
        if any(TEMPLATE.items() <= seen.items() for seen in self.row["observed"].values()):
            named.add("libnet-1.0-samples")
        return frozenset(named)

    @property
    def mode(self) -> str:
        """The kind of probe in a word: tcp FRP, icmp, udp ..."""
        flags = {"0": "null", "*": "several"}.get(self.row["flags"], self.row["flags"])
        return f"{self.row['proto']} {flags}".strip()

    @property
    def is_simple(self) -> bool:
        """Tell whether one tool sent one kind of probe by its own headers, as samples of it need."""
        row = self.row
        known = row["proto"] in PROTOCOLS and "*" not in row["flags"] and len(row["scan_groups"] or ()) == 1
        return known and row["kind"] in {"scan", "flood"} and row["made_by"] == "crafted"


def truths(folders: Iterable[Path]) -> list[Truth]:
    """Return all captures of some folders that hold packets; a folder without a truth.jsonl has none."""
    listed = [folder / "truth.jsonl" for folder in folders]
    rows = [
        (path.parent, json.loads(line)) for path in listed if path.is_file() for line in path.read_text().splitlines()
    ]
    return [Truth(folder / row["file"], row) for folder, row in rows if row["packets"]]


def probes_of(truth: Truth) -> PacketBatch:
    """Return the rows of a simple capture's probes, in time order."""
    batch = join(one.copy() for one in open_inputs([truth.path]).batches())
    row = truth.row
    chosen = batch.words[:, f.PROTOCOL] == PROTOCOLS[row["proto"]]
    if row["sources_total"] <= len(row["sources"]):
        wanted = [int.from_bytes(bytes(map(int, source.split("."))), "big") for source in row["sources"]]
        chosen &= np.isin(batch.words[:, f.IP_SRC], wanted)
    else:  # made-up sources: everything that goes to the targets
        wanted = [int.from_bytes(bytes(map(int, target.split("."))), "big") for target in row["targets"]]
        chosen &= np.isin(batch.words[:, f.IP_DST], wanted)
    if row["proto"] == "tcp":
        bits = sum(1 << LETTERS.index(letter) for letter in row["flags"] if letter in LETTERS)
        chosen &= batch.words[:, f.TCP_FLAGS] == bits
    if row["proto"] == "icmp" and row["scan_groups"][0].count("/") == 2 and "*" not in row["scan_groups"][0]:
        kind, code = map(int, row["scan_groups"][0].split("/")[1:])
        chosen &= (batch.words[:, f.ICMP_TYPE] == kind) & (batch.words[:, f.ICMP_CODE] == code)
    found = batch.take(np.flatnonzero(chosen))
    return found.take(np.argsort(found.ts_ns, kind="stable"))
