"""Denied packets in the logs of Cisco's firewalls and routers: ASA, PIX and FWSM messages, and access lists of IOS.

What the messages show (Cisco Secure Firewall ASA Series Syslog Messages; Cisco IOS System Message Guide, SEC and IPV6):
addresses, protocol, ports or ICMP type and code; 106001 and 106015 the control bits too. Nothing else of a header.
Lines that count several packets (``hit-cnt``, ``5 packets``) stand for the one that had the line written. Connections
built and torn down (302013 to 302021) and messages without a destination are no packets here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets import fields as f
from craftmark.sources.loglines import LogLineFormat, compiled
from craftmark.sources.shown import number, protocol_number, write_shown
from craftmark.sources.textlines import printable

if TYPE_CHECKING:
    import re

    from craftmark.packets.rows import RowBuilder

_PATTERN: Final = (
    rb"%(?:(?:ASA|PIX|FWSM|FTD)-(?:[a-z]{1,12}-)?\d-(\d{6})"
    rb"|(?:SEC|IPV6|IPV6_ACL)-6-((?:IP)?ACCESSLOG\w{0,4})): (.{1,1000})"
)
# Each message as a pattern with named parts: p protocol, s and d addresses, sp and dp ports, t and c ICMP, flags.
_END: Final = rb"(?:[\w.-]{1,48}[:/])??(?P<%s>[0-9A-Fa-f.:]{2,45})(?:[/(](?P<%sp>\d{1,5})\)?)?"
_FROM: Final = _END % (b"s", b"s")
_TO: Final = _END % (b"d", b"d")
_FLAGS: Final = rb" flags (?P<flags>[A-Z ]{2,40}?) +on "
_ICMP: Final = rb"(?:.{0,60}?\(type (?P<t>\d{1,3}), code (?P<c>\d{1,3})\))?"
_SHAPES: Final = {
    b"106001": rb"Inbound (?P<p>TCP) connection denied from " + _FROM + rb" to " + _TO + _FLAGS,
    b"106006": rb"Deny inbound (?P<p>UDP) from " + _FROM + rb" to " + _TO,
    b"106007": rb"Deny inbound (?P<p>UDP) from " + _FROM + rb" to " + _TO,
    b"106010": rb"Deny inbound (?:protocol )?(?P<p>\w{1,10}) src " + _FROM + rb" dst " + _TO,
    b"106014": rb"Deny inbound (?P<p>icmp) src " + _FROM + rb" (?:\([^)]{0,80}\) )?dst " + _TO + _ICMP,
    b"106015": rb"Deny (?P<p>TCP) \(no connection\) from " + _FROM + rb" to " + _TO + _FLAGS,
    b"106023": (
        rb"Deny (?:protocol )?(?P<p>\w{1,10}) src " + _FROM + rb"(?:\([^)]{0,80}\))? dst " + _TO + _ICMP
    ),
    b"106100": (
        rb"access-list \S{1,80} (?:denied|permitted|est-allowed) (?P<p>\w{1,10}) " + _FROM
        + rb"(?:\([^)]{0,80}\))? -> " + _TO
    ),
    b"710003": rb"(?P<p>\w{1,10}) access denied by ACL from " + _FROM + rb" to " + _TO,
    b"710005": rb"(?P<p>\w{1,10}) request discarded from " + _FROM + rb" to " + _TO,
}  # fmt: skip
_IOS: Final = (
    rb"(?:list |access-list )?\S{1,80} (?:denied|permitted) (?P<p>\w{1,12}) "
    + _FROM
    + rb" (?:\([^)]{0,80}\) )?-> "
    + _TO
    + rb"(?: \((?P<t>\d{1,3})/(?P<c>\d{1,3})\))?"
)
_BITS: Final = {name.encode(): 1 << bit for bit, name in enumerate(f.CONTROL_BITS)}


def _write(rows: RowBuilder, found: re.Match[bytes]) -> str | None:
    shape = _SHAPES.get(found[1]) if found[1] is not None else _IOS
    if shape is None or found[2] in (b"IPACCESSLOGS", b"IPACCESSLOGRL"):
        return None
    told = compiled(shape).match(found[3])
    if told is None:
        return f"message {printable(found[1] or found[2])} is not as Cisco writes it: {printable(found[3])}"
    parts = told.groupdict()
    protocol = protocol_number(parts["p"])
    if protocol is None:
        return f"no protocol: {printable(parts['p'])}"
    if protocol == f.ICMP and b":" in parts["s"]:
        protocol = f.ICMP6
    return write_shown(rows, (parts["s"], parts["d"]), protocol, _words(protocol, parts))


def _words(protocol: int, parts: dict[str, bytes | None]) -> dict[int, int]:
    words: dict[int, int] = {}
    shown: tuple[tuple[int, bytes | None], ...] = ()
    if protocol in (f.ICMP, f.ICMP6):
        # 106100 writes an ICMP type as the source's port and the code as the target's.
        shown = ((f.ICMP_TYPE, parts.get("t") or parts.get("sp")), (f.ICMP_CODE, parts.get("c") or parts.get("dp")))
    elif protocol in (f.TCP, f.UDP, f.SCTP):
        shown = ((f.SPORT, parts.get("sp")), (f.DPORT, parts.get("dp")))
    for word, text in shown:
        value = number(text or b"", 0xFFFF)
        if value is not None:
            words[word] = value
    flags = parts.get("flags")
    if flags is not None and all(name in _BITS for name in flags.split()):
        words[f.TCP_FLAGS] = sum({_BITS[name] for name in flags.split()})
    return words


FORMAT: Final = LogLineFormat("cisco", _PATTERN, _write)
