"""How values, lists and numbers are written in the statements of marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.batch import address_text
from craftmark.packets.fields import FIELDS, control_bits

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEX_FROM: Final = 10
_FRAGMENT_FLAGS: Final = {0: "none", 1: "MF", 2: "DF", 3: "DF+MF", 4: "RF", 5: "RF+MF", 6: "RF+DF", 7: "RF+DF+MF"}


def value_text(name: str, value: int) -> str:
    """Return a field's value as a statement shows it: names, addresses, wide numbers in hexadecimal."""
    field = FIELDS[name]
    if field.form == "address":
        return address_text(4, value, (0, 0, 0))
    if field.form == "flags":
        return "+".join(control_bits(value)) or "none"
    if name == "ip_flags":
        return _FRAGMENT_FLAGS.get(value, str(value))
    if (field.form == "hex" or field.bits == 32) and value >= _HEX_FROM:
        return f"0x{value:X}"
    return str(value)


def listed(words: Sequence[str]) -> str:
    """Return words as English lists them: "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def counted(number: int, noun: str) -> str:
    """Return a number and its noun: "1 source", "3,072 probes"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration_text(ns: int) -> str:
    """Return a duration in the unit a reader would use, with three digits at most."""
    for unit, size in (("days", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000)):
        if ns >= 2 * size:
            return f"{ns / size:.1f} {unit}"
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)):
        if ns >= size:
            return f"{ns / size:.1f} {unit}" if ns < 100 * size else f"{ns // size} {unit}"
    return f"{ns} ns"
