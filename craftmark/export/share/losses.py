"""What a bundle's report no longer says that the original's did, told without quoting what could name an address."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from craftmark.assess.likeness import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Report, Scan, Toolmark


def losses(original: Report, bundled: Report) -> list[str]:
    """Return one line for each conclusion that differs; none where both conclude alike."""
    found: list[str] = []
    others = {scan.id: scan for scan in (*bundled.scans, *bundled.floods)}
    for scan in (*original.scans, *original.floods):
        other = others.pop(scan.id, None)
        if other is None:
            found.append(f"{scan.id}: not found again")
        else:
            found += [f"{scan.id}: {line}" for line in _of_scan(scan, other)]
    found += [f"{one}: found only in the bundle" for one in others]
    if len(original.campaigns) != len(bundled.campaigns):
        found.append(f"campaigns: {len(original.campaigns)} before, {len(bundled.campaigns)} in the bundle")
    return found


def _of_scan(one: Scan, other: Scan) -> Iterator[str]:
    yield from _counts(one, other)
    likeness = compare(one.markprint, other.markprint)
    if not likeness.same_structure:
        names = [field.name for field in likeness.fields if field.finding == "differs"]
        yield f"the markprint's structure differs in {', '.join(names)}"
    hidden = [field.name for field in likeness.fields if field.finding == "unseen" and field.one != field.other]
    if hidden:
        yield f"the bundle does not show {', '.join(hidden)}"
    if likeness.named("differs") and likeness.same_structure:
        yield f"other values: {', '.join(likeness.named('differs'))}"
    yield from _maker(one, other)
    yield from _marks(one, other)
    yield from _sender(one, other)


def _counts(one: Scan, other: Scan) -> Iterator[str]:
    for name in ("shape", "protocol", "probes", "sources_total", "targets_total", "direction"):
        before, after = getattr(one, name), getattr(other, name)
        if before != after:
            yield f"{name}: {before} before, {after} in the bundle"


def _maker(one: Scan, other: Scan) -> Iterator[str]:
    before, after = ((made.tool or made.kind, made.conclusion) for made in (one.maker, other.maker))
    if before != after:
        yield f"maker: {' '.join(before)} before, {' '.join(after)} in the bundle"
    verdicts = {verdict.tool: verdict.conclusion for verdict in other.maker.tools}
    changed = [v for v in one.maker.tools if verdicts.get(v.tool) != v.conclusion]
    if changed:
        names = [f"{v.tool} ({v.conclusion} before, {verdicts.get(v.tool)} in the bundle)" for v in changed]
        yield f"conclusions about tools: {', '.join(names)}"
    lost = sorted(set(one.maker.parameters) - set(other.maker.parameters))
    if lost:
        yield f"what was recovered of the run: {', '.join(lost)}"


def _marks(one: Scan, other: Scan) -> Iterator[str]:
    before, after = Counter(map(_name, one.toolmarks)), Counter(map(_name, other.toolmarks))
    for name in sorted((before - after).elements()):
        yield f"mark lost: {name}"
    for name in sorted((after - before).elements()):
        yield f"mark only in the bundle: {name}"


def _name(mark: Toolmark) -> str:
    return f"{mark.kind}{' ' if mark.name else ''}{mark.name} of {', '.join(mark.fields) or 'the packets'}"


def _sender(one: Scan, other: Scan) -> Iterator[str]:
    verdicts = {
        "sources": (one.sender.spoofing.verdict, other.sender.spoofing.verdict),
        "one sender": (one.sender.one_sender.verdict, other.sender.one_sender.verdict),
    }
    for name, (before, after) in verdicts.items():
        if before != after:
            yield f"{name}: {before} before, {after} in the bundle"
    if [(h.initial_ttl, h.hops) for h in one.sender.hops] != [(h.initial_ttl, h.hops) for h in other.sender.hops]:
        yield "hops: weighed otherwise"
    if {(a.answer, a.packets) for a in one.answers.seen} != {(a.answer, a.packets) for a in other.answers.seen}:
        yield "answers: counted otherwise"
    if [p.id for p in one.purposes] != [p.id for p in other.purposes]:
        yield "purposes: weighed otherwise"
