"""Rows built one field at a time, for inputs that are text.

A reader of log lines sets what a line shows and ends the row; every other field that a packet of its protocol has is
then marked unseen. So a reader that forgets a field cannot turn "not shown" into 0: only ``lack`` says that a packet
has no such field.
"""

from __future__ import annotations

import socket
from array import array
from functools import lru_cache
from itertools import accumulate
from operator import or_
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.packets.batch import PacketBatch
from craftmark.packets.fields import (
    ARP,
    ARP_OP,
    DPORT,
    FIELDS,
    ICMP,
    ICMP6,
    ICMP_CODE,
    ICMP_ID,
    ICMP_SEQ,
    ICMP_TYPE,
    IP_DST,
    IP_DST_HIGH,
    IP_SRC,
    IP_SRC_HIGH,
    IP_VERSION,
    IPV4_WORDS,
    IPV6_WORDS,
    MAX_OPTIONS,
    NOTE_BAD_OPTIONS,
    NOTES,
    OPTION_NIBBLES,
    OPTION_OTHER,
    PAYLOAD_HASH,
    PAYLOAD_HEAD,
    PAYLOAD_LEN,
    PAYLOAD_WORDS,
    PRESENT,
    PROTOCOL,
    SCTP,
    SCTP_CHUNK,
    SCTP_VTAG,
    SPORT,
    TCP,
    TCP_MSS,
    TCP_OPTIONS,
    TCP_TSECR,
    TCP_TSVAL,
    TCP_WORDS,
    TCP_WSCALE,
    UDP,
    UDP_LEN,
    UDP_SUM,
    UNSEEN,
    WORDS,
    fields_of,
    visibility_bit,
    visibility_mask,
)

if TYPE_CHECKING:
    from craftmark.packets.batch import Words

#: The words a TCP option's value may fill; a packet has them or has them not.
TCP_OPTION_WORDS: Final = (TCP_MSS, TCP_WSCALE, TCP_TSVAL, TCP_TSECR)

_TRANSPORT_WORDS: Final = {
    TCP: (*TCP_WORDS, *TCP_OPTION_WORDS),
    UDP: (SPORT, DPORT, UDP_LEN, UDP_SUM),
    ICMP: (ICMP_TYPE, ICMP_CODE, ICMP_ID, ICMP_SEQ),
    ICMP6: (ICMP_TYPE, ICMP_CODE, ICMP_ID, ICMP_SEQ),
    SCTP: (SPORT, DPORT, SCTP_VTAG, SCTP_CHUNK),
}

_BITS: Final = tuple(visibility_bit(word) for word in range(WORDS))
_ADDRESSES: Final = visibility_mask(IP_SRC, IP_DST, IP_VERSION)
_OPTION_VALUES: Final = visibility_mask(*TCP_OPTION_WORDS)
_RUNS: Final = tuple(
    tuple(accumulate((_BITS[word] for word in range(first, WORDS)), or_, initial=0)) for first in range(WORDS)
)
_EXPECTED: dict[tuple[int, int], int] = {}

# Options with a value: by kind the option's length, the words of its values and their width in octets.
_VALUES: Final[dict[int, tuple[int, tuple[int, ...], int]]] = {
    2: (4, (TCP_MSS,), 2), 3: (3, (TCP_WSCALE,), 1), 8: (10, (TCP_TSVAL, TCP_TSECR), 4),
}  # fmt: skip
_EOL, _NOP = 0, 1


def words_of(version: int, protocol: int) -> tuple[int, ...]:
    """Return the words that a packet of an IP version and a protocol can have."""
    if protocol == ARP:
        return (IP_SRC, IP_DST, ARP_OP)
    network = IPV6_WORDS if version == 6 else IPV4_WORDS
    return network + _TRANSPORT_WORDS.get(protocol, ()) + PAYLOAD_WORDS


def _expected(version: int, protocol: int) -> int:
    mask = _EXPECTED.get((version, protocol))
    if mask is None:
        mask = _EXPECTED[version, protocol] = visibility_mask(*words_of(version, protocol))
    return mask


