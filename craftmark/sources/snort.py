"""Snort's text: full alerts, fast alerts and packet headers, as Snort 1.5 to 3 print them.

What the formats show (``log.c`` of Snort 1.5 and 1.8, ``log_text.cc`` of Snort 3):

- Flags. Snort 1.5 prints six columns ``SFRPAU`` and appends ``2`` and ``1`` when set; Snort 1.6 and 1.7 print
  ``21SFRPAU``; later ones ``12UAPRSF``. No column has the same letter in two of the orders, so any letter decides its
  own line, and a line of stars alone is no flag at all in each order. ``1`` is 0x80 (CWR), ``2`` is 0x40 (ECE), as
  TH_RES1 and TH_RES2 are defined in ``decode.h``.
- All versions print ``DF`` and ``MF`` when set, and ``Frag Offset`` for a fragment: beside a shown TTL their absence is
  0. The reserved bit ``RB`` is printed from 1.8 on; of earlier lines ``ip_flags`` states DF and MF.
- ``IpLen``, ``DgmLen`` and ``TcpLen`` are printed from 1.8 on. ``TcpLen: 20`` proves that there are no options; a line
  without ``TcpLen`` and without an options line leaves the options unseen. ``UrgPtr`` is printed only beside URG.
- UDP's ``Len`` is the header's until some 2.x, then eight less; ``DgmLen`` tells which, else it is unseen.
- ICMP without ``Type:`` (1.x) prints Identifier and Sequence Number in the logging machine's byte order: unseen.
- A fast alert shows addresses, ports and protocol, nothing else. Checksums are never shown.

A payload printed as plain text could imitate a packet's lines; lines that follow a header and are no part of one are
counted in the notes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.packets.rows import TCP_OPTION_WORDS, parse_address
from craftmark.sources.logclock import YearlessClock, dated_ns, fraction_ns, is_time, is_year
from craftmark.sources.snort_header import HEADING, SNIFFED, STAMP, Header, Vocabulary
from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    from craftmark.packets.rows import RowBuilder
    from craftmark.sources.base import Provenance, SourceOptions

_OPTION = (
    rb"\s*(?:MSS: (?P<mss>\d{1,5})|WS: (?P<ws>\d{1,3})|TS: (?P<tsval>\d{1,10}) (?P<tsecr>\d{1,10})|(?P<sackok>SackOK)"
    rb"|(?P<sack>Sack: \d+@\d+)|(?P<nop>NOP)|(?P<eol>EOL)|(?P<echo>Echo(?: Rep)?: \d+|CC(?:NEW:|ECHO:)? \d+)"
    rb"|(?:Opt|Kind) (?P<kind>\d{1,3})(?: \(\d+\):|, Len \d+)?(?: \|[0-9A-F ]*\||(?: [0-9A-F]{4})*))(?=\s|$)"
)
_IPV6_HEADER, _UDP_HEADER = 40, 8
_OPTION_KINDS: Final = {"nop": 1, "mss": 2, "ws": 3, "sackok": 4, "sack": 5, "tsecr": 8, "eol": 0, "echo": 6}

_F, _S, _R, _P, _A, _U = f.FIN, f.SYN, f.RST, f.PSH, f.ACK_BIT, f.URG
# The orders of the flag column: letters and the bits they stand for.
_ORDERS: Final = (
    ("2 1 S F R P A U", b"21SFRPAU", (f.ECE, f.CWR, _S, _F, _R, _P, _A, _U)),
    ("1 2 U A P R S F", b"12UAPRSF", (f.CWR, f.ECE, _U, _A, _P, _R, _S, _F)),
    ("S F R P A U", b"SFRPAU", (_S, _F, _R, _P, _A, _U)),
)

_PROTOCOLS: Final = {
    b"TCP": 6, b"UDP": 17, b"ICMP": 1, b"IGMP": 2, b"IP": 0, b"GRE": 47, b"ESP": 50, b"AH": 51, b"IPV6": 41,
    b"IPENCAP": 4, b"IP-ENCAP": 4, b"IPV6-ICMP": 58, b"ICMPV6": 58, b"ICMP6": 58, b"SCTP": 132, b"OSPF": 89,
    b"OSPFIGP": 89,
    b"PIM": 103,
    b"EGP": 8, b"IGP": 9, b"VRRP": 112, b"IPV6-FRAG": 44, b"IPV6-OPTS": 60, b"IPV6-NONXT": 59, b"IPV6-ROUTE": 43,
    b"HOPOPT": 0, b"ICMPV6-ICMP": 58, b"IPCOMP": 108, b"RSVP": 46, b"EIGRP": 88, b"L2TP": 115,
}  # fmt: skip

_ICMP_WITH_ID: Final = frozenset((0, 8, 13, 14, 15, 16, 17, 18, 128, 129))
_ICMP_ERRORS: Final = frozenset((3, 4, 5, 11, 12))
_QUOTE_WORDS: Final = (f.QUOTE_PROTOCOL, f.QUOTE_DST, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ)


@lru_cache(maxsize=1024)
def read_flags(column: bytes) -> tuple[int, str] | None:
    """Return the control bits of a flag column and the order it is printed in ("" if it shows none).

    None if no order of Snort's prints such a column.
    """
    if not column.strip(b"*"):
        return 0, ""
    body, extra = (column[:6], column[6:]) if column[6:] in (b"2", b"1", b"21") else (column, b"")
    for name, letters, bits in _ORDERS:
        if len(letters) != len(body):
            continue
        if all(octet in (42, letter) for octet, letter in zip(body, letters, strict=True)):
            value = sum(bit for octet, bit in zip(body, bits, strict=True) if octet != 42)
            return value | (f.ECE if b"2" in extra else 0) | (f.CWR if b"1" in extra else 0), name
    return None


def _endpoint(text: bytes, *, has_port: bool) -> tuple[tuple[int, ...] | None, int | None]:
    """Return address and port of ``a.b.c.d:port`` or an address alone; IPv6 has its port behind the last colon too."""
    whole = parse_address(text)
    if whole is not None and not (has_port and len(whole) == 4):
        return whole, None
    address, _, port = text.rpartition(b":")
    words = parse_address(address) if port.isdigit() and len(port) <= 5 and int(port) < 65_536 else None
    return (words, int(port)) if words is not None else (whole, None)


class SnortParser:
    """Reads the lines of Snort's text into packets."""

    def __init__(self, log: PacketLog, year: int | None) -> None:
        self.clock = ""
        self._log = log
        self._year = year
        self._years = YearlessClock(year)
        self._last_ns = 0
        self._words = Vocabulary()
        self._open: Header | None = None
        self._orders: dict[str, int] = {}
        self._after_header = 0
        self._timeless = 0

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        stamp = STAMP.match(line)
        if stamp is not None:
            self._finish_open()
            self._begin(stamp, byte)
            if self._open is not None:
                self._continue(self._open, line, stamp.end())
        elif self._open is not None:
            if line.startswith(HEADING) or not line.strip(b"\r"):
                self._finish_open()
            else:
                self._continue(self._open, line, 0)
        elif line.strip() and not line.startswith(HEADING) and not self._words.known.match(line):
            self._log.foreign(line)

    def finish(self) -> None:
        """End the last packet and say how the flags were read."""
        self._finish_open()
        for order, lines in sorted(self._orders.items()):
            if order:
                self._log.note(f"flag columns in the order {order}: {lines} packets")
        if set(self._orders) == {""}:
            self._log.note("no flag is set in any packet: the order of the flag columns cannot be told")
        if self._after_header:
            self._log.note(
                f"{self._after_header} lines after packet headers are not understood;"
                " a payload printed as text could imitate packets"
            )
        if self._timeless:
            self._log.note(f"{self._timeless} packets have another clock than the first one: their times are not used")
        if self.clock == "epoch":
            self._log.note("times are read as UTC; Snort prints local time unless told -U")

    def _begin(self, stamp: re.Match[bytes], byte: int) -> None:
        month, day, hour, minute, second = (int(stamp[group]) for group in (1, 2, 4, 5, 6))
        if not is_time(month, day, hour, minute, second):
            self._log.damage(byte, f"no such time: {printable(stamp[0])}")
            return
        if stamp[3] is not None and not is_year(_full_year(stamp[3])):
            self._log.damage(byte, f"no year of Snort's: {printable(stamp[0])}")
            return
        clock = "no-year" if stamp[3] is None and self._year is None else "epoch"
        self.clock = self.clock or clock
        if clock == self.clock:
            self._last_ns = self._ns(stamp, month, day, hour * 3600 + minute * 60 + second)
        self._open = Header(byte, self._last_ns)
        if clock != self.clock:
            self._open.is_timeless = True
            self._timeless += 1

    def _ns(self, stamp: re.Match[bytes], month: int, day: int, second_of_day: int) -> int:
        nanosecond = fraction_ns(stamp[7])
        if stamp[3] is None:
            return self._years.ns(month, day, second_of_day, nanosecond)
        return dated_ns(_full_year(stamp[3]), month, day, second_of_day, nanosecond)

    def _continue(self, header: Header, line: bytes, at: int) -> None:
        """Read the parts of a packet that stand on a line, from ``at`` on."""
        words = self._words
        end = len(line.rstrip())
        while at < end:
            for pattern, take in words.parts if header.pair is not None else words.first:
                part = pattern.match(line, at)
                if part is not None and take(header, part):
                    at = part.end()
                    break
            else:
                if not words.known.match(line, at):
                    self._after_header += 1
                return

    def _finish_open(self) -> None:
        header, self._open = self._open, None
        if header is None:
            return
        fault = self._write(header)
        if fault:
            self._log.damage(header.byte, fault)

    def _write(self, header: Header) -> str:
        """Write the packet as a row; return what is wrong if it is none."""
        rows = self._log.rows
        name = header.ip[1] if header.ip is not None else header.protocol
        if header.pair is None:
            return "a time, but no addresses"
        if name is None:
            return "addresses, but neither a protocol nor the line with TTL, TOS and ID"
        protocol = _protocol_number(name)
        if protocol is None:
            return f"unknown protocol {printable(name)}"
        has_port = protocol in (f.TCP, f.UDP) and header.fragment is None
        source, source_port = _endpoint(header.pair[0], has_port=has_port)
        target, target_port = _endpoint(header.pair[1], has_port=has_port)
        if source is None or target is None or len(source) != len(target):
            return f"no addresses: {printable(header.pair[0])} -> {printable(header.pair[1])}"
        rows.put_addresses(source, target)
        rows.put(f.PROTOCOL, protocol)
        if header.is_timeless:
            rows.note(f.NOTE_NO_TIME)
        if header.link_src is not None:
            rows.put(f.LINK_SRC, header.link_src)
        if header.ip is not None and not _write_ip(rows, header):
            return f"a header field out of range: {printable(header.ip[0].strip())}"
        if has_port and source_port is not None and target_port is not None:
            rows.put(f.SPORT, source_port)
            rows.put(f.DPORT, target_port)
        fault = self._write_transport(header, protocol)
        if fault and header.is_fast is False and header.ip is None:
            return fault
        self._log.finish_packet(header.ts_ns)
        if fault:
            self._log.damage(header.byte, fault + "; what its first lines show is kept")
        return ""

    def _write_transport(self, header: Header, protocol: int) -> str:
        rows = self._log.rows
        if header.truncated:
            rows.note(f.NOTE_CUT)
            return ""
        if header.fragment is not None:
            if header.fragment:
                rows.lack(*f.TCP_WORDS, *TCP_OPTION_WORDS, *f.PAYLOAD_WORDS)
            return ""
        if protocol == f.TCP and header.tcp is not None:
            return self._write_tcp(header, header.tcp)
        if protocol == f.UDP and header.udp_len is not None:
            _write_udp(rows, header.udp_len)
        elif protocol in (f.ICMP, f.ICMP6) and header.icmp is not None:
            _write_icmp(rows, header)
        elif header.ip is not None and protocol in (f.TCP, f.UDP, f.ICMP):
            return f"no line with the {printable(header.ip[1])} header"
        return ""

    def _write_tcp(self, header: Header, tcp: re.Match[bytes]) -> str:
        rows = self._log.rows
        flags = read_flags(tcp[1])
        if flags is None:
            return f"the flag column {printable(tcp[1])} fits no order of Snort's"
        self._orders[flags[1]] = self._orders.get(flags[1], 0) + 1
        rows.put_run(f.SEQ, (int(tcp[2], 16), int(tcp[3], 16), flags[0]))
        rows.put(f.TCP_WIN, int(tcp[4], 16))
        if tcp[6] is not None:
            rows.put(f.TCP_URP, int(tcp[6], 16))
        length = None if tcp[5] is None else int(tcp[5])
        if length is not None:
            rows.put(f.TCP_OFF, length >> 2)
            _write_payload_len(rows, length)
        if header.options:
            _write_options(rows, header)
        elif length == 20:
            rows.put_layout(())
        return ""


