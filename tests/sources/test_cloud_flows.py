"""Flow logs of clouds and of telescopes: Google Cloud, Azure, CAIDA's FlowTuple."""

from __future__ import annotations

import io
import json
import zlib

import pytest

from craftmark.errors import ExitCode, SourceError
from craftmark.packets import fields as f
from craftmark.pipeline import examine
from fuzz.seeds import flow_tuples
from tests.sources.texts import ends, read, shown


def gcp(port, **more):
    connection = {"src_ip": "192.0.2.7", "dest_ip": "198.51.100.9", "src_port": 4000, "dest_port": port, "protocol": 6}
    payload = {"connection": connection, "start_time": "2024-05-20T17:06:45.061034Z", **more}
    return json.dumps({"insertId": "x", "jsonPayload": payload, "timestamp": "2024-05-20T17:07:00Z"})


def test_google_clouds_records_show_ends_and_connections():
    lines = [gcp(22, packets_sent="1", bytes_sent="40"), gcp(80, packets_sent="9", bytes_sent="4000"), '{"a": 1}']
    batch, told = read("\n".join(lines) + "\n")
    assert (told.format, told.damage, len(batch)) == ("gcpflow", [], 3)
    assert shown(batch, 0)["tcp_dport"] == 22
    assert batch.ts_ns[0] == 1_716_224_805_061_034_000
    assert batch.unseen("tcp_flags").tolist() == [True, True, False]
    assert batch.unseen("ip_len").all()  # packets are sampled: one of them is no length
    assert shown(batch, 2)["tcp_flags"] == f.ACK_BIT
    assert any("sampled" in note for note in told.notes)


def test_google_clouds_firewall_log_and_an_array_over_many_lines():
    record = json.loads(gcp(22))
    del record["jsonPayload"]["start_time"]
    batch, told = read(json.dumps([record, record], indent=1))
    assert (told.format, told.damage, len(batch)) == ("gcpflow", [], 2)
    assert batch.ts_ns[0] == 1_716_224_820_000_000_000


def azure(*tuples, groups="flowGroups"):
    flows = [{"aclID": "x", groups: [{"rule": "r", "flowTuples": list(tuples)}]}]
    return json.dumps({"records": [{"time": "2022-09-14T09:00:52.56Z", "flowRecords": {"flows": flows}}]})


TUPLES = (
    "1663146003599,192.0.2.7,198.51.100.9,4000,443,6,I,D,NX,0,0,0,0",
    "1663146003606,192.0.2.7,198.51.100.9,4001,80,6,I,B,NX,0,0,0,0",
    "1663146003637,192.0.2.7,198.51.100.9,4001,80,6,I,E,NX,9,4100,8,9000",
    "1663146003640,2001:db8::7,2001:db8::9,5,53,17,I,B,NX,0,0,0,0",
    "1663146003640,192.0.2.7,198.51.100.9,5,53,17,I,E,NX,1,60,1,90",
)
OLD_TUPLES = (
    "1542110377,192.0.2.7,198.51.100.9,35370,23,T,I,D",
    "1542110379,192.0.2.7,198.51.100.9,35370,24,T,I,D,B,,,,",
    "1542110424,192.0.2.7,198.51.100.9,56509,59923,T,O,A,B,,,,",
    "1542110437,192.0.2.7,198.51.100.9,59831,443,U,O,A,E,1,66,1,66",
)


def test_azures_tuples_show_what_opens_a_flow_and_what_follows():
    batch, told = read(azure(*TUPLES))
    assert (told.format, told.damage) == ("azureflow", [])
    seen = [(shown(batch, row).get("tcp_dport"), shown(batch, row).get("tcp_flags")) for row in range(len(batch))]
    assert seen == [(443, None), (80, None), (80, f.ACK_BIT), (None, None), (None, None)]
    assert ends(batch, 4) == ("198.51.100.9", "192.0.2.7")  # the answer alone: the question began before
    assert batch.ts_ns[0] == 1_663_146_003_599_000_000


def test_azures_older_tuples_are_read_too():
    batch, told = read(azure(*OLD_TUPLES, groups="flows"))
    assert (told.format, told.damage, len(batch)) == ("azureflow", [], 4)
    assert [shown(batch, row).get("tcp_dport") for row in range(3)] == [23, 24, 59923]
    assert batch.ts_ns[0] == 1_542_110_377_000_000_000


@pytest.mark.parametrize("pad", [0, 17, 65_400, 65_530, 70_000])
def test_a_tuple_across_pieces_of_a_long_line_is_read_once(pad):
    batch, told = read(azure(*[TUPLES[0]] * 3, "x" * pad, *[TUPLES[0]] * 2000))
    assert (len(batch), told.damage) == (2003, [])


