"""What tcpdump prints behind the addresses: TCP, UDP, ICMP, SCTP and ARP, of 4.x and of 3.x with its ``S 1:1(0)``.

``print-tcp.c``, ``print-icmp.c``, ``print-ip.c``, ``print-ip6.c`` and ``print-icmp6.c`` of tcpdump 3.4 to 4.99. The
control bits are whole from 4.0 on (``[none]`` is none, a dot is ACK); 3.x prints S, F, R, P, W and E, ``.`` where it
prints no letter, and shows ACK and URG by ``ack`` and ``urg``. Options are printed in order with their values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from craftmark.packets import fields as f
from craftmark.packets.rows import parse_address
from craftmark.sources.shown import LETTERS

if TYPE_CHECKING:
    from craftmark.packets.rows import RowBuilder

_TCP: Final = re.compile(
    rb"Flags \[([^\]]{0,16})\](?:, cksum 0x[0-9a-f]{1,4} \(((?:in)?correct|unverified)[^)]{0,20}\))?"
    rb"(?:, seq (\d{1,10})(?::\d{1,10})?)?(?:, ack (\d{1,10}))?(?:, win (\d{1,5}))?(?:, urg (\d{1,5}))?"
    rb"(?:, options \[([^\]]{0,400})\])?(?:, length (\d{1,5}))?"
)
_OLD_TCP: Final = re.compile(
    rb"([SFRPWE.]{1,6})(?: \[(?:tcp sum ok|bad tcp cksum[^\]]{0,40})\])?(?: (\d{1,10}):\d{1,10}\((\d{1,5})\))?"
    rb"(?: ack (\d{1,10}))?(?: win (\d{1,5}))?(?: urg (\d{1,5}))?(?: <([^>]{0,200})>)?(?= |$)"
)
_OPTION: Final = re.compile(
    rb"\s*(?:(mss) (\d{1,5})|(wscale) (\d{1,3})|(?:TS val|timestamp) (\d{1,10})(?: ecr)? (\d{1,10})"
    rb"|(sackOK)|(nop)|(eol)|(sack)\b[^,]{0,16}(?:\{[^}]{0,80}\}){0,4}"
    rb"|(md5)\b[^,]{0,60}(?:, can't check - [0-9a-f]{0,40})?|(tfo|mptcp|exp)\b[^,]{0,120}|[^,]{1,120})\s*(?:,|$)"
)
_UDP: Final = re.compile(
    rb"(?:\[(udp sum ok|no cksum|bad udp cksum)[^\]]{0,40}\] )?(?:UDP, (?:bad )?length (\d{1,5})|udp (\d{1,5}))?"
)
_ECHO: Final = re.compile(rb"(?:ICMP6?,? )echo (request|reply)(?:, id (\d{1,5}))?(?:, seq (\d{1,5}))?")
_UNREACHABLE: Final = re.compile(
    rb"ICMP ([0-9.]{7,15}) (tcp|udp|protocol (?P<proto>\d{1,3}))(?: port (\d{1,5}))? unreachable"
)
_STAMP: Final = re.compile(rb"ICMP time stamp (query|reply) id (\d{1,5}) seq (\d{1,5})")
_ICMP_WORDS: Final = (
    (re.compile(rb"ICMP net \S{1,64} unreachable"), 3, 0),
    (re.compile(rb"ICMP host \S{1,64} unreachable - admin prohibited,"), 3, 10),
    (re.compile(rb"ICMP host \S{1,64} unreachable - admin prohibited filter"), 3, 13),
    (re.compile(rb"ICMP host \S{1,64} unreachable,"), 3, 1),
    (re.compile(rb"ICMP \S{1,64} unreachable - need to frag"), 3, 4),
    (re.compile(rb"ICMP time exceeded in-transit"), 11, 0), (re.compile(rb"ICMP ip reassembly time exceeded"), 11, 1),
    (re.compile(rb"ICMP source quench"), 4, 0), (re.compile(rb"ICMP redirect"), 5, None),
    (re.compile(rb"ICMP address mask request"), 17, 0), (re.compile(rb"ICMP address mask is"), 18, 0),
    (re.compile(rb"ICMP router advertisement"), 9, None), (re.compile(rb"ICMP router solicitation"), 10, 0),
    (re.compile(rb"ICMP information request"), 15, 0), (re.compile(rb"ICMP information reply"), 16, 0),
    (re.compile(rb"ICMP parameter problem"), 12, None), (re.compile(rb"ICMP .{1,80}unreachable"), 3, None),
)  # fmt: skip
_ICMP6_WORDS: Final = (
    (b"neighbor solicitation", 135), (b"neighbor advertisement", 136), (b"router solicitation", 133),
    (b"router advertisement", 134), (b"destination unreachable", 1), (b"packet too big", 2), (b"time exceeded", 3),
    (b"parameter problem", 4), (b"multicast listener report v2", 143), (b"multicast listener query", 130),
    (b"redirect", 137),
)  # fmt: skip
_SCTP: Final = re.compile(rb"sctp.{0,8}?(?:\(?1\) )\[([A-Z -]{2,20})\]")
_CHUNKS: Final = {
    b"DATA": 0, b"INIT": 1, b"INIT ACK": 2, b"SACK": 3, b"HB REQ": 4, b"HB ACK": 5, b"ABORT": 6, b"SHUTDOWN": 7,
    b"SHUTDOWN ACK": 8, b"COOKIE ECHO": 10, b"COOKIE ACK": 11,
}  # fmt: skip
_OPTION_NAMES: Final = {3: "SACKOK", 4: "NOP", 5: "EOL", 6: "SACK", 7: "MD5"}


@lru_cache(maxsize=256)
def _bits(letters: bytes) -> int | None:
    if letters == b"none":
        return 0
    bits = 0
    for letter in letters.decode("latin-1"):
        if letter not in LETTERS and letter != "e":
            return None
        bits |= LETTERS.get(letter, 0)
    return bits


@lru_cache(maxsize=4096)
def read_options(text: bytes) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return the kinds of the options printed, and their values as (word, value)."""
    kinds: list[str] = []
    values: list[tuple[int, int]] = []
    at = 0
    while at < len(text) and len(kinds) < 40:
        part = _OPTION.match(text, at)
        if part is None or part.end() == at:
            break
        at = part.end()
        if part[1]:
            kinds.append("MSS")
            values.append((f.TCP_MSS, int(part[2]) & 0xFFFF))
        elif part[3]:
            kinds.append("WS")
            values.append((f.TCP_WSCALE, int(part[4]) & 0xFF))
        elif part[5]:
            kinds.append("TS")
            values += [(f.TCP_TSVAL, int(part[5]) & 0xFFFFFFFF), (f.TCP_TSECR, int(part[6]) & 0xFFFFFFFF)]
        else:
            named = [name for group, name in _OPTION_NAMES.items() if part[group + 4]]
            kinds.append(
                named[0] if named else {b"tfo": "TFO", b"mptcp": "MPTCP", b"exp": "EXP"}.get(part[12], "OTHER")
            )
    return tuple(kinds), tuple(values)


