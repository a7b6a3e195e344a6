"""All conclusions about one scan, floor by floor: dossiers, marks, tools, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.assess.base import AnswersSeen, MakerView, Subject
from craftmark.assess.conclude import Conclusions
from craftmark.assess.conclude import conclude as conclude_beyond
from craftmark.evidence.gather import dossier_of
from craftmark.evidence.populations import dossier_of_population
from craftmark.marks.infer import infer
from craftmark.marks.markprint import markprint
from craftmark.scans.shapes import shape_of
from craftmark.tools.conclude import TEMPLATE_VALUES, Maker
from craftmark.tools.conclude import conclude as conclude_tools

if TYPE_CHECKING:
    from craftmark.assess.routes import Route
    from craftmark.assess.surveys import Surveys
    from craftmark.evidence.dossier import Dossier
    from craftmark.evidence.finished import Finished
    from craftmark.evidence.tunnels import Tunnel
    from craftmark.marks.base import Toolmark
    from craftmark.scans.answers import Ear, Heard
    from craftmark.scans.scans import Scan
    from craftmark.tools.rule import RuleSet

#: Kinds of probe of one scan that are examined apart, the largest first.
PARTS_EXAMINED = 12
#: Of these, the ones whose generator or walk is looked for: one run of one code has one, and looking takes long.
PARTS_SOLVED = 4


@dataclass(frozen=True, slots=True)
class Concluded:
    """Everything that was concluded about one scan or flood."""

    scan: Scan
    subject: Subject
    part_marks: tuple[tuple[Toolmark, ...], ...]
    part_prints: tuple[tuple[str, str], ...]
    maker: Maker
    heard: Heard
    conclusions: Conclusions
    tunnels: tuple[Tunnel, ...]


class Concluder:
    """Concludes about scans of one case.

    ``when`` is its day as yyyymmdd where the clock is trusted; ``listed``: traced routes, and known surveys.
    """

    def __init__(
        self,
        finished: Finished,
        ear: Ear,
        rules: RuleSet,
        when: int | None,
        own: tuple[str, ...] = (),
        listed: tuple[tuple[Route, ...], tuple[Surveys, ...]] = ((), ()),
    ) -> None:
        self._finished = finished
        self._ear = ear
        self._rules = rules
        self._when = when
        self._own = own
        self._paths, self._surveys = listed

    def __call__(self, scan: Scan, name: str, *, is_flood: bool = False) -> Concluded:
        """Return all conclusions about one scan or flood."""
        parts = self._dossiers(scan)
        recipes = self._rules.recipes
        marks = tuple(infer(part, recipes if number < PARTS_SOLVED else ()) for number, part in enumerate(parts))
        maker = conclude_tools(list(zip(parts, marks, strict=True)), self._rules, when=self._when)
        heard = self._ear.hear(scan.strands, scan.population)
        subject = Subject(
            id=name,
            shape=shape_of(parts),
            parts=parts,
            marks=marks[0],
            maker=_view(maker, self._rules, parts[0]),
            answers=_answers(heard),
            is_flood=is_flood,
            own=self._own,
            paths=self._paths,
            surveys=self._surveys,
        )
        prints = tuple(markprint(part, found, maker.user_set) for part, found in zip(parts, marks, strict=True))
        tunnels = self._finished.evidence.tunnels.of(self._finished.keys[scan.strands])
        return Concluded(scan, subject, marks, prints, maker, heard, conclude_beyond(subject), tunnels)

    def _dossiers(self, scan: Scan) -> tuple[Dossier, ...]:
        if scan.population is not None:
            return (dossier_of_population(self._finished, scan.strands, scan.population),)
        return tuple(dossier_of(self._finished, part) for part in scan.parts[:PARTS_EXAMINED])


def _answers(heard: Heard) -> AnswersSeen:
    return AnswersSeen(
        counts=heard.counts,
        ports=heard.ports,
        answered_probes=heard.answered,
        both_ways=heard.both_ways,
        completed_handshakes=heard.completed,
        resets=heard.resets,
        rst_ttls=heard.reset_ttls,
        other_ttls=heard.other_ttls,
        answered_again=heard.answered_again,
        unanswered_again=heard.unanswered_again,
        silent_runs=heard.silent_runs,
        reactions=heard.reactions,
        afterwards=heard.afterwards,
    )


def _view(maker: Maker, rules: RuleSet, part: Dossier) -> MakerView:
    """Return what other conclusions need of the maker: from which initial TTLs its packets start by default."""
    rule = rules.by_id.get(maker.tool or "")
    ranges: list[tuple[int, int]] = []
    drawn: set[str] = set()
    for mode in rule.modes if rule is not None else ():
        for expected in mode.expects:
            if expected.initial_ttl is not None:
                ranges.append((expected.initial_ttl, expected.initial_ttl))
            if expected.initial_ttl_range is not None:
                ranges.append(expected.initial_ttl_range)
            if expected.behaviour not in (None, "constant") or expected.relation or len(expected.values) > 1:
                drawn.add(expected.field)
    return MakerView(
        maker.kind,
        maker.tool,
        maker.confidence,
        tuple(dict.fromkeys(ranges)),
        _lent_ttls(maker, rules, part) if ranges else (),
        frozenset(drawn),
    )


def _lent_ttls(maker: Maker, rules: RuleSet, part: Dossier) -> tuple[tuple[int, int], ...]:
    """Return the initial TTLs of samples that have by default what the tool's user set, where that is no accident."""
    constants = {name: field.constant for name in maker.user_set if (field := part.field(name)) is not None}
    found = []
    for mode in (mode for rule in rules if rule.kind == "library" for mode in rule.modes):
        lent = {e.field for e in mode.expects if e.values and constants.get(e.field) in e.values}
        if mode.protocol == part.protocol and len(lent) >= TEMPLATE_VALUES:
            found += [(e.initial_ttl, e.initial_ttl) for e in mode.expects if e.initial_ttl is not None]
    return tuple(dict.fromkeys(found))
