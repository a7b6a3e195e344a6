"""A real scheduler and real workers on loopback: one is killed in the middle, and the report stays the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from craftmark.cluster import engine
from craftmark.cluster.plan import read_plan
from craftmark.cluster.tasks import commit
from craftmark.errors import SourceError
from craftmark.pipeline import examine
from tests.cluster.test_tasks import INPUTS, planned

if TYPE_CHECKING:
    from pathlib import Path

distributed = pytest.importorskip("distributed")


def test_one_process_runs_all_tasks(tmp_path: Path) -> None:
    folder, told = planned(tmp_path / "x", INPUTS), []
    engine.run_here(folder, lambda *done: told.append(done))
    assert told == [("map", 1, 3), ("map", 2, 3), ("map", 3, 3), ("reduce", 1, 2), ("reduce", 2, 2)]
    assert commit(read_plan(folder), folder).to_json() == examine(INPUTS).to_json()


def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path: Path) -> None:
    folder = planned(tmp_path / "x", INPUTS)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp://"
    ) as cluster:
        with distributed.Client(cluster) as client:
            pids = client.run(os.getpid)
        killer = threading.Thread(target=_kill_soon, args=(next(iter(pids.values())),))
        killer.start()
        engine.run_on_dask(folder, cluster.scheduler_address, lambda *_: None)
        killer.join()
    assert commit(read_plan(folder), folder).to_json() == examine(INPUTS).to_json()


def test_no_scheduler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_PATIENCE", "1s")
    with pytest.raises(SourceError, match="no scheduler answers"):
        engine.run_on_dask(planned(tmp_path / "x", INPUTS[:1]), "tcp://127.0.0.1:9", lambda *_: None)


def _kill_soon(process: int) -> None:
    time.sleep(0.3)
    os.kill(process, signal.SIGKILL)
