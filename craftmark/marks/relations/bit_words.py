"""How relations among bits are said: neighbouring bits that depend alike as one formula of shifts, others by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.marks.wording import counted, listed
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.marks.relations.bits import BitRelation

#: Neighbouring bits from which a formula of shifts is worth its words, and other bits up to which a single bit's is.
_RUN: Final = 3
_SHORT: Final = 4


def groups(relations: list[BitRelation]) -> Iterator[list[BitRelation]]:
    """Yield what is said at once: neighbouring bits that depend in the same way, then the other bits of each field."""
    rest: dict[str, list[BitRelation]] = {}
    for run in _runs(relations):
        if len(run) >= _RUN or (len(run[0].others) <= _SHORT and len(relations) <= _RUN):
            yield run
        else:
            rest.setdefault(run[0].bit[0], []).extend(run)
    yield from rest.values()


def _runs(relations: list[BitRelation]) -> Iterator[list[BitRelation]]:
    run: list[BitRelation] = []
    for one in sorted(relations, key=lambda one: (one.bit[0], sorted(one.shape[1]), one.bit[1])):
        if run and (one.shape != run[-1].shape or one.bit[1] != run[-1].bit[1] + 1):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def formula(run: list[BitRelation]) -> tuple[str, int] | None:
    """Return the text of bits that depend in the same way, and its value where it is no equation; else None."""
    name, place = run[0].bit
    if any(one.shape != run[0].shape for one in run):
        return None
    value = sum(one.constant << i for i, one in enumerate(run))
    mask = f" & 0x{(1 << len(run)) - 1:X}"
    terms = [_moved(other, place + offset) for other, offset in sorted(run[0].shape[1])]
    whole = FIELDS[name].bits == place + len(run)
    same = all(FIELDS[other].bits == place + offset + len(run) for other, offset in run[0].shape[1])
    right = " ^ ".join(terms)
    if value == 0:
        left = _moved(name, place) + ("" if whole else mask)
        return f"{left} == {right if same else f'({right}){mask}'}", 0
    both = f"{_moved(name, place)} ^ {right}"
    return (both if whole and same else f"({both}){mask}"), value


def _moved(name: str, places: int) -> str:
    return f"({name} >> {places})" if places else name


def words(run: list[BitRelation]) -> str:
    """Return what is said of bits that no one formula holds: how many, and which fields they depend on."""
    name = run[0].bit[0]
    others = sorted({other for one in run for other, _ in one.others} - {name})
    own = any(other == name for one in run for other, _ in one.others)
    of_what = listed([*others, *(["its own"] if own and not others else [])]) or "its own"
    return f"{counted(len(run), 'bit')} of {name} {'is' if len(run) == 1 else 'are'} xor of bits of {of_what}"
