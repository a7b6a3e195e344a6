"""Work spread over copies of this process: the same results in the same order, whatever happens to a helper."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from craftmark.run import spread as spread_module
from craftmark.run.spread import spread

HERE = os.getpid()
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let copies be made although the test runner has threads of its own: the work here takes no lock of theirs."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("things", [0, 1, 3, 4, 40, 3000])
@pytest.mark.parametrize("cores", [1, 2, 3])
def test_results_come_in_the_order_of_things(things: int, cores: int) -> None:
    assert spread(lambda n: n * n, range(things), cores) == [n * n for n in range(things)]


@on_linux
@pytest.mark.usefixtures("alone")
def test_helpers_take_part_and_are_gone_afterwards() -> None:
    began, said = os.pipe()

    def work(_: int) -> int:
        if os.getpid() == HERE:
            os.read(began, 1)  # waits until a helper has something to do
        else:
            os.write(said, b"." * 32)
        return os.getpid()

    workers = set(spread(work, range(32), 2))
    assert len(workers) == 2
    for helper in workers - {HERE}:
        with pytest.raises(ProcessLookupError):
            os.kill(helper, 0)


@on_linux
@pytest.mark.usefixtures("alone")
def test_what_a_killed_helper_left_is_done_here() -> None:
    def work(n: int) -> int:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return n + 1

    assert spread(work, range(50), 3) == list(range(1, 51))


@pytest.mark.usefixtures("alone")
def test_a_fault_is_raised_here_whoever_met_it() -> None:
    def work(n: int) -> int:
        if n == 7:
            raise ValueError(n)
        return n

    with pytest.raises(ValueError, match="7"):
        spread(work, range(20), 2)


@on_linux
@pytest.mark.usefixtures("alone")
def test_where_no_process_can_be_made_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert spread(str, range(9), 3) == [str(n) for n in range(9)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.usefixtures("alone")
def test_results_that_cannot_be_sent_are_made_here() -> None:
    results = spread(lambda n: lambda: n, range(20), 2)
    assert [result() for result in results] == list(range(20))


def test_no_copy_is_made_while_other_threads_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    monkeypatch.setattr(spread_module, "_Helper", None)
    assert spread(str, range(9), 2) == [str(n) for n in range(9)]
