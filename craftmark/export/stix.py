"""A STIX 2.1 bundle: an indicator with a network-traffic pattern, and what was observed. Same input, same bundle."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.export.match import Match, Subject

SUFFIX: Final = ".json"
_KEYS: Final = {
    "tcp_flags": "tcp-ext'.src_flags_hex", "icmp_type": "icmp-ext'.icmp_type_hex",
    "icmp_code": "icmp-ext'.icmp_code_hex", "icmp6_type": "icmp-ext'.icmp_type_hex",
    "icmp6_code": "icmp-ext'.icmp_code_hex",
}  # fmt: skip
TELLS: Final = frozenset(_KEYS)
IP_VERSIONS: Final = (4, 6, 0)

#: The namespace of STIX 2.1 section 2.9 for ids that depend on the content alone.
_NAMESPACE: Final = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


def write(subject: Subject) -> str:
    """Return the bundle as JSON, ASCII only."""
    scan, moment = subject.scan, _moment(subject.scan.last_ns)
    shared = {"spec_version": "2.1", "created": moment, "modified": moment}
    maker = _object("identity", "craftmark", **shared, name="craftmark", identity_class="system")
    told = [mark.statement for mark in scan.toolmarks if mark.log10_chance <= -6]
    indicator = _object(
        "indicator", f"{scan.markprint.structure} {scan.markprint.values}", **shared, created_by_ref=maker["id"],
        name=subject.label, description="\n".join([*told, *subject.notes]),
        indicator_types=["anomalous-activity"],
        pattern=_pattern(subject), pattern_type="stix", valid_from=moment,
    )  # fmt: skip
    note = _object(
        "note", f"{indicator['id']} {scan.probes} {scan.first_ns}", **shared, created_by_ref=maker["id"],
        abstract=f"markprint of {scan.probes} probes",
        content=f"{scan.markprint.structure}\n{scan.markprint.values}", object_refs=[indicator["id"]],
    )  # fmt: skip
    objects = [maker, indicator, note]
    bundle = {"type": "bundle", "id": f"bundle--{uuid5(_NAMESPACE, json.dumps(objects))}", "objects": objects}
    return json.dumps(bundle, indent=2) + "\n"


def _object(kind: str, told: str, /, **members: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"{kind}--{uuid5(_NAMESPACE, f'{kind} {told}')}", **members}


def _pattern(subject: Subject) -> str:
    return " OR ".join(f"[{' AND '.join(_terms(subject, match))}]" for match in subject.matches)


def _terms(subject: Subject, match: Match) -> Iterator[str]:
    protocol = match.kind.split(" ")[0] or subject.scan.protocol
    yield f"network-traffic:protocols[*] = '{f'ipv{match.ip_version}' if protocol.isdigit() else protocol}'"
    for field, value in match.values.items():
        yield f"network-traffic:extensions.'{_KEYS[field]} = '{value:02x}'"


def _moment(ns: int | None) -> str:
    """Return a time as STIX writes it; without one the epoch, so that nothing here reads a clock."""
    text = datetime.fromtimestamp((ns or 0) / 1e9, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
