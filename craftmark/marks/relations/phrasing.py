"""Sums of parts in the shortest words: ``ip_id = low16(ip_dst ^ tcp_seq) ^ tcp_dport``, never a list of bits.

The field that the others explain stands first: a whole field before a half, a field that nothing else needs (an IP
ID) before one that has a meaning of its own. Two sums that explain the halves of one field become one formula of 32
bits where their parts fit together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from craftmark.marks.relations.formulas import Part, Sum

#: Fields by how readily they are explained by others: what carries least meaning of its own first.
_EXPLAINED: Final = (
    "ip_id", "icmp_seq", "icmp6_seq", "icmp_id", "icmp6_id", "tcp_urp", "tcp_win", "tcp_mss", "tcp_sport", "udp_sport",
    "sctp_sport", "sctp_vtag", "tcp_seq", "tcp_ack", "tcp_tsval", "tcp_tsecr", "payload_head",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Formula:
    """A relation in words: the field it explains, which word of it, of how many bits, and the xor of all sides.

    text is the equation where ``value`` is 0, else the expression that has this value. parts: of how many parts each
    sum consists that it is made of.
    """

    text: str
    explained: str
    word: str
    bits: int
    value: int
    parts: tuple[int, ...]
    held: int


def phrased(sums: list[Sum], chosen: tuple[str, ...]) -> list[Formula]:
    """Return sums as formulas: those of 32 bits that two sums make together, and each by itself."""
    return [*_joined(sums, chosen), *(_alone(one, chosen) for one in sums)]


def _alone(one: Sum, chosen: tuple[str, ...]) -> Formula:
    explained = min((part for part in one.parts if part.name in chosen), key=_rank)
    rest = one.parts - {explained}
    text = _text(_word(explained), _terms(rest), one.value)
    return Formula(text, explained.name, _word(explained), 16, one.value, (len(one.parts),), one.held)


def _rank(part: Part) -> tuple[object, ...]:
    order = _EXPLAINED.index(part.name) if part.name in _EXPLAINED else len(_EXPLAINED)
    return part.is_half, part.is_swapped, order, not part.is_high


def _joined(sums: list[Sum], chosen: tuple[str, ...]) -> Iterator[Formula]:
    """Yield formulas that explain both halves of one field."""
    for name in chosen:
        if FIELDS[name].bits != 32:
            continue
        of_name = [(one, [part for part in one.parts if part.name == name]) for one in sums]
        halves = [(one, parts[0]) for one, parts in of_name if len(parts) == 1 and not parts[0].is_swapped]
        for high, part in halves:
            for low, other in halves:
                if part.is_high and not other.is_high:
                    terms = _wide_terms(high.parts - {part}, low.parts - {other})
                    value = high.value << 16 | low.value
                    text = _text(name, terms, value)
                    yield Formula(
                        text, name, name, 32, value, (len(high.parts), len(low.parts)), min(high.held, low.held)
                    )


def _text(explained: str, terms: list[str], value: int) -> str:
    rest = " ^ ".join(terms)
    return f"{explained} == {rest}" if value == 0 else f"{explained} ^ {rest}"


def _word(part: Part) -> str:
    half = f"{'high16' if part.is_high else 'low16'}({part.name})" if part.is_half else part.name
    return f"swap16({half})" if part.is_swapped else half


def _terms(parts: Iterable[Part]) -> list[str]:
    """Return the words of 16-bit parts; parts of one kind in one pair of parentheses."""
    kinds: dict[tuple[bool, bool, bool], list[str]] = {}
    for part in sorted(parts):
        kinds.setdefault((part.is_swapped, not part.is_half, part.is_high), []).append(part.name)
    words = []
    for (is_swapped, is_whole, is_high), names in sorted(kinds.items()):
        halves = names if is_whole else [f"{'high16' if is_high else 'low16'}({' ^ '.join(names)})"]
        words += [f"swap16({half})" for half in halves] if is_swapped else halves
    return words


def _wide_terms(high: frozenset[Part], low: frozenset[Part]) -> list[str]:
    """Return the words of 32 bits whose upper half are the parts of ``high``, whose lower half those of ``low``."""
    left, right, words = set(high), set(low), []
    for part in sorted(high):
        mate = part._replace(is_high=not part.is_high)
        if not part.is_half or mate not in right:
            continue
        # The mate is the field's other half: in place where unswapped, crosswise where all four bytes are swapped.
        if not part.is_swapped and part.is_high:
            words.append(part.name)
        elif part.is_swapped and not part.is_high:
            words.append(f"swap32({part.name})")
        else:
            continue
        left.discard(part)
        right.discard(mate)
    upper, lower = _terms(left), _terms(right)
    if len(upper) == len(lower) == 1:
        return [*words, f"(({upper[0]} << 16) + {lower[0]})"]
    return [*words, *(f"({word} << 16)" for word in upper), *lower]