@lru_cache(maxsize=65_536)
def parse_address(text: bytes) -> tuple[int, ...] | None:
    """Return an address's words, lowest last (one for IPv4, four for IPv6), or None if it is none."""
    family, size = (socket.AF_INET6, 16) if b":" in text else (socket.AF_INET, 4)
    try:
        packed = socket.inet_pton(family, text.decode("ascii"))
    except (OSError, ValueError):
        return None
    return tuple(int.from_bytes(packed[at : at + 4]) for at in range(0, size, 4))


@lru_cache(maxsize=4096)
def pack_layout(nibbles: tuple[int, ...]) -> tuple[int, int]:
    """Return the two words of a layout given by nibbles, the first option's first."""
    words = [0, 0]
    for place, nibble in enumerate(nibbles[:MAX_OPTIONS]):
        words[place // 8] |= nibble << (28 - 4 * (place % 8))
    return words[0], words[1]


@lru_cache(maxsize=4096)
def read_options(options: bytes) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...], bool]:
    """Return the nibbles, the values as (word, value), and whether the lengths of TCP's options are wrong."""
    nibbles: list[int] = []
    values: list[tuple[int, int]] = []
    at, is_bad = 0, False
    while at < len(options):
        kind = options[at]
        nibbles.append(OPTION_NIBBLES.get(kind, OPTION_OTHER))
        if kind == _EOL:
            break
        if kind == _NOP:
            at += 1
            continue
        length = int.from_bytes(options[at + 1 : at + 2])
        if length < 2 or at + length > len(options):
            return tuple(nibbles), tuple(values), True
        size, words, width = _VALUES.get(kind, (length, (), 0))
        if size != length:
            is_bad = True
        else:
            value_at = at + 2
            for word in words:
                values.append((word, int.from_bytes(options[value_at : value_at + width])))
                value_at += width
        at += length
    return tuple(nibbles), tuple(values), is_bad


