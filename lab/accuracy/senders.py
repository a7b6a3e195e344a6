"""`python -m lab.accuracy.senders`: who sent it, measured on captures with truth; writes docs/senders.md.

Were sources forged, was it one sender, how many hops away: verdicts against the truth, and against `lab/evidence.toml`,
which says before any run which captures hold evidence. Options: --captures DIR (more captures, `lab/out` say),
--jobs N. Exit 1 where a verdict is wrong.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from craftmark.pipeline import examine
from lab.accuracy.page import table
from lab.accuracy.truths import SHARED, truths
from lab.kept import KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.report.document import Scan
    from lab.accuracy.truths import Truth

PAGE: Final = Path(__file__).parents[2] / "docs" / "senders.md"
EVIDENCE: Final = Path(__file__).parents[1] / "evidence.toml"
#: Probes of these are answered by no one, or are no packets of the network: they have no sender to be judged so.
JUDGED_KINDS: Final = ("scan", "flood", "mix")
#: Weight of the smallest set of hops that is asked for the truth.
SURE: Final = 0.95

HEAD: Final = """# How often the sender is told rightly

Written by `make senders`; not by hand. Measured on {captures} captures of real tools whose truth is known, made in
[the lab](../lab/README.md), zero to eight routers away. A verdict may be missing (undecided), it may never be wrong.
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What the report said of one capture's sender, beside the truth.

    forged: "spoofed", "genuine", or "decoys" where some sources are forged. wrong: a verdict, of the scan or of one of
    its sources, that the truth contradicts. one_sender: the verdict, "" where there is one source. hops: the true
    number, the smallest set of weight SURE, the likeliest first; empty where no distance is told.
    """

    name: str
    forged: str
    verdict: str
    wrong: bool
    one_sender: str
    hops: int
    hop_set: tuple[int, ...]


def told_of(truth: Truth) -> Told | None:
    """Examine one capture; None where nothing of its sender is asked, or nothing was found."""
    row = truth.row
    if row["kind"] not in JUDGED_KINDS or row["proto"] == "arp":
        return None
    report = examine([truth.path])
    found = [one for one in (*report.scans, *report.floods) if _is_of(one, row)]
    if not found:
        return None
    top = max(found, key=lambda one: one.probes)
    forged = set(row["spoofed"].values())
    truly = "decoys" if len(forged) > 1 else "spoofed" if forged == {True} else "genuine"
    wrong = truly == "genuine" and any(one.sender.spoofing.verdict == "spoofed" for one in found)
    wrong |= truly != "genuine" and any(one.sender.spoofing.verdict == "genuine" for one in found)
    sources = [source for one in found for source in one.sources if source.address in row["spoofed"]]
    wrong |= any(
        (one.spoofing == "spoofed") != row["spoofed"][one.address] for one in sources if one.spoofing != "undecided"
    )
    one_sender = top.sender.one_sender.verdict if top.sources_total > 1 else ""
    hop_set = _hop_set(top) if row["made_by"] == "crafted" else ()
    return Told(truth.name, truly, top.sender.spoofing.verdict, wrong, one_sender, row["hops"], hop_set)


def _is_of(scan: Scan, row: dict[str, object]) -> bool:
    sources = row["sources"]
    return row["sources_total"] != len(sources) or any(one.address in sources for one in scan.sources)  # type: ignore[arg-type, operator]


def _hop_set(scan: Scan) -> tuple[int, ...]:
    kept: dict[int, float] = {}
    for one in sorted(scan.sender.hops, key=lambda one: -one.weight):
        if sum(kept.values()) >= SURE:
            break
        kept[one.hops] = kept.get(one.hops, 0.0) + one.weight
    return tuple(kept)


def evidence() -> dict[str, tuple[str, str, frozenset[str]]]:
    """Return the kinds of evidence: what they say, the verdict they carry, and the captures that hold them."""
    kinds = tomllib.loads(EVIDENCE.read_text())
    return {name: (told["says"], told["expects"], frozenset(told["captures"])) for name, told in kinds.items()}


def page(found: Sequence[Told]) -> str:
    """Return the whole page."""
    return "\n".join([
        HEAD.format(captures=len(found)), *_forged(found), "", *_marked(found), "", *_one_sender(found), "",
        *_hops(found), "",
    ])  # fmt: skip


def _forged(found: Sequence[Told]) -> list[str]:
    rows = []
    for truly in ("genuine", "spoofed", "decoys"):
        said = [one.verdict for one in found if one.forged == truly]
        wrong = sum(one.wrong for one in found if one.forged == truly)
        rows.append((truly, len(said), said.count("genuine"), said.count("spoofed"), said.count("undecided"), wrong))
    head = ("sources truly", "captures", "said genuine", "said spoofed", "undecided", "wrong, of scan or source")
    return ["## Forged or genuine", "", *table(head, rows)]


def _marked(found: Sequence[Told]) -> list[str]:
    """Say how often the verdict is right where the capture was marked as holding evidence, and where not."""
    rows, marked, right = [], set(), 0
    for says, expects, captures in evidence().values():
        mine = [one for one in found if one.name in captures]
        hits = sum(one.verdict == expects for one in mine)
        rows.append((says, expects, hits, len(mine)))
        marked |= captures
        right += hits
    total = sum(row[3] for row in rows)
    others = [one for one in found if one.name not in marked]
    rows.append(("**all that are marked**", "", right, f"{total} ({right / max(1, total):.0%})"))
    rows.append(("not marked: undecided", "", sum(one.verdict == "undecided" for one in others), len(others)))
    text = [
        "Captures that were marked, before the run, as holding evidence ([evidence.toml](../lab/evidence.toml)): what",
        "the tool does with answers, and where it was captured, decides that, not what a program says.",
    ]
    return [*text, "", *table(("evidence", "carries", "right", "of"), rows)]


def _one_sender(found: Sequence[Told]) -> list[str]:
    said = [one.one_sender for one in found if one.one_sender]
    rows = [(len(said), *(said.count(word) for word in ("one", "several", "undecided")))]
    head = ("captures of several sources", "said one", "said several", "undecided")
    return ["## One sender", "", "Every one of them was sent by one program.", "", *table(head, rows)]


def _hops(found: Sequence[Told]) -> list[str]:
    """Say how often the true number of hops is in the smallest set, how large that is, and how often it ranks first."""
    rows = []
    asked = [one for one in found if one.hop_set]
    for hops in (*sorted({one.hops for one in asked}), None):
        mine = [one for one in asked if hops in (None, one.hops)]
        sizes = sorted(len(one.hop_set) for one in mine)
        inside = sum(one.hops in one.hop_set for one in mine)
        first = sum(one.hops == one.hop_set[0] for one in mine)
        name = "**all**" if hops is None else hops
        shares = (f"{inside} ({inside / len(mine):.0%})", f"{first} ({first / len(mine):.0%})")
        rows.append((name, len(mine), *shares, sizes[len(sizes) // 2], sizes[-1]))
    head = ("routers passed", "captures", f"in the set of weight {SURE}", "ranks first", "median size", "largest")
    return ["## Hops", "", "Captures of crafted packets whose TTL tells a distance.", "", *table(head, rows)]


def main() -> int:
    """Measure and write; exit 1 where a verdict was wrong."""
    parser = argparse.ArgumentParser(prog="senders", description=__doc__)
    parser.add_argument("--captures", type=Path, action="append", default=[])
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    known = {truth.name: truth for truth in truths([KEPT, SHARED, *args.captures])}
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        found = [told for told in pool.map(told_of, known.values(), chunksize=4) if told is not None]
    PAGE.write_text(page(found))
    wrong = [one.name for one in found if one.wrong]
    print(f"{len(found)} captures, {len(wrong)} wrong: {', '.join(wrong) or 'none'}; {PAGE}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
