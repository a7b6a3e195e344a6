"""`python -m lab.accuracy`: measure on the kept and the shared captures, and write docs/accuracy.md.

Options: --captures DIR (more captures, `lab/out` say), --repeats N (samples of one size per capture), --jobs N.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import sys
from pathlib import Path

from lab.accuracy.page import page
from lab.accuracy.trials import trials_of
from lab.accuracy.truths import SHARED, truths
from lab.accuracy.whole import whole_of
from lab.kept import KEPT

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"


def main() -> int:
    """Measure and write; exit 1 where a wrong name was said."""
    parser = argparse.ArgumentParser(prog="accuracy", description=__doc__)
    parser.add_argument("--captures", type=Path, action="append", default=[])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    folders = {"lab/captures": KEPT, "../shared/captures/lab": SHARED} | {path.name: path for path in args.captures}
    found = truths(folders.values())
    simple = [truth for truth in found if truth.is_simple]
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        wholes = list(pool.map(whole_of, found, chunksize=4))
        each = pool.map(functools.partial(trials_of, repeats=args.repeats, seed=2000), simple, chunksize=2)
        trials = [trial for several in each for trial in several]
    PAGE.write_text(page(wholes, trials, [name for name, path in folders.items() if path.is_dir()]))
    wrong = [one for one in wholes if one.verdict in {"wrong", "alarm"} or one.eliminated]
    wrong_trials = [one for one in trials if one.verdict == "wrong"]
    for one in (*wrong, *wrong_trials):
        print(one)
    print(f"{len(wholes)} captures, {len(trials)} trials: {len(wrong)} and {len(wrong_trials)} wrong; {PAGE}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
