"""``make torture``: mutated inputs against every target, and what came of it as the table of docs/reliability.md.

Each target runs in a process of its own until it had ``--runs`` inputs, or ``--seconds`` went by. A crash is an
exception that the target does not promise; a hang is one input that takes longer than ``HANG_S``. Memory is what the
process had beyond its size after a warm-up. With ``--write``, a target's row is written when it is done.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("CRAFTMARK_KERNELS", "compiled")  # compiled in the warm-up, not in the middle of a run

from fuzz.mutate import mutate
from fuzz.seeds import FRAMES, SEEDS, tables

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seconds that one small input may take before it counts as a hang.
HANG_S = 2.0
#: Mutations that load what is loaded once, before anything is measured.
WARM_UP = 300
_ROOT = Path(__file__).parents[1]
FOUND = Path(__file__).parent / "found"
TABLE = _ROOT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- torture -->", "<!-- /torture -->"
_HEAD = (
    "| target | inputs tried | read in part or whole | crashes | hangs | slowest | memory beyond the warm-up |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
)


@dataclass(slots=True)
class Told:
    """What came of one target: inputs tried, those read in part or whole, faults, the slowest, MiB grown by."""

    name: str
    runs: int = 0
    read: int = 0
    crashes: int = 0
    hangs: int = 0
    slowest: float = 0.0
    memory: int = 0

    def row(self) -> str:
        """Return the target's row of the table."""
        return (
            f"| `{self.name}` | {self.runs:,} | {self.read:,} | {self.crashes} | {self.hangs} "
            f"| {self.slowest:.2f} s | {self.memory} MiB |"
        )


def seeds_of(name: str) -> list[bytes]:
    """Return what mutations of a target start from."""
    if name in SEEDS:
        return [SEEDS[name]]
    if name in _MADE:
        return _MADE[name]()
    import gzip  # noqa: PLC0415 - for this target alone

    return [*SEEDS.values(), *(gzip.compress(seed) for seed in SEEDS.values())]


def _reports() -> list[bytes]:
    """Return a report with at most two entries in each list."""
    from craftmark.pipeline import examine  # noqa: PLC0415 - slow, and for this target alone

    whole = json.loads(examine(_ROOT / "examples" / "odd-scan-2000.pcap").to_json())
    return [json.dumps(_short(whole)).encode()]


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(one) for one in value[:2]]
    return {key: _short(one) for key, one in value.items()} if isinstance(value, dict) else value


def _rules() -> list[bytes]:
    folder = _ROOT / "craftmark" / "knowledge" / "tools"
    return [(folder / name).read_bytes() for name in ("juno.toml", "pnscan.toml", "ike-scan.toml")]


_MADE = {
    "decoder": lambda: FRAMES,
    "parquet": tables,
    "report": _reports,
    "expression": lambda: [
        b"ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport",
        b"tcp_flags & SYN != 0 and ip_dst in 10.0.0.0/8",
    ],
    "rules": _rules,
    "upload": lambda: [b'scan.pcap\nlocalhost\n{"where": "ip_id == 242", "year": 2000}\n' + SEEDS["pcap"]],
}


def run(name: str, runs: int, seconds: float, seed: int) -> Told:
    """Run one target for so many inputs, or so long, and return what came of it."""
    from fuzz.targets import TARGETS  # noqa: PLC0415 - imported in the process that runs it

    target, seeds, rng, told = TARGETS[name], seeds_of(name), random.Random(seed), Told(name)  # noqa: S311 - no secret
    for one in seeds:
        target(one)
    _warm_up(name, seeds)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    end = began + seconds
    while told.runs < runs and began < end:
        data = mutate(rng.choice(seeds), rng)
        try:
            told.read += bool(target(data))
        except Exception:  # noqa: BLE001 - that is what is looked for
            told.crashes += 1
            _keep(name, data, traceback.format_exc())
        now = time.monotonic()
        took, began = now - began, now
        told.slowest = max(told.slowest, took)
        if took > HANG_S:
            told.hangs += 1
            _keep(name, data, f"{took:.1f} s")
        told.runs += 1
    told.memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    return told


def _warm_up(name: str, seeds: list[bytes]) -> None:
    from fuzz.targets import TARGETS  # noqa: PLC0415 - as above

    rng = random.Random(0)  # noqa: S311 - as above
    for _ in range(WARM_UP):
        try:
            TARGETS[name](mutate(rng.choice(seeds), rng))
        except Exception:  # noqa: BLE001, S112 - the run that is counted finds the like
            continue


def _keep(name: str, data: bytes, why: str) -> None:
    FOUND.mkdir(exist_ok=True)
    number = len(list(FOUND.glob(f"{name}-*.bin")))
    if number < 20:
        (FOUND / f"{name}-{number}.bin").write_bytes(data)
        (FOUND / f"{name}-{number}.txt").write_text(why)


def write(results: Iterable[Told], order: list[str]) -> None:
    """Put the rows of some targets into the table of the docs; those of other targets stay."""
    text = TABLE.read_text(encoding="utf-8")
    head, rest = text.split(_BEGIN, 1)
    old, tail = rest.split(_END, 1)
    rows = {line.split("`")[1]: line for line in old.splitlines() if line.startswith("| `")}
    rows |= {one.name: one.row() for one in results}
    lines = [*_HEAD, *(rows[name] for name in order if name in rows)]
    TABLE.write_text(f"{head}{_BEGIN}\n" + "\n".join(lines) + f"\n{_END}{tail}", encoding="utf-8")


def main() -> int:
    """Run the targets, print the table, write it into the docs if asked to; return 1 if anything is open."""
    from fuzz.targets import TARGETS  # noqa: PLC0415 - after the options are known to be right

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=1_000_000, help="per target")
    options.add_argument("--seconds", type=float, default=10.0, help="at most, per target")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    options.add_argument("targets", nargs="*", default=[])
    chosen = options.parse_args()
    work = [(name, chosen.runs, chosen.seconds, chosen.seed) for name in chosen.targets or TARGETS]
    results = []
    print(*_HEAD, sep="\n")
    with ThreadPool(chosen.jobs) as pool:
        for told in pool.imap(_apart, work):
            print(told.row(), flush=True)
            results.append(told)
            if chosen.write:
                write([told], list(TARGETS))
    return int(any(one.crashes or one.hangs for one in results))


def _apart(work: tuple[str, int, float, int]) -> Told:
    """Run a target in a process of its own; one that dies is a crash."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(run, *work).result()
        except BrokenProcessPool:
            return Told(work[0], crashes=1)


if __name__ == "__main__":
    raise SystemExit(main())