def _full_year(digits: bytes) -> int:
    """Return the year of two or four digits; Snort began in 1998."""
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= 90 else 2000)


def _protocol_number(name: bytes) -> int | None:
    number = _PROTOCOLS.get(name.upper())
    if number is None and name.upper().startswith(b"PROTO:") and name[6:].isdigit() and len(name) <= 9:
        number = int(name[6:])
    return number if number is not None and number < 256 else None


def _write_ip(rows: RowBuilder, header: Header) -> bool:
    """Write the line with TTL, TOS and ID; false if a value has no room in its field."""
    ip = header.ip
    assert ip is not None
    ttl, ip_id = int(ip[2]), int(ip[4])
    is_v6 = rows.get(f.IP_VERSION) == 6
    if ttl > 255 or (ip_id > 65_535 and not is_v6) or int(ip[6] or 0) > 65_535:
        return False
    rows.put(f.IP_TTL, ttl)
    rows.put(f.IP_TOS, int(ip[3], 16))
    if is_v6:
        if ip[5] is not None and int(ip[6]) >= _IPV6_HEADER:
            rows.put(f.IP_LEN, int(ip[6]) - _IPV6_HEADER)
        return True
    if ip[5] is not None:
        rows.put(f.IP_LEN, int(ip[6]))
        rows.put(f.IP_IHL, int(ip[5]) >> 2 & 15)
    rows.put(f.IP_ID, ip_id)
    words = ip[7].split()
    rows.put(f.IP_FLAGS, 4 * (b"RB" in words) + 2 * (b"DF" in words) + (b"MF" in words))
    rows.put(f.IP_FRAG, header.fragment or 0)
    if header.fragment is not None:
        rows.note(f.NOTE_FRAGMENT if header.fragment else f.NOTE_FIRST_FRAGMENT)
    return True


