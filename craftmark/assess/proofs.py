"""What only the holder of a source address can have done: the one ground on which a source is called genuine.

Each proof needs something that was sent to the address and to nobody else: the target's sequence number, the fact
that a port offered a connection, the answers on the link. Whoever sits on the path sees that too, which is said where
it is reported. A reset by itself is no proof: any live host at a forged address sends one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from craftmark.assess.holders import HERE
from craftmark.assess.reactions import reset_laws
from craftmark.packets.batch import source_text

if TYPE_CHECKING:
    from craftmark.assess.base import AnswersSeen, Subject
    from craftmark.assess.hops import Distance
    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression
    from craftmark.scans.reactions import Reaction

#: Handshakes that make a source genuine; one could be a mistake of pairing.
ENOUGH_HANDSHAKES: Final = 2
#: Resets with a tool's own mark (16 bits each), and probes without an answer that got none.
ENOUGH_RESETS: Final = 3
ENOUGH_SPARED: Final = 5
#: Ports that answered, and that stayed silent, from which it shows that only the silent ones were probed again.
ENOUGH_PORTS: Final = 5
#: Places, in order of target and port, that the silent ports must lie in.
ENOUGH_PLACES: Final = 3
#: Share of the silent ports that are probed again, and of the others that may be: an answer can come late.
MOST_AGAIN: Final = 0.8
FEW_AGAIN: Final = 0.05


def proofs(subject: Subject, distance: Distance) -> dict[str, str]:
    """Return what proves sources genuine, in words, by address; the first proof of each."""
    kinds = (_handshakes(subject), _own_resets(subject), _link(subject, distance), _repeats(subject))
    return {address: words for kind in reversed(kinds) for address, words in kind.items()}


def receives_answers(answers: AnswersSeen, address: str) -> bool:
    """Tell whether someone who receives what is sent to the address completed handshakes."""
    return answers.completed_handshakes.get(address, 0) >= ENOUGH_HANDSHAKES


def _handshakes(subject: Subject) -> dict[str, str]:
    words = "completed handshakes: only who receives what is sent to the address, or sits on the path, can"
    return {one: words for one in subject.sources if receives_answers(subject.answers, one)}


def _own_resets(subject: Subject) -> dict[str, str]:
    """Return the sources whose tool itself reset what was answered, and nothing else: it saw which ports answer.

    A sender that sees no answers can send such resets too, but not to those ports alone.
    """
    found = {}
    for reset in reset_laws():
        held = _by_source(subject.answers.resets, reset.law)
        for address, seen in subject.answers.reactions.by_source.items():
            if held[address] >= ENOUGH_RESETS and not seen.unasked and seen.spared >= ENOUGH_SPARED:
                found[address] = (
                    f"reset {held[address]:,} answers with {reset.tool}'s own mark, and none of the {seen.spared:,} "
                    "probes that stayed unanswered: the tool receives what is sent to the address"
                )
    return found


def _by_source(batch: PacketBatch, law: Expression) -> Counter[str]:
    """Count the packets for which a law holds by source address."""
    return Counter(source_text(row) for row in batch.words[law.select(batch)]) if len(batch) else Counter()


def _link(subject: Subject, distance: Distance) -> dict[str, str]:
    """Return the sources that ask on this link for others by ARP, from the card that sent the probes.

    A router that answers for others (proxy ARP) asks in its own name only; packets that it passes on have lost a hop.
    """
    if distance.chance((0,)) < HERE:
        return {}
    words = "asks on this link by ARP from the link address that sent the probes: its holder on this link"
    return {address: words for address, seen in subject.answers.reactions.by_source.items() if _asks_itself(seen)}


def _asks_itself(seen: Reaction) -> bool:
    return len(seen.probe_links) == 1 and seen.probe_links == seen.asking_links == seen.arp_links


def _repeats(subject: Subject) -> dict[str, str]:
    if not only_missing_repeated(subject):
        return {}
    again, ports = subject.answers.unanswered_again
    repeated, answered = subject.answers.answered_again
    others = "none" if not repeated else f"{repeated:,}"
    words = (
        f"probed {again:,} of {ports:,} silent ports again, in {subject.answers.silent_runs:,} places, and {others} of "
        f"the {answered:,} that answered: the sender sees the answers"
    )
    return dict.fromkeys(subject.sources, words)


def only_missing_repeated(subject: Subject) -> bool:
    """Tell whether the one source repeats what stayed silent and hardly anything else: its sender sees the answers.

    A sender that repeats one stretch of ports, which a filter happens to guard, does not: the silent ports must lie in
    several places among others that answered.
    """
    answers = subject.answers
    (again, silent), (repeated, answered) = answers.unanswered_again, answers.answered_again
    return (
        subject.sources_total == 1
        and min(answered, silent) >= ENOUGH_PORTS
        and answers.silent_runs >= ENOUGH_PLACES
        and repeated <= FEW_AGAIN * answered
        and again >= MOST_AGAIN * silent
    )
