"""The terminal view under keys, without a terminal: what is shown, filtered, written; hostile text stays text."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache

import pytest

from craftmark import cli, examine
from craftmark.errors import ExitCode
from craftmark.pipeline import Settings
from craftmark.tui.panes import listing, panes
from tests.cases.captures import KEPT, ROOT

pytest.importorskip("textual")

from craftmark.tui.app import CaseApp, CaseList, Exports, Help, ScanView
from craftmark.tui.writing import FORMATS, write_export

PCAP, MIX = str(ROOT / "examples" / "odd-scan-2000.pcap"), str(KEPT / "mix_zmap_masscan.pcap.gz")
HOSTILE = "[bold red]x[/] [@click=app.exit]go[/] \x1b[2J\u202e $(rm) [/nothing]"


@cache
def report_of(case):
    return examine(case)


def driven(case, keys, look, *, report=None, size=(110, 34)):
    """Press keys in the view of a case and return what ``look(app)`` says after each."""

    async def run():
        app = CaseApp(report or report_of(case), case, Settings())
        seen = []
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                await app.workers.wait_for_complete()
                await pilot.pause()
                seen.append(look(app))
        return seen

    return asyncio.run(run())


def shown(app):
    """Return the text of the screen, line by line."""
    height = app.size.height
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips[:height])


def test_the_list_shows_scans_and_enter_opens_one():
    first, second = driven(MIX, ["j", "enter"], lambda app: (type(app.screen), shown(app)))
    assert first[0] is CaseList
    assert "S1" in first[1]
    assert "S2" in first[1]
    assert "2 scans, 0 floods" in first[1]
    assert second[0] is ScanView
    assert "[conclusion]" in second[1]
    assert second[1].startswith(" S2 ")


def test_tab_walks_the_panes_and_back_leaves_them():
    keys = ["l", "tab", "tab", "tab", "tab", "tab", "tab", "shift+tab", "h"]
    seen = driven(PCAP, keys, lambda app: getattr(app.screen, "view", None) and app.screen.view.pane.name)
    panes_ = ["conclusion", "marks", "tools", "hops", "answers", "claims"]
    assert seen == [*panes_, "conclusion", "claims", "scans"]


def test_tools_say_why_and_why_not_line_by_line():
    seen = driven(PCAP, ["enter", "tab", "tab", "j", "G"], shown)
    assert "libnet-1.0-samples 1.0.x: identification" in seen[2]
    assert "agrees" in seen[2]
    assert "made with it" in seen[2]
    moved = driven(PCAP, ["enter", "tab", "tab", "slash", *"nmap", "enter"], shown)[-1]
    assert "nmap: elimination" in moved.replace("\n", " ")
    assert "differs" in moved or "disagrees" in moved


def test_what_is_said_of_a_row_is_scrolled_apart_from_the_rows():
    seen = driven(PCAP, ["enter", "tab", "tab", "J", "J", "K"], lambda app: (app.screen.view.scroll_y, shown(app)))
    assert seen[2][0] == 0 < seen[4][0] > seen[5][0]
    assert seen[2][1] != seen[4][1]


def test_a_filter_keeps_rows_and_an_empty_one_shows_all():
    def rows(app):
        return app.screen.view.table.row_count

    keys = ["enter", "tab", "slash", *"tcp_win", "enter", "slash", *(["backspace"] * 7), "enter"]
    seen = driven(PCAP, keys, lambda app: rows(app) if app.screen.view.pane.columns else 0)
    every = len(report_of(PCAP).scans[0].toolmarks)
    assert seen[1] == every
    assert 0 < seen[10] < every
    assert seen[-1] == every
    assert driven(PCAP, ["slash", *"nothing like it", "enter", "enter", "e"], rows)[-1] == 0


def test_help_lists_the_keys_and_q_goes_back_and_out():
    seen = driven(PCAP, ["question_mark", "q", "enter", "q", "q"], lambda app: (type(app.screen), app.is_running))
    assert [kind for kind, _ in seen[:4]] == [Help, CaseList, ScanView, CaseList]
    assert "filter the rows" in driven(PCAP, ["question_mark"], shown)[0]


@pytest.mark.parametrize("form", FORMATS)
def test_exports_are_written_beside_and_never_over_a_file(form, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        told, is_fault = write_export(report_of(PCAP), PCAP, Settings(), "S1", form)
        assert not is_fault, told
    names = sorted(file.name for file in tmp_path.iterdir())
    assert len(names) == 2
    assert all(name.startswith("craftmark-S1") for name in names)
    first, second = (tmp_path / name for name in names)
    assert first.read_bytes() == second.read_bytes() != b""


def test_e_asks_for_the_form_and_says_where_it_went(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    seen = driven(PCAP, ["enter", "e", "j", "enter"], lambda app: (type(app.screen), app.told))
    assert [kind for kind, _ in seen] == [ScanView, Exports, Exports, ScanView]
    assert seen[-1][1] == "written: craftmark-S1-snort.rules"
    assert "alert tcp" in (tmp_path / "craftmark-S1-snort.rules").read_text()


def test_what_cannot_be_written_is_said(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    saved = tmp_path / "saved.json"
    saved.write_text(report_of(PCAP).to_json())
    assert write_export(report_of(PCAP), str(saved), Settings(), "S1", "pcap") == (
        "a saved report holds no packets", True,
    )  # fmt: skip
    arp = str(KEPT / "nmap_arp_sweep.pcap.gz")
    told, is_fault = write_export(report_of(arp), arp, Settings(), "S1", "suricata")
    assert is_fault
    assert "ARP" in told


def hostile_report():
    report = report_of(PCAP)
    scan = report.scans[0]
    tool = replace(scan.maker.tools[0], tool=HOSTILE, name=HOSTILE, reason=HOSTILE, agrees=(HOSTILE,))
    scan = replace(
        scan,
        toolmarks=(replace(scan.toolmarks[0], statement=HOSTILE, fields=(HOSTILE,)), *scan.toolmarks),
        maker=replace(scan.maker, tool=HOSTILE, version=HOSTILE, kind_why=(HOSTILE,), tools=(tool,)),
        sources=(replace(scan.sources[0], address=HOSTILE),),
        answers=replace(scan.answers, reach=HOSTILE),
    )
    claim = replace(report.claims[0], statement=HOSTILE, for_=(HOSTILE,), settled_by=HOSTILE)
    return replace(report, scans=(scan,), claims=(claim, *report.claims))


def test_text_of_packets_and_names_is_never_markup_nor_a_command_for_the_terminal():
    keys = ["enter", "tab", "tab", "tab", "tab", "tab", "h", "question_mark", "q", "slash", *"[bold", "enter", "enter"]
    for text in driven(HOSTILE, keys, shown, report=hostile_report(), size=(200, 40)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    seen = driven(HOSTILE, ["enter", "tab", "tab"], shown, report=hostile_report(), size=(220, 40))
    assert all("[bold red]x[/]" in text for text in seen)


def test_every_pane_of_every_kind_of_case_is_printable():
    for case in (PCAP, MIX, str(KEPT / "nmap_ping_sweep.pcap.gz"), str(KEPT / "nmap_arp_sweep.pcap.gz")):
        report = report_of(case)
        for scan in (*report.scans, *report.floods):
            for pane in (listing(report), *panes(report, scan.id)):
                text = "\n".join([pane.detail, *("\n".join((*row.cells, row.detail)) for row in pane.rows)])
                assert text.replace("\n", "").isprintable()
                assert all(len(row.cells) == len(pane.columns) for row in pane.rows)


def test_an_empty_case_says_so():
    report = replace(report_of(PCAP), scans=(), scans_total=0, claims=())
    seen = driven(PCAP, ["enter", "e", "j"], shown, report=report)
    assert all("No scan was found." in text for text in seen)


def test_it_needs_a_terminal(capsys):
    assert cli.main(["tui", PCAP]) == ExitCode.USAGE
    assert "needs a terminal" in capsys.readouterr().err
