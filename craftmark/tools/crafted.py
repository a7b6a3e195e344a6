"""Marks that no standard stack makes: why packets must have been written by a program that builds its own headers.

Each reason is a rule of a standard that every stack keeps (RFC 9293 for TCP, RFC 6528 for initial sequence numbers,
RFC 6864 for the IP ID), with the count it was broken in. No tool is named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.packets.fields import (
    ACK_BIT,
    CWR,
    ECE,
    FIN,
    ICMP,
    IP_DST,
    IP_SRC,
    NOTE_CUT,
    NOTE_FIRST_FRAGMENT,
    NOTES,
    PSH,
    RST,
    SYN,
    TCP,
    UDP,
    URG,
)
from craftmark.tools.wording import bits_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from craftmark.tools.sight import Sight

#: Probes from which a value that never changes is a mark.
MANY: Final = 8
#: Probes from which one IP ID is a mark: sixteen random bits say more than a port.
SOME: Final = 4
#: No standard stack sends datagrams with a TTL above this.
STACK_TTL: Final = 128
#: TTLs of one source farther apart than this were drawn, not routed.
DRAWN_SPREAD: Final = 8
DF: Final = 2
#: Ports below this are given out only to who asks for one, and how many of them, beside others, are no accident.
EPHEMERAL: Final = 1024
LOW_PORTS: Final = 3
#: Fields that a stack fills by itself: no program's rand() gets there but through headers of its own.
OF_THE_STACK: Final = frozenset({"ip_id", "tcp_seq"})
#: Share of the probes in which what is told of a sequence number holds.
NEARLY_ALL: Final = 0.9
#: Fields of which a stack makes its initial sequence number, by a secret hash.
CONNECTION: Final = frozenset({"tcp_seq", "tcp_sport", "tcp_dport", "ip_src", "ip_dst"})
#: Octets of the header of an echo request.
ECHO_HEADER: Final = 8
#: Octets of data that ping sends unless told, at least.
PING_DATA: Final = 32
#: Type and code of an echo request.
ECHO: Final = (8, 0)
#: How far a counter of IP IDs kept for one target gets at most: Linux adds up to one a tick (1,000 a second) and one a
#: packet; half of that again for a clock that is off. Pairs farther apart in time than PAIR_NS tell nothing.
ID_PER_SECOND: Final = 2000
ID_SLACK: Final = 64
PAIR_NS: Final = 5_000_000_000
#: Share of pairs that keep so close: drawn ones do by chance in at most a sixth.
NEAR_SHARE: Final = 0.25


def crafted_reasons(sight: Sight) -> list[str]:
    """Return every reason why no standard stack sent these probes."""
    tests: dict[int, tuple[Callable[[Sight], str], ...]] = {
        TCP: (
            _bits,
            _bare_syn,
            _ack_number,
            _urgent,
            _small_window,
            _one_isn,
            _told_isn,
            _one_sequence,
            _reserved,
            _tiny_fragments,
        ),
        UDP: (_no_checksum, _high_ttl),
        ICMP: (_icmp_identifiers, _icmp_counter, _empty_echo, _short_echo, _drawn_echo_ip_id),
    }
    reasons = [test(sight) for test in tests.get(sight.dossier.protocol, ())]
    reasons += [_one_ip_id(sight), _drawn_ttl(sight), _drawn_ports(sight), _drawn_by_a_library(sight)]
    return [reason for reason in reasons if reason]


def stack_bits(bits: int) -> bool:
    """Tell whether a stack that keeps RFC 9293 and RFC 3168 sends segments with these control bits."""
    if bits & ~ECE & ~CWR == SYN:
        return bits in (SYN, SYN | ECE | CWR)
    if bits & SYN:
        return bits in (SYN | ACK_BIT, SYN | ACK_BIT | ECE)
    if bits & RST:
        return bits in (RST, RST | ACK_BIT)
    return bool(bits & ACK_BIT)


def _bits(sight: Sight) -> str:
    bits = sight.dossier.control_bits
    if bits is None or stack_bits(bits):
        return ""
    what = "no control bits" if bits == 0 else f"control bits {bits_text(bits)}"
    return f"{what} in {sight.dossier.probes:,} of {sight.dossier.probes:,}: no stack sends them ({_bits_rule(bits)})"


def _bits_rule(bits: int) -> str:
    if bits & SYN and bits & (FIN | RST):
        return "SYN opens, FIN and RST end a connection, RFC 9293 section 3.5"
    if bits & FIN and bits & RST:
        return "FIN closes and RST aborts, never both, RFC 9293 section 3.6"
    if bits & ACK_BIT == 0 and bits & (FIN | PSH | URG):
        return "all segments but SYN and RST carry ACK, RFC 9293 section 3.1"
    return "RFC 9293 section 3.10.7" if bits else "every segment has SYN, RST or ACK, RFC 9293 section 3.10.7"


def _bare_syn(sight: Sight) -> str:
    dossier = sight.dossier
    if dossier.control_bits is None or dossier.control_bits & (SYN | RST | FIN | ACK_BIT) != SYN:
        return ""
    return f"SYN without any option in {dossier.probes:,}: stacks announce their MSS" if dossier.layout == () else ""


def _ack_number(sight: Sight) -> str:
    bits, ack = sight.dossier.control_bits, sight.field("tcp_ack")
    if bits is None or bits & ACK_BIT or ack is None or ack.maximum == 0:
        return ""
    what = f"= {ack.minimum}" if ack.constant is not None else f"of {ack.distinct:,} values"
    return f"acknowledgment number {what} without ACK in {ack.seen:,}: it means nothing there (RFC 9293 section 3.1)"


def _urgent(sight: Sight) -> str:
    bits, pointer = sight.dossier.control_bits, sight.field("tcp_urp")
    if bits is None or bits & URG or pointer is None or pointer.maximum == 0:
        return ""
    return f"urgent pointer set without URG in {pointer.seen:,} (RFC 9293 section 3.1)"


def _small_window(sight: Sight) -> str:
    bits, window, mss = sight.dossier.control_bits, sight.field("tcp_win"), sight.field("tcp_mss")
    if bits is None or not bits & SYN or window is None or mss is None or window.maximum >= mss.minimum:
        return ""
    return f"window {window.maximum} smaller than the sender's own MSS {mss.minimum} in {window.seen:,} SYNs"


def _one_isn(sight: Sight) -> str:
    bits, seq = sight.dossier.control_bits, sight.field("tcp_seq")
    if bits is None or not bits & SYN or seq is None or seq.constant is None or sight.targets < MANY:
        return ""
    return (
        f"one initial sequence number 0x{seq.constant:X} for {sight.targets:,} different targets: stacks draw one per "
        "connection (RFC 6528)"
    )


def _told_isn(sight: Sight) -> str:
    """Return a relation that tells the initial sequence number from what else stands in the header."""
    bits = sight.dossier.control_bits
    if bits is None or not bits & SYN or bits & ACK_BIT:
        return ""
    for mark in sight.marks:
        of_connection = "tcp_seq" in mark.fields and CONNECTION.issuperset(mark.fields)
        if mark.kind == "relation" and of_connection and mark.held >= NEARLY_ALL * mark.seen:
            return (
                f"{mark.statement} in {mark.held:,} of {mark.seen:,}: a stack's initial sequence number cannot be told "
                "from the header (RFC 6528)"
            )
    return ""


def _one_sequence(sight: Sight) -> str:
    bits, seq = sight.dossier.control_bits, sight.field("tcp_seq")
    # A refusal of what came without ACK has sequence number 0 in every connection.
    if bits is None or bits & (SYN | RST) or seq is None or seq.constant is None or sight.connections < MANY:
        return ""
    return (
        f"one sequence number 0x{seq.constant:X} in {sight.connections:,} different connections: each counts from a "
        "number of its own (RFC 6528)"
    )


def _reserved(sight: Sight) -> str:
    reserved = sight.field("tcp_reserved")
    # The lowest reserved bit is used by accurate ECN; the others are nobody's.
    if reserved is None or reserved.ever_one & 0b1110 == 0:
        return ""
    return f"reserved bits {reserved.maximum} set in {reserved.seen:,}: must be zero (RFC 9293 section 3.1)"


def _tiny_fragments(sight: Sight) -> str:
    notes = sight.dossier.sample.words[:, NOTES]
    is_tiny = (notes & (NOTE_FIRST_FRAGMENT | NOTE_CUT)) == NOTE_FIRST_FRAGMENT
    if sight.dossier.control_bits is not None or not len(notes) or not is_tiny.all():
        return ""
    return (
        f"first fragments that end within the TCP header in {len(notes):,} of {len(notes):,}: every network passes "
        "68 octets whole (RFC 791 section 3.2)"
    )


def _no_checksum(sight: Sight) -> str:
    checksum = sight.field("udp_sum")
    if checksum is None or checksum.constant != 0 or sight.dossier.ip_version != 4 or checksum.seen < MANY:
        return ""
    return f"UDP checksum 0 in {checksum.seen:,} of {checksum.seen:,}: stacks compute it (RFC 1122 section 4.1.3.4)"


def _high_ttl(sight: Sight) -> str:
    ttl = sight.field("ip_ttl")
    if ttl is None or ttl.minimum <= STACK_TTL or sight.draws < MANY:
        return ""
    return f"datagrams that arrive with TTL {ttl.minimum} in {ttl.seen:,}: systems send 64 or 128 unless a program asks"


def _icmp_identifiers(sight: Sight) -> str:
    identifier = sight.field("icmp_id")
    if (
        identifier is None
        or sight.draws < MANY
        or identifier.distinct * 2 < min(sight.draws, len(sight.dossier.sample))
        or _first_of_each_run(sight)
    ):
        return ""
    return (
        f"a new ICMP identifier in nearly every probe ({identifier.distinct:,} in {identifier.seen:,}): ping keeps one"
    )


def _first_of_each_run(sight: Sight) -> bool:
    """Tell whether all may be the first request of a ping each: sequence number 0 or 1, and the data of a ping."""
    counter, length = sight.field("icmp_seq"), sight.field("payload_len")
    first = counter is not None and counter.constant in (0, 1)
    return first and length is not None and length.minimum >= PING_DATA


def _icmp_counter(sight: Sight) -> str:
    counter = sight.field("icmp_seq")
    if counter is None or counter.distinct < MANY or counter.stride == 0 or counter.stride % 256:
        return ""
    held, seen = sight.steps("icmp_seq", 256)
    return f"ICMP sequence number counted in the wrong byte order in {held:,} of {seen:,} steps" if held else ""


def _empty_echo(sight: Sight) -> str:
    length = sight.field("payload_len")
    if length is None or length.maximum > 0 or sight.dossier.icmp != ECHO or length.seen < MANY:
        return ""
    return f"echo requests without data in {length.seen:,} of {length.seen:,}: ping sends 32 or 56 bytes unless told"


def _short_echo(sight: Sight) -> str:
    length, header = sight.field("ip_len"), sight.field("ip_ihl")
    if length is None or header is None or header.constant is None or sight.dossier.icmp != ECHO:
        return ""
    octets = length.maximum - 4 * header.constant
    if length.unseen or octets >= ECHO_HEADER:
        return ""
    return f"echo requests of {octets} octets in {length.seen:,}: the header alone has {ECHO_HEADER} (RFC 792)"


def _drawn_echo_ip_id(sight: Sight) -> str:
    """Return why IP IDs of echo requests with DF were drawn: to each of many targets they jump.

    Stacks that set DF on echo requests send 0 or count for each target; OpenBSD's ``ping -D`` draws, to one target.
    """
    flags, ip_id = sight.field("ip_flags"), sight.field("ip_id")
    if sight.dossier.icmp != ECHO or not sight.dossier.has_time or ip_id is None or ip_id.unseen:
        return ""
    if flags is None or not flags.always_one & DF:
        return ""
    steps, gaps_ns, targets = _pairs_of_one_target(sight)
    near = int(np.count_nonzero(steps * 1_000_000_000 <= gaps_ns * ID_PER_SECOND + ID_SLACK * 1_000_000_000))
    if targets < MANY or near >= NEAR_SHARE * len(steps):
        return ""
    return (
        f"IP IDs that jump between two echo requests to one target in {len(steps) - near:,} of {len(steps):,}, with "
        "DF: stacks that set it count for each target, or send 0 (RFC 6864 section 4.1)"
    )


def _pairs_of_one_target(sight: Sight) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the step of the IP ID and the time between probes of one source to one target, and of how many targets."""
    batch = sight.dossier.sample
    ends = batch.words[:, [IP_SRC, IP_DST]]
    order = np.lexsort((batch.ts_ns, ends[:, 1], ends[:, 0]))
    gaps_ns = np.diff(batch.ts_ns[order])
    kept = (ends[order][1:] == ends[order][:-1]).all(axis=1) & (gaps_ns <= PAIR_NS)
    ip_ids = batch.column("ip_id")[order].astype(np.int64)
    steps = (ip_ids[1:] - ip_ids[:-1]) & 0xFFFF
    return steps[kept], gaps_ns[kept], len(np.unique(ends[order][1:][kept], axis=0))


