"""The report of the scan of May 2000, written by hand: what the renderers are looked at with."""

from __future__ import annotations

from dataclasses import replace

from craftmark.report.document import (
    SCHEMA,
    Answers,
    Claim,
    Hop,
    Maker,
    Markprint,
    OneSender,
    PacketRef,
    Parameter,
    Part,
    Ports,
    Predicted,
    Purpose,
    Remembered,
    Report,
    Scan,
    Sender,
    Source,
    Spoofing,
    Target,
    Toolmark,
    ToolVerdict,
    Unseen,
)
from craftmark.report.examined import Conditions, Input, Traffic

FIRST_NS = 958_842_405_061_034_000
DURATION_NS = 13_600_000_000
_STANDARD = "a stack that follows the standard"
FIRST_PACKETS = tuple(PacketRef(1, number) for number in (1, 2, 3))

_CONSTANTS = (
    ("ip_dst", "172.16.1.101", "class"),
    ("ip_proto", "6", "class"),
    ("ip_tos", "0x10", "subclass"),
    ("ip_id", "242", "individual"),
    ("tcp_sport", "31337", "individual"),
    ("tcp_flags", "FIN+RST+PSH", "individual"),
    ("tcp_seq", "0xA1D95", "individual"),
    ("tcp_ack", "0x53", "individual"),
    ("tcp_win", "1024", "subclass"),
)


def _mark(number, kind, statement, fields, *, chance, level="class", name=""):
    return Toolmark(
        id=f"S1.M{number}",
        kind=kind,
        statement=statement,
        name=name,
        fields=fields,
        held=3072,
        seen=3072,
        sampled=False,
        log10_chance=chance,
        level=level,
        packets=FIRST_PACKETS,
    )


def toolmarks():
    """Return the marks of the scan."""
    marks = [
        _mark(place, "constant", f"{field} = {value}", (field,), chance=-14_788.0, level=level)
        for place, (field, value, level) in enumerate(_CONSTANTS, start=1)
    ]
    marks.append(_mark(10, "ttl", "ip_ttl = 44", ("ip_ttl",), chance=-7_395.4))
    marks.append(_mark(11, "order", "tcp_dport rises by 1, per source", ("tcp_dport",), chance=-2_639.9, name="rising"))
    marks.append(_mark(12, "options", "no TCP options", ("tcp_options",), chance=-6.1, name="none"))
    marks.append(_mark(13, "timing", "226 packets/s, evenly paced", ("ts_ns",), chance=-40.2, name="paced"))
    return tuple(marks)


def _verdict(tool, name, kind, conclusion, reason, **more):
    settled = {
        "version": None,
        "agrees": (),
        "disagrees": (),
        "silent": (),
        "settings_needed": None,
        "price_log10": None,
        "log10_chance": None,
        "by_date": False,
        "packets": (),
    } | more
    return ToolVerdict(tool=tool, name=name, kind=kind, conclusion=conclusion, reason=reason, **settled)


_ID, _SEQ = "ip_id = 242 in 3,072 of 3,072: 10^-4927", "tcp_seq = 0xA1D95 in 3,072 of 3,072: 10^-9855"
_BITS = "control bits FIN+RST+PSH in 3,072 of 3,072"
_ELIMINATED = (
    ("nmap", f"nmap draws the IP ID anew for each probe, also if the sources are its decoys; {_ID}"),
    ("masscan", f"masscan sends SYN, ACK or RST in such probes; {_BITS}"),
    ("zmap", f"ZMap's sequence number is an AES block of each target; {_SEQ}"),
    ("unicornscan", f"unicornscan draws the IP ID anew for each probe; {_ID}"),
    ("mirai", f"Mirai's sequence number is the target's address; {_SEQ}"),
    ("juno", f"juno's sequence number is drawn anew per probe; {_SEQ}"),
    ("pnscan", f"juno's sequence number is drawn anew per probe; {_SEQ}"),
    ("back-orifice", "Back Orifice sends no TCP probes"),
    ("bo2k", f"BO2K asks the system to connect, and a stack draws a sequence number per connection; {_SEQ}"),
)

_FREE = (("hping", 10, -41.0), ("nping", 10, -41.0), ("scapy", 11, -44.5), ("packit", 10, -41.0))


def tools():
    """Return the comparisons with every rule."""
    found = _verdict(
        "libnet-1.0-samples",
        "libnet 1.0 sample programs",
        "library",
        "identification",
        "10^-31 by chance of another maker",
        version="1.0.x",
        log10_chance=-31.4,
        agrees=("ip_id = 242: 3,072 of 3,072 (libnet 1.0 example tcp.c)", "tcp_seq = 0xA1D95: 3,072 of 3,072"),
        silent=("payload: the packets have none",),
        packets=FIRST_PACKETS,
    )
    out = [found]
    out += [
        _verdict(
            tool,
            tool,
            "scanner",
            "elimination",
            reason,
            log10_chance=-0.3,
            packets=FIRST_PACKETS,
            disagrees=(reason,),
        )
        for tool, reason in _ELIMINATED
    ]
    out += [
        _verdict(
            tool,
            tool,
            "crafter",
            "inconclusive",
            "its user can set every field seen",
            settings_needed=count,
            price_log10=price,
        )
        for tool, count, price in _FREE
    ]
    return tuple(out)


