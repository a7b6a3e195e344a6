"""What of a scan's marks a filter or rule may look for: what the code makes, not what the run chose.

Left out: addresses and ports that are probed, the TTL on arrival, the type of service (routers rewrite both), and
values that a run draws or a user sets, unless a known tool's rule says that they are the tool's own. Formats tell what
they can express; a term that a format lacks makes its rule broader, never wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from craftmark.assess.markprints import read
from craftmark.errors import ExpressionError
from craftmark.packets.expressions import parse
from craftmark.packets.fields import ARP, CONTROL_BITS, FIELDS, ICMP, ICMP6, SCTP, TCP, UDP
from craftmark.report.document import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from craftmark.report.document import Report, Scan

PROTOCOLS: Final = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMP6, "sctp": SCTP, "arp": ARP}
#: Fields that a run may draw or a target needs: only a tool's own value counts.
OF_A_RUN: Final = frozenset({
    "ip_id", "ip6_flow", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_tsval", "tcp_tsecr", "udp_sport", "udp_sum",
    "sctp_sport", "sctp_vtag", "icmp_id", "icmp6_id", "icmp_seq", "icmp6_seq",
})  # fmt: skip
_NEVER: Final = frozenset({"ip_ttl", "ip_tos", "payload_head", "ip_ihl", "tcp_reserved", "udp_len"})
#: Octets of TCP options by kind; kinds of other lengths leave the header's length open.
_OCTETS: Final = {"MSS": 4, "NOP": 1, "WS": 3, "SACKOK": 2, "TS": 10, "EOL": 1}


#: Stands for the IP version of what is not IP: ARP.
NO_IP: Final = 0


@dataclass(frozen=True, slots=True)
class Match:
    """Terms that all hold in one kind of probe of a scan.

    kind: what tells it from the scan's other kinds, "" where there is no other. number: its place among them.
    values: constants by field. relations: equations in the grammar of ``packets/expressions``. lacking: terms, as
    text, that the marks allow but a format cannot tell.
    """

    scan: str
    kind: str
    number: int
    probes: int
    protocol: int
    ip_version: int
    label: str
    values: Mapping[str, int]
    relations: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short name for identifiers: the scan, and which of its kinds of probe, as ``s1_2``."""
        return self.scan.lower() + (f"_{self.number}" if self.kind else "")

    @property
    def terms(self) -> tuple[str, ...]:
        """Every term as text."""
        return (*(f"{name} == {value}" for name, value in self.values.items()), *self.relations)

    @property
    def expression(self) -> str:
        """All terms and the protocol as one expression, for counting."""
        if self.ip_version == NO_IP:
            return " and ".join(self.terms or ("arp_op >= 0",))
        return " and ".join([f"ip_proto == {self.protocol}", f"ip_version == {self.ip_version}", *self.terms])

    def only(self, fields: Collection[str], relation: Callable[[str, int], str] | None = None) -> Match:
        """Return the part that a format with these fields can tell; ``relation`` writes a relation, "" if it cannot."""
        kept = {name: value for name, value in self.values.items() if name in fields}
        told = tuple(
            text
            for text in self.relations
            if relation and set(parse(text).fields) <= set(fields) and relation(text, self.ip_version)
        )
        lacking = tuple(term for term in self.terms if term not in replace(self, values=kept, relations=told).terms)
        return replace(self, values=kept, relations=told, lacking=lacking)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an exporter writes of: the report and its scan, what to look for, and what is to be said of it.

    matches: one for each kind of probe that the format can tell, the most frequent first.
    """

    report: Report
    scan: Scan
    label: str
    matches: tuple[Match, ...]
    notes: tuple[str, ...] = ()


def matches_of(scan: Scan, own: Collection[tuple[str, int]] = (), *, with_run: bool = False) -> tuple[Match, ...]:
    """Return what to look for, for each kind of probe whose marks are known, the most frequent first.

    own: fields with values that the identified tool fixes. with_run: what the run chose too. Raises ReportError where a
    markprint is of another version.
    """
    kinds = [one for one in scan.parts if one.markprint is not None]
    if len(kinds) < 2:
        return (_match(scan, replace(_whole(scan), markprint=scan.markprint), 0, own, with_run=with_run),)
    return tuple(_match(scan, one, number, own, with_run=with_run) for number, one in enumerate(kinds, 1))


def _whole(scan: Scan) -> Part:
    """Return the kind of probe that all of a scan's are, or that all we know is about."""
    return scan.parts[0] if scan.parts else Part(scan.protocol, scan.control_bits, None, scan.probes)


