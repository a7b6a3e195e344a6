"""From how few probes the generator behind their fields is recovered, and how often one is made up.

python benchmarks/generators.py                      write the tables into docs/generators-power.md
python benchmarks/generators.py --alarms 100000      all families and solvers on that many strands of random headers
python benchmarks/generators.py --captures PATH...   all families and solvers on captures; tells the generators found
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import craftmark  # noqa: E402 - the checkout is put on the path above
from craftmark.marks.chance import STATED_AT  # noqa: E402
from craftmark.marks.infer import infer  # noqa: E402
from craftmark.tools.load import load_rules  # noqa: E402
from tests.marks import generated, planting  # noqa: E402
from tests.marks.dossiers import dossier_from_batch  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from craftmark.marks.base import Toolmark
    from craftmark.packets.batch import PacketBatch

    Maker = Callable[[np.random.Generator, int, float], generated.Made]

PAGE: Final = ROOT / "docs" / "generators-power.md"
SIZES: Final = (2, 5, 10, 30, 100, 1000)
KEPT: Final = (1.0, 0.9, 0.5, 0.01)
SPOILED_AT: Final = 30
TRIALS: Final = 5
FAMILIES: Final[tuple[tuple[str, Maker], ...]] = (
    ("Mirai, xorshift128", generated.mirai),
    ("hping, rand() seeded with the second", generated.hping),
    ("libnet's SYN flood, second xor microsecond", generated.libnet),
    ("packit, each value seeds the next", generated.packit),
    ("nemesis, a process for each probe", generated.nemesis),
    ("random() of glibc, seed unknown", generated.seedless),
    ("rand() of Microsoft C, seed unknown", generated.microsoft),
    ("a linear congruence, all unknown", generated.congruential),
)
#: Marks that only a generator leaves; others of a kind with them are true of random headers too.
TOLD: Final = ("recovered", "additive", "congruential", "truncated", "shift-register")
#: Probes per strand of random headers, and of how many strands in a hundred.
ALARM_SIZES: Final = ((2, 20), (4, 20), (8, 20), (14, 20), (40, 15), (100, 5))
#: Every so many-th strand has clear top bits: there the seeds of libraries are sought, which takes a second.
_CLEAR: Final = 200
RECIPES: Final = load_rules().recipes


def is_found(marks: Iterable[Toolmark], truth: tuple[str, object]) -> bool:
    """Tell whether some mark tells the truth: the value of a parameter, or a part of its text."""
    name, value = truth
    told = [one.value for mark in marks for one in mark.recovered if one.name == name]
    return any(one == value or (isinstance(one, str) and str(value) in one) for one in told)


def cell(make: Maker, count: int, kept: float, trials: int) -> str:
    """Return the share of the trials in which the truth was told, and the median processor time of all marks."""
    hits, spent = 0, []
    for trial in range(trials):
        batch, truth = make(np.random.default_rng((count, trial)), count, kept)
        dossier = dossier_from_batch(batch)
        began = time.process_time()
        hits += is_found(infer(dossier, RECIPES), truth)
        spent.append(time.process_time() - began)
    return f"{hits / trials:.0%}, {sorted(spent)[len(spent) // 2]:.2f} s".replace("%", " %")


def sizes_table(trials: int) -> Iterator[str]:
    """Yield the table by number of probes, none lost."""
    yield "| fields made by | " + " | ".join(f"{size:,}" for size in SIZES) + " |"
    yield "| --- |" + " --: |" * len(SIZES)
    for title, make in FAMILIES:
        yield f"| {title} | " + " | ".join(cell(make, size, 1.0, trials) for size in SIZES) + " |"


def loss_table(trials: int) -> Iterator[str]:
    """Yield the table by share lost."""
    yield "| fields made by | " + " | ".join(f"loss {1 - kept:.0%}".replace("%", " %") for kept in KEPT) + " |"
    yield "| --- |" + " --: |" * len(KEPT)
    for title, make in FAMILIES:
        yield f"| {title} | " + " | ".join(cell(make, SPOILED_AT, kept, trials) for kept in KEPT) + " |"


def made_up(batch: PacketBatch) -> list[str]:
    """Return what is told of a generator behind random headers: nothing of it is true."""
    return [
        mark.statement
        for mark in infer(dossier_from_batch(batch), RECIPES)
        if mark.log10_chance <= STATED_AT and (mark.recovered or mark.name in TOLD)
    ]


def alarms(strands: int, seed: int) -> list[str]:
    """Return what is said of strands of random headers; one in 200 has clear top bits, as a libc's outputs do."""
    rng = np.random.default_rng(seed)
    sizes = [size for size, often in ALARM_SIZES for _ in range(often)]
    said = []
    for number in range(strands):
        batch = planting.random_headers(rng, sizes[number % len(sizes)])
        if number % _CLEAR == 0:
            batch.words[:, planting.RANDOM_WORDS] &= np.uint32(0x7FFF7FFF)
        said += made_up(batch)
    return said


def of_captures(paths: Iterable[str]) -> Iterator[str]:
    """Yield what is told of generators in captures, a line each."""
    for path in paths:
        report = craftmark.examine([path])
        for scan in (*report.scans, *report.floods):
            for mark in scan.toolmarks:
                if mark.kind == "generator" and ("<" not in mark.statement):
                    yield f"{Path(path).name} {scan.id} ({scan.maker.tool}): {mark.statement}"


def written(page: str, trials: int) -> str:
    """Return the page with its tables measured again."""
    for name, rows in (("sizes", sizes_table(trials)), ("loss", loss_table(trials))):
        block = f"<!-- table: {name} -->\n" + "\n".join(rows) + "\n<!-- end -->"
        page = re.sub(rf"<!-- table: {name} -->\n.*?<!-- end -->", lambda _, new=block: new, page, flags=re.DOTALL)
    return page


def main() -> None:
    """Write the tables, or count false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--alarms", type=int, default=0, metavar="STRANDS")
    parser.add_argument("--captures", nargs="+", default=(), metavar="PATH")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.alarms:
        began = time.process_time()
        said = alarms(options.alarms, options.seed)
        spent = time.process_time() - began
        print(f"{len(said)} generators made up in {options.alarms:,} strands of random headers, {spent:.0f} s")
        print("\n".join(said))
    elif options.captures:
        print("\n".join(of_captures(options.captures)))
    else:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), options.trials), encoding="utf-8")


if __name__ == "__main__":
    main()