def _one_ip_id(sight: Sight) -> str:
    ip_id, flags = sight.field("ip_id"), sight.field("ip_flags")
    if ip_id is None or ip_id.constant is None or sight.draws < SOME:
        return ""
    if flags is not None and flags.always_one & DF:
        return ""
    if flags is None and ip_id.constant == 0:
        return ""
    return (
        f"one IP ID {ip_id.constant} in {ip_id.seen:,} of {ip_id.seen:,} probes that may be fragmented: a sender "
        "may not repeat it (RFC 6864 section 4.2)"
    )


def _drawn_ports(sight: Sight) -> str:
    name = {TCP: "tcp_sport", UDP: "udp_sport"}.get(sight.dossier.protocol)
    if name is None or sight.dossier.sources_total > 1 or sight.field(name) is None:
        return ""
    ports = np.unique(sight.values(name))
    low = int((ports < EPHEMERAL).sum())
    if low < LOW_PORTS or len(ports) - low < MANY:
        return ""
    return (
        f"source ports from {ports[0]} to {ports[-1]}, {low} of {len(ports)} below {EPHEMERAL}: stacks draw them from "
        f"{EPHEMERAL} on (RFC 6056 section 3.2)"
    )


def _drawn_by_a_library(sight: Sight) -> str:
    for mark in sight.marks:
        mine = sorted(OF_THE_STACK & set(mark.fields))
        if mark.kind == "generator" and mark.recovered and mine:
            return f"{' and '.join(mine)} drawn by a program's generator, its state recovered: {mark.statement}"
    return ""


def _drawn_ttl(sight: Sight) -> str:
    draws, distinct = sight.ttl_draws
    if distinct < MANY or sight.ttl_spread < DRAWN_SPREAD or sight.ttl_range[0] <= 2 or _is_path(sight):
        return ""
    least, most = sight.ttl_range
    return f"{distinct} TTLs from {least} to {most} in {draws:,} probes of one source: stacks keep one"


def _is_path(sight: Sight) -> bool:
    """Tell whether TTLs rise step by step, as route tracers make them."""
    batch = sight.dossier.sample
    ttls = batch.column("ip_ttl").astype(np.int64)[np.argsort(batch.words[:, IP_SRC], kind="stable")]
    steps = np.diff(ttls)
    return len(steps) > 0 and bool(np.mean((steps == 0) | (steps == 1)) > 0.8)