def _match(scan: Scan, part: Part, number: int, own: Collection[tuple[str, int]], *, with_run: bool) -> Match:
    """Return what to look for in one kind of probe; number 0: it is the only one."""
    markprint = part.markprint or scan.markprint
    found = read(markprint.structure, markprint.values)
    values = {}
    for name, value in found.constants.items():
        drawn = name in found.user_set or (name in OF_A_RUN and not _is_habit(name, value))
        if name not in _NEVER and name in FIELDS and (with_run or (name, value) in own or not drawn):
            values[name] = value
    if part.control_bits is not None:
        values["tcp_flags"] = sum(1 << CONTROL_BITS.index(bit) for bit in part.control_bits)
    if found.protocol == "tcp" and (words := _header_words(found.layout)) is not None:
        values["tcp_off"] = words
    kind = "" if not number else part.label
    statements = [mark.statement for mark in scan.toolmarks if mark.kind == "relation"]
    relations = [text for told in statements if (text := _equation(_about(told, part, is_one=not number)))]
    return Match(
        scan=scan.id,
        kind=kind,
        number=number,
        probes=part.probes,
        protocol=PROTOCOLS.get(found.protocol, int(found.protocol) if found.protocol.isdigit() else -1),
        ip_version=_ip_version(scan, found.protocol),
        label=" ".join(filter(None, (label_of(scan), kind.replace("/", ".")))),
        values=dict(sorted(values.items(), key=lambda item: list(FIELDS).index(item[0]))),
        relations=tuple(dict.fromkeys(relations)),
    )


def _about(statement: str, part: Part, *, is_one: bool) -> str:
    """Return a mark's statement about one kind of probe, "" where it is about another."""
    if is_one or statement.startswith(f"{part.label}: "):
        return statement.removeprefix(f"{part.label}: ")
    return ""


def _ip_version(scan: Scan, protocol: str) -> int:
    if protocol == "arp":
        return NO_IP
    addresses = [*(one.address for one in scan.targets), *(one.address for one in scan.sources)]
    return 6 if any(":" in address for address in addresses) else 4


def _is_habit(name: str, value: int) -> bool:
    """Tell whether a value is no draw of a run but nothing at all: an acknowledgment without ACK, a serial at 0."""
    return value == 0 and name in ("tcp_ack", "tcp_tsecr", "icmp_seq", "icmp6_seq", "udp_sum")


def _header_words(layout: str) -> int | None:
    if layout in ("?", "-"):
        return None
    kinds = [] if layout == "none" else layout.split(",")
    if any(kind not in _OCTETS for kind in kinds):
        return None
    return 5 + -(-sum(_OCTETS[kind] for kind in kinds) // 4)


def _equation(statement: str) -> str | None:
    """Return an equation between fields in the grammar; None for what is no such thing, or has a value of the run."""
    try:
        expression = parse(statement.replace(" = ", " == ", 1))
    except ExpressionError:
        return None
    if expression.condition is not None:  # true of some of the packets: no filter for all
        return None
    is_value = statement.rsplit(" = ", 1)[-1].removeprefix("0x").isalnum() and len(expression.fields) < 2
    return str(expression) if expression.is_equation and not is_value and len(expression.fields) > 1 else None


def label_of(scan: Scan) -> str:
    """Return a name that may stand in any rule, whatever the tool is called: letters, digits, dots, dashes, blanks."""
    tool = "".join(char for char in scan.maker.tool or "" if char.isascii() and (char.isalnum() or char in ".-"))[:40]
    return f"craftmark {scan.id}" + (f" {tool}" if tool else "")
