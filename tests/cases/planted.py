"""Examples of every kind of probe of every rule, as data: what its packets show, written once and then left alone.

`python -m tests.cases.planted` adds examples of kinds of probe that have none yet; it never changes one that is there.
A column is a number, or a word: "draw LOW HIGH" (anew per probe), "count FIRST STEP", "relation TEXT".
"""

from __future__ import annotations

import json
import tomllib
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.packets import fields as f
from craftmark.packets.expressions import parse
from craftmark.tools.compare import Comparer
from craftmark.tools.load import PROTOCOLS, load_rules
from craftmark.tools.rule import RuleSet
from tests.tools import dossiers as d

FILE = Path(__file__).with_name("planted.toml")
PROBES, HOPS = 48, 4
OTHER_PROTOCOL = 99
NUMBERS = {PROTOCOLS["other"]: OTHER_PROTOCOL, PROTOCOLS["any"]: f.TCP}


def examples():
    """Return all examples, one table each."""
    return tomllib.loads(FILE.read_text()).get("example", []) if FILE.is_file() else []


def dossier_of(example, relations=()):
    """Return the evidence that an example's packets give."""
    rng = np.random.default_rng(zlib.crc32(f"{example['rule']} {example['mode']}".encode()))
    protocol, layout = example["protocol"], tuple(example.get("options", ()))
    columns = {"ip_dst": d.TARGET + rng.permutation(PROBES)}
    if protocol == f.TCP:
        high, low = f.encode_layout(layout)
        columns |= {"tcp_flags": example["bits"], "tcp_options": high, "tcp_dport": 1 + rng.permutation(PROBES)}
    late = {}
    for name, said in example["columns"].items():
        word, *rest = str(said).split(" ", 2)
        if word == "relation":
            late[name] = said.split(" ", 1)[1]
            columns[name] = 0
        elif word == "draw":
            low_end, high_end = map(int, rest)
            columns[name] = rng.integers(low_end, high_end + 1, PROBES, dtype=np.int64)
        elif word == "count":
            columns[name] = (int(rest[0]) + int(rest[1]) * np.arange(PROBES)) % (1 << f.FIELDS[name].bits)
        else:
            columns[name] = said
    kind = tuple(example["icmp"]) if "icmp" in example else None
    build = {"layout": layout if protocol == f.TCP else None, "low": low if protocol == f.TCP else 0, "icmp_kind": kind}
    if kind:
        columns |= {"icmp_type": kind[0], "icmp_code": kind[1]}
    made = d.dossier(protocol, PROBES, columns, **build)
    for name, text in late.items():
        columns[name] = parse(text).evaluate(made.sample)
        made = d.dossier(protocol, PROBES, columns, **build)
    return d.with_relations(made, relations)


def marks_of(example):
    """Return the order marks that an example is given."""
    name = example.get("order")
    fields = (example.get("order_field", "tcp_dport"),)
    return (Toolmark("order", f"{name} order", fields, PROBES, PROBES, -40.0, "subclass", name=name),) if name else ()


def seen_of(example, rule):
    """Return how many lines of an example's own kind of probe agree with it, and how many disagree."""
    rule = replace(rule, modes=tuple(mode for mode in rule.modes if mode.id == example["mode"]))
    alone = RuleSet((rule,), "", {rule.id: rule})
    found = Comparer(alone, dossier_of(example, alone.relations), marks_of(example)).compare(rule)
    return (len(found.agrees), len(found.disagrees))


def plant(rule, mode):
    """Return an example that does what a kind of probe is said to do."""
    example = {"rule": rule.id, "mode": mode.id, "protocol": NUMBERS.get(mode.protocol, mode.protocol)}
    if example["protocol"] == f.TCP:
        example["bits"] = mode.bits[0] if mode.bits else (mode.with_bits or (f.SYN & ~mode.without_bits))
    if mode.icmp:
        example["icmp"] = list(mode.icmp)
    elif mode.protocol == f.ICMP:
        example["icmp"] = [8, 0]
    columns = {}
    for expected in mode.expects:
        if expected.options is not None:
            example["options"] = list(expected.options)
        elif expected.order:
            example |= {"order": expected.order, "order_field": expected.field or "tcp_dport"}
        elif expected.field in f.FIELDS:
            columns[expected.field] = _column(expected, columns.get(expected.field))
    return example | {"columns": columns, "agrees": 0, "differs": 0}


def _column(e, before):
    top = (1 << f.FIELDS[e.field].bits) - 1
    if e.values:
        return e.values[0]
    if e.initial_ttl is not None:
        return e.initial_ttl - HOPS
    if e.initial_ttl_range:
        return f"draw {e.initial_ttl_range[0] - HOPS} {e.initial_ttl_range[1] - HOPS}"
    if e.equals:
        return f"relation {e.equals}"
    if e.constant_of:
        return before if before is not None else top // 3
    if e.bounds:
        return f"draw {e.bounds[0]} {e.bounds[1]}" if before is None or "draw" in str(before) else e.bounds[0] + 1
    moves = {"counter": f"count 1000 {e.step}", "below 2^31": f"draw 0 {min(top, 2**31 - 1)}", "repeats": "draw 1 20",
             "nonzero": f"draw 1 {top}", "one per run": 4321 % top, "few per run": 4321 % top}  # fmt: skip
    found = moves.get(e.behaviour, f"draw 0 {top}")
    if before is None or e.behaviour == "below 2^31":
        return found
    if str(before).startswith("draw") and isinstance(found, int):
        return int(before.split()[1]) + 1
    return (
        before
        if e.behaviour != "counter" or not str(before).startswith("draw")
        else f"count {before.split()[1]} {e.step}"
    )


def add_missing():
    """Write examples of what has none; return their number."""
    known = {(one["rule"], one["mode"]) for one in examples()}
    text = FILE.read_text() if FILE.is_file() else "# Examples of every kind of probe of every rule: see planted.py.\n"
    added = 0
    for rule in load_rules():
        for mode in rule.modes:
            if (rule.id, mode.id) in known:
                continue
            example = plant(rule, mode)
            example["agrees"], example["differs"] = seen_of(example, rule)
            text += "\n[[example]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in example.items())
            added += 1
    FILE.write_text(text)
    return added


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


if __name__ == "__main__":
    print(f"{add_missing()} examples added to {FILE}")
