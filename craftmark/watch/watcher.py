"""What is over in a stream: looked for as time goes, concluded, told once, and let go.

A scan is over when all its strands are quiet. A source is let go with all its strands when all of them are quiet, so
that who it talks with is known as long as it matters; answers stay for a while as long as any scan goes on. Every
packet is counted in one role, when its strand leaves.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark import pipeline
from craftmark.kernels.grouping import KEY_WORDS
from craftmark.report import build
from craftmark.report.excerpt import rows_each
from craftmark.scans.scans import Role, traffic_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.pipeline import Found, Grounds, Settings
    from craftmark.report.document import Scan
    from craftmark.run.stream import Stream
    from craftmark.scans.scans import Findings
    from craftmark.scans.scans import Scan as Act
    from craftmark.sources.base import Provenance

    Truth = NDArray[np.bool_]

#: Scans and floods that are described at one look, the largest first; all are counted.
DESCRIBED: Final = 1000
#: Answers are kept so many times as long as other strands while a scan goes on.
_ANSWERS_WAIT: Final = 4
#: A strand's key as one value.
KEY: Final = np.dtype((np.void, 4 * KEY_WORDS))
#: An answer whose asker has left looks ordinary.
_ANSWERED: Final = (Role.ANSWER, Role.ORDINARY)
#: Scans that were told are remembered, so that one that goes on later says so.
_REMEMBERED: Final = 65_536


class Told(NamedTuple):
    """One scan or flood. continues: id of one told before, of the same source and kind of probe; "" for none."""

    scan: Scan
    is_flood: bool
    continues: str = ""


@dataclass(slots=True)
class Totals:
    """What was let go of so far; undescribed: scans beyond those described at one look, cut: looks that ended all."""

    scans: int = 0
    floods: int = 0
    undescribed: int = 0
    cut: int = 0
    traffic: Counter[str] = field(default_factory=Counter)


class Watcher:
    """Looks at a stream and concludes what is over.

    inputs: what the packets are from. remembered: ids told by source and kind of probe. were: keys of open strands that
    had a role once.
    """

    def __init__(self, stream: Stream, grounds: Grounds, settings: Settings) -> None:
        self.stream = stream
        self.totals = Totals()
        self.inputs: list[Provenance] = []
        self._grounds = grounds
        self._settings = settings
        self.remembered: OrderedDict[tuple[str, ...], str] = OrderedDict()
        self.were = {role: np.empty(0, KEY) for role in (Role.ANSWER, Role.ORDINARY)}

    def look(self, *, is_end: bool = False) -> list[Told]:
        """Return what is over since the last look, and let go of it: at the end, everything."""
        found = self._found()
        finished, findings = found.finished, found.findings
        cutoff = self._cutoff(is_end=is_end)
        leaving = _leaving(found, cutoff, self.stream.idle_ns)
        if self.stream.is_full and not is_end and 2 * int((~leaving).sum()) > self.stream.most:
            self.totals.cut += 1
            cutoff = np.iinfo(np.int64).max
            leaving = np.ones(len(finished), bool)
        scans = [one for one in findings.scans if bool(leaving[one.strands].all())]
        floods = [one for one in findings.floods if bool(leaving[one.strands].all())]
        told = self._conclude(found, scans[:DESCRIBED], floods[:DESCRIBED])
        role = self._roles(found, leaving)
        self._count(findings, scans, floods, leaving)
        self.totals.traffic.update(traffic_of(finished.count[leaving], role[leaving]))
        self.stream.carry(self.stream.evidence.strands.order()[~leaving])
        return told

    def look_on(self) -> list[Told]:
        """Return what is open, as it stands now, numbered as if it were told next; nothing is let go."""
        found = self._found()
        findings = found.findings
        return self._conclude(
            found, findings.scans[: pipeline.SCANS_SHOWN], findings.floods[: pipeline.FLOODS_SHOWN], remember=False
        )

    def _found(self) -> Found:
        inputs = [one for one in self.inputs if one.packets]
        return pipeline.find_in(self.stream.evidence, inputs, self._grounds)

    def _cutoff(self, *, is_end: bool) -> int:
        return int(np.iinfo(np.int64).max) if is_end else self.stream.cutoff_ns

    def _conclude(
        self, found: Found, scans: Sequence[Act], floods: Sequence[Act], *, remember: bool = True
    ) -> list[Told]:
        behind = (self.totals.scans, self.totals.floods)
        judged = pipeline.conclude(found, self._grounds, self._settings, scans, floods, behind=behind)
        rows = rows_each(len(scans) + len(floods))
        told = []
        for number, one in enumerate((*judged.scans, *judged.floods)):
            scan = build.build_scan(one, judged.clock, self._grounds.rules, rows=rows)
            told.append(Told(scan, number >= len(judged.scans), self._continued(scan, remember=remember)))
        return told

    def _continued(self, scan: Scan, *, remember: bool) -> str:
        """Return the id under which the same source was told before, with the same kind of probe."""
        source = scan.sources[0].address if scan.sources else ""
        key = (source, scan.protocol, "+".join(scan.control_bits or ()))
        before = self.remembered.get(key, "")
        if remember:
            self.remembered[key] = scan.id
            self.remembered.move_to_end(key)
            while len(self.remembered) > _REMEMBERED:
                self.remembered.popitem(last=False)
        return before

    def _roles(self, found: Found, leaving: Truth) -> NDArray[np.int64]:
        """Return the roles of all strands: what was an answer, or ordinary, stays it when who it was for has left."""
        role = found.findings.role.copy()
        keys = np.ascontiguousarray(found.finished.keys).view(KEY)[:, 0]
        for before, now in ((Role.ORDINARY, Role.BACKSCATTER), (Role.ANSWER, Role.BACKSCATTER), _ANSWERED):
            doubtful = np.flatnonzero(role == now) if len(self.were[before]) else np.empty(0, np.int64)
            role[doubtful[np.isin(keys[doubtful], self.were[before])]] = before
        self.were = {before: keys[~leaving & (role == before)] for before in self.were}
        return role

    def _count(self, findings: Findings, scans: Sequence[Act], floods: Sequence[Act], leaving: Truth) -> None:
        """Count the scans and floods that leave, those not described too."""
        totals = self.totals
        described = {int(one.strands.min()) for one in (*scans[:DESCRIBED], *floods[:DESCRIBED])}
        every = (*findings.scan_strands, *findings.flood_strands)
        gone = [strands for strands in every if bool(leaving[strands].all())]
        totals.undescribed += sum(int(strands.min()) not in described for strands in gone)
        totals.scans += len(scans[:DESCRIBED])
        totals.floods += len(floods[:DESCRIBED])


def _leaving(found: Found, cutoff_ns: int, idle_ns: int) -> Truth:
    """Tell of every strand whether it leaves; the strands of one scan or flood leave together."""
    finished, findings = found.finished, found.findings
    if not len(finished):
        return np.zeros(0, bool)
    lively = finished.last_ns >= cutoff_ns
    held = np.zeros(int(finished.source.max()) + 1, bool)
    held[finished.source[lively]] = True
    over = np.zeros(len(finished), bool)
    goes_on = np.zeros(len(finished), bool)
    for strands in (*findings.scan_strands, *findings.flood_strands):
        is_open = bool(lively[strands].any())
        (goes_on if is_open else over)[strands] = True
    held[finished.source[goes_on]] = True
    staying = held[finished.source]
    if goes_on.any():
        staying |= (findings.role == Role.ANSWER) & (finished.last_ns >= cutoff_ns - (_ANSWERS_WAIT - 1) * idle_ns)
    return ~(staying & ~over | goes_on)
