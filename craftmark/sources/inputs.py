"""From what the user names to a case: inputs opened, told apart by content, numbered, and read one after another.

The order of the arguments changes nothing: inputs are numbered by the time of their first packet, then by SHA-256;
those without an epoch clock come last, and one that was given twice counts once. An input that cannot be examined
beside one that can is refused, which the report says; alone it is an error.
"""

from __future__ import annotations

import os
import sys
from itertools import combinations, groupby
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from craftmark.errors import ExitCode, SourceError
from craftmark.packets.decode import Decoded
from craftmark.sources.base import Damage, Provenance, SourceOptions
from craftmark.sources.duplicates import Tally, copies_in, same_packets, without_copies
from craftmark.sources.formats import format_named
from craftmark.sources.opened import Input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.decode import Piece
    from craftmark.sources.base import Format

Part = TypeVar("Part")

STDIN = "-"
#: Up to this many inputs stay open between the look at their first packets and their reading.
KEEP_OPEN = 64
#: Up to this many inputs are compared with each other, whether they hold the same packets.
MOST_COMPARED = 16


class Case:
    """The inputs of one case, in the order of their numbers, and those that were refused."""

    def __init__(self, inputs: Sequence[Input], refused: Sequence[tuple[str, SourceError]]) -> None:
        self.inputs = tuple(inputs)
        self.refused = list(refused)

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets of all inputs, one input after another, without copies; each batch is valid until the next.

        Raises SourceError when it turns out that nothing in any input can be examined.
        """
        yield from self._all(_batches)

    def pieces(self) -> Iterator[Piece]:
        """Yield the packets of all inputs in pieces that any core may decode; raises as ``batches`` does."""
        yield from self._all(_pieces)

    def _all(self, parts: Callable[[Input, Tally], Iterator[Part]]) -> Iterator[Part]:
        usable = 0
        for one in self.inputs:
            try:
                tally = Tally()
                yield from parts(one, tally)
                usable += 1
                if tally.dropped:
                    one.describe().packets -= tally.dropped
                    one.describe().notes.append(tally.note())
            except SourceError as error:
                self.refused.append((one.name, error))
        if not usable:
            raise self.refused[0][1]

    @property
    def size(self) -> int | None:
        """Bytes of all inputs as stored, None where one is a stream."""
        sizes = [one.size for one in self.inputs]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def describe(self) -> list[Provenance]:
        """Return the provenance of each input, of refused ones with the reason as damage; final after the batches."""
        refused = {name for name, _ in self.refused}
        told = [one.describe() for one in self.inputs if one.name not in refused]
        return told + [refusal(name, error) for name, error in self.refused]

    @property
    def fraction(self) -> float | None:
        """The share of the inputs' bytes that was read, None where it cannot be known."""
        return min(1.0, sum(one.position for one in self.inputs) / self.size) if self.size else None


def _batches(one: Input, tally: Tally) -> Iterator[PacketBatch]:
    return without_copies(one.batches(), tally)


def _pieces(one: Input, tally: Tally) -> Iterator[Piece]:
    """Yield an input's packets for any core; those of one that holds copies are decoded here, in their order."""
    first = one.first_packets()
    if first is None or copies_in(first) is None:
        return one.pieces()
    return (Decoded(batch.copy()) for batch in without_copies(one.batches(), tally))


def open_inputs(
    paths: Sequence[str | os.PathLike[str]],
    *,
    options: SourceOptions | None = None,
    format_name: str | None = None,
    stdin: BinaryIO | None = None,
) -> Case:
    """Open inputs as one case; ``-`` is standard input. ``format_name`` overrides what the content says.

    Raises SourceError with the exit code of the first input when none can be examined.
    """
    chosen = format_named(format_name) if format_name else None
    opened: list[Input] = []
    refused: list[tuple[str, SourceError]] = []
    for name in dict.fromkeys(os.fspath(path) for path in paths):
        try:
            one = _open(name, stdin, options or SourceOptions(), chosen)
            one.look(keep=len(paths) <= KEEP_OPEN)
            opened.append(one)
        except SourceError as error:
            refused.append((name, error))
    if not opened:
        if refused:
            raise refused[0][1]
        raise SourceError("no input given", name="craftmark", code=ExitCode.USAGE, remedy="name a capture or a log")
    return Case(_numbered(opened), refused)


def _open(name: str, stdin: BinaryIO | None, options: SourceOptions, chosen: Format | None) -> Input:
    if name == STDIN:
        return Input("standard input", None, stdin or _standard_input(), options=options, chosen=chosen)
    path = Path(name)
    if not name:
        raise SourceError("no such file", name="''", code=ExitCode.NO_SUCH_INPUT, remedy="the name given is empty")
    try:
        is_directory = path.is_dir()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError("no such file", name=name, code=ExitCode.NO_SUCH_INPUT, remedy="check the path") from None
    except (OSError, ValueError) as fault:
        raise _unreadable(name, fault) from fault
    if is_directory:
        raise SourceError("is a directory", name=name, code=ExitCode.UNREADABLE, remedy="name the files in it")
    return Input(name, path, None, options=options, chosen=chosen)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        what = "is closed"
        raise SourceError(what, name="standard input", code=ExitCode.UNREADABLE, remedy="pipe a capture into it")
    return sys.stdin.buffer


def _unreadable(name: str, fault: Exception) -> SourceError:
    why = getattr(fault, "strerror", None) or str(fault)
    return SourceError(f"cannot be read: {why}", name=name, code=ExitCode.UNREADABLE)


def _numbered(opened: Sequence[Input]) -> list[Input]:
    """Return the inputs in the order of their numbers, without those given twice."""
    ordered: list[Input] = []
    for _, tied in groupby(sorted(opened, key=lambda one: one.first), key=lambda one: one.first):
        ordered.extend(_without_twins(list(tied)))
    for number, one in enumerate(ordered, 1):
        one.number = number
    for one, other in combinations(ordered[:MOST_COMPARED], 2):
        _tell_same(one, other)
    return ordered


def _tell_same(one: Input, other: Input) -> None:
    """Note that two inputs hold the same packets, where their first ones are."""
    if one.first_batch is None or other.first_batch is None:
        return
    found = same_packets(one.first_batch, other.first_batch)
    if found is not None:
        way = f"{abs(found.hops)} hops {'further on' if found.hops > 0 else 'before'}" if found.hops else "once more"
        lag_ms = found.lag_ns / 1e6
        other.note_beside(
            f"its first packets are those of {one.name}, {way}, {lag_ms:.3f} ms later by its clock: give one of the "
            "two, or what both saw is counted twice"
        )


def _without_twins(tied: list[Input]) -> Iterable[Input]:
    """Return inputs whose first packets have the same time by SHA-256, each content once."""
    if len(tied) == 1:
        return tied
    kept: dict[str, Input] = {}
    for one in sorted(tied, key=lambda one: (one.sha256, one.name)):
        if one.sha256 and one.sha256 in kept:
            kept[one.sha256].note_beside(f"also given as {one.name}: the same bytes, counted once")
            one.close()
        else:
            kept[one.sha256 or one.name] = one
    return kept.values()


def refusal(name: str, error: SourceError) -> Provenance:
    """Return the provenance of an input that was refused, with the reason as damage."""
    provenance = Provenance(name)
    what = f"not examined: {error.what}" + (f"; {error.remedy}" if error.remedy else "")
    provenance.add_damage(Damage(1, 0, what))
    return provenance
