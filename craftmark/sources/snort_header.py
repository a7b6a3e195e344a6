"""The lines of one packet in Snort's text, gathered part by part.

A part is what one of Snort's print functions writes: the addresses, the IP line, the TCP line, options, ... Parts stand
on one line or on several. The first of a kind counts, so that nothing printed later (a payload) can change a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from craftmark.packets.rows import parse_address

_STAMP = rb"(\d\d)/(\d\d)(?:/(\d{4}|\d\d))?-(\d\d):(\d\d):(\d\d)\.(\d{1,9})"
STAMP: Final = re.compile(rb"[ \t]*" + _STAMP + rb"\s*")
SNIFFED: Final = re.compile(rb"^[ \t]*" + _STAMP + rb"[ \t]+(?:\S{2,60} -> \S|\[\*\*\]|ARP )", re.MULTILINE)

# Patterns stay text until a parser needs them: compiling them all takes longer than the rest of the module.
_GAP = rb"\s*(?:/\s+)?"  # parts of a packet on one line may be set apart by a slash
_PAIR = _GAP + rb"(\S{2,60}) -> (\S{2,60})"
_MACS = rb"\s*((?:[0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2}) -> \S{11,17} type:0x[0-9A-Fa-f]+ len:0x[0-9A-Fa-f]+"
_FAST = rb"\[\*\*\] .*\{([\w:.-]{1,24})\} (\S{2,60}) -> (\S{2,60})\s*$"
_IP = (
    _GAP + rb"(\S{2,24}) TTL:(\d{1,3}) TOS:0x([0-9A-Fa-f]{1,2}) ID:(\d{1,10})"
    rb"(?: IpLen:(\d{1,3}) DgmLen:(\d{1,5}))?((?: +(?:RB|DF|MF)(?!\S))*)"
)
_TCP = (
    _GAP + rb"([*12SFRPAU]{6,8}) +Seq: 0x([0-9A-Fa-f]{1,8}) +Ack: 0x([0-9A-Fa-f]{1,8}) +Win: 0x([0-9A-Fa-f]{1,4})"
    rb"(?: +TcpLen: (\d{1,2}))?(?: +UrgPtr: 0x([0-9A-Fa-f]{1,4}))?"
)
_TCP_OPTIONS = rb"\s*TCP Options (?:\((\d{1,2})\) )?=>(.*)"
_UDP = _GAP + rb"Len: (\d{1,5})"
_ICMP = _GAP + (
    rb"Type: ?(\d{1,3}) +Code: ?(\d{1,3})(?: +Csum: \d+)?(?: +I[Dd]: ?(\d{1,5}) +Seq(?:No)?: ?(\d{1,5}))?.*"
)
_ICMP_WORDS = _GAP + rb"(?:ID:\d{1,5} +Seq:\d{1,5} +)?([A-Z][A-Z ]{3,40}(?:: [A-Z ]{3,40})?)\s*$"
_FRAGMENT = rb"\s*Frag Offset: 0x([0-9A-Fa-f]{1,4}) +Frag Size: 0x[0-9A-Fa-f]{1,4}"
_QUOTE_MARK = rb"\s*\*\* (?:(ORIGINAL DATAGRAM DUMP):?|END OF DUMP)"
_QUOTE_SEQ = rb"\s*Seq: 0x([0-9A-Fa-f]{1,8})"
_TRUNCATED = rb"\s*(TCP|UDP|ICMP) header truncated"
_KNOWN = (
    rb"\s*(?:IP Options|\[Xref|\[Classification|\[Priority|NEXT LINK MTU|PACKET FILTERED|Orig: |\(\d+ more bytes"
    rb"|ORIGINAL DATAGRAM|Protocol: 0x|Stream reassembled|(?:0x[0-9A-Fa-f]{4}: )?(?:[0-9A-Fa-f]{2} ){2}|[- ]{20,}"
    rb"|snort\.raw)"
)
HEADING: Final = (b"[**]", b"=+=+", b"+=+=")

# What 1.x prints for an ICMP message in place of its type and code (None: the code is not told).
_ICMP_NAMES: Final[dict[bytes, tuple[int | None, int | None]]] = {
    b"ECHO REPLY": (0, None), b"ECHO": (8, None), b"SOURCE QUENCH": (4, None), b"REDIRECT": (5, None),
    b"TTL EXCEEDED": (11, None), b"PARAMETER PROBLEM": (12, None), b"TIMESTAMP REQUEST": (13, None),
    b"TIMESTAMP REPLY": (14, None), b"INFO REQUEST": (15, None), b"INFO REPLY": (16, None),
    b"ADDRESS REQUEST": (17, None),
    b"ADDRESS REPLY": (18, None), b"DESTINATION UNREACHABLE: NET UNREACHABLE": (3, 0),
    b"DESTINATION UNREACHABLE: HOST UNREACHABLE": (3, 1), b"DESTINATION UNREACHABLE: PROTOCOL UNREACHABLE": (3, 2),
    b"DESTINATION UNREACHABLE: PORT UNREACHABLE": (3, 3), b"DESTINATION UNREACHABLE: FRAGMENTATION NEEDED": (3, 4),
    b"DESTINATION UNREACHABLE: SOURCE ROUTE FAILED": (3, 5), b"DESTINATION UNREACHABLE: PACKET FILTERED": (3, 13),
    b"DESTINATION UNREACHABLE: UNKNOWN": (3, None), b"UNKNOWN": (None, None),
}  # fmt: skip


class Header:
    """The lines of one packet as they come in; None is what no line has shown."""

    __slots__ = (
        "byte", "flags", "fragment", "icmp", "ip", "is_fast", "is_timeless", "link_src", "options", "options_total",
        "pair", "protocol",
        "quote_ip", "quote_pair", "quote_seq", "quoting", "tcp", "truncated", "ts_ns", "udp_len",
    )  # fmt: skip

    def __init__(self, byte: int, ts_ns: int) -> None:
        self.byte = byte
        self.ts_ns = ts_ns
        self.is_fast = self.is_timeless = self.quoting = self.truncated = False
        self.protocol: bytes | None = None
        self.pair: tuple[bytes, bytes] | None = None
        self.ip: re.Match[bytes] | None = None
        self.tcp: re.Match[bytes] | None = None
        self.flags: tuple[int, str] | None = None
        self.options: list[bytes] = []
        self.options_total: int | None = None
        self.udp_len: int | None = None
        self.icmp: tuple[int | None, int | None, int | None, int | None] | None = None
        self.fragment: int | None = None
        self.link_src: int | None = None
        self.quote_pair: tuple[bytes, bytes] | None = None
        self.quote_ip: re.Match[bytes] | None = None
        self.quote_seq: int | None = None


# Takers of one part: true if the part fits here.


def _take_pair(header: Header, part: re.Match[bytes]) -> bool:
    if header.quoting:
        if header.quote_pair is not None:
            return False
        header.quote_pair = (part[1], part[2])
        return True
    if header.pair is not None and not header.is_fast:
        return False
    if parse_address(part[1].rpartition(b":")[0]) is None and parse_address(part[1]) is None:
        return False
    header.pair = (part[1], part[2])
    return True


def _take_macs(header: Header, part: re.Match[bytes]) -> bool:
    if header.link_src is not None:
        return False
    octets = [int(octet, 16) for octet in part[1].split(b":")]
    header.link_src = int.from_bytes(bytes(octets[2:]))
    return True


def _take_fast(header: Header, part: re.Match[bytes]) -> bool:
    if header.pair is not None:
        return False
    header.is_fast = True
    header.protocol = part[1]
    header.pair = (part[2], part[3])
    return True


def _take_ip(header: Header, part: re.Match[bytes]) -> bool:
    if header.quoting:
        header.quote_ip = header.quote_ip or part
        return header.quote_ip is part
    if header.ip is not None or header.pair is None:
        return False
    header.ip = part
    return True


def _take_tcp(header: Header, part: re.Match[bytes]) -> bool:
    if header.quoting:
        header.quote_seq = int(part[2], 16)
        return True
    if header.tcp is not None or header.ip is None or header.ip[1] != b"TCP":
        return False
    header.tcp = part
    return True


def _take_tcp_options(header: Header, part: re.Match[bytes]) -> bool:
    if header.quoting:
        return True
    if header.tcp is None or len(header.options) > 40:
        return False
    if part[1] is not None:
        header.options_total = int(part[1])
    header.options.append(part[2])
    return True


def _take_udp(header: Header, part: re.Match[bytes]) -> bool:
    if header.quoting:
        return True
    if header.udp_len is not None or header.ip is None or header.ip[1] != b"UDP" or int(part[1]) > 65_535:
        return False
    header.udp_len = int(part[1])
    return True


def _take_icmp(header: Header, part: re.Match[bytes]) -> bool:
    if header.quoting:
        return True
    if header.icmp is not None or header.ip is None or int(part[1]) > 255 or int(part[2]) > 255:
        return False
    numbers = [int(part[group]) if part[group] is not None and int(part[group]) < 65_536 else None for group in (3, 4)]
    header.icmp = (int(part[1]), int(part[2]), numbers[0], numbers[1])
    return True


def _take_icmp_words(header: Header, part: re.Match[bytes]) -> bool:
    if header.icmp is not None or header.ip is None or header.ip[1] != b"ICMP" or part[1] not in _ICMP_NAMES:
        return False
    kind, code = _ICMP_NAMES[part[1]]
    header.icmp = (kind, code, None, None)
    return True


def _take_fragment(header: Header, part: re.Match[bytes]) -> bool:
    if not header.quoting:
        header.fragment = int(part[1], 16) & 0x1FFF
    return True


def _take_quote_mark(header: Header, part: re.Match[bytes]) -> bool:
    header.quoting = part[1] is not None
    return header.icmp is not None


def _take_quote_seq(header: Header, part: re.Match[bytes]) -> bool:
    header.quote_seq = int(part[1], 16) if header.quoting else None
    return header.quoting


def _take_truncated(header: Header, part: re.Match[bytes]) -> bool:
    header.truncated = part[1] is not None or header.truncated
    return True


_Take = Callable[[Header, re.Match[bytes]], bool]
Part = tuple[re.Pattern[bytes], _Take]

_PARTS: Final[tuple[tuple[bytes, _Take], ...]] = (
    (_IP, _take_ip),
    (_TCP, _take_tcp),
    (_MACS, _take_macs),
    (_FAST, _take_fast),
    (_UDP, _take_udp),
    (_ICMP, _take_icmp),
    (_TCP_OPTIONS, _take_tcp_options),
    (_FRAGMENT, _take_fragment),
    (_QUOTE_MARK, _take_quote_mark),
    (_QUOTE_SEQ, _take_quote_seq),
    (_TRUNCATED, _take_truncated),
    (_ICMP_WORDS, _take_icmp_words),
    (_PAIR, _take_pair),
)
_FIRST: Final = (_take_fast, _take_macs, _take_pair)


class Vocabulary:
    """The patterns of all parts, compiled. ``first``: those that are tried while the addresses are not known."""

    def __init__(self) -> None:
        self.parts: tuple[Part, ...] = tuple((re.compile(pattern), take) for pattern, take in _PARTS)
        self.first: tuple[Part, ...] = tuple(part for part in self.parts if part[1] in _FIRST)
        self.known = re.compile(_KNOWN)
