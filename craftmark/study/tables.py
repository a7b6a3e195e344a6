"""The tables of a study, from what its cases hold. Pure: equal cases give equal tables, in a fixed order of rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.study.base import Cell, Kind, Table, table
from craftmark.study.rates import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.sources.base import Provenance
    from craftmark.study.base import Asked
    from craftmark.study.case import Finding, StudiedCase

_Members = list[tuple[str, "Finding"]]

#: What is summed up over a group of scans.
_SUMMED: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("scans", "int", ""),
    ("share", "float", "of all scans that are described"),
    ("share_low", "float", "lower end of its interval of 95 %"),
    ("share_high", "float", "upper end"),
    ("probes", "int", ""),
    ("sources", "int", "addresses, added up scan by scan"),
    ("cases", "int", "cases it was seen in"),
)
_ROLES: Final = ("probe", "answer", "backscatter", "flood", "ordinary", "undecoded")


def tables_of(cases: Sequence[StudiedCase], inputs: Sequence[Provenance], asked: Asked) -> dict[str, Table]:
    """Return all tables by their names."""
    made = (
        _cases(cases), _inputs(inputs), _scans(cases, asked), _tools(cases), _tool_cases(cases), _ports(cases),
        _markprints(cases), _campaigns(cases),
    )  # fmt: skip
    return {one.name: one for one in made}


def sources_total(cases: Sequence[StudiedCase]) -> int:
    """Return how many addresses scanned, each counted once over the whole study."""
    return len(np.unique(np.concatenate([one.sources for one in cases]), axis=0)) if cases else 0


def _cases(cases: Sequence[StudiedCase]) -> Table:
    columns: list[tuple[str, Kind, str]] = [
        ("case", "text", "day of UTC, or the input"),
        ("packets", "int", "all packets; the roles that follow add up to them"),
        *((role, "int", f"packets whose role is {role}") for role in _ROLES),
        ("scans", "int", "scans found"),
        ("described", "int", "scans described in the table of scans, the largest"),
        ("described_probes", "int", "probes of these"),
        ("floods", "int", "floods found"),
        ("sources", "int", "addresses that scans came from"),
        ("markprints", "int", "structures of markprint among the scans"),
        ("new_markprints", "int", "of these, how many no earlier case had"),
        ("campaigns", "int", "campaigns among the scans"),
    ]
    seen: set[str] = set()
    rows: list[list[Cell]] = []
    for one in cases:
        prints = {found.scan.markprint.structure for found in one.scans}
        rows.append([
            one.name, one.packets, *(getattr(one.traffic, role) for role in _ROLES), one.scans_total, len(one.scans),
            sum(found.scan.probes for found in one.scans), one.floods_total, len(one.sources), len(prints),
            len(prints - seen), len(one.campaigns),
        ])  # fmt: skip
        seen |= prints
    return table("cases", columns, rows)


def _inputs(inputs: Sequence[Provenance]) -> Table:
    columns: list[tuple[str, Kind, str]] = [
        ("input", "text", "name as given"),
        ("sha256", "text", "of the input as stored"),
        ("format", "text", "told by content"),
        ("bytes", "int", "as stored"),
        ("packets", "int", "packets read"),
        ("first_ns", "int", "time of the first packet, nanoseconds since the epoch where clock is epoch"),
        ("last_ns", "int", "time of the last packet"),
        ("clock", "text", "epoch, or what the times count from"),
        ("damaged", "int", "places where it could not be read"),
        ("damage", "text", "the first of them"),
    ]
    rows = [
        (
            one.name, one.sha256, one.format, one.bytes, one.packets, one.first_ns, one.last_ns, one.clock,
            one.damage_total, one.damage[0].what if one.damage else None,
        )
        for one in inputs
    ]  # fmt: skip
    return table("inputs", columns, rows)


_SCANS: Final[list[tuple[str, Kind, str]]] = [
    ("case", "text", "day of UTC, or the input"),
    ("id", "text", "as in a report of the case: S1 is the largest scan, F1 the largest flood"),
    ("finding", "text", "scan or flood"),
    ("first_ns", "int", "time of the first probe, nanoseconds since the epoch"),
    ("last_ns", "int", "time of the last probe"),
    ("protocol", "text", ""),
    ("control_bits", "text", "of TCP, as FIN+RST+PSH; null for none"),
    ("shape", "text", "port, address, block, protocol, host, spot or path"),
    ("probes", "int", ""),
    ("sources", "int", "addresses it came from"),
    ("source", "text", "the one with most probes"),
    ("targets", "int", "addresses it went to"),
    ("targets_exact", "bool", "false where targets were estimated by a sketch"),
    ("ports", "int", "ports it went to"),
    ("port_ranges", "text", ""),
    ("maker", "text", "crafted, stack or undecided"),
    ("tool", "text", "where one is identified"),
    ("version", "text", "where it can be told"),
    ("confidence", "float", "of that identification"),
    ("markprint", "text", "its structure"),
    ("values", "text", "its values"),
    ("spoofing", "text", "verdict on the source addresses"),
    ("hops", "int", "most likely distance"),
    ("purpose", "text", "most likely one"),
    ("campaign", "text", "its campaign in the case"),
    ("pps", "float", "probes per second as seen"),
    ("coverage", "float", "share of IPv4 by the telescope's addresses reached"),
    ("coverage_low", "float", "lower end of its interval of 95 %"),
    ("coverage_high", "float", "upper end"),
    ("internet_pps", "float", "probes per second to all of IPv4"),
]


def _scans(cases: Sequence[StudiedCase], asked: Asked) -> Table:
    return table("scans", _SCANS, [_scan(one.name, found, asked) for one in cases for found in one.findings])


def _scan(case: str, found: Finding, asked: Asked) -> list[Cell]:
    scan, maker = found.scan, found.scan.maker
    bits = None if scan.control_bits is None else "+".join(scan.control_bits) or "null"
    hops = max(scan.sender.hops, key=lambda hop: hop.weight).hops if scan.sender.hops else None
    purpose = max(scan.purposes, key=lambda one: one.weight).id if scan.purposes else None
    return [
        case, scan.id, "flood" if found.is_flood else "scan", scan.first_ns, scan.last_ns, scan.protocol, bits,
        scan.shape, scan.probes, scan.sources_total, scan.sources[0].address if scan.sources else None,
        scan.targets_total, found.targets_exact, scan.ports.total if scan.ports else None,
        scan.ports.ranges if scan.ports else None, maker.kind, maker.tool, maker.version,
        maker.confidence if maker.tool else None, scan.markprint.structure, scan.markprint.values,
        scan.sender.spoofing.verdict, hops, purpose, found.campaign, found.rate_pps,
        *found.extrapolated(asked.telescope),
    ]  # fmt: skip


def _tools(cases: Sequence[StudiedCase]) -> Table:
    columns: list[tuple[str, Kind, str]] = [
        ("tool", "text", "a tool, or stack, unknown (crafted by code no rule names) or undecided"),
        ("version", "text", "where it can be told"),
        *_SUMMED,
        ("first_case", "text", ""),
    ]
    groups: dict[tuple[str, str], _Members] = defaultdict(list)
    for one in cases:
        for found in one.scans:
            groups[found.label, found.scan.maker.version or ""].append((one.name, found))
    total = sum(map(len, groups.values()))
    rows: list[list[Cell]] = []
    for (tool, version), members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        rows.append([tool, version or None, *_summed(members, total), members[0][0]])
    return table("tools", columns, rows)


def _summed(members: _Members, total: int) -> list[Cell]:
    """Return the sums over a group of scans; ``total``: all scans that are described."""
    return [
        len(members), *(wilson(len(members), total) or (None, None, None)),
        sum(found.scan.probes for _, found in members), sum(found.scan.sources_total for _, found in members),
        len({case for case, _ in members}),
    ]  # fmt: skip


def _tool_cases(cases: Sequence[StudiedCase]) -> Table:
    columns: list[tuple[str, Kind, str]] = [
        ("case", "text", ""), ("tool", "text", "as in tools"), ("scans", "int", ""), ("probes", "int", ""),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in cases:
        groups: dict[str, list[Finding]] = defaultdict(list)
        for found in one.scans:
            groups[found.label].append(found)
        rows += [[one.name, tool, len(of), sum(each.scan.probes for each in of)] for tool, of in sorted(groups.items())]
    return table("tool_cases", columns, rows)


def _ports(cases: Sequence[StudiedCase]) -> Table:
    columns: list[tuple[str, Kind, str]] = [
        ("protocol", "text", ""),
        ("port", "int", ""),
        ("scans", "int", "scans that probed it"),
        ("probes", "int", "an estimate where a strand is known by its sample"),
        ("sources", "int", "at least so many, added up case by case"),
        ("cases", "int", "cases it was probed in"),
    ]
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in cases:
        for key, count in one.ports.items():
            sums[key] = [before + new for before, new in zip(sums[key], (*count, 1), strict=True)]
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return table("ports", columns, [[*key, *counts] for key, counts in ordered])


def _markprints(cases: Sequence[StudiedCase]) -> Table:
    columns: list[tuple[str, Kind, str]] = [
        ("markprint", "text", "its structure"),
        ("tool", "text", "what made most of its scans, as in tools"),
        *_SUMMED,
        ("first_case", "text", "where it was first seen"),
        ("last_case", "text", "where it was last seen"),
        ("first_scan", "text", "its largest scan there"),
    ]
    groups: dict[str, _Members] = defaultdict(list)
    for one in cases:
        for found in one.scans:
            groups[found.scan.markprint.structure].append((one.name, found))
    total = sum(map(len, groups.values()))
    rows: list[list[Cell]] = []
    for structure, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        labels = sorted(found.label for _, found in members)
        most = max(dict.fromkeys(labels), key=labels.count)
        (first, found), last = members[0], members[-1][0]
        rows.append([structure, most, *_summed(members, total), first, last, found.scan.id])
    return table("markprints", columns, rows)


def _campaigns(cases: Sequence[StudiedCase]) -> Table:
    columns: list[tuple[str, Kind, str]] = [
        ("case", "text", ""),
        ("campaign", "text", "its id in the case"),
        ("scans", "int", "scans in it"),
        ("probes", "int", ""),
        ("sources", "int", "addresses, added up scan by scan"),
        ("log10_chance", "float", "that strangers would share these values"),
        ("members", "text", "ids of its scans"),
        ("values", "text", "what they share; equal in another case: the same campaign goes on"),
    ]
    rows: list[list[Cell]] = []
    for one in cases:
        by_id = {found.scan.id: found.scan for found in one.scans}
        for each in one.campaigns:
            scans = [by_id[scan] for scan in each.scans]
            rows.append([
                one.name, each.id, len(scans), sum(scan.probes for scan in scans),
                sum(scan.sources_total for scan in scans), each.log10_chance, " ".join(each.scans),
                each.statement.partition(": ")[2],
            ])  # fmt: skip
    return table("campaigns", columns, rows)
