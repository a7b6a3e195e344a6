"""A first rule from what is seen: the marks of one or several runs of a tool as a knowledge file.

Nobody can see what a tool's user could have set, so a draft says "option" of everything that routers do not rewrite:
its rule agrees, and prices what differs, but never rules its tool out. What differs between runs is drawn per run, or
left out. The file's reader is told what to check.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from craftmark.errors import ExpressionError
from craftmark.marks.chance import FREE
from craftmark.marks.markprint import FEWEST, markprint, printed
from craftmark.packets.expressions import parse
from craftmark.packets.fields import CONTROL_BITS, FIELDS, TCP
from craftmark.tools.chance import HOPS_MOST
from craftmark.tools.load import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Toolmark

#: What a rule's id may look like.
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
#: One kind of probe of one run: its evidence and its marks.
Part = tuple["Dossier", "Sequence[Toolmark]"]
#: An expectation as it stands in the file.
Line = dict[str, object]

_UNUSED: Final = frozenset({
    "ip_len", "udp_len", "tcp_flags", "icmp_type", "icmp_code", "icmp6_type", "icmp6_code", "payload_head", "arp_op",
})  # fmt: skip
_USUAL: Final = {"ip_ihl": 5, "ip_frag": 0, "tcp_reserved": 0}
_PATH: Final = frozenset({"ip_tos", "tcp_mss"})
_INITIAL: Final = (32, 64, 128, 255)
_ROUTES: Final = 4
_BEHAVIOURS: Final = {"p": "few per run", "t": "varies by target", "r": "varies", "g": "varies"}


@dataclass
class Draft:
    """A drafted rule: its text, how many expectations it has, and what differed between runs and was left out."""

    text: str
    expectations: int
    left_out: tuple[str, ...] = ()
    unseen: frozenset[str] = field(default_factory=frozenset)


def draft(name: str, kind: str, runs: Sequence[Sequence[Part]], citation: str, *, is_stack: bool = False) -> Draft:
    """Return a rule from the kinds of probe of each run; kinds that some run lacks stay, as seen where they are.

    is_stack: a system's own stack wrote the headers, so that they tell nothing of the tool and are left out.
    """
    lines = [
        f"id = {_quoted(name)}",
        f"name = {_quoted(name)}",
        f"kind = {_quoted(kind)}",
        f'summary = "Drafted from {"a run" if len(runs) == 1 else f"{len(runs)} runs"}: say what the tool is."',
        "",
        "[[source]]",
        'key = "seen"',
        f"citation = {_quoted(citation)}",
    ]
    count, unseen = 0, set()
    left_out: list[str] = []
    for key, parts in _by_kind(runs).items():
        expected, gone = _merged([_expectations(*part) for part in parts])
        expected = [line for line in expected if not is_stack or _is_the_tools(line)]
        headers = ['headers = "stack"'] if is_stack else []
        lines += ["", "[[mode]]", *_heading(parts[0][0], key), *headers, 'source = "seen"', "expect = ["]
        lines += [f"  {_table(line)}," for line in expected] + ["]"]
        count += len(expected)
        left_out += gone
        unseen |= {one for dossier, _ in parts for one in printed(dossier.protocol) if _is_unseen(dossier, one)}
    return Draft("\n".join(lines) + "\n", count, tuple(dict.fromkeys(left_out)), frozenset(unseen))


def _is_the_tools(line: Line) -> bool:
    """Tell whether an expectation is of what a tool chooses even where a stack writes the headers."""
    return "order" in line or str(line.get("field", "")).startswith("payload")


def _by_kind(runs: Iterable[Iterable[Part]]) -> dict[str, list[Part]]:
    """Return the parts of all runs by kind of probe, under the name that the kind's mode gets."""
    found: dict[str, list[Part]] = {}
    for run in runs:
        for dossier, marks in run:
            bits = [bit.lower() for place, bit in enumerate(CONTROL_BITS) if (dossier.control_bits or 0) >> place & 1]
            more = [str(number) for number in dossier.icmp or ()]
            if dossier.protocol == TCP and dossier.control_bits is not None:
                more = bits or ["null"]
            found.setdefault("-".join([dossier.protocol_name, *more]), []).append((dossier, marks))
    return found


def _heading(dossier: Dossier, name: str) -> list[str]:
    words = {number: word for word, number in PROTOCOLS.items()}
    lines = [f"id = {_quoted(name)}", f"protocol = {_value(words.get(dossier.protocol, dossier.protocol))}"]
    if dossier.protocol == TCP and dossier.control_bits is not None:
        bits = [name for place, name in enumerate(CONTROL_BITS) if dossier.control_bits >> place & 1]
        lines.append(f"control_bits = {_value(bits)}")
    if dossier.icmp is not None:
        lines.append(f"icmp = {_value(list(dossier.icmp))}")
    return lines


