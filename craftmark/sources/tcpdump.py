"""What tcpdump prints, pasted or saved: in any form of time, with -v, -vv, -e, -S, and with -x or -X the packet itself.

A hex dump behind a packet's lines is decoded, and nothing of the packet is unseen then (-xx and -XX print the link
header too). Else the lines are read: see tcpdump_text.py for TCP, UDP and ICMP. With -v the IP header is shown, IHL
follows from its options; checksums are not.

tcpdump prints sequence numbers relative to the first segment with ACK of a conversation unless told -S; segments
without ACK, and the first with it, have absolute ones. Later ones are unseen: a line does not tell which they are.
Addresses must be numbers (-n): of names nothing can be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.packets.rows import parse_address
from craftmark.sources import tcpdump_text as text
from craftmark.sources.framesintext import link_of
from craftmark.sources.hexlines import HexDump
from craftmark.sources.printedtime import TIME, PrintedTime
from craftmark.sources.shown import protocol_number, write_shown
from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

_MAC: Final = rb"(?:[0-9a-f]{2}:){2}(?P<link>(?:[0-9a-f]{2}:){3}[0-9a-f]{2})"
_LINK: Final = (
    rb"(?:AF |" + _MAC + rb" (?:\([^)]{1,40}\) )?(?:> [^ ,]{1,24}(?: \([^)]{1,40}\))?, )?(?:ethertype |p 0, )?)?"
    rb"(?:802\.1Q \(0x8100\), length \d{1,6}: )?(?:vlan \d{1,4}, (?:p \d, )?(?:DEI, )?(?:ethertype )?){0,3}"
    rb"(?:PPPoE S \(0x8864\), length \d{1,6}: )?(?:PPPoE {1,2}\[ses 0x[0-9a-f]{1,4}\] )?(?:PPP-)?"
)
_KIND: Final = rb"(?P<kind>IPv?[46]?|ARP)(?: \((?:0x)?[0-9a-fx]{1,6}\))?(?:, length \d{1,6}:)?,? {1,2}(?:IP6? )?"
_HEAD: Final = re.compile(rb"(?:" + TIME + rb" )? ?(?:(?:\S{1,16} {1,3})?(?:In|Out|M|B|P) {1,3})?" + _LINK + _KIND)
#: A packet of something that is neither IP nor ARP: nothing but its time is read.
_OTHER_HEAD: Final = re.compile(TIME + rb" (?=PPPoE|PPP|STP|LLDP|CDP|IEEE|802|Loopback|(?:[0-9a-f]{2}:){5})")
_SUM: Final = re.compile(rb"\[(?:icmp6 sum ok|bad icmp6 cksum[^\]]{0,40})\] ")
_OLD_HEAD: Final = re.compile(TIME + rb" (?=[0-9.]{7,22} > [0-9.]{7,22}: )")
_IPV4: Final = re.compile(
    rb"(?:IP )?\(tos 0x([0-9a-f]{1,2})[^ ]{0,10}, (?:ttl (\d{1,3}), )?id (\d{1,5}), offset (\d{1,5}), "
    rb"flags \[([^\]]{0,20})\], proto:? .{1,32}?\((\d{1,3})\), length:? (\d{1,5})"
    rb"(?P<options>, options \([^)]{0,200}\))?(?:, bad cksum [^!]{0,24}!)?\)\s*"
)
_IPV6: Final = re.compile(
    rb"\((?:class 0x([0-9a-f]{1,2}), )?(?:flowlabel 0x([0-9a-f]{1,5}), )?hlim (\d{1,3}), next-header .{1,32}?"
    rb"\((\d{1,3})\) payload length: (\d{1,5})\) "
)
_PAIR: Final = re.compile(
    rb"\s*([0-9A-Fa-f.:]{2,50}?)(?:\.(\d{1,5}))? > ([0-9A-Fa-f.:]{2,50}?)(?:\.(\d{1,5}))?:(?: |$)"
)
# IPv6's further headers, behind which the ports stand alone.
_EXTENSIONS: Final = re.compile(
    rb"((?:(?:DSTOPT|HBH|srcrt|frag|RT6) ?(?:\([^)]{0,120}\) ?)?(?:\([^)]{0,60}\) ?)?){1,4})"
    rb"(?:(\d{1,5}) > (\d{1,5}): )?"
)
_OLD_TAIL: Final = re.compile(
    rb"(?P<df> \(DF\))?(?: \[tos 0x(?P<tos>[0-9a-f]{1,2})[^\]]{0,10}\])?"
    rb"(?P<v> \((?P<df2>DF, )?ttl {1,2}(?P<ttl>\d{1,3}), id (?P<id>\d{1,5})(?:, len (?P<len>\d{1,5}))?\))?"
)
_ARP: Final = re.compile(
    rb"(?:Ethernet \(len 6\), IPv4 \(len 4\), )?"
    rb"(?:(Request) who-has ([0-9.]{7,15})(?: \([^)]{1,40}\))? tell ([0-9.]{7,15})"
    rb"|Reply ([0-9.]{7,15}) is-at)"
)
_FLAG_BITS: Final = {b"none": 0, b"DF": 2, b"+": 1, b"rsvd": 4}
#: Conversations remembered, to know which segments have absolute numbers; beyond, none is believed.
_CONVERSATIONS: Final = 1 << 17
_SHORTEST: Final = {f.UDP: 8, f.ICMP: 8}


class TcpdumpParser:
    """Reads tcpdump's lines: a packet is its first line and what is set in behind it."""

    def __init__(self, log: PacketLog) -> None:
        self._log = log
        self._time = PrintedTime()
        self._dump = HexDump()
        self._head: re.Match[bytes] | None = None
        self._lines: list[bytes] = []
        self._byte = 0
        self._known: set[frozenset[tuple[bytes, bytes | None]]] = set()
        self._dumped = 0
        self._relative = 0
        self._untold = 0

    @property
    def clock(self) -> str:
        """The clock of the times, told by the first packet."""
        return self._time.clock

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        head = (
            None
            if line[:1] == b"\t" or line[:4] == b"    "
            else _HEAD.match(line) or _OLD_HEAD.match(line) or _OTHER_HEAD.match(line)
        )
        if head is not None:
            self._finish_open()
            self._head, self._byte = head, byte
            self._lines = [line[head.end() :].rstrip()]
        elif self._head is not None and line[:1] in (b"\t", b" "):
            if not self._dump.add(line) and len(self._lines) < 3:
                self._lines.append(line.strip())
        elif line.strip():
            self._log.foreign(line)

    def finish(self) -> None:
        """End the last packet and say what was seen."""
        self._finish_open()
        for note in self._time.notes():
            self._log.note(note)
        if self._dumped:
            self._log.note(f"{self._dumped} packets were decoded from their hex dumps")
        if self._untold:
            self._log.note(f"{self._untold} packets are of a protocol that their lines do not tell (-v does)")
        if self._relative:
            self._log.note(
                f"{self._relative} packets have sequence numbers that may be relative (-S prints whole ones)"
            )

    def _finish_open(self) -> None:
        head, self._head = self._head, None
        if head is None:
            return
        frame = self._dump.take()
        ts_ns, is_told = self._time.ns(head)
        notes = 0 if is_told else f.NOTE_NO_TIME
        link = link_of(frame) if frame else None
        if link is not None:
            self._dumped += 1
            self._log.add_frame(frame, link, ts_ns, notes=notes)
            return
        if head.re is _OTHER_HEAD:
            self._write_other()
            self._log.finish_packet(ts_ns)
            return
        groups = head.groupdict()
        fault = self._write(groups.get("kind") or b"IP", groups.get("link"))
        if fault:
            self._log.damage(self._byte, fault)
            return
        self._log.rows.note(notes)
        self._log.finish_packet(ts_ns)

    def _write(self, kind: bytes, link: bytes | None) -> str:
        if link is not None:
            self._log.rows.put(f.LINK_SRC, int(link.replace(b":", b"")[-8:], 16))
        if kind == b"ARP":
            return self._write_arp()
        first = self._lines[0]
        header = _IPV4.match(first) or _IPV6.match(first)
        rest = first if header is None else first[header.end() :]
        if not rest and len(self._lines) > 1:
            rest = self._lines[1]
        pair = _PAIR.match(rest)
        if pair is None:
            return f"no numeric addresses (tcpdump -n prints them): {printable(rest or first)}"
        return self._write_ip(header, pair, rest[pair.end() :])

    def _write_ip(self, header: re.Match[bytes] | None, pair: re.Match[bytes], rest: bytes) -> str:
        source, sport, target, dport = pair.groups()
        if sport is not None and parse_address(source) is None:  # the last octet of an address without a port
            source, sport = source + b"." + sport, None
        if dport is not None and parse_address(target) is None:
            target, dport = target + b"." + dport, None
        words = {} if header is None else _ip_words(header)
        further = _EXTENSIONS.match(rest) if b":" in source else None
        if further is not None:
            sport, dport, rest = further[2], further[3], rest[further.end() :]
        summed = _SUM.match(rest)
        rest = rest if summed is None else rest[summed.end() :]
        protocol = words.pop(f.PROTOCOL, None)
        if protocol is None or not _is_known(protocol):
            protocol = _protocol(rest, has_ports=sport is not None or dport is not None, default=protocol)
        if protocol is None:
            self._untold += 1
            protocol = f.NOT_IP
        for word, port in ((f.SPORT, sport), (f.DPORT, dport)):
            if port is not None:
                words[word] = int(port)
        fault = write_shown(self._log.rows, (source, target), protocol, words)
        return fault or self._write_transport(protocol, frozenset(((source, sport), (target, dport))), rest)

    def _write_transport(self, protocol: int, ends: frozenset[tuple[bytes, bytes | None]], rest: bytes) -> str:
        rows = self._log.rows
        offset = rows.get(f.IP_FRAG)
        if offset:
            rows.note(f.NOTE_FRAGMENT)
        elif protocol == f.TCP:
            self._write_tcp(ends, rest)
        elif protocol == f.UDP:
            text.write_udp(rows, rest)
        elif protocol in (f.ICMP, f.ICMP6):
            text.write_icmp(rows, rest)
        elif protocol == f.SCTP:
            text.write_sctp(rows, rest)
        total, header = rows.get(f.IP_LEN), _SHORTEST.get(protocol)
        if total is not None and header is not None and rows.get(f.IP_IHL) == 5:
            length = (rows.get(f.UDP_LEN) or 0) - 8 if protocol == f.UDP else total - 20 - header
            if length == total - 20 - header >= 0:
                rows.put_payload_len(length)
        return ""

    def _write_tcp(self, ends: frozenset[tuple[bytes, bytes | None]], rest: bytes) -> None:
        rows = self._log.rows
        has_ack = re.search(rb"[, ]ack \d", rest[:120]) is not None
        relative = has_ack and ends in self._known and not rest.startswith((b"Flags [S", b"S"))
        if has_ack and len(self._known) < _CONVERSATIONS:
            self._known.add(ends)
        elif has_ack and ends not in self._known:
            relative = True
        self._relative += relative
        if text.write_tcp(rows, rest, is_relative=relative):
            return
        tail = text.write_old_tcp(rows, rest, is_relative=relative)
        found = None if tail is None else _OLD_TAIL.match(tail)
        if found is not None and rows.get(f.IP_TTL) is None:
            _write_old_tail(self._log, found)

    def _write_other(self) -> None:
        rows = self._log.rows
        rows.put_kind(f.NOT_IP)
        rows.lack(*f.IPV4_WORDS, *f.PAYLOAD_WORDS)

    def _write_arp(self) -> str:
        arp = _ARP.match(self._lines[0])
        if arp is None:
            return f"an ARP line that is not read: {printable(self._lines[0])}"
        rows = self._log.rows
        rows.put_kind(f.ARP)
        source, target = parse_address(arp[3] or arp[4]), parse_address(arp[2]) if arp[1] else None
        if source is None or (arp[1] and target is None):
            return f"no addresses: {printable(self._lines[0])}"
        rows.put(f.IP_SRC, source[-1])
        rows.put(f.ARP_OP, 1 if arp[1] else 2)
        if target is not None:
            rows.put(f.IP_DST, target[-1])
        return ""


