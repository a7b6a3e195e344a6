"""THE table of header fields: where each stands in a packet's row, and what the field's standards call it.

A packet is a row of ``WORDS`` unsigned 32-bit words (see batch.py). One field is one word; fields of different
protocols may share a word, since a packet has one transport. Each word from ``ip_src`` on has a visibility bit
(``visibility_bit``): in the row's word PRESENT it says that the packet has the field and we see it, in UNSEEN that
the packet has (or may have) it but this input cannot show it. Neither bit: the packet has no such field.

Names: RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 792; IPFIX elements from the IANA registry; Wireshark display names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WORDS: Final = 40

# Words of a row. Kernels import these: they are plain integers.
PRESENT: Final = 0
UNSEEN: Final = 1
IP_SRC: Final = 2
IP_DST: Final = 3
PROTOCOL: Final = 4
IP_VERSION: Final = 5
IP_IHL: Final = 6
IP_TOS: Final = 7
IP_LEN: Final = 8
IP_ID: Final = 9
IP_FLAGS: Final = 10
IP_FRAG: Final = 11
IP_TTL: Final = 12
SPORT: Final = 13
DPORT: Final = 14
SEQ: Final = 15
ACK: Final = 16
TCP_FLAGS: Final = 17
TCP_RESERVED: Final = 18
TCP_OFF: Final = 19
TCP_WIN: Final = 20
TCP_URP: Final = 21
TCP_OPTIONS: Final = 22
TCP_OPTIONS_LOW: Final = 23
TCP_MSS: Final = 24
TCP_WSCALE: Final = 25
TCP_TSVAL: Final = 26
TCP_TSECR: Final = 27
PAYLOAD_LEN: Final = 28
PAYLOAD_HASH: Final = 29
PAYLOAD_HEAD: Final = 30
IP6_FLOW: Final = 31
NOTES: Final = 32
IP_SRC_HIGH: Final = 33  # three words, most significant first; 0 for IPv4
IP_DST_HIGH: Final = 36  # three words, most significant first; 0 for IPv4
LINK_SRC: Final = 39  # low 32 bits of the link layer's source address, 0 if none

# The same words under the names of other protocols.
ICMP_TYPE: Final = SPORT
ICMP_CODE: Final = DPORT
ICMP_ID: Final = SEQ
ICMP_SEQ: Final = ACK
UDP_LEN: Final = SEQ
UDP_SUM: Final = ACK
SCTP_VTAG: Final = SEQ
SCTP_CHUNK: Final = ACK
ARP_OP: Final = SPORT
# What an ICMP error quotes of the packet it answers (RFC 792, RFC 4443); words of TCP, since the row is ICMP.
# The quoted source is the ICMP error's own destination, unless something rewrote it.
QUOTE_PROTOCOL: Final = 17
QUOTE_DST: Final = 18
QUOTE_SPORT: Final = 19
QUOTE_DPORT: Final = 20
QUOTE_IP_ID: Final = 21
QUOTE_SEQ: Final = 22

# Values of the word PROTOCOL beside IP protocol numbers 0..255.
ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMP6: Final = 58
SCTP: Final = 132
ARP: Final = 256
NOT_IP: Final = 257  # a frame that carries neither IP nor ARP, or whose IP header cannot be read

# Bits of the word NOTES: facts about how the packet was read.
NOTE_FRAGMENT: Final = 1  # a later fragment: it has no transport header
NOTE_FIRST_FRAGMENT: Final = 2  # offset 0 with more to come
NOTE_TUNNEL: Final = 4  # taken out of GRE, IPIP, 6in4 or 4in6; the row is the inner packet
NOTE_CUT: Final = 8  # a snaplen cut the headers: what was cut is unseen
NOTE_BAD_OPTIONS: Final = 16  # option lengths do not add up
NOTE_BAD_LENGTH: Final = 32  # header lengths contradict each other or the frame
NOTE_IP_SUM_BAD: Final = 64  # the IPv4 header checksum does not hold
NOTE_SUM_BAD: Final = 128  # the transport checksum does not hold (told only where all bytes are here)
NOTE_NO_TIME: Final = 256  # the input gives this packet no time; ts_ns repeats the last one
NOTE_QUOTE: Final = 512  # an ICMP error whose quote was decoded
NOTE_TOS_PARTIAL: Final = 1024  # the two lowest bits of TOS cannot be seen (netfilter's LOG)

#: Control bits in header order, lowest first (RFC 9293 section 3.1 prints them from the other end).
CONTROL_BITS: Final = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
FIN, SYN, RST, PSH, ACK_BIT, URG, ECE, CWR = (1 << bit for bit in range(8))

#: TCP option kinds as the nibbles of TCP_OPTIONS and TCP_OPTIONS_LOW, first option in the highest nibble of
#: TCP_OPTIONS; nibble 0 ends the layout. Letters as p0f and tcpdump readers know them.
OPTION_NIBBLES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 8: 6, 0: 7, 14: 8, 19: 9, 34: 10, 30: 11, 254: 12, 253: 13}
OPTION_OTHER: Final = 15  # a kind that has no nibble of its own
OPTION_NAMES: Final = {
    1: "NOP", 2: "MSS", 3: "WS", 4: "SACKOK", 5: "SACK", 6: "TS", 7: "EOL", 8: "ALTCS", 9: "MD5", 10: "TFO",
    11: "MPTCP", 12: "EXP", 13: "EXP", 15: "OTHER",
}  # fmt: skip
MAX_OPTIONS: Final = 16


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name, width, place in the row, and the names others use for it."""

    name: str
    bits: int
    word: int
    protocol: int | None  # None: of the IP layer or of every packet
    rfc: str
    ipfix: str
    wireshark: str
    form: str = "int"  # "int", "hex", "address", "flags", "options"


