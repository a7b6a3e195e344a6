"""The language that Snort and Suricata share: one alert rule a kind of probe, its options by keyword."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import ICMP, ICMP6, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.export.match import Match, Subject

_NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp"}
#: Keywords of fields that both programs know; flags and fragment bits have letters instead of numbers.
KEYWORDS: Final = {
    "ip_id": "id:{}", "tcp_seq": "seq:{}", "tcp_ack": "ack:{}", "tcp_win": "window:{}", "payload_len": "dsize:{}",
    "icmp_type": "itype:{}", "icmp_code": "icode:{}", "icmp_id": "icmp_id:{}", "icmp_seq": "icmp_seq:{}",
    "icmp6_type": "itype:{}", "icmp6_code": "icode:{}", "icmp6_id": "icmp_id:{}", "icmp6_seq": "icmp_seq:{}",
}  # fmt: skip
LETTERED: Final = frozenset({"tcp_flags", "ip_flags"})
#: Numbers between the rules of one scan and of the next: no report examines so many kinds of probe apart.
_KINDS: Final = 100


def alerts(subject: Subject, keywords: Mapping[str, str], first_sid: int) -> str:
    """Return the rules, their notes before them. first_sid: where the numbers of local rules begin."""
    notes = [f"# {note}" for note in subject.notes]
    return "\n".join([*notes, *(_alert(match, keywords, first_sid) for match in subject.matches), ""])


def _alert(match: Match, keywords: Mapping[str, str], first_sid: int) -> str:
    name = _NAMES.get(match.protocol, "ip")
    options = [f'msg:"{match.label}"']
    options += [f"ip_proto:{match.protocol}"] if name == "ip" else []
    options += [_option(field, value, keywords) for field, value in match.values.items()]
    number = first_sid + _KINDS * int(match.scan[1:]) + match.number + (50_000 if match.scan[0] == "F" else 0)
    return f"alert {name} any any -> any any ({'; '.join([*options, f'sid:{number}', 'rev:1'])};)"


def _option(field: str, value: int, keywords: Mapping[str, str]) -> str:
    if field == "tcp_flags":
        letters = "".join(letter for bit, letter in enumerate("FSRPAUEC") if value >> bit & 1)
        return f"flags:{letters or '0'}"
    if field == "ip_flags":
        letters = "".join(letter for bit, letter in enumerate("MDR") if value >> bit & 1)
        return f"fragbits:{letters}" if letters else "fragbits:!MDR"
    return keywords[field].format(value)
