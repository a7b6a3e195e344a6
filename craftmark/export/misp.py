"""A MISP event: the scan's markprint, marks and sources as attributes. Sources are never marked for blocking."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from craftmark.export.match import Subject

SUFFIX: Final = ".json"
TELLS: Final = frozenset[str]()
IP_VERSIONS: Final = (4, 6, 0)

_NAMESPACE: Final = UUID("6f7d6c3a-2f0e-5b63-9d0a-6f2f6c0a7c11")


def write(subject: Subject) -> str:
    """Return the event as JSON, ASCII only, to be imported as a MISP event file."""
    scan = subject.scan
    day = datetime.fromtimestamp((scan.first_ns or 0) / 1e9, UTC).strftime("%Y-%m-%d")
    told = [f"{mark.statement}: {mark.held:,} of {mark.seen:,}" for mark in scan.toolmarks if mark.log10_chance <= -6]
    attributes = [
        _attribute(subject, "text", "Network activity", scan.markprint.structure, "markprint: structure"),
        _attribute(subject, "text", "Network activity", scan.markprint.values, "markprint: values"),
        *(_attribute(subject, "pattern-in-traffic", "Network activity", text, "toolmark") for text in told),
        *(
            _attribute(
                subject, "ip-src", "Network activity", one.address, f"source as written; spoofing: {one.spoofing}"
            )
            for one in scan.sources
        ),
    ]
    info = f"{subject.label}: {scan.probes:,} {scan.protocol} probes"
    event = {
        "uuid": _uuid(subject, "event"), "info": info, "date": day, "threat_level_id": "4", "analysis": "1",
        "distribution": "0", "published": False, "Attribute": attributes,
    }  # fmt: skip
    return json.dumps({"Event": event}, indent=2) + "\n"


def _attribute(subject: Subject, kind: str, category: str, value: str, comment: str) -> dict[str, Any]:
    uuid = _uuid(subject, f"{kind} {value} {comment}")
    return {"uuid": uuid, "type": kind, "category": category, "value": value, "comment": comment, "to_ids": False}


def _uuid(subject: Subject, text: str) -> str:
    inputs = " ".join(one.sha256 for one in subject.report.inputs)
    return str(uuid5(_NAMESPACE, f"{inputs} {subject.scan.id} {text}"))
