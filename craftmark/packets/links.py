"""The link types of captures: the number in the file, the name tcpdump prints, and whether we read what is inside.

Numbers are those of https://www.tcpdump.org/linktypes.html. A link type that is not read still yields packets: rows
that say NOT_IP, so that their count and their times stay in the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NULL: Final = 0
ETHERNET: Final = 1
PPP: Final = 9
RAW_BSD: Final = 12
RAW_OPENBSD: Final = 14
PPP_HDLC: Final = 50
PPP_ETHER: Final = 51
RAW: Final = 101
C_HDLC: Final = 104
LOOP: Final = 108
LINUX_SLL: Final = 113
PFLOG: Final = 117
PPP_WITH_DIR: Final = 204
IPV4: Final = 228
IPV6: Final = 229
NFLOG: Final = 239
LINUX_SLL2: Final = 276


@dataclass(frozen=True, slots=True)
class LinkType:
    """One kind of link layer: its number in files, tcpdump's name, and whether its packets are decoded."""

    number: int
    name: str
    is_read: bool


_READ = {
    NULL: "NULL", ETHERNET: "EN10MB", PPP: "PPP", RAW_BSD: "RAW", RAW_OPENBSD: "RAW", PPP_HDLC: "PPP_SERIAL",
    PPP_ETHER: "PPP_ETHER", RAW: "RAW", C_HDLC: "C_HDLC", LOOP: "LOOP", LINUX_SLL: "LINUX_SLL", PFLOG: "PFLOG",
    PPP_WITH_DIR: "PPP_WITH_DIRECTION", IPV4: "IPV4", IPV6: "IPV6", NFLOG: "NFLOG", LINUX_SLL2: "LINUX_SLL2",
}  # fmt: skip
_NAMED = {
    2: "EN3MB", 3: "AX25", 4: "PRONET", 5: "CHAOS", 6: "IEEE802", 7: "ARCNET", 8: "SLIP", 10: "FDDI",
    11: "ATM_RFC1483", 99: "SYMANTEC_FIREWALL", 100: "ATM_RFC1483", 105: "IEEE802_11", 107: "FRELAY", 109: "ENC",
    114: "LTALK", 119: "PRISM_HEADER", 122: "IP_OVER_FC", 123: "SUNATM", 127: "IEEE802_11_RADIO",
    129: "ARCNET_LINUX", 138: "APPLE_IP_OVER_IEEE1394", 143: "DOCSIS", 144: "LINUX_IRDA", 147: "USER0",
    163: "IEEE802_11_RADIO_AVS", 187: "BLUETOOTH_HCI_H4", 189: "USB_LINUX", 192: "PPI", 195: "IEEE802_15_4_WITHFCS",
    201: "BLUETOOTH_HCI_H4_WITH_PHDR", 220: "USB_LINUX_MMAPPED", 227: "CAN_SOCKETCAN",
    230: "IEEE802_15_4_NOFCS", 231: "DBUS", 240: "NETANALYZER", 247: "INFINIBAND", 248: "SCTP", 249: "USBPCAP",
    251: "BLUETOOTH_LE_LL", 253: "NETLINK", 254: "BLUETOOTH_LINUX_MONITOR", 272: "NORDIC_BLE",
    274: "ETHERNET_MPACKET", 283: "IEEE802_15_4_TAP",
}  # fmt: skip

LINK_TYPES: Final[dict[int, LinkType]] = {
    **{number: LinkType(number, name, is_read=True) for number, name in _READ.items()},
    **{number: LinkType(number, name, is_read=False) for number, name in _NAMED.items()},
}

_READ_NAMES = frozenset(_READ.values())


def link_type(number: int) -> LinkType:
    """Return what is known of a link type; one nobody named is called by its number."""
    return LINK_TYPES.get(number) or LinkType(number, f"LINKTYPE_{number}", is_read=False)


def is_read(name: str) -> bool:
    """Tell from a link type's name whether packets behind it are decoded."""
    return name in _READ_NAMES
