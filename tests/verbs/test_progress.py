from __future__ import annotations

import io

from craftmark.verbs.progress import Progress


class Clock:
    """A clock that tells what it is set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _started():
    stream, clock = io.StringIO(), Clock()
    return Progress(stream, clock=clock), stream, clock


def test_short_work_shows_nothing():
    progress, stream, clock = _started()
    clock.now = 0.9
    progress(1000, fraction=0.9)
    progress.close()
    assert stream.getvalue() == ""


def test_long_work_shows_packets_rate_share_time_left_and_scans():
    progress, stream, clock = _started()
    clock.now = 0.5
    progress(0, fraction=0.0)
    clock.now = 2.5
    progress(4_000_000, fraction=0.25, scans=3)
    assert stream.getvalue() == "\r4,000,000 packets, 2,000,000/s, 25 %, 6 s left, 3 scans so far\x1b[K"
    progress.close()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_stream_without_an_end_shows_no_share():
    progress, stream, clock = _started()
    progress(0)
    clock.now = 2.0
    progress(10, scans=1)
    assert stream.getvalue() == "\r10 packets, 5/s, 1 scan so far\x1b[K"


def test_the_time_before_the_first_packets_is_no_part_of_the_rate():
    progress, stream, clock = _started()
    clock.now = 30.0
    progress(8192, fraction=0.01)
    clock.now = 31.0
    progress(1_008_192, fraction=0.51)
    assert stream.getvalue().endswith("\r1,008,192 packets, 1,000,000/s, 51 %, 1 s left\x1b[K")


def test_lines_keep_their_distance():
    progress, stream, clock = _started()
    for step in range(100):
        clock.now = 2.0 + step / 1000
        progress(step)
    assert stream.getvalue().count("\r") == 1


def test_closing_twice_or_unused_writes_nothing_more():
    progress, stream, _ = _started()
    progress.close()
    progress.close()
    assert stream.getvalue() == ""
