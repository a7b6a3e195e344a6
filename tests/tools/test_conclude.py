from __future__ import annotations

import numpy as np
import pytest

from craftmark.tools.chance import BOUND
from craftmark.tools.conclude import conclude
from craftmark.tools.load import load_rules
from tests.tools import dossiers as d
from tests.tools import rows

RULES = load_rules()
MAY_2000 = 20000520

#: Rows whose defaults identify their tool, and the id to be named.
IDENTIFYING = {
    "nmap SYN": (rows.nmap, "nmap"),
    "nmap FIN": (lambda: rows.nmap(1), "nmap"),
    "nmap FIN+RST+PSH": (lambda: rows.nmap(13), "nmap"),
    "nmap ACK": (lambda: rows.nmap(16), "nmap"),
    "nmap before 2011": (rows.nmap_before_2011, "nmap"),
    "masscan 1.0": (lambda: rows.masscan(0), "masscan"),
    "masscan 1.3": (rows.masscan, "masscan"),
    "masscan 2023": (lambda: rows.masscan(1025, ("MSS",)), "masscan"),
    "masscan --ttl 200": (lambda: rows.masscan(ttl=200), "masscan"),
    "zmap 2": (rows.zmap_2, "zmap"),
    "zmap 2 -s 31337": (lambda: rows.zmap_2(tcp_sport=31337), "zmap"),
    "zmap 4": (rows.zmap_4, "zmap"),
    "unicornscan": (rows.unicornscan, "unicornscan"),
    "mirai": (rows.mirai, "mirai"),
    "naabu": (rows.naabu, "naabu"),
    "p0f-sendsyn": (rows.p0f_sendsyn, "p0f-sendsyn"),
    "hping": (rows.hping, "hping"),
    "hping SYN": (lambda: rows.hping(2), "hping"),
    "nping": (rows.nping, "nping"),
    "scapy": (rows.scapy, "scapy"),
    "mausezahn": (rows.mausezahn, "mausezahn"),
    "juno": (rows.juno, "juno"),
    "icmpush": (rows.icmpush, "icmpush"),
    "libnet sample": (rows.libnet, "libnet-1.0-samples"),
    "nmap -sU": (rows.nmap_udp, "nmap"),
    "nmap -sZ": (rows.nmap_cookie_echo, "nmap"),
    "hping -f": (rows.hping_fragments, "hping"),
    "masscan -pU:53": (rows.masscan_dns, "masscan"),
    "mausezahn -t icmp": (rows.mausezahn_icmp, "mausezahn"),
}

#: Rows that no single tool explains best: nobody may be named.
IDS = {"tutorial": "tutorial-synflooder", "linux": "pnscan", "scapy SCTP": "scapy"}
SHARED = {
    "sendip": rows.sendip, "tutorial": rows.tutorial, "nemesis": rows.nemesis, "linux": rows.linux,
    "scapy SCTP": rows.scapy_sctp,
}  # fmt: skip


def made_by(*parts, when: int | None = None, marks=()):
    return conclude([(d.with_relations(part, RULES.relations), marks) for part in parts], RULES, when=when)


@pytest.mark.parametrize("row", [rows.zmap_2, rows.zmap_4])
def test_a_tool_is_not_named_where_its_own_order_would_show_and_does_not(row):
    assert made_by(row(150)).tool == "zmap"
    maker = made_by(row(300))
    assert maker.tool is None
    assert "no such state was found in 300 targets" in tool(maker, "zmap").reason


def tool(maker, name: str):
    return next(one for one in maker.tools if one.tool == name)


@pytest.mark.parametrize("row", IDENTIFYING)
def test_a_tool_with_its_defaults_is_identified(row: str):
    make, name = IDENTIFYING[row]
    maker = made_by(make())
    assert (maker.conclusion, maker.tool) == ("identification", name)
    assert tool(maker, name).log10_chance <= BOUND
    assert maker.kind == "crafted"
    assert [one.tool for one in maker.tools if one.conclusion == "identification"] == [name]


@pytest.mark.parametrize("row", [*IDENTIFYING, *SHARED])
def test_the_tool_that_made_a_row_is_never_ruled_out(row: str):
    make, name = IDENTIFYING.get(row) or (SHARED[row], IDS.get(row, row))
    assert tool(made_by(make()), name).conclusion != "elimination"


@pytest.mark.parametrize("row", SHARED)
def test_a_wrong_tool_is_never_named(row: str):
    assert made_by(SHARED[row]()).tool in (None, IDS.get(row, row))


