"""The benchmark's stopwatch tells codes, output and memory of the programs it runs."""

from __future__ import annotations

import os
import sys

import pytest

if not hasattr(os, "wait4"):
    pytest.skip("the benchmarks need POSIX", allow_module_level=True)

from benchmarks.measure import Measurement, middle, run


def test_the_end_of_the_output_and_the_exit_code_are_told() -> None:
    measured = run([sys.executable, "-c", "import sys; print('x' * 10**6); print('end'); sys.exit(3)"])
    assert measured.output.endswith("x\nend\n")
    assert len(measured.output) <= 4096
    assert measured.code == 3


def test_memory_that_a_program_fills_is_counted() -> None:
    program = "import time; a = bytearray(b'x' * %d); time.sleep(0.2)"
    small, large = (run([sys.executable, "-c", program % size]) for size in (1, 200_000_000))
    assert large.memory - small.memory > 150_000_000


def test_the_median_of_each_figure_is_taken() -> None:
    runs = [Measurement(wall, cpu, memory, 0, "") for wall, cpu, memory in ((3, 1, 9), (1, 2, 5), (2, 3, 7))]
    assert middle(runs) == Measurement(2, 2, 7, 0, "")
