"""``make torture``: mutated inputs against every target, and what came of it as the table of docs/reliability.md.

Each target runs in a process of its own for some seconds. A crash is an exception that the target does not promise; a
hang is one input that takes longer than ``HANG_S``. Memory is what the process had beyond its size after a warm-up.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import time
import traceback
from pathlib import Path

os.environ.setdefault("CRAFTMARK_KERNELS", "compiled")  # compiled in the warm-up, not in the middle of a run

from fuzz.mutate import mutate
from fuzz.seeds import FRAMES, SEEDS

#: Seconds that one small input may take before it counts as a hang.
HANG_S = 2.0
_EXAMPLE = Path(__file__).parents[1]
FOUND = Path(__file__).parent / "found"
TABLE = _EXAMPLE / "docs" / "reliability.md"
_BEGIN, _END = "<!-- torture -->", "<!-- /torture -->"


def seeds_of(name: str) -> list[bytes]:
    """Return what mutations of a target start from."""
    if name in SEEDS:
        return [SEEDS[name]]
    if name == "decoder":
        return FRAMES
    if name == "report":
        from craftmark.pipeline import examine  # noqa: PLC0415 - slow, and for this target alone

        return [examine(_EXAMPLE / "examples" / "odd-scan-2000.pcap").to_json().encode()[:40_000]]
    if name == "expression":
        return [b"ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport", b"tcp_flags & SYN != 0 and ip_dst in 10.0.0.0/8"]
    if name == "rules":
        return [(_EXAMPLE / "craftmark" / "knowledge" / "tools" / "juno.toml").read_bytes()]
    import gzip  # noqa: PLC0415 - for this target alone

    return [*SEEDS.values(), *(gzip.compress(seed) for seed in SEEDS.values())]


def run(name: str, seconds: float, seed: int) -> dict[str, int | float | str]:
    """Run one target for some seconds and return what came of it."""
    from fuzz.targets import TARGETS  # noqa: PLC0415 - imported in the process that runs it

    target, seeds, rng = TARGETS[name], seeds_of(name), random.Random(seed)  # noqa: S311 - reproducible, no secret
    for one in seeds:
        target(one)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told: dict[str, int | float | str] = {"name": name, "runs": 0, "read": 0, "crashes": 0, "hangs": 0, "slowest": 0.0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutate(rng.choice(seeds), rng)
        began = time.monotonic()
        try:
            told["read"] += bool(target(data))  # type: ignore[operator]
        except Exception:  # noqa: BLE001 - that is what is looked for
            told["crashes"] += 1  # type: ignore[operator]
            _keep(name, data, traceback.format_exc())
        took = time.monotonic() - began
        told["slowest"] = max(float(told["slowest"]), took)
        if took > HANG_S:
            told["hangs"] += 1  # type: ignore[operator]
            _keep(name, data, f"{took:.1f} s")
        told["runs"] += 1  # type: ignore[operator]
    told["memory"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    return told


def _keep(name: str, data: bytes, why: str) -> None:
    FOUND.mkdir(exist_ok=True)
    number = len(list(FOUND.glob(f"{name}-*.bin")))
    if number < 20:
        (FOUND / f"{name}-{number}.bin").write_bytes(data)
        (FOUND / f"{name}-{number}.txt").write_text(why)


def table(results: list[dict[str, int | float | str]]) -> str:
    """Return the results as a table in Markdown."""
    lines = [
        "| target | inputs tried | read in part or whole | crashes | hangs | slowest | memory beyond the warm-up |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| `{one['name']}` | {one['runs']:,} | {one['read']:,} | {one['crashes']} | {one['hangs']} "
        f"| {one['slowest']:.2f} s | {one['memory']} MiB |"
        for one in results
    ]
    return "\n".join(lines)


def main() -> int:
    """Run the targets, print the table, write it into the docs if asked to; return 1 if anything is open."""
    from fuzz.targets import TARGETS  # noqa: PLC0415 - after the options are known to be right

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=10.0, help="per target")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    options.add_argument("targets", nargs="*", default=[])
    chosen = options.parse_args()
    names = chosen.targets or list(TARGETS)
    with multiprocessing.get_context("spawn").Pool(chosen.jobs, maxtasksperchild=1) as pool:
        results = pool.starmap(run, [(name, chosen.seconds, chosen.seed) for name in names], chunksize=1)
    print(table(results))
    if chosen.write:
        text = TABLE.read_text(encoding="utf-8")
        head, rest = text.split(_BEGIN, 1)
        tail = rest.split(_END, 1)[1]
        TABLE.write_text(f"{head}{_BEGIN}\n{table(results)}\n{_END}{tail}", encoding="utf-8")
    return int(any(one["crashes"] or one["hangs"] for one in results))


if __name__ == "__main__":
    raise SystemExit(main())
