from __future__ import annotations

import argparse
import io
import sys

import pytest

from craftmark.errors import SourceError
from craftmark.verbs import screen
from craftmark.verbs.screen import deliver, screen_of, wants_colour


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, False)],
)
def test_a_terminal_gets_colour_unless_it_cannot_or_should_not(monkeypatch, environment, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.setattr(screen.os, "name", "posix")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", terminal)
    assert wants_colour("auto") is coloured
    assert wants_colour("never") is False


def test_a_pipe_gets_100_columns_and_no_progress_line(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    made = screen_of(argparse.Namespace(color="auto", quiet=False))
    assert (made.width, made.colour, made.shows_progress) == (100, False, False)


def test_quiet_shows_no_progress_on_a_terminal(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert screen_of(argparse.Namespace(color="never", quiet=False)).shows_progress
    assert not screen_of(argparse.Namespace(color="never", quiet=True)).shows_progress


def test_a_full_disk_is_told_and_stdout_stays_usable(monkeypatch):
    full = io.StringIO()

    def refuse(text):
        raise OSError(28, "No space left on device")

    full.write = refuse
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(SourceError, match="standard output: cannot be written: No space left"):
        deliver("much")
    sys.stdout.write("no fault")
    sys.stdout.close()
