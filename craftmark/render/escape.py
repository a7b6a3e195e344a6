r"""Make text of packets, logs and file names safe for a terminal.

What could move the cursor, hide or reorder text, or start a line of its own becomes its visible code, as Python
would write it: ``\x1b``, ``\u202e``. Everything that prints as itself stays.
"""

from __future__ import annotations

#: Characters that count as printable and yet show nothing: joiners, fillers and variation selectors.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2800"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)


def visible(text: str) -> str:
    """Return text with every control, format, separator and blank character written as its code."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() and char not in _BLANK else _code(char) for char in text)


def _code(char: str) -> str:
    point = ord(char)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
