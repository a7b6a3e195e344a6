"""What a line of a log shows of a packet, written as a row: addresses, protocol, and words with their values.

Shared by the formats that are tables or one line a packet. Values that no header can hold are refused, what is not
shown stays unseen. Protocol names are those of /etc/protocols and IANA, in any case.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from craftmark.packets import fields as f
from craftmark.packets.rows import parse_address
from craftmark.sources.textlines import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.packets.rows import RowBuilder

_PROTOCOLS: Final = {
    b"hopopt": 0, b"ip": 0, b"icmp": 1, b"igmp": 2, b"ipip": 4, b"ipencap": 4, b"tcp": 6, b"igrp": 9, b"udp": 17,
    b"ipv6": 41, b"gre": 47, b"esp": 50, b"ah": 51, b"icmp6": 58, b"icmpv6": 58, b"ipv6-icmp": 58, b"icmp-ipv6": 58,
    b"eigrp": 88, b"ospf": 89, b"ospfigp": 89, b"pim": 103, b"vrrp": 112, b"carp": 112, b"l2tp": 115, b"sctp": 132,
    b"udplite": 136,
}  # fmt: skip
#: Control bits by the letters that most programs write for them; a dot is ACK (tcpdump).
LETTERS: Final = {
    "F": f.FIN, "S": f.SYN, "R": f.RST, "P": f.PSH, "A": f.ACK_BIT, ".": f.ACK_BIT, "U": f.URG, "E": f.ECE, "W": f.CWR,
    "C": f.CWR,
}  # fmt: skip
#: ICMP messages that have an identifier and a sequence number, by protocol.
QUERIES: Final = {f.ICMP: frozenset((0, 8, 13, 14, 15, 16, 17, 18)), f.ICMP6: frozenset((128, 129))}
_ANY: Final = -1


@lru_cache(maxsize=1024)
def protocol_number(name: bytes) -> int | None:
    """Return the number of a protocol given by name or number, None if it is none."""
    if name.isdigit():
        return int(name) if len(name) <= 3 and int(name) < 256 else None
    return _PROTOCOLS.get(name.lower())


@lru_cache(maxsize=1024)
def bits_of_letters(letters: bytes, unset: bytes = b"") -> int | None:
    """Return control bits written as letters, None if one is none; ``unset`` is what stands for bits not set."""
    bits = 0
    for letter in letters.decode("latin-1"):
        if letter in unset.decode("latin-1"):
            continue
        bit = LETTERS.get(letter)
        if bit is None:
            return None
        bits |= bit
    return bits


@lru_cache(maxsize=512)
def _limits(protocol: int, version: int) -> dict[int, int]:
    """Return the greatest value of every word that packets of a protocol have."""
    limits = {field.word: (1 << field.bits) - 1 for field in f.fields_of(protocol)}
    limits[f.TCP_OPTIONS_LOW] = 0xFFFFFFFF
    if version == 6:
        limits[f.IP_ID] = _ANY
    return limits


def write_shown(rows: RowBuilder, pair: tuple[bytes, bytes], protocol: int, words: Mapping[int, int]) -> str:
    """Write addresses, protocol and words into the row being built; return what is wrong, "" if nothing is."""
    source, target = parse_address(pair[0]), parse_address(pair[1])
    if source is None or target is None or len(source) != len(target):
        return f"no addresses: {printable(pair[0])} {printable(pair[1])}"
    rows.put_addresses(source, target)
    rows.put(f.PROTOCOL, protocol)
    limits = _limits(protocol, 6 if len(source) == 4 else 4)
    for word, value in words.items():
        limit = limits.get(word, _ANY)
        if limit == _ANY:
            continue  # not a field of such packets: a table has one set of columns for all
        if not 0 <= value <= limit:
            return f"a value that no header can have: {value}"
        rows.put(word, value)
    if protocol in QUERIES:
        kind = words.get(f.ICMP_TYPE)
        if kind is not None and kind not in QUERIES[protocol]:
            rows.lack(f.ICMP_ID, f.ICMP_SEQ)
    return ""


def number(text: bytes, most: int = 0xFFFFFFFF) -> int | None:
    """Return a decimal or 0x number of at most 10 digits, None if the text is none or it is greater than ``most``."""
    if text[:2] in (b"0x", b"0X") and 2 < len(text) <= 10:
        try:
            value = int(text, 16)
        except ValueError:
            return None
    elif text.isdigit() and len(text) <= 10:
        value = int(text)
    else:
        return None
    return value if value <= most else None


_SHORTEST: Final = {f.TCP: 20, f.UDP: 8, f.ICMP: 8, f.ICMP6: 8}


def write_tight(rows: RowBuilder, protocol: int) -> None:
    """Write what a total length proves that leaves no room behind the shortest headers: no options, no payload."""
    total, header = rows.get(f.IP_LEN), _SHORTEST.get(protocol)
    is_v4 = rows.get(f.IP_VERSION) == 4
    if total is None or header is None or total != header + (20 if is_v4 else 0):
        return
    rows.put_payload_len(0)
    if is_v4:
        rows.put(f.IP_IHL, 5)
    if protocol == f.TCP:
        rows.put(f.TCP_OFF, 5)
        rows.put_layout(())
