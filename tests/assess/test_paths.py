"""Traced routes: every program's form is read, and laid beside the distance of the probes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.assess.conclude import conclude
from craftmark.assess.routes import Route, read_routes
from craftmark.errors import SourceError

TARGET = "192.0.2.2"
HOPS = ((1, "10.0.0.1"), (2, "10.0.1.1"), (4, "10.0.3.1"), (5, TARGET))
TEXTS = {
    "traceroute": """traceroute to scanner.example (192.0.2.2), 30 hops max, 60 byte packets
 1  gw.example (10.0.0.1)  0.3 ms  0.2 ms  0.2 ms
 2  10.0.1.1 (10.0.1.1)  1.1 ms  1.2 ms  1.0 ms
 3  * * *
 4  10.0.3.1  2.1 ms 10.0.3.2  2.2 ms
 5  scanner.example (192.0.2.2)  3.0 ms
""",
    "tracert": """Tracing route to scanner.example [192.0.2.2]
over a maximum of 30 hops:

  1    <1 ms    <1 ms    <1 ms  10.0.0.1
  2     1 ms     1 ms     1 ms  r.example [10.0.1.1]
  3     *        *        *     Request timed out.
  4     2 ms     2 ms     2 ms  10.0.3.1
  5     3 ms     3 ms     3 ms  scanner.example [192.0.2.2]

Trace complete.
""",
    "scamper": """traceroute from 198.51.100.10 to 192.0.2.2
 1  10.0.0.1  0.281 ms
 2  10.0.1.1  1.081 ms
 3  *
 4  10.0.3.1  2.081 ms
 5  192.0.2.2  3.081 ms
""",
    "scamper json": """{"type":"cycle-start", "list_name":"default", "id":0}
{"type":"trace", "src":"198.51.100.10", "dst":"192.0.2.2", "hops":[{"addr":"10.0.0.1", "probe_ttl":1},\
{"addr":"10.0.1.1", "probe_ttl":2},{"addr":"10.0.3.1", "probe_ttl":4},{"addr":"192.0.2.2", "probe_ttl":5}]}
{"type":"cycle-stop", "list_name":"default", "id":0}
""",
    "mtr json": """{"report": {"mtr": {"src": "us", "dst": "192.0.2.2", "tests": 3}, "hubs": [
 {"count": 1, "host": "10.0.0.1"}, {"count": 2, "host": "10.0.1.1"}, {"count": 3, "host": "???"},
 {"count": 4, "host": "10.0.3.1"}, {"count": 5, "host": "192.0.2.2"}]}}
""",
}
MTR = """Start: 2026-01-01T00:00:00+0000
HOST: us                          Loss%   Snt   Last   Avg  Best  Wrst StDev
  1.|-- 10.0.0.1                   0.0%     3    0.3   0.3   0.3   0.3   0.0
  2.|-- 10.0.1.1                   0.0%     3    1.3   1.3   1.3   1.3   0.0
  3.|-- ???                       100.0     3    0.0   0.0   0.0   0.0   0.0
"""


@pytest.mark.parametrize("form", TEXTS)
def test_every_form_gives_the_same_route(form):
    assert read_routes(TEXTS[form], name="x") == (Route(TARGET, HOPS),)
    assert read_routes(TEXTS[form], name="x")[0].routers == 4


def test_a_report_of_mtr_has_hops_and_no_target():
    assert read_routes(MTR, name="x") == (Route(None, HOPS[:2]),)


def test_several_routes_in_one_text_and_ipv6():
    other = "traceroute to 2001:db8::9 (2001:db8::9), 30 hops max\n 1  2001:db8::1  0.2 ms\n 2  2001:db8::9  1 ms\n"
    routes = read_routes(TEXTS["traceroute"] + other, name="x")
    assert [route.target for route in routes] == [TARGET, "2001:db8::9"]
    assert routes[1].routers == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello\n",
        "{}",
        "{bad",
        '{"report": {"mtr": 1, "hubs": 2}}',
        '{"hops": [1, {}]}',
        "\x00" * 50,
        "10 no 10.0.0.1\n11 x 10.0.0.2",
    ],
)
def test_a_text_without_a_route_is_refused_by_name(text):
    with pytest.raises(SourceError, match=r"odd\.txt.*no traced route"):
        read_routes(text, name="odd.txt")


def told(plant, ttl, route):
    subject = replace(plant({"tcp_dport": np.arange(50), "ip_ttl": ttl}), paths=(route,))
    return [claim.statement for claim in conclude(subject).claims if "traced" in claim.statement]


def test_a_route_to_the_source_fits_or_does_not(plant):
    route = Route(TARGET, HOPS)
    assert told(plant, 60, route) == ["the traced route to 192.0.2.2 has 4 routers, the probes passed 4, which fits"]
    assert "does not fit" in told(plant, 49, route)[0]


def test_another_route_names_the_router_at_that_distance(plant):
    route = Route("203.0.113.9", HOPS[:3])
    assert "4 hops away on the traced route is 10.0.3.1" in told(plant, 60, route)[0]
    assert told(plant, 57, route) == []