@pytest.mark.parametrize("seed", range(6))
def test_random_headers_name_nobody(seed: int):
    draw = np.random.default_rng(seed)
    made = d.tcp(
        200, 2, (), ip_id=draw.integers(0, 65536, 200), ip_ttl=60, tcp_seq=draw.integers(0, 1 << 32, 200),
        tcp_win=int(draw.integers(1, 65536)), tcp_sport=draw.integers(1, 65536, 200),
    )  # fmt: skip
    assert made_by(made).tool is None


def test_a_single_probe_names_nobody():
    made = d.tcp(1, 2, ("MSS",), ip_id=15257, ip_ttl=46, tcp_seq=0x68B20B7C, tcp_win=1024, tcp_mss=1460)
    maker = made_by(made)
    assert maker.tool is None
    assert maker.conclusion == "inconclusive"


def test_nothing_visible_is_unsuitable():
    names = [name for name, field in d.tcp(5).fields.items() if field.seen]
    maker = made_by(d.unseen(d.tcp(5), *names))
    assert maker.conclusion == "unsuitable"
    assert {one.conclusion for one in maker.tools} <= {"unsuitable", "elimination"}


class TestTheScanOf2000:
    """Three sources, FIN+RST+PSH, ports in rising order, every field constant."""

    maker = made_by(rows.libnet())

    def test_the_sample_is_identified_and_what_was_edited_is_named(self):
        assert (self.maker.tool, self.maker.version) == ("libnet-1.0-samples", "1.0.x")
        edited = self.maker.parameters["edited"].value
        assert edited == (
            "tcp_dport: 1-1024", "tcp_flags: FIN+RST+PSH (tcp_flags = 2 in the sample)", "tcp_sport: 31337",
        )  # fmt: skip

    def test_it_is_crafted_and_the_reasons_have_counts(self):
        assert self.maker.kind == "crafted"
        assert "control bits FIN+RST+PSH in 3,072 of 3,072" in self.maker.kind_why[0]
        assert any("one IP ID 242 in 3,072 of 3,072" in why for why in self.maker.kind_why)

    @pytest.mark.parametrize("name", ["nmap", "masscan", "zmap", "unicornscan", "mirai", "back-orifice", "bo2k"])
    def test_each_of_these_is_eliminated_with_a_reason(self, name: str):
        assert tool(self.maker, name).conclusion == "elimination"
        assert tool(self.maker, name).reason

    def test_nmap_is_eliminated_by_its_ip_ids(self):
        assert tool(self.maker, "nmap").reason.endswith("ip_id = 242 in 3,072 of 3,072: 10^-4927")

    @pytest.mark.parametrize("name", ["hping", "nping", "scapy", "packit", "mausezahn", "sendip", "nemesis"])
    def test_a_free_form_crafter_stays_beside_it_at_its_price(self, name: str):
        beside = tool(self.maker, name)
        assert beside.conclusion == "inconclusive"
        assert beside.settings_needed >= 6
        assert beside.price_log10 < -20

    def test_without_a_trusted_clock_no_date_counts(self):
        assert not any(one.by_date for one in self.maker.tools)

    def test_with_a_trusted_clock_later_tools_and_the_hping_of_its_day_are_eliminated(self):
        maker = made_by(rows.libnet(), when=MAY_2000)
        dated = {one.tool for one in maker.tools if one.by_date}
        assert {"hping", "nping", "scapy", "mausezahn"} <= dated
        assert tool(maker, "nemesis").conclusion == "inconclusive"
        assert "could not set the sequence and acknowledgment numbers" in tool(maker, "hping").reason
        assert maker.tool == "libnet-1.0-samples"

    def test_without_seq_and_ack_the_sample_is_not_identified(self):
        maker = made_by(d.unseen(rows.libnet(), "tcp_seq", "tcp_ack"))
        assert maker.tool is None

    def test_with_seq_and_ack_left_to_hping_the_sample_is_not_named(self):
        draw = np.random.default_rng(9)
        numbers = {name: draw.integers(0, 1 << 31, 3072) for name in ("tcp_seq", "tcp_ack")}
        assert made_by(rows.libnet(**numbers)).tool in (None, "hping")


def test_a_scan_by_the_system_itself_is_a_stack_and_names_no_tool():
    maker = made_by(rows.linux())
    assert (maker.kind, maker.tool) == ("stack", None)
    assert "Linux" in maker.kind_why[0]


def test_options_of_windows_without_df_are_crafted():
    maker = made_by(rows.zmap_4())
    assert any(why.startswith("the options of Windows, but ip_flags = 0x0") for why in maker.kind_why)


