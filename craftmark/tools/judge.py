"""Does what is seen agree with one expectation? Three answers: agrees, disagrees, silent.

Silent: the field is unseen, or there are too few probes to tell. Nothing here knows whose expectation it is, so a
judgement holds for every rule that expects the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, log10
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from craftmark.marks.cyclic import MOST_PORTS
from craftmark.packets.fields import FIELDS
from craftmark.tools import chance
from craftmark.tools.sight import relation_fields

if TYPE_CHECKING:
    from craftmark.evidence.dossier import FieldEvidence
    from craftmark.tools.rule import Expectation
    from craftmark.tools.sight import Sight

Verdict = Literal["agrees", "disagrees", "silent"]

#: Share of probes that must fit; the rest may be another sender's, or damaged on the way.
MOSTLY: Final = 0.98
#: Share from which the rest may be another kind of probe that came with it: neither agreement nor its contrary.
MIXED: Final = 0.85
#: The same where the options are unseen, so that kinds of probe that differ by them alone could not be told apart.
MIXED_BLIND: Final = 0.5
#: Probes below which a share says nothing.
ENOUGH: Final = 50
#: TTLs of one source may differ this much with one initial TTL: routes change.
ROUTE_SPREAD: Final = 4
#: Orders that no shuffled one shows, from the bound on.
ORDERED: Final = ("rising", "falling", "stride")
#: Share of makers, as log10, that shuffle what they probe.
SHUFFLED: Final = log10(0.3)
#: Draws below which "varies" cannot be told from "one value".
FEW: Final = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer for one expectation. ``held`` of ``seen`` probes.

    base: when it agrees, log10 of the chance that unknown code would.
    against: when it disagrees, log10 of the chance that the tool itself would show this (None: it never does).
    price: log10 of the chance that a user who changes this sets exactly what is seen. missing: nothing contradicts it,
    but it would show here, and does not.
    """

    verdict: Verdict
    text: str
    held: int = 0
    seen: int = 0
    base: float = 0.0
    against: float | None = None
    price: float = 0.0
    missing: bool = False


def judge(expected: Expectation, sight: Sight) -> Judgement:
    """Compare one expectation with what is seen. Pure."""
    if expected.order:
        return _order(expected, sight)
    if expected.recipe:
        return _recipe(expected, sight)
    if expected.options is not None:
        return _options(expected.options, sight)
    if expected.equals:
        return _equation(expected, sight)
    if expected.constant_of:
        return _key(expected, sight)
    evidence = sight.field(expected.field)
    if evidence is None:
        return Judgement("silent", f"{expected.field} unseen")
    if expected.values:
        return _values(expected, evidence, sight)
    if expected.bounds is not None:
        return _range(expected.bounds, evidence, sight)
    if expected.initial_ttl is not None:
        return _initial_ttl(expected.initial_ttl, sight)
    if expected.initial_ttl_range is not None:
        return _drawn_ttl(expected.initial_ttl_range, sight)
    return _BEHAVIOURS[expected.behaviour or "free"](expected, evidence, sight)


def _values(e: Expectation, evidence: FieldEvidence, sight: Sight) -> Judgement:
    text = sight.text(e.field)
    base = log10(min(sum(chance.value_chance(e.field, value) for value in e.values), 1.0))
    if evidence.constant is not None:
        if evidence.constant in e.values:
            base = log10(chance.value_chance(e.field, evidence.constant))
            return Judgement("agrees", text, evidence.seen, evidence.seen, base)
        return Judgement("disagrees", text, 0, evidence.seen, price=_price(e.field, evidence))
    values = sight.values(e.field)
    mixed = MIXED_BLIND if sight.blind_to_options else MIXED
    return _share(np.isin(values, e.values), text, base, _price(e.field, evidence), mixed=mixed)


def _share(fits: np.ndarray, text: str, base: float, price: float, *, mixed: float = MIXED) -> Judgement:
    held, seen = int(np.count_nonzero(fits)), len(fits)
    if seen and (held == seen or (seen >= ENOUGH and held >= MOSTLY * seen)):
        return Judgement("agrees", text, held, seen, base)
    if seen >= ENOUGH and held >= mixed * seen:
        return Judgement("silent", f"{text}: {held:,} fit, the others may be another kind of probe")
    return Judgement("disagrees", text, held, seen, price=price)


