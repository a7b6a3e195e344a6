"""Frames written anew from rows: nothing is in them but what the rows say, and checksums hold where the rows say so.

A row names the header fields that we decode; a frame built from it holds these and nothing else: option contents,
padding, link layers, tunnels and payloads of the frame that was captured are gone. RFC 791, 8200, 9293, 768, 792,
4443, 826; checksums RFC 1071. Octets behind the headers count as zeros and are cut, as a snaplen cuts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from craftmark.kernels.transport import is_error, is_query
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, RawFrames
from craftmark.packets.links import ETHERNET, LINUX_SLL, LINUX_SLL2, NULL, RAW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from craftmark.packets.batch import Words

Octets = NDArray[np.uint8]
Rows = NDArray[np.intp]

#: Octets of an IP header's successor that an ICMP error quotes (RFC 792).
_QUOTED: Final = 8
#: Octets of link headers in front of IP, where nothing is tagged.
_LINK_HEADERS: Final = {ETHERNET: 14, RAW: 0, LINUX_SLL: 16, LINUX_SLL2: 20, NULL: 4}
_TYPES: Final = {4: 0x0800, 6: 0x86DD, 0: 0x0806}
_KINDS: Final = {nibble: kind for kind, nibble in reversed(f.OPTION_NIBBLES.items())} | {f.OPTION_OTHER: 28}
_EOL: Final = 0
_SIZES: Final = {0: 1, 1: 1, 2: 4, 3: 3, 4: 2, 8: 10}
_TCP_HEADER: Final = f.visibility_mask(*f.TCP_WORDS[:9])
_LAYOUT: Final = (f.TCP_OFF, f.TCP_OPTIONS, f.TCP_OPTIONS_LOW)
_VALUES: Final = {2: f.TCP_MSS, 3: f.TCP_WSCALE, 8: f.TCP_TSVAL}
_UNREADABLE: Final = f.NOTE_BAD_OPTIONS | f.NOTE_BAD_LENGTH
_FIRST_OF_SCTP: Final = 13


class Refused(NamedTuple):
    """Why a row is not written."""

    why: str
    packets: int


@dataclass(frozen=True, slots=True)
class Built:
    """Frames in the order of their rows, and the numbers of those rows; what was refused, and why."""

    batch: PacketBatch
    rows: Rows
    refused: tuple[Refused, ...]


def build(batch: PacketBatch, quoted: Rows | None = None, payloads: Mapping[int, bytes] | None = None) -> Built:
    """Return frames for the rows of a batch.

    quoted: per row, for an ICMP error, the row of the packet it quotes, -1 for none. payloads: whole payloads by row;
    all others are cut. Frames have Ethernet headers where all rows know a link address, else they begin with IP.
    """
    words = batch.words
    link = ETHERNET if len(words) and (words[:, f.LINK_SRC] != 0).all() else RAW
    quoted = np.full(len(words), -1, np.intp) if quoted is None else quoted
    maker = _Maker(words, payloads or {})
    reasons = np.zeros(len(words), np.intp)
    told = list(_refusals(words, quoted, link))
    for number, (_, where) in reversed(list(enumerate(told, 1))):
        reasons[where] = number
    errors = _is_error(words)
    for is_quoting in (False, True):
        for rows in _shapes(words, np.flatnonzero((reasons == 0) & (errors == is_quoting))):
            maker.make(rows, quoted)
    rows = np.flatnonzero(maker.sizes > 0)
    reasons[(maker.sizes == 0) & (reasons == 0)] = len(told) + 1
    names = [name for name, _ in told] + ["its TCP options do not fit its header"]
    refused = [Refused(name, int((reasons == number).sum())) for number, name in enumerate(names, 1)]
    return Built(_as_batch(batch, rows, maker, link), rows, tuple(one for one in refused if one.packets))


def payload_of(batch: PacketBatch, row: int) -> bytes:
    """Return a packet's payload where the whole of it was captured, empty if not, or of a packet out of a tunnel."""
    raw, words = batch.raw, batch.words[row]
    size = int(words[f.PAYLOAD_LEN])
    if raw is None or not size or int(words[f.NOTES]) & (_UNREADABLE | f.NOTE_TUNNEL | _FRAGMENTS):
        return b""
    start, end = int(raw.starts[row]), int(raw.starts[row] + raw.captured[row])
    at = start + _LINK_HEADERS.get(int(raw.links[row]), end)
    version = int(words[f.IP_VERSION])
    if at >= end or raw.octets[at] >> 4 != version:  # another link layer, or tags
        return b""
    stop = at + int(words[f.IP_LEN]) + (40 if version == 6 else 0)
    return raw.octets[stop - size : stop].tobytes() if stop <= end else b""


