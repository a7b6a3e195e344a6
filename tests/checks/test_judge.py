"""What came back beside the scan: what fits, what does not, and what says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from craftmark.checks.base import Check, Ran
from craftmark.checks.judge import attach, checked
from craftmark.report.document import Hop, Report, Source
from tests.report.fixture_2000 import report

DAY_NS = 86_400_000_000_000
BASE = report()
SCAN = replace(BASE.scans[0], sources=(Source("8.8.8.8", 9, "undecided"),))
HOPS = (Hop(48, 4, 0.9, ""), Hop(64, 20, 0.1, ""))
SCAN = replace(SCAN, sender=replace(SCAN.sender, hops=HOPS))
CASE = replace(BASE, scans=(SCAN,), claims=BASE.claims)
PING = Check("8.8.8.8", "ping", "ping", ("ping", "8.8.8.8"), 2, "")


def told(output, *, days=0, code=0, case=CASE, check=PING):
    found = checked(check, Ran(code, output, SCAN.last_ns + days * DAY_NS))
    attached = attach(case, [found], [SCAN.id])
    return attached, attached.claims[len(case.claims) :]


def reply(ttl):
    return f"64 bytes from 8.8.8.8: icmp_seq=1 ttl={ttl} time=1 ms\n"


@pytest.mark.parametrize(
    ("ttl", "says", "confidence"),
    [
        (60, "fits a genuine source", "weak"), (59, "fits a genuine source", "weak"),
        (50, "speaks against a genuine source", "fair"), (44, "leaves it open", "weak"),
    ],
)  # fmt: skip
def test_the_distance_of_the_answer_is_laid_beside_that_of_the_probes(ttl, says, confidence):
    _, (claim,) = told(reply(ttl))
    assert says in claim.statement
    assert claim.confidence == confidence


def test_an_answer_long_after_says_less_and_says_so():
    _, (claim,) = told(reply(50), days=400)
    assert claim.confidence == "weak"
    assert any("400 days after the scan" in one for one in claim.against)


def test_no_answer_of_a_claimed_source_ever_proves_it_genuine():
    for ttl in range(1, 256):
        _, claims = told(reply(ttl))
        assert all(claim.confidence in ("weak", "fair", "strong") for claim in claims)
        assert not any("genuine" in claim.statement and claim.confidence == "strong" for claim in claims)


def test_silence_is_weak_and_a_routers_word_is_said():
    _, (claim,) = told("2 packets transmitted, 0 received", code=1)
    assert (claim.confidence, "does not answer" in claim.statement) == ("weak", True)
    _, (claim,) = told("From 9.9.9.9 icmp_seq=1 Destination Host Unreachable\n", code=1)
    assert "cannot be reached" in claim.statement


def test_a_program_that_could_not_run_is_a_failure():
    attached, _ = told("Permission denied", code=None)
    assert attached.checks[0].outcome == "failed"


def test_checks_and_claims_are_added_after_all_that_was_there_and_round_trip():
    attached, claims = told(reply(60))
    again, more = told(reply(60), case=attached)
    assert again.claims[: len(CASE.claims)] == CASE.claims
    assert [claim.id for claim in (*claims, *more)] == [f"C{len(CASE.claims) + n}" for n in (1, 2)]
    assert len(again.checks) == 2
    assert Report.from_json(again.to_json()) == again


def test_a_scan_without_hops_or_clock_is_answered_without_guessing():
    bare = replace(SCAN, last_ns=None, sender=replace(SCAN.sender, hops=()))
    found = checked(PING, Ran(0, reply(60), DAY_NS))
    claims = attach(replace(CASE, scans=(bare,)), [found], [SCAN.id]).claims[len(CASE.claims) :]
    assert "do not tell" in claims[0].statement
    assert any("not known" in one for one in claims[0].against)


def test_other_scans_get_no_claims():
    found = checked(PING, Ran(0, reply(60), DAY_NS))
    assert attach(CASE, [found], ["S9"]).claims == CASE.claims
