"""Print how fast craftmark is, beside other programs on the same captures, in one run.

    python benchmarks/bench.py [--packets 10000000] [--sources 1000000] [--rounds 3] [--record]

Every figure is the median of several rounds; in each round all programs run once, one after the other, so that what
disturbs the machine disturbs all. Slow programs read a smaller capture of the same mix and are compared by packets per
second. Three mixes are measured (``mixes.py``), and how time grows with size. ``--record`` adds the ratios to
``history.jsonl``; a ratio more than a tenth below the last recorded one of this machine ends in exit code 1.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import history
from benchmarks.measure import Measurement, middle, run
from benchmarks.mixes import MIXES, capture

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = (ROOT / "examples" / "odd-scan-2000.pcap", ROOT / "examples" / "odd-scan-2000.snort.txt")
STAGES: Final = str(ROOT / "benchmarks" / "stages.py")
YARDSTICK: Final = "tcpdump"
_MIB: Final = 1 << 20
#: Packets of the captures that show how time grows.
_SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)


@dataclass(slots=True)
class Contender:
    """One program, the capture it reads, and its runs. ``is_stage``: its own clock counts, not the whole process."""

    name: str
    command: Sequence[str]
    packets: int
    is_stage: bool = False
    runs: list[Measurement] = field(default_factory=list)

    def go(self) -> None:
        """Run once."""
        measured = run(self.command)
        if self.is_stage and measured.code == 0:
            told = json.loads(measured.output.splitlines()[-1])
            measured = Measurement(told["wall_s"], told["cpu_s"], measured.memory, 0, "")
        self.runs.append(measured)

    @property
    def missing(self) -> bool:
        """Whether the program is not installed."""
        return shutil.which(self.command[0]) is None


def contenders(mix: str, packets: int, sources: int | None) -> list[Contender]:
    """Return all programs with their captures: the whole one, or a smaller one of the same mix."""

    def at_most(most: int) -> tuple[str, int]:
        n = min(packets, most)
        return capture(mix, n, sources and max(100, sources * n // packets)), n

    whole = capture(mix, packets, sources)
    (some, n_some), (few, n_few), (handful, n_handful) = at_most(1_000_000), at_most(100_000), at_most(20_000)
    python = sys.executable
    fields = ["-T", "fields", "-e", "ip.src", "-e", "tcp.flags"]
    return [
        Contender(YARDSTICK, ["tcpdump", "-nr", whole, "tcp[13]==99"], packets),
        Contender("capinfos -c", ["capinfos", "-c", whole], packets),
        Contender("libtrace tracestats", ["tracestats", f"pcapfile:{whole}", "tcp[13]==99"], packets),
        Contender("craftmark, bytes to columns", [python, STAGES, "columns", whole], packets, is_stage=True),
        Contender("craftmark, bytes to evidence", [python, STAGES, "fold", whole], packets, is_stage=True),
        Contender("craftmark FILE", [python, "-m", "craftmark", whole], packets),
        Contender("craftmark --cores 1 FILE", [python, "-m", "craftmark", "--cores", "1", whole], packets),
        Contender("argus -r", ["argus", "-r", some, "-w", "/dev/null"], n_some),
        Contender("p0f -r", ["p0f", "-r", some], n_some),
        Contender("dpkt", [python, STAGES, "dpkt", few], n_few, is_stage=True),
        Contender("tshark -T fields", ["tshark", "-nr", few, *fields], n_few),
        Contender("scapy", [python, STAGES, "scapy", handful], n_handful, is_stage=True),
    ]


def print_speeds(rows: list[Contender]) -> None:
    """Print the table of speeds."""
    yardstick = next((c.packets / middle(c.runs).wall_s for c in rows if c.name == YARDSTICK and c.runs), None)
    print(f"{'program':30} {'packets':>11} {'wall s':>8} {'cpu s':>8} {'M pkt/s':>9} {'x tcpdump':>9} {'MiB':>6}")
    for row in rows:
        if not row.runs:
            print(f"{row.name:30} not installed")
            continue
        measured = middle(row.runs)
        if measured.code not in (0, 3):
            print(f"{row.name:30} failed with exit code {measured.code}")
            continue
        speed = row.packets / measured.wall_s
        ratio = f"{speed / yardstick:9.2f}" if yardstick else f"{'-':>9}"
        print(
            f"{row.name:30} {row.packets:>11,} {measured.wall_s:8.2f} {measured.cpu_s:8.2f} {speed / 1e6:9.3f} {ratio}"
            f" {measured.memory / _MIB:6.0f}"
        )
    print("MiB: anonymous memory at most. A stage's times are its own, on one core, without start and warm-up.")


def print_shares(path: str, rounds: int) -> None:
    """Print the seconds of each stage of the whole command, the median of several rounds."""
    told = [json.loads(run([sys.executable, STAGES, "shares", path]).output.splitlines()[-1]) for _ in range(rounds)]
    print(f"\n{'stage of craftmark FILE':30} {'wall s':>8}")
    for stage in dict.fromkeys(stage for one in told for stage in one["stages"]):
        print(f"{stage:30} {median(one['stages'].get(stage, 0.0) for one in told):8.2f}")


def start_times(path: Path, *, cold: bool, bytecode: bool, rounds: int) -> tuple[Measurement, list[float]]:
    """Return the whole command's figures and the median shares, with caches as asked for in each round."""
    whole: list[Measurement] = []
    shares: list[Measurement] = []
    for _ in range(rounds):
        for command in ([sys.executable, "-m", "craftmark", str(path)], [sys.executable, STAGES, "start", str(path)]):
            with tempfile.TemporaryDirectory() as folder:
                environment = {"CRAFTMARK_CACHE_DIR": folder} if cold else {}
                if not bytecode:
                    environment["PYTHONPYCACHEPREFIX"] = folder + "/bytecode"
                (whole if "-m" in command else shares).append(run(command, environment=environment))
    told = [json.loads(one.output.splitlines()[-1]) for one in shares if one.code == 0]
    return middle(whole), [median(one[key] for one in told) if told else float("nan") for key in _SHARES]


