"""What systems answered to nmap's seven odd TCP probes, read from the nmap-os-db of the user's own nmap.

The file is not part of craftmark (its license is nmap's) and is read only when asked. Each of its fingerprints says
what one system answered to the tests of nmap's OS detection, second generation: T1 and ECN to an open port with SYN,
T2 to T4 with no bit, SYN+FIN+PSH+URG and ACK; T5 to T7 to a closed port with SYN, ACK and FIN+PSH+URG; all with
options.
Source: nmap Network Scanning, chapter 8, "TCP/IP Fingerprinting Methods Supported by Nmap".
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.errors import RuleError
from craftmark.packets.fields import ACK_BIT, CWR, ECE, FIN, PSH, SYN, URG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Tests by control bits: (state of the port, name).
TESTS: Final[dict[int, tuple[tuple[str, str], ...]]] = {
    SYN: (("open", "T1"), ("closed", "T5")),
    SYN | ECE | CWR: (("open", "ECN"),),
    0: (("open", "T2"),),
    SYN | FIN | PSH | URG: (("open", "T3"),),
    ACK_BIT: (("open", "T4"), ("closed", "T6")),
    FIN | PSH | URG: (("closed", "T7"),),
}
#: Longest file, and longest line in it, that is read.
LONGEST: Final = 1 << 26
LONGEST_LINE: Final = 4096
#: Systems named per answer.
NAMED: Final = 3

_LINE: Final = re.compile(r"(T[1-7]|ECN)\(([^()]*)\)")
#: Letters of an answer's bits as the file writes them, with the words of answers, in the order in which these stand.
_WORDS: Final = {"S": "syn", "F": "fin", "R": "rst", "P": "psh", "A": "ack", "U": "urg", "E": "ece"}
#: What ECN's "CC" says of the bits of the SYN+ACK.
_ECN: Final = {"Y": "syn+ack+ece", "N": "syn+ack", "S": "syn+ack+ece+cwr", "O": "syn+ack+cwr"}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One system: its name, and what it may answer to each test, more than one where the file gives alternatives."""

    name: str
    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Counted:
    """One answer to one test: how many systems give it, of how many that were tested so, and some of their names."""

    state: str
    test: str
    answer: str
    systems: int
    tested: int
    names: tuple[str, ...]


def read_fingerprints(text: str, *, path: str) -> tuple[Fingerprint, ...]:
    """Return the fingerprints of a nmap-os-db; what cannot be read in it is passed over, RuleError if that is all."""
    found: list[Fingerprint] = []
    answers: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if line.startswith("Fingerprint "):
            answers = {}
            found.append(Fingerprint(line.removeprefix("Fingerprint ").strip(), answers))
        elif len(line) <= LONGEST_LINE and found and (test := _LINE.fullmatch(line.strip())):
            answers[test[1]] = tuple(dict.fromkeys(_answers(test[1], test[2])))
    if not any(one.answers for one in found):
        raise RuleError("no fingerprint in it", path=path, remedy="name the nmap-os-db of an installed nmap")
    return tuple(found)


def count(fingerprints: Iterable[Fingerprint], control_bits: int) -> tuple[Counted, ...]:
    """Return what systems answered to a probe with these bits, the most frequent first; () if nmap sends none such."""
    known = list(fingerprints)
    return tuple(row for state, test in TESTS.get(control_bits, ()) for row in _count(known, state, test))


def _count(fingerprints: list[Fingerprint], state: str, test: str) -> list[Counted]:
    names: dict[str, list[str]] = defaultdict(list)
    tested = 0
    for one in fingerprints:
        tested += test in one.answers
        for answer in one.answers.get(test, ()):
            names[answer].append(one.name)
    order = sorted(names, key=lambda answer: (-len(names[answer]), answer))
    return [
        Counted(state, test, answer, len(names[answer]), tested, tuple(dict.fromkeys(names[answer]))[:NAMED])
        for answer in order
    ]


def _answers(test: str, inside: str) -> Iterator[str]:
    """Yield what a test's line says: R=N is silence, F the bits of the answer, CC those of ECN's."""
    said = dict(part.partition("=")[::2] for part in inside.split("%"))
    if "N" in said.get("R", "Y").split("|"):
        yield "none"
    if said.get("R") == "N":
        return
    if test == "ECN":
        yield from (_ECN[one] for one in said.get("CC", "").split("|") if one in _ECN)
        return
    for letters in said["F"].split("|") if "F" in said else ():
        if letters and set(letters) <= set(_WORDS):
            yield "+".join(word for letter, word in _WORDS.items() if letter in letters)
