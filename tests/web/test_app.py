"""The server as a browser meets it, with real worker processes."""

from __future__ import annotations

import json

import pytest

from tests.web.conftest import ASKED, EXAMPLE, Page


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    made = Page(store=tmp_path_factory.mktemp("store"))
    with made.client:
        view = made.examine(("odd <b>scan.pcap", EXAMPLE.read_bytes()))
        yield made.client, view["case"]


def test_a_case_is_examined_kept_and_shown(examined):
    client, case = examined
    assert "odd &lt;b&gt;scan.pcap" in client.get("/").text
    page = client.get(f"/cases/{case}").text
    assert "libnet 1.0.x sample values" in page
    assert "<b>scan" not in page
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data["S1"]["probes"] == 3072


def test_pictures_come_when_asked_for(examined):
    client, case = examined
    header = client.get(f"/cases/{case}/S1/header.svg")
    assert header.headers["content-type"] == "image/svg+xml"
    assert "ip_id = 242" in header.text
    assert client.get(f"/cases/{case}/S1/targets.svg").status_code == 204
    assert client.get(f"/cases/{case}/S9/header.svg").status_code == 204


def test_packets_behind_a_claim_are_decoded(examined):
    client, case = examined
    (one,) = client.get(f"/cases/{case}/packets", params={"ids": "1:2"}).json()
    assert (one["packet"], one["fields"]["tcp_flags"], one["fields"]["ip_id"]) == (2, "FIN+RST+PSH", "242")
    assert len(one["octets"]) >= 2 * 54


def test_reports_and_packets_are_handed_out(examined):
    client, case = examined
    assert client.get(f"/cases/{case}/report.json").json()["scans_total"] == 1
    assert client.get(f"/cases/{case}/report.html").text.startswith("<!doctype html>")
    assert client.get(f"/cases/{case}/report.md").text.startswith("# craftmark")
    assert client.get(f"/cases/{case}/report.exe").status_code == 404
    sliced = client.get(f"/cases/{case}/S1.pcap")
    assert len(sliced.content) == 24 + 3072 * (16 + 54)
    assert client.get(f"/cases/{case}/S2.pcap").status_code == 404


def test_marks_are_handed_out_for_other_programs(examined):
    client, case = examined
    assert "tcp[4:4] = 662933" in client.get(f"/cases/{case}/S1/bpf.txt").text
    assert "alert tcp" in client.get(f"/cases/{case}/S1/suricata.txt").text
    assert client.get(f"/cases/{case}/S1/hats.txt").status_code == 404
    assert client.get(f"/cases/{case}/S9/bpf.txt").status_code == 404
    shown = client.get(f"/cases/{case}").text
    assert f"/cases/{case}/S1/nftables.txt" in shown
    assert f"/cases/{case}/report.pdf" in shown


def test_the_report_is_handed_out_as_pdf_or_it_is_said_why_not(examined):
    client, case = examined
    answer = client.get(f"/cases/{case}/report.pdf")
    if answer.status_code == 200:
        assert answer.content.startswith(b"%PDF-")
    else:
        assert "WeasyPrint" in answer.text


def test_two_scans_are_compared(examined):
    client, case = examined
    page = client.get("/compare", params={"one": f"{case}:S1", "other": f"{case}:S1"}).text
    assert "Made alike" in page
    assert "likeness" in page


@pytest.mark.parametrize("other", ["", "S1", "no-case:S1", "../x:S1", "{case}:S9", "{case}:<b>"])
def test_only_scans_of_kept_cases_are_compared(examined, other):
    client, case = examined
    answer = client.get("/compare", params={"one": f"{case}:S1", "other": other.replace("{case}", case)})
    assert answer.status_code == 404
    assert "<b>" not in answer.text


def test_why_not_shows_the_whole_comparison(examined):
    client, case = examined
    assert "nmap: elimination" in client.get(f"/cases/{case}/why/nmap").text
    assert "no rule is called" in client.get(f"/cases/{case}/why/hats").text


def test_what_the_page_may_load_is_its_own(examined):
    client, case = examined
    for path in ("/", f"/cases/{case}", "/static/case.js"):
        policy = client.get(path).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
    for path in ("/", f"/cases/{case}"):
        page = client.get(path).text
        assert "javascript:" not in page
        assert " onclick=" not in page


def test_a_case_seen_before_is_told_and_survives_a_restart(tmp_path):
    first = Page(store=tmp_path)
    with first.client:
        case = first.examine(("a.pcap", EXAMPLE.read_bytes()))["case"]
    second = Page(store=tmp_path)
    with second.client:
        again = second.examine(("log.txt", EXAMPLE.with_name("odd-scan-2000.snort.txt").read_bytes()))["case"]
        assert again != case
        assert second.client.get(f"/cases/{case}").status_code == 200


