"""Frames written from rows are read back as the same rows, and hold nothing that the rows do not."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.export.frames import build, payload_of
from craftmark.packets import fields as f
from craftmark.packets.batch import join
from craftmark.packets.decode import Decoder, Frames, Located
from craftmark.sources.inputs import open_inputs
from tests.cases.captures import KEPT, PUBLIC, ROOT, needs_captures

EXAMPLE = ROOT / "examples" / "odd-scan-2000.pcap"
OF_A_PAYLOAD = {f.PRESENT, f.UNSEEN, f.PAYLOAD_HASH, f.PAYLOAD_HEAD}


def rows_of(path):
    return join(batch.copy() for batch in open_inputs([str(path)]).batches())


def read_back(built):
    raw, rows = built.batch.raw, len(built.rows)
    frames = Frames(raw.starts, raw.captured, raw.wire, raw.links, built.batch.ts_ns)
    return Decoder(rows).decode(Located(raw.octets, frames, rows, 1)).words


def differing(words, again):
    return {word for word in range(f.WORDS) if (words[:, word] != again[:, word]).any()}


@pytest.mark.parametrize(
    "path",
    [EXAMPLE, *(KEPT / f"{name}.pcap.gz" for name in ("nmap_syn_top1000", "nmap_arp_sweep", "masscan_seed12_ping"))],
    ids=lambda path: path.name,
)
def test_frames_are_read_back_as_the_rows_they_were_made_of(path):
    batch = rows_of(path)
    built = build(batch)
    assert not built.refused
    assert differing(batch.words, read_back(built)) <= OF_A_PAYLOAD


@needs_captures
@pytest.mark.parametrize("name", ["vlan.pcap", "qinq.pcap", "linux-sll.pcap", "gre.pcapng", "nmap-syn-old.pcap"])
def test_link_layers_and_tunnels_are_left_out(name):
    batch = rows_of(PUBLIC / name)
    built = build(batch)
    assert len(built.rows)
    differ = differing(batch.words[built.rows], read_back(built))
    assert differ <= OF_A_PAYLOAD | {f.NOTES, f.UDP_SUM}  # a cut payload counts as zeros


def test_wrong_checksums_are_wrong_again():
    batch = rows_of(EXAMPLE).take(slice(0, 8))
    batch.words[:4, f.NOTES] |= f.NOTE_SUM_BAD
    batch.words[2:6, f.NOTES] |= f.NOTE_IP_SUM_BAD
    assert not differing(batch.words, read_back(build(batch)))


def test_an_error_quotes_the_row_it_answers():
    batch = rows_of(KEPT / "nmap_udp.pcap.gz")
    errors = np.flatnonzero(batch.words[:, f.NOTES] & f.NOTE_QUOTE != 0)
    asked = np.flatnonzero(batch.words[:, f.PROTOCOL] == f.UDP)[:1]
    quoted = np.full(len(batch), -1)
    quoted[errors[0]] = asked[0]
    built = build(batch, quoted)
    assert [one.why for one in built.refused] == ["it quotes a packet that is not here"]
    row = read_back(built)[np.flatnonzero(built.rows == errors[0])[0]]
    probe = batch.words[asked[0]]
    assert (row[f.QUOTE_DST], row[f.QUOTE_SPORT], row[f.QUOTE_DPORT]) == tuple(probe[[f.IP_DST, f.SPORT, f.DPORT]])


def test_payloads_are_written_only_where_they_are_given():
    captured = next(open_inputs([str(KEPT / "masscan_seed12_ping.pcap.gz")]).batches())
    kept = {0: payload_of(captured, 0)}
    assert len(kept[0]) == captured.words[0, f.PAYLOAD_LEN] > 0
    rows = captured.take(slice(0, 2))
    again = read_back(build(rows, payloads=kept))
    assert again[0, f.PAYLOAD_HASH] == rows.words[0, f.PAYLOAD_HASH]
    assert not again[0, f.NOTES]
    assert again[1, f.UNSEEN] & f.visibility_bit(f.PAYLOAD_HASH)


def test_contents_of_unknown_options_are_zeros():
    batch = rows_of(EXAMPLE).take(slice(0, 1))
    batch.words[0, f.TCP_OFF] = 8
    batch.words[0, f.IP_LEN] += 12
    batch.words[0, [f.TCP_OPTIONS, f.TCP_OPTIONS_LOW]] = f.encode_layout(("NOP", "OTHER", "SACKOK"))
    built = build(batch)
    assert built.batch.raw.octets.tobytes().endswith(bytes((1, 28, 9, *[0] * 7, 4, 2)))
    assert not differing(batch.words, read_back(built))
