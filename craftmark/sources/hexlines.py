"""Lines of hex dumps, put together again: as tcpdump -x, xxd, hexdump -C, od, Wireshark and books print octets."""

from __future__ import annotations

import re
from typing import Final

# An offset, then octets one by one (a wider gap only behind the eighth) or in groups, before any column of characters.
_PAIR: Final = rb"[0-9A-Fa-f]{2}"
_OFFSET_LINE: Final = re.compile(
    rb"[ \t>|]*(?:0x)?([0-9A-Fa-f]{3,8})(?::[ \t]{0,4}|[ \t]{1,4})((?:"
    + _PAIR + rb"(?:[ -]" + _PAIR + rb"){7} {1,2}" + _PAIR + rb"(?:[ -]" + _PAIR + rb"){0,23}"
    rb"|" + _PAIR + rb"(?:[ -]" + _PAIR + rb"){0,31}"
    rb"|(?:" + _PAIR + rb"){2,16}(?: (?:" + _PAIR + rb"){1,16}){0,15}))(?=[ \t]|$)"
)  # fmt: skip
_BARE_LINE: Final = re.compile(rb"[ \t>|]*((?:[0-9A-Fa-f]{2}[ \t]){7,63}[0-9A-Fa-f]{2})[ \t]*$")
_MOST: Final = 65_536 + 64


class HexDump:
    """Gathers the lines of one packet."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._has_offsets = False

    def __len__(self) -> int:
        return len(self._octets)

    def begins(self, line: bytes) -> bool:
        """Tell whether a line is the first of a dump: of offset 0."""
        found = _OFFSET_LINE.match(line.rstrip())
        return found is not None and int(found[1], 16) == 0

    def add(self, line: bytes, *, bare: bool = False) -> bool:
        """Take a line if it goes on where the last ended, or begins a dump; tell whether it was taken."""
        line = line.rstrip()
        found = _OFFSET_LINE.match(line)
        if found is not None:
            offset = int(found[1], 16)
            fits = offset == len(self._octets) and (self._has_offsets or not self._octets)
            if fits and len(self._octets) < _MOST:
                self._octets += bytes.fromhex(found[2].translate(None, b" \t-").decode("ascii"))
                self._has_offsets = True
                return True
            if self._has_offsets or not bare:
                return False
        plain = _BARE_LINE.match(line) if bare and not self._has_offsets else None
        if plain is None or len(self._octets) >= _MOST:
            return False
        self._octets += bytes.fromhex(plain[1].translate(None, b" \t").decode("ascii"))
        return True

    def take(self) -> bytes:
        """Return the octets gathered and begin anew."""
        octets = bytes(self._octets)
        self._octets.clear()
        self._has_offsets = False
        return octets
