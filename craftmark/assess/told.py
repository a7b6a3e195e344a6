"""What answers mean: the table of stacks read backwards, from an answer to the states of a port that give it.

An answer means the states in which a stack that follows the standard gives it; where it gives it in none, the known
exceptions (stacks, filter rules) that do. Silence is an answer too, where the capture would show one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import TCP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.assess.base import Subject
    from craftmark.stacks.respond import Prediction

#: Exceptions named for one answer.
NAMED: Final = 4
_STATE_ORDER: Final = ("open", "closed", "filtered")
#: Answers whose meaning lies in themselves, whatever the probe: states of the host or the filter.
_BY_ITSELF: Final = {
    "icmp 3/9": "filtered", "icmp 3/10": "filtered", "icmp 3/13": "filtered", "icmp6 1/1": "filtered",
    "icmp 3/0": "host not reached", "icmp 3/1": "host not reached", "icmp6 1/0": "host not reached",
    "icmp6 1/3": "host not reached", "icmp 11/0": "a router on the way", "icmp6 3/0": "a router on the way",
    "echo reply": "host is up", "arp reply": "host is up", "timestamp reply": "host is up", "icmp 14/0": "host is up",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What one kind of answer told the sender: about which ports, and by whose behaviour.

    answer: "none" is silence. ports: () where probes have none or they are not known. meaning: states of the port,
    or of the host. why: who answers so.
    """

    answer: str
    ports: tuple[int, ...]
    packets: int
    meaning: str
    why: str


@dataclass(frozen=True, slots=True)
class Distinguished:
    """What one stack's answers let a sender tell apart: groups of states that answer alike, "open | closed, filtered".

    alive: some state answers at all, so that the host, or its filter, shows that it is there.
    """

    stack: str
    groups: str
    alive: bool


def what_was_told(subject: Subject, predictions: Sequence[Prediction]) -> tuple[Told, ...]:
    """Return what each kind of answer in the capture told, the most frequent first, silence last."""
    answers = subject.answers
    found = []
    for answer, count in sorted(answers.counts.items(), key=lambda item: (-item[1], item[0])):
        meaning, why = meaning_of(answer, predictions)
        found.append(Told(answer, tuple(answers.ports.get(answer, ())), count, meaning, why))
    silent = subject.probes - answers.answered_probes
    if answers.both_ways and silent > 0:
        meaning, why = meaning_of("none", predictions)
        found.append(Told("none", _silent_ports(subject), silent, meaning, why))
    return tuple(found)


def _silent_ports(subject: Subject) -> tuple[int, ...]:
    """Return the ports that never answered; () where several targets may have answered differently."""
    main = subject.main
    if main.targets_total != 1 or len(main.ports) != main.ports_total:
        return ()
    answered = {port for ports in subject.answers.ports.values() for port in ports}
    return tuple(port for port in main.ports if port not in answered)


def meaning_of(answer: str, predictions: Sequence[Prediction]) -> tuple[str, str]:
    """Return the states in which such a probe gets an answer, and who gives it in them."""
    standard = [row.state for row in predictions if row.basis == "standard" and gives(row.answer, answer)]
    if standard:
        return _listed(standard), "by the standard"
    if answer in _BY_ITSELF:
        return _BY_ITSELF[answer], "said by the message itself"
    others = [row for row in predictions if row.basis != "standard" and gives(row.answer, answer)]
    if others:
        names = list(dict.fromkeys(row.stack for row in others))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return _listed(row.state for row in others), f"not by the standard, but by {', '.join(names[:NAMED])}{more}"
    return "unclear", "no known stack answers such a probe so"


def gives(predicted: str, answer: str) -> bool:
    """Tell whether a predicted answer can be seen as this one: "or" joins alternatives, ECE and ACK may be unnamed."""
    for one in predicted.split(" or "):
        if one == answer or (one == "reset" and answer in ("rst", "rst+ack")) or one.removesuffix("+ece") == answer:
            return True
    return False


def _listed(states: Iterable[str]) -> str:
    kept = set(states)
    return " or ".join(state for state in _STATE_ORDER if state in kept)


def what_can_be_told(subject: Subject, predictions: Sequence[Prediction]) -> tuple[Distinguished, ...]:
    """Return per stack which states of a port such a probe tells apart; for TCP alone, where stacks are known."""
    if subject.main.protocol != TCP:
        return ()
    by_stack: dict[str, dict[str, str]] = {}
    for row in predictions:
        if not row.rule and row.basis != "documented":
            by_stack.setdefault(row.stack, {"filtered": "none"})[row.state] = row.answer
    return tuple(_distinguished(stack, answers) for stack, answers in by_stack.items() if len(answers) > 1)


def _distinguished(stack: str, answers: dict[str, str]) -> Distinguished:
    groups: dict[str, list[str]] = {}
    for state in _STATE_ORDER:
        if state in answers:
            groups.setdefault(answers[state], []).append(state)
    told = " | ".join(", ".join(states) for states in groups.values())
    return Distinguished(stack, told, any(answer != "none" for answer in answers.values()))
