"""Ratios of earlier benchmarks, one line of JSON per run in ``history.jsonl``: commit, machine, sizes, ratios.

python benchmarks/history.py     print the history as a Markdown table
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

RECORDS: Final = Path(__file__).parent / "history.jsonl"
#: Share of the last recorded ratio below which a run counts as slower.
_FALLEN: Final = 0.9

Ratios = dict[str, dict[str, float]]


def machine() -> str:
    """Return what ratios depend on: processor, cores, system, Python."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def record(ratios: Ratios, packets: int, *, records: Path = RECORDS) -> None:
    """Add a run: ratios by mix and name."""
    rounded = {mix: {name: round(ratio, 3) for name, ratio in found.items()} for mix, found in ratios.items()}
    day = datetime.now(UTC).date().isoformat()
    entry = {"commit": _commit(), "day": day, "machine": machine(), "packets": packets, "ratios": rounded}
    with records.open("a", encoding="utf-8") as out:
        out.write(json.dumps(entry, sort_keys=True) + "\n")


def fallen(ratios: Ratios, packets: int, *, records: Path = RECORDS) -> list[str]:
    """Tell which ratios fell more than a tenth below the last recorded ones of the same machine and size."""
    mine = [one for one in _read(records) if (one["machine"], one["packets"]) == (machine(), packets)]
    before: Ratios = mine[-1]["ratios"] if mine else {}
    return [
        f"{mix}: {name} at {ratios[mix][name]:.2f}x, {ratio:.2f}x at {mine[-1]['commit']}"
        for mix, found in before.items()
        for name, ratio in found.items()
        if name in ratios.get(mix, {}) and ratios[mix][name] < _FALLEN * ratio
    ]


def table(records: Path = RECORDS) -> str:
    """Return the history as a Markdown table, a row per run and mix."""
    lines = ["| commit | day | packets | mix | ratios to tcpdump |", "| --- | --- | --- | --- | --- |"]
    for one in _read(records):
        for mix, found in one["ratios"].items():
            told = ", ".join(
                f"{name.removeprefix('craftmark').strip(' ,')} {ratio:.2f}" for name, ratio in found.items()
            )
            lines.append(f"| {one['commit']} | {one['day']} | {one['packets']:,} | {mix} | {told} |")
    return "\n".join(lines)


def _read(records: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()] if records.exists() else []


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=9"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


if __name__ == "__main__":
    print(table())
