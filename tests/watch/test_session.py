"""``craftmark watch -``: what comes through a pipe, slowly or cut, until it ends or is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from craftmark import cli
from craftmark.errors import ExitCode
from tests.study.test_study import EXAMPLE, _shifted

OCTETS = EXAMPLE.read_bytes()


def _lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_one_window_tells_what_the_main_job_tells_byte_for_byte(watched, capsys):
    assert cli.main(["--jsonl", str(EXAMPLE)]) == 0
    told = capsys.readouterr().out
    found = watched(lambda stream: stream.write(OCTETS), "--jsonl")
    assert found.code == 0
    assert found.out.startswith(told)
    assert _lines(found.out)[1]["finding"] == "end"


def test_a_capture_that_grows_slowly_is_read_as_it_grows(watched):
    def write(stream):
        for first in range(0, 2000, 97):
            stream.write(OCTETS[first : first + 97])
            time.sleep(0.002)
        stream.write(OCTETS[2037:] if first + 97 == 2037 else OCTETS[first + 97 :])

    found = watched(write, "--jsonl")
    assert (found.code, _lines(found.out)[0]["probes"]) == (0, 3072)


def test_a_cut_end_is_told_and_the_rest_examined(watched):
    found = watched(lambda stream: stream.write(OCTETS[:-20]), "--jsonl")
    scan, end = _lines(found.out)
    assert (found.code, scan["probes"], end["damaged_places"]) == (ExitCode.DAMAGED, 3071, 1)
    assert "record is cut" in found.err


def test_two_scans_days_apart_are_told_one_by_one(watched):
    """A capture that goes on two days later: the first scan is over, and told, before the second begins."""
    found = watched(lambda stream: stream.write(OCTETS + _shifted(2)[24:]))
    assert found.code == 0
    first, second = (found.out.index(f"over: S{number} port scan, crafted with libnet") for number in (1, 2))
    assert first < second
    assert "S2 port scan, crafted with libnet 1.0.x sample values; goes on from S1" in found.out
    assert "2 scans and 0 floods over, in 6,144 packets." in found.out


@pytest.mark.parametrize(
    ("octets", "code", "said"),
    [
        (b"", ExitCode.NO_PACKETS, "is empty"),
        (OCTETS[:24], ExitCode.NO_PACKETS, "holds no packets"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), ExitCode.UNKNOWN_FORMAT, "PNG"),
    ],
)
def test_what_cannot_be_watched_ends_with_its_code(watched, octets, code, said):
    found = watched(lambda stream: stream.write(octets))
    assert (found.code, said in found.err) == (code, True)


def test_what_is_open_is_told_when_asked_and_the_end_after_ctrl_c(watched, signals_when_idle):
    """SIGUSR1 shows what is open, SIGINT ends the watch with a final report and 130; nothing is told twice."""
    signals_when_idle([signal.SIGUSR1, signal.SIGINT])
    found = watched(lambda stream: stream.write(OCTETS), "--jsonl", holds=True)
    assert found.code == ExitCode.INTERRUPTED
    assert [line["finding"] for line in _lines(found.out)] == ["open", "so far", "scan", "end"]
    opened, so_far, scan, _ = _lines(found.out)
    assert (opened["probes"], so_far["packets"], so_far["open"]) == (3072, 3072, ["S1"])
    assert {**opened, "finding": "scan"} == scan


def test_a_scan_is_over_when_nothing_comes_for_so_long(watched):
    def write(stream):
        stream.write(OCTETS)
        time.sleep(0.7)
        stream.write(_shifted(3)[24:])

    found = watched(write, "--jsonl", "--idle", "0.4")
    assert [(line["finding"], line.get("probes")) for line in _lines(found.out)][:2] == [("scan", 3072), ("scan", 3072)]


def test_progress_is_told_every_so_often(watched):
    def write(stream):
        stream.write(OCTETS)
        time.sleep(0.6)

    found = watched(write, "--every", "0.2")
    assert found.out.count("So far: 1 open.") >= 1
    assert "so far: S1 port scan" in found.out


def test_a_real_process_ends_with_its_writer_and_leaves_no_thread_behind():
    with EXAMPLE.open("rb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "craftmark", "watch", "-", "--where", "tcp_dport <= 512"],
            stdin=stream, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "in 3,072 packets" in done.stdout


def test_ctrl_c_while_nothing_comes_ends_the_process():
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from craftmark.cli import main; sys.exit(main(['watch', '-', '--every', '0.2']))"
    )
    reading, writing = os.pipe()
    with subprocess.Popen([sys.executable, "-c", code], stdin=reading, stdout=subprocess.PIPE) as process:
        os.write(writing, OCTETS)
        assert any(b"so far: S1 port scan" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        os.close(reading)
        os.close(writing)
    assert (process.returncode, b"over: S1 port scan" in out) == (130, True)


def test_a_stream_is_a_pipe_or_a_folder(tmp_path, capsys):
    assert cli.main(["watch", str(EXAMPLE)]) == ExitCode.UNREADABLE
    assert cli.main(["watch", str(tmp_path / "none")]) == ExitCode.NO_SUCH_INPUT
    assert "pipe" in capsys.readouterr().err