_TABLE = (
    Field("ip_src", 32, IP_SRC, None, "Source Address", "sourceIPv4Address 8", "ip.src", "address"),
    Field("ip_dst", 32, IP_DST, None, "Destination Address", "destinationIPv4Address 12", "ip.dst", "address"),
    Field("ip_proto", 8, PROTOCOL, None, "Protocol", "protocolIdentifier 4", "ip.proto"),
    Field("ip_version", 4, IP_VERSION, None, "Version", "ipVersion 60", "ip.version"),
    Field("ip_ihl", 4, IP_IHL, None, "IHL", "ipv4IHL 207", "ip.hdr_len"),
    Field("ip_tos", 8, IP_TOS, None, "Type of Service", "ipClassOfService 5", "ip.dsfield", "hex"),
    Field("ip_len", 16, IP_LEN, None, "Total Length", "totalLengthIPv4 190", "ip.len"),
    Field("ip_id", 16, IP_ID, None, "Identification", "fragmentIdentification 54", "ip.id"),
    Field("ip_flags", 3, IP_FLAGS, None, "Flags", "fragmentFlags 197", "ip.flags", "hex"),
    Field("ip_frag", 13, IP_FRAG, None, "Fragment Offset", "fragmentOffset 88", "ip.frag_offset"),
    Field("ip_ttl", 8, IP_TTL, None, "Time to Live", "ipTTL 192", "ip.ttl"),
    Field("ip6_flow", 20, IP6_FLOW, None, "Flow Label", "flowLabelIPv6 31", "ipv6.flow"),
    Field("tcp_sport", 16, SPORT, TCP, "Source Port", "tcpSourcePort 182", "tcp.srcport"),
    Field("tcp_dport", 16, DPORT, TCP, "Destination Port", "tcpDestinationPort 183", "tcp.dstport"),
    Field("tcp_seq", 32, SEQ, TCP, "Sequence Number", "tcpSequenceNumber 184", "tcp.seq_raw"),
    Field("tcp_ack", 32, ACK, TCP, "Acknowledgment Number", "tcpAcknowledgementNumber 185", "tcp.ack_raw"),
    Field("tcp_flags", 8, TCP_FLAGS, TCP, "Control Bits", "tcpControlBits 6", "tcp.flags", "flags"),
    Field("tcp_reserved", 4, TCP_RESERVED, TCP, "Reserved", "-", "tcp.flags.res"),
    Field("tcp_off", 4, TCP_OFF, TCP, "Data Offset", "tcpHeaderLength 188", "tcp.hdr_len"),
    Field("tcp_win", 16, TCP_WIN, TCP, "Window", "tcpWindowSize 186", "tcp.window_size_value"),
    Field("tcp_urp", 16, TCP_URP, TCP, "Urgent Pointer", "tcpUrgentPointer 187", "tcp.urgent_pointer"),
    Field("tcp_options", 32, TCP_OPTIONS, TCP, "Options", "tcpOptions 209", "tcp.options", "options"),
    Field("tcp_mss", 16, TCP_MSS, TCP, "Maximum Segment Size", "-", "tcp.options.mss_val"),
    Field("tcp_wscale", 8, TCP_WSCALE, TCP, "Window Scale", "tcpWindowScale 238", "tcp.options.wscale.shift"),
    Field("tcp_tsval", 32, TCP_TSVAL, TCP, "TS Value", "-", "tcp.options.timestamp.tsval"),
    Field("tcp_tsecr", 32, TCP_TSECR, TCP, "TS Echo Reply", "-", "tcp.options.timestamp.tsecr"),
    Field("udp_sport", 16, SPORT, UDP, "Source Port", "udpSourcePort 180", "udp.srcport"),
    Field("udp_dport", 16, DPORT, UDP, "Destination Port", "udpDestinationPort 181", "udp.dstport"),
    Field("udp_len", 16, UDP_LEN, UDP, "Length", "udpMessageLength 205", "udp.length"),
    Field("udp_sum", 16, UDP_SUM, UDP, "Checksum", "-", "udp.checksum", "hex"),
    Field("icmp_type", 8, ICMP_TYPE, ICMP, "Type", "icmpTypeIPv4 176", "icmp.type"),
    Field("icmp_code", 8, ICMP_CODE, ICMP, "Code", "icmpCodeIPv4 177", "icmp.code"),
    Field("icmp_id", 16, ICMP_ID, ICMP, "Identifier", "-", "icmp.ident"),
    Field("icmp_seq", 16, ICMP_SEQ, ICMP, "Sequence Number", "-", "icmp.seq"),
    Field("icmp6_type", 8, ICMP_TYPE, ICMP6, "Type", "icmpTypeIPv6 178", "icmpv6.type"),
    Field("icmp6_code", 8, ICMP_CODE, ICMP6, "Code", "icmpCodeIPv6 179", "icmpv6.code"),
    Field("icmp6_id", 16, ICMP_ID, ICMP6, "Identifier", "-", "icmpv6.echo.identifier"),
    Field("icmp6_seq", 16, ICMP_SEQ, ICMP6, "Sequence Number", "-", "icmpv6.echo.sequence_number"),
    Field("sctp_sport", 16, SPORT, SCTP, "Source Port Number", "sourceTransportPort 7", "sctp.srcport"),
    Field("sctp_dport", 16, DPORT, SCTP, "Destination Port Number", "destinationTransportPort 11", "sctp.dstport"),
    Field("sctp_vtag", 32, SCTP_VTAG, SCTP, "Verification Tag", "-", "sctp.verification_tag", "hex"),
    Field("sctp_chunk", 8, SCTP_CHUNK, SCTP, "Chunk Type", "-", "sctp.chunk_type"),
    Field("arp_op", 16, ARP_OP, ARP, "Operation", "-", "arp.opcode"),
    Field("payload_len", 16, PAYLOAD_LEN, None, "payload octets after the transport header", "-", "-"),
    Field("payload_hash", 32, PAYLOAD_HASH, None, "hash of the payload's first 64 octets", "-", "-", "hex"),
    Field("payload_head", 32, PAYLOAD_HEAD, None, "the payload's first four octets", "-", "-", "hex"),
    Field("link_src", 32, LINK_SRC, None, "low 32 bits of the link layer's source address", "-", "eth.src", "hex"),
)