class RowBuilder:
    """Builds rows word by word and hands them out as a batch.

    Per row: ``put`` or ``set`` what is shown, ``lack`` what the packet has not, ``unsee`` what is shown only in part,
    then ``finish_row`` or ``drop_row``.
    """

    def __init__(self) -> None:
        self._row = [0] * WORDS
        self._lacking = 0
        self._expected = 0
        self._words = array("I")
        self._ts_ns: list[int] = []
        self._packet_id: list[int] = []
        self._shown: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._ts_ns)

    def put(self, word: int, value: int) -> None:
        """Set a word of the row; higher bits than 32 are an error of the caller."""
        row = self._row
        row[word] = value
        row[PRESENT] |= _BITS[word]

    def put_run(self, first: int, values: tuple[int, ...]) -> None:
        """Set words that stand side by side, from ``first`` on: the quick way for a whole header."""
        row = self._row
        row[first : first + len(values)] = values
        row[PRESENT] |= _RUNS[first][len(values)]

    def set(self, field_name: str, value: int) -> None:
        """Set a field by its name."""
        self.put(FIELDS[field_name].word, value)

    def get(self, word: int) -> int | None:
        """Return a word set before in this row, None if it was not."""
        return self._row[word] if self._row[PRESENT] & _BITS[word] else None

    def put_kind(self, protocol: int) -> None:
        """Set what the row is where no IP header says it (ARP)."""
        self._row[PROTOCOL] = protocol

    def note(self, bits: int) -> None:
        """Add facts about how the packet was read (the NOTE_ bits)."""
        self._row[NOTES] |= bits

    def lack(self, *words: int) -> None:
        """State that the packet has no such field, which is not the same as not seeing it."""
        for word in words:
            self._lacking |= _BITS[word]

    def expect(self, *words: int) -> None:
        """State that the packet has fields beyond those of its protocol: unseen unless set."""
        for word in words:
            self._expected |= _BITS[word]

    def unsee(self, *field_names: str) -> None:
        """State that a field is there but this input cannot show it, whatever was set before."""
        for name in field_names:
            word = FIELDS[name].word
            self._row[word] = 0
            self._row[PRESENT] &= ~_BITS[word]
            self._row[UNSEEN] |= _BITS[word]

    def put_addresses(self, source: tuple[int, ...], target: tuple[int, ...]) -> None:
        """Set both addresses and the IP version from the words of ``parse_address``."""
        row = self._row
        row[IP_SRC], row[IP_DST] = source[-1], target[-1]
        row[IP_VERSION] = 4
        if len(source) == 4:
            row[IP_VERSION] = 6
            row[IP_SRC_HIGH : IP_SRC_HIGH + 3] = source[:3]
            row[IP_DST_HIGH : IP_DST_HIGH + 3] = target[:3]
        row[PRESENT] |= _ADDRESSES

    def put_payload_len(self, length: int) -> None:
        """Set the payload's length; an empty payload has neither head nor hash."""
        self.put(PAYLOAD_LEN, length)
        if length == 0:
            self.lack(PAYLOAD_HASH, PAYLOAD_HEAD)

    def put_layout(self, nibbles: tuple[int, ...]) -> None:
        """Set the layout of TCP options; values set before stay, all others are lacking."""
        self.put_run(TCP_OPTIONS, pack_layout(nibbles))
        self._lacking |= _OPTION_VALUES

    def put_options(self, options: bytes) -> None:
        """Set layout and values from the octets of TCP's options."""
        nibbles, values, is_bad = read_options(options)
        for word, value in values:
            self.put(word, value)
        self.put_layout(nibbles)
        if is_bad:
            self.note(NOTE_BAD_OPTIONS)

    def finish_row(self, ts_ns: int, packet_id: int) -> None:
        """End the row: whatever a packet of its protocol has and was neither set nor lacking is unseen."""
        row = self._row
        expected = (_expected(row[IP_VERSION], row[PROTOCOL]) | self._expected) & ~self._lacking
        row[UNSEEN] = (row[UNSEEN] | expected) & ~row[PRESENT]
        shown = self._shown.get(row[PROTOCOL])
        if shown is None:
            shown = self._shown[row[PROTOCOL]] = [0, 0]
        shown[0] |= row[PRESENT]
        shown[1] |= row[UNSEEN]
        self._words.extend(row)
        self._ts_ns.append(ts_ns)
        self._packet_id.append(packet_id)
        self.drop_row()

    def count_shown(self, words: Words) -> None:
        """Count rows made elsewhere among those that ``never_shown`` is about."""
        for protocol in np.unique(words[:, PROTOCOL]).tolist():
            rows = words[words[:, PROTOCOL] == protocol]
            shown = self._shown.setdefault(protocol, [0, 0])
            shown[0] |= int(np.bitwise_or.reduce(rows[:, PRESENT]))
            shown[1] |= int(np.bitwise_or.reduce(rows[:, UNSEEN]))

    def drop_row(self) -> None:
        """Forget what was set since the last row."""
        self._row = [0] * WORDS
        self._lacking = 0
        self._expected = 0

    def take(self) -> PacketBatch:
        """Return the finished rows as a batch of its own and start anew."""
        words = np.array(self._words, np.uint32).reshape(-1, WORDS)
        batch = PacketBatch(words, np.array(self._ts_ns, np.int64), np.array(self._packet_id, np.int64))
        self._words = array("I")
        self._ts_ns = []
        self._packet_id = []
        return batch

    def never_shown(self) -> list[str]:
        """Return the names of fields that some packet had, or may have had, and no packet so far showed."""
        names: dict[str, None] = {}
        for protocol, (present, unseen) in sorted(self._shown.items()):
            hidden = unseen & ~present
            names.update({f.name: None for f in fields_of(protocol) if hidden & _BITS[f.word]})
        shown = {f.name for p, (present, _) in self._shown.items() for f in fields_of(p) if present & _BITS[f.word]}
        return [name for name in names if name not in shown]