def _room(rows: RowBuilder) -> int | None:
    """Return the octets behind the IP header, None where the line does not tell."""
    total, ihl = rows.get(f.IP_LEN), rows.get(f.IP_IHL)
    if total is None or rows.get(f.IP_VERSION) == 6:
        return total
    return None if ihl is None else total - 4 * ihl


def _write_payload_len(rows: RowBuilder, transport_len: int) -> None:
    """Write the payload's length where the lengths of all headers are shown."""
    room = _room(rows)
    if room is None:
        return
    if room < transport_len:
        rows.note(f.NOTE_BAD_LENGTH)
    elif rows.get(f.IP_VERSION) == 4 or room == transport_len:  # IPv6: extension headers are not shown
        rows.put_payload_len(room - transport_len)


def _write_udp(rows: RowBuilder, printed: int) -> None:
    room = _room(rows)
    if room is None or room == printed:  # before 1.8 there is no other length
        rows.put(f.UDP_LEN, printed)
    elif room == printed + _UDP_HEADER:
        rows.put(f.UDP_LEN, room)
    _write_payload_len(rows, _UDP_HEADER)


def _write_icmp(rows: RowBuilder, header: Header) -> None:
    assert header.icmp is not None
    kind, code, icmp_id, icmp_seq = header.icmp
    for word, value in ((f.ICMP_TYPE, kind), (f.ICMP_CODE, code), (f.ICMP_ID, icmp_id), (f.ICMP_SEQ, icmp_seq)):
        if value is not None:
            rows.put(word, value)
    if kind is None:
        return
    if kind not in _ICMP_WITH_ID:
        rows.lack(f.ICMP_ID, f.ICMP_SEQ)
    _write_payload_len(rows, 8)
    if kind in _ICMP_ERRORS and rows.get(f.IP_VERSION) == 4:
        rows.expect(*_QUOTE_WORDS)
        _write_quote(rows, header)