FIELDS: Final[dict[str, Field]] = {field.name: field for field in _TABLE}

#: Fields of the outermost IP header of packets that came through a tunnel: the IP layer's, under names of their own.
#: They stand in rows of their own (batch.py), and only ``--where`` and the report speak of them.
OUTER_FIELDS: Final[dict[str, Field]] = {
    f"outer_{field.name}": field for field in _TABLE if field.name.startswith("ip")
}

_FIRST_VISIBLE = IP_SRC
_LAST_VISIBLE = IP6_FLOW


def visibility_bit(word: int) -> int:
    """Return the bit of ``word`` in the words PRESENT and UNSEEN, 0 for words without one."""
    return 1 << (word - _FIRST_VISIBLE) if _FIRST_VISIBLE <= word <= _LAST_VISIBLE else 0


def visibility_mask(*words: int) -> int:
    """Return the visibility bits of several words together."""
    mask = 0
    for word in words:
        mask |= visibility_bit(word)
    return mask


IPV4_WORDS: Final = (
    IP_SRC, IP_DST, PROTOCOL, IP_VERSION, IP_IHL, IP_TOS, IP_LEN, IP_ID, IP_FLAGS, IP_FRAG, IP_TTL,
)  # fmt: skip
IPV6_WORDS: Final = (IP_SRC, IP_DST, PROTOCOL, IP_VERSION, IP_TOS, IP_LEN, IP_TTL, IP6_FLOW)
TCP_WORDS: Final = (
    SPORT, DPORT, SEQ, ACK, TCP_FLAGS, TCP_RESERVED, TCP_OFF, TCP_WIN, TCP_URP, TCP_OPTIONS, TCP_OPTIONS_LOW,
)  # fmt: skip
PAYLOAD_WORDS: Final = (PAYLOAD_LEN, PAYLOAD_HASH, PAYLOAD_HEAD)


def fields_of(protocol: int) -> tuple[Field, ...]:
    """Return the fields that packets of a protocol can have, in header order."""
    return tuple(field for field in _TABLE if field.protocol in (None, protocol) and field.word != LINK_SRC)


def control_bits(value: int) -> tuple[str, ...]:
    """Return the names of the control bits set in ``value``, in header order."""
    return tuple(name for bit, name in enumerate(CONTROL_BITS) if value >> bit & 1)


def option_layout(high: int, low: int) -> tuple[str, ...]:
    """Return the option kinds of a layout (words TCP_OPTIONS and TCP_OPTIONS_LOW), in header order."""
    names = []
    for shift in range(60, -1, -4):
        nibble = (high << 32 | low) >> shift & 15
        if nibble == 0:
            break
        names.append(OPTION_NAMES.get(nibble, "OTHER"))
    return tuple(names)


def encode_layout(names: tuple[str, ...]) -> tuple[int, int]:
    """Return the two words of an option layout given by names; the inverse of ``option_layout``."""
    codes = {name: nibble for nibble, name in reversed(OPTION_NAMES.items())}
    words = [0, 0]
    for place, name in enumerate(names[:MAX_OPTIONS]):
        words[place // 8] |= codes[name] << (28 - 4 * (place % 8))
    return words[0], words[1]
