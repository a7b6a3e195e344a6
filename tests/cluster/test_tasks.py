"""Tasks of one case: the report of one process, whoever runs them, however often, whatever dies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from craftmark.cli import main
from craftmark.cluster.exchange import SUFFIX
from craftmark.cluster.plan import PLAN, plan_of, plan_text, read_plan
from craftmark.cluster.tasks import MANIFEST, REPORT, commit, map_input, reduce_some
from craftmark.errors import ExitCode, SourceError
from craftmark.pipeline import Settings, examine

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KEPT = Path(__file__).resolve().parents[2] / "lab" / "captures"
INPUTS = [str(EXAMPLES / "odd-scan-2000.pcap"), *(str(KEPT / f"{name}.pcap.gz") for name in ("nmap_null", "neg_curl"))]


def planned(folder: Path, inputs: list[str], settings: Settings | None = None, *, merged: int = 2) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / PLAN).write_text(plan_text(plan_of(inputs, settings or Settings(), merged=merged)))
    return folder


def all_done(folder: Path) -> Path:
    plan = read_plan(folder)
    for number in reversed(range(plan.maps)):
        assert map_input(plan, folder, number)
    for number in range(plan.reduces):
        assert reduce_some(plan, folder, number)
    return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return all_done(planned(tmp_path_factory.mktemp("exchange"), INPUTS))


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "exchange"))


def test_the_report_is_that_of_one_process_byte_for_byte(folder: Path) -> None:
    report = commit(read_plan(folder), folder)
    assert (folder / REPORT).read_text() == examine(INPUTS).to_json() == report.to_json()
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["packets"] == sum(one.packets for one in report.inputs)


@pytest.mark.parametrize(
    "settings", [Settings(where="tcp_dport < 100"), Settings(trust_clock=True, own=("172.16.0.0/12",))]
)
def test_settings_are_those_of_the_plan(tmp_path: Path, settings: Settings) -> None:
    folder = all_done(planned(tmp_path / "x", INPUTS[:1], settings))
    assert commit(read_plan(folder), folder).to_json() == examine(INPUTS[:1], settings).to_json()


def test_a_task_that_runs_twice_changes_nothing(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    plan = read_plan(folder)
    assert not map_input(plan, folder, 0)
    (folder / (plan.map_name(0) + SUFFIX)).unlink()
    assert map_input(plan, folder, 0)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "harm", [lambda old: old[:-9], lambda old: old[:40], lambda old: b"", lambda old: old[:-9] + b"x" * 9]
)
def test_an_exchange_file_that_is_cut_or_altered_is_told_and_made_again(folder: Path, harm) -> None:
    plan = read_plan(folder)
    path = folder / (plan.reduce_name(0) + SUFFIX)
    whole = path.read_bytes()
    path.write_bytes(harm(whole))
    with pytest.raises(SourceError, match="no exchange file") as fault:
        commit(plan, folder)
    assert (fault.value.code, fault.value.name) == (ExitCode.UNREADABLE, str(path))
    assert reduce_some(plan, folder, 0)
    assert path.read_bytes() == whole


def test_an_input_that_changed_since_it_was_planned_is_no_longer_folded(tmp_path: Path) -> None:
    capture = tmp_path / "odd.pcap"
    capture.write_bytes((EXAMPLES / "odd-scan-2000.pcap").read_bytes())
    folder = planned(tmp_path / "x", [str(capture)])
    capture.write_bytes(capture.read_bytes()[:50_000])
    with pytest.raises(SourceError, match="when it was planned"):
        map_input(read_plan(folder), folder, 0)


def test_an_unusable_input_is_told_as_one_process_tells_it(tmp_path: Path) -> None:
    empty, cut = tmp_path / "empty.pcap", tmp_path / "cut.pcap"
    empty.write_bytes(b"")
    cut.write_bytes((EXAMPLES / "odd-scan-2000.pcap").read_bytes()[:50_001])
    inputs = [str(empty), str(cut)]
    folder = all_done(planned(tmp_path / "x", inputs))
    report = commit(read_plan(folder), folder)
    assert report.to_json() == examine(inputs).to_json()
    assert report.damaged


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "craftmark.plan/9"}', '{"schema": "craftmark.plan/1"}'])
def test_a_plan_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / PLAN).write_text(text)
    with pytest.raises(SourceError, match="no plan that can be read"):
        read_plan(tmp_path)


def test_a_plan_of_other_rules_is_refused(folder: Path) -> None:
    told = json.loads((folder / PLAN).read_text())
    (folder / PLAN).write_text(json.dumps({**told, "knowledge": "0" * 64}))
    with pytest.raises(SourceError, match="another version"):
        read_plan(folder)


def test_every_step_is_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exchange = str(tmp_path / "x")
    assert main(["cluster", "plan", INPUTS[0], "-o", exchange]) == ExitCode.EXAMINED
    assert main(["cluster", "commit", exchange]) == ExitCode.NO_SUCH_INPUT
    assert main(["cluster", "map", exchange, "--task", "1"]) == ExitCode.USAGE
    assert main(["cluster", "map", exchange, "--task", "0"]) == ExitCode.EXAMINED
    assert main(["cluster", "reduce", exchange, "--task", "0"]) == ExitCode.EXAMINED
    capsys.readouterr()
    assert main(["cluster", "commit", exchange]) == ExitCode.EXAMINED
    page = capsys.readouterr().out
    assert main([INPUTS[0]]) == ExitCode.EXAMINED
    assert capsys.readouterr().out == page
