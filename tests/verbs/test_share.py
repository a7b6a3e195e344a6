"""A bundle concludes what the original did, but for what its CHANGES lists, and tells no own address."""

from __future__ import annotations

import hashlib
import io
import zipfile
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest

from craftmark import cli, compare, examine
from craftmark.errors import ExitCode
from craftmark.export.pcap import PcapWriter
from craftmark.export.share.addresses import Own
from craftmark.export.share.keyed import Key
from craftmark.packets import fields as f
from craftmark.packets.batch import join
from craftmark.pipeline import Settings
from craftmark.sources.inputs import open_inputs
from craftmark.verbs.share import _packets
from tests.cases.captures import KEPT, LAB, ROOT, needs_captures

EXAMPLE = ROOT / "examples" / "odd-scan-2000.pcap"
ALIKE = "nothing: both are concluded alike"
#: State that an own address could be computed from; a key, or a start told by a port, is in fields made anew.
SOLVED = {"seed", "generator", "prime", "position", "shard", "shards"}
#: What each capture's bundle may lose, all of it.
LOST = {
    "masscan_seed11_udp": {
        "mark lost: payload of payload_len, payload_hash",
        "mark lost: relation of ip_id, ip_dst, udp_dport, payload_head",
        "mark lost: order masscan/target-order of ip_dst",
        "what was recovered of the run: position, rate_pps, seed, start_mod, start_s, target_count",
        "maker: masscan identification before, crafted inconclusive in the bundle",
        "conclusions about tools: masscan (identification before, inconclusive in the bundle)",
        "purposes: weighed otherwise",
    },
    "nmap_decoys_five": set(),
}


@pytest.fixture
def shared(tmp_path):
    """Return what shares a capture with a fixed key and gives the bundle's files by name."""
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))

    def bundle(path, *words):
        target = tmp_path / f"{Path(path).name}.zip"
        command = ["share", str(path), "-o", str(target), "--key", str(key), "--quiet", *words]
        assert cli.main(command) == ExitCode.EXAMINED
        with zipfile.ZipFile(target) as whole:
            return {name: whole.read(name) for name in whole.namelist()}

    return bundle


def rows_of(path):
    return join(batch.copy() for batch in open_inputs([str(path)]).batches())


def first(path, packets, target):
    """Write the first packets of a capture to a file."""
    batch = next(open_inputs([str(path)]).batches())
    with target.open("wb") as stream:
        writer = PcapWriter(stream, name="a test's")
        for row in range(min(packets, len(batch))):
            writer.write(batch, row)
    return target


def own_in(path, networks=()):
    """Return the own addresses among the packets that a bundle of a capture holds."""
    report = examine([str(path)])
    batch, scan_of, _ = _packets(
        str(path), Settings(), [one.id for one in (*report.scans, *report.floods)], keeps_payloads=False
    )
    own = Own(networks) if networks else Own.around(batch.words[scan_of > 0])
    held = [
        batch.words[own.hold(batch.words, side), word] for side, word in (("ip_src", f.IP_SRC), ("ip_dst", f.IP_DST))
    ]
    return np.unique(np.concatenate(held))


def lost(files):
    return [line[2:] for line in files["CHANGES"].decode().partition("beyond\n\n")[2].splitlines()]


def survivors(files, addresses, tmp_path):
    """Return where own addresses are left: words of decoded packets in both byte orders, octets, texts."""
    capture = tmp_path / "survivors.pcap"
    capture.write_bytes(files["scans.pcap"])
    words = rows_of(capture).words
    both = np.concatenate([addresses, addresses.byteswap()])
    found = [word for word in range(f.IP_SRC, f.WORDS) if np.isin(words[:, word], both).any()]
    found += [one for one in both.tolist() if one.to_bytes(4) in files["scans.pcap"]]
    texts = [b"%r" % str(ip_address(int(one))) for one in addresses]
    told = b"".join(content for name, content in files.items() if name != "scans.pcap")
    return found + [text for text in texts if text.strip(b"'") in told]


