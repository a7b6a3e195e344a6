"""A Sigma rule and a correlation over it: so many ports or addresses tried by one source in so much time.

Sigma's taxonomy has no names for header fields, so the marks cannot be said in it: the rule looks for the behaviour,
and any scan of this shape and pace is hit. Field names are those of the category ``firewall``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from craftmark.export.match import Subject
    from craftmark.report.document import Scan

SUFFIX: Final = ".yml"
#: The protocol alone: no header field has a name.
TELLS: Final = frozenset({"ip_proto"})
IP_VERSIONS: Final = (4, 6, 0)

_NAMESPACE: Final = UUID("0b9c6a51-0c0e-5f0b-8a86-3c5b6c1f7e52")
#: So many different ports or addresses are a scan, as Zeek's simple-scan has it; fewer where this one tried fewer.
_ENOUGH: Final = 25
#: Timespans, each with its seconds: the shortest in which a scan of this pace tries twice enough.
_SPANS: Final = (("1m", 60), ("15m", 900), ("1h", 3600), ("1d", 86_400), ("30d", 2_592_000))
#: What is counted by shape, and for whom; other shapes count packets.
_COUNTED: Final = {
    "port": ("dst_port", ("src_ip", "dst_ip")), "address": ("dst_ip", ("src_ip", "dst_port")),
    "block": ("dst_ip", ("src_ip",)), "host": ("dst_ip", ("src_ip",)),
}  # fmt: skip
_PACKETS: Final = ("", ("src_ip", "dst_ip"))


def write(subject: Subject) -> str:
    """Return two YAML documents; their strings are written as JSON's, which YAML reads."""
    scan = subject.scan
    base = f"craftmark_{scan.id.lower()}_probe"
    counted, group = _COUNTED.get(scan.shape, _PACKETS)
    enough, span = _threshold(scan, counted)
    protocols = sorted({part.protocol for part in scan.parts} or {scan.protocol})
    probe = {
        "title": f"{subject.label}: one probe", "id": _uuid(subject, "probe"), "name": base, "status": "experimental",
        "description": "\n".join(subject.notes), "logsource": {"category": "firewall"},
        "detection": {"selection": {"protocol": protocols}, "condition": "selection"}, "level": "informational",
    }  # fmt: skip
    condition: dict[str, Any] = {"gte": enough} | ({"field": counted} if counted else {})
    correlation = {
        "title": f"{subject.label}: a {scan.shape} scan of this pace", "id": _uuid(subject, "scan"),
        "status": "experimental",
        "description": f"At least {enough} of {counted or 'its packets'} in {span}. This scan: {_pace(scan)}.",
        "correlation": {
            "type": "value_count" if counted else "event_count", "rules": [base], "group-by": list(group),
            "timespan": span, "condition": condition,
        },
        "falsepositives": ["any other scan of this shape and pace; slower ones are missed"], "level": "low",
    }  # fmt: skip
    return "\n---\n".join(map(_yaml, (probe, correlation))) + "\n"


def _threshold(scan: Scan, counted: str) -> tuple[int, str]:
    """Return how many are enough, and the time in which this scan tries twice as many."""
    tried = max(1, _tried(scan, counted))
    enough = min(_ENOUGH, tried)
    needed_s = 2 * enough / tried * (scan.duration_ns or 0) / 1e9
    return enough, next((name for name, seconds in _SPANS if seconds >= needed_s), _SPANS[-1][0])


def _tried(scan: Scan, counted: str) -> int:
    """Return how many different ones the busiest source can have tried."""
    most = max((one.probes for one in scan.sources), default=scan.probes)
    if counted == "dst_port" and scan.ports is not None:
        return min(most, scan.ports.total)
    return min(most, scan.targets_total) if counted == "dst_ip" else most


def _pace(scan: Scan) -> str:
    ports = f"{scan.ports.total:,} ports of " if scan.ports is not None else ""
    time = f" in {scan.duration_ns / 1e9:,.1f} s" if scan.duration_ns is not None else ""
    return f"{ports}{scan.targets_total:,} addresses by {scan.sources_total:,} sources{time}"


def _yaml(document: dict[str, Any], indent: str = "") -> str:
    lines = []
    for key, value in document.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", _yaml(value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{key}: {json.dumps(value)}")
    return "\n".join(lines)


def _uuid(subject: Subject, what: str) -> str:
    inputs = " ".join(one.sha256 for one in subject.report.inputs)
    return str(uuid5(_NAMESPACE, f"{inputs} {subject.scan.id} {what}"))