def _is_error(words: Words) -> NDArray[np.bool_]:
    kinds = {(p, k) for p in (f.ICMP, f.ICMP6) for k in range(256) if is_error(p, k)}
    found = np.zeros(len(words), np.bool_)
    for protocol, kind in kinds:
        found |= (words[:, f.PROTOCOL] == protocol) & (words[:, f.ICMP_TYPE] == kind)
    return found


def _refusals(words: Words, quoted: Rows, link: int) -> Sequence[tuple[str, NDArray[np.bool_]]]:
    protocol, notes = words[:, f.PROTOCOL], words[:, f.NOTES]
    is_tcp = (protocol == f.TCP) & (notes & f.NOTE_FRAGMENT == 0)
    hidden = words[:, f.UNSEEN] & np.uint32(f.visibility_mask(*f.IPV4_WORDS, f.SPORT, f.DPORT, f.SEQ, f.ACK)) != 0
    head = np.select([is_tcp, protocol == f.UDP], [4 * words[:, f.TCP_OFF].astype(np.int64), 8], 0)
    cut = is_tcp & (words[:, f.PRESENT] & _TCP_HEADER != _TCP_HEADER)
    extended = (words[:, f.IP_VERSION] == 6) & (head > 0) & (words[:, f.PRESENT] & _PAYLOAD_BIT != 0)
    extended &= words[:, f.IP_LEN] != head + words[:, f.PAYLOAD_LEN]
    return (
        ("neither IP nor ARP", protocol == f.NOT_IP),
        ("its lengths or options contradict each other", notes & _UNREADABLE != 0),
        ("its headers were cut when it was captured", hidden | cut),
        ("IPv6 extension headers or fragments", extended | (words[:, f.IP_VERSION] == 6) & (notes & _FRAGMENTS != 0)),
        ("it quotes a packet that is not here", _is_error(words) & (quoted < 0)),
        ("ARP, among packets without link addresses", (protocol == f.ARP) & (link != ETHERNET)),
    )  # fmt: skip


_PAYLOAD_BIT: Final = np.uint32(f.visibility_bit(f.PAYLOAD_LEN))
_FRAGMENTS: Final = f.NOTE_FRAGMENT | f.NOTE_FIRST_FRAGMENT


def _shapes(words: Words, rows: Rows) -> list[Rows]:
    """Return rows of one form of header together."""
    if not len(rows):
        return []
    chosen = words[rows]
    keys = np.stack([
        chosen[:, f.PROTOCOL], chosen[:, f.IP_VERSION], chosen[:, f.IP_IHL], chosen[:, f.NOTES] & f.NOTE_FRAGMENT,
        *(np.where(chosen[:, f.PROTOCOL] == f.TCP, chosen[:, word], 0) for word in _LAYOUT),
        np.where(np.isin(chosen[:, f.PROTOCOL], (f.ICMP, f.ICMP6)), chosen[:, f.ICMP_TYPE], 0),
    ], axis=1)  # fmt: skip
    _, group = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(group.reshape(-1), kind="stable")
    return [rows[part] for part in np.split(order, np.flatnonzero(np.diff(group.reshape(-1)[order])) + 1)]


