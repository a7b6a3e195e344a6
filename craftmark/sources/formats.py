"""The formats craftmark reads, in the order in which they are tried.

The formats with a magic number come first: text is told by its lines, which a capture's payload may hold too.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, cast

from craftmark.errors import ExitCode, SourceError
from craftmark.sources import netfilter, pcap, pcapng, snort

if TYPE_CHECKING:
    from craftmark.sources.base import Format, Provenance, Source, SourceOptions


@dataclass(slots=True)
class Later:
    """A format whose module is imported only when an input may be of it: most inputs are captures."""

    name: str

    def _format(self) -> Format:
        return cast("Format", import_module(f"craftmark.sources.{self.name}").FORMAT)

    def sniff(self, head: bytes) -> bool:
        """Tell whether the input is of this format; see ``Format``."""
        return self._format().sniff(head)

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> Source:
        """Open a stream; see ``Format``."""
        return self._format().open(stream, provenance, number, options)


#: Text formats and those without a magic number, the more particular ones first; each is a module of that name.
_LATER = (
    "snoop", "parquet", "flowtuple", "columns", "filterlog", "cisco", "ipfw", "scanlogd", "zeek", "azureflow",
    "gcpflow", "eve", "nfdump", "winfirewall", "vpcflow", "packettrace", "tshark", "tcpdump", "fw1", "erf", "hexdump",
)  # fmt: skip

FORMATS: tuple[Format, ...] = (
    pcap.FORMAT,
    pcapng.FORMAT,
    snort.FORMAT,
    netfilter.FORMAT,
    *(Later(name) for name in _LATER),
)

# Files that are often at hand beside captures, by how they start: what they look like, and what to do with them.
_LOOKS_LIKE = (
    (b"\x89PNG", "a PNG image", ""),
    (b"\xff\xd8\xff", "a JPEG image", ""),
    (b"GIF8", "a GIF image", ""),
    (b"%PDF", "a PDF document", ""),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x1f\x9d", "data of compress (.Z)", "uncompress it first"),
    (b"\x7fELF", "a program (ELF)", ""),
    (b"MZ", "a program for Windows", ""),
    (b"SQLite format 3", "an SQLite database", ""),
    (b"RTSS", "a Microsoft Network Monitor capture", "convert it: editcap -F pcap IN OUT"),
    (b"GMBU", "a Microsoft Network Monitor capture", "convert it: editcap -F pcap IN OUT"),
    (b"XCP\x00", "a NetXray capture", "convert it: editcap -F pcap IN OUT"),
    (b"TRSNIFF data", "a Sniffer capture", "convert it: editcap -F pcap IN OUT"),
    (b"<?xml", "an XML document", ""),
    (b"{", "JSON", ""),
    (b"#separator", "a Zeek log of another kind than conn or weird", ""),
    (b"#!", "a script", ""),
)
_TAR_MAGIC_AT = 257


def format_of(head: bytes) -> Format | None:
    """Return the first format that recognises an input by its first bytes, None if none does."""
    return next((candidate for candidate in FORMATS if candidate.sniff(head)), None)


def format_named(name: str) -> Format:
    """Return the format of that name; raises SourceError (usage) for a name that is none."""
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    known = ", ".join(candidate.name for candidate in FORMATS)
    raise SourceError("no such format", name=name, code=ExitCode.USAGE, remedy=f"known formats: {known}")


def appearance(head: bytes) -> tuple[str, str]:
    """Return what an input of no known format looks like, and what to do about it; either may be empty."""
    for magic, what, remedy in _LOOKS_LIKE:
        if head.startswith(magic):
            return what, remedy
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return "a tar archive", "unpack it first"
    if b"\0" not in head and head.isascii():
        return "text of no log format that is read", ""
    return "", ""
