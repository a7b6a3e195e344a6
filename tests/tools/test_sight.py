from __future__ import annotations

import numpy as np

from craftmark.tools.sight import Sight
from tests.tools import dossiers as d
from tests.tools import rows


def test_decoys_share_a_draw_so_one_source_counts():
    assert Sight(rows.libnet(), ()).draws == 1024


def test_a_field_of_another_protocol_is_not_seen():
    assert Sight(d.udp(5), ()).field("tcp_seq") is None


def test_the_spread_of_ttls_is_taken_within_each_source():
    made = d.tcp(40, ip_src=np.arange(40) % 2 + 1, ip_ttl=np.where(np.arange(40) % 2, 60, 120))
    assert Sight(made, ()).ttl_spread == 0
    assert Sight(made, ()).ttl_range == (60, 120)


def test_targets_are_pairs_of_address_and_port():
    assert Sight(d.tcp(40, ip_dst=np.arange(40) // 2 + 1, tcp_dport=np.arange(40) % 2), ()).targets == 40
    assert Sight(d.tcp(40, tcp_dport=80), ()).targets == 1


def test_steps_are_found_over_all_probes_or_within_each_source():
    both = np.repeat(np.arange(20), 2)
    made = d.tcp(40, ip_src=np.arange(40) % 2 + 1, tcp_sport=both + 1000)
    assert Sight(made, ()).steps("tcp_sport", 1) == (38, 38)


def test_a_text_has_its_denominator():
    assert Sight(rows.libnet(), ()).text("tcp_seq") == "tcp_seq = 0xA1D95 in 3,072 of 3,072"
    assert Sight(d.unseen(rows.libnet(), "tcp_seq"), ()).text("tcp_seq") == "tcp_seq unseen"