class _Maker:
    """Makes the datagrams of rows, shape by shape."""

    def __init__(self, words: Words, payloads: Mapping[int, bytes]) -> None:
        self.words = words
        self.payloads = payloads
        self.octets = np.zeros((len(words), 120), np.uint8)
        self.sizes = np.zeros(len(words), np.int64)  # octets of the datagram written here, without kept payloads
        self.wire = np.zeros(len(words), np.int64)

    def make(self, rows: Rows, quoted: Rows) -> None:
        """Make datagrams of one shape."""
        words = self.words[rows]
        protocol, version = int(words[0, f.PROTOCOL]), int(words[0, f.IP_VERSION])
        if protocol == f.ARP:
            self._put(rows, _arp(words), np.full(len(rows), 28))
            return
        network = _ipv6(words) if version == 6 else _ipv4(words)
        transport = None if int(words[0, f.NOTES]) & f.NOTE_FRAGMENT else self._transport(rows, words, quoted)
        if transport is None:
            return
        length = words[:, f.IP_LEN].astype(np.int64) + (40 if version == 6 else 0)
        self._put(rows, np.concatenate([network, transport], axis=1), length)

    def _put(self, rows: Rows, octets: Octets, wire: NDArray[np.int64]) -> None:
        size = np.minimum(octets.shape[1], wire)
        self.octets[rows, : octets.shape[1]] = octets
        self.sizes[rows], self.wire[rows] = size, wire

    def _transport(self, rows: Rows, words: Words, quoted: Rows) -> Octets | None:
        protocol = int(words[0, f.PROTOCOL])
        if protocol == f.TCP:
            made = _tcp(words)
            return None if made is None else self._summed(rows, words, made, 16)
        if protocol == f.UDP:
            return self._summed(rows, words, _udp(words), 6)
        if protocol in (f.ICMP, f.ICMP6):
            return self._summed(rows, words, self._icmp(rows, words, quoted), 2)
        return _sctp(words) if protocol == f.SCTP else np.zeros((len(rows), 0), np.uint8)

    def _icmp(self, rows: Rows, words: Words, quoted: Rows) -> Octets:
        made = np.zeros((len(words), 8), np.uint8)
        made[:, 0], made[:, 1] = words[:, f.ICMP_TYPE], words[:, f.ICMP_CODE]
        protocol, kind = int(words[0, f.PROTOCOL]), int(words[0, f.ICMP_TYPE])
        if is_query(protocol, kind):
            _be16(made, 4, words[:, f.ICMP_ID])
            _be16(made, 6, words[:, f.ICMP_SEQ])
        if not is_error(protocol, kind):
            return made
        other = quoted[rows]
        size = (40 if protocol == f.ICMP6 else 20) + _QUOTED
        return np.concatenate([made, self.octets[other, :size]], axis=1)

    def _summed(self, rows: Rows, words: Words, made: Octets, at: int) -> Octets:
        """Put the checksum at an octet: right, or wrong where the row says so; 0 stays where UDP has none."""
        protocol = int(words[0, f.PROTOCOL])
        total = _ones(made) + (0 if protocol == f.ICMP else self._pseudo(words))
        if self.payloads:
            total += np.array([_sum_of(self.payloads.get(row, b"")) for row in rows.tolist()], np.int64)
        right = 0xFFFF - _folded(total)
        if protocol == f.UDP:
            right[right == 0] = 0xFFFF
        wrong = words[:, f.NOTES] & f.NOTE_SUM_BAD != 0
        right[wrong] ^= 1
        if protocol == f.UDP:
            right[words[:, f.UDP_SUM] == 0] = 0
        _be16(made, at, right)
        return made

    @staticmethod
    def _pseudo(words: Words) -> NDArray[np.int64]:
        """Return the sum of the pseudo-header."""
        high = (f.IP_SRC_HIGH, f.IP_DST_HIGH)
        columns = [f.IP_SRC, f.IP_DST, *(first + place for first in high for place in range(3))]
        total = np.zeros(len(words), np.int64)
        for word in columns:
            total += (words[:, word] >> 16).astype(np.int64) + (words[:, word] & 0xFFFF)
        header = np.where(words[:, f.IP_VERSION] == 6, 0, 4 * words[:, f.IP_IHL]).astype(np.int64)
        return total + words[:, f.PROTOCOL] + words[:, f.IP_LEN] - header


