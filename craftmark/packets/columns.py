"""Packets as columns with names, for tables that others read: CSV, Parquet, Arrow; nothing is lost on the way back.

One column per word of a row, named after the field of IP or TCP that stands there; other protocols share words, as
packets/fields.py says (``tcp_sport`` is UDP's port and ICMP's type too). ``present`` and ``unseen`` are the visibility
words: a word that is neither is none of the packet's fields. The name of the time's column tells the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, address_text
from craftmark.packets.rows import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from craftmark.packets.batch import Words

#: The time's column by clock.
TIMES: Final = {
    "epoch": "ts_ns", "no-year": "ts_ns_no_year", "time-of-day": "ts_ns_time_of_day", "since-boot": "ts_ns_since_boot",
}  # fmt: skip
CLOCKS: Final = {name: clock for clock, name in TIMES.items()}
SOURCE: Final = "ip_src"
TARGET: Final = "ip_dst"
PRESENT: Final = "present"
UNSEEN: Final = "unseen"
_NAMES: Final = {
    **{field.word: name for name, field in reversed(f.FIELDS.items()) if field.protocol in (None, f.TCP)},
    f.TCP_OPTIONS_LOW: "tcp_options_low", f.NOTES: "notes", f.PRESENT: PRESENT, f.UNSEEN: UNSEEN,
}  # fmt: skip
#: Columns that are one word each, by name; the addresses' are apart.
WORD_COLUMNS: Final = {name: word for word, name in sorted(_NAMES.items()) if word not in (f.IP_SRC, f.IP_DST)}
_ENDS: Final = ((SOURCE, f.IP_SRC, f.IP_SRC_HIGH), (TARGET, f.IP_DST, f.IP_DST_HIGH))


def addresses(words: Words, low: int, high: int) -> list[str]:
    """Return one end's addresses as text, "" where a packet has none."""
    bit = np.uint32(f.visibility_bit(low))
    there = (words[:, f.PRESENT] & bit) != 0
    keys = np.column_stack([words[:, f.IP_VERSION], words[:, low], words[:, high : high + 3]])
    unique, number = np.unique(keys, axis=0, return_inverse=True)
    texts = [address_text(int(row[0]), int(row[1]), (int(row[2]), int(row[3]), int(row[4]))) for row in unique]
    shown = zip(number.reshape(-1).tolist(), there.tolist(), strict=True)
    return [texts[place] if is_there else "" for place, is_there in shown]


def batch_of(
    columns: Mapping[str, NDArray[np.uint32]], ends: Mapping[str, Sequence[str]], ts_ns: Sequence[int]
) -> PacketBatch:
    """Return the packets of columns, unnumbered; what a missing column would show is 0, as its visibility says."""
    words = np.zeros((len(ts_ns), f.WORDS), np.uint32)
    for name, column in columns.items():
        words[:, WORD_COLUMNS[name]] = column
    for name, low, high in _ENDS:
        for row, text in enumerate(ends[name]):
            parsed = parse_address(text.encode("ascii", "replace")) if text else None
            if parsed is not None:
                words[row, low] = parsed[-1]
                if len(parsed) == 4:
                    words[row, high : high + 3] = parsed[:3]
    return PacketBatch(words, np.array(ts_ns, np.int64), np.zeros(len(ts_ns), np.int64))


def ends_of(batch: PacketBatch) -> dict[str, list[str]]:
    """Return both ends' addresses as text."""
    return {name: addresses(batch.words, low, high) for name, low, high in _ENDS}
