"""What standard stacks send, asked of the stack rules: does a kind of probe look like one, and which SYNs exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import SYN, TCP, encode_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.tools.compare import Comparison
    from craftmark.tools.rule import RuleSet

DF: Final = 2
#: Visible fields that must agree before a stack is named.
FIELDS_NEEDED: Final = 3
#: Fields without which looking like a stack means little, per protocol.
_CORE: Final = {TCP: {"tcp_options", "tcp_win"}}


def stack_fit(compared: Sequence[Comparison], protocol: int) -> str:
    """Return a sentence naming the stacks whose description fits all visible fields; empty if none does."""
    fitting = [one for one in compared if _fits(one, protocol)]
    if not fitting:
        return ""
    names = sorted({_name(one) for one in fitting})
    agreed = max(len({line.field for line in one.agrees}) for one in fitting)
    return f"all {agreed} visible header fields that are described fit {' or '.join(names)}"


def contradiction(compared: Sequence[Comparison]) -> str:
    """Return why SYN options copied from a stack did not come from it; empty if they may have.

    MSS alone says nothing: many small stacks send it.
    """
    copied = [one for one in compared if one.mode and one.mode.protocol == TCP and _has_options_of(one)]
    denied = [[line for line in one.disagrees if line.settable == "no"] for one in copied]
    if not copied or not all(denied):
        return ""
    one, lines = min(zip(copied, denied, strict=True), key=lambda pair: len(pair[1]))
    return f"the options of {one.rule.name}, but {lines[0].seen} where it sends {lines[0].expected}"


def _has_options_of(one: Comparison) -> bool:
    layouts = [e.options for e in one.mode.expects if e.options] if one.mode else []
    agreed = any(line.field == "tcp_options" for line in one.agrees)
    return agreed and bool(layouts) and layouts != [("MSS",)]


def _name(one: Comparison) -> str:
    versions = one.mode.versions if one.mode else ""
    return f"{one.rule.name} {versions}".strip()


def _fits(one: Comparison, protocol: int) -> bool:
    if one.mode is None or any(line.settable != "option" for line in one.disagrees):
        return False
    fields = {line.field for line in one.agrees}
    return len(fields) >= FIELDS_NEEDED and (not _CORE.get(protocol) or bool(_CORE[protocol] & fields))


def stack_shapes(rules: RuleSet) -> frozenset[tuple[int, int, int, int]]:
    """Return the SYNs of standard stacks: control bits, DF (0 or 1), and the two words of the option layout."""
    shapes = set()
    for rule in rules:
        if rule.kind != "stack":
            continue
        for mode in rule.modes:
            layouts = [e.options for e in mode.expects if e.options is not None]
            flags = [value for e in mode.expects if e.field == "ip_flags" for value in e.values]
            if mode.protocol == TCP and layouts:
                bits = mode.bits or (SYN,)
                dont_fragment = {int(bool(value & DF)) for value in flags} or {0, 1}
                shapes |= {(b, df, *encode_layout(layout)) for b in bits for df in dont_fragment for layout in layouts}
    return frozenset(shapes)