def _be16(made: Octets, at: int, values: NDArray[np.generic]) -> None:
    made[:, at], made[:, at + 1] = values >> 8 & 0xFF, values & 0xFF  # type: ignore[operator]


def _be32(made: Octets, at: int, values: Words) -> None:
    for place in range(4):
        made[:, at + place] = values >> np.uint32(24 - 8 * place) & np.uint32(0xFF)


def _ones(made: Octets) -> NDArray[np.int64]:
    even = made if made.shape[1] % 2 == 0 else np.pad(made, ((0, 0), (0, 1)))
    total: NDArray[np.int64] = (even[:, 0::2].astype(np.int64) * 256 + even[:, 1::2]).sum(axis=1)
    return total


def _sum_of(payload: bytes) -> int:
    return int(np.frombuffer(payload + b"\0" * (len(payload) % 2), ">u2").astype(np.int64).sum())


def _folded(total: NDArray[np.int64]) -> NDArray[np.int64]:
    while (total > 0xFFFF).any():
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _ipv4(words: Words) -> Octets:
    size = 4 * int(words[0, f.IP_IHL])
    made = np.full((len(words), size), 1, np.uint8)  # options become NOPs
    made[:, 0] = 0x40 | size // 4
    made[:, 1] = words[:, f.IP_TOS]
    _be16(made, 2, words[:, f.IP_LEN])
    _be16(made, 4, words[:, f.IP_ID])
    _be16(made, 6, words[:, f.IP_FLAGS] << np.uint32(13) | words[:, f.IP_FRAG])
    made[:, 8], made[:, 9] = words[:, f.IP_TTL], words[:, f.PROTOCOL]
    _be16(made, 10, np.zeros(len(words), np.int64))
    _be32(made, 12, words[:, f.IP_SRC])
    _be32(made, 16, words[:, f.IP_DST])
    right = 0xFFFF - _folded(_ones(made))
    right[words[:, f.NOTES] & f.NOTE_IP_SUM_BAD != 0] ^= 1
    _be16(made, 10, right)
    return made


def _ipv6(words: Words) -> Octets:
    made = np.zeros((len(words), 40), np.uint8)
    _be32(made, 0, np.uint32(6 << 28) | words[:, f.IP_TOS] << np.uint32(20) | words[:, f.IP6_FLOW])
    _be16(made, 4, words[:, f.IP_LEN])
    made[:, 6], made[:, 7] = words[:, f.PROTOCOL], words[:, f.IP_TTL]
    for at, high, low in ((8, f.IP_SRC_HIGH, f.IP_SRC), (24, f.IP_DST_HIGH, f.IP_DST)):
        for place, word in enumerate((high, high + 1, high + 2, low)):
            _be32(made, at + 4 * place, words[:, word])
    return made


def _tcp(words: Words) -> Octets | None:
    shown = int(words[0, f.PRESENT]) & f.visibility_bit(f.TCP_OPTIONS)
    layout = _options(words) if shown else np.zeros((len(words), 0), np.uint8)
    if layout is None:
        return None
    made = np.zeros((len(words), 20), np.uint8)
    _be16(made, 0, words[:, f.SPORT])
    _be16(made, 2, words[:, f.DPORT])
    _be32(made, 4, words[:, f.SEQ])
    _be32(made, 8, words[:, f.ACK])
    made[:, 12] = words[:, f.TCP_OFF] << np.uint32(4) | words[:, f.TCP_RESERVED]
    made[:, 13] = words[:, f.TCP_FLAGS]
    _be16(made, 14, words[:, f.TCP_WIN])
    _be16(made, 18, words[:, f.TCP_URP])
    return np.concatenate([made, layout], axis=1)


