"""Rules with one expectation altered: does any example notice? `make mutants` lists those that live."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

from craftmark.packets.fields import FIELDS
from craftmark.tools.load import load_rules
from tests.cases.planted import examples, seen_of

OPPOSITE = {
    "varies": "one per run", "varies by target": "one per run", "one per run": "varies", "few per run": "varies",
    "counter": "varies", "below 2^31": "counter", "repeats": "counter", "nonzero": "counter",
}  # fmt: skip


def altered(e):
    """Return an expectation that says something else of the same field; None for one that says nothing."""
    top = (1 << FIELDS[e.field].bits) - 1 if e.field in FIELDS else 0
    if e.values:
        return replace(e, values=tuple((value + 1) & top for value in e.values))
    if e.bounds:
        return replace(e, bounds=(top, top) if e.bounds[1] < top else (0, 0))
    if e.initial_ttl is not None:
        return replace(e, initial_ttl=(e.initial_ttl + 97) % 256)
    if e.initial_ttl_range:
        return replace(e, initial_ttl_range=(e.initial_ttl_range[0] + 90, e.initial_ttl_range[1] + 90))
    if e.equals:
        value, *condition = e.equals.partition(" if ")
        return replace(e, equals=f"({value}) ^ 1{''.join(condition)}")
    if e.constant_of:
        return replace(e, constant_of=f"({e.constant_of}) ^ ip_dst")
    if e.options is not None:
        return replace(e, options=(*e.options, "NOP"))
    if e.order:
        return replace(e, order="falling")
    return replace(e, behaviour=OPPOSITE[e.behaviour]) if e.behaviour in OPPOSITE else None


def mutants(rule):
    """Yield every altered rule with the id of the kind of probe and the text of what was altered in it."""
    for place, mode in enumerate(rule.modes):
        for number, expected in enumerate(mode.expects):
            other = altered(expected)
            if other is not None:
                changed = replace(mode, expects=(*mode.expects[:number], other, *mode.expects[number + 1 :]))
                yield (
                    replace(rule, modes=(*rule.modes[:place], changed, *rule.modes[place + 1 :])),
                    mode.id,
                    expected.text,
                )


def survivors(rule, planted):
    """Return (number of mutants, those that no example of the rule notices)."""
    count, alive = 0, []
    for changed, mode, text in mutants(rule):
        count += 1
        if all(seen_of(one, changed) == expected_of(one) for one in planted if one["mode"] == mode):
            alive.append(f"{mode}: {text}")
    return count, alive


def expected_of(example):
    """Return what the unaltered rule makes of an example, as it was written down."""
    return (example["agrees"], example["differs"])


def main():
    """Print the table: mutants and survivors per rule; exit 1 where a rule has no mutant that is noticed."""
    every, total = examples(), Counter()
    unnoticed = []
    for rule in load_rules():
        count, alive = survivors(rule, [one for one in every if one["rule"] == rule.id])
        total += Counter(made=count, alive=len(alive))
        print(f"{rule.id:24} {count - len(alive):4} of {count:4} mutants noticed")
        print("".join(f"    lives: {text}\n" for text in alive), end="")
        unnoticed += [rule.id] if count and len(alive) == count else []
    print(f"{total['made'] - total['alive']} of {total['made']} mutants noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
