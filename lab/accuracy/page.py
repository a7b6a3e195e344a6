"""Writes docs/accuracy.md from what was measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from lab.accuracy.reliability import RESAMPLES, bins, calibration_error, interval, log_loss, probabilities
from lab.accuracy.trials import SIZES
from lab.accuracy.whole import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.accuracy.trials import Trial
    from lab.accuracy.whole import Whole

HEAD = """# How often craftmark is right

Written by `make accuracy`; not by hand. Measured on {captures} captures of real tools whose truth is known
({folders}), made in [the lab](../lab/README.md). *Right*: a tool that made the packets is named (connections of a
system's own stack: no other tool is named). *Inconclusive*: nobody is named. *Wrong*: another tool is named.
"""


def page(wholes: Sequence[Whole], trials: Sequence[Trial], folders: Sequence[str]) -> str:
    """Return the whole page."""
    return "\n".join([
        HEAD.format(captures=len(wholes), folders=", ".join(folders)),
        *_summary(wholes), "", *_by_mode(wholes, trials), "", *_untold(wholes), "", *_small(trials), "",
        *_calibration(trials), "",
    ])  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]


def _summary(wholes: Sequence[Whole]) -> list[str]:
    scans = [one for one in wholes if one.kind != "negative"]
    quiet = [one for one in wholes if one.kind == "negative"]
    said = Counter(one.verdict for one in scans)
    kinds = [one.kind_right for one in scans if one.kind_right is not None]
    telling = [one for one in scans if one.probes >= ENOUGH and one.is_identifying]
    rows = [
        ("tool named rightly, or none where a stack connects", said["right"], len(scans)),
        (f"of {ENOUGH} probes or more whose rule identifies: named rightly", _right(telling), len(telling)),
        ("nobody named", said["inconclusive"], len(scans)),
        ("wrong tool named", said["wrong"], len(scans)),
        ("no scan found", said["missed"], len(scans)),
        ("the true tool ruled out", sum(one.eliminated for one in scans), len(scans)),
        ("crafted or stack told rightly", sum(kinds), len(kinds)),
        ("ordinary traffic: no scan found", sum(one.verdict == "quiet" for one in quiet), len(quiet)),
    ]
    return ["## Whole captures", "", *table(("", "captures", "of"), rows)]


def _right(wholes: Sequence[Whole]) -> int:
    return sum(one.verdict == "right" for one in wholes)


def _untold(wholes: Sequence[Whole]) -> list[str]:
    """Return which captures no rule tells from all other makers, and why."""
    rows = []
    for one in sorted(wholes, key=lambda one: (one.tool, one.mode, one.name)):
        if one.kind == "negative" or one.is_identifying or not one.probes or one.made_by == "standard stack":
            continue
        if one.chance is None:
            why = "no rule describes it"
        elif one.alike:
            why = f"the same by default: {', '.join(one.alike[:4])}"
        else:
            why = "its defaults are common, or values that its user set hide them"
        chance = "" if one.chance is None else f"10^{one.chance:.1f}"
        rows.append((one.tool, one.mode, one.probes, one.verdict, chance, why))
    words = (
        "Where the rule of the true tool leaves another maker a chance above 10^-6, nothing in the headers tells them "
        "apart, and nobody is named. That is computed from the rules and the packets, not listed by hand."
    )
    head = ("tool", "kind", "probes", "verdict", "another maker", "why")
    return ["## What cannot be told apart", "", *_wrapped(words), "", *table(head, rows)]


def _by_mode(wholes: Sequence[Whole], trials: Sequence[Trial]) -> list[str]:
    groups: dict[tuple[str, str], list[Whole]] = defaultdict(list)
    for one in wholes:
        if one.kind != "negative":
            groups[one.tool, one.mode].append(one)
    reached: dict[str, float] = {}
    for one in trials:
        if not one.held_out and one.is_right:
            reached[one.capture] = min(reached.get(one.capture, 0.0), one.chance)
    rows = []
    for (tool, mode), members in sorted(groups.items()):
        said = Counter(one.verdict for one in members)
        odds = [reached[one.name] for one in members if one.name in reached]
        best = f"10^{min(odds):.1f}" if odds else ""
        rows.append((tool, mode, said["right"], said["inconclusive"], said["missed"], said["wrong"], best))
    words = (
        "The last column is the least chance, in samples of up to 50 probes, that another maker shows the same: from "
        "10^-6 on a tool is named. What stays above it cannot be told apart by its headers: defaults that many share "
        "(one TTL, no options, drawn identifiers), or values that the user of the tool set by hand."
    )
    head = ("tool", "probes", "right", "inconclusive", "no scan", "wrong", "another maker")
    return ["## By tool and kind of probe", "", *_wrapped(words), "", *table(head, rows)]


def _wrapped(text: str, width: int = 125) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _small(trials: Sequence[Trial]) -> list[str]:
    rows = []
    for held_out in (False, True):
        for size in SIZES:
            said = Counter(one.verdict for one in trials if one.size == size and one.held_out == held_out)
            total = sum(said.values())
            rule = "held out" if held_out else "known"
            right = "-" if held_out else f"{said['right']} ({said['right'] / max(total, 1):.0%})"
            rows.append((rule, size, total, right, said["inconclusive"], said["wrong"]))
    words = (
        f"{len(trials):,} trials: neighbouring probes from random places of captures of one kind of crafted probe. "
        "Where the rule of the tool (and of its lineage) is held out, nobody may be named."
    )
    head = ("the tool's rule", "probes", "trials", "right", "inconclusive", "wrong")
    return ["## Small evidence", "", *_wrapped(words), "", *table(head, rows)]


def _calibration(trials: Sequence[Trial]) -> list[str]:
    said = probabilities(trials)
    right = np.array([float(one.is_right) for one in trials])
    low, high = interval(trials, said, right)
    rate = float(right.mean())
    rows = [(f"{b.low:.2f} to {b.high:.2f}", b.count, f"{b.said:.3f}", f"{b.right:.3f}") for b in bins(said, right)]
    words = (
        "How sure craftmark is that the likeliest tool made a sample, named or not, against how often it did, over "
        "all trials above (half of them with the rule held out, where the likeliest tool is always another)."
    )
    return [
        "## Reliability", "", *_wrapped(words), "",
        *table(("confidence", "trials", "said", "right"), rows), "",
        f"Expected calibration error {calibration_error(said, right):.3f} (95 % interval {low:.3f} to {high:.3f},",
        f"{RESAMPLES:,} resamples of whole captures). Log loss {log_loss(said, right):.3f}, of a constant {rate:.2f}:",
        f"{log_loss(np.full(len(right), rate), right):.3f}.",
    ]  # fmt: skip
