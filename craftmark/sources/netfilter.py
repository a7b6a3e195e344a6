"""Lines of netfilter's LOG target (iptables, ip6tables, nftables, ulogd), anywhere in a line of a system log.

What the lines show (``net/netfilter/nf_log_syslog.c`` of Linux):

- ``TOS`` is masked with 0x1E and ``PREC`` with 0xE0: the lowest bit of ``ip_tos`` is never printed (NOTE_TOS_PARTIAL).
  IPv6's ``TC`` is whole. ``CE``, ``DF`` and ``MF`` are printed when set, ``FRAG`` when it is not 0: absent means 0.
- ``RES`` is the reserved bits times 4; kernels of the 2.4 line have CWR and ECE in its two lowest bits. ``AE`` is the
  lowest reserved bit of RFC 9293.
- ``SEQ`` and ``ACK`` are printed with --log-tcp-sequence, ``OPT (...)`` with --log-tcp-options: without them these
  fields are unseen. Data Offset and IHL are never printed; they are told by the options, or by a total length that
  leaves no room for options or payload. Such a length also proves that there is no payload, else it is unseen.
- ``MAC`` is the whole link header. Checksums are never printed.

Time: the system log's, as UTC where it has no zone; whole seconds are divided by the kernel's own clock where the line
has it. Lines with nothing but the kernel's clock are "since-boot".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.packets.rows import TCP_OPTION_WORDS, parse_address, words_of
from craftmark.sources.logtime import LogTime
from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    from craftmark.packets.rows import RowBuilder
    from craftmark.sources.base import Provenance, SourceOptions

_MAC = rb"(?:[0-9a-f]{2}:){8}((?:[0-9a-f]{2}:){3}[0-9a-f]{2}):[0-9a-f]{2}:[0-9a-f]{2}(?= )"
_HEAD = re.compile(
    rb"IN=\S{0,64} (?:PHYSIN=\S{0,64} )?OUT=\S{0,64} (?:PHYSIN=\S{0,64} )?(?:PHYSOUT=\S{0,64} )?"
    rb"(?:MAC=(?:" + _MAC + rb"|[0-9a-f:]{0,128}) {1,2}(?:TUNNEL=\S{0,64} )?)?"
    rb"(?:MACSRC=(?:[0-9a-f]{2}:){2}((?:[0-9a-f]{2}:){3}[0-9a-f]{2}) MACDST=\S{17} (?:VPROTO=\S{4} VID=\d+ )?"
    rb"MACPROTO=\S{4} )?"
    rb"(?:(SRC=)|ARP HTYPE=)?"
)
_IPV4 = re.compile(
    rb"SRC=([\d.]{7,15}) DST=([\d.]{7,15}) +LEN=(\d{1,5}) TOS=(?:0x)?([0-9A-Fa-f]{1,2}) PREC=0x([0-9A-Fa-f]{1,2}) "
    rb"TTL=(\d{1,3}) ID=(\d{1,5}) (CE )?(DF )?(MF )?(?:FRAG:(\d{1,5}) )?(?:OPT \(([0-9A-Fa-f]*)\) )?PROTO=(\w+) ?"
)
_IPV6 = re.compile(
    rb"SRC=([0-9A-Fa-f:.]{2,45}) DST=([0-9A-Fa-f:.]{2,45}) +LEN=(\d{1,6}) TC=(\d{1,3}) HOPLIMIT=(\d{1,3}) "
    rb"FLOWLBL=(\d{1,7}) (?:OPT \( [^)]*\) ){0,8}(?:FRAG:(\d{1,5}) (INCOMPLETE )?ID:[0-9a-f]{8} )?"
    rb"(?:OPT \( [^)]*\) ){0,8}PROTO=(\w+) ?"
)
_PORTS_TEXT = rb"SPT=(\d{1,5}) DPT=(\d{1,5}) ?"
_PORTS = re.compile(_PORTS_TEXT)
_TCP = re.compile(
    _PORTS_TEXT + rb"(?:SEQ=(\d{1,10}) ACK=(\d{1,10}) )?WINDOW=(\d{1,5}) (?:RES=0x([0-9A-Fa-f]{2}) )?"
    rb"((?:(?:AE|CWR|ECE|URG|ACK|PSH|RST|SYN|FIN) )*)URGP=(\d{1,5}) ?(?:OPT \((?:([0-9A-Fa-f]*)|TRUNCATED)\))?"
)
_UDP_LEN = re.compile(rb"LEN=(\d{1,5})(?: |$)")
_ICMP = re.compile(rb"TYPE=(\d{1,3}) CODE=(\d{1,3})(?: INCOMPLETE \[(\d+) bytes\])?(?: ID=(\d{1,5}) SEQ=(\d{1,5}))? ?")
_QUOTE = re.compile(rb"(?:(?:PARAMETER|GATEWAY|POINTER)=\S+ )?\[(?=SRC=)")
_INCOMPLETE = re.compile(rb"INCOMPLETE \[(\d+) bytes\]")
_ARP = re.compile(
    rb"ARP HTYPE=\d+ PTYPE=0x0800 OPCODE=(\d{1,5})(?: MACSRC=\S+ IPSRC=([\d.]{7,15}) MACDST=\S+ IPDST=([\d.]{7,15}))?"
)

_PROTOCOLS: Final = {
    b"TCP": f.TCP, b"UDP": f.UDP, b"UDPLITE": 136, b"ICMP": f.ICMP, b"ICMPv6": f.ICMP6, b"AH": 51, b"ESP": 50,
    b"SCTP": f.SCTP,
}  # fmt: skip
_FLAGS: Final = {name.encode(): 1 << bit for bit, name in enumerate(f.CONTROL_BITS)}
_QUERIES: Final = {f.ICMP: frozenset((0, 8, 13, 14, 15, 16, 17, 18)), f.ICMP6: frozenset((128, 129))}
_ERRORS: Final = {f.ICMP: frozenset((3, 4, 5, 11, 12)), f.ICMP6: frozenset((1, 2, 3, 4))}
_QUOTE_WORDS: Final = (f.QUOTE_PROTOCOL, f.QUOTE_DST, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_SEQ)
_NETWORK: Final = {version: set(words_of(version, 255)) for version in (4, 6)}

_IPV4_HEADER, _IPV6_HEADER, _TCP_HEADER, _SHORT_HEADER = 20, 40, 20, 8


class NetfilterParser:
    """Reads the lines of netfilter's log into packets."""

    def __init__(self, log: PacketLog, year: int | None) -> None:
        self._log = log
        self._time = LogTime(year)

    @property
    def clock(self) -> str:
        """The clock of the times, told by the first packet."""
        return self._time.clock

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        head = _HEAD.search(line)
        if head is None:
            if line.strip():
                self._log.foreign(line)
            return
        rows = self._log.rows
        fault = self._packet(line, head)
        if fault and rows.get(f.IP_SRC) is None:
            self._log.damage(byte, fault)
            return
        ts_ns, is_told = self._time.ns(line[: head.start()])
        if not is_told:
            rows.note(f.NOTE_NO_TIME)
        self._log.finish_packet(ts_ns)
        if fault:
            self._log.damage(byte, fault + "; the rest of the line is kept")

    def finish(self) -> None:
        """Say how the times were read."""
        for note in self._time.notes():
            self._log.note(note)

    def _packet(self, line: bytes, head: re.Match[bytes]) -> str:
        """Read what stands behind the interfaces; return what is wrong, if anything is."""
        rows = self._log.rows
        mac = head[1] or head[2]
        if mac is not None:
            rows.put(f.LINK_SRC, int(mac.replace(b":", b""), 16))
        if head[3] is None:
            arp = _ARP.search(line, head.end() - len("ARP HTYPE="))
            return "no addresses behind the interfaces" if arp is None else _write_arp(rows, arp)
        at = head.start(3)
        ipv4 = _IPV4.match(line, at)
        if ipv4 is not None:
            return self._ipv4(line, ipv4)
        ipv6 = _IPV6.match(line, at)
        if ipv6 is not None:
            return self._ipv6(line, ipv6)
        return f"the IP header is not as netfilter writes it: {printable(line[at:])}"

    def _ipv4(self, line: bytes, ip: re.Match[bytes]) -> str:
        rows = self._log.rows
        from_, to, total, tos, prec, hops, ident, ce, df, mf, frag, shown, name = ip.groups()
        source, target, protocol = parse_address(from_), parse_address(to), _protocol(name)
        length, ttl, ip_id, offset = int(total), int(hops), int(ident), int(frag or 0)
        if source is None or target is None or protocol is None or max(length, ip_id) > 0xFFFF or ttl > 255:
            return f"a value that no IP header can have: {printable(ip[0])}"
        rows.put_addresses(source, target)
        rows.put(f.PROTOCOL, protocol)
        flags = 4 * (ce is not None) + 2 * (df is not None) + (mf is not None)
        rows.put_run(f.IP_TOS, (int(tos, 16) | int(prec, 16), length, ip_id, flags, offset & 0x1FFF, ttl))
        rows.note(f.NOTE_TOS_PARTIAL)
        options = len(shown or b"") // 2
        if options:
            rows.put(f.IP_IHL, 5 + options // 4)
        if offset:
            _write_later_fragment(rows, 4, protocol)
            return ""
        if mf is not None:
            rows.note(f.NOTE_FIRST_FRAGMENT)
        room = length - _IPV4_HEADER - options
        if name.isdigit():
            _write_unnamed(rows, protocol, room)
            return ""
        return self._transport(line, ip.end(), protocol, room)

    def _ipv6(self, line: bytes, ip: re.Match[bytes]) -> str:
        rows = self._log.rows
        source, target = parse_address(ip[1]), parse_address(ip[2])
        protocol = _protocol(ip[9])
        length, traffic_class, ttl, flow = int(ip[3]) - _IPV6_HEADER, int(ip[4]), int(ip[5]), int(ip[6])
        if source is None or target is None or protocol is None or len(source) != 4 or len(target) != 4:
            return f"no IPv6 header: {printable(ip[0])}"
        if not 0 <= length <= 0xFFFF or max(traffic_class, ttl) > 255 or flow > 0xFFFFF:
            return f"a value that no IPv6 header can have: {printable(ip[0])}"
        rows.put_addresses(source, target)
        rows.put(f.PROTOCOL, protocol)
        rows.put(f.IP_LEN, length)
        rows.put(f.IP_TOS, traffic_class)
        rows.put(f.IP_TTL, ttl)
        rows.put(f.IP6_FLOW, flow)
        if ip[7] is not None and int(ip[7]):
            _write_later_fragment(rows, 6, protocol)
            return ""
        if ip[8] is not None:
            rows.note(f.NOTE_FIRST_FRAGMENT)
        if ip[9].isdigit():
            _write_unnamed(rows, protocol, length)
            return ""
        return self._transport(line, ip.end(), protocol, length)

    def _transport(self, line: bytes, at: int, protocol: int, room: int) -> str:
        """Read the transport; ``room`` is what the network header leaves for it and for options not shown."""
        incomplete = _INCOMPLETE.match(line, at)
        if incomplete is not None:
            self._log.rows.note(f.NOTE_BAD_LENGTH)
            if int(incomplete[1]) == 0:
                _lack_transport(self._log.rows, protocol)
            return ""
        if protocol == f.TCP:
            return self._tcp(line, at, room)
        if protocol == f.UDP:
            return _write_udp(self._log.rows, line, at, room)
        if protocol in (f.ICMP, f.ICMP6):
            return _write_icmp(self._log.rows, line, at, room)
        if protocol == f.SCTP:
            _write_ports(self._log.rows, _PORTS.match(line, at))
        return ""

    def _tcp(self, line: bytes, at: int, room: int) -> str:
        rows = self._log.rows
        tcp = _TCP.match(line, at)
        if tcp is None:
            known = _write_ports(rows, _PORTS.match(line, at))
            return f"a TCP line without {'WINDOW and URGP' if known else 'ports'}, which netfilter always writes"
        sport, dport, seq, ack, window, reserved, words, urgent, options = tcp.groups()
        ports, rest = (int(sport), int(dport)), (int(window), int(urgent))
        if max(*ports, *rest) > 0xFFFF:
            return f"a value that no TCP header can have: {printable(tcp[0])}"
        rows.put_run(f.SPORT, ports)
        if seq is not None:
            rows.put_run(f.SEQ, (int(seq) & 0xFFFFFFFF, int(ack) & 0xFFFFFFFF))
        flags = _control_bits(words)
        if reserved is not None:
            bits = int(reserved, 16)
            flags |= (f.CWR if bits & 2 else 0) | (f.ECE if bits & 1 else 0)
            rows.put(f.TCP_RESERVED, (bits >> 2 & 15) | (b"AE" in words))
        rows.put(f.TCP_FLAGS, flags)
        rows.put_run(f.TCP_WIN, rest)
        _write_tcp_options(rows, options, room - _TCP_HEADER)
        return ""


@lru_cache(maxsize=1024)
def _control_bits(words: bytes) -> int:
    return sum(_FLAGS[word] for word in set(words.split()) if word != b"AE")


def _write_tcp_options(rows: RowBuilder, shown: bytes | None, room: int) -> None:
    """Write the options; ``room`` is what is left for options and payload."""
    if shown is not None and len(shown) % 2 == 0:
        options = bytes.fromhex(shown.decode("ascii"))
        rows.put_options(options)
        rows.put(f.TCP_OFF, 5 + len(options) // 4)
        _write_no_payload(rows, room - len(options))
        if rows.get(f.IP_IHL) is not None and rows.get(f.PAYLOAD_LEN) is None and room >= len(options):
            rows.put_payload_len(room - len(options))
    elif room == 0:
        rows.put_layout(())
        _write_no_payload(rows, 0)


def _write_no_payload(rows: RowBuilder, room: int) -> None:
    """Write what a total length proves that leaves no room behind the shortest headers: no options, no payload."""
    if room == 0:
        rows.put_payload_len(0)
        if rows.get(f.IP_VERSION) == 4 and rows.get(f.IP_IHL) is None:
            rows.put(f.IP_IHL, 5)


def _write_unnamed(rows: RowBuilder, protocol: int, room: int) -> None:
    """Write a protocol that netfilter prints by its number alone: its header is not shown, if there is one."""
    if room == 0:
        _lack_transport(rows, protocol)
    _write_no_payload(rows, room)


def _protocol(name: bytes) -> int | None:
    number = _PROTOCOLS.get(name)
    if number is None and name.isdigit() and len(name) <= 3 and int(name) < 256:
        number = int(name)
    return number


def _lack_transport(rows: RowBuilder, protocol: int) -> None:
    rows.lack(*(set(words_of(4, protocol)) - _NETWORK[4] - _NETWORK[6]), *f.PAYLOAD_WORDS)


def _write_later_fragment(rows: RowBuilder, version: int, protocol: int) -> None:
    rows.note(f.NOTE_FRAGMENT)
    rows.lack(*(set(words_of(version, protocol)) - _NETWORK[version]), *f.PAYLOAD_WORDS, *TCP_OPTION_WORDS)


def _write_ports(rows: RowBuilder, ports: re.Match[bytes] | None) -> bool:
    if ports is None or int(ports[1]) > 0xFFFF or int(ports[2]) > 0xFFFF:
        return False
    rows.put(f.SPORT, int(ports[1]))
    rows.put(f.DPORT, int(ports[2]))
    return True


def _write_udp(rows: RowBuilder, line: bytes, at: int, room: int) -> str:
    ports = _PORTS.match(line, at)
    if not _write_ports(rows, ports) or ports is None:
        return "a UDP line without ports"
    length = _UDP_LEN.match(line, ports.end())
    if length is None or int(length[1]) > 0xFFFF:
        return "a UDP line without its own LEN"
    rows.put(f.UDP_LEN, int(length[1]))
    _write_no_payload(rows, room - _SHORT_HEADER)
    return ""


def _write_icmp(rows: RowBuilder, line: bytes, at: int, room: int) -> str:
    protocol = rows.get(f.PROTOCOL) or 0
    icmp = _ICMP.match(line, at)
    if icmp is None or int(icmp[1]) > 255 or int(icmp[2]) > 255:
        return "an ICMP line without TYPE and CODE"
    kind = int(icmp[1])
    rows.put(f.ICMP_TYPE, kind)
    rows.put(f.ICMP_CODE, int(icmp[2]))
    if icmp[3] is not None:
        rows.note(f.NOTE_BAD_LENGTH)
    if icmp[4] is not None:
        rows.put(f.ICMP_ID, int(icmp[4]) & 0xFFFF)
        rows.put(f.ICMP_SEQ, int(icmp[5]) & 0xFFFF)
    elif kind not in _QUERIES[protocol]:
        rows.lack(f.ICMP_ID, f.ICMP_SEQ)
    _write_no_payload(rows, room - _SHORT_HEADER)
    if kind in _ERRORS[protocol]:
        rows.expect(*_QUOTE_WORDS)
        quote = _QUOTE.match(line, icmp.end())
        if quote is not None:
            _write_quote(rows, line, quote.end())
    return ""


def _write_quote(rows: RowBuilder, line: bytes, at: int) -> None:
    """Write what an ICMP error quotes of the packet it answers; a quote that cannot be read stays unseen."""
    ip = _IPV4.match(line, at) or _IPV6.match(line, at)
    if ip is None:
        return
    is_v4 = ip.re is _IPV4
    target, protocol = parse_address(ip[2]), _protocol(ip[13] if is_v4 else ip[9])
    if target is None or protocol is None:
        return
    rows.note(f.NOTE_QUOTE)
    rows.put(f.QUOTE_PROTOCOL, protocol)
    rows.put(f.QUOTE_DST, target[-1])
    if is_v4 and int(ip[7]) <= 0xFFFF:
        rows.put(f.QUOTE_IP_ID, int(ip[7]))
    ports = _PORTS.match(line, ip.end())
    inner = _ICMP.match(line, ip.end())
    if ports is not None and int(ports[1]) <= 0xFFFF and int(ports[2]) <= 0xFFFF:
        rows.put(f.QUOTE_SPORT, int(ports[1]))
        rows.put(f.QUOTE_DPORT, int(ports[2]))
        tcp = _TCP.match(line, ip.end())
        if tcp is not None and tcp[3] is not None:
            rows.put(f.QUOTE_SEQ, int(tcp[3]) & 0xFFFFFFFF)
    elif inner is not None and int(inner[1]) <= 255 and int(inner[2]) <= 255:
        rows.put(f.QUOTE_SPORT, int(inner[1]))
        rows.put(f.QUOTE_DPORT, int(inner[2]))
        if inner[4] is not None:
            rows.put(f.QUOTE_SEQ, (int(inner[4]) & 0xFFFF) << 16 | int(inner[5]) & 0xFFFF)
    if protocol not in (f.TCP, f.ICMP, f.ICMP6):
        rows.lack(f.QUOTE_SEQ)


def _write_arp(rows: RowBuilder, arp: re.Match[bytes]) -> str:
    source, target = (parse_address(arp[group]) if arp[group] else None for group in (2, 3))
    if source is None or target is None or int(arp[1]) > 0xFFFF:
        return "an ARP line without addresses"
    rows.put_kind(f.ARP)
    rows.put(f.IP_SRC, source[-1])
    rows.put(f.IP_DST, target[-1])
    rows.put(f.ARP_OP, int(arp[1]))
    return ""


class NetfilterFormat:
    """Lines of netfilter's LOG target."""

    name = "netfilter"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a line holds what netfilter writes first and an address behind it."""
        return any(found[0].endswith((b"SRC=", b"ARP HTYPE=")) for found in _HEAD.finditer(head))

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:
        """Open a log with netfilter's lines; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, NetfilterParser(log, options.year))


FORMAT: Final = NetfilterFormat()
