"""What would have come back: the answer to a probe, per stack and state of its port.

The base is what the standards say, cited by section: for TCP the segment-arrives procedure of RFC 9293 section 3.10.7,
which looks at the control bits alone as long as no connection exists. Beside it stand the measured and documented rows
of ``knowledge/stacks``. An answer is "none", "rst", "rst+ack", "reset" (with or without ACK), "syn+ack",
"syn+ack+ece", "ack", "icmp TYPE/CODE", "icmp6 TYPE/CODE", or a reply by name ("echo reply"); "or none" where the
standard leaves it to the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

from craftmark.packets.fields import ACK_BIT, ARP, ICMP, ICMP6, RST, SCTP, SYN, TCP, UDP
from craftmark.stacks.stack import PORT_STATES, stacks

if TYPE_CHECKING:
    from craftmark.stacks.stack import Form, PortState, Stack, StackState

TcpState = Literal["closed", "listen", "syn-sent", "established", "time-wait"]

#: The stack named in rows that follow from the standards alone.
BY_STANDARD: Final = "a stack that follows the standard"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one stack answers to a probe in one state, and where that is known from.

    state: "open", "closed" or "filtered"; without ports, "open" is a host that speaks the protocol. ``rule`` names the
    filter rule the row was measured behind, "" for none. ``basis`` tells a standard's word from a measurement and
    from a text; ``header`` is the answer's header where it was measured.
    """

    stack: str
    state: PortState
    answer: str
    source: str
    rule: str = ""
    basis: Literal["standard", "measured", "documented"] = "standard"
    header: Form | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a procedure: the answer, the section that says so, and the segment's form where there is one."""

    answer: str
    section: str
    form: str = ""


_CLOSED = "RFC 9293 section 3.10.7.1"
_LISTEN = "RFC 9293 section 3.10.7.2"
_SYN_SENT = "RFC 9293 section 3.10.7.3"
_OTHER = "RFC 9293 section 3.10.7.4"


def segment_arrives(state: TcpState, control_bits: int) -> Answer:
    """Return what RFC 9293 section 3.10.7 answers to a segment, by its control bits alone.

    "established" and "time-wait" meet a segment outside the window of an existing connection, as one with made-up
    numbers nearly always is; "syn-sent" one whose acknowledgment number, if any, acknowledges nothing. Data and options
    never change which answer it is.
    """
    if state == "closed":
        return _at_closed(control_bits)
    if state == "listen":
        return _at_listen(control_bits)
    if state == "syn-sent":
        return _at_syn_sent(control_bits)
    if control_bits & RST:
        return Answer("none", _OTHER)
    return Answer("ack", _OTHER, "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>")


def _at_closed(control_bits: int) -> Answer:
    if control_bits & RST:
        return Answer("none", _CLOSED)
    if control_bits & ACK_BIT:
        return Answer("rst", _CLOSED, "<SEQ=SEG.ACK><CTL=RST>")
    return Answer("rst+ack", _CLOSED, "<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>")


def _at_listen(control_bits: int) -> Answer:
    if control_bits & RST:
        return Answer("none", _LISTEN)
    if control_bits & ACK_BIT:
        return Answer("rst", _LISTEN, "<SEQ=SEG.ACK><CTL=RST>")
    if control_bits & SYN:  # FIN or data beside it wait for SYN-RECEIVED
        return Answer("syn+ack", _LISTEN, "<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>")
    return Answer("none", _LISTEN)


def _at_syn_sent(control_bits: int) -> Answer:
    if control_bits & RST:
        return Answer("none", _SYN_SENT)
    if control_bits & ACK_BIT:
        return Answer("rst", _SYN_SENT, "<SEQ=SEG.ACK><CTL=RST>")
    if control_bits & SYN:  # both sides open at once
        return Answer("syn+ack", _SYN_SENT, "<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>")
    return Answer("none", _SYN_SENT)


def predict(
    protocol: int,
    control_bits: int | None,
    *,
    icmp: tuple[int, int] | None = None,
    has_payload: bool = False,
    ip_version: int = 4,
) -> list[Prediction]:
    """Return what each known stack answers to such a probe, the standard's word first.

    The other rows are for TCP over IPv4. With a payload a measured row is left out where nobody measured one: the
    standard answers alike with and without.
    """
    rows = _by_standard(protocol, control_bits, icmp=icmp, ip_version=ip_version)
    if protocol == TCP and control_bits is not None and ip_version == 4:
        known = (_known(stack, state, control_bits, has_payload=has_payload) for stack, state in _port_states())
        rows.extend(row for row in known if row is not None)
    return rows


