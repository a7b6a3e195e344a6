"""Folding on any number of cores is folding on one, byte for byte."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from benchmarks import load
from craftmark import pipeline
from craftmark.kernels import _jit
from craftmark.packets.decode import Decoded
from craftmark.packets.expressions import parse
from craftmark.pipeline import Settings
from craftmark.render.json import render_json
from craftmark.run.cores import fold_on_cores, usable_cores
from craftmark.run.local import fold
from craftmark.sources.inputs import open_inputs
from tests.laws.batches import cut, random_batch
from tests.laws.test_laws import wire

PACKETS = 40_000


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Compiled kernels, which alone are quick enough for what more than one core is used for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRAFTMARK_KERNELS", "compiled")
        yield


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """Two captures of several pieces each, the second later than the first."""
    folder, paths = tmp_path_factory.mktemp("captures"), []
    for number, (packets, seed) in enumerate(((PACKETS, 1), (PACKETS // 2, 2))):
        path = folder / f"{number}.pcap"
        with path.open("wb") as out:
            load.write(out, packets, 4000, seed)
        octets = bytearray(path.read_bytes())
        octets[24:28] = (load.START_S + number).to_bytes(4, "little")
        path.write_bytes(octets)
        paths.append(str(path))
    return paths


def pieces_of(batches):
    return (Decoded(batch) for batch in batches)


@pytest.mark.parametrize("cores", [1, 2, 5])
@pytest.mark.parametrize("where", [None, "tcp_dport < 1000"])
def test_any_number_of_cores_folds_the_same(captures, cores, where):
    chosen = parse(where) if where else None
    once = fold(open_inputs(captures).batches(), {}, where=chosen).finish()
    told = []
    case = open_inputs(captures)
    folded = fold_on_cores(case.pieces(), {}, cores, where=chosen, watch=told.append).finish()
    assert wire(folded) == wire(once)
    assert told[-1] == PACKETS + PACKETS // 2
    assert [one.packets for one in case.describe()] == [PACKETS, PACKETS // 2]


@pytest.mark.parametrize("seed", range(3))
def test_pieces_of_any_packets_fold_the_same_on_cores(seed):
    batch = random_batch(seed, (300, 60, 20, 9, 3, 1, 1))
    pieces = cut(batch, np.random.default_rng(seed), 20)
    assert wire(fold_on_cores(pieces_of(pieces), {}, 3).finish()) == wire(fold([batch], {}).finish())


def test_the_report_is_the_same_for_any_cores_and_any_order_of_files(captures, monkeypatch):
    monkeypatch.setattr(pipeline, "CORES_FROM", 1)
    reports = {
        _without_names(render_json(pipeline.examine(paths, Settings(cores=cores))))
        for paths in (captures, captures[::-1])
        for cores in (1, 2, 3, None)
    }
    assert len(reports) == 1


def _without_names(text):
    document = json.loads(text)
    for one in document["inputs"]:
        one["name"] = Path(one["name"]).name
    return json.dumps(document)


@pytest.mark.parametrize("cores", [1, 3])
def test_a_fault_of_the_reader_ends_all_work_and_is_raised(cores):
    def broken():
        yield from pieces_of(cut(random_batch(1, (60, 9)), np.random.default_rng(1), 6))
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        fold_on_cores(broken(), {}, cores)
    assert not [thread for thread in threading.enumerate() if thread.name == "craftmark-core"]


def test_a_fault_of_a_helper_is_raised():
    def piece():
        if threading.current_thread().name == "craftmark-core":
            raise MemoryError
        return random_batch(1, (3,))

    class Odd:
        def __len__(self):
            return 3

        def batches(self, _):
            yield piece()

    with pytest.raises(MemoryError):
        fold_on_cores((Odd() for _ in iter(int, 1)), {}, 3)


def test_there_is_a_core():
    assert usable_cores() >= 1


def test_much_work_announced_is_done_compiled_from_its_first_row(monkeypatch):
    monkeypatch.setenv("CRAFTMARK_KERNELS", "auto")
    monkeypatch.setattr(_jit, "_plain_rows_done", 0)
    monkeypatch.setattr(_jit, "_is_compiled", lambda: True)
    _jit.expect(3 * _jit.PLAIN_ROWS)
    assert not _jit._should_compile(1)
    _jit.expect(5 * _jit.PLAIN_ROWS)
    assert _jit._should_compile(1)