def _price(name: str, evidence: FieldEvidence) -> float:
    if evidence.constant is None:
        return log10(chance.BEHAVIOUR_CHANGED)
    return log10(chance.value_chance(name, evidence.constant))


def _range(bounds: tuple[int, int], evidence: FieldEvidence, sight: Sight) -> Judgement:
    low, high = bounds
    text = sight.text(evidence.name)
    base = log10(chance.unlike_run(evidence.distinct, high - low + 1, FIELDS[evidence.name].bits))
    price = _price(evidence.name, evidence)
    if low <= evidence.minimum and evidence.maximum <= high:
        return Judgement("agrees", text, evidence.seen, evidence.seen, base)
    values = sight.values(evidence.name)
    return _share((values >= low) & (values <= high), text, base, price)


def _initial_ttl(initial: int, sight: Sight) -> Judgement:
    least, most = sight.ttl_range
    text, seen = sight.text("ip_ttl"), sight.dossier.probes
    if sight.ttl_spread > ROUTE_SPREAD:
        text = f"TTL differs by up to {sight.ttl_spread} within one source"
        return Judgement("disagrees", text, 0, seen, price=log10(chance.REBUILT))
    hops = (initial - most, initial - least)
    if hops[0] < 0 or hops[1] > chance.HOPS_MOST:
        return Judgement("disagrees", text, 0, seen, price=log10(chance.ttl_chance((least, most))))
    base = log10(chance.ttl_chance((least, most)))
    return Judgement("agrees", f"{text}: {hops[0]} hops from {initial}", seen, seen, base)


def _drawn_ttl(bounds: tuple[int, int], sight: Sight) -> Judgement:
    least, most = sight.ttl_range
    draws, distinct = sight.ttl_draws
    width = bounds[1] - bounds[0] + 1
    what = f"one TTL, {least}," if distinct == 1 else f"{distinct} TTLs from {least} to {most}"
    text = f"{what} in {draws:,} probes of one source"
    if draws < FEW and sight.ttl_spread == 0:
        return Judgement("silent", f"{text}: too few to tell")
    if sight.ttl_spread >= width and draws >= ENOUGH and sight.ttl_share(width) >= MIXED:
        return Judgement("silent", f"{text}: {sight.ttl_share(width):.0%} of them within {width} values")
    nearest, furthest = max(bounds[0] - least, 0), min(bounds[1] - most, chance.HOPS_MOST)
    if sight.ttl_spread >= width or nearest > furthest:
        return Judgement("disagrees", text, 0, draws, price=log10(chance.ttl_chance((least, most))))
    against = chance.few_values(draws, distinct, log2(width)) if distinct < width else 0.0
    if against <= chance.BOUND:
        price = log10(chance.ttl_chance((least, most)))
        return Judgement("disagrees", text, 0, draws, against=against, price=price)
    if sight.ttl_spread <= ROUTE_SPREAD and distinct < FEW:
        return Judgement("silent", f"{text}: too few to tell")
    return Judgement("agrees", text, draws, draws, chance.drawn_ttl_chance(draws, width, full=distinct == width))


def _options(layout: tuple[str, ...], sight: Sight) -> Judgement:
    dossier = sight.dossier
    evidence = sight.field("tcp_options")
    if dossier.layout is None:
        if evidence is None or evidence.constant is not None:
            return Judgement("silent", "TCP options unseen")
        return Judgement("disagrees", "TCP options vary", 0, evidence.seen, price=log10(chance.BEHAVIOUR_CHANGED))
    seen = evidence.seen if evidence else dossier.probes
    text = f"options {' '.join(dossier.layout) or 'none'} in {seen:,} of {dossier.probes:,}"
    if dossier.layout == layout:
        return Judgement("agrees", text, seen, seen, log10(chance.option_layout_chance(layout)))
    return Judgement("disagrees", text, 0, seen, price=log10(chance.option_layout_chance(dossier.layout)))


def _equation(e: Expectation, sight: Sight) -> Judgement:
    evidence = sight.dossier.relations.get(e.relation)
    if evidence is None or evidence.seen == 0:
        return Judgement("silent", f"{e.relation}: fields unseen")
    text = f"{e.relation} in {evidence.held:,} of {evidence.seen:,}"
    tests = sight.tests(e.relation, e.field)
    floor = max(-tests * e.bits * log10(2), chance.RELATION_FLOOR)
    if evidence.held == evidence.seen or (evidence.seen >= ENOUGH and evidence.held >= MOSTLY * evidence.seen):
        return Judgement("agrees", text, evidence.held, evidence.seen, floor)
    return Judgement("disagrees", text, evidence.held, evidence.seen, price=log10(chance.BEHAVIOUR_CHANGED))


