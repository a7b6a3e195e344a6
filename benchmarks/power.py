"""How many probes it takes to find what a program's code left, and how often nothing is found in nothing.

Each family registers makers of planted probes in FAMILIES: a function of a random generator and a number of probes,
and what the marks must say. The table says in which share of the trials it was said, by number of probes, then under
loss, reordering, foreign packets, rewritten source ports and a second tool.

    python benchmarks/power.py                      write the tables into docs/marks-power.md
    python benchmarks/power.py --alarms 1000000     count false alarms on that many strands of random headers
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from craftmark.marks.infer import infer  # noqa: E402 - the checkout is put on the path above
from craftmark.marks.relations import infer as relations  # noqa: E402
from tests.marks import planting  # noqa: E402
from tests.marks.dossiers import dossier_from_batch  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from craftmark.packets.batch import PacketBatch

    Maker = Callable[[np.random.Generator, int], PacketBatch]

PAGE: Final = ROOT / "docs" / "marks-power.md"
SIZES: Final = (2, 3, 5, 10, 30, 100, 300, 1000)
TRIALS: Final = 20
#: Probes per strand of random headers, and of how many strands in a hundred.
ALARM_SIZES: Final = ((2, 20), (3, 20), (4, 15), (5, 15), (8, 15), (16, 10), (40, 4), (200, 1))


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of regularity: what makes it, what the marks say of it, and at how many probes it is spoiled."""

    title: str
    make: Maker
    stated: str
    spoiled_at: int


def _of(title: str, make: Maker, spoiled_at: int) -> Family:
    return Family(title, make, planting.STATED[make], spoiled_at)


FAMILIES: Final = (
    _of("masscan's IP ID", planting.masscan, 30),
    _of("Mirai's sequence number", planting.mirai, 30),
    _of("unicornscan's key", planting.unicornscan, 30),
    _of("nmap's mirrored halves", planting.nmap, 30),
    _of("a sum of two fields", planting.summed, 30),
    _of("a multiple (one LCG step)", planting.multiplied, 30),
    _of("shifted fields (single bits)", planting.shifted, 300),
    _of("a xorshift stream", planting.xorshift, 300),
    _of("targets shared out by remainder", planting.shared_out, 100),
    _of("values per burst", planting.in_bursts, 100),
)


def share(make: Maker, count: int, stated: str, trials: int) -> float:
    """Return in which share of the trials a statement was made."""
    hits = 0
    for trial in range(trials):
        marks = infer(dossier_from_batch(make(np.random.default_rng((count, trial)), count)))
        hits += any(stated in mark.statement for mark in marks)
    return hits / trials


def _percent(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


def sizes_table(trials: int) -> Iterator[str]:
    """Yield the table of the share found by number of probes."""
    yield "| regularity | " + " | ".join(f"{size:,}" for size in SIZES) + " |"
    yield "| --- |" + " --: |" * len(SIZES)
    for family in FAMILIES:
        cells = [_percent(share(family.make, size, family.stated, trials)) for size in SIZES]
        yield f"| {family.title} | " + " | ".join(cells) + " |"


def _spoiled(make: Maker) -> dict[str, Maker]:
    """Return what happens to probes, by name; the second tool has no formula of its own in the same field."""
    return {
        "loss 10 %": lambda rng, count: planting.lossy(make, rng, count, 0.9),
        "50 %": lambda rng, count: planting.lossy(make, rng, count, 0.5),
        "99 %": lambda rng, count: planting.lossy(make, rng, count, 0.01),
        "reordered": lambda rng, count: planting.reordered(make, rng, count),
        "5 % foreign": lambda rng, count: planting.mixed(make, rng, count, 0.05),
        "30 % foreign": lambda rng, count: planting.mixed(make, rng, count, 0.3),
        "ports rewritten": lambda rng, count: planting.rewritten(make, rng, count),
        "two tools": lambda rng, count: planting.two_tools(make, planting.random_headers, rng, count),
    }


def spoiled_table(trials: int) -> Iterator[str]:
    """Yield the table of the share found when probes are spoiled."""
    ways = tuple(_spoiled(planting.masscan))
    yield "| regularity | probes | " + " | ".join(ways) + " |"
    yield "| --- | --: |" + " --: |" * len(ways)
    for family in FAMILIES:
        made = _spoiled(family.make).values()
        cells = [_percent(share(one, family.spoiled_at, family.stated, trials)) for one in made]
        yield f"| {family.title} | {family.spoiled_at} | " + " | ".join(cells) + " |"


def alarms(strands: int, seed: int) -> list[str]:
    """Return what is said of so many strands of random headers: nothing of it is true."""
    rng = np.random.default_rng(seed)
    said = []
    sizes = [size for size, often in ALARM_SIZES for _ in range(often)]
    for number in range(strands):
        batch = planting.random_headers(rng, sizes[number % len(sizes)])
        said += [mark.statement for mark in relations(dossier_from_batch(batch))]
    return said


def written(page: str, trials: int) -> str:
    """Return the page with its tables measured again."""
    for name, rows in (("sizes", sizes_table(trials)), ("spoiled", spoiled_table(trials))):
        block = f"<!-- table: {name} -->\n" + "\n".join(rows) + "\n<!-- end -->"
        page = re.sub(rf"<!-- table: {name} -->\n.*?<!-- end -->", lambda _, new=block: new, page, flags=re.DOTALL)
    return page


def main() -> None:
    """Write the tables, or count false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--alarms", type=int, default=0, metavar="STRANDS")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.alarms:
        began = time.process_time()
        said = alarms(options.alarms, options.seed)
        spent = time.process_time() - began
        print(f"{len(said)} false statements in {options.alarms:,} strands of random headers, {spent:.0f} s")
        print("\n".join(said))
        return
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), options.trials), encoding="utf-8")


if __name__ == "__main__":
    main()
