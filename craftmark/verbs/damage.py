"""Telling on stderr where an input was damaged, whatever the verb."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from craftmark.render.escape import visible

if TYPE_CHECKING:
    from craftmark.report.document import Report


def warn_of_damage(report: Report) -> None:
    """Tell the first damage of each input, and how much of it was examined."""
    for one in report.inputs:
        if one.damage_total and not one.packets:
            what = one.damage[0].what if one.damage else "not examined"
            sys.stderr.write(visible(f"craftmark: {one.name}: {what}") + "\n")
        elif one.damage_total:
            first = one.damage[0] if one.damage else None
            where = f" at packet {first.packet:,}, byte {first.byte:,}: {first.what}" if first else ""
            others = one.damage_total - 1
            more = f" (and {others:,} more {'place' if others == 1 else 'places'})" if others else ""
            rest = "1 packet of it was examined" if one.packets == 1 else f"{one.packets:,} packets of it were examined"
            sys.stderr.write(visible(f"craftmark: {one.name}: damaged{where}{more}; {rest}") + "\n")
