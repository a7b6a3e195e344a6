"""The report: everything craftmark concluded about a case, as one frozen document.

Attributes are named exactly as the JSON's keys (``for`` is a word of Python: the attribute is ``for_``). Times are
integer nanoseconds since the epoch; a thing not seen is None and named in ``unseen``, never 0; lists that can be long
are capped beside a ``*_total``. Schema ``craftmark.report/1``: keys are added freely, none is changed or removed
without a new number. All text that came from packets, logs and file names is kept as it was: renderers make it safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal, get_args

from craftmark.report.checked import NO_CHECKS, Check
from craftmark.report.drawn import NOTHING_DRAWN, Drawn
from craftmark.report.examined import Conditions, Input, Traffic  # noqa: TC001 - codec and schema read the types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.report.tables import Table

SCHEMA = "craftmark.report/1"

Shape = Literal["port", "address", "block", "protocol", "host", "spot", "path"]
MarkKind = Literal[
    "constant", "relation", "counter", "generator", "order", "options", "ttl", "timing", "payload", "repeat"
]
Level = Literal["class", "subclass", "individual"]
MakerKind = Literal["crafted", "stack", "undecided"]
MakerConclusion = Literal["identification", "inconclusive", "unsuitable"]
ToolConclusion = Literal["identification", "inconclusive", "elimination", "unsuitable"]
SpoofingVerdict = Literal["spoofed", "genuine", "undecided"]
OneSenderVerdict = Literal["one", "several", "undecided"]
PortState = Literal["open", "closed", "filtered"]
AnswerState = Literal["open", "closed", "filtered", "up", "unclear"]
Basis = Literal["standard", "measured", "documented"]
Direction = Literal["inbound", "outbound", "internal", "elsewhere", "mixed", "unknown"]
TunnelKind = Literal["gre", "ipip", "6in4", "4in6", "6in6"]
Confidence = Literal["certain", "strong", "fair", "weak"]

#: Confidence words of claims, the strongest first.
CONFIDENCES: tuple[str, ...] = get_args(Confidence)


@dataclass(frozen=True, slots=True)
class PacketRef:
    """One packet: the number of its input in ``inputs`` and its own number there, both counted from 1."""

    input: int
    packet: int


@dataclass(frozen=True, slots=True)
class IcmpKind:
    """ICMP type and code."""

    type: int
    code: int


@dataclass(frozen=True, slots=True)
class Markprint:
    """The marks of a scan as two short printable strings; equality is defined on ``structure``."""

    structure: str
    values: str


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of probe of a scan, with the markprint of these probes alone."""

    protocol: str
    control_bits: tuple[str, ...] | None
    icmp: IcmpKind | None
    probes: int
    markprint: Markprint | None = None

    @property
    def label(self) -> str:
        """Its name, as statements of its toolmarks begin where a scan has several kinds."""
        if self.icmp is not None:
            return f"{self.protocol} {self.icmp.type}/{self.icmp.code}"
        return (
            self.protocol if self.control_bits is None else f"{self.protocol} {'+'.join(self.control_bits) or 'null'}"
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A source address as written in the packets, which may be false."""

    address: str
    probes: int
    spoofing: SpoofingVerdict


@dataclass(frozen=True, slots=True)
class Target:
    """A destination address."""

    address: str
    probes: int


@dataclass(frozen=True, slots=True)
class Ports:
    """Destination ports: how many different ones, and which, as ``1-1024,3306``; ends with ``...`` where capped."""

    total: int
    ranges: str


@dataclass(frozen=True, slots=True)
class Toolmark:
    """A property of packets caused by the code that made them.

    Held in ``held`` of ``seen`` probes that show the fields; ``log10_chance`` is the log10 of the probability that
    independent random values would show it. ``name`` is the word rules use for it, "" where ``statement`` says it all.
    """

    id: str
    kind: MarkKind
    statement: str
    name: str
    fields: tuple[str, ...]
    held: int
    seen: int
    sampled: bool
    log10_chance: float
    level: Level
    packets: tuple[PacketRef, ...]


@dataclass(frozen=True, slots=True)
class ToolVerdict:
    """The comparison of one rule with the marks, and its conclusion.

    ``agrees``, ``disagrees`` and ``silent`` hold one readable line per expectation, with its count. ``reason`` is the
    conclusion's reason in one sentence, ``log10_chance`` the chance that another maker would show all that agrees.
    ``by_date``: eliminated only because no version that could do this existed when the packets were captured.
    """

    tool: str
    name: str
    kind: str
    version: str | None
    conclusion: ToolConclusion
    reason: str
    agrees: tuple[str, ...]
    disagrees: tuple[str, ...]
    silent: tuple[str, ...]
    settings_needed: int | None
    price_log10: float | None
    log10_chance: float | None
    packets: tuple[PacketRef, ...]
    by_date: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something recovered of the run; ``checked`` counts the packet fields it predicts that it was not fitted on."""

    value: int | float | str | tuple[str, ...]
    confidence: float
    checked: int


@dataclass(frozen=True, slots=True)
class Maker:
    """What made the packets: crafted or a system's stack, and the tool where one is identified."""

    kind: MakerKind
    kind_why: tuple[str, ...]
    conclusion: MakerConclusion
    tool: str | None
    version: str | None
    confidence: float
    tools: tuple[ToolVerdict, ...]
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class Hop:
    """One hypothesis on the distance: an initial TTL and the hops it leaves; weights add up to 1.

    Where the TTL is drawn anew for each packet, ``initial_ttl`` is the highest that is drawn.
    """

    initial_ttl: int
    hops: int
    weight: float
    why: str


@dataclass(frozen=True, slots=True)
class Spoofing:
    """Whether the source addresses are the sender's; undecided, the confidence is that of the likelier side.

    ``log10_odds``: forged against genuine after all reasons, within the cap; ``prior_log10``: before any of them.
    """

    verdict: SpoofingVerdict
    confidence: float
    reasons: tuple[str, ...]
    log10_odds: float = 0.0
    prior_log10: float = 0.0


@dataclass(frozen=True, slots=True)
class OneSender:
    """Whether one sender made the probes of all sources."""

    verdict: OneSenderVerdict
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sender:
    """The host that really emitted the packets. ``hops_reason`` says why ``hops`` is empty, "" where it is not."""

    hops: tuple[Hop, ...]
    hops_reason: str
    spoofing: Spoofing
    one_sender: OneSender


@dataclass(frozen=True, slots=True)
class AnswerSeen:
    """What came back in these inputs: the port state it means, the answer, in how many packets, from which ports.

    State "up" is a host that answers a probe without a port; "unclear" is an answer that tells no state.
    """

    state: AnswerState
    answer: str
    packets: int
    ports: Ports | None


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a stack answers to such a probe at a port in a state, and where that is known from.

    ``rule`` names the filter rule in front of the port, "" for none.
    """

    stack: str
    state: PortState
    answer: str
    source: str
    rule: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Remembered:
    """Whether a firewall makes an entry for such a probe, the firewall's own verdict, and where that is known from.

    ``entry`` says what becomes of the entry, by what the target does; ``meets`` what such a segment does to the entry
    of an established connection; ``logged`` whether the firewall logs it. "" where there is none or it is not known.
    """

    firewall: str
    creates_state: bool
    verdict: str
    source: str
    entry: str = ""
    meets: str = ""
    logged: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What one kind of answer in these inputs told the sender, and by whose behaviour; answer "none" is silence.

    ``meaning`` names states of the port ("open or filtered") or of the host; ``ports`` is None where it is not known.
    """

    answer: str
    packets: int
    ports: Ports | None
    meaning: str
    why: str


@dataclass(frozen=True, slots=True)
class Distinguished:
    """Which states of a port one stack's answers to such a probe tell apart: those in one group answer alike.

    ``groups`` reads "open | closed | filtered" where all three differ; ``alive``: some state answers at all.
    """

    stack: str
    groups: str
    alive: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back, what stacks and firewalls do with such probes, and what the sender could learn.

    ``both_ways``: the inputs hold packets from targets to sources at all, so that a missing answer means something.
    ``told`` is what the answers here told the sender, ``distinguishes`` what such a probe could tell on each stack.
    """

    seen: tuple[AnswerSeen, ...]
    answered_probes: int
    both_ways: bool
    predicted: tuple[Predicted, ...]
    remembered: tuple[Remembered, ...]
    reach: str
    told: tuple[Told, ...] = ()
    distinguishes: tuple[Distinguished, ...] = ()


@dataclass(frozen=True, slots=True)
class Purpose:
    """A candidate for why it was sent; weights add up to 1, and "unexplained" is always a candidate."""

    id: str
    statement: str
    weight: float
    for_: tuple[str, ...]
    against: tuple[str, ...]
    settled_by: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A tunnel that packets came through: the ends and TTLs of the outermost IP header around them.

    ``kind``: "gre", "ipip" (RFC 2003), "6in4", "4in6" or "6in6". ``ttls`` are the values seen, ascending: against those
    that systems start with they tell how far the tunnel's entrance is. Header fields of scans are the inner packets'.
    """

    kind: TunnelKind
    source: str
    target: str
    ttls: tuple[int, ...]
    packets: int


@dataclass(frozen=True, slots=True)
class Scan:
    """One act of probing: what was sent, who made it, from where, what it could learn. Floods have this form too.

    ``direction`` is seen from the own networks that the user named: "inbound" is towards them. ``tunnels``: what its
    probes came through.
    """

    id: str
    shape: Shape
    protocol: str
    parts: tuple[Part, ...]
    control_bits: tuple[str, ...] | None
    probes: int
    first_ns: int | None
    last_ns: int | None
    duration_ns: int | None
    first_text: str | None
    sources: tuple[Source, ...]
    sources_total: int
    targets: tuple[Target, ...]
    targets_total: int
    ports: Ports | None
    toolmarks: tuple[Toolmark, ...]
    markprint: Markprint
    maker: Maker
    sender: Sender
    answers: Answers
    purposes: tuple[Purpose, ...]
    drawn: Drawn = NOTHING_DRAWN
    direction: Direction = "unknown"
    tunnels: tuple[Tunnel, ...] = ()
    tunnels_total: int = 0


@dataclass(frozen=True, slots=True)
class Campaign:
    """Scans judged to share an operator or a purpose."""

    id: str
    scans: tuple[str, ...]
    statement: str
    log10_chance: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A conclusion with what speaks for and against it, and what would settle it; ``about`` is a scan's id."""

    id: str
    about: str
    statement: str
    confidence: Confidence
    for_: tuple[str, ...]
    against: tuple[str, ...]
    settled_by: str
    packets: tuple[PacketRef, ...]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something these inputs cannot show, and what would show it."""

    what: str
    shown_by: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole document. Round-trips: ``Report.from_json(report.to_json()) == report``.

    ``checks``: what the user had asked the claimed sources afterwards; empty unless ``craftmark verify`` was run.
    """

    schema: str
    craftmark: str
    knowledge: str
    conditions: Conditions
    inputs: tuple[Input, ...]
    traffic: Traffic
    scans: tuple[Scan, ...]
    scans_total: int
    floods: tuple[Scan, ...]
    floods_total: int
    campaigns: tuple[Campaign, ...]
    claims: tuple[Claim, ...]
    unseen: tuple[Unseen, ...]
    checks: tuple[Check, ...] = NO_CHECKS
    tunnels: tuple[Tunnel, ...] = ()
    tunnels_total: int = 0

    @property
    def damaged(self) -> bool:
        """Whether an input was damaged or partly unreadable."""
        return any(part.damage_total for part in self.inputs)

    def to_json(self) -> str:
        """Return the document as JSON text: ASCII only, the same text for equal reports.

        Raises ReportError if a value is not of its declared type, or is NaN or infinite.
        """
        from craftmark.report.codec import write_json  # noqa: PLC0415 - typing machinery only where JSON is asked for

        return write_json(self, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Return the report in a JSON text.

        Raises ReportError, with the path of the first fault, if it is not a document of this schema.
        """
        from craftmark.report.codec import read_json  # noqa: PLC0415 - typing machinery only where JSON is asked for

        return read_json(text, cls, schema=SCHEMA)

    def table(self, name: str) -> Table:
        """Return a table: ``inputs scans kinds toolmarks tools sources targets claims``, for pandas, Polars or Arrow.

        Raises ReportError for another name.
        """
        from craftmark.report.tables import table  # noqa: PLC0415 - only where tables are asked for

        return table(self, name)

    def _repr_html_(self) -> str:
        """Return a small table of the scans for a notebook."""
        head = "<tr><th>scan</th><th>probes</th><th>protocol</th><th>shape</th><th>made by</th></tr>"
        rows = "".join(f"<tr>{_cells(scan)}</tr>" for scan in self.scans)
        return f"<p>craftmark: {self.scans_total:,} scans, {self.floods_total:,} floods</p><table>{head}{rows}</table>"


def _cells(scan: Scan) -> str:
    made_by = scan.maker.tool or scan.maker.kind
    texts = (scan.id, f"{scan.probes:,}", scan.protocol, scan.shape, made_by)
    return "".join(f"<td>{escape(text.encode('ascii', 'backslashreplace').decode('ascii'))}</td>" for text in texts)