def print_starts(rounds: int) -> None:
    """Print how long small inputs take, first and later, and where the time goes."""
    print(f"\n{'start':44} {'wall s':>7} {'cpu s':>7}   {'import':>7} {'numba':>7} {'work':>7}")
    for path in EXAMPLES:
        for label, cold, bytecode in (
            ("first run, no Python bytecode either", True, False),
            ("first run, kernels not compiled", True, True),
            ("afterwards", False, True),
        ):
            whole, parts = start_times(path, cold=cold, bytecode=bytecode, rounds=rounds)
            name = f"{path.name.removeprefix('odd-scan-2000.')}: {label}"
            figures = " ".join(f"{part:7.2f}" for part in parts)
            failed = "" if whole.code in (0, 3) else f"  exit code {whole.code}"
            print(f"{name:44} {whole.wall_s:7.2f} {whole.cpu_s:7.2f}   {figures}{failed}")
    print("numba: its import and compilations; where it is 0, plain Python did the work.")


_SHARES: Final = ("import_s", "numba_s", "work_s")


def print_growth(rounds: int) -> None:
    """Print how the whole command's time grows with size: the exponent between one size and the next."""
    print(f"\n{'telescope, craftmark FILE':30} {'wall s':>8} {'MiB':>6} {'exponent':>9}")
    before: tuple[int, float] | None = None
    for packets in _SIZES:
        measured = middle(
            [run([sys.executable, "-m", "craftmark", capture("telescope", packets)]) for _ in range(rounds)]
        )
        grown = "" if before is None else f"{log(measured.wall_s / before[1]) / log(packets / before[0]):9.2f}"
        print(f"{packets:>30,} {measured.wall_s:8.2f} {measured.memory / _MIB:6.0f} {grown}")
        before = packets, measured.wall_s


def go_round(rows: list[Contender], rounds: int) -> None:
    """Run all programs once a round, one after the other."""
    for number in range(rounds):
        for row in rows:
            if not row.missing:
                print(f"round {number + 1}: {row.name}", file=sys.stderr)
                row.go()


def ratios(rows: list[Contender]) -> dict[str, float]:
    """Return craftmark's ratios to the yardstick by name: the median of those of all rounds."""
    base = next(row for row in rows if row.name == YARDSTICK)
    return {
        row.name: median(
            row.packets / own.wall_s / (base.packets / its.wall_s) for own, its in zip(row.runs, base.runs, strict=True)
        )
        for row in rows
        if row.name.startswith("craftmark") and base.runs
    }


def main() -> int:
    """Read the options, run all rounds, print the tables; 1 where a ratio fell."""
    parser = argparse.ArgumentParser(description="measure craftmark beside other programs")
    parser.add_argument("--packets", type=int, default=10_000_000)
    parser.add_argument("--sources", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="add the ratios to history.jsonl")
    options = parser.parse_args()
    print(f"{history.machine()}; median of {options.rounds}")
    run([sys.executable, "-m", "craftmark", capture("telescope", 200_000)])  # compiles what is not compiled yet
    found: dict[str, dict[str, float]] = {}
    for mix in MIXES:
        rows = contenders(mix, options.packets, options.sources if mix == "telescope" else None)
        go_round(rows, options.rounds)
        print(f"\n{mix}, {options.packets:,} packets")
        print_speeds(rows)
        found[mix] = ratios(rows)
    print_shares(capture("telescope", options.packets, options.sources), options.rounds)
    print_starts(options.rounds)
    print_growth(options.rounds)
    fallen = history.fallen(found, options.packets)
    for line in fallen:
        print(f"SLOWER: {line}")
    if options.record:
        history.record(found, options.packets)
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