def _is_known(protocol: int) -> bool:
    """Tell whether a next header is a protocol, and not one more header of IPv6 before it."""
    return protocol not in (0, 43, 44, 60) and protocol < 256


def _ip_words(header: re.Match[bytes]) -> dict[int, int]:
    if header.re is _IPV6:
        traffic, flow, hops, protocol, length = header.groups()
        return {
            f.IP_TOS: int(traffic or b"0", 16), f.IP6_FLOW: int(flow or b"0", 16), f.IP_TTL: int(hops),
            f.PROTOCOL: int(protocol), f.IP_LEN: int(length),
        }  # fmt: skip
    tos, ttl, ident, offset, flags, protocol, length = header.groups()[:7]
    words = {
        f.IP_TOS: int(tos, 16), f.IP_ID: int(ident), f.IP_FRAG: int(offset) // 8, f.PROTOCOL: int(protocol),
        f.IP_LEN: int(length), f.IP_FLAGS: sum(_FLAG_BITS.get(name, 0) for name in set(flags.split(b", "))),
    }  # fmt: skip
    if ttl is not None:
        words[f.IP_TTL] = int(ttl)
    if header["options"] is None:
        words[f.IP_IHL] = 5
    return words


def _protocol(rest: bytes, *, has_ports: bool, default: int | None) -> int | None:
    """Return the protocol of a line without -v by what it prints."""
    if rest.startswith(b"ICMP6"):
        return f.ICMP6
    if rest.startswith(b"ICMP"):
        return f.ICMP
    if rest.startswith((b"sctp", b"DCCP")):
        return f.SCTP if rest.startswith(b"sctp") else 33
    if has_ports:
        is_old_tcp = re.match(rb"[SFRPWE.]{1,6} (?:\[|\d|ack )", rest) is not None
        return f.TCP if rest.startswith(b"Flags [") or is_old_tcp else f.UDP
    named = re.match(rb" ?(?:ip-proto-(\d{1,3})|(\w{2,8}))", rest)
    if named is None:
        return default
    told = protocol_number(named[1] or named[2])
    return default if told is None else told


