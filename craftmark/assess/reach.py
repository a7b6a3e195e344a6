"""What the sender could learn from the answers, from what stacks answer and from what came back here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.assess.base import Claim
from craftmark.assess.told import what_can_be_told, what_was_told
from craftmark.packets.fields import ARP, ICMP, ICMP6, TCP, control_bits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.assess.base import AnswersSeen, Subject
    from craftmark.assess.told import Distinguished, Told
    from craftmark.stacks.respond import Prediction


@dataclass(frozen=True, slots=True)
class Reach:
    """What one kind of probe can tell its sender on hosts that follow the standards, and beyond.

    tells_ports: open and closed ports answer differently. tells_host: some state of a live host answers. nothing: no
    answer from any host that follows the standards. exceptions: stacks and filter rules that answer nevertheless, or
    otherwise, in words. text: all of it for a reader. told: what the answers in the capture told, answer by answer.
    distinguishes: which states of a port each known stack's answers tell apart.
    """

    text: str
    tells_ports: bool
    tells_host: bool
    tells_rules: bool
    nothing: bool
    exceptions: tuple[str, ...]
    told: tuple[Told, ...] = ()
    distinguishes: tuple[Distinguished, ...] = ()


def assess_reach(subject: Subject, predictions: Sequence[Prediction]) -> Reach:
    """Return what a scan could teach its sender, by its most frequent kind of probe."""
    standard: dict[str, str] = {row.state: row.answer for row in predictions if row.basis == "standard"}
    opened, closed = standard.get("open", "none"), standard.get("closed", standard.get("open", "none"))
    tells_ports = "closed" in standard and opened != closed
    tells_host = any(answer != "none" for answer in standard.values())
    rules = tuple(row for row in predictions if row.rule.startswith("REJECT") and row.answer != "none")
    exceptions = _exceptions(predictions, standard) if subject.main.protocol == TCP else ()
    words = [_of_standard(subject, standard, tells_ports=tells_ports, tells_host=tells_host)]
    if exceptions and not tells_host:
        words.append(f"Known exceptions: {'; '.join(exceptions)}.")
        words.append("It can find such filter rules and stacks, but not open ports on hosts that follow the standard.")
    words.append(_of_answers(subject))
    return Reach(
        text=" ".join(word for word in words if word),
        tells_ports=tells_ports,
        tells_host=tells_host,
        tells_rules=bool(rules) or tells_host,
        nothing=bool(standard) and not tells_host,
        exceptions=exceptions,
        told=what_was_told(subject, predictions),
        distinguishes=what_can_be_told(subject, predictions),
    )


def bits_in_prose(value: int | None) -> str:
    """Return control bits as prose writes them: FIN+RST+PSH, or null."""
    return "+".join(control_bits(value)) or "null" if value is not None else ""


def _of_standard(subject: Subject, standard: dict[str, str], *, tells_ports: bool, tells_host: bool) -> str:
    protocol = subject.main.protocol
    if not standard:
        return "What these probes could tell cannot be said: the fields that decide on an answer are not visible."
    if protocol == TCP:
        return _of_tcp(subject, standard, tells_ports=tells_ports, tells_host=tells_host)
    if protocol in (ICMP, ICMP6, ARP):
        answer = standard["open"]
        if answer == "none":
            return "Nothing: no host that follows the standard answers this message."
        return f"Which hosts are up: a live host sends {_named(answer)}, unless a filter drops the probe."
    if protocol == 17:
        closed = _named(standard["closed"])
        return (
            f"Closed ports send {closed}; open ports answer only if the service knows the request, "
            "so silence is an open or a filtered port."
        )
    answers = f"open: {_named(standard['open'])}, closed: {_named(standard['closed'])}"
    return f"Whether the port or protocol is served ({answers})."


def _of_tcp(subject: Subject, standard: dict[str, str], *, tells_ports: bool, tells_host: bool) -> str:
    bits = bits_in_prose(subject.main.control_bits)
    opened, closed = standard["open"], standard["closed"]
    if tells_ports and opened != "none":
        return (
            f"Which ports are open, closed or filtered: {bits} gets {_named(opened)} from an open port, "
            f"{_named(closed)} from a closed one, and silence from a filter that drops."
        )
    if tells_ports:
        return (
            f"Which ports are closed: {bits} gets {_named(closed)} from a closed port, and silence from an open one as "
            "from a filter that drops, so open and filtered look alike."
        )
    if tells_host:
        return (
            f"Which hosts are up and what a filter lets through: {bits} gets {_named(opened)} from open and closed "
            "ports alike, and silence from a filter that drops. Of open ports it tells nothing."
        )
    why = " (RST in LISTEN and CLOSED is dropped)" if "RST" in bits else ""
    return (
        f"Nothing about ports: no stack that follows RFC 9293 answers {bits}, open or closed{why}, "
        "and neither does a filter that drops."
    )


def _exceptions(predictions: Sequence[Prediction], standard: dict[str, str]) -> tuple[str, ...]:
    """Return who answers otherwise than the standard, grouped by stack or rule and answer."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in predictions:
        if row.basis != "standard" and row.answer != standard.get(row.state, "none"):
            grouped.setdefault((row.stack, row.answer), []).append(row.state)
    found = []
    for (stack, answer), states in grouped.items():
        where = "" if states == ["filtered"] else f" ({' and '.join(states)} ports)"
        found.append(f"{stack} answers {_named(answer)}{where}")
    return tuple(found)


