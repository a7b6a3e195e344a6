from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from craftmark import __version__, cli
from craftmark.errors import ExitCode, ExpressionError, RuleError, SourceError
from craftmark.report.document import Report
from craftmark.report.examined import Damage
from craftmark.tools.load import RuleSetError
from craftmark.verbs import examine as verb
from craftmark.verbs.base import VERBS, Listed
from tests.report.fixture_2000 import report


class Pipeline:
    """Stands in for the pipeline: keeps what it was asked, returns or raises what it was given."""

    def __init__(self, outcome) -> None:
        self.outcome = outcome
        self.asked = []
        self.Settings = verb.pipeline.Settings

    def examine(self, paths, settings, *, progress=None):
        self.asked.append(SimpleNamespace(paths=paths, settings=settings, progress=progress))
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command with a given outcome of the pipeline; return code, stdout, stderr and what was asked."""

    def started(*words, outcome=None):
        pipeline = Pipeline(report() if outcome is None else outcome)
        monkeypatch.setattr(verb, "pipeline", pipeline)
        monkeypatch.setattr(verb, "extract", lambda paths, settings, scan_id, target: target.write_bytes(b"packets"))
        code = cli.main(list(words))
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err, asked=pipeline.asked)

    return started


def _damaged():
    hurt = replace(report().inputs[0], damage=(Damage(17, 2048, "cut short"),), damage_total=1)
    return replace(report(), inputs=(hurt,))


def test_a_capture_alone_is_the_main_job(run):
    done = run("odd.pcap")
    assert done.code == 0
    assert done.out.startswith("One scan in 3,072 packets.")
    assert done.err == ""
    assert done.asked[0].paths == ("odd.pcap",)


def test_examine_is_the_same_by_its_name(run):
    assert run("examine", "odd.pcap").out == run("odd.pcap").out


def test_json_is_the_document_and_nothing_else(run):
    assert Report.from_json(run("--json", "odd.pcap").out) == report()


def test_jsonl_is_one_line_per_scan(run):
    made = replace(report(), floods=(replace(report().scans[0], id="F1"),), floods_total=1)
    lines = [json.loads(line) for line in run("--jsonl", "odd.pcap", outcome=made).out.splitlines()]
    assert [(line["finding"], line["id"]) for line in lines] == [("scan", "S1"), ("flood", "F1")]
    assert lines[0]["schema"] == "craftmark.report/1"


def test_options_reach_the_pipeline(run, tmp_path):
    (tmp_path / "mine.toml").touch()
    done = run(
        "--year", "2000", "--trust-clock", "--own", "10.0.0.1/8", "--own", "2001:db8::/32", "--rules", str(tmp_path),
        "--where", "tcp_dport < 1024", "--format", "snort", "a", "-",
    )  # fmt: skip
    settings = done.asked[0].settings
    assert done.asked[0].paths == ("a", "-")
    assert (settings.year, settings.trust_clock, settings.where) == (2000, True, "tcp_dport < 1024")
    assert [str(net) for net in settings.own] == ["10.0.0.0/8", "2001:db8::/32"]
    assert (tuple(map(str, settings.rules)), settings.format_name) == ((str(tmp_path),), "snort")


def test_verbosity_adds_evidence(run):
    assert len(run("odd.pcap").out) < len(run("-v", "odd.pcap").out) < len(run("-vv", "odd.pcap").out)


def test_why_prints_one_comparison(run):
    done = run("--why", "nmap", "odd.pcap")
    assert "nmap: elimination" in done.out
    assert "masscan" not in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name a capture"),
        (("--nonsense", "a"), "--nonsense"),
        (("--jso", "a"), "--jso"),
        (("--json", "--jsonl", "a"), "not allowed with"),
        (("--year", "99", "a"), "'99' is not a year"),
        (("--own", "10.0.0.0/99", "a"), "is not a network"),
        (("--fail-on", "anything", "a"), "--fail-on"),
        (("--rules", "no/such/folder", "a"), "'no/such/folder' is not a folder"),
        (("--why", "nmpa", "a"), "no rule is called nmpa"),
        (("--only", "S9", "a"), "--only S9: no scan or flood is called that; there is S1"),
    ],
)
def test_wrong_usage_is_2_with_one_sentence(run, words, said):
    done = run(*words)
    assert done.code == ExitCode.USAGE
    assert done.out == ""
    assert said in done.err
    assert done.err.startswith("craftmark: ")
    assert done.err.count("\n") == 1


REFUSALS = (ExitCode.NO_SUCH_INPUT, ExitCode.UNREADABLE, ExitCode.UNKNOWN_FORMAT, ExitCode.NO_PACKETS)


@pytest.mark.parametrize("code", [*REFUSALS, ExitCode.LINK_TYPE])
def test_an_input_that_cannot_be_examined_ends_with_its_code(run, code):
    done = run(
        "a\x1b[2J", outcome=SourceError("holds no packets", name="a\x1b[2J", code=code, remedy="check the capture")
    )
    assert (done.code, done.out) == (code, "")
    assert done.err == "craftmark: a\\x1b[2J: holds no packets; check the capture\n"


@pytest.mark.parametrize(
    "fault",
    [RuleError("no such key", path="mine/x.toml", line=3), ExpressionError("unknown field", text="tpc_seq", column=0)],
)
def test_a_wrong_rule_or_expression_is_usage(run, fault):
    done = run("a", outcome=fault)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert str(fault) in done.err


def test_every_wrong_rule_has_its_line(run):
    faults = [RuleError("no field", path="a.toml", line=3), RuleError("no field", path="b.toml", line=4)]
    done = run("a", outcome=RuleSetError(faults))
    assert done.err.splitlines() == ["craftmark: a.toml:3: no field", "craftmark: b.toml:4: no field"]


def test_a_folder_without_rules_is_told(run, tmp_path):
    done = run("--rules", str(tmp_path), "a")
    assert (done.code, done.asked) == (ExitCode.USAGE, [])
    assert "holds no rules" in done.err


def test_an_unknown_option_alone_is_told_by_its_name(run):
    assert "--nonsense" in run("--nonsense").err


def test_damage_is_3_with_the_whole_page_and_a_warning(run):
    done = run("odd.pcap", outcome=_damaged())
    assert done.code == ExitCode.DAMAGED
    assert done.out.startswith("One scan in 3,072 packets.")
    told = "damaged at packet 17, byte 2,048: cut short; 3,072 packets of it were examined"
    assert done.err == f"craftmark: odd-scan-2000.pcap: {told}\n"
    assert run("--quiet", "odd.pcap", outcome=_damaged()).err == ""


@pytest.mark.parametrize(
    ("word", "code"), [("scan", 20), ("crafted", 20), ("identification", 20), ("flood", 0), ("spoofed", 0)]
)
def test_fail_on_is_20_only_when_its_word_was_found(run, word, code):
    assert run("--fail-on", word, "odd.pcap").code == code
    assert run("odd.pcap").code == 0


def test_fail_on_comes_before_damage_and_damage_is_not_lost_without(run):
    assert run("--fail-on", "scan", "a", outcome=_damaged()).code == ExitCode.FOUND
    assert run("--fail-on", "flood", "a", outcome=_damaged()).code == ExitCode.DAMAGED


def test_an_internal_fault_is_1_and_says_how_to_report_it(run):
    done = run("a", outcome=ZeroDivisionError("division\x1b by zero"))
    assert (done.code, done.out) == (ExitCode.INTERNAL_FAULT, "")
    assert "internal fault" in done.err
    assert "ZeroDivisionError: division\\x1b by zero; please report" in done.err
    assert done.err.count("\n") == 1


def test_ctrl_c_is_130(run):
    done = run("a", outcome=KeyboardInterrupt())
    assert (done.code, done.out) == (ExitCode.INTERRUPTED, "")
    assert done.err == "craftmark: interrupted; nothing was concluded\n"


def test_only_cuts_the_document_to_one_scan(run):
    other = replace(report().scans[0], id="S2")
    made = replace(report(), scans=(report().scans[0], other), scans_total=2)
    shown = Report.from_json(run("--json", "--only", "S2", "a", outcome=made).out)
    assert ([one.id for one in shown.scans], shown.scans_total, shown.conditions.only) == (["S2"], 1, "S2")
    assert shown.claims == ()


def test_w_writes_the_packets_of_the_scan_shown(run, tmp_path):
    done = run("--only", "S1", "-w", str(tmp_path / "s1.pcap"), "odd.pcap")
    assert done.code == 0
    assert (tmp_path / "s1.pcap").read_bytes() == b"packets"
    assert "7 packets of S1 written to" in done.err


def test_w_with_several_scans_asks_which(run, tmp_path):
    made = replace(report(), scans=(report().scans[0], replace(report().scans[0], id="S2")), scans_total=2)
    done = run("-w", str(tmp_path / "x"), "odd.pcap", outcome=made)
    assert done.code == ExitCode.USAGE
    assert "say which with --only (there are S1, S2)" in done.err
    assert list(tmp_path.iterdir()) == []


def test_w_never_overwrites_an_input(run, tmp_path):
    capture = tmp_path / "in.pcap"
    capture.write_bytes(b"precious")
    done = run("-w", str(capture), str(capture))
    assert done.code == ExitCode.USAGE
    assert capture.read_bytes() == b"precious"


def test_colour_is_asked_for_or_left_out(run, monkeypatch):
    assert "\x1b[" not in run("odd.pcap").out
    assert "\x1b[" in run("--color", "always", "odd.pcap").out


def _command(*words, **more):
    return subprocess.run([sys.executable, "-m", "craftmark", *words], capture_output=True, check=False, **more)


def test_version_is_told():
    done = _command("--version")
    assert (done.returncode, done.stdout) == (0, f"craftmark {__version__}{os.linesep}".encode())


def test_help_names_every_exit_code():
    text = _command("--help").stdout.decode()
    for code in ExitCode:
        assert str(code.value) in text


@pytest.mark.skipif(os.name == "nt", reason="closes a pipe the POSIX way")
def test_a_closed_pipe_is_left_quietly():
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "craftmark", "--help"], stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_verb_is_the_first_word_alone(run):
    assert run("-v", "tools").asked[0].paths == ("tools",)
    assert run("examine", "tools").asked[0].paths == ("tools",)
    assert run("./tools").asked[0].paths == ("./tools",)
    assert run("tools").asked == []


def test_the_help_lists_every_verb(run):
    text = run("--help").out
    for listed in VERBS:
        assert f"  {listed.name} " in text
        assert listed.help in text


def test_a_verb_has_its_own_help_and_its_errors_name_it(run):
    assert run("tools", "--help").out.startswith("usage: craftmark tools ")
    done = run("tools", "--nonsense")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert done.err == "craftmark: unrecognized arguments: --nonsense; craftmark tools --help lists the options\n"


def test_a_verb_whose_library_is_not_installed_says_what_to_install(run, monkeypatch, tmp_path):
    (tmp_path / "verb_without_library.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cli, "verb_named", lambda name: Listed(name, "-", "verb_without_library", extra="web"))
    done = run("serve")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert done.err == "craftmark: serve needs the Python package no_such_library; pip install 'craftmark[web]'\n"


def test_a_verb_that_is_broken_is_an_internal_fault(run, monkeypatch):
    monkeypatch.setattr(cli, "verb_named", lambda name: Listed(name, "-", "craftmark.verbs.not_there", extra="web"))
    assert run("serve").code == ExitCode.INTERNAL_FAULT


def test_the_parser_knows_its_options_before_anything_heavy_is_imported():
    program = "import sys, craftmark.cli as c; c.main(['--version']); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == b"False"


def test_an_input_that_was_refused_beside_another_is_told_by_its_reason(run):
    refused = replace(
        report().inputs[0], name="gone", packets=0, damage=(Damage(1, 0, "no such file"),), damage_total=1
    )
    done = run("a", "gone", outcome=replace(report(), inputs=(*report().inputs, refused)))
    assert (done.code, done.err) == (ExitCode.DAMAGED, "craftmark: gone: no such file\n")