def _key(e: Expectation, sight: Sight) -> Judgement:
    evidence = sight.dossier.relations.get(e.constant_of)
    if evidence is None or evidence.seen == 0:
        return Judgement("silent", f"{e.constant_of}: fields unseen")
    tests = sight.tests(e.constant_of, e.field) - 1
    if evidence.value is not None:
        text = f"{e.constant_of} = 0x{evidence.value:X} in {evidence.seen:,} of {evidence.seen:,}"
        if tests < 1 and (len(relation_fields(e.constant_of)) > 1 or evidence.seen < FEW):
            return Judgement("silent", f"{text}, but {e.field} shows too little to tell")
        if tests < 1:
            return Judgement("agrees", f"{text}, its fields never changing", evidence.seen, evidence.seen, log10(0.1))
        floor = max(-tests * e.bits * log10(2), chance.RELATION_FLOOR)
        return Judgement("agrees", text, evidence.seen, evidence.seen, floor)
    keys = sight.distinct_of(e.constant_of)
    text = f"{e.constant_of} takes {keys:,} values in {evidence.seen:,}"
    if keys * 16 <= evidence.seen or tests + 1 < FEW:
        return Judgement("silent", f"{text}: several runs in one")
    return Judgement("disagrees", text, 0, evidence.seen, price=log10(chance.BEHAVIOUR_CHANGED))


def _order(e: Expectation, sight: Sight) -> Judgement:
    orders = [mark for mark in sight.marks if mark.kind == "order" and mark.name]
    for mark in orders:
        if mark.name == e.order and e.field in ("", *mark.fields):
            floor = SHUFFLED if e.order == "shuffled" else -3.0
            return Judgement(
                "agrees", mark.statement, mark.held, mark.seen, max(min(mark.log10_chance, log10(0.5)), floor)
            )
    for mark in orders:
        if e.field in mark.fields and mark.name in ORDERED and mark.log10_chance <= chance.BOUND:
            price = log10(chance.BEHAVIOUR_CHANGED)
            return Judgement("disagrees", mark.statement, 0, mark.seen, against=mark.log10_chance, price=price)
    return Judgement("silent", orders[0].statement if orders else "order unseen")


def _recipe(e: Expectation, sight: Sight) -> Judgement:
    for mark in sight.marks:
        if mark.name == e.recipe:
            return Judgement(
                "agrees", mark.statement, mark.held, mark.seen, max(mark.log10_chance, chance.RELATION_FLOOR)
            )
    targets = _targets_of_one(sight)
    if not 0 < e.shows_from <= targets:
        return Judgement("silent", "no such state was found")
    return Judgement("silent", f"no such state was found in {targets:,} targets, where it shows", missing=True)


def _targets_of_one(sight: Sight) -> int:
    """Return in how many targets a walk would show: IPv4 of one source, with times, on few enough ports."""
    dossier = sight.dossier
    if dossier.ip_version != 4 or dossier.sources_total > 1 or not dossier.has_time or dossier.ports_total > MOST_PORTS:
        return 0
    return len(np.unique(dossier.consecutive.column("ip_dst")))


def _varies(e: Expectation, evidence: FieldEvidence, sight: Sight) -> Judgement:
    draws = sight.targets if e.behaviour == "varies by target" else min(sight.draws, evidence.seen)
    if sight.dossier.sampled and evidence.constant is None:
        draws = min(draws, len(sight.values(e.field)))
    text = sight.text(e.field)
    # Sources that send a probe each share no draw, if their values differ.
    draws = max(draws, evidence.distinct)
    if draws < FEW:
        return Judgement("silent", f"{text}: too few to tell")
    against = chance.few_values(draws, evidence.distinct, e.bits)
    # Many values, each seen several times, are copies: fragments of one packet, a mirrored port, retries.
    if against <= chance.BOUND and evidence.distinct * 16 <= draws:
        return Judgement("disagrees", text, 0, evidence.seen, against=against, price=_price(e.field, evidence))
    if evidence.distinct * 4 < draws:
        return Judgement("silent", f"{text}: neither one value nor many")
    held, steps = sight.steps(e.field, 1)
    if e.behaviour == "varies" and steps >= FEW and held * 10 >= steps * 9:
        text = f"{e.field} goes up by 1 in {held:,} of {steps:,} steps"
        return Judgement("disagrees", text, 0, evidence.seen, against=-held * e.bits * log10(2), price=log10(0.05))
    return Judgement("agrees", text, evidence.seen, evidence.seen, log10(chance.drawn_chance(e.field)))