_NAMES = {
    "none": "nothing",
    "reset": "RST",
    "rst": "RST",
    "rst+ack": "RST+ACK",
    "syn+ack": "SYN+ACK",
    "syn+ack+ece": "SYN+ACK+ECE",
    "ack": "ACK",
    "icmp 3/2": "ICMP 3/2 (protocol unreachable)",
    "icmp 3/3": "ICMP 3/3 (port unreachable)",
    "icmp 3/13": "ICMP 3/13 (administratively prohibited)",
    "icmp6 1/4": "ICMPv6 1/4 (port unreachable)",
    "icmp6 4/1": "ICMPv6 4/1 (unrecognized next header)",
    "echo reply": "an echo reply",
    "arp reply": "an ARP reply",
    "init-ack": "INIT ACK",
    "abort": "ABORT",
}


def _named(answer: str) -> str:
    return _NAMES.get(answer, f"a {answer}")


def _of_answers(subject: Subject) -> str:
    answers, probes = subject.answers, subject.probes
    if answers.answered_probes:
        kinds = ", ".join(f"{count:,} {_kind(kind)}" for kind, count in _by_count(answers))
        return f"In this capture {answers.answered_probes:,} of {probes:,} probes were answered ({kinds})."
    if answers.both_ways:
        return f"In this capture none of the {probes:,} probes was answered."
    return "The capture holds no packets from the targets: whether anything was answered cannot be seen here."


def _kind(kind: str) -> str:
    return _NAMES.get(kind, kind).removeprefix("an ")


def _by_count(answers: AnswersSeen) -> list[tuple[str, int]]:
    counts = ((kind, count) for kind, count in answers.counts.items() if count and kind != "none")
    return sorted(counts, key=lambda item: (-item[1], item[0]))


def claim_of_reach(subject: Subject, reach: Reach, predictions: Sequence[Prediction]) -> Claim | None:
    """Return the claim that such packets cannot tell anything of ports; None where they can."""
    if not reach.nothing or subject.main.protocol != TCP:
        return None
    bits = bits_in_prose(subject.main.control_bits)
    by_standard = tuple(f"{row.state} port: nothing, {row.source}" for row in predictions if row.basis == "standard")
    silent = sum(row.answer == "none" for row in predictions if row.basis == "measured")
    measured = sum(row.basis == "measured" for row in predictions)
    agreeing = (
        (f"{silent} of {measured} measured states of real stacks and filters answer nothing",) if measured else ()
    )
    against = reach.exceptions
    if subject.answers.answered_probes:
        against = (*against, f"{subject.answers.answered_probes:,} probes of this scan were answered")
    return Claim(
        about=subject.id,
        statement=f"No stack that follows RFC 9293 answers {bits}, open or closed: the scan can learn nothing of ports",
        confidence="strong" if not subject.answers.answered_probes else "fair",
        for_=by_standard + agreeing,
        against=against,
        settled_by="the same packets sent to an open and a closed port of the target itself, watching what comes back",
        packets=subject.first_packets,
    )
