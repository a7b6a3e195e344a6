"""Were the source addresses forged? A verdict for the scan and for each source, never beyond what was seen.

"genuine" needs something only a receiver at the address could do (``assess/proofs.py``): complete a handshake with a
number that was sent to the address, repeat only what stayed unanswered, reset by the tool's own hand what was offered
and nothing else, ask by ARP on this link. Weights alone never give it. (A machine on the path could do most of it; that
is said, not weighed.) A RST from the source to our SYN+ACK is no such thing: any live host at a forged address sends
one; only its distance against the probes' distance weighs. Reserved addresses weigh little by themselves: captures get
anonymised.
The prior is even odds: scanners want answers, but these packets are examined because they are odd.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from craftmark.assess.base import Reason, probability, total_odds
from craftmark.assess.holders import reasons_of_holder
from craftmark.assess.own import reasons_of_own
from craftmark.assess.proofs import proofs
from craftmark.assess.reactions import window_of
from craftmark.packets.fields import SYN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from craftmark.assess.base import Subject
    from craftmark.assess.hops import Distance
    from craftmark.assess.sender import OneSender

Verdict = Literal["spoofed", "genuine", "undecided"]

PRIOR: Final = 0.0
CAP: Final = 2.5
#: From these log10 odds on a verdict is given (about 0.95).
VERDICT: Final = 1.3
#: Unrelated networks beyond which one sender hardly holds addresses in all of them, and beyond which it cannot.
UNRELATED: Final = 4
MANY_NETWORKS: Final = 16
#: What a few networks weigh where one program certainly sent for all (a rented host can have addresses of several), and
#: what many weigh where it is only likely: an operator's machines are alike too.
FEW_OF_ONE_PROGRAM: Final = 0.9
MANY_BY_LIKENESS: Final = 1.0
#: Sources judged one by one.
JUDGED: Final = 64
#: Share of a scan's sources that must show the same for the whole scan.
NEARLY_ALL: Final = 0.8

#: What addresses alone weigh, of what they weigh where one sender used them.
UNLESS_ONE_SENDER: Final = 0.4
#: Decoys from which each of them is forged nineteen times in twenty, whichever is real.
MANY_DECOYS: Final = 20

#: Steps between the first probes that show whether a sender's pace follows the answers.
STEPS: Final = 41

#: Space that no packet from another network can truly come from (RFC 6890, RFC 1112 section 4).
IMPOSSIBLE: Final = tuple(IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"))
#: Space that is not routed on the Internet; the share of it in all addresses is RESERVED_SHARE.
RESERVED: Final = (
    *IMPOSSIBLE,
    *(
        IPv4Network(text)
        for text in (
            "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        )
    ),
)  # fmt: skip
RESERVED_SHARE: Final = sum(network.num_addresses for network in RESERVED) / 2**32


@dataclass(frozen=True, slots=True)
class Spoofing:
    """The verdict on a scan's sources with its reasons, the heaviest first.

    confidence: probability of the verdict; where undecided, of the likelier side. log10_odds: forged against genuine.
    by_source: verdicts that differ from the scan's, by address.
    """

    verdict: Verdict
    confidence: float
    reasons: tuple[str, ...]
    log10_odds: float
    by_source: Mapping[str, Verdict] = field(default_factory=dict)

    def of(self, address: str) -> Verdict:
        """Return the verdict on one source."""
        return self.by_source.get(address, self.verdict)


def assess_spoofing(subject: Subject, *, distance: Distance, sender: OneSender) -> Spoofing:
    """Return whether a scan's source addresses were forged, as a whole and where single ones stand out."""
    proven = proofs(subject, distance)
    held = {one: reasons_of_holder(subject, distance, one) for one in subject.sources[:JUDGED]}
    reasons = [
        *_of_the_draw([*_impossible(subject.sources), *_drawn_at_random(subject)], subject, sender),
        *reasons_of_own(subject, distance),
        *_one_behind_many(sender),
        *_of_holders(subject, held),
        *_of_proofs(subject, proven),
        *_unseen_answers(subject),
    ]
    is_told = sender.decoy_bursts > 1 and bool(proven)  # one of the decoys is known to be real: the others are not
    by_source = {} if is_told else _single_out(subject, held, sender)
    if sender.verdict == "one" and subject.sources_total > 1:
        by_source.update(dict.fromkeys((one for one in subject.sources if is_impossible(one)), "spoofed"))
    by_source.update(dict.fromkeys(proven, "genuine"))
    odds = total_odds(reasons, prior=PRIOR, cap=CAP)
    return _concluded(subject, reasons, odds=odds, by_source=by_source)