def _write_quote(rows: RowBuilder, header: Header) -> None:
    """Write what an ICMP error quotes of the packet it answers."""
    if header.quote_pair is None or header.quote_ip is None:
        return
    protocol = _protocol_number(header.quote_ip[1])
    has_port = protocol in (f.TCP, f.UDP)
    _, sport = _endpoint(header.quote_pair[0], has_port=has_port)
    target, dport = _endpoint(header.quote_pair[1], has_port=has_port)
    if protocol is None or target is None or int(header.quote_ip[4]) > 65_535:
        return
    rows.note(f.NOTE_QUOTE)
    rows.put(f.QUOTE_PROTOCOL, protocol)
    rows.put(f.QUOTE_DST, target[-1])
    rows.put(f.QUOTE_IP_ID, int(header.quote_ip[4]))
    if sport is not None and dport is not None:
        rows.put(f.QUOTE_SPORT, sport)
        rows.put(f.QUOTE_DPORT, dport)
    if header.quote_seq is not None:
        rows.put(f.QUOTE_SEQ, header.quote_seq)
    elif protocol not in (f.TCP, f.ICMP):
        rows.lack(f.QUOTE_SEQ)


def _write_options(rows: RowBuilder, header: Header) -> None:
    """Write the layout and values of printed options, unless a part of them cannot be read."""
    nibbles: list[int] = []
    values: list[tuple[int, int]] = []
    pattern = re.compile(_OPTION)
    for text in header.options:
        at = 0
        while option := pattern.match(text, at):
            at = option.end()
            kind = int(option["kind"]) if option["kind"] else _OPTION_KINDS.get(option.lastgroup or "", 255)
            nibbles.append(f.OPTION_NIBBLES.get(kind, f.OPTION_OTHER))
            for group, word in _OPTION_VALUES:
                if option[group] is not None:
                    values.append((word, int(option[group]) & 0xFFFFFFFF))
        if text[at:].strip():
            return
    if header.options_total is not None and header.options_total != len(nibbles):
        return
    for word, value in values:
        rows.put(word, value)
    rows.put_layout(tuple(nibbles))


_OPTION_VALUES: Final = (("mss", f.TCP_MSS), ("ws", f.TCP_WSCALE), ("tsval", f.TCP_TSVAL), ("tsecr", f.TCP_TSECR))


class SnortFormat:
    """Text that Snort writes."""

    name = "snort"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a line begins with Snort's time and goes on as a packet or an alert."""
        return SNIFFED.search(head) is not None

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:
        """Open a Snort text; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, SnortParser(log, options.year))


FORMAT: Final = SnortFormat()
