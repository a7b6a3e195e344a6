"""The language that Snort and Suricata share: one alert rule, its options by keyword."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import ICMP, ICMP6, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.export.match import Subject

_NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp"}
#: Keywords of fields that both programs know; flags and fragment bits have letters instead of numbers.
KEYWORDS: Final = {
    "ip_id": "id:{}", "tcp_seq": "seq:{}", "tcp_ack": "ack:{}", "tcp_win": "window:{}", "payload_len": "dsize:{}",
    "icmp_type": "itype:{}", "icmp_code": "icode:{}", "icmp_id": "icmp_id:{}", "icmp_seq": "icmp_seq:{}",
}  # fmt: skip
LETTERED: Final = frozenset({"tcp_flags", "ip_flags"})


def alert(subject: Subject, keywords: Mapping[str, str], first_sid: int) -> str:
    """Return the rule, its notes before it. first_sid: where the numbers of local rules begin."""
    match = subject.match
    name = _NAMES.get(match.protocol, "ip")
    options = [f'msg:"{match.label}"']
    options += [f"ip_proto:{match.protocol}"] if name == "ip" else []
    options += [_option(field, value, keywords) for field, value in match.values.items()]
    number = first_sid + int(match.scan[1:]) + (500_000 if match.scan[0] == "F" else 0)
    options += [f"sid:{number}", "rev:1"]
    notes = [f"# {note}" for note in subject.notes]
    return "\n".join([*notes, f"alert {name} any any -> any any ({'; '.join(options)};)", ""])


def _option(field: str, value: int, keywords: Mapping[str, str]) -> str:
    if field == "tcp_flags":
        letters = "".join(letter for bit, letter in enumerate("FSRPAUEC") if value >> bit & 1)
        return f"flags:{letters or '0'}"
    if field == "ip_flags":
        letters = "".join(letter for bit, letter in enumerate("MDR") if value >> bit & 1)
        return f"fragbits:{letters}" if letters else "fragbits:!MDR"
    return keywords[field].format(value)