def scan():
    """Return the one scan."""
    return Scan(
        id="S1",
        shape="port",
        protocol="tcp",
        parts=(Part("tcp", ("FIN", "RST", "PSH"), None, 3072),),
        control_bits=("FIN", "RST", "PSH"),
        probes=3072,
        first_ns=FIRST_NS,
        last_ns=FIRST_NS + DURATION_NS,
        duration_ns=DURATION_NS,
        first_text=None,
        sources=tuple(Source(f"192.160.13.{last}", 1024, "undecided") for last in (4, 7, 6)),
        sources_total=3,
        targets=(Target("172.16.1.101", 3072),),
        targets_total=1,
        ports=Ports(1024, "1-1024"),
        toolmarks=toolmarks(),
        markprint=Markprint("tcp:FRP id=c seq=c ack=c win=c", "242,0xA1D95,0x53,1024"),
        maker=Maker(
            kind="crafted",
            kind_why=("no stack sends FIN and RST together", "the IP ID never changes over 3,072 packets"),
            conclusion="identification",
            tool="libnet-1.0-samples",
            version="1.0.x",
            confidence=0.98,
            tools=tools(),
            parameters={
                "edited": Parameter(("tcp_flags", "tcp_sport", "tcp_dport"), 0.97, 0),
                "rate_pps": Parameter(226, 0.9, 3071),
            },
        ),
        sender=Sender(
            hops=(
                Hop(48, 4, 0.86, "the template's own initial TTL"),
                Hop(64, 20, 0.07, "initial TTL of Linux and BSD"),
                Hop(60, 16, 0.05, "initial TTL of older Unix"),
                Hop(128, 84, 0.01, "initial TTL of Windows"),
                Hop(255, 211, 0.01, "initial TTL of network gear"),
            ),
            hops_reason="",
            spoofing=Spoofing(
                "undecided", 0.6, ("no answers to compare with", "one TTL for three sources of one network")
            ),
            one_sender=OneSender(
                "one", 0.99, ("ten constant fields are the same for all three sources", "the sources take turns")
            ),
        ),
        answers=Answers(
            seen=(),
            predicted=(
                Predicted(_STANDARD, "open", "none", "RFC 9293 section 3.10.7.2", "", "standard"),
                Predicted(_STANDARD, "closed", "none", "RFC 9293 section 3.10.7.1", "", "standard"),
                Predicted("Linux 6.18.44", "filtered", "icmp 3/3", "responses.csv", "REJECT", "measured"),
                Predicted("libslirp 4.7.0", "closed", "rst+ack", "responses.csv", "", "measured"),
            ),
            answered_probes=0,
            both_ways=False,
            remembered=(
                Remembered("Linux 6.18.44 conntrack", creates_state=False, verdict="INVALID", source="conntrack.csv"),
            ),
            reach="Nothing about ports: no stack that follows the standard answers. Known exceptions: REJECT rules.",
        ),
        purposes=(
            Purpose(
                "unexplained",
                "unexplained",
                0.6,
                (),
                ("the packets can teach the sender nothing",),
                "the sender's own words",
            ),
            Purpose(
                "filter-test",
                "a test of what a filter or sensor lets pass",
                0.4,
                ("the flags pass SYN filters",),
                (),
                "the sensor's log",
            ),
        ),
    )


def report():
    """Return the whole report."""
    return Report(
        schema=SCHEMA,
        craftmark="0.1.0",
        knowledge="6f1c0c2f9a3e",
        conditions=Conditions(year=None, trust_clock=False, own=(), where=None, only=None),
        inputs=(
            Input(
                name="odd-scan-2000.pcap",
                sha256="9f" * 32,
                bytes=215_064,
                format="pcap",
                link_types=("EN10MB",),
                packets=3072,
                first_ns=FIRST_NS,
                last_ns=FIRST_NS + DURATION_NS,
                duration_ns=DURATION_NS,
                first_text=None,
                clock="epoch",
                unseen=(),
                damage=(),
                damage_total=0,
                notes=(),
            ),
        ),
        traffic=Traffic(probe=3072, answer=0, backscatter=0, flood=0, ordinary=0, undecoded=0),
        scans=(scan(),),
        scans_total=1,
        floods=(),
        floods_total=0,
        campaigns=(),
        claims=(
            Claim(
                "C1",
                "S1",
                "the sender changed flags and ports of the template and nothing else",
                "strong",
                ("every other field has the template's value",),
                (),
                "the program's source",
                FIRST_PACKETS,
            ),
        ),
        unseen=(Unseen("what the target answered", "a capture on the target's side of the sensor"),),
    )


def log_report():
    """Return the report of the same scan from a log without a year."""
    base = report()
    timeless = {"first_ns": None, "last_ns": None, "first_text": "05-20 17:06:45.061034"}
    log = replace(
        base.inputs[0],
        name="odd-scan-2000.snort.txt",
        format="snort",
        link_types=(),
        clock="no-year",
        unseen=("tcp_urp", "ip_sum"),
        **timeless,
    )
    return replace(base, inputs=(log,), scans=(replace(base.scans[0], **timeless),))
