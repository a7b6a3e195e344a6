"""What nmap and nping print with ``--packet-trace``: every packet sent and received, one a line.

What a line shows (``PacketTrace`` in nmap's ``libnetutil/netutil.cc``): the IP header's TTL, ID and total length, TCP's
control bits, sequence numbers, window and options, UDP's ports, ICMP's type and code. Fields that nmap prints only when
they are set (``ipopts``, ``frag offset``) are read where present. Times count from the program's start.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from craftmark.packets import fields as f
from craftmark.packets.rows import parse_address
from craftmark.sources.logclock import SECOND_NS, fraction_ns
from craftmark.sources.shown import bits_of_letters, protocol_number, write_shown, write_tight
from craftmark.sources.tcpdump_text import read_options
from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    from typing import BinaryIO

    from craftmark.sources.base import Provenance, SourceOptions

_HEAD: Final = re.compile(
    rb"[ \t>]*(SENT|RCVD) \((\d{1,7})\.(\d{1,6})s\) (?:(TCP|UDP|ICMP|ICMPv6|SCTP|ARP)\b|[\w-]{1,20} \((\d{1,3})\)) ?"
)
_PAIR: Final = re.compile(
    rb"\[?([0-9A-Fa-f.:]{2,45}?)(?::(\d{1,5}))? > ([0-9A-Fa-f.:]{2,45}?)(?::(\d{1,5}))?(?=[ \]]|: )"
)
_VALUE: Final = re.compile(rb"\b(ttl|hopl|id|iplen|payloadlen|seq|ack|win|type|code)=(\d{1,10})(?:/code=(\d{1,3}))?")
_BITS: Final = re.compile(rb" ([SFRPAUEC]{1,8}|[SFRPAUEC]{0,8}NULL|\?) ")
_OPTIONS: Final = re.compile(rb"<([^>]{0,200})>")
_ARP: Final = re.compile(rb"(who-has|reply) ([0-9.]{7,15}) (?:tell|is-at) (\S{1,45})")


class TraceParser:
    """Reads the lines of a packet trace."""

    clock = "since-boot"

    def __init__(self, log: PacketLog) -> None:
        self._log = log

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        head = _HEAD.match(line)
        if head is None:
            if line.strip():
                self._log.foreign(line)
            return
        rest = line[head.end() :]
        fault = self._arp(rest) if head[4] == b"ARP" else self._packet(head[4] or head[5], rest)
        if fault:
            self._log.damage(byte, fault)
            return
        self._log.finish_packet(int(head[2]) * SECOND_NS + fraction_ns(head[3]))

    def finish(self) -> None:
        """Say what the clock is."""
        self._log.note("times count from the start of the program that printed them")

    def _arp(self, rest: bytes) -> str:
        found = _ARP.match(rest)
        asker = None if found is None else parse_address(found[3])
        asked = None if found is None else parse_address(found[2])
        if found is None or asked is None:
            return f"an ARP line that is not read: {printable(rest)}"
        rows = self._log.rows
        rows.put_kind(f.ARP)
        is_request = found[1] == b"who-has"
        rows.put(f.ARP_OP, 1 if is_request else 2)
        source = asker if is_request else asked
        if source is not None:
            rows.put(f.IP_SRC, source[-1])
        if is_request:
            rows.put(f.IP_DST, asked[-1])
        return ""

    def _packet(self, name: bytes, rest: bytes) -> str:
        pair = _PAIR.match(rest)
        protocol = protocol_number(name)
        if pair is None or protocol is None:
            return f"no addresses and protocol: {printable(rest)}"
        if protocol == f.ICMP and b":" in pair[1]:
            protocol = f.ICMP6
        words = {word: int(text) for word, text in ((f.SPORT, pair[2]), (f.DPORT, pair[4])) if text is not None}
        words |= _values(protocol, rest[pair.end() :])
        fault = write_shown(self._log.rows, (pair[1], pair[3]), protocol, words)
        if not fault and protocol == f.TCP:
            self._tcp(rest[pair.end() :])
        write_tight(self._log.rows, protocol)
        return fault

    def _tcp(self, rest: bytes) -> None:
        rows = self._log.rows
        shown = _BITS.match(rest)
        if shown is not None and shown[1] != b"?":
            bits = bits_of_letters(shown[1].removesuffix(b"NULL"))
            if bits is not None:
                rows.put(f.TCP_FLAGS, bits)
        options = _OPTIONS.search(rest)
        if options is not None:
            kinds, values = read_options(options[1])
            for word, value in values:
                rows.put(word, value)
            rows.put_layout(())
            rows.put_run(f.TCP_OPTIONS, f.encode_layout(kinds))


def _values(protocol: int, rest: bytes) -> dict[int, int]:
    """Return what ``name=value`` parts show; ``id`` and ``seq`` belong to ICMP before the IP part and to IP in it."""
    words: dict[int, int] = {}
    transport, _, network = rest.partition(b" IP [")
    is_icmp = protocol in (f.ICMP, f.ICMP6)
    for part, is_network in ((transport, not network), (network, True)):
        for name, text, code in _VALUE.findall(part):
            value = int(text)
            if name in (b"ttl", b"hopl"):
                words[f.IP_TTL] = value
            elif name in (b"iplen", b"payloadlen"):
                words[f.IP_LEN] = value
            elif name == b"id" and (is_network and not (is_icmp and part is transport and network)):
                words[f.IP_ID] = value
            elif name == b"id" and is_icmp:
                words[f.ICMP_ID] = value
            elif name == b"type":
                words[f.ICMP_TYPE] = value
                if code:
                    words[f.ICMP_CODE] = int(code)
            elif name == b"code":
                words[f.ICMP_CODE] = value
            elif name == b"seq":
                words[f.ICMP_SEQ if is_icmp else f.SEQ] = value
            elif name == b"ack":
                words[f.ACK] = value
            elif name == b"win":
                words[f.TCP_WIN] = value
    return words


class TraceFormat:
    """nmap's and nping's packet trace."""

    name = "packettrace"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a line is a packet that was sent or received."""
        return any(_HEAD.match(line) is not None for line in head.split(b"\n", 200)[:200])

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:  # noqa: ARG002
        """Open a packet trace; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, TraceParser(log))


FORMAT: Final = TraceFormat()