def _options(words: Words) -> Octets | None:
    """Return the options of one layout, the contents of others than MSS, scale and timestamps zeroed."""
    room = 4 * int(words[0, f.TCP_OFF]) - 20
    both = int(words[0, f.TCP_OPTIONS]) << 32 | int(words[0, f.TCP_OPTIONS_LOW])
    kinds = [_KINDS[both >> shift & 15] for shift in range(60, -1, -4) if both >> shift & 15]
    sizes = [_SIZES.get(kind, 2) for kind in kinds]
    free = [place for place, kind in enumerate(kinds) if kind not in _SIZES]
    left = room - sum(sizes)
    if left and free:
        sizes[free[0]] += left
    elif left < 0 or (left and _EOL not in kinds):
        return None
    made = np.zeros((len(words), room), np.uint8)
    at = 0
    for kind, size in zip(kinds, sizes, strict=True):
        made[:, at] = kind
        if size > 1:
            made[:, at + 1] = size
        if kind in _VALUES:
            _value(made, at + 2, words, kind)
        at += size
    return made


def _value(made: Octets, at: int, words: Words, kind: int) -> None:
    values = words[:, _VALUES[kind]]
    if kind == 2:
        _be16(made, at, values)
    elif kind == 3:
        made[:, at] = values
    else:
        _be32(made, at, values)
        _be32(made, at + 4, words[:, f.TCP_TSECR])


def _udp(words: Words) -> Octets:
    made = np.zeros((len(words), 8), np.uint8)
    _be16(made, 0, words[:, f.SPORT])
    _be16(made, 2, words[:, f.DPORT])
    _be16(made, 4, words[:, f.UDP_LEN])
    return made


def _sctp(words: Words) -> Octets:
    made = np.zeros((len(words), _FIRST_OF_SCTP), np.uint8)
    _be16(made, 0, words[:, f.SPORT])
    _be16(made, 2, words[:, f.DPORT])
    _be32(made, 4, words[:, f.SCTP_VTAG])
    made[:, 12] = words[:, f.SCTP_CHUNK]
    return made


def _arp(words: Words) -> Octets:
    made = np.zeros((len(words), 28), np.uint8)
    made[:, :6] = (0, 1, 8, 0, 6, 4)
    _be16(made, 6, words[:, f.ARP_OP])
    made[:, 8] = 2
    _be32(made, 10, words[:, f.LINK_SRC])
    _be32(made, 14, words[:, f.IP_SRC])
    _be32(made, 24, words[:, f.IP_DST])
    return made


def _as_batch(batch: PacketBatch, rows: Rows, maker: _Maker, link: int) -> PacketBatch:
    """Return the frames as a batch whose raw octets can be written or decoded."""
    frames, wires = [], []
    for row in rows.tolist():
        kept = maker.payloads.get(row, b"")
        body = maker.octets[row, : maker.sizes[row]].tobytes() + kept
        frames.append(_header(maker.words[row], link) + body)
        wires.append(len(frames[-1]) - len(body) + max(int(maker.wire[row]), len(body)))
    sizes = np.array([len(frame) for frame in frames], np.int64)
    octets = np.frombuffer(b"".join(frames), np.uint8)
    starts = np.cumsum(sizes) - sizes
    raw = RawFrames(octets, starts, sizes, np.array(wires, np.int64), np.full(len(rows), link, np.int64))
    taken = batch.take(rows)
    return PacketBatch(taken.words, taken.ts_ns, taken.packet_id, raw)


def _header(row: Words, link: int) -> bytes:
    if link != ETHERNET:
        return b""
    is_broadcast = int(row[f.PROTOCOL]) == f.ARP and int(row[f.ARP_OP]) == 1
    target = b"\xff" * 6 if is_broadcast else b"\x02\x00\x00\x00\x00\x01"
    kind = 0 if int(row[f.PROTOCOL]) == f.ARP else int(row[f.IP_VERSION])
    return target + b"\x02\x00" + int(row[f.LINK_SRC]).to_bytes(4) + _TYPES[kind].to_bytes(2)
