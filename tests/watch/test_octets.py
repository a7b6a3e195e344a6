"""Octets that come as time goes: none is lost, none waited for, and an end is an end."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

from craftmark.watch.octets import FileOctets, PipeOctets


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def _all(octets):
    parts = []
    while part := octets.read(1000):
        parts.append(part)
    return b"".join(parts)


def test_what_came_is_read_at_once(pipe):
    reading, writing = pipe
    octets = PipeOctets(reading, lambda seconds: None)
    os.write(writing, b"x" * 100)
    assert octets.read(1 << 20) == b"x" * 100
    os.close(writing)
    assert octets.read() == b""
    assert octets.read() == b""


def test_nothing_is_lost_when_the_writer_is_faster(pipe):
    reading, writing = pipe
    sent = os.urandom(300_000)

    def write():
        with os.fdopen(writing, "wb") as stream:
            stream.write(sent)

    octets = PipeOctets(reading, lambda seconds: None, ahead=10_000)
    writer = threading.Thread(target=write)
    writer.start()
    assert _all(octets) == sent
    writer.join()


def test_peek_takes_nothing(pipe):
    reading, writing = pipe
    os.write(writing, b"a" * 64)
    os.close(writing)
    octets = PipeOctets(reading, lambda seconds: None)
    assert octets.peek(10) == b"a" * 64
    assert _all(octets) == b"a" * 64


def test_a_buffer_is_filled_with_what_is_there(pipe):
    reading, writing = pipe
    os.write(writing, b"abcdefgh" * 8)
    os.close(writing)
    octets, room = PipeOctets(reading, lambda seconds: None), np.zeros(50, np.uint8)
    assert [octets.readinto(room[10:]) for _ in range(3)] == [40, 24, 0]
    assert room[10:].tobytes() == (b"abcdefgh" * 8)[40:] + b"abcdefgh" * 2


def test_who_waits_is_told_how_long(pipe):
    reading, writing = pipe
    waited = []

    def told(seconds):
        waited.append(seconds)
        if len(waited) == 2:
            os.write(writing, b"now")

    assert PipeOctets(reading, told).read() == b"now"
    assert sum(waited) >= 0.08


def test_a_stop_ends_a_pipe_that_nobody_closes(pipe):
    reading, writing = pipe
    octets = PipeOctets(reading, lambda seconds: None)
    os.write(writing, b"last")
    octets.stop()
    began = time.monotonic()
    assert _all(octets) == b"last"
    assert time.monotonic() - began < 3


def test_a_file_is_read_as_it_grows_until_it_is_over(tmp_path):
    path = tmp_path / "growing"
    path.write_bytes(b"one")
    over = threading.Event()
    octets = FileOctets(str(path), lambda seconds: None, is_over=over.is_set)
    assert octets.read() == b"one"
    with path.open("ab") as stream:
        stream.write(b"two")
    assert octets.read() == b"two"
    with path.open("ab") as stream:
        stream.write(b"three")
    over.set()
    assert octets.read() == b"three"
    assert octets.read() == b""
    octets.close()
