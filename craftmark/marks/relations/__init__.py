"""Relations among header fields: what rules name, and what is discovered without any rule.

Found in this order, each told once: the rules' own (``named``), xor of fields and their halves (``formulas``), sums
and multiples (``sums``), single bits (``bits``). ``headers`` says who decides a field, ``proof`` what a relation
proves, ``phrasing`` how it is said, ``told`` what has been said already.
"""

from __future__ import annotations

from craftmark.marks.relations.family import infer

__all__ = ["infer"]
