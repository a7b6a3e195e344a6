"""filterlog: how pfSense and OPNsense log what their packet filter pf blocks or passes, one line of commas a packet.

What the lines show (``sysutils/filterlog/files/print-ip.c``, ``print-ip6.c``, ``print-tcp.c`` and ``description.txt``
of pfsense/FreeBSD-ports):

- IPv4: TOS, TTL, ID, offset in octets, ``none``, ``DF``, ``+`` (MF) or ``rsvd`` (two of them together stay unseen),
  total length. IPv6: class, flow label, hop limit, payload length.
- TCP: payload length, all control bits, the sequence number unless a segment has neither data nor SYN, FIN or RST, the
  acknowledgment number beside ACK, the urgent pointer beside URG, the names of the options without their values.
- UDP: the header's own length. ICMP: the type and, of errors, the code by name, the identifier of an echo; the sequence
  number runs into the length behind it and stays unseen. Of ICMPv6 nothing is printed.

IHL and Data Offset are told where total length and payload leave no room for options. Checksums are never printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets import fields as f
from craftmark.sources.loglines import LogLineFormat
from craftmark.sources.shown import QUERIES, bits_of_letters, number, protocol_number, write_shown
from craftmark.sources.textlines import printable

if TYPE_CHECKING:
    import re

    from craftmark.packets.rows import RowBuilder

_PATTERN: Final = (
    rb"filterlog(?:\[\d{1,9}\])?:? (?:\d{1,9} - - )?(?:- )?(?:\[[^\]]{0,200}\] )?"
    rb"(\d{0,9},[^,]{0,20},[^,]{0,80},[^,]{0,40},[^,]{0,32},[^,]{1,20},[^,]{1,12},(?:in|out|in/out|dir),([46]),[^\r\n]{1,1500})"
)
_HEAD: Final = 9
_FLAGS: Final = {b"none": 0, b"DF": 2, b"+": 1, b"rsvd": 4}
# Type and code, None where the name does not tell it.
_ICMP_NAMES: Final[dict[bytes, tuple[int, int | None]]] = {
    b"request": (8, None), b"reply": (0, None), b"tstamp": (13, None), b"tstampreply": (14, None),
    b"unreach": (3, None), b"unreachport": (3, 3), b"unreachproto": (3, 2), b"needfrag": (3, 4),
    b"timexceed": (11, None), b"redirect": (5, None), b"paramprob": (12, None),
}  # fmt: skip
_ECHOES: Final = (b"request", b"reply", b"tstamp")
_OPTIONS: Final = {
    b"nop": "NOP", b"mss": "MSS", b"wscale": "WS", b"sackOK": "SACKOK", b"sack": "SACK", b"TS": "TS", b"eol": "EOL",
    b"md5": "MD5",
}  # fmt: skip
_SHORTEST = 20


def _write(rows: RowBuilder, found: re.Match[bytes]) -> str:
    cells = found[1].rstrip().split(b",")[_HEAD:]
    try:
        return _write_ipv4(rows, cells) if found[2] == b"4" else _write_ipv6(rows, cells)
    except (IndexError, ValueError):
        return f"not as filterlog writes it: {printable(found[1])}"


def _write_ipv4(rows: RowBuilder, cells: list[bytes]) -> str:
    words = {f.IP_TOS: int(cells[0], 16), f.IP_TTL: int(cells[2]), f.IP_ID: int(cells[3]), f.IP_LEN: int(cells[8])}
    offset = int(cells[4]) // 8
    words[f.IP_FRAG] = offset
    if cells[5] in _FLAGS:
        words[f.IP_FLAGS] = _FLAGS[cells[5]]
    protocol = protocol_number(cells[6])
    if protocol is None:
        return f"no protocol: {printable(cells[6])}"
    fault = write_shown(rows, (cells[9], cells[10]), protocol, words)
    if fault:
        return fault
    if offset:
        rows.note(f.NOTE_FRAGMENT)
        return ""
    if cells[5] == b"+":
        rows.note(f.NOTE_FIRST_FRAGMENT)
    return _write_transport(rows, protocol, cells[11:], words[f.IP_LEN] - _SHORTEST)


def _write_ipv6(rows: RowBuilder, cells: list[bytes]) -> str:
    words = {
        f.IP_TOS: int(cells[0], 16),
        f.IP6_FLOW: int(cells[1], 16),
        f.IP_TTL: int(cells[2]),
        f.IP_LEN: int(cells[5]),
    }
    protocol = protocol_number(cells[4])
    if protocol is None:
        return f"no protocol: {printable(cells[4])}"
    fault = write_shown(rows, (cells[6], cells[7]), protocol, words)
    return fault or _write_transport(rows, protocol, cells[8:], words[f.IP_LEN])


def _write_transport(rows: RowBuilder, protocol: int, cells: list[bytes], room: int) -> str:
    if protocol == f.TCP:
        return _write_tcp(rows, cells, room)
    if protocol in (f.UDP, f.SCTP) and len(cells) >= 2:
        _write_ports(rows, cells)
        if protocol == f.UDP and len(cells) > 2:
            rows.put(f.UDP_LEN, int(cells[2]) & 0xFFFF)
    elif protocol == f.ICMP and cells and cells[0] in _ICMP_NAMES:
        kind, code = _ICMP_NAMES[cells[0]]
        rows.put(f.ICMP_TYPE, kind)
        if code is not None:
            rows.put(f.ICMP_CODE, code)
        if cells[0] in _ECHOES and len(cells) > 1:
            rows.put(f.ICMP_ID, int(cells[1]) & 0xFFFF)
        elif kind not in QUERIES[f.ICMP]:
            rows.lack(f.ICMP_ID, f.ICMP_SEQ)
    return ""


def _write_ports(rows: RowBuilder, cells: list[bytes]) -> None:
    sport, dport = number(cells[0], 0xFFFF), number(cells[1], 0xFFFF)
    if sport is None or dport is None:
        raise ValueError
    rows.put_run(f.SPORT, (sport, dport))


def _write_tcp(rows: RowBuilder, cells: list[bytes], room: int) -> str:
    _write_ports(rows, cells)
    length, bits = int(cells[2]), bits_of_letters(cells[3])
    if bits is None:
        return f"no control bits: {printable(cells[3])}"
    rows.put(f.TCP_FLAGS, bits)
    if cells[4].startswith(b"errormsg"):
        rows.note(f.NOTE_BAD_LENGTH)
        return ""
    for word, cell in ((f.SEQ, cells[4].partition(b":")[0]), (f.ACK, cells[5]), (f.TCP_URP, cells[7])):
        if cell:
            rows.put(word, int(cell) & 0xFFFFFFFF)
    rows.put(f.TCP_WIN, int(cells[6]) & 0xFFFF)
    if not 0 <= length <= room:
        rows.note(f.NOTE_BAD_LENGTH)
        return ""
    rows.put_payload_len(length)
    _write_options(rows, cells[8] if len(cells) > 8 else b"", headers=room - length)
    return ""


def _write_options(rows: RowBuilder, names: bytes, *, headers: int) -> None:
    """Write the layout; ``headers`` is what is left for TCP's header and, in IPv4, IP's options."""
    if names:
        kinds = [_OPTIONS.get(name, "OTHER") for name in names.split(b";")]
        rows.put_run(f.TCP_OPTIONS, f.encode_layout(tuple(kinds)))
        values = {"MSS": (f.TCP_MSS,), "WS": (f.TCP_WSCALE,), "TS": (f.TCP_TSVAL, f.TCP_TSECR)}
        rows.lack(*(word for kind, words in values.items() if kind not in kinds for word in words))
    else:
        rows.put_layout(())
        if headers == _SHORTEST:
            rows.put(f.TCP_OFF, 5)
            if rows.get(f.IP_VERSION) == 4:
                rows.put(f.IP_IHL, 5)


FORMAT: Final = LogLineFormat("filterlog", _PATTERN, _write)
