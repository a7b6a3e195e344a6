"""The page in a real browser: upload, selection, packets, keys, both themes, a phone's width, axe's checks.

Needs Debian's chromium and Playwright; skipped where either is missing.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from craftmark.web.app import ServerSettings, make_app
from tests.web.conftest import EXAMPLE

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not here")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not here")

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = make_app(ServerSettings(store=tmp_path_factory.mktemp("store")))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield made
        made.close()


@contextlib.contextmanager
def opened(browser, **settings):
    context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **settings})
    page = context.new_page()
    page.set_default_timeout(90_000)
    faults = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert faults == []


@pytest.fixture(scope="module")
def case(address, browser):
    """Upload the example as a person would and return its page's address."""
    with opened(browser) as page:
        page.goto(address)
        page.set_input_files("#files", [str(EXAMPLE)])
        page.click("#go")
        page.wait_for_url("**/cases/*")
        return page.url


def test_a_selection_narrows_all_plots_and_says_its_filter(browser, case):
    with opened(browser) as page:
        page.goto(case)
        canvas = page.locator("#plots canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        before = page.inner_text("#selected")
        page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 10)
        page.mouse.up()
        assert "tcp_dport >= " in page.input_value("#filter")
        after = page.inner_text("#selected")
        assert after != before
        page.keyboard.press("Escape")
        assert page.inner_text("#selected") == before


def test_a_filter_that_cannot_be_read_is_told(browser, case):
    with opened(browser) as page:
        page.goto(case)
        page.fill("#filter", "tcp_dport is nice")
        assert "cannot be read" in page.inner_text("#selected")
        page.fill("#filter", "tcp_dport <= 512 and ip_src == 192.160.13.4")
        drawn = int(page.inner_text("#selected").split(" of ")[0])
        assert 0 < drawn < 512


def test_packets_behind_a_mark_are_shown(browser, case):
    with opened(browser) as page:
        page.goto(case)
        page.locator(".packets button").first.click()
        page.wait_for_selector("#packets-body table")
        assert "FIN+RST+PSH" in page.inner_text("#packets-body")


def test_pictures_arrive_when_the_reader_comes_near(browser, case):
    with opened(browser) as page:
        page.goto(case)
        page.evaluate("document.querySelector('.pictures').scrollIntoView()")
        page.wait_for_selector("#S1-header svg")
        assert "ip_id = 242" in page.locator("#S1-header .alt").inner_text()


def test_keys_lead_through_the_page(browser, case):
    with opened(browser) as page:
        page.goto(case)
        page.keyboard.press("?")
        assert page.locator("#keys").get_attribute("open") is not None
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "filter"
        page.keyboard.press("Escape")
        page.keyboard.press("x")
        assert page.locator("#export").get_attribute("open") is not None
        page.keyboard.press("n")
        assert page.locator("#S1-nmap").get_attribute("open") is not None
        page.keyboard.press("q")
        page.wait_for_url("**/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_either_theme(browser, address, case, scheme):
    axe = pytest.importorskip("axe_core_python", reason="axe-core is not here")
    script = next(Path(axe.__path__[0]).rglob("axe.min.js")).read_text(encoding="utf-8")
    with opened(browser, color_scheme=scheme, bypass_csp=True) as page:
        for url in (address, case):
            page.goto(url)
            page.add_script_tag(content=script)
            found = page.evaluate("axe.run()")["violations"]
            assert found == [], json.dumps([(one["id"], one["nodes"][0]["html"]) for one in found])


def test_a_phone_needs_no_sideways_scrolling(browser, address, case):
    with opened(browser, viewport={"width": 390, "height": 800}) as page:
        for url in (address, case):
            page.goto(url)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
