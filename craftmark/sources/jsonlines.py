"""JSON records in text: one object a line, or objects over many lines as in an array; what their formats share.

Strings of JSON do not span lines, so the end of an object is where its braces balance: found in one pass, however
hostile. An object larger than ``OBJECT_CAP`` is skipped and counted as damage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from craftmark.sources.textlines import printable

if TYPE_CHECKING:
    from craftmark.sources.textlines import PacketLog

#: Octets of one object that are read.
OBJECT_CAP: Final = 1 << 22
#: Octets of a line that are read: packets and payloads in base64 make long ones.
JSON_LINE_CAP: Final = 1 << 20
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"')
#: Digits that a number may have: Python's reading of longer ones is slow or refused.
_LONG_NUMBER: Final = re.compile(rb"\d{400}")

#: Writes one object's packets and returns what is wrong, "" if nothing is.
RecordWriter = Callable[["PacketLog", dict[str, Any], int], str]


class JsonParser:
    """Reads objects from lines and hands each to a writer."""

    clock = "epoch"

    def __init__(self, log: PacketLog, write: RecordWriter) -> None:
        self._log = log
        self._write = write
        self._parts: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._byte = 0
        # The open object began with more than its brace: not printed over many lines, so the next brace begins another.
        self._one_a_line = False

    @property
    def is_open(self) -> bool:
        """Tell whether an object has begun on an earlier line and not ended."""
        return self._depth > 0

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        text = line.strip()
        if self._depth and self._one_a_line and text.startswith(b"{"):
            self.finish()
        if self._depth == 0:
            text = text.lstrip(b"[,").lstrip()
            if not text or text in (b"]", b"],"):
                return
            if not text.startswith(b"{"):
                self._log.foreign(line)
                return
            if text.endswith((b"}", b"},", b"}]")) and self._object(text.rstrip(b",]"), byte, final=False):
                return
            self._parts, self._size, self._byte = [], 0, byte
            self._one_a_line = len(text) > 1
        bare = _STRING.sub(b"", text)
        self._depth = max(0, self._depth + bare.count(b"{") - bare.count(b"}"))
        self._size += len(text)
        if self._size <= OBJECT_CAP:
            self._parts.append(text)
        if self._depth == 0:
            self._end()

    def finish(self) -> None:
        """Say that the last object was cut, if it was."""
        if self._depth:
            self._log.damage(self._byte, "a JSON object is cut")
        self._depth = 0

    def _end(self) -> None:
        if self._size > OBJECT_CAP:
            self._log.damage(self._byte, f"a JSON object of {self._size} bytes is more than is read ({OBJECT_CAP})")
        else:
            self._object(b"\n".join(self._parts).rstrip(b",]"), self._byte, final=True)
        self._parts = []

    def _object(self, text: bytes, byte: int, *, final: bool) -> bool:
        """Read one object; tell whether it was one. An object that is not ``final`` may go on."""
        try:
            record = None if _LONG_NUMBER.search(text) else json.loads(text)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            if final:
                self._log.damage(byte, f"no JSON object: {printable(text)}")
            return False
        fault = self._write(self._log, record, byte)
        if fault:
            self._log.damage(byte, fault)
        return True


def text_in(record: dict[str, Any], name: str) -> str:
    """Return a record's text of that name in ASCII, "" where it has none."""
    value = record.get(name)
    return value.encode("ascii", "replace").decode("ascii") if isinstance(value, str) else ""


def table_in(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object of that name inside a record, an empty one where it has none."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def count_in(record: dict[str, Any], name: str) -> int | None:
    """Return a record's count of that name, also one written as text, None where it has none."""
    value = record.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else None