def _is_unseen(dossier: Dossier, name: str) -> bool:
    evidence = dossier.fields.get(name)
    return evidence is not None and not evidence.seen and evidence.unseen > 0


def _expectations(dossier: Dossier, marks: Sequence[Toolmark]) -> list[Line]:
    """Return what one kind of probe of one run shows, relations first, each field once."""
    found = [line for mark in marks if mark.kind == "relation" and (line := _relation(mark))]
    related = {line["field"] for line in found if "equals" in line}
    if dossier.layout is not None:
        found.append({"options": list(dossier.layout), "settable": "option"})
    letters = dict(zip(printed(dossier.protocol), markprint(dossier, marks)[0].split(":")[2], strict=False))
    for name, letter in letters.items():
        if name not in _UNUSED and name not in related:
            found += _field(dossier, marks, name, letter)
    orders = [mark.name for mark in marks if mark.kind == "order" and mark.fields == (dossier.port_field,)]
    found += [{"order": name, "settable": "option"} for name in orders[:1] if name not in ("passes", "shuffled")]
    return found


def _field(dossier: Dossier, marks: Sequence[Toolmark], name: str, letter: str) -> list[Line]:
    evidence = dossier.field(name)
    if evidence is None:
        return []
    if name == "ip_ttl":
        initial = next((ttl for ttl in _INITIAL if evidence.maximum <= ttl), 255)
        is_told = evidence.maximum - evidence.minimum <= _ROUTES and initial - evidence.minimum <= HOPS_MOST
        return [{"field": name, "initial_ttl": initial, "settable": "option"}] if is_told else []
    if evidence.constant is not None:
        usual = _USUAL.get(name) == evidence.constant
        settable = "path" if name in _PATH else "option"
        return [] if usual else [{"field": name, "value": evidence.constant, "settable": settable}]
    if name not in FREE or evidence.seen < FEWEST:
        return []
    return _moving(marks, name, letter)


def _moving(marks: Sequence[Toolmark], name: str, letter: str) -> list[Line]:
    if letter == "k":
        steps = [mark.values[0] for mark in marks if mark.kind == "counter" and mark.fields == (name,)]
        counts = bool(steps) and steps[0] > 0
        return [{"field": name, "behaviour": "counter", "step": steps[0], "settable": "option"}] if counts else []
    drawn = {mark.name: mark.values for mark in marks if mark.kind == "generator" and mark.fields == (name,)}
    if "range" in drawn:
        return [{"field": name, "range": list(drawn["range"]), "settable": "option"}]
    if "31-bit" in drawn:
        return [{"field": name, "behaviour": "below 2^31", "settable": "option"}]
    behaviour = _BEHAVIOURS.get(letter)
    return [{"field": name, "behaviour": behaviour, "settable": "option"}] if behaviour else []


def _relation(mark: Toolmark) -> Line | None:
    """Return a relation as rules write it: a field and what it equals, or an expression with one value per run."""
    try:
        if mark.values and mark.level == "individual":
            text = str(parse(mark.statement.rsplit(" = ", 1)[0]))
            bits = min(FIELDS[name].bits for name in mark.fields)
            return {"field": mark.fields[0], "constant_of": text, "bits": bits, "settable": "option"}
        sides = str(parse(mark.statement.replace(" = ", " == ", 1))).split(" == ")
    except ExpressionError:
        return None
    if len(sides) != 2 or not FIELDS.keys() & set(sides):
        return None
    given, other = sides if sides[0] in FIELDS else sides[::-1]
    return {"field": given, "equals": other, "settable": "option"}


def _merged(runs: Sequence[Sequence[Line]]) -> tuple[list[Line], list[str]]:
    """Return what all runs show, and the names of what was left out since they differ.

    Two constants of a field that a run may draw make it one per run.
    """
    if len(runs) == 1:
        return list(runs[0]), []
    kept: list[Line] = []
    left_out: list[str] = []
    others = [{_key(line): line for line in run} for run in runs[1:]]
    for line in runs[0]:
        same = [other.get(_key(line)) for other in others]
        if all(one == line for one in same):
            kept.append(line)
        elif "value" in line and line["field"] in FREE and all(one is not None and "value" in one for one in same):
            kept.append({"field": line["field"], "behaviour": "one per run", "settable": "option"})
        else:
            left_out.append(str(line.get("field", _key(line)[1])))
    return kept, left_out


def _key(line: Line) -> tuple[object, object]:
    if "equals" in line or "constant_of" in line:
        return line.get("equals", line.get("constant_of")), line["field"]
    return "", line.get("field", "options" if "options" in line else "order")


def _table(line: Line) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in line.items()) + " }"


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    """Return a TOML string; control characters were made visible where the text came in."""
    return json.dumps(text, ensure_ascii=False)
