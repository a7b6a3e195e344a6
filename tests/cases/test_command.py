"""The command on bad, cut and hostile input, with the whole pipeline behind it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from craftmark import cli
from craftmark.errors import ExitCode

EXAMPLES = Path(__file__).parents[2] / "examples"
PCAP, SNORT = EXAMPLES / "odd-scan-2000.pcap", EXAMPLES / "odd-scan-2000.snort.txt"
RECORD = 70
HOSTILE = "\x1b[31mred\u202e"
#: What would steer a terminal or reorder its text.
STEERING = ("\x1b", "\x07", "\x00", "\u202e")
FRAME = (
    "May 20 17:06:{0:02} host\x1b[2J kernel: [1.0] \x1b]0;title\x07DROP\u202e IN=eth0 OUT= SRC=192.0.2.7 "
    "DST=198.51.100.9 LEN=40 TOS=0x00 PREC=0x00 TTL=44 ID=242 PROTO=TCP SPT=31337 DPT={0} WINDOW=1024 SYN URGP=0\n"
)


@pytest.fixture
def run(capsys):
    def started(*words):
        code = cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return started


#: Starts the command with Ctrl-C heard, also where these tests run in the background, which ignores it.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from craftmark.cli import main; sys.exit(main(sys.argv[1:]))"
)


def craftmark(*words, **how):
    return subprocess.Popen([sys.executable, "-c", START, *map(str, words)], stderr=subprocess.PIPE, **how)


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", ExitCode.NO_PACKETS, "is empty"),
        (PCAP.read_bytes()[:24], ExitCode.NO_PACKETS, "only the header"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), ExitCode.UNKNOWN_FORMAT, "PNG"),
        (bytes(range(7, 256)) * 9, ExitCode.UNKNOWN_FORMAT, "no format"),
    ],
)
def test_what_cannot_be_examined_ends_with_its_code_and_one_sentence(run, tmp_path, data, code, said):
    (tmp_path / "odd").write_bytes(data)
    done = run(tmp_path / "odd")
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_cut_capture_is_examined_as_far_as_it_goes_and_stays_one_scan(run, tmp_path):
    (tmp_path / "cut.pcap").write_bytes(PCAP.read_bytes()[: 24 + 71 * RECORD + 6])
    done = run(tmp_path / "cut.pcap")
    assert done.code == ExitCode.DAMAGED
    assert done.out.startswith("One scan in 71 packets. S1: port scan, crafted with libnet 1.0.x sample values.")
    assert f"damaged at packet 72, byte {24 + 71 * RECORD:,}" in done.err


def test_a_missing_input_beside_a_good_one_is_told_and_the_good_one_examined(run):
    done = run("no/such.pcap", PCAP)
    assert (done.code, done.out.partition("\n")[0].partition(".")[0]) == (3, "One scan in 3,072 packets")
    assert done.err == "craftmark: no/such.pcap: not examined: no such file; check the path\n"


@pytest.mark.parametrize("options", [("-vv",), ("--json",), ("--jsonl",), ("--why", "nmap")])
def test_control_characters_of_a_log_never_reach_the_terminal(run, tmp_path, options):
    (tmp_path / "odd.log").write_text("".join(map(FRAME.format, range(40))), encoding="utf-8")
    done = run(*options, tmp_path / "odd.log")
    assert done.code == ExitCode.EXAMINED
    assert not [char for char in STEERING if char in done.out + done.err]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_control_characters_of_a_file_name_never_reach_the_terminal(run, tmp_path):
    odd = tmp_path / f"{HOSTILE}\n.pcap"
    odd.write_bytes(PCAP.read_bytes()[:5000])
    done = run("-v", odd)
    assert done.code == ExitCode.DAMAGED
    assert "\\x1b[31mred\\u202e\\x0a.pcap" in done.err
    assert not [char for char in STEERING if char in done.out + done.err]


@pytest.mark.parametrize("path", [PCAP, SNORT])
def test_the_document_has_the_same_bytes_with_plain_and_compiled_kernels(run, monkeypatch, path):
    outputs = []
    for kernels in ("plain", "compiled", "plain"):
        monkeypatch.setenv("CRAFTMARK_KERNELS", kernels)
        outputs.append(run("--json", path).out)
    assert outputs[0] == outputs[1] == outputs[2]


def test_the_document_has_the_same_bytes_for_any_order_of_its_inputs(run):
    assert run("--json", PCAP, SNORT).out == run("--json", SNORT, PCAP).out


def test_a_rule_of_ones_own_is_compared_with(run, tmp_path):
    rule = Path(cli.__file__).parent / "knowledge" / "tools" / "juno.toml"
    (tmp_path / "mine.toml").write_text(rule.read_text(encoding="utf-8").replace('"juno"', '"mine"'))
    assert "mine: elimination" in run("--rules", tmp_path, "--why", "mine", PCAP).out


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_while_a_pipe_is_read_is_130():
    """More is written than a pipe holds: when that returns, it is being read."""
    with craftmark("-", stdin=subprocess.PIPE) as process:
        process.stdin.write(PCAP.read_bytes()[:100_000])
        process.stdin.flush()
        _interrupt(process)
        assert process.returncode == ExitCode.INTERRUPTED
        assert process.stderr.read() == b"craftmark: interrupted; nothing was concluded\n"


def _interrupt(process):
    """Interrupt until it ends: Python notices none that falls between two reads of a pipe before the next comes."""
    for _ in range(30):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_and_is_no_fault_of_craftmark():
    with Path("/dev/full").open("wb") as full, craftmark(PCAP, stdout=full) as process:
        assert process.wait() == ExitCode.UNREADABLE
        assert process.stderr.read() == b"craftmark: standard output: cannot be written: No space left on device\n"


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell to close streams with")
@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), ("<&-", 11)])
def test_a_closed_stream_is_no_fault(closed, code):
    path = "-" if closed == "<&-" else PCAP
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m craftmark "$1" {closed}', sys.executable, str(path)], capture_output=True, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False)
