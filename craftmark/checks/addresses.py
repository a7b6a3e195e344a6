"""Which addresses may be asked: never one that no single host can have, and reserved or own ones only when told to.

RFC 6890 and the IANA registries of special-purpose addresses, as Python's ``ipaddress`` holds them; RFC 1112 section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Standing:
    """What is special about an address: "" for nothing. ``allowed`` tells whether it may be asked."""

    address: str
    special: str
    allowed: bool


def canonical(address: str) -> str:
    """Return an address as ``ipaddress`` writes it; a text that is none stays as it is."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def standing(address: str, *, own: Sequence[str], reserved_too: bool) -> Standing:
    """Return whether an address, as text of a report, may be asked, and what is special about it.

    The text is only ever used as ``ipaddress`` writes it: a saved report can be hostile.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return Standing(address, "no address", allowed=False)
    if never := _never(known):
        return Standing(str(known), never, allowed=False)
    special = _special(known, own)
    return Standing(str(known), special, allowed=reserved_too or not special)


def _never(address: IPv4Address | IPv6Address) -> str:
    """Return why nobody may be asked there, "" where one host can have the address."""
    if address.is_multicast:
        return "multicast: many hosts, not one"
    if address.is_unspecified or (address.version == 4 and int(address) >> 24 == 0):
        return "unspecified: no host has it"
    if address.is_loopback:
        return "loopback: this machine itself"
    if address.version == 4 and int(address) >> 28 == 0xF:
        return "reserved for future use, or broadcast: no host has it"
    if isinstance(address, IPv6Address) and (address.scope_id or address.is_link_local):
        return "of one link only"
    return ""


def _special(address: IPv4Address | IPv6Address, own: Sequence[str]) -> str:
    """Return why an address is asked only when told to."""
    if any(address in ip_network(text) for text in own):
        return "in your own networks"
    if not address.is_global:
        return "reserved or private: whoever has it here need not be who had it there"
    return ""
