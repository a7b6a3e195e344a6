"""What each tool's defaults look like on the wire, as dossiers: one function per row of what tools were seen to send.

Values are drawn by a seeded generator of the test's own; hops are four, as TTL as sent minus four.
"""

from __future__ import annotations

import numpy as np

from tests.tools import dossiers as d

N = 300
#: Probes of ZMap, few enough that nobody asks why its walk does not show in made-up targets.
WALKLESS = 150
HOPS = 4
LINUX = ("MSS", "SACKOK", "TS", "NOP", "WS")
WINDOWS = ("MSS", "NOP", "WS", "NOP", "NOP", "SACKOK")
OPENBSD = ("MSS", "NOP", "NOP", "SACKOK", "NOP", "WS", "NOP", "NOP", "TS")


def _draw(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _words(seed: int, bits: int, n: int = N) -> np.ndarray:
    return _draw(seed).integers(0, 1 << bits, n, dtype=np.uint64)


def _targets(n: int = N) -> np.ndarray:
    return np.arange(n) * 7919 % 65536 + 0xC6120000


def nmap(bits: int = 2, **columns):
    """-sS and its like: TTL and ID drawn per packet, one mirrored sequence number."""
    options = ("MSS",) if bits & 2 else ()
    key, value = 0x5A17, 0x0002
    mirrored = ((value << 16 | value) ^ (0x1234 << 16 | (0x1234 ^ key))) & 0xFFFFFFFF
    seq, ack = (0, mirrored) if bits & 16 else (mirrored, 0)
    given = {"tcp_mss": 1460} if options else {}
    return d.tcp(
        N, bits, options, ip_id=_words(1, 16), ip_ttl=_draw(2).integers(37, 60, N) - HOPS, tcp_seq=seq, tcp_ack=ack,
        tcp_sport=39951, tcp_dport=_draw(3).permutation(N) + 1, **given, **columns,
    )  # fmt: skip


def nmap_before_2011():
    """The old window law: 1024 * (TTL mod 4 + 1)."""
    ttl = _draw(4).integers(37, 60, N)
    return d.tcp(
        N, 2, ("MSS",), ip_id=_words(5, 16), ip_ttl=ttl - HOPS, tcp_seq=0x12345A17, tcp_sport=36050, tcp_mss=1460,
        tcp_win=1024 * (ttl % 4 + 1),
    )  # fmt: skip


def masscan(window: int = 1024, options=(), ttl: int = 255, **columns):
    """The IP ID is a function of target, port and sequence number."""
    seq, dst = _words(6, 32), _targets()
    given = {"tcp_mss": 1460} if options else {}
    return d.tcp(
        N, 2, options, ip_dst=dst, ip_id=(dst.astype(np.uint64) ^ 80 ^ seq) & 0xFFFF, ip_ttl=ttl - HOPS, tcp_seq=seq,
        tcp_win=window, tcp_dport=80, **{"tcp_sport": 59202} | given | columns,
    )  # fmt: skip


def zmap_2(probes=WALKLESS, **columns):
    """ZMap 2.1.1: IP ID 54321, window 65535, no options, TTL 255."""
    given = {"tcp_sport": _draw(8).integers(32768, 61001, probes), **columns}
    return d.tcp(
        probes, 2, (), ip_dst=_targets()[:probes], ip_id=54321, ip_ttl=255 - HOPS,
        tcp_seq=_words(7, 32)[:probes], tcp_win=65535, tcp_dport=22, **given,
    )  # fmt: skip


def zmap_4(probes=WALKLESS, **columns):
    """ZMap 4.1 and later: the options of Windows, TTL 64, DF clear."""
    given = {"tcp_sport": _draw(8).integers(32768, 61001, probes), **columns}
    return d.tcp(
        probes, 2, WINDOWS, ip_dst=_targets()[:probes], ip_id=_words(9, 16)[:probes], ip_ttl=64 - HOPS,
        tcp_seq=_words(7, 32)[:probes], tcp_win=65535, tcp_dport=22, tcp_mss=1460, tcp_wscale=8, **given,
    )  # fmt: skip


def unicornscan(key: int = 0x22F1C90D):
    """The sequence number hides target and ports under one key; the options of OpenBSD."""
    dport, sport = np.arange(1, N + 1), _draw(10).integers(4100, 65500, N)
    swapped = np.uint64(int.from_bytes(d.TARGET.to_bytes(4, "big"), "little"))
    seq = (np.uint64(key) ^ swapped ^ ((dport << 16) + sport).astype(np.uint64)) & np.uint64(0xFFFFFFFF)
    return d.tcp(
        N, 2, OPENBSD, ip_id=_words(11, 16), ip_ttl=64 - HOPS, ip_flags=2, tcp_seq=seq, tcp_win=16384, tcp_sport=sport,
        tcp_dport=dport, tcp_mss=1436, tcp_wscale=0, tcp_tsval=0x7A3B0011, tcp_tsecr=0,
    )  # fmt: skip


def naabu():
    """The sequence number counts up from 0."""
    return d.tcp(N, 2, ("MSS",), ip_id=0, ip_ttl=251, tcp_seq=np.arange(N), tcp_win=1024, tcp_sport=40125, tcp_mss=1460)


def p0f_sendsyn():
    """Window 1337, MSS 1331, TTL 192."""
    return d.tcp(N, 2, ("MSS",), ip_id=0, ip_ttl=188, tcp_seq=_words(40, 32), tcp_win=1337, tcp_mss=1331)


def nmap_loop():
    """A run of nmap per probe: nothing stays the same from one to the next."""
    return d.tcp(
        N, 2, ("MSS",), ip_id=_words(42, 16), ip_ttl=_draw(43).integers(37, 60, N) - HOPS, tcp_seq=_words(41, 32),
        tcp_sport=_draw(44).integers(33000, 65000, N), tcp_mss=1460,
    )  # fmt: skip


def mirai():
    """The sequence number is the target's address."""
    dst = _words(12, 32)
    ports = np.where(np.arange(N) % 10 == 0, 2323, 23)
    return d.tcp(
        N, 2, (), ip_dst=dst, ip_id=_words(13, 16), ip_ttl=64 - HOPS, tcp_seq=dst, tcp_win=24519, tcp_sport=31022,
        tcp_dport=ports,
    )  # fmt: skip


def hping(bits: int = 0, **columns):
    """Random numbers below 2^31 in sequence and acknowledgment number, source port plus one."""
    given = {
        "ip_id": _words(14, 16), "ip_ttl": 64 - HOPS, "tcp_seq": _words(15, 31), "tcp_ack": _words(16, 31),
        "tcp_win": 512, "tcp_sport": np.arange(N) + 1635, "tcp_dport": np.arange(1, N + 1), **columns,
    }  # fmt: skip
    return d.tcp(N, bits, (), **given)


def nping(**columns):
    """One ID, sequence number and source port per run; window 1480."""
    given = {"ip_id": 61176, "ip_ttl": 60, "tcp_seq": 0x1DDCF149, "tcp_win": 1480, "tcp_sport": 60067, **columns}
    return d.tcp(N, 2, (), **given)


def scapy(**columns):
    """IP ID 1, source port 20, sequence number 0, window 8192."""
    given = {"ip_id": 1, "ip_ttl": 60, "tcp_seq": 0, "tcp_win": 8192, "tcp_sport": 20, **columns}
    return d.tcp(N, 2, (), **given)


def mausezahn():
    """42 and 42, window 10000 and a fixed option block."""
    return d.tcp(
        N, 2, LINUX, ip_id=0, ip_ttl=251, tcp_seq=42, tcp_ack=42, tcp_win=10000, tcp_sport=0, tcp_mss=1452,
        tcp_wscale=5, tcp_tsval=0x193590C3, tcp_tsecr=0,
    )  # fmt: skip


def nemesis():
    """TTL 255, window 4096, everything else drawn per packet."""
    return d.tcp(
        N, 2, (), ip_id=_words(17, 16), ip_ttl=251, tcp_seq=_words(18, 31), tcp_ack=_words(19, 31), tcp_win=4096,
        tcp_sport=_words(20, 16),
    )  # fmt: skip


def sendip():
    """Source port 0, window 65535, TTL 255."""
    return d.tcp(N, 2, (), ip_id=_words(21, 16), ip_ttl=251, tcp_seq=_words(22, 32), tcp_win=65535, tcp_sport=0)


def tutorial():
    """The raw-socket tutorial's SYN flooder, on a little-endian machine."""
    return d.tcp(N, 2, (), ip_id=0, ip_ttl=251, tcp_seq=_words(23, 31), tcp_win=65535, tcp_sport=1234, tcp_dport=80)


def juno():
    """Two source ports, one IP ID, the options of an old Windows."""
    return d.tcp(
        N, 2, ("MSS", "NOP", "NOP", "SACKOK"), ip_id=0x02FE, ip_ttl=124, ip_flags=2, tcp_seq=_words(24, 31),
        tcp_ack=_words(25, 31), tcp_win=8192, tcp_sport=1024 + 2048 * _draw(26).integers(0, 2, N), tcp_dport=80,
        tcp_mss=1460,
    )  # fmt: skip


def icmpush():
    """TTL 254 and IP ID 13170."""
    return d.icmp(8, (13, 0), ip_id=13170, ip_ttl=250, icmp_id=0, icmp_seq=0, payload_len=12)


def libnet(bits: int = 0b1101, probes: int = 1024, **columns):
    """The sample values of libnet 1.0, FIN+RST+PSH from port 31337, three sources in turn."""
    total = 3 * probes
    given = {
        "ip_src": 0xC0A00D00 + np.array([4, 7, 6])[np.arange(total) % 3], "ip_id": 242, "ip_tos": 0x10, "ip_ttl": 44,
        "tcp_seq": 0xA1D95, "tcp_ack": 0x53, "tcp_win": 1024, "tcp_sport": 31337,
        "tcp_dport": np.arange(total) // 3 + 1, "payload_len": 0, **columns,
    }  # fmt: skip
    return d.tcp(total, bits, (), **given)


def linux(**columns):
    """A connect scan by Linux itself."""
    given = {
        "ip_id": _words(27, 16), "ip_ttl": 60, "ip_flags": 2, "tcp_seq": _words(28, 32), "tcp_win": 64240,
        "tcp_sport": _draw(29).integers(32768, 61000, N), "tcp_mss": 1460, "tcp_wscale": 10,
        "tcp_tsval": _words(30, 32), "tcp_tsecr": 0, **columns,
    }  # fmt: skip
    return d.tcp(N, 2, LINUX, **given)


def nmap_udp(**columns):
    """-sU of two services, two questions each to the first: one IP ID per target and port."""
    ids = np.repeat(_words(1, 16, N // 2), 2)
    return d.udp(
        N, ip_id=ids, ip_ttl=_draw(2).integers(37, 60, N) - HOPS, udp_sport=33205, udp_dport=53, ip_dst=_targets(),
        payload_len=12, **columns,
    )  # fmt: skip


def nmap_cookie_echo():
    """-sZ: a COOKIE ECHO with a verification tag drawn for each."""
    given = {"sctp_sport": 49010, "sctp_dport": np.arange(N), "sctp_vtag": _words(11, 32), "sctp_chunk": 10}
    return d.dossier(132, N, {"ip_id": _words(1, 16), "ip_ttl": _draw(2).integers(37, 60, N) - HOPS, **given})


def hping_fragments():
    """-f: one IP ID below 256 for all, the first fragment holds the ports, numbers and window."""
    return d.tcp(
        N, 2, (), ip_flags=1, ip_id=208, ip_ttl=64 - HOPS, tcp_seq=_words(12, 31), tcp_ack=_words(13, 31), tcp_win=512,
        tcp_sport=np.arange(N) + 2039,
    )  # fmt: skip


def masscan_dns():
    """-pU:53: the IP ID is made of target, port and the number of the query."""
    dst, number = _targets(), _words(14, 16)
    ids = (dst.astype(np.uint64) ^ 53 ^ number) & 0xFFFF
    return d.udp(
        N, ip_dst=dst, ip_id=ids, ip_ttl=255 - HOPS, udp_sport=50588, udp_dport=53, payload_len=31,
        payload_head=number << 16 | 0x0100,
    )  # fmt: skip


def mausezahn_icmp():
    """-t icmp type=8: the source's own address where redirects have the gateway's."""
    return d.icmp(N, ip_dst=_targets(), icmp_id=0xC000, icmp_seq=0x0202, ip_id=0, ip_ttl=255 - HOPS)


def scapy_sctp():
    """SCTP()/SCTPChunkInit() at defaults."""
    given = {"sctp_sport": 0, "sctp_dport": np.arange(N), "sctp_vtag": 0, "sctp_chunk": 1}
    return d.dossier(132, N, {"ip_id": 1, "ip_ttl": 64 - HOPS, **given})
