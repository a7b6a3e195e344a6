"""Who may ask: the server's own names, the page itself, and beyond loopback those with the token."""

from __future__ import annotations

import argparse

import pytest

from craftmark.web import verb
from tests.web.conftest import ASKED, Page


@pytest.fixture
def closed(tmp_path):
    made = Page(store=tmp_path, token="s3cret")
    with made.client:
        yield made.client


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "", "[", "127.0.0.1.evil.example:80"])
def test_another_name_is_refused(page, host):
    assert page.client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example", **ASKED},
        {"origin": "null", **ASKED},
        {"origin": "http://testserver"},
    ],
)
def test_changes_that_the_page_did_not_ask_for_are_refused(page, headers):
    assert page.client.post("/jobs", headers=headers).status_code == 403


def test_changes_that_the_page_asks_for_are_done(page):
    assert page.client.post("/jobs", headers={"origin": "http://testserver", **ASKED}).status_code == 201


def test_without_the_token_nothing_is_shown(closed):
    for path in ("/", "/static/page.css", "/cases/0000000000000000", "/?token=wrong", "/?token="):
        assert closed.get(path).status_code == 401, path
    assert closed.post("/jobs", headers=ASKED).status_code == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address(closed):
    first = closed.get("/?token=s3cret", follow_redirects=False)
    assert first.status_code == 303
    assert "token" not in first.headers["location"]
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "s3cret" not in cookie
    assert closed.get("/").status_code == 200


def test_programs_may_send_the_token_as_bearer(closed):
    assert closed.get("/", headers={"authorization": "Bearer s3cret"}).status_code == 200
    assert closed.get("/", headers={"authorization": "Bearer wrong"}).status_code == 401


def _parsed(*words):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return parser.parse_args(list(words))


def test_loopback_needs_no_token_and_any_other_address_gets_one():
    assert verb.settings_of(_parsed()).token is None
    assert verb.settings_of(_parsed("--host", "::1")).token is None
    assert len(verb.settings_of(_parsed("--host", "0.0.0.0")).token) >= 24
    assert verb.settings_of(_parsed("--host", "192.0.2.1", "--token", "own")).token == "own"


def test_names_that_lead_to_the_server_must_be_given():
    settings = verb.settings_of(_parsed("--host", "192.0.2.1", "--name", "Scans.Example"))
    assert {"192.0.2.1", "scans.example", "localhost"} <= set(settings.hosts)
