"""Lines of a log: their bytes, their bounds."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from craftmark.sources.textlines import LINE_CAP, printable, read_lines


class Trickle(io.BytesIO):
    """A stream that hands out a few octets at a time, as a pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(7)


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=20))
def test_lines_come_with_the_byte_they_start_at(lines: list[bytes]) -> None:
    text = b"\n".join(lines) + b"\n"
    found = list(read_lines(Trickle(text)))
    assert [line for _, line in found] == text.split(b"\n")[:-1]
    assert all(text[byte : byte + len(line)] == line for byte, line in found)


def test_a_last_line_without_an_end_is_read() -> None:
    assert list(read_lines(io.BytesIO(b"a\nb"))) == [(0, b"a"), (2, b"b")]


def test_a_line_of_many_megabytes_is_cut_and_skipped() -> None:
    text = b"a\n" + b"x" * 5_000_000 + b"\nb\n"
    assert list(read_lines(io.BytesIO(text))) == [(0, b"a"), (2, b"x" * LINE_CAP), (5_000_003, b"b")]


def test_quoted_lines_hold_printable_ascii_only() -> None:
    assert printable(b"a\x1b[2J\xff\n\x00" + b"z" * 100).startswith("a.[2J...z")
    assert len(printable(b"z" * 100)) == 60
