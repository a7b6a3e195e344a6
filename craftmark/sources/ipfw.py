"""Lines of ipfw, the packet filter of FreeBSD and of older systems of Apple, in a system log.

What the lines show (``sys/netpfil/ipfw/ip_fw_log.c`` of FreeBSD): protocol, addresses, ports or ICMP type and code, and
of fragments the IP ID, length and offset. Nothing else of a header, no control bits either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets import fields as f
from craftmark.sources.loglines import LogLineFormat
from craftmark.sources.shown import protocol_number, write_shown
from craftmark.sources.textlines import printable

if TYPE_CHECKING:
    import re

    from craftmark.packets.rows import RowBuilder

_END: Final = rb"\[?([0-9A-Fa-f.:]{2,45}?)\]?(?::(\d{1,5}))?"
_PATTERN: Final = (
    rb"ipfw: (?:\d{1,6}|-1|pullup) (?:[A-Z]\w{1,20}(?: [\w.:-]{1,48})??) (TCP|UDP|SCTP|ICMP(?:v6)?|P:\d{1,3})"
    rb"(?::(\d{1,3})\.(\d{1,3}))? " + _END + rb" " + _END + rb" (?:in|out) via "
    rb"\S{1,32}(?: \(frag (\d{1,10}):\d{1,5}@(\d{1,5})\+?\))?"
)


def _write(rows: RowBuilder, found: re.Match[bytes]) -> str:
    name, kind, code, source, sport, target, dport, ip_id, offset = found.groups()
    protocol = protocol_number(name.removeprefix(b"P:"))
    if protocol is None:
        return f"no protocol: {printable(name)}"
    words = {
        word: int(text)
        for word, text in ((f.SPORT, sport or kind), (f.DPORT, dport or code), (f.IP_ID, ip_id))
        if text is not None
    }
    fault = write_shown(rows, (source, target), protocol, words)
    if not fault and offset is not None:
        rows.put(f.IP_FRAG, int(offset) // 8)
        rows.note(f.NOTE_FRAGMENT if int(offset) else f.NOTE_FIRST_FRAGMENT)
    return fault


FORMAT: Final = LogLineFormat("ipfw", _PATTERN, _write)
