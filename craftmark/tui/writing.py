"""Exports from the terminal view: written beside where it was started, never over a file that is there."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from craftmark.errors import CraftmarkError
from craftmark.sources.inputs import STDIN
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import Finding, is_saved
from craftmark.verbs.export import Exporter, text_of
from craftmark.verbs.extract import extract
from craftmark.verbs.files import write_file

if TYPE_CHECKING:
    from craftmark.pipeline import Settings
    from craftmark.report.document import Report

_PCAP: Final = "pcap"
#: Forms by name, with what each is.
FORMATS: Final = {
    "suricata": "Suricata rules", "snort": "Snort rules", "nftables": "table for nft -f",
    "iptables": "rules for iptables-restore",
    "bpf": "capture filter for tcpdump", "wireshark": "display filter and colouring rules", "zeek": "Zeek signatures",
    "sigma": "Sigma rule and correlation", "stix": "STIX 2.1 bundle", "misp": "MISP event", "csv": "its marks, a table",
    "ticket": "Markdown for a ticket", _PCAP: "its packets",
}  # fmt: skip


def write_export(report: Report, case: str, settings: Settings, scan_id: str, form: str) -> tuple[str, bool]:
    """Write one scan in one form; returns a sentence, and whether it tells of a fault."""
    try:
        if form == _PCAP:
            target = _free(f"craftmark-{scan_id}.pcap")
            return f"{_slice(case, settings, scan_id, target):,} packets in {target}", False
        scan = next(one for one in (*report.scans, *report.floods) if one.id == scan_id)
        text, _ = text_of(case, Finding(report, scan), form, settings)
        suffix = cast("Exporter", import_module(f"craftmark.export.{form}")).SUFFIX
        target = _free(f"craftmark-{scan_id}-{form}{suffix}")
        write_file(str(target), text.encode())
    except (CraftmarkError, OptionError, OSError) as fault:
        return str(fault), True
    return f"written: {target}", False


def _slice(case: str, settings: Settings, scan_id: str, target: Path) -> int:
    if case == STDIN or is_saved(case):
        raise OptionError("a saved report holds no packets")
    return extract([case], settings, scan_id, target)


def _free(name: str) -> Path:
    """Return a name that no file has yet."""
    path = Path(name)
    tried = (path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, 1000)))
    free = next((one for one in tried if not one.exists()), None)
    if free is None:
        raise OptionError(f"{name}: there are too many already")
    return free