def _one_per_run(e: Expectation, evidence: FieldEvidence, sight: Sight) -> Judgement:
    text, most = sight.text(e.field), 1 if e.behaviour == "one per run" else 4
    if sight.draws < FEW:
        return Judgement("silent", f"{text}: too few to tell")
    if evidence.distinct <= most:
        return Judgement("agrees", text, evidence.seen, evidence.seen, log10(0.25))
    column, batch = sight.dossier.sample.column(e.field), sight.dossier.sample
    large = [rows for rows in sight.by_source if len(rows) >= FEW]
    if len(large) > 1 and all(len(np.unique(column[rows])) <= most for rows in large):
        return Judgement("agrees", f"{text}, one per source", len(batch), len(batch), log10(0.25))
    if evidence.distinct * 16 <= evidence.seen:
        return Judgement("silent", f"{text}: several runs in one")
    return Judgement("disagrees", text, 0, evidence.seen, price=_price(e.field, evidence))


def _counter(e: Expectation, evidence: FieldEvidence, sight: Sight) -> Judgement:
    held, seen = sight.steps(e.field, e.step)
    text = f"{e.field} goes up by {e.step} in {held:,} of {seen:,} steps"
    if seen < FEW:
        return Judgement("silent", f"{text}: too few to tell")
    if held * 10 >= seen * 9:
        return Judgement("agrees", text, held, seen, log10(0.05))
    span = (evidence.maximum - evidence.minimum) // e.step + 1
    if evidence.distinct >= FEW and evidence.distinct * 2 >= span:
        return Judgement("agrees", f"{text}, but hardly a number in its span is missing", held, seen, log10(0.05))
    return Judgement("disagrees", sight.text(e.field), held, seen, price=_price(e.field, evidence))


def _below(e: Expectation, evidence: FieldEvidence, sight: Sight) -> Judgement:
    text = f"{sight.text(e.field)}, none from 2^31 up"
    if evidence.maximum >= 1 << 31:
        return Judgement("disagrees", sight.text(e.field), 0, evidence.seen, price=log10(chance.BEHAVIOUR_CHANGED))
    if evidence.distinct < 2 * FEW:
        return Judgement("silent", f"{text}: too few to tell")
    return Judgement("agrees", text, evidence.seen, evidence.seen, max(-evidence.distinct * log10(2), log10(0.3)))


def _repeats(e: Expectation, evidence: FieldEvidence, sight: Sight) -> Judgement:
    seen, text = len(sight.values(e.field)), sight.text(e.field)
    expected = seen * (seen - 1) / 2 ** (e.bits + 1)
    repeated = seen - evidence.distinct
    if seen < ENOUGH or evidence.distinct < FEW:
        return Judgement("silent", f"{text}: too few to tell")
    if repeated > 4 * expected + 8:
        return Judgement("agrees", f"{text}: {repeated:,} repeats", evidence.seen, evidence.seen, log10(0.03))
    return Judgement("silent", text)


def _nonzero(e: Expectation, evidence: FieldEvidence, sight: Sight) -> Judgement:
    text = sight.text(e.field)
    if evidence.minimum > 0:
        base = max(log10(1 - min(chance.value_chance(e.field, 0), 0.9)), -1.5)
        return Judgement("agrees", text, evidence.seen, evidence.seen, base)
    return Judgement("disagrees", text, 0, evidence.seen, price=log10(chance.value_chance(e.field, 0)))


def _free(e: Expectation, _evidence: FieldEvidence, sight: Sight) -> Judgement:
    return Judgement("silent", f"{sight.text(e.field)}: an argument")


_BEHAVIOURS: Final = {
    "varies": _varies, "varies by target": _varies, "one per run": _one_per_run, "few per run": _one_per_run,
    "counter": _counter, "below 2^31": _below, "repeats": _repeats, "nonzero": _nonzero, "free": _free,
}  # fmt: skip