def _concluded(subject: Subject, reasons: list[Reason], *, odds: float, by_source: dict[str, Verdict]) -> Spoofing:
    verdict: Verdict = "undecided"
    if subject.sources_total == list(by_source.values()).count("genuine"):
        verdict = "genuine"
        odds = min(odds, -VERDICT)
    elif odds >= VERDICT:
        verdict = "spoofed"
    words = tuple(one.words for one in sorted(reasons, key=lambda one: -abs(one.log10_odds)))
    kept = {address: said for address, said in by_source.items() if said != verdict}
    return Spoofing(verdict, round(probability(abs(odds)), 4), words or (_NOTHING,), round(odds, 3), kept)


_NOTHING: Final = "nothing in this capture tells a forged source from a genuine one"


def _of_holders(subject: Subject, held: Mapping[str, list[Reason]]) -> list[Reason]:
    """Return what the holders show together: the weakest of one sign where nearly all sources show that sign."""
    if subject.sources_total == 1:
        return [reason for reasons in held.values() for reason in reasons]
    sums = {address: sum(reason.log10_odds for reason in reasons) for address, reasons in held.items()}
    for sign in (1, -1):
        alike = [address for address, weight in sums.items() if weight * sign > 0]
        if len(alike) >= NEARLY_ALL * subject.sources_total:
            weakest = min(alike, key=lambda address: (abs(sums[address]), address))
            of = f" (so or more clearly for {len(alike)} of {subject.sources_total} sources)"
            first = max(held[weakest], key=lambda reason: sign * reason.log10_odds)
            return [Reason(first.words + of, sums[weakest])]
    return _silent_crowd(subject)


def _silent_crowd(subject: Subject) -> list[Reason]:
    reactions = subject.answers.reactions
    if reactions.offered < 10 or reactions.reset > 0.05 * reactions.offered:
        return []
    words = f"{reactions.offered - reactions.reset:,} of {reactions.offered:,} SYN+ACKs were reset by nobody"
    return [Reason(f"{words}: nobody holds these addresses, or a filter guards them", 0.65)]


def _single_out(subject: Subject, held: Mapping[str, list[Reason]], sender: OneSender) -> dict[str, Verdict]:
    """Return verdicts on single sources, as their holders show; "genuine" is never among them.

    Of decoys at most one is real, whichever it is: a firewall can silence it, and a decoy can be a live host. So none
    of a few is called forged by itself, and of many only those that nothing speaks for.
    """
    sums = {address: sum(reason.log10_odds for reason in reasons) for address, reasons in held.items()}
    if sender.decoy_bursts > 1:
        is_few = subject.sources_total < MANY_DECOYS
        return dict.fromkeys((one for one, weight in sums.items() if is_few or weight < 0), "undecided")
    return {address: "spoofed" for address, weight in sums.items() if weight >= VERDICT}


