"""How surprising what a tool's probes show would be from anybody else's code.

The null has two kinds of other maker (see likelihood.py). Makers with a rule are asked by name: what does the rule
send by default, and what would it cost their users to set the rest to what is seen? So a value that several unrelated
tools share is weak evidence, and one that only a single lineage sends is strong. Makers without a rule pick each field
by habit: round values are cheap, odd ones dear. Relations between fields have no habit: each independent test of one
costs its width in bits. Numbers are log10 and never above 0; each is an estimate of habit, not a measured rate, and is
capped where the estimate would claim more than anybody can know.
"""

from __future__ import annotations

from math import e, lgamma, log, log10
from typing import Final

from craftmark.packets.fields import FIELDS

#: Share of probes that code without a rule sends; the rest is shared evenly among the rules.
UNKNOWN_SHARE: Final = 0.1
#: log10 chance from which a tool is identified.
BOUND: Final = -6.0
#: No statement about a relation claims less than this.
RELATION_FLOOR: Final = -300.0
#: Chance that the user of a tool sets a given option in a run.
OPTION_USED: Final = 0.1
#: Chance that somebody edits a given line of a sample, or that a router rewrites a given field.
EDITED: Final = 0.1
REWRITTEN: Final = 0.05
#: Chance that somebody changed and rebuilt a tool so that it sends what no option of it sets.
REBUILT: Final = 1e-4
#: Chance that a changed behaviour (a counter made random, a constant made to vary) is what was wanted.
BEHAVIOUR_CHANGED: Final = 0.01
#: Decades that stand for "cannot".
HOPELESS: Final = 1000.0
#: Routers between sender and capture, at most.
HOPS_MOST: Final = 32
#: Initial TTLs that makers use, with their habit.
INITIAL_TTLS: Final = {32: 0.03, 48: 0.02, 60: 0.02, 64: 0.45, 128: 0.15, 192: 0.01, 254: 0.01, 255: 0.22}

_ROUND_SHARE: Final = 1 / 60
_ODD_SHARE: Final = 1 / 4096
_ODD_SHARE_32: Final = 2.0**-20
#: Habits that hold whatever tool: (field, value): share of makers.
_HABITS: Final = {
    ("ip_tos", 0): 0.9, ("ip_flags", 0): 0.45, ("ip_flags", 2): 0.5, ("ip_id", 0): 0.15, ("ip_ihl", 5): 0.98,
    ("tcp_ack", 0): 0.85, ("tcp_urp", 0): 0.95, ("tcp_reserved", 0): 0.97, ("tcp_mss", 1460): 0.6,
    ("tcp_seq", 0): 0.1, ("tcp_off", 5): 0.5, ("tcp_sport", 0): 0.02, ("payload_len", 0): 0.6, ("icmp_code", 0): 0.95,
    ("icmp_seq", 0): 0.2, ("icmp_id", 0): 0.1, ("tcp_win", 0): 0.02, ("udp_sum", 0): 0.05, ("tcp_tsecr", 0): 0.95,
    ("tcp_flags", 2): 0.6, ("udp_sport", 53): 0.05, ("udp_sport", 500): 0.02, ("ip_frag", 0): 0.98,
    # An INIT carries no tag (RFC 9260 section 3.3.2): whoever sends one sends 0.
    ("sctp_chunk", 1): 0.8, ("sctp_vtag", 0): 0.8,
}  # fmt: skip
#: Share of makers without a rule that draw a field anew for each probe.
_DRAWN: Final = {"tcp_ack": 0.06, "tcp_win": 0.02, "tcp_dport": 0.3, "ip_id": 0.6, "tcp_seq": 0.6, "icmp_id": 0.1,
                 "icmp_seq": 0.1}  # fmt: skip
_SMALL: Final = {4: 1 / 12, 3: 0.02, 8: 1 / 20}
_ROUND: Final = frozenset(
    {0} | {1 << bit for bit in range(17)} | {(1 << bit) - 1 for bit in range(1, 33)}
    | {1000 * n for n in range(1, 66)} | {1 << 31, 5840, 64240, 29200, 1460, 1234, 12345, 31337}
)  # fmt: skip


def value_chance(name: str, value: int) -> float:
    """Return the share of unknown makers that send this value in this field as a constant."""
    if (name, value) in _HABITS:
        return _HABITS[name, value]
    bits = FIELDS[name].bits
    if bits <= 8:
        return _SMALL.get(bits, 1 / 20)
    if value in _ROUND:
        return _ROUND_SHARE
    return _ODD_SHARE_32 if bits > 16 else _ODD_SHARE


def drawn_chance(name: str) -> float:
    """Return the share of unknown makers that draw a field anew for each probe."""
    return _DRAWN.get(name, 0.4)


def option_layout_chance(layout: tuple[str, ...]) -> float:
    """Return the share of unknown makers whose segments carry exactly these options."""
    if not layout:
        return 0.6
    return 0.1 if layout == ("MSS",) else max(0.05 * 0.5 ** (len(layout) - 2), 1e-4)


def ttl_chance(arrivals: tuple[int, int]) -> float:
    """Return the share of unknown makers whose packets can arrive with TTLs from least to most."""
    least, most = arrivals
    return min(sum(s for ttl, s in INITIAL_TTLS.items() if ttl >= most and ttl - least <= HOPS_MOST), 0.9) or 0.02


def drawn_ttl_chance(draws: int, width: int, *, full: bool) -> float:
    """Return log10 of the chance that other code draws a TTL per packet and stays inside a window.

    One maker in a hundred varies it at all; those that do draw from a range at least as wide as 64. Of those that
    choose a narrow one, one in thirty has just this width, shown where many draws fill the window (``full``).
    """
    filled = log10(1 / 30) if full and draws >= 5 * width else 0.0
    return -2.0 + max(-3.0, max(draws - 1, 0) * log10(min(width / 64, 1.0))) + filled


def few_values(draws: int, distinct: int, bits: float) -> float:
    """Return log10 of (a bound on) the chance that random draws of ``bits`` bits take at most ``distinct`` values.

    One value: exactly ``-(draws - 1) * bits * log10(2)``. More: the union bound over which values they are.
    """
    if draws <= 1 or distinct >= draws:
        return 0.0
    space = 2.0**bits
    if distinct <= 1:
        return -(draws - 1) * bits * log10(2)
    return min(_choose(space, distinct) + draws * log10(distinct / space), 0.0)


def _choose(space: float, chosen: int) -> float:
    """Return log10 of an upper bound of the binomial coefficient, exact enough where space is huge."""
    if chosen > space / 2:
        return space * log10(2)
    return min(chosen * log10(space * e / chosen), (chosen * log(space) - lgamma(chosen + 1)) / log(10))


def unlike_run(values: int, width: int, bits: int) -> float:
    """Return the share of makers that keep ``values`` different values inside a range of a field.

    Ranges are habits (the ephemeral ports, say): beyond four values more of them add nothing.
    """
    return max((width / 2.0**bits) ** min(values, 4), 0.02)


def confidence(log10_chance: float, settings: int, *, sampled: bool) -> float:
    """Return how sure an identification is: 0.96 at the bound, never above 0.99.

    Measured (docs/accuracy.md): of the identifications in samples of one to fifty probes none was wrong, with the
    tool's rule known or held out; what is kept back stands for makers that no lab has.
    """
    beyond = min(max(BOUND - log10_chance, 0.0), 24.0) / 24.0
    sure = 0.96 + 0.03 * beyond - 0.01 * min(settings, 5)
    return round(sure - (0.01 if sampled else 0.0), 3)