def write_tcp(rows: RowBuilder, text: bytes, *, is_relative: bool) -> bool:
    """Write a TCP header as 4.x prints it; false if it is none. Relative numbers stay unseen."""
    tcp = _TCP.match(text)
    if tcp is None:
        return False
    bits = _bits(tcp[1])
    if bits is not None:
        rows.put(f.TCP_FLAGS, bits)
    if tcp[2] == b"incorrect":
        rows.note(f.NOTE_SUM_BAD)
    _write_numbers(rows, tcp[3], tcp[4], is_relative=is_relative)
    _write_rest(rows, tcp[5], tcp[6], tcp[7], tcp[8])
    return True


def write_old_tcp(rows: RowBuilder, text: bytes, *, is_relative: bool) -> bytes | None:
    """Write a TCP header as 3.x prints it and return what stands behind it, None if it is none."""
    tcp = _OLD_TCP.match(text)
    if tcp is None or (tcp[2] is None and tcp[4] is None):
        return None
    bits = _bits(tcp[1].replace(b".", b"")) or 0
    bits |= (f.ACK_BIT if tcp[4] else 0) | (f.URG if tcp[6] else 0)
    rows.put(f.TCP_FLAGS, bits)
    _write_numbers(rows, tcp[2], tcp[4], is_relative=is_relative)
    _write_rest(rows, tcp[5], tcp[6], tcp[7], tcp[3])
    return text[tcp.end() :]


def _write_numbers(rows: RowBuilder, seq: bytes | None, ack: bytes | None, *, is_relative: bool) -> None:
    if is_relative:
        return
    for word, shown in ((f.SEQ, seq), (f.ACK, ack)):
        if shown is not None:
            rows.put(word, int(shown) & 0xFFFFFFFF)