def test_the_scan_of_2000_is_shared_whole_and_tells_no_own_address(shared, tmp_path):
    files = shared(EXAMPLE)
    assert list(files) == ["README.txt", "scans.pcap", "report.json", "CHANGES", "SHA256SUMS"]
    assert lost(files) == [ALIKE]
    assert not survivors(files, own_in(EXAMPLE), tmp_path)
    again = tmp_path / "scans.pcap"
    again.write_bytes(files["scans.pcap"])
    before, after = examine([str(EXAMPLE)]).scans[0], examine([str(again)]).scans[0]
    assert before.markprint == after.markprint
    statements = [[one.statement for one in scan.toolmarks if "ip_dst" not in one.fields] for scan in (before, after)]
    assert statements[0] == statements[1]
    assert [(one.tool, one.conclusion) for one in before.maker.tools] == [
        (one.tool, one.conclusion) for one in after.maker.tools
    ]
    assert [one.address for one in before.sources] == [one.address for one in after.sources]
    assert {one.address for one in before.targets}.isdisjoint(one.address for one in after.targets)
    assert before.answers == after.answers


@pytest.mark.parametrize("name", LOST)
def test_kept_captures_conclude_alike_but_for_what_is_listed(name, shared, tmp_path):
    path = KEPT / f"{name}.pcap.gz"
    files = shared(path)
    listed = {line.partition(": ")[2] for line in lost(files)} - {"both are concluded alike"}
    assert {
        line for line in listed if "does not show payload" not in line and "only in the bundle" not in line
    } <= LOST[name]
    assert not survivors(files, own_in(path), tmp_path)


@needs_captures
@pytest.mark.parametrize(
    ("name", "packets", "tool"),
    [
        ("masscan_git_p80_default", 1200, "masscan"),
        ("masscan_shards_1of4", 1024, None),
        ("zmap_synscan_s31337", 12, "zmap"),
        ("nmap_decoys_rnd10", 4000, "nmap"),
        ("unicornscan_tcp_sweep", 128, "unicornscan"),
        ("hping3_rand_dest", 300, "hping"),
        ("pnscan_1_600", 3000, None),
    ],
)
def test_shared_captures_keep_marks_and_maker_and_give_no_state_back(name, packets, tool, shared, tmp_path):
    path = first(LAB / f"{name}.pcap", packets, tmp_path / "original.pcap")
    files = shared(path)
    assert not survivors(files, own_in(path), tmp_path)
    again = tmp_path / "scans.pcap"
    again.write_bytes(files["scans.pcap"])
    before, after = examine([str(path)]).scans[0], examine([str(again)]).scans[0]
    assert after.maker.tool == before.maker.tool == (tool or before.maker.tool)
    assert compare(before.markprint, after.markprint).same_structure
    relations = [{one.statement for one in scan.toolmarks if one.kind == "relation"} for scan in (before, after)]
    assert relations[0] == relations[1]
    if before.targets_total > 2:
        assert not SOLVED & set(after.maker.parameters)
        listed = " ".join(lost(files))
        assert all(one in listed for one in SOLVED & set(before.maker.parameters))


def test_what_the_report_says_of_tools_is_never_another_name(shared):
    """A wrong name is worse than none: fields that were replaced must not make another tool of it."""
    for name in ("nmap_os", "nmap_udp", "mausezahn_syn", "hping3_scan_500"):
        before = examine([str(KEPT / f"{name}.pcap.gz")])
        files = shared(KEPT / f"{name}.pcap.gz")
        after = type(before).from_json(files["report.json"])
        tools = [{scan.maker.tool for scan in report.scans} for report in (before, after)]
        assert tools[1] <= {*tools[0], None}


def test_the_same_key_gives_the_same_octets_and_another_key_others(tmp_path):
    def octets(name, *words):
        assert cli.main(["share", str(EXAMPLE), "-o", str(tmp_path / name), "--quiet", *words]) == ExitCode.EXAMINED
        return (tmp_path / name).read_bytes()

    key = ["--key", str(tmp_path / "key")]
    one = octets("one.zip", *key)
    assert one == octets("two.zip", *key)
    assert one != octets("three.zip")
    secret = (tmp_path / "key").read_bytes()
    assert len(secret) == 32
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(io.BytesIO(one)) as whole:
        for name in whole.namelist():
            assert secret not in whole.read(name)
            assert secret.hex().encode() not in whole.read(name)
        sums = dict(reversed(line.split("  ")) for line in whole.read("SHA256SUMS").decode().splitlines())
        assert sums == {n: hashlib.sha256(whole.read(n)).hexdigest() for n in whole.namelist() if n != "SHA256SUMS"}


