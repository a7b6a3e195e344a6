"""How the tools floor writes numbers and control bits."""

from __future__ import annotations

from craftmark.packets.fields import CONTROL_BITS, FIELDS

#: From here on numbers of 32-bit fields are written in hexadecimal.
_HEX_FROM = 1 << 16


def number(name: str, value: int) -> str:
    """Return a field's value as people write it."""
    field = FIELDS[name]
    if field.form == "hex" or (field.bits == 32 and value >= _HEX_FROM):
        return f"0x{value:X}"
    return str(value)


def bits_text(bits: int) -> str:
    """Return control bits as prose: FIN+RST+PSH, or 'none'."""
    return "+".join(name for place, name in enumerate(CONTROL_BITS) if bits >> place & 1) or "none"
