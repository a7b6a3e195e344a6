"""Were the source addresses forged? A verdict for the scan and for each source, never beyond what was seen.

"genuine" needs something only a receiver at the address could do: complete a handshake with a number that was sent to
the address, or repeat only what stayed unanswered. (A machine on the path could do both; that is said, not weighed.)
A RST from the source to our SYN+ACK is no such thing: any live host at a forged address sends one; only its distance
against the probes' distance weighs. Reserved addresses weigh little by themselves: captures get anonymised.
The prior is even odds: scanners want answers, but these packets are examined because they are odd.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING, Final, Literal

from craftmark.assess.base import Reason, probability, total_odds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from craftmark.assess.base import AnswersSeen, Subject
    from craftmark.assess.hops import Distance
    from craftmark.assess.sender import OneSender

Verdict = Literal["spoofed", "genuine", "undecided"]

PRIOR: Final = 0.0
CAP: Final = 2.5
#: From these log10 odds on a verdict is given (about 0.95).
VERDICT: Final = 1.3
#: Handshakes that make a source genuine; one could be a mistake of pairing.
ENOUGH_HANDSHAKES: Final = 2
#: Sources in unrelated networks beyond which one sender cannot hold all of them.
UNRELATED: Final = 4
#: Hops by which two paths of one host may differ in one capture.
TOLERANCE: Final = 1

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
    proven = {address for address in subject.sources if receives_answers(subject.answers, address)}
    reasons = [
        *_impossible(subject.sources),
        *_drawn_at_random(subject),
        *_one_behind_many(sender),
        *_distances(subject, distance),
        *_reactions(subject, proven),
    ]
    by_source: dict[str, Verdict] = dict.fromkeys(proven, "genuine")
    by_source.update(dict.fromkeys((one for one in subject.sources if is_impossible(one)), "spoofed"))
    odds = total_odds(reasons, prior=PRIOR, cap=CAP)
    return _concluded(subject, reasons, odds=odds, by_source=by_source)


def _concluded(subject: Subject, reasons: list[Reason], *, odds: float, by_source: dict[str, Verdict]) -> Spoofing:
    verdict: Verdict = "undecided"
    everyone_proven = subject.sources_total == list(by_source.values()).count("genuine")
    if odds >= VERDICT:
        verdict = "spoofed"
    elif everyone_proven or (odds <= -VERDICT and _only_missing_repeated(subject)):
        verdict = "genuine"
        odds = min(odds, -VERDICT)
    words = tuple(one.words for one in sorted(reasons, key=lambda one: -abs(one.log10_odds)))
    kept = {address: said for address, said in by_source.items() if said != verdict}
    return Spoofing(verdict, round(probability(abs(odds)), 4), words or (_NOTHING,), round(odds, 3), kept)


_NOTHING: Final = "nothing in this capture tells a forged source from a genuine one"


def is_impossible(address: str) -> bool:
    """Tell whether no packet from another network can truly come from this address."""
    return any(ip_address(address) in network for network in IMPOSSIBLE)


def receives_answers(answers: AnswersSeen, address: str) -> bool:
    """Tell whether someone who receives what is sent to the address completed handshakes."""
    return answers.completed_handshakes.get(address, 0) >= ENOUGH_HANDSHAKES


def _impossible(sources: Iterable[str]) -> list[Reason]:
    found = [address for address in sources if is_impossible(address)]
    if not found:
        return []
    named = ", ".join(found[:3]) + (" and others" if len(found) > 3 else "")
    words = f"{named}: no host can have this address on another network (RFC 6890), unless the capture was rewritten"
    return [Reason(words, 1.0 if len(found) == 1 else 1.6)]


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
        return [Reason(words, min(2.0, sender.log10_odds))]
    return []


def _distances(subject: Subject, distance: Distance) -> list[Reason]:
    """Compare how far the probes came with how far the live host at the address is."""
    found = []
    for address in subject.sources:
        for ttls, what in (
            (subject.answers.rst_ttls.get(address, ()), "resets to our SYN+ACK"),
            (subject.answers.other_ttls.get(address, ()), "other packets"),
        ):
            if ttls and distance.hypotheses:
                found.append(_distance(address, ttls, what=what, distance=distance))
    if not found:
        return []
    heaviest = max(found, key=lambda one: one.log10_odds)
    return [heaviest]


def _distance(address: str, ttls: tuple[int, ...], *, what: str, distance: Distance) -> Reason:
    near = {
        initial - ttl + off
        for ttl in ttls
        for initial in (64, 128, 255)
        if 0 <= initial - ttl <= 32
        for off in range(-TOLERANCE, TOLERANCE + 1)
    }
    agreeing = distance.chance(near)
    shown = ", ".join(str(ttl) for ttl in ttls[:3])
    if agreeing >= 0.5:
        words = f"the {what} of {address} (TTL {shown}) come from as far as the probes: weak evidence for a genuine one"
        return Reason(words, -0.3)
    if agreeing <= 0.05:
        words = f"the {what} of {address} (TTL {shown}) come from another distance than the probes"
        return Reason(words, 0.9)
    return Reason(f"the {what} of {address} (TTL {shown}) leave its distance open", 0.0)


def _reactions(subject: Subject, proven: set[str]) -> list[Reason]:
    found = []
    if proven:
        names = ", ".join(sorted(proven)[:3]) + (" and others" if len(proven) > 3 else "")
        words = f"{names} completed handshakes: only who receives what is sent to the address, or sits on the path, can"
        found.append(Reason(words, -3.0 * len(proven) / subject.sources_total))
    if _only_missing_repeated(subject):
        again, ports = subject.answers.unanswered_again
        words = (
            f"{again:,} of {ports:,} silent ports were probed again, of the {_answered(subject):,} that answered none"
        )
        found.append(Reason(f"{words}: the sender sees the answers", -2.0))
    return found


def _answered(subject: Subject) -> int:
    return subject.answers.answered_again[1]


def _only_missing_repeated(subject: Subject) -> bool:
    """Tell whether the sender repeats what stayed silent and nothing else: it sees the answers, from one source."""
    again, silent = subject.answers.unanswered_again
    repeated, answered = subject.answers.answered_again
    return subject.sources_total == 1 and answered >= 5 and repeated == 0 and silent >= 5 and again >= 0.8 * silent
