from __future__ import annotations

import re
from pathlib import Path

import pytest

from craftmark import cli

EXAMPLE = str(Path(__file__).resolve().parents[2] / "examples" / "odd-scan-2000.pcap")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    target = tmp_path_factory.mktemp("report") / "case.html"
    assert cli.main(["report", EXAMPLE, "-o", str(target), "--quiet"]) == 0
    return target.read_text(encoding="utf-8")


def test_the_page_begins_with_five_sentences(page):
    lead = re.search(r'<ol class="lead">(.*?)</ol>', page, re.DOTALL)[1]
    sentences = re.findall(r"<li>(.*?)</li>", lead, re.DOTALL)
    assert len(sentences) == 5
    assert "192.160.13.4" in sentences[0]
    assert "libnet 1.0.x" in sentences[1]
    assert "4 routers away" in sentences[2]


def test_the_page_needs_nothing_else(page):
    assert "<script" not in page
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all(link.startswith("#") for link in links)
    assert "url(" not in page.replace("url(#", "")
    assert "default-src 'none'" in page


def test_every_claim_and_mark_stands_in_it(page):
    from craftmark import examine

    report = examine(EXAMPLE)
    assert all(f'id="{claim.id}"' in page for claim in report.claims)
    assert all(f'id="{mark.id}"' in page for mark in report.scans[0].toolmarks)
    assert all(f'id="S1-{one.tool}"' in page for one in report.scans[0].maker.tools if one.kind != "stack")
    assert report.inputs[0].sha256 in page


def test_a_saved_report_is_written_again_without_the_capture(tmp_path, page):
    saved, again = tmp_path / "case.json", tmp_path / "again.html"
    assert cli.main(["report", EXAMPLE, "-o", str(saved), "--quiet"]) == 0
    assert cli.main(["report", str(saved), "-o", str(again), "--quiet"]) == 0
    assert again.read_text(encoding="utf-8") == page


def test_markdown_escapes_what_could_be_markup(tmp_path):
    target = tmp_path / "case.md"
    assert cli.main(["report", EXAMPLE, "-o", str(target), "--quiet"]) == 0
    text = target.read_text(encoding="utf-8")
    assert text.startswith("# craftmark\n\n1. 192.160.13.4")
    assert "ip\\_id = 242" in text


def test_a_hostile_file_name_is_only_text_in_the_page(tmp_path):
    name = tmp_path / '<img src=x onerror=alert(1)>"\u202e.pcap'
    name.write_bytes(Path(EXAMPLE).read_bytes())
    target = tmp_path / "case.html"
    assert cli.main(["report", str(name), "-o", str(target), "--quiet"]) == 0
    page = target.read_text(encoding="utf-8")
    assert "<img" not in page
    assert "\u202e" not in page
    assert "&lt;img src=x" in page


def test_pdf_is_made_where_its_library_is_here(tmp_path):
    pytest.importorskip("weasyprint", reason="WeasyPrint or Pango is not here", exc_type=(ImportError, OSError))
    target = tmp_path / "case.pdf"
    assert cli.main(["report", EXAMPLE, "-o", str(target), "--quiet"]) == 0
    assert target.read_bytes()[:5] == b"%PDF-"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["report", EXAMPLE, "-o", "case.docx"], "must end in .html"),
        (["report", EXAMPLE, "-o", "/nowhere/case.md"], "/nowhere/case.md: cannot be written"),
        (["plot", EXAMPLE, "hops", "-o", "x.gif"], "must end in .svg"),
        (["plot", EXAMPLE, "hats"], "no picture is called hats"),
        (["plot", EXAMPLE, "targets"], "nothing to show as targets"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(words, told, capsys):
    assert cli.main(words) in (2, 11)
    assert told in capsys.readouterr().err


def test_nothing_is_left_behind_where_the_file_cannot_be_written(tmp_path):
    folder = tmp_path / "case.md"
    folder.mkdir()
    assert cli.main(["report", EXAMPLE, "-o", str(folder), "--quiet"]) == 11
    assert list(tmp_path.iterdir()) == [folder]


def test_pictures_are_listed_and_drawn(tmp_path, capsys):
    assert cli.main(["plot", EXAMPLE]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names[:2] == ["header", "order"]
    assert cli.main(["plot", EXAMPLE, "header"]) == 0
    assert capsys.readouterr().out.startswith("<svg ")
    for ending, head in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<svg")):
        target = tmp_path / f"hops{ending}"
        assert cli.main(["plot", EXAMPLE, "hops", "-o", str(target), "--quiet"]) == 0
        assert target.read_bytes().startswith(head)
