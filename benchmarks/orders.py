"""From how few probes the order of targets gives back the generator or seed behind it, and how often it is made up.

python benchmarks/orders.py                    write the tables into docs/orders-power.md
python benchmarks/orders.py --alarms 10000     count false statements about random orders of targets
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from craftmark.marks.infer import SOLVERS  # noqa: E402 - the checkout is put on the path above
from craftmark.tools.load import load_rules  # noqa: E402
from tests.marks import ordered  # noqa: E402
from tests.marks.dossiers import dossier_from_batch  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from craftmark.marks.base import Toolmark

    Made = tuple[Any, tuple[str, int]]
    Maker = Callable[[np.random.Generator, int], Made]

PAGE: Final = ROOT / "docs" / "orders-power.md"
SIZES: Final = (2, 5, 10, 30, 100, 1000)
TRIALS: Final = 4
SPOILED_AT: Final = 30
FAMILIES: Final[tuple[tuple[str, Maker], ...]] = (
    ("ZMap 4 over IPv4, seen by a /16", ordered.zmap_v4),
    ("ZMap 1.1-3 over IPv4, seen by a /16", ordered.zmap_v1),
    ("ZMap 4, four threads, seen by a /16", ordered.zmap_threads),
    ("ZMap over a /20, all seen", ordered.zmap_prefix),
    ("masscan over a /16, seed below 10,000", ordered.masscan),
)
#: Gaps looked at, at most: an eighth of what the rule allows, so that what is not found costs little here.
STEPS: Final = 1 << 22
RECIPES: Final = [
    replace(one, details={**one.details, "steps": STEPS})
    for one in load_rules().recipes
    if one.kind in ("cyclic walk", "blackrock")
]


def marks_of(batch: Any) -> list[Toolmark]:
    """Return what the solvers of orders say."""
    dossier = dossier_from_batch(batch)
    return [mark for recipe in RECIPES for mark in SOLVERS[recipe.kind](dossier, recipe)]


def cell(make: Maker, count: int, trials: int) -> str:
    """Return the share of the trials in which the truth was told, and the median processor time of one."""
    hits, spent = 0, []
    for trial in range(trials):
        batch, truth = make(np.random.default_rng((count, trial)), count)
        began = time.process_time()
        hits += ordered.is_found(marks_of(batch), truth)
        spent.append(time.process_time() - began)
    return f"{hits / trials:.0%}, {sorted(spent)[len(spent) // 2]:.1f} s".replace("%", " %")


def sizes_table(trials: int) -> Iterator[str]:
    """Yield the table by number of probes."""
    yield "| scan | " + " | ".join(f"{size:,}" for size in SIZES) + " |"
    yield "| --- |" + " --: |" * len(SIZES)
    for title, make in FAMILIES:
        yield f"| {title} | " + " | ".join(cell(make, size, trials) for size in SIZES) + " |"


def spoiled_table(trials: int) -> Iterator[str]:
    """Yield the table of spoiled scans."""
    yield "| scan | loss 10 % | 50 % | 99 % | late by 50 ms | by 0.5 s | 5 % foreign | 30 % foreign |"
    yield "| --- |" + " --: |" * 7
    for title, make in FAMILIES:
        ways: list[Maker] = [
            *(lambda rng, n, kept=kept, m=make: ordered.lossy(m, rng, n, kept) for kept in (0.9, 0.5, 0.01)),
            *(lambda rng, n, late=late, m=make: ordered.jittered(m, rng, n, late) for late in (0.05, 0.5)),
            *(lambda rng, n, part=part, m=make: ordered.mixed(m, rng, n, part) for part in (0.05, 0.3)),
        ]
        yield f"| {title} | " + " | ".join(cell(way, SPOILED_AT, trials) for way in ways) + " |"


def alarms(scans: int) -> list[str]:
    """Return what is said of random orders: nothing of it is true."""
    said = []
    for number in range(scans):
        rng = np.random.default_rng((7, number))
        batch, _ = ordered.random_order(rng, int(rng.choice((5, 6, 8, 10, 16, 30, 100))))
        said += [mark.statement for mark in marks_of(batch)]
    return said


def main() -> None:
    """Write the tables, or count false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--alarms", type=int, default=0, metavar="SCANS")
    options = parser.parse_args()
    if options.alarms:
        said = alarms(options.alarms)
        print(f"{len(said)} false statements about {options.alarms:,} random orders", *said[:5], sep="\n")
        return
    page = PAGE.read_text()
    for name, rows in (("sizes", sizes_table(options.trials)), ("spoiled", spoiled_table(options.trials))):
        block = f"<!-- table: {name} -->\n" + "\n".join(rows) + "\n<!-- end -->"
        page = re.sub(rf"<!-- table: {name} -->\n.*?<!-- end -->", lambda _, new=block: new, page, flags=re.DOTALL)
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
