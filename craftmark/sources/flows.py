"""Records of flows: what a record of many packets shows of single ones, written as up to three rows.

A record (NetFlow, a connection log) sums up what two ends sent. Shown of it are the packet that opened the flow, the
first answer, and one packet inside a connection that was made: the rest is counted and not guessed. Control bits are
the OR over a direction's packets; they are told for a row only where they follow: of one packet alone, of the opening
SYN (RFC 9293 section 3.5: the segment that opens has no ACK), of the acknowledgments inside a connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from craftmark.packets import fields as f
from craftmark.sources.shown import write_shown, write_tight

if TYPE_CHECKING:
    from craftmark.sources.textlines import PacketLog

#: A TCP segment without payload has at most 60 octets of each header; more on average means that data were carried.
_EMPTY_SEGMENT: Final = 60
# When the later packets came is not told; that they came after the first is.
_LATER_NS: Final = 1
_ECN: Final = f.ECE | f.CWR
_ECHO_REPLY: Final = {f.ICMP: (8, 0), f.ICMP6: (128, 129)}


@dataclass(slots=True)
class Flow:
    """One record: the ends, what its packets show, and how many each end sent (None: not told).

    words: ports, or ICMP's type and code, as the source's packets show them, and what else is the same in all of them.
    bits, answer_bits: control bits that any packet of the source, and of the target, had. octets: of the source, with
    IP headers.
    """

    pair: tuple[bytes, bytes]
    protocol: int
    words: dict[int, int] = field(default_factory=dict)
    bits: int | None = None
    packets: int | None = None
    octets: int | None = None
    answers: int = 0
    answer_bits: int | None = None


def opening_bits(bits: int | None, packets: int | None) -> int | None:
    """Return the control bits of a flow's first packet, None where they do not follow."""
    if bits is None or packets == 1 or bits in (0, f.SYN):
        return bits
    if bits & f.SYN:
        return None if bits & _ECN else f.SYN
    return f.ACK_BIT if bits & f.ACK_BIT else None


def answering_bits(bits: int | None, packets: int) -> int | None:
    """Return the control bits of the first answer, None where they do not follow."""
    if bits is None or packets == 1:
        return bits
    if bits & f.SYN:
        return bits & (f.SYN | f.ACK_BIT)
    return bits & (f.RST | f.ACK_BIT) or None


def inner_bits(flow: Flow) -> int | None:
    """Return the control bits of a packet that the source sent inside the connection, None if it is known of none."""
    if flow.protocol != f.TCP or (flow.packets or 0) < 2:
        return None
    if flow.octets is not None and flow.octets > _EMPTY_SEGMENT * (flow.packets or 0):
        return f.ACK_BIT
    if flow.bits is None or not flow.bits & f.SYN:
        return None
    if flow.bits & f.ACK_BIT:
        return f.ACK_BIT
    return f.RST if flow.bits & f.RST else None


def write_flow(log: PacketLog, flow: Flow, ts_ns: int, notes: int = 0, *, goes_on: bool = False) -> str:
    """Write a record's rows; return what is wrong, "" if nothing is. ``notes`` are NOTE_ bits of its time.

    goes_on: another record has told of the flow's first packet.
    """
    bits = opening_bits(flow.bits, flow.packets)
    words = dict(flow.words)
    if flow.packets == 1 and flow.octets is not None:
        words[f.IP_LEN] = flow.octets - (40 if b":" in flow.pair[0] else 0)
    fault = "" if goes_on else _row(log, flow, flow.pair, words, bits, ts_ns, notes)
    if fault:
        return fault
    inner = inner_bits(flow)
    if inner is not None:
        _row(log, flow, flow.pair, flow.words, inner, ts_ns + _LATER_NS, f.NOTE_NO_TIME)
    if flow.answers:
        _answer(log, flow, ts_ns + _LATER_NS)
    return ""


def _answer(log: PacketLog, flow: Flow, ts_ns: int) -> None:
    bits = answering_bits(flow.answer_bits, flow.answers)
    if flow.protocol == f.TCP and bits is None:
        return
    words: dict[int, int] = {}
    if flow.protocol in _ECHO_REPLY:
        ask, reply = _ECHO_REPLY[flow.protocol]
        if flow.words.get(f.ICMP_TYPE) != ask:
            return
        words = {f.ICMP_TYPE: reply, f.ICMP_CODE: 0}
    elif f.SPORT in flow.words and f.DPORT in flow.words:
        words = {f.SPORT: flow.words[f.DPORT], f.DPORT: flow.words[f.SPORT]}
    _row(log, flow, (flow.pair[1], flow.pair[0]), words, bits, ts_ns, f.NOTE_NO_TIME)


def _row(  # noqa: PLR0913, PLR0917 - one row's parts
    log: PacketLog, flow: Flow, pair: tuple[bytes, bytes], words: dict[int, int], bits: int | None, ts_ns: int,
    notes: int,
) -> str:  # fmt: skip
    rows = log.rows
    fault = write_shown(rows, pair, flow.protocol, words)
    if fault:
        rows.drop_row()
        return fault
    if flow.protocol == f.TCP and bits is not None:
        rows.put(f.TCP_FLAGS, bits)
    write_tight(rows, flow.protocol)
    rows.note(notes)
    log.finish_packet(ts_ns)
    return ""
