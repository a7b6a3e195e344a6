"""The bundle as a file: a zip whose octets depend on what is in it and on nothing else."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from craftmark.export.share.anonymise import Done

#: The first moment that a zip can tell.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_MODE: Final = 0o644 << 16

CAPTURE: Final = "scans.pcap"

README: Final = """\
An evidence bundle, written by craftmark {version}

scans.pcap    the probes of {scans} and what belongs to them: {packets:,} packets
report.json   what craftmark concludes from scans.pcap; craftmark report report.json -o case.html shows it
CHANGES       what was changed, and what the original told beyond
SHA256SUMS    hashes of these files; sha256sum -c SHA256SUMS

The owner of this capture replaced own addresses with Crypto-PAn under a secret key: two addresses share as many
leading bits as the true ones do. What depends on an address was computed again, so that checksums and relations hold.
Addresses of others, ports, times and whatever is not named in CHANGES are as captured. Frames were written anew from
the header fields that craftmark reads: nothing else of the original is in them.

Check it:  craftmark scans.pcap
"""

_ORDERS: Final = {
    "sorted": "probes changed places so that stand-ins rise or fall as the targets did",
    "shuffled": "probes changed places: the order of targets could tell addresses",
}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip with these files and their SHA256SUMS; the same files give the same octets."""
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as bundle:
        for name, content in {**files, "SHA256SUMS": sums.encode()}.items():
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, content, compresslevel=9)
    return whole.getvalue()


def changes(done: Iterable[Done], refused: Iterable[tuple[str, int]], lost: Iterable[str], *, payloads: str) -> str:
    """Return the text of CHANGES."""
    lines = ["Changed", "", "- own addresses: replaced by stand-ins, everywhere in the packets"]
    lines += ["- link layer addresses: replaced; VLAN tags, labels and the outer headers of tunnels: left out"]
    lines += ["- IP options became NOPs; contents of TCP options other than MSS, scale and timestamps became zeros"]
    lines += ["- checksums: computed again; those that were wrong are wrong again, by another number"]
    lines += [f"- payloads: {payloads}", "- sequence numbers of answers: moved by one amount per conversation"]
    for one in done:
        derived = sorted(one.derived.items())
        lines += [f"- {one.scan}: {name} computed again by {equation}" for name, equation in derived]
        if one.replaced:
            lines.append(f"- {one.scan}: replaced by other numbers of the kind: {', '.join(sorted(one.replaced))}")
        lines += [f"- {one.scan}: {_ORDERS[one.order]}"] if one.order in _ORDERS else []
    lines += ["", "Left out", "", "- all packets that are no probe of these scans and do not belong to one"]
    lines += [f"- {packets:,} packets: {why}" for why, packets in refused]
    lines += ["", "What the original told beyond", ""]
    lines += [f"- {line}" for line in lost] or ["- nothing: both are concluded alike"]
    return "\n".join(lines) + "\n"