def test_a_scan_of_denied_flows_is_found(tmp_path):
    path = tmp_path / "PT1H.json"
    path.write_text(
        azure(*(f"1663146003{n:03},192.0.2.7,198.51.100.9,4000,{n},6,I,D,NX,0,0,0,0" for n in range(1, 99)))
    )
    found = examine(path)
    assert found.inputs[0].packets == 98
    assert found.inputs[0].format == "azureflow"


RECORD = {
    "time": 1_600_000_000, "src_ip": 0xC0000207, "dst_ip": 0xC6336409, "src_port": 4000, "dst_port": 23, "protocol": 6,
    "ttl": 44, "tcp_flags": 2, "ip_len": 40, "tcp_synlen": 20, "tcp_synwinlen": 1024, "packet_cnt": 3,
    "is_spoofed": 0, "is_masscan": 0, "maxmind_country": "NL", "prefix2asn": 64500,
}  # fmt: skip


def opened(data, tmp_path):
    path = tmp_path / "flows.avro"
    path.write_bytes(data)
    return examine(path), path


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_flowtuples_show_all_but_what_differs_within_an_interval(codec):
    records = [RECORD, {**RECORD, "protocol": 1, "src_port": 8, "dst_port": 0, "ip_len": 84, "tcp_flags": 0}]
    batch, told = read(flow_tuples(records, codec))
    assert (told.format, told.damage, len(batch)) == ("flowtuple", [], 2)
    first = shown(batch, 0)
    wanted = {"ip_ttl": 44, "ip_len": 40, "tcp_flags": 2, "tcp_dport": 23, "tcp_win": 1024, "tcp_off": 5}
    assert {name: first.get(name) for name in wanted} == wanted
    assert ends(batch, 0) == ("192.0.2.7", "198.51.100.9")
    assert shown(batch, 1)["icmp_type"] == 8
    assert {"ip_id", "tcp_seq"} <= set(told.unseen)


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_flowtuples_that_fastavro_writes_are_read_alike(codec):
    fastavro = pytest.importorskip("fastavro")
    kinds = {int: "long", str: "string"}
    schema = {
        "type": "record", "name": "flowtuple", "namespace": "org.caida.corsaro",
        "fields": [{"name": name, "type": kinds[type(value)]} for name, value in RECORD.items()],
    }  # fmt: skip
    records = [{**RECORD, "dst_port": port, "dst_ip": 2**32 - port} for port in range(1, 9000)]
    out = io.BytesIO()
    fastavro.writer(out, schema, records, codec=codec)
    batch, told = read(out.getvalue())
    assert (len(batch), told.damage) == (8999, [])
    assert batch.column("tcp_dport").tolist() == list(range(1, 9000))
    ours, _ = read(flow_tuples(records, codec))
    assert (ours.words == batch.words).all()


def test_every_cut_of_a_flowtuple_file_keeps_a_prefix_and_says_so():
    data = flow_tuples([{**RECORD, "dst_port": port} for port in range(1, 40)], "null", per_block=5)
    whole = read(data)[0].column("tcp_dport").tolist()
    for cut in range(len(data) - 200, len(data)):
        batch, told = read(data[:cut])
        ports = batch.column("tcp_dport").tolist()
        assert ports == whole[: len(ports)]
        assert told.damage or len(ports) % 5 == 0


def test_a_bomb_in_a_block_is_damage_and_what_is_no_flowtuple_is_refused():
    data = flow_tuples([RECORD], "deflate")
    packed = zlib.compress(bytes(80_000_000), 9)[2:-4]
    sizes = b"".join(number_of(n) for n in (10**6, len(packed)))
    batch, told = read(data + sizes + packed + data[-16:])
    assert len(batch) == 1
    assert "a block of more than" in told.damage[0].what
    with pytest.raises(SourceError, match="version 4") as refused:
        read(flow_tuples([{**RECORD, "dst_net": 1}], "null"))
    assert refused.value.code == ExitCode.UNKNOWN_FORMAT
    with pytest.raises(SourceError, match="not of FlowTuple"):
        read(flow_tuples([{"name": 1}], "null"))


def number_of(value):
    value <<= 1
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def test_a_tuple_with_a_time_that_cannot_be_is_damage():
    batch, told = read(azure(TUPLES[0], TUPLES[0].replace("1663146003599", "9999999999999")))
    assert len(batch) == 1
    assert "time that cannot be" in told.damage[0].what
