"""The matrix: which tool runs with which options, where, and what its capture must show. Read from modes/*.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

MODES = Path(__file__).parent / "modes"


@dataclass(frozen=True, slots=True)
class Mode:
    """One run: the command is a line for bash, with {dev} {ip} {gw_mac} {target} and so on filled in by the lab."""

    name: str
    tool: str
    command: str
    package: str = ""  # Debian's package, whose version is the tool's
    kind: str = "scan"  # scan, flood, trace, mix, negative
    made_by: str = "crafted"  # crafted, standard stack, mixed
    at: str = "target"  # where it is captured: target, telescope, reactive, lan
    hops: int = 4  # routers between sender and observation point; 0 on the LAN
    proto: str = "tcp"  # tcp udp icmp sctp ip arp mixed
    flags: str = ""  # letters of FSRPAUEC, 0 for none, * for several
    groups: tuple[str, ...] = ()  # groups of packets that are its probes, where protocol and flags do not say
    settle_s: float = 0.4  # how long the capture goes on after the command
    limit_s: float = 40.0  # when the command is ended
    root: str = ""  # a Debian suite other than the machine's, whose build of the tool runs
    keep: bool = False  # is its capture kept in the repository?
    run: dict[str, Any] = field(default_factory=dict)  # what the run was started with: seed, shard, shards ...
    note: str = ""


def read_file(path: Path) -> list[Mode]:
    """Return the modes of one file; its top-level keys are the defaults of each `[[mode]]`."""
    told = tomllib.loads(path.read_text())
    rows = told.pop("mode", [])
    known = {spec.name for spec in fields(Mode)}
    modes = []
    for row in rows:
        words = told | row
        if unknown := words.keys() - known:
            raise ValueError(f"{path}: mode {row.get('name')}: no such key: {', '.join(sorted(unknown))}")
        words["groups"] = tuple(words.get("groups", ()))
        modes.append(Mode(**words))
    return modes


def all_modes(folder: Path = MODES) -> list[Mode]:
    """Return every mode of the matrix, in the order of the files; names are unique."""
    modes = [mode for path in sorted(folder.glob("*.toml")) for mode in read_file(path)]
    names = [mode.name for mode in modes]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two modes are named {', '.join(sorted(twice))}")
    return modes