def test_an_input_that_cannot_be_read_fails_alone(page):
    told = page.examine(("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64)), expect="failed")["message"]
    assert "format" in told
    assert page.examine(("odd.pcap", EXAMPLE.read_bytes()))["case"]


def test_a_worker_that_dies_takes_nothing_with_it(page, monkeypatch):
    monkeypatch.setattr("craftmark.web.jobs.sys.executable", "/bin/false")
    assert "without a word" in page.examine(("odd.pcap", EXAMPLE.read_bytes()), expect="failed")["message"]
    monkeypatch.undo()
    assert page.examine(("odd.pcap", EXAMPLE.read_bytes()))["case"]


def test_work_past_its_time_is_ended(tmp_path):
    slow = Page(store=tmp_path, time_limit_s=0.05)
    with slow.client:
        assert "longer than" in slow.examine(("odd.pcap", EXAMPLE.read_bytes()), expect="failed")["message"]


def test_a_cancelled_job_leaves_nothing(page):
    job = page.client.post("/jobs", headers=ASKED).json()["id"]
    page.client.post(f"/jobs/{job}/inputs", params={"name": "x"}, content=b"y", headers=ASKED)
    assert page.client.post(f"/jobs/{job}/cancel", headers=ASKED).json()["state"] == "cancelled"
    assert page.client.post(f"/jobs/{job}/start", json={}, headers=ASKED).status_code == 409


@pytest.mark.parametrize(
    "asked", [{"where": 5}, {"year": "soon"}, {"year": 3.5}, {"year": "9" * 5000}, {"year": [2000]}, "[" * 100_000]
)
def test_settings_that_are_none_are_refused(page, asked):
    job = page.client.post("/jobs", headers=ASKED).json()["id"]
    page.client.post(f"/jobs/{job}/inputs", params={"name": "x"}, content=b"y", headers=ASKED)
    text = asked if isinstance(asked, str) else json.dumps(asked)
    assert page.client.post(f"/jobs/{job}/start", content=text, headers=ASKED).status_code == 400


def test_an_upload_beyond_the_limit_is_refused(tmp_path):
    small = Page(store=tmp_path, upload_limit=1000)
    with small.client:
        job = small.client.post("/jobs", headers=ASKED).json()["id"]
        sent = small.client.post(f"/jobs/{job}/inputs?name=x", content=bytes(1001), headers=ASKED)
        assert sent.status_code == 413
        assert small.client.get(f"/jobs/{job}").json()["state"] == "cancelled"


def test_only_files_inside_the_named_folder_may_be_named(tmp_path):
    folder, outside = tmp_path / "captures", tmp_path / "secret.pcap"
    folder.mkdir()
    outside.write_bytes(EXAMPLE.read_bytes())
    (folder / "odd.pcap").write_bytes(EXAMPLE.read_bytes())
    (folder / "link.pcap").symlink_to(outside)
    made = Page(store=tmp_path / "store", folder=folder)
    with made.client:
        assert made.examine(path="odd.pcap")["case"]
        for name in ("../secret.pcap", str(outside), "link.pcap", "", ".", "\0", "nothing.pcap"):
            job = made.client.post("/jobs", headers=ASKED).json()["id"]
            refused = made.client.post(f"/jobs/{job}/start", json={"path": name}, headers=ASKED)
            assert refused.status_code in (400, 403, 404), name


def test_without_a_folder_no_file_of_the_server_is_read(page):
    job = page.client.post("/jobs", headers=ASKED).json()["id"]
    asked = page.client.post(f"/jobs/{job}/start", json={"path": "/etc/passwd"}, headers=ASKED)
    assert asked.status_code == 403


def test_events_end_with_the_job(page):
    job = page.examine(("odd.pcap", EXAMPLE.read_bytes()))
    text = page.client.get(f"/jobs/{job['id']}/events").text
    assert json.loads(text.removeprefix("data: "))["state"] == "done"


def test_removed_cases_are_gone(page):
    case = page.examine(("odd.pcap", EXAMPLE.read_bytes()))["case"]
    assert page.client.post(f"/cases/{case}/remove", headers=ASKED).status_code == 200
    assert page.client.get(f"/cases/{case}").status_code == 404
    assert page.client.post(f"/cases/{case}/remove", headers=ASKED).status_code == 404


@pytest.mark.parametrize("path", ["/cases/..%2f..%2fetc", "/cases/0000000000000000", "/static/../app.py", "/jobs/nope"])
def test_what_is_not_there_is_not_found(page, path):
    assert page.client.get(path).status_code == 404