def test_the_parts_of_host_discovery_together_name_nmap():
    ttl = np.random.default_rng(31).integers(37, 60, 60) - 4
    drawn = {"ip_id": np.random.default_rng(32).integers(0, 65536, 60), "ip_ttl": ttl}
    sweep = {"ip_dst": 0xCB007100 + np.arange(60)}
    parts = [
        d.icmp(60, icmp_id=np.random.default_rng(33).integers(0, 65536, 60), **drawn, **sweep),
        d.tcp(60, 2, ("MSS",), tcp_seq=0xE9024F4A, tcp_dport=443, tcp_mss=1460, **drawn, **sweep),
        d.tcp(60, 16, (), tcp_ack=0xE9024F4A, tcp_dport=80, **drawn, **sweep),
    ]
    assert made_by(*parts).tool == "nmap"


def test_the_ttls_of_many_small_parts_count_together():
    """An IP protocol scan has two probes per protocol: only all of them show the draw."""
    ttl = np.random.default_rng(34).integers(37, 60, 120) - 4
    ids = np.random.default_rng(35).integers(0, 65536, 120)
    parts = [d.other(130 + n, 2, ip_id=ids[2 * n : 2 * n + 2], ip_ttl=ttl[2 * n : 2 * n + 2]) for n in range(60)]
    maker = made_by(*parts)
    assert maker.kind == "crafted"
    assert max(one.log10_chance or 0.0 for one in maker.tools if one.tool == "nmap") < -4


def test_two_crafters_that_fit_alike_are_named_together_and_neither_is_identified():
    made = d.tcp(
        100, 2, (), ip_src=np.arange(100) + 1, ip_id=np.random.default_rng(36).integers(0, 65536, 100), ip_ttl=60,
        tcp_seq=np.random.default_rng(37).integers(0, 1 << 31, 100),
        tcp_ack=np.random.default_rng(38).integers(0, 1 << 31, 100), tcp_win=1024,
        tcp_sport=np.random.default_rng(39).integers(0, 65536, 100),
    )  # fmt: skip
    maker = made_by(made)
    assert maker.tool is None
    assert maker.conclusion == "inconclusive"


def test_an_option_that_was_set_is_a_parameter_of_the_run():
    assert made_by(rows.masscan(ttl=200)).parameters["options"].value == ("--ttl: 196",)


def test_a_run_of_nmap_per_probe_does_not_rule_nmap_out():
    assert tool(made_by(rows.nmap_loop()), "nmap").conclusion != "elimination"


def test_a_fork_is_mentioned_beside_its_root():
    maker = made_by(rows.zmap_2())
    assert maker.tool == "zmap"
    assert tool(maker, "zmap").reason.endswith("or its fork XMap")


def test_every_rule_but_the_stacks_has_a_conclusion():
    assert {one.tool for one in made_by(rows.nmap()).tools} == {rule.id for rule in RULES if rule.kind != "stack"}


WINDOWS_OF_HABIT = (0, 1, 512, 1024, 4096, 5840, 8192, 16384, 65535, 64240, 1234, 14600)


def hand_made(seed: int):
    """Return probes as somebody might write them: each field by one of the usual habits, chosen apart."""
    draw = np.random.default_rng(seed)
    n = int(draw.choice([5, 40, 200]))
    rising = np.arange(n)
    ids = (0, 1, 4242, draw.integers(0, 65536, n), rising + 700)
    seqs = (0, 0x1234567, draw.integers(0, 1 << 32, n), draw.integers(0, 1 << 31, n), rising + 5000)
    acks = (0, 0, draw.integers(0, 1 << 31, n), 0x7654321)
    ports = (43210, 53, 1234, draw.integers(1024, 65536, n), draw.integers(32768, 61000, n), rising + 3000)
    options = ((), ("MSS",), rows.LINUX, rows.WINDOWS)[draw.integers(0, 4)]
    return d.tcp(
        n, int(draw.choice([2, 2, 1, 13, 0])), options, ip_ttl=int(draw.choice([60, 124, 251])),
        ip_id=ids[draw.integers(0, 5)], tcp_seq=seqs[draw.integers(0, 5)], tcp_ack=acks[draw.integers(0, 4)],
        tcp_sport=ports[draw.integers(0, 6)], tcp_win=int(draw.choice(WINDOWS_OF_HABIT)),
        ip_flags=int(draw.choice([0, 2])), **({"tcp_mss": 1460} if options else {}),
    )  # fmt: skip


def test_hand_made_headers_of_usual_values_name_nobody():
    named = [(seed, maker.tool) for seed in range(60) if (maker := made_by(hand_made(seed))).tool]
    assert named == []