def _unseen_answers(subject: Subject) -> list[Reason]:
    """Return that the sender did not see the answers, for tools whose pace lives on them.

    Answers to other packets than a SYN are lost to genuine senders too: firewalls before them know no such connection.
    """
    rule = window_of(subject.maker.tool)
    answers = subject.answers
    if rule is None or subject.sources_total != 1 or answers.answered_probes < 0.9 * subject.probes:
        return []
    steps = np.diff(subject.main.sample.ts_ns[:STEPS])
    if subject.main.sampled or len(steps) < STEPS - 1:
        return []
    opening, later = steps[: rule.probes - 1], steps[rule.probes - 1 :]
    if float(np.median(later)) < 20 * float(np.median(opening)) or float(np.percentile(later, 10)) < 5 * opening.max():
        return []
    words = (
        f"{subject.maker.tool} sends {rule.probes} probes and then as many as answers come; here it sent "
        f"{rule.probes} at once, all were answered, and yet it went on one by one: the answers did not reach it"
    )
    return [Reason(words, 1.3 if subject.main.control_bits == SYN else 0.9)]


def is_impossible(address: str) -> bool:
    """Tell whether no packet from another network can truly come from this address."""
    return any(ip_address(address) in network for network in IMPOSSIBLE)


def _of_the_draw(reasons: list[Reason], subject: Subject, sender: OneSender) -> list[Reason]:
    """Weigh what addresses alone show: little, unless one sender used them all.

    Anonymised captures scatter the addresses of real hosts over the whole space, reserved parts too; but these hosts
    keep their own distances and counters.
    """
    if subject.sources_total == 1 or sender.verdict == "one":
        return reasons
    return [Reason(one.words, one.log10_odds * UNLESS_ONE_SENDER) for one in reasons]


def _impossible(sources: Iterable[str]) -> list[Reason]:
    found = [address for address in sources if is_impossible(address)]
    if not found:
        return []
    words = "no host can have this address on another network (RFC 6890), unless the capture was rewritten"
    return [Reason(f"{_named(found)}: {words}", 1.0 if len(found) == 1 else 1.6)]


def _drawn_at_random(subject: Subject) -> list[Reason]:
    """Compare the sources with a draw over the whole space: its share of reserved addresses, its spread."""
    addresses = [ip_address(text) for text in subject.sources]
    known = [address for address in addresses if address.version == 4]
    if len(known) < 12 or len(known) < len(addresses):
        return []
    blocks = len({int(address) >> 24 for address in known})
    expected = 256 * (1 - (255 / 256) ** len(known))
    reserved = sum(any(address in network for network in RESERVED) for address in known)
    if blocks < 0.85 * expected:
        return []
    expected_reserved = RESERVED_SHARE * len(known)
    share = f"{reserved} of {len(known)} lie in reserved space, where such a draw puts {expected_reserved:.0f}"
    if reserved >= max(3, expected_reserved / 3):
        return [Reason(f"the sources are spread like a draw over the whole address space: {share}", 1.5)]
    if expected_reserved >= 5 and reserved == 0:
        return [Reason(f"the sources avoid unused space as hosts do: {share} (routers drop some of it)", -0.5)]
    return []


def _one_behind_many(sender: OneSender) -> list[Reason]:
    if sender.decoy_bursts > 1:
        words = f"{sender.decoy_bursts:,} bursts show one sender behind all sources: at most one of them is real"
        return [Reason(words, 4.0)]
    if sender.verdict == "one" and sender.networks >= UNRELATED:
        words = f"one sender used addresses of {sender.networks} unrelated networks: it can hardly hold them all"
        few, many = (FEW_OF_ONE_PROGRAM, 2.0) if sender.one_program else (0.0, MANY_BY_LIKENESS)
        return [Reason(words, min(sender.log10_odds, few if sender.networks < MANY_NETWORKS else many))]
    return []


def _of_proofs(subject: Subject, proven: Mapping[str, str]) -> list[Reason]:
    """Return the proofs, those of one kind together."""
    kinds: dict[str, list[str]] = {}
    for address, words in proven.items():
        kinds.setdefault(words, []).append(address)
    return [
        Reason(f"{_named(addresses)} {words}", -3.0 * len(addresses) / subject.sources_total)
        for words, addresses in kinds.items()
    ]


def _named(addresses: list[str]) -> str:
    return ", ".join(sorted(addresses)[:3]) + (" and others" if len(addresses) > 3 else "")
