"""What claimed sources were asked, and what they said, stands in every form of the report, escaped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from craftmark import examine
from craftmark.render.html import render_html
from craftmark.render.markdown import render_markdown
from craftmark.report.checked import Check
from tests.cases.captures import ROOT

CHECK = Check(
    address="192.160.13.4", kind="ping", program="ping", command=("ping", "-c", "2", "192.160.13.4"), packets=2,
    asked_ns=0, outcome="answered", ttls=(60,), hops=(4,), system="<b>\x1b[31m|Linux", output="",
)  # fmt: skip


@pytest.fixture(scope="module")
def asked():
    return replace(examine(ROOT / "examples" / "odd-scan-2000.pcap"), checks=(CHECK,))


@pytest.mark.parametrize("render", [render_html, render_markdown], ids=["html", "markdown"])
def test_answers_of_claimed_sources_stand_in_the_report(asked, render):
    page = render(asked)
    assert "What the claimed sources were asked" in page
    assert "ping -c 2 192.160.13.4" in page.replace("\\", "")
    assert "answered" in page
    assert "<b>" not in page.replace("<body>", "")
    assert "\x1b" not in page


def test_without_checks_nothing_is_said_of_them(asked):
    for render in (render_html, render_markdown):
        assert "were asked" not in render(replace(asked, checks=()))
