"""Print how fast craftmark is, beside other programs on the same captures, in one run.

    python benchmarks/bench.py [--packets 10000000] [--sources 1000000] [--rounds 3]

Every figure is the median of several rounds; in each round all programs run once, one after the other, so that what
disturbs the machine disturbs all. Slow programs read a smaller capture of the same mix and are compared by packets per
second. Nothing is judged: the table is for people.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import load
from benchmarks.measure import Measurement, middle, run

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parents[1]
DATA: Final = ROOT / "benchmarks" / "data"
EXAMPLES: Final = (ROOT / "examples" / "odd-scan-2000.pcap", ROOT / "examples" / "odd-scan-2000.snort.txt")
STAGES: Final = str(ROOT / "benchmarks" / "stages.py")
YARDSTICK: Final = "tcpdump"
_MIB: Final = 1 << 20


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


def capture(packets: int, sources: int) -> str:
    """Return the path of a generated capture, made if it is not there yet."""
    path = DATA / f"load-{packets}-{sources}.pcap"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as out:
            load.write(out, packets, sources, seed=1)
        unfinished.rename(path)
    return str(path)


def contenders(packets: int, sources: int) -> list[Contender]:
    """Return all programs with their captures: the whole one, or a slice of the same mix."""

    def slice_of(most: int) -> tuple[str, int]:
        n = min(packets, most)
        return capture(n, max(100, sources * n // packets)), n

    whole = capture(packets, sources)
    (some, n_some), (few, n_few) = slice_of(1_000_000), slice_of(100_000)
    python = sys.executable
    return [
        Contender(YARDSTICK, ["tcpdump", "-nr", whole, "tcp[13]==99"], packets),
        Contender("capinfos -c", ["capinfos", "-c", whole], packets),
        Contender("craftmark, bytes to columns", [python, STAGES, "columns", whole], packets, is_stage=True),
        Contender("craftmark, bytes to evidence", [python, STAGES, "fold", whole], packets, is_stage=True),
        Contender("craftmark FILE", [python, "-m", "craftmark", whole], packets),
        Contender("craftmark --cores 1 FILE", [python, "-m", "craftmark", "--cores", "1", whole], packets),
        Contender("p0f -r", ["p0f", "-r", some], n_some),
        Contender("dpkt", [python, STAGES, "dpkt", few], n_few, is_stage=True),
        Contender("tshark -T fields", ["tshark", "-nr", few, "-T", "fields", "-e", "ip.src", "-e", "tcp.flags"], n_few),
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


def main() -> None:
    """Read the options, run all rounds, print the tables."""
    parser = argparse.ArgumentParser(description="measure craftmark beside other programs")
    parser.add_argument("--packets", type=int, default=10_000_000)
    parser.add_argument("--sources", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}; median of {options.rounds}")
    rows = contenders(options.packets, options.sources)
    run([sys.executable, "-m", "craftmark", capture(200_000, 20_000)])  # compiles what is not compiled yet
    for number in range(options.rounds):
        for row in rows:
            if not row.missing:
                print(f"round {number + 1}: {row.name}", file=sys.stderr)
                row.go()
    print_speeds(rows)
    print_shares(capture(options.packets, options.sources), options.rounds)
    print_starts(options.rounds)


if __name__ == "__main__":
    main()
