"""``craftmark answers``: what stacks answer to a probe and what firewalls remember of it, without any capture."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from craftmark.errors import ExitCode
from craftmark.packets.fields import ARP, CONTROL_BITS, ICMP, ICMP6, SCTP, TCP, UDP, control_bits
from craftmark.render.answers import STATES, render_answers
from craftmark.render.escape import visible
from craftmark.stacks.firewall import remember
from craftmark.stacks.nmap_os_db import LONGEST, count, read_fingerprints
from craftmark.stacks.respond import predict
from craftmark.stacks.stack import LETTERS
from craftmark.verbs.arguments import add_page_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.files import read_small
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    from craftmark.stacks.firewall import Remembered
    from craftmark.stacks.nmap_os_db import Counted
    from craftmark.stacks.respond import Prediction

SCHEMA: Final = "craftmark.answers/1"

_PROTOCOLS: Final = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMP6, "sctp": SCTP, "arp": ARP}


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked about; ``bits`` None and ``icmp`` None where the protocol has none."""

    protocol: int
    name: str
    bits: int | None
    icmp: tuple[int, int] | None
    ip_version: int
    has_payload: bool

    @property
    def text(self) -> str:
        """The probe as a reader would call it."""
        parts = [self.name.upper() if self.name in _PROTOCOLS else f"IP protocol {self.name}"]
        if self.bits is not None:
            parts.append("+".join(control_bits(self.bits)) or "without control bits")
        if self.icmp is not None:
            parts.append(f"type {self.icmp[0]} code {self.icmp[1]}")
        return (
            " ".join(parts)
            + (" over IPv6" if self.ip_version == 6 else "")
            + (" with data" if self.has_payload else "")
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--flags", metavar="BITS", type=flags, help="TCP control bits: FRP, SYN+ACK, none, or a number")
    parser.add_argument(
        "--protocol", metavar="NAME", type=protocol, help="tcp, udp, icmp, icmp6, sctp, arp or a number"
    )
    parser.add_argument("--icmp", metavar="TYPE/CODE", type=icmp, help="ICMP type and code, as 8/0")
    parser.add_argument("--ipv6", action="store_true", help="over IPv6")
    parser.add_argument("--payload", action="store_true", help="the probe carries data")
    parser.add_argument("--stack", metavar="NAME", help="only stacks with this in their name; standard is the RFCs")
    parser.add_argument("--port", choices=STATES, help="only ports in this state")
    parser.add_argument("--nmap-os-db", metavar="FILE", help="also what systems answered as your own nmap knows it")
    parser.add_argument("--json", action="store_true", help="the answers as one JSON document")
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Show the answers."""
    probe, screen = _probe(parsed), screen_of(parsed)
    known = {"icmp": probe.icmp, "ip_version": probe.ip_version}
    rows = predict(probe.protocol, probe.bits, has_payload=probe.has_payload, **known)  # type: ignore[arg-type]
    systems = _systems(parsed.nmap_os_db, probe, stack=parsed.stack, port=parsed.port)
    predicted = _chosen(rows, parsed.stack, parsed.port, others=bool(systems))
    remembered = remember(probe.protocol, probe.bits, **known)  # type: ignore[arg-type]
    if parsed.json:
        deliver(_json(probe, predicted, remembered, systems))
    else:
        deliver(
            render_answers(probe.text, predicted, remembered, systems=systems, width=screen.width, colour=screen.colour)
        )
    return ExitCode.EXAMINED


def _probe(parsed: argparse.Namespace) -> Probe:
    default = ICMP if parsed.icmp is not None else TCP
    number = default if parsed.protocol is None else parsed.protocol
    if number == ICMP and parsed.ipv6:
        number = ICMP6
    if number == TCP and parsed.flags is None:
        raise OptionError("answers: say which control bits, as --flags SYN, or another --protocol")
    if number in (ICMP, ICMP6) and parsed.icmp is None:
        raise OptionError("answers: say which ICMP message, as --icmp 8/0")
    if (parsed.flags is not None and number != TCP) or (parsed.icmp is not None and number not in (ICMP, ICMP6)):
        raise OptionError("answers: --flags is for TCP, --icmp for ICMP")
    name = next((name for name, known in _PROTOCOLS.items() if known == number), str(number))
    version = 6 if parsed.ipv6 or number == ICMP6 else 4
    return Probe(number, name, parsed.flags, parsed.icmp, version, parsed.payload)


def _systems(path: str | None, probe: Probe, *, stack: str | None, port: str | None) -> tuple[Counted, ...] | None:
    """Return what the user's nmap-os-db says of a probe, None where none was named."""
    if path is None:
        return None
    if probe.protocol != TCP or probe.ip_version != 4:
        raise OptionError("answers: nmap's fingerprints are of TCP over IPv4")
    text = read_small(path, most=LONGEST).decode(errors="replace")
    known = read_fingerprints(text, path=path)
    chosen = [one for one in known if stack is None or stack.lower() in one.name.lower()]
    return tuple(row for row in count(chosen, probe.bits or 0) if port is None or row.state == port)


def _chosen(rows: list[Prediction], stack: str | None, port: str | None, *, others: bool) -> list[Prediction]:
    found = [row for row in rows if stack is None or stack.lower() in row.stack.lower()]
    if not found and not others:
        names = ", ".join(dict.fromkeys(row.stack for row in rows if not row.rule)) or "none for such a probe"
        raise OptionError(f"no stack is called {visible(stack or '')}; known are {names}")
    return [row for row in found if port is None or row.state == port]


def _json(
    probe: Probe, predicted: list[Prediction], remembered: list[Remembered], systems: tuple[Counted, ...] | None
) -> str:
    asked = {
        "protocol": probe.name, "control_bits": None if probe.bits is None else control_bits(probe.bits),
        "icmp": probe.icmp, "ip_version": probe.ip_version, "payload": probe.has_payload,
    }  # fmt: skip
    rows = {"predicted": [asdict(row) for row in predicted], "remembered": [asdict(row) for row in remembered]}
    if systems is not None:
        rows["nmap_os_db"] = [asdict(row) for row in systems]
    return json.dumps({"schema": SCHEMA, "probe": asked, **rows}, indent=2) + "\n"


def flags(text: str) -> int:
    """Return control bits: letters F S R P A U E C (W for CWR), names joined by + or commas, none, or a number."""
    word = text.upper().replace(",", "+")
    if word in ("NONE", "NULL", ""):
        return 0
    if word[0].isdigit():
        try:
            number = int(word, 0)
        except ValueError:
            number = -1
        if 0 <= number <= 0xFF:
            return number
    parts = word.split("+")
    if set(parts) <= set(CONTROL_BITS):
        return sum(1 << CONTROL_BITS.index(part) for part in set(parts))
    letters = word.replace("W", "C")
    if set(letters) <= set(LETTERS):
        return sum(1 << LETTERS.index(letter) for letter in set(letters))
    raise argparse.ArgumentTypeError(f"{text!a} are no control bits, such as FRP, SYN+ACK, none or 0x29")


def protocol(text: str) -> int:
    """Return a protocol's number."""
    if text.lower() in _PROTOCOLS:
        return _PROTOCOLS[text.lower()]
    if text.isascii() and text.isdigit() and int(text) <= 0xFF:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!a} is none of {', '.join(_PROTOCOLS)} and no number up to 255")


def icmp(text: str) -> tuple[int, int]:
    """Return an ICMP type and code; without a code 0."""
    kind, _, code = text.partition("/")
    numbers = [int(part) for part in (kind, code or "0") if part.isascii() and part.isdigit()]
    if len(numbers) == 2 and max(numbers) <= 0xFF:
        return numbers[0], numbers[1]
    raise argparse.ArgumentTypeError(f"{text!a} is no ICMP type and code, such as 8/0")
