"""A watcher whose standard input is a pipe that the test writes into, or a folder that the test fills."""

from __future__ import annotations

import os
import sys
import threading
from types import SimpleNamespace

import pytest

from craftmark import cli
from craftmark.watch import folder, octets, session


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Look and give up sooner than people would want."""
    monkeypatch.setattr(octets, "TICK_S", 0.05)
    monkeypatch.setattr(folder, "TICK_S", 0.05)
    monkeypatch.setattr(octets, "_SILENCE_S", 0.2)


@pytest.fixture
def signals_when_idle(monkeypatch):
    """Give what plans signals: the watcher gets one after the other, each when nothing came for a while."""
    planned, waited = [], [0.0]
    wait = session._Session._wait

    def waiting(self, seconds):
        wait(self, seconds)
        waited[0] += seconds
        if planned and waited[0] > 0.2:
            waited[0] = 0.0
            os.kill(os.getpid(), planned.pop(0))

    monkeypatch.setattr(session._Session, "_wait", waiting)
    return planned.extend


@pytest.fixture
def watched(capsys, monkeypatch):
    """Run ``craftmark watch`` while ``write`` writes into its standard input in a thread of its own.

    ``holds``: the writer keeps the pipe open until the watcher has ended.
    """

    def run(write, *words, holds=False):
        reading, writing = os.pipe()
        ended = threading.Event()
        with os.fdopen(reading, "rb", buffering=0) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            writer = threading.Thread(target=_writing, args=(write, writing, ended if holds else None))
            writer.start()
            code = cli.main(["watch", "-", *words])
            ended.set()
        writer.join()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return run


def _writing(write, descriptor, ended):
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        try:
            write(stream)
        except BrokenPipeError:
            return
        if ended is not None:
            ended.wait(60)