def _write_rest(
    rows: RowBuilder, window: bytes | None, urgent: bytes | None, options: bytes | None, length: bytes | None
) -> None:
    for word, shown in ((f.TCP_WIN, window), (f.TCP_URP, urgent)):
        if shown is not None:
            rows.put(word, int(shown) & 0xFFFF)
    if length is None:  # tcpdump stopped at a header length that cannot be
        rows.note(f.NOTE_BAD_LENGTH)
        return
    rows.put_payload_len(int(length) & 0xFFFF)
    kinds, values = read_options(options or b"")
    for word, value in values:
        rows.put(word, value)
    rows.put_run(f.TCP_OPTIONS, f.encode_layout(kinds))
    missing = {"MSS": (f.TCP_MSS,), "WS": (f.TCP_WSCALE,), "TS": (f.TCP_TSVAL, f.TCP_TSECR)}
    rows.lack(*(word for kind, words in missing.items() if kind not in kinds for word in words))
    if not kinds:
        rows.put(f.TCP_OFF, 5)


def write_udp(rows: RowBuilder, text: bytes) -> None:
    """Write the length in UDP's header, which is printed less eight where nothing inside was decoded."""
    udp = _UDP.match(text)
    length = None if udp is None else udp[2] or udp[3]
    if length is not None and int(length) <= 0xFFF7:
        rows.put(f.UDP_LEN, int(length) + 8)


def write_icmp(rows: RowBuilder, text: bytes) -> None:
    """Write an ICMP message's type, code and identifiers, and what an error quotes."""
    echo, stamp = _ECHO.match(text), _STAMP.match(text)
    six = rows.get(f.PROTOCOL) == f.ICMP6
    if echo is not None:
        kinds = (128, 129) if six else (8, 0)
        rows.put(f.ICMP_TYPE, kinds[echo[1] == b"reply"])
        rows.put(f.ICMP_CODE, 0)
        _write_ids(rows, echo[2], echo[3])
    elif stamp is not None:
        rows.put_run(f.ICMP_TYPE, (14 if stamp[1] == b"reply" else 13, 0))
        _write_ids(rows, stamp[2], stamp[3])
    elif six:
        for words, kind in _ICMP6_WORDS:
            if text.startswith(words, 7):
                rows.put(f.ICMP_TYPE, kind)
                rows.lack(f.ICMP_ID, f.ICMP_SEQ)
                break
    else:
        _write_icmp_error(rows, text)


def _write_ids(rows: RowBuilder, ident: bytes | None, seq: bytes | None) -> None:
    for word, shown in ((f.ICMP_ID, ident), (f.ICMP_SEQ, seq)):
        if shown is not None:
            rows.put(word, int(shown) & 0xFFFF)


def _write_icmp_error(rows: RowBuilder, text: bytes) -> None:
    port = _UNREACHABLE.match(text)
    if port is not None:
        named = port["proto"]
        rows.put_run(f.ICMP_TYPE, (3, 2 if named else 3))
        rows.lack(f.ICMP_ID, f.ICMP_SEQ)
        target = parse_address(port[1])
        if target is not None:
            rows.expect(f.QUOTE_PROTOCOL, f.QUOTE_DST, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ)
            rows.note(f.NOTE_QUOTE)
            rows.put(f.QUOTE_DST, target[-1])
            rows.put(f.QUOTE_PROTOCOL, int(named) & 255 if named else f.TCP if port[2] == b"tcp" else f.UDP)
            if port[4] is not None:
                rows.put(f.QUOTE_DPORT, int(port[4]) & 0xFFFF)
        return
    for pattern, kind, code in _ICMP_WORDS:
        if pattern.match(text):
            rows.put(f.ICMP_TYPE, kind)
            if code is not None:
                rows.put(f.ICMP_CODE, code)
            if kind in (3, 4, 5, 11, 12):
                rows.lack(f.ICMP_ID, f.ICMP_SEQ)
                rows.expect(f.QUOTE_PROTOCOL, f.QUOTE_DST, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ)
            return


def write_sctp(rows: RowBuilder, text: bytes) -> None:
    """Write the first chunk's type."""
    chunk = _SCTP.match(text)
    if chunk is not None and chunk[1] in _CHUNKS:
        rows.put(f.SCTP_CHUNK, _CHUNKS[chunk[1]])