def test_own_networks_that_are_named_are_replaced_and_no_others(shared, tmp_path):
    files = shared(EXAMPLE, "--own", "192.160.13.0/24")
    assert not survivors(files, own_in(EXAMPLE, ["192.160.13.0/24"]), tmp_path)
    assert b"172.16.1.101" in files["report.json"]
    again = tmp_path / "scans.pcap"
    again.write_bytes(files["scans.pcap"])
    sources = np.unique(rows_of(again).column("ip_src"))
    assert len(sources) == 3
    assert len(np.unique(sources >> 8)) == 1


def test_payloads_are_cut_unless_kept_and_one_with_an_own_address_is_never_kept(shared, tmp_path):
    path = KEPT / "nping_udp_default.pcap.gz"
    batch = rows_of(path)
    assert batch.words[:, f.PAYLOAD_LEN].any() or True
    target = int(own_in(path)[0])
    for words, shows in (((), False), (("--keep-payloads",), True)):
        files = shared(KEPT / "masscan_seed11_udp.pcap.gz", *words)
        again = tmp_path / "scans.pcap"
        again.write_bytes(files["scans.pcap"])
        rows = rows_of(again)
        probes = rows.words[:, f.PAYLOAD_LEN] > 0
        assert rows.present("payload_hash")[probes].any() == shows
    from craftmark.verbs.share import _harmless

    class Made:
        came_from = np.array([1, 0])

    told = [target.to_bytes(4), str(ip_address(target)).encode()]
    kept = _harmless({0: b"x" + told[0], 1: b"harmless"}, Made, told)
    assert kept == {0: b"harmless"}


def test_answers_follow_their_probes(shared, tmp_path):
    """Every SYN+ACK and RST acknowledges a probe that is there, as in the original."""
    path = KEPT / "nmap_syn_top1000.pcap.gz"
    files = shared(path)
    again = tmp_path / "scans.pcap"
    again.write_bytes(files["scans.pcap"])
    for rows in (rows_of(path), rows_of(again)):
        words = rows.words
        asked = words[:, f.TCP_FLAGS] == f.SYN
        sent = {tuple(row) for row in words[asked][:, [f.IP_SRC, f.IP_DST, f.SPORT, f.DPORT, f.SEQ]].tolist()}
        answers = words[words[:, f.TCP_FLAGS] & f.ACK_BIT != 0]
        answers = answers[answers[:, f.PROTOCOL] == f.TCP]
        assert len(answers) > 900
        back = answers[:, [f.IP_DST, f.IP_SRC, f.DPORT, f.SPORT]].tolist()
        acked = (answers[:, f.ACK] - np.uint32(1)).tolist()
        assert all((*row, ack) in sent for row, ack in zip(back, acked, strict=True))


def test_ipv6_addresses_are_replaced_too(tmp_path, shared):
    from scapy.layers.inet import TCP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    link = Ether(src="02:00:5e:00:53:01", dst="02:00:5e:00:53:02")  # named, or Scapy asks the network
    packets = [
        link / IPv6(src="2001:db8:1::1", dst=f"2a00:1:2:3::{n:x}") / TCP(sport=9, dport=80, flags="FPU")
        for n in range(1, 60)
    ]
    wrpcap(str(tmp_path / "six.pcap"), packets)
    files = shared(tmp_path / "six.pcap")
    again = tmp_path / "scans.pcap"
    again.write_bytes(files["scans.pcap"])
    rows = rows_of(again)
    assert len(rows) == 59
    assert len(np.unique(rows.column("ip_dst"))) == 59
    assert bytes.fromhex("2a00000100020003") not in files["scans.pcap"]
    assert b"2a00:1:2:3" not in b"".join(files.values())
    assert b"2001:db8:1::1" in files["report.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-"], "share needs the capture in a file"),
        ([str(ROOT / "examples" / "odd-scan-2000.snort.txt")], "name a capture"),
        ([f"{EXAMPLE}:S9"], "no scan or flood is called that"),
        ([str(EXAMPLE), "--key", str(ROOT / "README.md")], "a key has 32 octets"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_one_sentence(words, said, tmp_path, capsys):
    target = tmp_path / "out.zip"
    assert cli.main(["share", *words, "-o", str(target)]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert not target.exists()


def test_a_key_is_32_octets_that_are_kept_apart():
    assert Key(bytes(32)).sub("a") != Key(bytes(32)).sub("b")