def _port_states() -> list[tuple[Stack, StackState]]:
    return [(stack, state) for stack in stacks() for state in stack.states if state.state in PORT_STATES]


def _known(stack: Stack, state: StackState, control_bits: int, *, has_payload: bool) -> Prediction | None:
    line = state.rule_for(control_bits)
    unmeasured = has_payload and stack.basis == "measured" and "payload" not in state.same_with
    if line is None or unmeasured:
        return None
    version = stack.version if stack.basis == "measured" else ""
    name = f"{stack.name} {version}".strip() + (f" ({state.rule})" if state.rule else "")
    return Prediction(
        name, cast("PortState", state.state), line.answer, stack.source, state.rule, stack.basis, stack.form(line)
    )


def _by_standard(
    protocol: int, control_bits: int | None, *, icmp: tuple[int, int] | None, ip_version: int
) -> list[Prediction]:
    if protocol == TCP:
        answers = _tcp(control_bits)
    elif protocol in (ICMP, ICMP6):
        answers = _icmp(protocol, icmp)
    elif protocol == UDP:
        answers = _udp(ip_version)
    elif protocol == ARP:
        answers = {"open": Answer("arp reply", "RFC 826"), "closed": Answer("none", "RFC 826")}
    elif protocol == SCTP:
        answers = _sctp()
    else:
        answers = _unknown_protocol(ip_version)
    if answers and protocol != ARP:
        answers["filtered"] = Answer("none", "a filter that drops without a word")
    return [Prediction(BY_STANDARD, state, said.answer, said.section) for state, said in answers.items()]


def _tcp(control_bits: int | None) -> dict[PortState, Answer]:
    if control_bits is None:
        return {}
    return {"open": segment_arrives("listen", control_bits), "closed": segment_arrives("closed", control_bits)}


def _udp(ip_version: int) -> dict[PortState, Answer]:
    closed = Answer("icmp6 1/4", "RFC 4443 section 3.1")
    if ip_version == 4:
        closed = Answer("icmp 3/3", "RFC 1122 section 4.1.3.1")
    service = Answer("udp reply or none", "RFC 768: whether a service replies is its own matter")
    return {"open": service, "closed": closed}


def _sctp() -> dict[PortState, Answer]:
    """Answers to an INIT, the first chunk of any association; for other chunks see RFC 9260 section 8.4."""
    return {
        "open": Answer("init-ack", "RFC 9260 section 5.1, for an INIT"),
        "closed": Answer("abort", "RFC 9260 section 5.1, for an INIT"),
    }


def _unknown_protocol(ip_version: int) -> dict[PortState, Answer]:
    closed = Answer("icmp6 4/1", "RFC 8200 section 4, RFC 4443 section 3.4")
    if ip_version == 4:
        closed = Answer("icmp 3/2", "RFC 1122 section 3.2.2.1")
    return {"open": Answer("none", "a host that speaks the protocol owes no answer"), "closed": closed}


_REQUESTS: Final = {
    8: Answer("echo reply", "RFC 1122 section 3.2.2.6"),
    13: Answer("timestamp reply or none", "RFC 1122 section 3.2.2.8: a host may answer"),
    15: Answer("none", "RFC 1122 section 3.2.2.7: obsolete, a host should not answer"),
    17: Answer("none", "RFC 1122 section 3.2.2.9: only an authoritative agent for address masks answers"),
}


def _icmp(protocol: int, icmp: tuple[int, int] | None) -> dict[PortState, Answer]:
    if icmp is None:
        return {}
    if protocol == ICMP6:
        if icmp[0] == 128:
            return {"open": Answer("echo reply", "RFC 4443 section 4.2")}
        return {"open": Answer("none", "RFC 4443 section 2.4: errors, replies and unknown informational messages")}
    return {"open": _REQUESTS.get(icmp[0], Answer("none", "RFC 1122 section 3.2.2: no request, or an unknown type"))}