def _write_old_tail(log: PacketLog, tail: re.Match[bytes]) -> None:
    """Write what 3.x prints behind the transport: DF always, TTL, ID and length with -v."""
    rows = log.rows
    rows.put(f.IP_FLAGS, 2 if tail["df"] or tail["df2"] else 0)
    rows.put(f.IP_FRAG, 0)
    for word, name in ((f.IP_TTL, "ttl"), (f.IP_ID, "id"), (f.IP_LEN, "len")):
        if tail[name] is not None:
            rows.put(word, int(tail[name]) & 0xFFFF)
    if tail["v"] is not None or tail["tos"] is not None:
        rows.put(f.IP_TOS, int(tail["tos"] or b"0", 16))


class TcpdumpFormat:
    """tcpdump's text."""

    name = "tcpdump"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a line is as tcpdump begins a packet."""
        return any(_looks_like_packet(line) for line in head.split(b"\n", 200)[:200])

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:  # noqa: ARG002
        """Open what tcpdump printed; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, TcpdumpParser(log))


def _looks_like_packet(line: bytes) -> bool:
    head = _HEAD.match(line)
    if head is None:
        return _OLD_HEAD.match(line) is not None
    rest = line[head.end() :]
    return any(pattern.match(rest) for pattern in (_IPV4, _IPV6, _PAIR, _ARP))


FORMAT: Final = TcpdumpFormat()
